import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuotaLimits } from '../../../src/limits/quota.ts';
import type { Author } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, claim, nextId, person, run, settlement, spent } from './requests.ts';

const MORNING = Date.UTC(2026, 6, 15, 10, 30);
const HOUR_MS = 3_600_000;

describe.each(databaseKinds)('money on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = MORNING;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const at = async <Result>(time: number, work: () => Promise<Result>): Promise<Result> => {
    clock = time;
    try {
      return await work();
    } finally {
      clock = MORNING;
    }
  };
  const begin = (user: QuotaLimits = {}, author = person()) =>
    run(store.turns, admission({ author, chat: nextId() }, { defaults: { user, guild: {}, instance: {} } }));
  const usageOf = (id: string) => database.sql`
    select attempt, requests, cost_nano_usd::text as cost, source from usage where turn_id = ${id} order by epoch, attempt`;
  const paid = (index: number, cost: bigint) => attempt({ index, isFree: false, usage: spent(10, 10, cost) });

  describe('held for an attempt', () => {
    it('is raised by asking for more, when the difference fits', async () => {
      const turn = await begin({ cost_day: 1000 });
      expect(await store.turns.holdCost(turn, 0, 400n)).toEqual({ kind: 'held' });
      expect(await store.turns.holdCost(turn, 0, 1000n)).toEqual({ kind: 'held' });
      expect(await store.turns.holdCost(turn, 0, 10n)).toEqual({ kind: 'held' });
      expect(await store.turns.holdCost(turn, 0, 1001n)).toMatchObject({
        kind: 'refused',
        refusal: { subject: 'user', metric: 'cost', limit: 1000, used: 1000 },
      });
      const holds = await database.sql`
        select distinct nano_usd::text as nano from quota_holds where turn_id = ${turn.id} and attempt = 0`;
      expect(holds).toEqual([{ nano: '1000' }]);
    });

    it('is booked in the window in which it was raised', async () => {
      const turn = await begin({ cost_hour: 1000 });
      await store.turns.holdCost(turn, 0, 400n);
      await at(MORNING + HOUR_MS, () => store.turns.holdCost(turn, 0, 900n));
      await at(MORNING + HOUR_MS, () => store.turns.settle(settlement(turn, { attempts: [paid(0, 900n)] })));
      const [row] = await database.sql`
        select cost_hour::text as hour from quota_subjects where subject_id = ${turn.author.internalId}`;
      expect(row).toEqual({ hour: '900' });
    });

    it('needs the claim that is good', async () => {
      const turn = await begin();
      const work = await at(MORNING + 60_000, () => store.turns.claimWork(claim({ limit: 1000 })));
      const claimed = work.run.find(({ id }) => id === turn.id);
      if (claimed === undefined) throw new Error('The turn was not claimed.');
      await expect(store.turns.holdCost(turn, 0, 1n)).rejects.toThrow('no longer runs under this claim');
      expect(await store.turns.holdCost(claimed, 0, 1n)).toEqual({ kind: 'held' });
    });

    it('is booked as spent when nobody reports the attempt', async () => {
      const turn = await begin();
      await store.turns.holdCost(turn, 0, 300n);
      await store.turns.holdCost(turn, 1, 200n);
      await store.turns.settle(settlement(turn, { attempts: [paid(1, 150n)] }));
      expect(await usageOf(turn.id)).toEqual([
        { attempt: 0, requests: 0, cost: '300', source: 'estimated' },
        { attempt: 1, requests: 1, cost: '150', source: 'reported' },
      ]);
    });

    it('is given back when the attempt reports that it took nothing', async () => {
      const turn = await begin();
      await store.turns.holdCost(turn, 0, 300n);
      const refused = attempt({ outcome: 'failed', failure: 'overloaded', usage: null });
      await store.turns.settle(settlement(turn, { state: 'failed', answer: null, attempts: [refused] }));
      expect(await usageOf(turn.id)).toEqual([]);
      expect(await database.sql`select 1 from quota_holds where turn_id = ${turn.id}`).toHaveLength(0);
    });
  });

  describe('and tokens that no provider can have meant', () => {
    const absurd = attempt({
      isFree: false,
      usage: {
        promptTokens: 2 ** 53,
        completionTokens: 2 ** 53,
        cachedTokens: 2 ** 53,
        reasoningTokens: -1.5,
        costNanoUsd: 10n ** 18n,
        source: 'reported',
      },
    });
    const settleAbsurdly = async (author: Author) => {
      const turn = await begin({}, author);
      expect(await store.turns.settle(settlement(turn, { attempts: [absurd] }))).toMatchObject({
        kind: 'settled',
      });
      return turn;
    };

    it('do not keep a turn from being settled, and are cut to what can be booked', async () => {
      const turn = await settleAbsurdly(person());
      const rows = await database.sql`
        select prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd::text as cost
        from usage where turn_id = ${turn.id}`;
      expect(rows).toEqual([
        {
          prompt_tokens: 2_147_483_647,
          completion_tokens: 2_147_483_647,
          cached_tokens: 2_147_483_647,
          reasoning_tokens: 0,
          cost: '1000000000000000',
        },
      ]);
    });

    it('can be held, too, where nothing forbids it', async () => {
      const turn = await begin();
      expect(await store.turns.holdCost(turn, 0, 10n ** 30n)).toEqual({ kind: 'held' });
      await store.turns.settle(settlement(turn, { attempts: [paid(0, 1n)] }));
    });

    it('are counted exactly, time and again, and refuse the next message like any use', async () => {
      const author = person();
      for (let time = 0; time < 3; time += 1) await settleAbsurdly(author);
      const limits = { defaults: { user: { tokens_day: 1000 }, guild: {}, instance: {} } };
      expect(await store.turns.admit(admission({ author, chat: nextId() }, limits))).toMatchObject({
        kind: 'refused',
        refusal: { metric: 'tokens', used: 6 * 2_147_483_647 },
      });
      expect(await at(MORNING + 2 * HOUR_MS, () => store.counters.rebuild())).toEqual([]);
    });
  });
});
