import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import type { QuotaLimits } from '../../../src/limits/quota.ts';
import { originKey } from '../../../src/platform/ids.ts';
import type { Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, claim, community, nextId, person, run, settlement, spent } from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const HOUR_MS = 3_600_000;
const MIDNIGHT = NOON + 12 * HOUR_MS;

describe.each(databaseKinds)('budgets on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const begin = (limits: QuotaLimits, guild: Guild | null = community(), instance: QuotaLimits = {}) => {
    const defaults = { user: guild === null ? limits : {}, guild: guild === null ? {} : limits, instance };
    return run(store.turns, admission({ author: person(), chat: nextId(), guild }, { defaults }));
  };
  const attempts = (cost: bigint) => [attempt({ isFree: false, usage: spent(10, 10, cost) })];
  /** What is told when a turn has spent so much. */
  const spend = async (turn: RunnableTurn, cost: bigint, changes: Parameters<typeof settlement>[1] = {}) => {
    const result = await store.turns.settle(settlement(turn, { attempts: attempts(cost), ...changes }));
    if (result.kind !== 'settled') throw new Error(`settled as ${result.kind}`);
    return result;
  };
  const thresholds = (result: { readonly remarks?: readonly { readonly params: object }[] }) =>
    (result.remarks ?? []).map(({ params }) => (params as { threshold: number }).threshold);
  const remark = (threshold: number, changes: object = {}) => ({
    key: 'remark.alert',
    params: { subject: 'guild', window: 'day', threshold, limitNanoUsd: 1000, ...changes },
  });

  describe('a turn', () => {
    it('knows the budget that is nearest to its end, with what is held', async () => {
      const guild = community();
      const [first, second] = [
        await begin({ cost_day: 1000, cost_month: 1600 }, guild),
        await begin({ cost_day: 1000, cost_month: 1600 }, guild),
      ];
      expect(first.budget).toMatchObject({ limitNanoUsd: 1600, usedNanoUsd: 0 });
      await store.turns.holdCost(first, 0, 300n);
      await spend(second, 100n);
      expect((await begin({ cost_day: 1000, cost_month: 1600 }, guild)).budget).toEqual({
        subject: 'guild',
        window: 'day',
        limitNanoUsd: 1000,
        usedNanoUsd: 400,
        resetsAtMs: MIDNIGHT,
      });
      expect((await begin({ cost_day: 1000 }, guild, { cost_day: 5000 })).budget).toMatchObject({
        subject: 'guild',
      });
      expect((await begin({ cost_day: 1000 }, guild, { cost_day: 100 })).budget).toMatchObject({
        subject: 'instance',
      });
      expect((await begin({ cost_day: 0 })).budget).toMatchObject({ limitNanoUsd: 0 });
      expect((await begin({ requests_day: 10 })).budget).toBeNull();
    });
  });

  describe('what is spent', () => {
    it('of the operator’s money is told to nobody else', async () => {
      // One for all tests of this database: what it has spent today is no news of this test.
      const [row] = await database.sql<{ cost: string }[]>`
        select cost_day::text as cost from quota_subjects where kind = 0`;
      const limit = 2 * (Number(row?.cost ?? 0) + 1000);
      const before = await spend(await begin({}, community(), { cost_day: limit }), 999n);
      const after = await spend(await begin({}, community(), { cost_day: limit }), 1n);
      expect([before.alerts, before.remarks, after.remarks]).toEqual([[], [], []]);
      expect(after.alerts).toEqual([
        { window: 'day', threshold: 50, limitNanoUsd: limit, spentNanoUsd: limit / 2 },
      ]);
    });

    it('is told at 50, 80 and 100 % of each budget, once', async () => {
      const guild = community();
      const limits = { cost_day: 1000, cost_month: 10_000 };
      const told: (readonly number[])[] = [];
      for (const cost of [499n, 1n, 299n, 1n, 0n, 199n, 1n, 1n]) {
        told.push(thresholds(await spend(await begin(limits, guild), cost)));
      }
      expect(told).toEqual([[], [50], [], [80], [], [], [100], []]);
    });

    it('is told at its highest threshold alone, where several are passed at once', async () => {
      const guild = community();
      const result = await spend(await begin({ cost_day: 1000 }, guild), 850n);
      expect(result.remarks).toEqual([remark(80)]);
      expect(thresholds(await spend(await begin({ cost_day: 1000 }, guild), 1n))).toEqual([]);
      const both = await spend(await begin({ cost_day: 100, cost_month: 200 }), 100n);
      expect(both.remarks).toMatchObject([
        { params: { window: 'day', threshold: 100 } },
        { params: { window: 'month', threshold: 50 } },
      ]);
    });

    it('is told once by two turns that pass it at the same moment', async () => {
      const guild = community();
      const turns = [
        await begin({ cost_day: 1000 }, guild),
        await begin({ cost_day: 1000 }, guild),
        await begin({ cost_day: 1000 }, guild),
      ];
      const results = await Promise.all(turns.map((turn) => spend(turn, 300n)));
      expect(results.flatMap(thresholds).toSorted((one, other) => one - other)).toEqual([50, 80]);
    });

    it('is told anew for another amount and in another window', async () => {
      const guild = community();
      expect(thresholds(await spend(await begin({ cost_day: 1000 }, guild), 600n))).toEqual([50]);
      expect(thresholds(await spend(await begin({ cost_day: 1100 }, guild), 1n))).toEqual([50]);
      expect(thresholds(await spend(await begin({ cost_day: 1000 }, guild), 1n))).toEqual([]);
      clock = NOON + 24 * HOUR_MS;
      try {
        expect(thresholds(await spend(await begin({ cost_day: 1000 }, guild), 600n))).toEqual([50]);
      } finally {
        clock = NOON;
      }
    });

    it('stands with the turn, which is settled once and may be delivered by another process', async () => {
      const turn = await begin({ cost_day: 1000 });
      const own = { key: 'remark.cheaper', params: { subject: 'guild', window: 'day', percent: 84 } };
      const request = settlement(turn, { attempts: attempts(600n), remarks: [own] });
      expect(await store.turns.settle(request)).toMatchObject({
        kind: 'settled',
        remarks: [own, remark(50)],
      });
      expect(await store.turns.settle(request)).toMatchObject({
        kind: 'already_settled',
        remarks: [own, remark(50)],
      });
      clock = NOON + 60_000;
      try {
        const { deliver } = await store.turns.claimWork(claim({ limit: 1000 }));
        expect(deliver.find(({ id }) => id === turn.id)?.remarks).toEqual([own, remark(50)]);
      } finally {
        clock = NOON;
      }
    });

    it('is told as all of it, where what is left pays for nothing any more', async () => {
      const guild = community();
      const exhausted = { subject: 'guild', window: 'day' } as const;
      const first = await spend(await begin({ cost_day: 1000 }, guild), 0n, { exhausted });
      expect(first.remarks).toEqual([remark(100)]);
      expect((await spend(await begin({ cost_day: 1000 }, guild), 0n, { exhausted })).remarks).toEqual([]);
      expect(thresholds(await spend(await begin({ cost_day: 1000 }, guild), 900n))).toEqual([]);
    });

    it('of a person’s own is told to them in private', async () => {
      const author = person();
      const ask = (guild: Guild | null) =>
        run(
          store.turns,
          admission(
            { author, chat: nextId(), guild },
            { defaults: { user: { cost_day: 1000 }, guild: {}, instance: {} } },
          ),
        );
      expect(thresholds(await spend(await ask(community()), 600n))).toEqual([]);
      expect((await spend(await ask(null), 1n)).remarks).toEqual([remark(50, { subject: 'user' })]);
    });
  });

  describe('a guild’s budget', () => {
    const asker = (guild: Guild, author = person()) => ({
      originKey: originKey('telegram', 'bot', 1, nextId()),
      author,
      guild,
    });
    const shown = async (guild: Guild) => await store.budgets.show(guild.id);

    it('is set by one command, once, and recorded; what is left out stays, and null removes', async () => {
      const guild = community();
      expect(await shown(guild)).toMatchObject([
        {
          window: 'day',
          limitNanoUsd: null,
          ownNanoUsd: null,
          spentNanoUsd: 0,
          told: [],
          resetsAtMs: MIDNIGHT,
        },
        { window: 'month', limitNanoUsd: null },
      ]);
      const first = asker(guild);
      await store.budgets.set(first, { day: 1000, month: 5000 });
      await store.budgets.set(asker(guild), { day: 0 });
      await store.budgets.set(first, { day: 1000, month: 5000 });
      expect(await shown(guild)).toMatchObject([{ limitNanoUsd: 0 }, { ownNanoUsd: 5000 }]);
      await store.budgets.set(asker(guild), { day: null, month: null });
      expect(await shown(guild)).toMatchObject([{ limitNanoUsd: null }, { limitNanoUsd: null }]);
      const rows = await database.sql`
        select actor, before, after from audit where action = 'budget.set' and guild = ${guild.id} order by id`;
      expect(rows).toMatchObject([
        { actor: first.author.id, before: null, after: { cost_day: 1000, cost_month: 5000 } },
        { after: { cost_day: 0, cost_month: 5000 } },
        { before: { cost_day: 0, cost_month: 5000 }, after: null },
      ]);
    });

    it('takes the place of what admins had set for a while, and clears it', async () => {
      const guild = community();
      const lower = async () => {
        const by = asker(guild);
        await store.quotas.set({
          asker: by,
          target: { kind: 'guild', guild: guild.id },
          by: 'admins',
          key: 'cost_day',
          limit: 10,
          untilMs: MIDNIGHT + 30 * 86_400_000,
        });
      };
      await store.budgets.set(asker(guild), { day: 500 });
      await lower();
      expect(await shown(guild)).toMatchObject([{ limitNanoUsd: 10 }, {}]);
      await store.budgets.set(asker(guild), { day: 1000 });
      expect(await shown(guild)).toMatchObject([{ limitNanoUsd: 1000 }, {}]);
      await lower();
      await store.budgets.set(asker(guild), { day: null, month: null });
      expect(await shown(guild)).toMatchObject([{ limitNanoUsd: null }, {}]);
    });

    it('lets nothing be held beyond it, and shows what is spent, held and told', async () => {
      const guild = community();
      await store.budgets.set(asker(guild), { day: 1000 });
      const turns = [await begin({}, guild), await begin({}, guild), await begin({}, guild)];
      const holds = await Promise.all(turns.map((turn) => store.turns.holdCost(turn, 0, 400n)));
      expect(holds.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b))).toEqual([
        'held',
        'held',
        'refused',
      ]);
      const [held] = turns.filter((_, index) => holds[index]?.kind === 'held');
      await spend(held!, 400n);
      const [today] = await shown(guild);
      expect(today).toMatchObject({
        spentNanoUsd: 400,
        heldNanoUsd: 400,
        firstSpentAtMs: expect.any(Number),
        told: [],
      });
      await spend(await begin({}, guild), 200n);
      expect((await shown(guild))[0]).toMatchObject({ spentNanoUsd: 600, told: [50] });
      await store.budgets.set(asker(guild), { day: 2000 });
      expect((await shown(guild))[0]).toMatchObject({ limitNanoUsd: 2000, told: [] });
    });

    it('only lowers what the operator allows', async () => {
      const guild = community();
      await store.budgets.set(asker(guild), { day: 1000 });
      expect((await begin({ cost_day: 300 }, guild)).budget).toMatchObject({ limitNanoUsd: 300 });
      expect((await begin({ cost_day: 3000 }, guild)).budget).toMatchObject({ limitNanoUsd: 1000 });
    });
  });

  it('what is spared is summed for a guild, and in private for a person', async () => {
    const [guild, author] = [community(), person()];
    const usage = { ...spent(10, 10), spared: { nanoUsd: 70n, against: 'acme/grand' } };
    for (const where of [guild, guild, null]) {
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild: where }));
      await store.turns.settle(settlement(turn, { attempts: [attempt({ usage })] }));
    }
    expect(await store.budgets.spared(person(), guild, 30)).toBe(140n);
    expect(await store.budgets.spared(author, null, 30)).toBe(70n);
    expect(await store.budgets.spared(person(), null, 30)).toBe(0n);
  });
});
