import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecidedBy } from '../../../src/conversation/ports.ts';
import type { Author } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  attempt,
  claim,
  community,
  DELIVERED,
  nextId,
  NOTICE,
  person,
  run,
  settlement,
  spent,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;
const by = (author: Author): DecidedBy => ({ user: author.id, adminOf: null, isOperator: false });

describe.each(databaseKinds)('settlement on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const later = async <Result>(ms: number, work: () => Promise<Result>): Promise<Result> => {
    clock = NOON + ms;
    try {
      return await work();
    } finally {
      clock = NOON;
    }
  };
  const turnRow = async (id: string) => {
    const [row] = await database.sql`
      select state, epoch, notice, unreachable, lease_owner, delivered_at is not null as delivered from turns where id = ${id}`;
    return row;
  };
  const usageRows = (id: string) => database.sql`
    select attempt, requests, prompt_tokens, completion_tokens, cost_nano_usd::text as cost, source from usage
    where turn_id = ${id} order by epoch, attempt`;

  it('books a turn once, however often it is settled at once', async () => {
    const author = person();
    const turn = await run(store.turns, admission({ author, chat: nextId() }));
    const results = await Promise.all(Array.from({ length: 8 }, () => store.turns.settle(settlement(turn))));
    expect(results.filter((result) => result.kind === 'settled')).toHaveLength(1);
    expect(results.filter((result) => result.kind !== 'settled')).toEqual(
      Array.from({ length: 7 }, () => ({ kind: 'already_settled', state: 'generated', fate: null })),
    );
    expect(await usageRows(turn.id)).toHaveLength(1);
  });

  it('lets the holds go and keeps the lease for the delivery', async () => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
    await store.turns.settle(settlement(turn));
    expect(await database.sql`select 1 from quota_holds where turn_id = ${turn.id}`).toHaveLength(0);
    expect(await turnRow(turn.id)).toMatchObject({
      state: 'generated',
      lease_owner: 'one',
      delivered: false,
    });
    await store.turns.markDelivered(turn, DELIVERED);
    expect(await turnRow(turn.id)).toMatchObject({ state: 'delivered', lease_owner: null, delivered: true });
  });

  it('charges each attempt and counts the request once, on the last one that took something', async () => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
    const attempts = [
      attempt({ index: 0, outcome: 'failed', failure: 'overloaded', usage: null }),
      attempt({ index: 1, outcome: 'failed', failure: 'timeout', usage: spent(80, 0) }),
      attempt({ index: 2 }),
    ];
    await store.turns.settle(settlement(turn, { attempts }));
    expect(await usageRows(turn.id)).toEqual([
      { attempt: 1, requests: 0, prompt_tokens: 80, completion_tokens: 0, cost: '0', source: 'reported' },
      { attempt: 2, requests: 1, prompt_tokens: 100, completion_tokens: 20, cost: '0', source: 'reported' },
    ]);
    const stored =
      await database.sql`select index, outcome, failure from attempts where turn_id = ${turn.id} order by index`;
    expect(stored).toEqual([
      { index: 0, outcome: 'failed', failure: 'overloaded' },
      { index: 1, outcome: 'failed', failure: 'timeout' },
      { index: 2, outcome: 'answered', failure: null },
    ]);
  });

  it('gives the request back when no attempt took anything', async () => {
    const author = person();
    const limits = { defaults: { user: { requests_day: 1 }, guild: {}, instance: {} } };
    const turn = await run(store.turns, admission({ author, chat: nextId() }, limits));
    const refusals = [
      attempt({ outcome: 'failed', failure: 'rate_limited', usage: null, firstTokenMs: null }),
    ];
    await store.turns.settle(
      settlement(turn, { state: 'failed', answer: null, attempts: refusals, notice: NOTICE }),
    );
    expect(await usageRows(turn.id)).toHaveLength(0);
    await run(store.turns, admission({ author, chat: nextId() }, limits));
  });

  it('completes an attempt whose generation was stored while it ran', async () => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
    const start = { index: 0, provider: 'openrouter', model: 'acme/small:free', generationId: 'gen-early' };
    await store.turns.attemptStarted(turn, start);
    await store.turns.attemptStarted(turn, start);
    await store.turns.settle(settlement(turn, { attempts: [attempt({ generationId: null })] }));
    const stored = await database.sql`select generation_id, outcome from attempts where turn_id = ${turn.id}`;
    expect(stored).toEqual([{ generation_id: 'gen-early', outcome: 'answered' }]);
  });

  it('has a generation in one attempt only, the one that ended with it', async () => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
    const start = { index: 0, provider: 'openrouter', model: 'acme/small:free', generationId: 'gen-next' };
    await store.turns.attemptStarted(turn, start);
    const attempts = [
      attempt({ index: 0, outcome: 'failed', generationId: null, usage: null }),
      attempt({ index: 1, generationId: 'gen-next' }),
    ];
    await store.turns.settle(settlement(turn, { attempts }));
    const rows = await database.sql`
      select index, generation_id from attempts where turn_id = ${turn.id} order by index`;
    expect(rows).toEqual([
      { index: 0, generation_id: null },
      { index: 1, generation_id: 'gen-next' },
    ]);
  });

  it('keeps a cut answer as a message of the conversation, marked', async () => {
    const [author, chat] = [person(), nextId()];
    const turn = await run(store.turns, admission({ author, chat }));
    const answer = {
      messageId: randomUUID(),
      text: 'Half a',
      estTokens: 2,
      model: 'acme/small',
      partial: true,
    };
    await store.turns.settle(settlement(turn, { state: 'cancelled', answer }));
    const next = await run(store.turns, admission({ author, chat }));
    expect(next.window.map((message) => message.text)).toContain('Half a');
    expect(await database.sql`select partial from messages where id = ${answer.messageId}`).toEqual([
      { partial: true },
    ]);
  });

  describe('of a turn whose lease ran out', () => {
    const lapse = async () => {
      const author = person();
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      await store.turns.partSent(turn, 0, '501');
      const work = await later(MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000 })));
      const claimed = work.run.find((each) => each.id === turn.id);
      if (claimed === undefined) throw new Error('The turn was not claimed.');
      return { author, turn, claimed };
    };

    it('goes to the next process with its window and the parts already shown', async () => {
      const { turn, claimed } = await lapse();
      expect(claimed).toEqual({
        ...turn,
        leasedAtMs: expect.any(Number),
        epoch: 2,
        parts: [{ index: 0, platformMessageId: '501' }],
      });
    });

    it('does not let the first process settle, and lets the second', async () => {
      const { turn, claimed } = await lapse();
      await store.turns.attemptStarted(turn, {
        index: 0,
        provider: 'openrouter',
        model: 'late',
        generationId: 'late',
      });
      expect(await store.turns.settle(settlement(turn))).toEqual({ kind: 'lease_lost' });
      expect(await usageRows(turn.id)).toHaveLength(0);
      expect(await store.turns.settle(settlement(claimed))).toMatchObject({ kind: 'settled' });
      await store.turns.markDelivered(turn, DELIVERED);
      expect(await turnRow(turn.id)).toMatchObject({ state: 'generated', delivered: false });
      await store.turns.markDelivered(claimed, DELIVERED);
      expect(await turnRow(turn.id)).toMatchObject({ state: 'delivered', delivered: true });
    });

    it('is told to the first process when it asks for more time', async () => {
      const { turn } = await lapse();
      const mine = await run(store.turns, admission({ author: person(), chat: nextId() }));
      const news = await store.turns.renewLeases('one', [turn, mine], 9000);
      expect(news).toEqual({ renewed: [mine.id], lost: [turn.id], cancelled: [], stopped: [] });
    });
  });

  describe('and claims', () => {
    it('leave turns alone whose lease is kept alive', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await later(8000, () => store.turns.renewLeases('one', [turn], 9000));
      const work = await later(16_000, () => store.turns.claimWork(claim({ limit: 1000 })));
      expect(work.run.map((each) => each.id)).not.toContain(turn.id);
    });

    it('give each turn to one of several processes that sweep at once', async () => {
      const turns = await Promise.all(
        Array.from({ length: 10 }, () => run(store.turns, admission({ author: person(), chat: nextId() }))),
      );
      const sweeps = ['two', 'three', 'four', 'five'].map((instance) => claim({ instance, limit: 1000 }));
      const work = await later(MINUTE_MS, () =>
        Promise.all(sweeps.map((sweep) => store.turns.claimWork(sweep))),
      );
      const claimed = work.flatMap((each) => each.run.map((turn) => turn.id));
      expect(new Set(claimed).size).toBe(claimed.length);
      expect(claimed).toEqual(expect.arrayContaining(turns.map((turn) => turn.id)));
    });

    it('take over at once what belonged to others when a process knows that it is alone', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      const work = await store.turns.claimWork(claim({ instance: 'new life', takeOver: true, limit: 1000 }));
      expect(work.run.map((each) => each.id)).toContain(turn.id);
    });

    it('start the oldest queued turn of a conversation that nobody runs', async () => {
      const [author, chat] = [person(), nextId()];
      const first = await run(store.turns, admission({ author, chat }, { text: 'one' }));
      const second = admission({ author, chat }, { text: 'two' });
      await store.turns.admit(second);
      await store.turns.admit(admission({ author, chat }, { text: 'three' }));
      // As it is left when a process dies between settling and starting what is next.
      await database.sql`update turns set state = 'failed', delivered_at = now() where id = ${first.id}`;
      const work = await store.turns.claimWork(claim({ limit: 1000 }));
      const started = work.run.filter((turn) => turn.conversationId === first.conversationId);
      expect(started).toMatchObject([
        { id: second.turnId, epoch: 1, parts: [{ index: 0, platformMessageId: null }] },
      ]);
      expect(started[0]?.window.map((message) => message.text)).toEqual(['one', 'two']);
    });

    it('end turns that are too old as interrupted, with a notice and without their holds', async () => {
      const [author, chat] = [person(), nextId()];
      const running = await run(store.turns, admission({ author, chat }));
      const queued = admission({ author, chat });
      await store.turns.admit(queued);
      const sweep = () => store.turns.claimWork(claim({ limit: 1000, maxAgeMs: 30_000 }));
      const work = await later(MINUTE_MS, sweep);
      expect(work.deliver.find((turn) => turn.id === running.id)).toMatchObject({
        state: 'interrupted',
        answer: null,
        notice: NOTICE,
        epoch: 2,
        parts: [{ index: 0, platformMessageId: null }],
      });
      const next = await later(MINUTE_MS, sweep);
      expect(next.deliver.map((turn) => turn.id)).toContain(queued.turnId);
      const holds =
        await database.sql`select 1 from quota_holds where turn_id in (${running.id}, ${queued.turnId})`;
      expect(holds).toHaveLength(0);
      expect(await store.turns.settle(settlement(running))).toEqual({ kind: 'lease_lost' });
    });

    it('leave turns of platforms that the claimer does not serve', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      const sweep = (platform: 'telegram' | 'discord') =>
        later(MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000, platforms: [platform] })));
      expect(await sweep('discord')).toEqual({ run: [], deliver: [] });
      expect((await sweep('telegram')).run.map(({ id }) => id)).toContain(turn.id);
    });

    it('hand over finished turns whose delivery nobody confirmed, with text and parts', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await store.turns.settle(settlement(turn));
      await store.turns.partSent(turn, 0, '601');
      await store.turns.intendPart(turn, 1);
      const work = await later(MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000, maxAgeMs: 1 })));
      expect(work.deliver.find((each) => each.id === turn.id)).toMatchObject({
        state: 'generated',
        answer: 'A burrito.',
        notice: null,
        epoch: 2,
        conversationId: turn.conversationId,
        replyTarget: turn.replyTarget,
        parts: [
          { index: 0, platformMessageId: '601' },
          { index: 1, platformMessageId: null },
        ],
      });
    });

    it('hand over a fresh refusal and forget an old one', async () => {
      const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
      const fresh = admission({ author: person(), chat: nextId() }, { refusal });
      await store.turns.admit(fresh);
      const handed = await later(MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000 })));
      expect(handed.deliver.find((turn) => turn.id === fresh.turnId)).toMatchObject({
        state: 'refused',
        refusal,
      });
      await later(60 * MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000 })));
      expect(await turnRow(fresh.turnId)).toMatchObject({ state: 'refused', delivered: true });
    });

    it('remember why a person can’t be reached, and never try again', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await store.turns.settle(settlement(turn));
      await store.turns.markDelivered(turn, { unreachable: 'blocked by the user', isRetracted: false });
      expect(await turnRow(turn.id)).toMatchObject({
        state: 'delivered',
        unreachable: 'blocked by the user',
      });
      const work = await later(60 * MINUTE_MS, () => store.turns.claimWork(claim({ limit: 1000 })));
      expect(work.deliver.map((each) => each.id)).not.toContain(turn.id);
    });
  });

  describe('and wishes to stop', () => {
    it('are told with the next renewal, for the author and admins of the guild only', async () => {
      const [author, guild] = [person(), community()];
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
      const strangers = [by(person()), { ...by(person()), adminOf: community().id }];
      for (const stranger of strangers)
        expect(await store.turns.requestCancel(turn.id, stranger)).toEqual({ kind: 'not_yours' });
      expect((await store.turns.renewLeases('one', [turn], 9000)).cancelled).toEqual([]);
      const admin = { ...by(person()), adminOf: guild.id };
      expect(await store.turns.requestCancel(turn.id, admin)).toMatchObject({ kind: 'cancelling' });
      expect(await store.turns.requestCancel(turn.id, by(author))).toMatchObject({ kind: 'cancelling' });
      expect((await store.turns.renewLeases('one', [turn], 9000)).cancelled).toEqual([turn.id]);
      await store.turns.settle(settlement(turn, { state: 'cancelled', attempts: [] }));
      expect(await store.turns.requestCancel(turn.id, by(author))).toEqual({
        kind: 'not_running',
      });
    });

    it('in private are those of the author and of operators, not of some guild’s admin', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      const admin = { ...by(person()), adminOf: community().id };
      expect(await store.turns.requestCancel(turn.id, admin)).toEqual({ kind: 'not_yours' });
      expect(await store.turns.requestCancel(turn.id, { ...by(person()), isOperator: true })).toMatchObject({
        kind: 'cancelling',
      });
    });

    it('end a queued turn at once', async () => {
      const [author, chat] = [person(), nextId()];
      const first = await run(store.turns, admission({ author, chat }));
      const queued = admission({ author, chat });
      await store.turns.admit(queued);
      expect(await store.turns.requestCancel(queued.turnId, by(author))).toMatchObject({
        kind: 'cancelling',
      });
      expect(await store.turns.settle(settlement(first))).toMatchObject({ kind: 'settled', next: null });
      expect(await turnRow(queued.turnId)).toMatchObject({ state: 'cancelled', delivered: true });
    });

    it('of the operator reach every running turn', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await store.control.stop({ scope: 'all' }, null, turn.author.id);
      const news = await store.turns.renewLeases('one', [turn], 9000);
      await store.control.resume({ scope: 'all' }, turn.author.id);
      expect(news).toEqual({ renewed: [turn.id], lost: [], cancelled: [], stopped: [turn.id] });
    });
  });
});
