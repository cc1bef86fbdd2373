import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { answered, finish, next, ran, repetition, stored } from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  attempt,
  claim,
  DELIVERED,
  nextId,
  person,
  run,
  settlement,
  spent,
  texts,
  type Speech,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;

describe.each(databaseKinds)('the succession of turns on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  const sweep = async (ms: number, instance = 'two') => {
    clock = NOON + ms;
    try {
      return await store.turns.claimWork(claim({ limit: 1000, instance }));
    } finally {
      clock = NOON;
    }
  };

  describe('in what a conversation shows', () => {
    it('names the last reply that is not complete, whatever it is about', async () => {
      const speech = someone();
      const first = await run(store.turns, admission(speech));
      await store.turns.admit(admission(speech));
      const result = await store.turns.settle(settlement(first));
      const second = result.kind === 'settled' ? result.next : null;
      expect(second?.after).toBe(first.id);
      await store.turns.settle(settlement(second ?? first, { state: 'failed', answer: null }));
      const third = await run(store.turns, admission(speech));
      expect(third.after).toBe(second?.id);
      await store.turns.markDelivered(second ?? first, DELIVERED);
      expect(await store.turns.shown(second?.id ?? first.id)).toEqual({ kind: 'shown' });
      expect(await store.turns.shown(first.id)).toEqual({ kind: 'pending' });
      await store.turns.settle(settlement(third));
      await store.turns.markDelivered(first, DELIVERED);
      const { deliver } = await sweep(MINUTE_MS);
      expect(deliver.find(({ id }) => id === third.id)?.after).toBeNull();
    });

    it('tells when a reply was put off, and until when, until somebody takes it up', async () => {
      const turn = await run(store.turns, admission(someone()));
      await store.turns.settle(settlement(turn));
      expect(await store.turns.shown(turn.id)).toEqual({ kind: 'pending' });
      await store.turns.postpone(turn, 5 * MINUTE_MS);
      expect(await store.turns.shown(turn.id)).toEqual({ kind: 'postponed', retryAfterMs: 5 * MINUTE_MS });
      await sweep(5 * MINUTE_MS + 1);
      expect(await store.turns.shown(turn.id)).toEqual({ kind: 'pending' });
    });

    it('counts what nobody knows as shown', async () => {
      expect(await store.turns.shown(admission(someone()).turnId)).toEqual({ kind: 'shown' });
    });
  });

  describe('between processes', () => {
    it('takes up at once what another one has let go, and nothing else of it', async () => {
      const [running, kept, finished] = [
        await run(store.turns, admission(someone())),
        await run(store.turns, admission(someone())),
        await run(store.turns, admission(someone())),
      ];
      await store.turns.settle(settlement(finished));
      await store.turns.releaseLeases('one', [running, finished, { id: kept.id, epoch: 7 }]);
      await store.turns.releaseLeases('somebody else', [kept]);
      const work = await sweep(0);
      expect(work.run.map(({ id }) => id)).toContain(running.id);
      expect(work.deliver.map(({ id }) => id)).toContain(finished.id);
      expect(work.run.map(({ id }) => id)).not.toContain(kept.id);
    });

    it('reads the parts of a reply as its own from the turns before', async () => {
      const asked = admission(someone());
      const first = await answered(store.turns, asked);
      await store.turns.partSent(first, 0, '11');
      await store.turns.partSent(first, 1, '12');
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      await store.turns.intendPart(again, 2);
      await store.turns.partSent(again, 0, '21');
      await store.turns.partRemoved(again, '12');
      const parts = [
        { index: 0, platformMessageId: '21' },
        { index: 2, platformMessageId: null },
      ];
      expect(await store.turns.parts(again.id)).toEqual(parts);
      const taken = (await sweep(MINUTE_MS)).run.find(({ id }) => id === again.id);
      expect(taken).toMatchObject({ epoch: 2, parts, replyOf: first.id, previous: { text: 'first' } });
    });

    it('gives a reply that is taken over what it holds, however long the talk became', async () => {
      const speech = someone();
      const limits = { window: { maxTokens: 6000, maxMessages: 20, systemTokens: 0 } };
      await answered(store.turns, admission(speech, { text: 'zero', ...limits }), 'short');
      const first = await run(store.turns, admission(speech, { text: 'one' }));
      const asked = admission(speech, { text: 'two' });
      await store.turns.admit(asked);
      await database.sql`update messages set text = ${'x'.repeat(9000)} where text = 'zero' and turn_id is not null
        and conversation_id = ${first.conversationId}`;
      expect(texts(next(await finish(store.turns, first, 'a')))).toEqual(['short', 'one', 'a', 'two']);
    });
  });

  describe('of claims', () => {
    /** A turn whose process was lost in the middle of paid and free attempts. */
    const lost = async () => {
      const turn = await run(store.turns, admission(someone()));
      await store.turns.holdCost(turn, 0, 900n);
      await store.turns.attemptStarted(turn, {
        index: 0,
        provider: 'openrouter',
        model: 'acme/paid',
        generationId: 'g0',
      });
      await store.turns.attemptStarted(turn, {
        index: 1,
        provider: 'gemini',
        model: 'acme/free:free',
        generationId: 'g1',
      });
      const taken = (await sweep(MINUTE_MS)).run.find(({ id }) => id === turn.id);
      if (taken === undefined) throw new Error('The turn was not claimed.');
      return { turn, taken };
    };
    const usageOf = (id: string) => database.sql`
      select epoch, attempt, requests, prompt_tokens as tokens, cost_nano_usd::text as cost from usage
      where turn_id = ${id} order by epoch, attempt`;
    const countersOf = async (id: string) => {
      const [row] = await database.sql`
        select q.requests_day::int as requests, q.tokens_day::int as tokens, q.cost_day::int as cost
        from quota_subjects q join turns t on t.user_id = q.subject_id where t.id = ${id}`;
      return row;
    };

    it('tells of the attempts that are lost, and of what they held', async () => {
      const { taken } = await lost();
      expect(taken.lost).toEqual([
        {
          index: 0,
          epoch: 1,
          provider: 'openrouter',
          model: 'acme/paid',
          generationId: 'g0',
          heldNanoUsd: '900',
          startedAtMs: NOON,
        },
        {
          index: 1,
          epoch: 1,
          provider: 'gemini',
          model: 'acme/free:free',
          generationId: 'g1',
          heldNanoUsd: null,
          startedAtMs: NOON,
        },
      ]);
    });

    it('books each once under its own claim, and the request once', async () => {
      const { turn, taken } = await lost();
      const attempts = [
        attempt({ index: 0, epoch: 1, usage: spent(70, 7, 500n) }),
        attempt({ index: 1, epoch: 1, outcome: 'failed', usage: spent(30, 0) }),
        attempt({ index: 0, usage: spent(100, 20) }),
      ];
      const request = settlement(taken, { attempts });
      await store.turns.settle(request);
      await store.turns.settle(request);
      expect(await usageOf(turn.id)).toEqual([
        { epoch: 1, attempt: 0, requests: 0, tokens: 70, cost: '500' },
        { epoch: 1, attempt: 1, requests: 0, tokens: 30, cost: '0' },
        { epoch: 2, attempt: 0, requests: 1, tokens: 100, cost: '0' },
      ]);
      expect(await countersOf(turn.id)).toEqual({ requests: 1, tokens: 227, cost: 500 });
      expect(await stored(database.sql, turn.id)).toMatchObject({ holds: 0 });
      const told = await database.sql`
        select epoch, index from attempts where turn_id = ${turn.id} and outcome is not null order by 1, 2`;
      expect(told).toHaveLength(3);
    });

    it('books what was held where nobody can tell, and not what was told', async () => {
      const { turn, taken } = await lost();
      await store.turns.settle(settlement(taken, { attempts: [attempt({ usage: spent(100, 20) })] }));
      expect(await usageOf(turn.id)).toMatchObject([
        { epoch: 1, attempt: 0, requests: 0, cost: '900' },
        { epoch: 2, attempt: 0, requests: 1, cost: '0' },
      ]);
      expect(await countersOf(turn.id)).toMatchObject({ requests: 1, cost: 900 });
    });

    it('tells of them once more where the second process is lost, too', async () => {
      const { turn, taken } = await lost();
      await store.turns.attemptStarted(taken, {
        index: 0,
        provider: 'openrouter',
        model: 'acme/other',
        generationId: 'g2',
      });
      const third = (await sweep(3 * MINUTE_MS, 'three')).run.find(({ id }) => id === turn.id);
      expect(third?.lost.map(({ epoch, index }) => [epoch, index])).toEqual([
        [1, 0],
        [1, 1],
        [2, 0],
      ]);
    });
  });
});
