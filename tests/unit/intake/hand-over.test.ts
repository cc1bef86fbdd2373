import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../src/intake/back-off.ts';
import { handOver, type Effort, type FailedTry } from '../../../src/intake/hand-over.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { createFakeClock } from '../delivery/fake-clock.ts';

const away = () => Promise.reject(new StoreUnavailable('away'));
const broken = () => Promise.reject(new TypeError('ours'));

/** Hands over an event that goes through these tries, and is taken after them. */
async function hand(tries: readonly (() => Promise<never>)[], effort: Partial<Effort> = {}) {
  const clock = createFakeClock();
  const startMs = clock.now();
  const failed: FailedTry[] = [];
  let calls = 0;
  const handed = await handOver(
    async () => {
      calls += 1;
      return (await tries[calls - 1]?.()) ?? 'value';
    },
    {
      eventId: '7',
      signal: new AbortController().signal,
      comesAgain: false,
      ...effort,
      deadlineMs: startMs + (effort.deadlineMs ?? Infinity),
    },
    {
      pace: { retryMs: 100, longestRetryMs: 1000 },
      clock,
      random: () => 0.5,
      onFailure: (failure) => void failed.push(failure),
    },
  );
  return { handed, calls, failed, sleeps: clock.sleeps };
}

const times = (count: number, fail: () => Promise<never>) => Array.from({ length: count }, () => fail);

describe('an event that is handed over', () => {
  it('is tried until the store takes it, with longer and longer rests', async () => {
    const { handed, failed, sleeps } = await hand(times(6, away));
    expect(handed).toEqual({ kind: 'taken', value: 'value' });
    expect(sleeps).toEqual([75, 150, 300, 600, 750, 750]);
    expect(failed.map(({ eventId, tries }) => [eventId, tries])).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => ['7', n]),
    );
  });

  it('is told of once when it waits for long, and not before', async () => {
    let told = 0;
    const onWait = () => void (told += 1);
    await hand(times(5, away), { onWait });
    expect(told).toBe(0);
    await hand(times(20, away), { onWait });
    expect(told).toBe(1);
  });

  it('is given up while the store is away for longer than it may wait', async () => {
    const { handed, calls } = await hand(times(50, away), { deadlineMs: 500 });
    expect(handed).toEqual({ kind: 'store_away' });
    expect(calls).toBe(3);
  });

  it('is poison after five failures of ours, however often the store was away between them', async () => {
    const { handed, calls } = await hand([...times(3, broken), ...times(9, away), ...times(2, broken)]);
    expect(handed).toMatchObject({ kind: 'poison', cause: expect.any(TypeError) });
    expect(calls).toBe(14);
  });

  it('is never poison where our failures do not count', async () => {
    const { handed } = await hand(times(40, broken), { mostFailures: Infinity });
    expect(handed).toMatchObject({ kind: 'taken' });
  });

  it('is tried a last time when the waiting ends', async () => {
    expect(await hand(times(9, away), { signal: AbortSignal.abort() })).toMatchObject({
      handed: { kind: 'store_away' },
      calls: 1,
    });
    expect(await hand([], { signal: AbortSignal.abort() })).toMatchObject({ handed: { kind: 'taken' } });
  });

  it('and comes again is neither tried nor given up any more when the waiting ends', async () => {
    const gone = { comesAgain: true, signal: AbortSignal.abort() };
    expect(await hand([], gone)).toMatchObject({ handed: { kind: 'stopped' }, calls: 0 });
    const stopping = new AbortController();
    const stop = () => {
      stopping.abort();
      return broken();
    };
    expect(await hand([broken, stop], { comesAgain: true, signal: stopping.signal })).toMatchObject({
      handed: { kind: 'stopped' },
      calls: 2,
    });
  });
});

it('the rest between tries is half chance, and never longer than its limit', () => {
  const pace = { retryMs: 100, longestRetryMs: 1000 };
  expect([0, 0.999].map((random) => Math.round(backoffMs(3, pace, () => random)))).toEqual([200, 400]);
  expect(backoffMs(60, pace, () => 0)).toBe(500);
});
