import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FreePlace } from '../../../src/completion/free-places.ts';
import type { FreePoolStore, PoolAsking } from '../../../src/limits/free-ports.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, serverKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, community, nextId, person } from './requests.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const NOON = Date.UTC(2026, 6, 15, 12);
const MIDNIGHT = Date.UTC(2026, 6, 16);

let accounts = 0;
/** A pool of its own each time. */
const account = () => ({ payer: `key-${(accounts += 1)}`, provider: 'openrouter' });

const asking = (key: { payer: string; provider: string }, changes: Partial<PoolAsking> = {}): PoolAsking => ({
  ...key,
  subject: 'guild-a',
  wanted: 1,
  perMinute: 20,
  isBackground: false,
  ...changes,
});

describe.each(databaseKinds)('the free pool on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let pools: FreePoolStore;
  let clock = NOON;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
    pools = store.freePools;
  });
  afterAll(() => database.close());

  const takeMany = async (request: PoolAsking, count: number) => {
    let granted = 0;
    for (let one = 0; one < count; one += 1) granted += (await pools.take(request)).granted;
    return granted;
  };
  const told = (key: ReturnType<typeof account>, used: number, limit: number) =>
    pools.correct({ ...key, kind: 'told', used, limit });
  const dayOf = async ({ payer }: { payer: string }) => {
    const [row] = await database.sql<{ used: number; limit: number | null }[]>`
      select day_used as used, day_limit as "limit" from free_pools where payer = ${payer}`;
    return row;
  };

  it('gives nine tenths of the allowance a minute, and tells when there is more', async () => {
    clock = NOON;
    const key = account();
    expect(await takeMany(asking(key), 18)).toBe(18);
    clock = NOON + 500;
    expect(await pools.take(asking(key))).toEqual({
      granted: 0,
      reason: 'minute',
      isShare: false,
      waitMs: 60_500,
      frees: [[60_500, 18]],
    });
    clock = NOON + 60_999;
    expect((await pools.take(asking(key))).granted).toBe(0);
    clock = NOON + 61_000;
    expect((await pools.take(asking(key))).granted).toBe(1);
  });

  it('gives a call that names several models as many places as it names, or those that there are', async () => {
    clock = NOON;
    const key = account();
    expect(await takeMany(asking(key), 16)).toBe(16);
    expect((await pools.take(asking(key, { wanted: 3 }))).granted).toBe(2);
    expect(await dayOf(key)).toEqual({ used: 18, limit: null });
  });

  it('gives places back that nobody used', async () => {
    clock = NOON;
    const key = account();
    await takeMany(asking(key), 17);
    const place = { ...key, subject: 'guild-a', ...(await pools.take(asking(key))) };
    clock = NOON + 4000;
    await pools.giveBack(place as Extract<FreePlace, { second: number }>);
    expect(await dayOf(key)).toEqual({ used: 17, limit: null });
    expect((await pools.take(asking(key))).granted).toBe(1);
    expect((await pools.take(asking(key))).granted).toBe(0);
  });

  it('leaves at least as much of the minute as one has taken, while others ask', async () => {
    clock = NOON;
    const key = account();
    await pools.take(asking(key, { subject: 'guild-b' }));
    expect(await takeMany(asking(key), 18)).toBe(8);
    const refused = await pools.take(asking(key));
    expect(refused).toMatchObject({ granted: 0, reason: 'minute', isShare: true, waitMs: 61_000 });
    // Whoever has none yet gets the very last one.
    for (const subject of ['c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']) {
      expect((await pools.take(asking(key, { subject }))).granted).toBe(1);
    }
    expect(await pools.take(asking(key, { subject: 'l' }))).toMatchObject({ granted: 0, isShare: false });
    clock = NOON + 11 * MINUTE_MS;
    await pools.take(asking(key));
    clock += 10 * MINUTE_MS + 1;
    expect(await takeMany(asking(key), 18)).toBe(18);
  });

  it('leaves at least as much of the day as one has taken, once others were there that day', async () => {
    clock = NOON;
    const key = account();
    await told(key, 0, 51);
    const all = asking(key, { perMinute: 1000 });
    await pools.take({ ...all, subject: 'guild-b' });
    expect(await takeMany(all, 60)).toBe(25);
    expect(await pools.take(all)).toEqual({
      granted: 0,
      reason: 'day',
      isShare: true,
      waitMs: MIDNIGHT - NOON,
    });
    // Of the 25 that are left for others than the first.
    expect(await takeMany({ ...all, subject: 'guild-b' }, 60)).toBe(12);
    clock = NOON + DAY_MS;
    await told(key, 0, 51);
    expect(await takeMany(all, 60)).toBe(51);
    expect(await pools.take({ ...all, subject: 'guild-b' })).toMatchObject({ reason: 'day', isShare: false });
  });

  it('gives background work a tenth of the day, and none of a small or unknown one', async () => {
    clock = NOON;
    for (const [limit, granted] of [
      [50, 0],
      [1000, 100],
      [null, 0],
    ] as const) {
      const key = account();
      if (limit !== null) await told(key, 0, limit);
      const work = asking(key, { perMinute: 10_000, isBackground: true });
      expect(await takeMany(work, 120)).toBe(granted);
      expect(await pools.take(work)).toMatchObject({ reason: 'day', isShare: true });
      expect((await pools.take({ ...work, isBackground: false })).granted).toBe(1);
    }
  });

  it('takes over what the provider counted, where that is more, and never less', async () => {
    clock = NOON;
    const key = account();
    await takeMany(asking(key), 5);
    await told(key, 3, 1000);
    expect(await dayOf(key)).toEqual({ used: 5, limit: 1000 });
    await told(key, 990, 1000);
    expect(await dayOf(key)).toEqual({ used: 990, limit: 1000 });
    expect(await takeMany(asking(key), 13)).toBe(10);
    clock = MIDNIGHT + 30_000;
    await pools.take(asking(key));
    await told(key, 1000, 1000); // of the day before
    expect(await dayOf(key)).toEqual({ used: 1, limit: 1000 });
  });

  it('rests when the provider refuses: for the minute, or for the day until more was bought', async () => {
    clock = NOON;
    const key = account();
    await pools.correct({ ...key, kind: 'minute', waitMs: 20_000 });
    expect(await pools.take(asking(key))).toMatchObject({ granted: 0, reason: 'rest', waitMs: 20_000 });
    clock += 20_001;
    expect((await pools.take(asking(key))).granted).toBe(1);
    await told(key, 10, 50);
    await pools.correct({ ...key, kind: 'day', waitMs: MIDNIGHT - clock });
    expect(await pools.take(asking(key))).toMatchObject({
      reason: 'day',
      isShare: false,
      waitMs: MIDNIGHT - clock,
    });
    await told(key, 10, 50);
    expect(await pools.take(asking(key))).toMatchObject({ reason: 'day' });
    await told(key, 50, 1000);
    expect((await pools.take(asking(key))).granted).toBe(1);
    await pools.correct({ ...key, kind: 'day', waitMs: MIDNIGHT - clock });
    clock = MIDNIGHT + 1;
    expect((await pools.take(asking(key))).granted).toBe(1);
  });

  it('opens no day again, and gives no minute twice, when the clock goes back', async () => {
    clock = MIDNIGHT + 1000;
    const key = account();
    await told(key, 0, 20);
    expect(await takeMany(asking(key), 18)).toBe(18);
    clock = MIDNIGHT - 60 * MINUTE_MS;
    expect((await pools.take(asking(key))).granted).toBe(0);
    clock += MINUTE_MS;
    expect((await pools.take(asking(key))).granted).toBe(0);
    clock += 2 * MINUTE_MS;
    expect(await takeMany(asking(key), 3)).toBe(2);
    expect(await pools.take(asking(key))).toMatchObject({ reason: 'day', waitMs: MIDNIGHT + DAY_MS - clock });
  });

  it('forgets what was taken on former days', async () => {
    clock = NOON;
    const key = account();
    await pools.take(asking(key));
    clock = NOON + 3 * DAY_MS;
    await store.housekeeping();
    expect(await dayOf(key)).toBeUndefined();
    const [row] = await database.sql<{ count: number }[]>`
      select count(*)::int as count from free_pool_shares where payer = ${key.payer}`;
    expect(row?.count).toBe(0);
  });

  describe('an admission', () => {
    const freePool = { perMinute: 20, operators: 'openrouter' };
    const speech = () => ({ author: person(), guild: community(), chat: -nextId() });

    it('takes the first place with it, or is told when there is one', async () => {
      clock = NOON + 5 * DAY_MS;
      const one = await store.turns.admit(admission(speech(), { freePool }));
      if (one.kind !== 'run') throw new Error(one.kind);
      expect(one.turn.freePlace).toMatchObject({
        payer: 'operator',
        provider: 'openrouter',
        subject: one.turn.guild?.internalId,
        granted: 1,
      });
      const operators = { payer: 'operator', provider: 'openrouter' };
      for (let one = 0; one < 17; one += 1) {
        await pools.take(asking(operators, { subject: `other-${one}` }));
      }
      const other = await store.turns.admit(admission(speech(), { freePool }));
      expect(other).toMatchObject({ turn: { freePlace: { granted: 0, reason: 'minute', waitMs: 61_000 } } });
    });

    it('takes none where a paid model is asked first, and none for what does not run', async () => {
      clock = NOON + 6 * DAY_MS;
      const before = await dayOf({ payer: 'operator' });
      const paid = await store.turns.admit(
        admission(speech(), { freePool: { perMinute: 20, operators: null } }),
      );
      expect(paid).toMatchObject({ kind: 'run' });
      expect(paid).not.toHaveProperty('turn.freePlace');
      const refused = await store.turns.admit(
        admission(speech(), { freePool, refusal: { reason: 'too_old' } }),
      );
      expect(refused.kind).toBe('refused');
      expect(await dayOf({ payer: 'operator' })).toEqual(before);
    });
  });
});

