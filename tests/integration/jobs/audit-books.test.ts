import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKeyDesk } from '../../../src/completion/key-desk.ts';
import { auditBooks, type AuditParts } from '../../../src/jobs/audit-books.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { key, receive } from '../completion/upstream.ts';
import { openStore } from '../store/open-store.ts';
import { admission, attempt, community, nextId, person, run, settlement, spent } from '../store/requests.ts';

const PAID = 'acme/paid';
const DAY_MS = 86_400_000;
const EVENING = Date.UTC(2026, 6, 15, 23, 30);

describe.each(databaseKinds)('the audit of the books on %s', (kind) => {
  const clock = { nowMs: EVENING };
  let simulator: OpenRouterSimulator;
  let database: TestDatabase;
  let store: Store;
  let parts: AuditParts;
  const alerts: object[] = [];
  beforeAll(async () => {
    const models = [{ id: PAID, pricing: { prompt: '0.000001', completion: '0.000002' } }];
    simulator = await startOpenRouterSimulator({ models, now: () => clock.nowMs });
    ({ database, store } = await openStore(kind, () => clock.nowMs));
    const desk = createKeyDesk({ baseUrl: simulator.url });
    const log = { info: () => {}, warn: () => {}, error: (fields: object) => void alerts.push(fields) };
    const billedToday = () => desk.billedToday(key);
    parts = { ...store, billedToday, now: () => clock.nowMs, log };
    await audit();
  });
  beforeEach(() => {
    clock.nowMs += DAY_MS;
    alerts.length = 0;
  });
  afterAll(async () => {
    await simulator.stop();
    await database.close();
  });

  const audit = () => auditBooks(parts, new AbortController().signal);
  const book = async (costNanoUsd: bigint) => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId(), guild: community() }));
    const attempts = [attempt({ isFree: false, usage: spent(100, 20, costNanoUsd) })];
    await store.turns.settle(settlement(turn, { attempts }));
    return turn;
  };
  /** A paid call on the operator's key, whoever made it. */
  const spend = async (costUsd: string): Promise<void> => {
    simulator.play({ kind: 'answer', text: 'Here.', costUsd });
    await receive(simulator, { model: PAID });
  };
  const recorded = async () => {
    const rows = await database.sql<{ action: string }[]>`
      select action from audit where action like 'books.%' and at >= ${new Date(clock.nowMs - 1000).toISOString()}::timestamptz
      or (action = 'books.drift' and at > now() - interval '1 minute') order by id`;
    return rows.map(({ action }) => action);
  };
  const counters = () => database.sql`select q::text from quota_subjects q order by kind, subject_id`;

  it('changes nothing and says nothing while all agree', async () => {
    await book(3_000_000n);
    await spend('0.003');
    const before = await counters();
    await audit();
    expect(await counters()).toEqual(before);
    expect(await recorded()).toEqual([]);
    expect(alerts).toEqual([]);
  });

  it('puts a false counter right, and on record', async () => {
    const turn = await book(0n);
    await database.sql`
      update quota_subjects set tokens_day = tokens_day + 7, requests_month = 99 where subject_id = ${turn.author.internalId}`;
    await audit();
    const [row] = await database.sql`
      select tokens_day::int as tokens, requests_month::int as requests from quota_subjects where subject_id = ${turn.author.internalId}`;
    expect(row).toEqual({ tokens: 120, requests: 1 });
    const [noted] = await database.sql`
      select subject, details -> 'changes' as changes from audit where action = 'books.counter' order by id desc limit 1`;
    expect(noted).toEqual({ subject: 'user', changes: { tokens_day: [127, 120], requests_month: [99, 1] } });
    expect(alerts).toEqual([{ alert: { kind: 'books', wrongCounters: 1 } }]);
  });

  it('puts false, missing and superfluous sums of yesterday right, and what happens meanwhile stays', async () => {
    clock.nowMs -= 20 * 3_600_000;
    const turns = [await book(1n), await book(2n), await book(4n)];
    clock.nowMs += 20 * 3_600_000;
    const [falsified, missing, kept] = turns.map(({ author }) => author.internalId);
    await database.sql`update usage_hourly set cost_nano_usd = 50, cached_tokens = 3 where user_id = ${falsified!}`;
    await database.sql`delete from usage_hourly where user_id = ${missing!}`;
    await database.sql`update usage_daily set requests = 9, answered = 9 where user_id = ${kept!}`;
    await audit();
    const sums = await database.sql<{ cost: number; tokens: number; cached: number }[]>`
      select cost_nano_usd::int as cost, (prompt_tokens + completion_tokens)::int as tokens, cached_tokens::int as cached
      from usage_hourly where user_id in (${falsified!}, ${missing!}, ${kept!}) order by 1`;
    expect([...sums]).toEqual([1, 2, 4].map((cost) => ({ cost, tokens: 120, cached: 0 })));
    const days = await database.sql<{ requests: number; cost: number }[]>`
      select requests::int, cost_nano_usd::int as cost from usage_daily
      where user_id in (${falsified!}, ${missing!}, ${kept!}) order by 2`;
    expect([...days]).toEqual([1, 2, 4].map((cost) => ({ requests: 1, cost })));
    expect(alerts).toContainEqual({ alert: { kind: 'books', wrongSums: 3 } });
  });

  it.each([
    { billed: '0.5', booked: 100_000_000n, tells: true, what: 'more than was booked' },
    { billed: '0.0', booked: 100_000_000n, tells: true, what: 'less than was booked' },
    { billed: '0.009', booked: 0n, tells: false, what: 'less than a cent more' },
    { billed: '10.05', booked: 10_000_000_000n, tells: false, what: 'less than a percent more' },
  ])('tells the operator of a bill for $what: $tells', async ({ billed, booked, tells }) => {
    await spend(billed);
    await book(booked);
    await audit();
    const kinds = alerts.map((fields) => (fields as { alert: { kind: string } }).alert.kind);
    expect(kinds).toEqual(tells ? ['books_drift'] : []);
  });

  it('makes up for nights that were missed, once', async () => {
    const turn = await book(1n);
    await database.sql`update usage_hourly set requests = 5 where user_id = ${turn.author.internalId}`;
    clock.nowMs += 3 * DAY_MS - 12 * 3_600_000;
    await audit();
    expect(alerts).toEqual([{ alert: { kind: 'books', wrongSums: 1 } }]);
    alerts.length = 0;
    await database.sql`update quota_subjects set tokens_month = 1 where subject_id = ${turn.author.internalId}`;
    await audit();
    expect(alerts).toEqual([]);
    clock.nowMs += 12 * 3_600_000;
    await audit();
    expect(alerts).toEqual([{ alert: { kind: 'books', wrongCounters: 1 } }]);
  });
});
