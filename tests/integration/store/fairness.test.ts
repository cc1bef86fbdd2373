import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFreePoolStore } from '../../../src/store/free-pool-store.ts';
import { anyKinds, openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { BUSY, simulateFairness } from '../../support/fairness.ts';

describe.each(anyKinds)('guilds that share a free pool on %s', (kind) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());

  it('wait at most a tenth as long as first come, first served, beside one that asks two hundred times', async () => {
    const { guilds } = await simulateFairness((now) => createFreePoolStore(database.sql, now));
    const quiet = guilds.filter(({ guild }) => guild !== BUSY);
    expect(quiet).toHaveLength(9);
    for (const { asked, inTurns, inOrder } of quiet) {
      expect(inTurns.answered).toBe(asked);
      expect(inTurns.p50Ms).toBeLessThanOrEqual(inOrder.p50Ms / 10);
      expect(inTurns.p95Ms).toBeLessThanOrEqual(inOrder.p95Ms / 10);
    }
    expect(Math.max(...quiet.map(({ inOrder }) => inOrder.p95Ms))).toBeGreaterThan(300_000);
    // Who asks so much is not left with nothing either.
    expect(guilds.find(({ guild }) => guild === BUSY)?.inTurns.answered).toBeGreaterThan(150);
  });

  it('never have more than half of what the others leave of a day', async () => {
    let nowMs = Date.UTC(2026, 6, 15);
    const pools = createFreePoolStore(database.sql, () => nowMs);
    const key = { payer: 'a day', provider: 'openrouter' };
    const limit = 100;
    const used = new Map<string, number>();
    const refused = new Map<string, number>();
    const ask = async (subject: string) => {
      const asking = { ...key, subject, wanted: 1, perMinute: 1000, isBackground: false };
      const { granted } = await pools.take(asking);
      const counts = granted > 0 ? used : refused;
      counts.set(subject, (counts.get(subject) ?? 0) + 1);
      const own = used.get(subject) ?? 0;
      const left = limit - [...used.values()].reduce((sum, count) => sum + count, 0);
      const hasTooMuch = granted > 0 && used.size > 1 && own > 1 && own > left;
      expect(hasTooMuch).toBe(false);
    };
    await pools.correct({ ...key, kind: 'told', used: 0, limit });
    for (let hour = 0; hour < 24; hour += 1) {
      nowMs = Date.UTC(2026, 6, 15, hour, 30);
      for (let number = hour % 6; number < 9; number += 6) await ask(`quiet ${number}`);
      for (let times = 0; times < 6; times += 1) await ask(BUSY);
    }
    expect(used.get(BUSY)).toBeLessThanOrEqual(limit / 2);
    expect(used.get(BUSY)).toBeGreaterThan(limit / 3);
    // Each of the nine asked four times.
    expect([...refused.keys()]).toEqual([BUSY]);
  });
});