describe.each(serverKinds)('the free pool under eight workers on %s', (kind) => {
  it('gives no sixty seconds more than is allowed, and no day more than there is', async () => {
    let nowMs = NOON;
    const { database, store } = await openStore(kind, () => nowMs);
    try {
      const key = account();
      await store.freePools.correct({ ...key, kind: 'told', used: 0, limit: 130 });
      const taken: number[] = [];
      const worker = async (name: number) => {
        for (let round = 0; round < 120; round += 1) {
          const atMs = nowMs;
          const { granted } = await store.freePools.take(
            asking(key, { subject: `guild-${name % 4}`, wanted: 1 + (round % 3) }),
          );
          for (let one = 0; one < granted; one += 1) taken.push(atMs);
          if (name === 0) nowMs += 4000;
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, name) => worker(name)));
      const worst = Math.max(
        ...taken.map((fromMs) => taken.filter((at) => at >= fromMs && at < fromMs + 60_000).length),
      );
      expect(worst).toBeLessThanOrEqual(18);
      expect(worst).toBeGreaterThan(9);
      expect(taken.length).toBeLessThanOrEqual(130);
      const [row] = await database.sql<{ used: number }[]>`
        select day_used as used from free_pools where payer = ${key.payer}`;
      expect(row?.used).toBe(taken.length);
      const shares = await database.sql<{ used: number }[]>`
        select used from free_pool_shares where payer = ${key.payer}`;
      expect(shares.reduce((sum, { used }) => sum + used, 0)).toBe(taken.length);
    } finally {
      await database.close();
    }
  });
});
