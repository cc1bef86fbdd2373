import { expect, it } from 'vitest';
import type { FreeTake, FreeWish } from '../../../src/completion/free-places.ts';
import { createFreePool } from '../../../src/limits/free-pool.ts';
import type { FreePoolStore, PoolCorrection } from '../../../src/limits/free-ports.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';

const START_MS = Date.UTC(2026, 6, 15, 12);
const never = new AbortController().signal;
const GRANT: FreeTake = { granted: 1, second: 1, day: '2026-07-15' };
const PLACE = { ...GRANT, payer: 'operator', provider: 'openrouter', subject: 'a' };
const inMs = (waitMs: number, more: object = {}): FreeTake => ({
  granted: 0,
  reason: 'minute',
  isShare: false,
  waitMs,
  ...more,
});

const wish = (changes: Partial<FreeWish> = {}): FreeWish => ({
  subject: 'a',
  user: 'a1',
  isFirst: false,
  isBackground: false,
  wanted: 1,
  longestWaitMs: 60_000,
  ...changes,
});

/** A pool whose row answers as told, and then grants; time passes when somebody waits and `pass` is called. */
function stage(
  answers: (FreeTake | Error)[] = [],
  look: (() => Promise<{ used: number; limit: number }>) | null = null,
) {
  let nowMs = START_MS;
  const asked: string[] = [];
  const corrections: PoolCorrection[] = [];
  const given: unknown[] = [];
  const waiting: number[] = [];
  const naps: { untilMs: number; wake: () => void }[] = [];
  const store: FreePoolStore = {
    take({ subject }) {
      asked.push(subject);
      const answer = answers.shift() ?? GRANT;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    giveBack: (place) => Promise.resolve(void given.push(place)),
    correct: (correction) => Promise.resolve(void corrections.push(correction)),
    left: () => Promise.resolve(null),
  };
  const warnings: string[] = [];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, text: string) => void warnings.push(text),
  };
  const pool = createFreePool({
    payer: 'operator',
    provider: 'openrouter',
    perMinute: 20,
    store,
    look,
    log,
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        naps.push({ untilMs: nowMs + ms, wake: resolve });
        signal.addEventListener('abort', () => resolve());
      }),
    onWaiting: (count) => void waiting.push(count),
  });
  const settle = () => new Promise((resolve) => void setImmediate(resolve));
  return {
    pool,
    asked,
    corrections,
    given,
    waiting,
    warnings,
    settle,
    pass: async (ms: number) => {
      await settle();
      nowMs += ms;
      for (const nap of naps) if (nap.untilMs <= nowMs) nap.wake();
      await settle();
    },
  };
}

it('who gets no place waits for it, and is not asked for before', async () => {
  const { pool, asked, waiting, pass } = stage([inMs(20_000)]);
  const verdict = pool.take(wish(), never);
  await pass(19_999);
  expect(asked).toEqual(['a']);
  expect(waiting).toEqual([1]);
  await pass(1);
  expect(await verdict).toMatchObject({ kind: 'granted', count: 1 });
  expect(asked).toEqual(['a', 'a']);
  expect(waiting).toEqual([1, 0]);
});

it('what would take longer than a minute is refused at once, with the time', async () => {
  const { pool, asked } = stage([inMs(60_001)]);
  const failure = { kind: 'free_minute_spent', resetsAtMs: START_MS + 60_001, isOurs: true };
  expect(await pool.take(wish(), never)).toMatchObject({ kind: 'refused', failure });
  expect(await pool.take(wish({ subject: 'b' }), never)).toMatchObject({ kind: 'refused', failure });
  expect(asked).toEqual(['a']);
});

it('a place in the queue counts what is free when, for whoever holds it', async () => {
  const { pool } = stage([
    inMs(10_000, {
      frees: [
        [10_000, 1],
        [50_000, 1],
      ],
    }),
  ]);
  void pool.take(wish(), never);
  await stage().settle();
  const outlook = (subject: string) => pool.outlook(wish({ subject })).atMs - START_MS;
  expect(outlook('b')).toBe(50_000);
  void pool.take(wish({ subject: 'b' }), never);
  expect(outlook('c')).toBeGreaterThan(60_000);
});

it('whoever is cancelled leaves the queue, and a place that then comes goes back', async () => {
  const { pool, waiting, given, pass } = stage([inMs(5000)]);
  const abort = new AbortController();
  const verdict = pool.take(wish(), abort.signal);
  await pass(1000);
  abort.abort();
  expect((await verdict).kind).toBe('refused');
  expect(waiting.at(-1)).toBe(0);
  await pass(10_000);
  expect(given).toEqual([]);
});

