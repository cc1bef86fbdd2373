import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { QuotaLimits } from '../../../src/limits/quota.ts';
import type { Author, Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, claim, community, nextId, person, run, settlement, spent } from './requests.ts';

const HOUR_MS = 3_600_000;
/** Half past ten in the morning, UTC, in the middle of a month. */
const MORNING = Date.UTC(2026, 6, 15, 10, 30);

describe.each(databaseKinds)('quotas on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = MORNING;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const limited = (
    user: QuotaLimits,
    guild: QuotaLimits = {},
    instance: QuotaLimits = {},
  ): Partial<AdmitRequest> => ({
    defaults: { user, guild, instance },
  });
  const at = async <Result>(time: number, work: () => Promise<Result>): Promise<Result> => {
    clock = time;
    try {
      return await work();
    } finally {
      clock = MORNING;
    }
  };
  const use = async (request: AdmitRequest) => {
    const turn = await run(store.turns, request);
    await store.turns.settle(settlement(turn));
    return turn;
  };
  const setLimits = (platformId: string, limits: object) => database.sql`
    update quota_subjects set limits = ${JSON.stringify(limits)}::text::jsonb
    where subject_id in (select id from users where platform_user_id = ${platformId}
      union select id from guilds where platform_guild_id = ${platformId})`;
  const setTimeZone = (guild: Guild, zone: string) => database.sql`
    with moved as (update guilds set time_zone = ${zone} where platform_guild_id = ${guild.id} returning id)
    update quota_subjects set time_zone = ${zone} where subject_id in (select id from moved)`;
  const counters = async (author: Author) => {
    const [row] = await database.sql`
      select requests_hour, requests_day, requests_month, tokens_hour, cost_hour from quota_subjects
      where subject_id = (select id from users where platform_user_id = ${author.id})`;
    return row;
  };

  it('refuses the request after the last one allowed, and says which limit it was and when it ends', async () => {
    const author = person();
    const limits = limited({ requests_day: 2 });
    await use(admission({ author, chat: nextId() }, limits));
    await use(admission({ author, chat: nextId() }, limits));
    expect(await store.turns.admit(admission({ author, chat: nextId() }, limits))).toMatchObject({
      kind: 'refused',
      refusal: {
        reason: 'quota',
        subject: 'user',
        metric: 'requests',
        window: 'day',
        limit: 2,
        used: 2,
        resetsAtMs: Date.UTC(2026, 6, 16),
      },
    });
  });

  it('counts what runs as if it were used', async () => {
    const author = person();
    const limits = limited({ requests_hour: 1 });
    const turn = await run(store.turns, admission({ author, chat: nextId() }, limits));
    const refused = { kind: 'refused', refusal: { window: 'hour', used: 1 } };
    expect(await store.turns.admit(admission({ author, chat: nextId() }, limits))).toMatchObject(refused);
    await store.turns.settle(settlement(turn, { state: 'failed', answer: null, attempts: [] }));
    await run(store.turns, admission({ author, chat: nextId() }, limits));
  });

  it('admits exactly one of forty first messages at once when one is allowed', async () => {
    const author = person();
    const limits = limited({ requests_day: 1 });
    const requests = Array.from({ length: 40 }, () => admission({ author, chat: nextId() }, limits));
    const verdicts = await Promise.all(requests.map((request) => store.turns.admit(request)));
    expect(verdicts.filter((verdict) => verdict.kind === 'run')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict.kind === 'refused')).toHaveLength(39);
  });

  it('lets a guild run out for everybody in it, and for nobody elsewhere', async () => {
    const guild = community();
    const limits = limited({}, { requests_day: 1 });
    await use(admission({ author: person(), chat: nextId(), guild }, limits));
    const late = person();
    const refused = { kind: 'refused', refusal: { subject: 'guild' } };
    expect(await store.turns.admit(admission({ author: late, chat: nextId(), guild }, limits))).toMatchObject(
      refused,
    );
    await run(store.turns, admission({ author: late, chat: nextId() }, limits));
  });

  it('takes an override before the default: a number, none at all, or a block', async () => {
    const author = person();
    const limits = limited({ requests_day: 1 });
    await use(admission({ author, chat: nextId() }, limits));
    const next = () => store.turns.admit(admission({ author, chat: nextId() }, limits));
    expect(await next()).toMatchObject({ kind: 'refused' });
    await setLimits(author.id, { requests_day: 2 });
    expect(await next()).toMatchObject({ kind: 'run' });
    expect(await next()).toMatchObject({ kind: 'refused' });
    await setLimits(author.id, { requests_day: null });
    expect(await next()).toMatchObject({ kind: 'run' });
    await setLimits(author.id, { requests_day: null, requests_month: 0 });
    expect(await next()).toMatchObject({ kind: 'refused', refusal: { window: 'month', limit: 0 } });
  });

  it('tells the window that ends last when several are exhausted', async () => {
    const author = person();
    const limits = limited({ requests_hour: 1, requests_month: 1 });
    await use(admission({ author, chat: nextId() }, limits));
    expect(await store.turns.admit(admission({ author, chat: nextId() }, limits))).toMatchObject({
      refusal: { window: 'month', resetsAtMs: Date.UTC(2026, 7, 1) },
    });
  });

  describe('of tokens', () => {
    const asking = (limits: QuotaLimits, maxCompletionTokens = 1000): Partial<AdmitRequest> => ({
      ...limited(limits),
      // 300 bytes are at most 100 tokens; with the system's 50 that is a prompt of 150.
      text: 'x'.repeat(300),
      estTokens: 75,
      hold: { systemTokens: 50, maxCompletionTokens },
    });

    it('hold the largest prompt possible and the whole answer', async () => {
      const turn = await run(
        store.turns,
        admission({ author: person(), chat: nextId() }, asking({ tokens_day: 1150 })),
      );
      expect(turn.maxCompletionTokens).toBe(1000);
      const holds = await database.sql`select tokens, requests from quota_holds where turn_id = ${turn.id}`;
      expect(holds).toEqual([{ tokens: 1150, requests: 1 }]);
    });

    it('shorten the answer to what is left', async () => {
      const turn = await run(
        store.turns,
        admission({ author: person(), chat: nextId() }, asking({ tokens_day: 700 })),
      );
      expect(turn.maxCompletionTokens).toBe(550);
    });

    it('shorten it to 256 and not below', async () => {
      const chat = nextId();
      const turn = await run(store.turns, admission({ author: person(), chat }, asking({ tokens_day: 406 })));
      expect(turn.maxCompletionTokens).toBe(256);
      expect(
        await store.turns.admit(admission({ author: person(), chat: nextId() }, asking({ tokens_day: 405 }))),
      ).toMatchObject({ kind: 'refused', refusal: { metric: 'tokens', limit: 405, used: 0 } });
    });

    it('leave a short answer as short as it was asked for', async () => {
      const limits = asking({ tokens_day: 250 }, 100);
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }, limits));
      expect(turn.maxCompletionTokens).toBe(100);
      const less = asking({ tokens_day: 249 }, 100);
      expect(await store.turns.admit(admission({ author: person(), chat: nextId() }, less))).toMatchObject({
        kind: 'refused',
      });
    });

    it('count what was really used once it is known', async () => {
      const author = person();
      const turn = await run(
        store.turns,
        admission({ author, chat: nextId() }, asking({ tokens_day: 1150 })),
      );
      await store.turns.settle(settlement(turn, { attempts: [attempt({ usage: spent(120, 30) })] }));
      expect(await counters(author)).toMatchObject({ tokens_hour: '150', requests_hour: '1' });
    });

    it('hold for a queued turn what its predecessors may add to its prompt', async () => {
      const [author, chat] = [person(), nextId()];
      await run(store.turns, admission({ author, chat }, asking({}, 500)));
      const queued = admission({ author, chat }, asking({}, 500));
      expect(await store.turns.admit(queued)).toMatchObject({ kind: 'queued' });
      const [hold] = await database.sql`select tokens from quota_holds where turn_id = ${queued.turnId}`;
      // The first question is in its window already: 150 + 100, the first answer 500, its own answer 500, and once more
      // the first question, which is counted as part of the unfinished turn.
      expect(hold?.['tokens']).toBeGreaterThanOrEqual(150 + 100 + 500 + 500);
    });
  });

  describe('by window', () => {
    it('open again when the next one begins', async () => {
      const author = person();
      const limits = limited({ requests_hour: 1 });
      await use(admission({ author, chat: nextId() }, limits));
      const next = () => store.turns.admit(admission({ author, chat: nextId() }, limits));
      expect(await at(Date.UTC(2026, 6, 15, 10, 59, 59, 999), next)).toMatchObject({ kind: 'refused' });
      expect(await at(Date.UTC(2026, 6, 15, 11), next)).toMatchObject({ kind: 'run' });
    });

    it('begin at midnight of the guild and not of the server', async () => {
      const [author, guild] = [person(), community()];
      const limits = limited({}, { requests_day: 1 });
      const ask = () => store.turns.admit(admission({ author, chat: nextId(), guild }, limits));
      await store.turns.admit(admission({ author, chat: nextId(), guild }, { access: 'denied' }));
      await setTimeZone(guild, 'Asia/Tokyo');
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }, limits));
      await store.turns.settle(settlement(turn));
      const midnight = Date.UTC(2026, 6, 15, 15);
      expect(await ask()).toMatchObject({
        refusal: { subject: 'guild', window: 'day', resetsAtMs: midnight },
      });
      expect(await at(midnight, ask)).toMatchObject({ kind: 'run' });
    });

    it('have an hour that begins on the half hour where the zone does', async () => {
      const [author, guild] = [person(), community()];
      const limits = limited({}, { requests_hour: 1 });
      await store.turns.admit(admission({ author, chat: nextId(), guild }, { access: 'denied' }));
      await setTimeZone(guild, 'America/St_Johns');
      await at(Date.UTC(2026, 6, 15, 10, 40), () =>
        use(admission({ author, chat: nextId(), guild }, limits)),
      );
      const refused = await store.turns.admit(admission({ author, chat: nextId(), guild }, limits));
      expect(refused).toMatchObject({ refusal: { resetsAtMs: Date.UTC(2026, 6, 15, 11, 30) } });
    });

    it('last 25 hours on the day the clocks go back', async () => {
      const [author, guild] = [person(), community()];
      const limits = limited({}, { requests_day: 1 });
      await store.turns.admit(admission({ author, chat: nextId(), guild }, { access: 'denied' }));
      await setTimeZone(guild, 'Europe/Berlin');
      const midnight = Date.UTC(2026, 9, 24, 22);
      await at(midnight, () => use(admission({ author, chat: nextId(), guild }, limits)));
      const ask = () => store.turns.admit(admission({ author, chat: nextId(), guild }, limits));
      const nextMidnight = midnight + 25 * HOUR_MS;
      expect(await at(nextMidnight - 1, ask)).toMatchObject({ refusal: { resetsAtMs: nextMidnight } });
      expect(await at(nextMidnight, ask)).toMatchObject({ kind: 'run' });
    });

    it('never open again when the clock goes back', async () => {
      const author = person();
      const limits = limited({ requests_hour: 1 });
      await at(MORNING + HOUR_MS, () => use(admission({ author, chat: nextId() }, limits)));
      expect(await store.turns.admit(admission({ author, chat: nextId() }, limits))).toMatchObject({
        kind: 'refused',
        refusal: { resetsAtMs: Date.UTC(2026, 6, 15, 12) },
      });
      expect(await counters(author)).toMatchObject({ requests_hour: '1' });
    });

    it('are charged by the time of the admission: a late answer leaves the next window alone', async () => {
      const author = person();
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      await at(MORNING + HOUR_MS, () => store.turns.settle(settlement(turn)));
      expect(await counters(author)).toEqual({
        requests_hour: '0',
        requests_day: '1',
        requests_month: '1',
        tokens_hour: '0',
        cost_hour: '0',
      });
    });
  });

  describe('of money', () => {
    const paid = (turn: { id: never; epoch: number } | Awaited<ReturnType<typeof run>>, cost: bigint) =>
      settlement(turn, { attempts: [attempt({ isFree: false, usage: spent(10, 10, cost) })] });

    it('are checked before each attempt that can cost, against person, guild and instance', async () => {
      const [author, guild] = [person(), community()];
      const limits = limited({ cost_day: 1000 }, { cost_day: 500 });
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }, limits));
      expect(await store.turns.holdCost(turn, 0, 501n)).toMatchObject({
        kind: 'refused',
        refusal: { reason: 'quota', subject: 'guild', metric: 'cost', window: 'day', limit: 500, used: 0 },
      });
      expect(await store.turns.holdCost(turn, 0, 300n)).toEqual({ kind: 'held' });
      expect(await store.turns.holdCost(turn, 0, 300n)).toEqual({ kind: 'held' });
      expect(await store.turns.holdCost(turn, 1, 201n)).toMatchObject({
        kind: 'refused',
        refusal: { used: 300 },
      });
      await store.turns.settle(paid(turn, 250n));
      const next = await run(store.turns, admission({ author, chat: nextId(), guild }, limits));
      expect(await store.turns.holdCost(next, 0, 251n)).toMatchObject({
        kind: 'refused',
        refusal: { used: 250 },
      });
      expect(await store.turns.holdCost(next, 0, 250n)).toEqual({ kind: 'held' });
    });

    it('are never passed by attempts at once', async () => {
      const limits = limited({}, {}, { cost_month: 10_000_000 });
      const before = await instanceCost();
      const turns = await Promise.all(
        Array.from({ length: 12 }, () =>
          run(store.turns, admission({ author: person(), chat: nextId() }, limits)),
        ),
      );
      const [held] = await database.sql<{ nano: string }[]>`
        select coalesce(sum(nano_usd), 0)::text as nano from quota_holds where kind = 0`;
      const room = BigInt(10_000_000 - before) - BigInt(held?.nano ?? 0);
      const each = room / 5n;
      const holds = await Promise.all(turns.map((turn) => store.turns.holdCost(turn, 0, each)));
      expect(holds.filter((hold) => hold.kind === 'held')).toHaveLength(5);
      expect(holds.find((hold) => hold.kind === 'refused')).toMatchObject({
        refusal: { subject: 'instance' },
      });
      await Promise.all(
        turns.map((turn, index) => store.turns.settle(paid(turn, holds[index]?.kind === 'held' ? each : 0n))),
      );
      expect(await instanceCost()).toBe(before + Number(each) * 5);
    });

    it('are charged whole when the attempt’s process died', async () => {
      const author = person();
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      await store.turns.holdCost(turn, 0, 700n);
      const { run: again } = await at(MORNING + 60_000, () =>
        store.turns.claimWork(claim({ limit: 100, maxAgeMs: HOUR_MS })),
      );
      const claimed = again.find((each) => each.id === turn.id);
      if (claimed === undefined) throw new Error('The turn was not claimed.');
      await store.turns.holdCost(claimed, 0, 600n);
      await store.turns.settle(paid(claimed, 400n));
      expect(await counters(author)).toMatchObject({ cost_hour: '1100', requests_hour: '1' });
    });

    it('need a running turn', async () => {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await store.turns.settle(settlement(turn));
      await expect(store.turns.holdCost(turn, 0, 1n)).rejects.toThrow('no longer runs');
    });

    const instanceCost = async (): Promise<number> => {
      const [row] = await database.sql<{ cost: string }[]>`
        select cost_month as cost from quota_subjects where kind = 0`;
      return Number(row?.cost ?? 0);
    };
  });

  describe('held by a turn that is gone', () => {
    it('count until they expire, and are cleared away after', async () => {
      const author = person();
      const limits = limited({ requests_month: 1 });
      const turn = await run(store.turns, admission({ author, chat: nextId() }, limits));
      await database.sql`delete from turns where id = ${turn.id}`;
      const ask = () => store.turns.admit(admission({ author, chat: nextId() }, limits));
      expect(await ask()).toMatchObject({ kind: 'refused' });
      expect(await at(MORNING + HOUR_MS + 1, ask)).toMatchObject({ kind: 'run' });
      await at(MORNING + HOUR_MS + 1, () => store.housekeeping());
      const left = await database.sql`select 1 from quota_holds where turn_id is null`;
      expect(left).toHaveLength(0);
    });
  });

  it('keep the hold of a turn that waits longer than any expiry', async () => {
    const author = person();
    const limits = limited({ requests_month: 1 });
    await run(store.turns, admission({ author, chat: nextId() }, limits));
    const ask = () => store.turns.admit(admission({ author, chat: nextId() }, limits));
    expect(await at(MORNING + 48 * HOUR_MS, ask)).toMatchObject({ kind: 'refused' });
  });
});
