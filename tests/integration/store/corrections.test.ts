import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenEstimate } from '../../../src/conversation/correction-ports.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import { userId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { createRecords } from '../../support/records.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, community, nextId, person, run, settlement, spent } from './requests.ts';

const MORNING = Date.UTC(2026, 6, 15, 10, 30);
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

describe.each(databaseKinds)('an estimate in the books on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = MORNING;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  let generations = 0;
  const estimated = (costNanoUsd: bigint) => {
    generations += 1;
    const usage = { ...spent(10, 5, costNanoUsd), source: 'estimated' as const };
    return attempt({ isFree: false, generationId: `gen-estimated-${generations}`, usage });
  };
  const told = (costNanoUsd: bigint) => ({
    usage: { ...spent(12, 40, costNanoUsd), cachedTokens: 3, reasoningTokens: 7 },
    modelUsed: 'acme/large',
  });
  /** Has something answered and booked by an estimate. */
  const book = async (costNanoUsd: bigint, guild = community(), author = person()): Promise<RunnableTurn> => {
    const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
    await store.turns.holdCost(turn, 0, costNanoUsd);
    await store.turns.settle(settlement(turn, { attempts: [estimated(costNanoUsd)] }));
    return turn;
  };
  const estimateOf = ({ id, epoch }: Pick<RunnableTurn, 'id' | 'epoch'>) => ({
    turnId: id,
    epoch,
    attempt: 0,
  });
  const dueAt = async (atMs: number): Promise<readonly OpenEstimate[]> => {
    clock = atMs;
    const { due } = await store.corrections.due(100);
    return due;
  };
  const usageOf = (turn: Pick<RunnableTurn, 'id'>) => database.sql`
    select kind, requests, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd::int as cost, source,
      (extract(epoch from at) * 1000)::float8 as "atMs" from usage where turn_id = ${turn.id} order by kind desc`;
  const counterOf = async (
    turn: RunnableTurn,
    column: 'cost_month' | 'tokens_month' | 'cost_day' = 'cost_month',
  ) => {
    const [row] = await database.sql<{ value: number }[]>`
      select ${database.sql(column)}::int as value from quota_subjects where subject_id = ${turn.author.internalId}`;
    return row?.value;
  };
  const isBalanced = async (): Promise<void> => {
    expect(await createRecords(database).wrongCounters()).toEqual([]);
    expect(await store.counters.rebuild()).toEqual([]);
    const [sums] = await database.sql`
      select (select row(sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_usd))::text
        from usage where user_id is not null) as details,
      (select row(sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_usd))::text
        from usage_hourly where user_id is not null) as hourly,
      (select row(sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_usd))::text
        from usage_daily where user_id is not null) as daily,
      (select row(sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_usd))::text
        from conversation_usage) as conversations`;
    expect(sums?.['daily']).toBe(sums?.['details']);
    expect(sums?.['hourly']).toBe(sums?.['details']);
    expect(sums?.['conversations']).toBe(sums?.['details']);
  };

  it.each([
    { way: 'less', cost: 200n },
    { way: 'more', cost: 90_000n },
    { way: 'nothing', cost: 0n },
  ])('that was $way gets a row of usage of its own, in its window, and all sums follow', async ({ cost }) => {
    clock = MORNING;
    const turn = await book(5000n);
    clock += 5 * MINUTE_MS;
    expect(await store.corrections.correct(estimateOf(turn), told(cost))).toEqual({
      kind: 'corrected',
      differenceNanoUsd: cost - 5000n,
    });
    expect(await usageOf(turn)).toEqual([
      {
        kind: 'completion',
        requests: 1,
        prompt_tokens: 10,
        completion_tokens: 5,
        cached_tokens: 0,
        reasoning_tokens: 0,
        cost: 5000,
        source: 'estimated',
        atMs: MORNING,
      },
      {
        kind: 'adjustment',
        requests: 0,
        prompt_tokens: 2,
        completion_tokens: 35,
        cached_tokens: 3,
        reasoning_tokens: 7,
        cost: Number(cost) - 5000,
        source: 'reported',
        atMs: MORNING,
      },
    ]);
    expect(await counterOf(turn)).toBe(Number(cost));
    expect(await counterOf(turn, 'tokens_month')).toBe(52);
    const [recorded] = await database.sql`
      select usage ->> 'source' as source, usage ->> 'costNanoUsd' as cost from attempts where turn_id = ${turn.id}`;
    expect(recorded).toEqual({ source: 'reported', cost: String(cost) });
    await isBalanced();
  });

  it('is corrected once, whoever comes again with whatever', async () => {
    clock = MORNING;
    const turn = await book(700n);
    const outcomes = await Promise.all(
      [300n, 300n, 900n].map((cost) => store.corrections.correct(estimateOf(turn), told(cost))),
    );
    expect(outcomes.map((outcome) => outcome.kind).toSorted()).toEqual(['corrected', 'known', 'known']);
    expect(await store.corrections.correct(estimateOf(turn), told(300n))).toEqual({ kind: 'known' });
    expect(await usageOf(turn)).toHaveLength(2);
    await isBalanced();
  });

  it('of a month that is over changes that month and not the present one', async () => {
    clock = Date.UTC(2026, 6, 31, 23, 59);
    const author = person();
    const turn = await book(5000n, community(), author);
    clock = Date.UTC(2026, 7, 1, 0, 2);
    const next = await run(store.turns, admission({ author, chat: nextId() }));
    await store.turns.settle(
      settlement(next, { attempts: [attempt({ isFree: false, usage: spent(1, 1, 40n) })] }),
    );
    expect(await store.corrections.correct(estimateOf(turn), told(100n))).toMatchObject({
      kind: 'corrected',
    });
    expect(await counterOf(turn)).toBe(40);
    const report = await store.usage.usageOf(author, null);
    expect(report.month).toMatchObject({ requests: 1, costNanoUsd: 40n });
    const [july] = await database.sql`
      select sum(cost_nano_usd)::int as cost from usage_hourly
      where user_id = ${turn.author.internalId} and hour < '2026-08-01T00:00Z'`;
    expect(july).toEqual({ cost: 100 });
    await isBalanced();
  });

  it('of a day that is over still counts in the month', async () => {
    clock = Date.UTC(2026, 8, 8, 23, 59);
    const turn = await book(5000n);
    clock = Date.UTC(2026, 8, 9, 0, 5);
    await store.corrections.correct(estimateOf(turn), told(100n));
    expect(await counterOf(turn, 'cost_day')).toBe(0);
    expect(await counterOf(turn)).toBe(100);
    await isBalanced();
  });

  it('is corrected while its people and guild go on asking and settling', async () => {
    clock = Date.UTC(2026, 9, 3, 12);
    const [guild, author] = [community(), person()];
    const booked: RunnableTurn[] = [];
    for (let count = 0; count < 6; count += 1) booked.push(await book(1000n, guild, author));
    const begun = await Promise.all(
      booked.map(() => run(store.turns, admission({ author, chat: nextId(), guild }))),
    );
    await Promise.all([
      ...booked.map((turn) => store.corrections.correct(estimateOf(turn), told(10n))),
      ...begun.map((turn) =>
        store.turns.settle(
          settlement(turn, { attempts: [attempt({ isFree: false, usage: spent(1, 1, 5n) })] }),
        ),
      ),
    ]);
    expect(await counterOf(booked[0]!)).toBe(6 * 10 + 6 * 5);
    await isBalanced();
  });

  it('is asked for after a minute, then ever later, and given up after a day', async () => {
    const start = Date.UTC(2026, 9, 10, 12);
    clock = start;
    const turn = await book(5000n);
    const mine = (due: readonly OpenEstimate[]) => due.filter(({ turnId }) => turnId === turn.id);
    expect(mine(await dueAt(start + MINUTE_MS - 1))).toEqual([]);
    expect(mine(await dueAt(start + MINUTE_MS))).toEqual([
      {
        ...estimateOf(turn),
        model: 'acme/small:free',
        provider: 'openrouter',
        generationId: `gen-estimated-${generations}`,
        startedAtMs: 1_795_000_000_000,
        bookedNanoUsd: '5000',
        payer: 'operator',
        subject: null,
        ownKey: null,
      },
    ]);
    const asked: number[] = [];
    for (let atMs = start + 2 * MINUTE_MS; atMs < start + 3.5 * HOUR_MS; atMs += MINUTE_MS) {
      if (mine(await dueAt(atMs)).length > 0) asked.push((atMs - start) / MINUTE_MS);
    }
    expect(asked).toEqual([3, 7, 15, 31, 63, 123, 183]);
    clock = start + DAY_MS + HOUR_MS;
    expect((await store.corrections.due(100)).givenUp).toBeGreaterThanOrEqual(1);
    expect(await store.corrections.correct(estimateOf(turn), told(1n))).toEqual({ kind: 'known' });
    expect(await counterOf(turn)).toBe(5000);
  }, 60_000);

  it('is not made of what was reported, nor of what nobody can be asked about', async () => {
    clock = Date.UTC(2026, 9, 20, 12);
    for (const changes of [
      { usage: spent(1, 1, 5n) },
      { usage: { ...spent(1, 1, 5n), source: 'estimated' as const }, generationId: null },
      { usage: { ...spent(1, 1, 5n), source: 'estimated' as const }, provider: 'gemini' },
    ]) {
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
      await store.turns.settle(settlement(turn, { attempts: [attempt({ isFree: false, ...changes })] }));
      expect(await store.corrections.correct(estimateOf(turn), told(1n))).toEqual({ kind: 'known' });
    }
  });

  it('of somebody who was forgotten is corrected without them', async () => {
    clock = Date.UTC(2026, 10, 2, 12);
    const guild = community();
    const turn = await book(5000n, guild);
    await store.control.forgetUser(turn.author.id, userId('telegram', 1));
    expect(await store.corrections.correct(estimateOf(turn), told(100n))).toMatchObject({
      kind: 'corrected',
    });
    const [left] = await database.sql`
      select sum(u.cost_nano_usd)::int as cost, max(u.user_id::text) as person from usage u where u.turn_id = ${turn.id}`;
    expect(left).toEqual({ cost: 100, person: null });
    const [days] = await database.sql`
      select sum(cost_nano_usd) filter (where user_id is null)::int as cost, count(*) filter (where user_id = ${turn.author.internalId})::int as rows
      from usage_daily where guild_id = (select id from guilds where platform_guild_id = ${guild.id})`;
    expect(days).toEqual({ cost: 100, rows: 0 });
    expect(await store.counters.rebuild()).toEqual([]);
  });
});