it('while the database is away the allowance is kept by what this process knows', async () => {
  const away = new StoreUnavailable('gone');
  const { pool, warnings, pass } = stage([away, away, away]);
  const first = await Promise.all(Array.from({ length: 18 }, () => pool.take(wish(), never)));
  expect(first.every(({ kind }) => kind === 'granted')).toBe(true);
  expect(warnings).toEqual(['free answers are counted in memory for now']);
  const next = pool.take(wish({ longestWaitMs: 3000 }), never);
  expect((await next).kind).toBe('refused');
  await pass(60_000);
  expect((await pool.take(wish(), never)).kind).toBe('granted');
});

it('a refusal of the day stops all at once, is told to the others and once as news, until more is there', async () => {
  let limit = 50;
  const { pool, asked, corrections, pass, settle } = stage([], () => Promise.resolve({ used: 50, limit }));
  const failure = {
    kind: 'free_day_spent',
    httpStatus: 429,
    detail: '',
    resetsAtMs: START_MS + 12 * 3_600_000,
  } as const;
  expect(pool.refused(failure)).toBe(true);
  expect(pool.outlook(wish()).block).toMatchObject({ untilMs: failure.resetsAtMs });
  expect(pool.refused(failure)).toBe(false);
  await settle();
  expect(corrections).toContainEqual({
    payer: 'operator',
    provider: 'openrouter',
    kind: 'day',
    waitMs: 12 * 3_600_000,
  });
  expect(corrections).toContainEqual({
    payer: 'operator',
    provider: 'openrouter',
    kind: 'told',
    used: 50,
    limit: 50,
  });
  limit = 1000;
  await pass(300_000);
  pool.outlook(wish());
  await settle();
  expect(corrections.at(-1)).toMatchObject({ kind: 'told', limit: 1000 });
  expect(pool.outlook(wish()).block).toBeNull();
  expect(asked).toEqual([]);
});

it('a rest that the provider asks for is not waited for', async () => {
  const { pool, asked } = stage();
  pool.refused({ kind: 'free_minute_spent', httpStatus: 429, detail: '', resetsAtMs: START_MS + 30_000 });
  expect(await pool.take(wish(), never)).toMatchObject({
    kind: 'refused',
    failure: { resetsAtMs: START_MS + 30_000, isOurs: false },
  });
  expect(asked).toEqual([]);
});

it('a place from the admission is used while it is fresh, and otherwise goes back', () => {
  const { pool, given } = stage();
  expect(pool.redeem(PLACE, wish(), 100)).toBe(true);
  expect(given).toEqual([]);
  expect(pool.redeem(PLACE, wish(), 5000)).toBe(false);
  expect(given).toEqual([PLACE]);
  const others = { ...PLACE, payer: 'somebody else' };
  expect(pool.redeem(others, wish(), 100)).toBe(false);
  expect(given).toEqual([PLACE, others]);
});

it('whoever holds a fresh place need not wait, whatever was heard before it was granted', async () => {
  const { pool, pass } = stage([inMs(3_600_000, { reason: 'day' })]);
  await pool.take(wish(), never);
  const held = (ageMs: number) => pool.outlook(wish({ place: { given: PLACE, ageMs } })).block;
  expect(pool.outlook(wish()).block).not.toBeNull();
  expect(held(100)).toBeNull();
  expect(held(5000)).not.toBeNull();
  await pass(1000);
  pool.refused({ kind: 'free_day_spent', httpStatus: 429, detail: '', resetsAtMs: START_MS + 3_600_000 });
  expect(held(100)).not.toBeNull();
  expect(pool.redeem(PLACE, wish(), 100)).toBe(false);
});

it('who is cancelled while the row is asked leaves the place to others', async () => {
  const { pool, given } = stage();
  const abort = new AbortController();
  const verdict = pool.take(wish(), abort.signal);
  abort.abort();
  expect((await verdict).kind).toBe('refused');
  expect(given).toEqual([PLACE]);
});

it('background work in the queue ends with its share of the day, and nobody else does', async () => {
  const { pool, pass } = stage([inMs(1000), inMs(3_600_000, { reason: 'day', isShare: true })]);
  const verdict = pool.take(wish({ isBackground: true }), never);
  await pass(1000);
  expect(await verdict).toMatchObject({
    kind: 'refused',
    failure: { kind: 'free_day_spent', isShare: true },
  });
  expect(pool.outlook(wish()).block).toBeNull();
});

it('background work that gets nothing takes nothing from others, and does not wait', async () => {
  const { pool, waiting } = stage([inMs(1000, { reason: 'day', isShare: true })]);
  expect(await pool.take(wish({ isBackground: true }), never)).toMatchObject({ kind: 'refused' });
  expect(waiting).toEqual([]);
  expect((await pool.take(wish(), never)).kind).toBe('granted');
});
