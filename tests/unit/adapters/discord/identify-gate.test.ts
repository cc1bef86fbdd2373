import { describe, expect, it } from 'vitest';
import { createIdentifyGate, restBeforeIdentifyMs } from '../../../../src/adapters/discord/identify-gate.ts';
import type { Clock } from '../../../../src/delivery/clock.ts';
import { createVirtualClock } from '../../delivery/virtual-clock.ts';

const DAY_MS = 86_400_000;
const limit = (remaining: number, concurrency = 1) => ({
  total: 1000,
  remaining,
  reset_after: DAY_MS,
  max_concurrency: concurrency,
});
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const never = new AbortController().signal;

/** Notes what is waited for, without waiting. */
function notingClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    sleep: (ms) => Promise.resolve(void waits.push(ms)),
  };
}

describe('the rest before a session begins', () => {
  it('is none until half of the day is used', () => {
    expect([1000, 750, 500].map((remaining) => restBeforeIdentifyMs(limit(remaining)))).toEqual([0, 0, 0]);
  });

  it('makes what is left last for the rest of the day', () => {
    let elapsedMs = 0;
    for (let remaining = 499; remaining > 0; remaining -= 1) {
      elapsedMs += restBeforeIdentifyMs({ ...limit(remaining), reset_after: DAY_MS - elapsedMs });
    }
    expect(elapsedMs).toBeGreaterThanOrEqual(DAY_MS - 1000);
    expect(restBeforeIdentifyMs(limit(0))).toBe(DAY_MS);
  });
});

describe('the gate', () => {
  it.each([
    [1, [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]],
    [
      2,
      [
        [0, 1],
        [0, 1, 2, 3],
      ],
    ],
  ])('lets %i at a time begin, and the next an interval later', async (concurrency, begun) => {
    const clock = createVirtualClock();
    const gate = createIdentifyGate({ identifyIntervalMs: 5000, clock, logger: silent });
    const read = () => Promise.resolve(limit(1000, concurrency));
    const passed: number[] = [];
    for (const shard of [0, 1, 2, 3]) {
      void gate.pass(shard, read, never).then(() => passed.push(shard));
    }
    await clock.pass(0);
    for (const shards of begun) {
      expect(passed).toEqual(shards);
      await clock.pass(4999);
      expect(passed).toEqual(shards);
      await clock.pass(1);
    }
    expect(passed).toHaveLength(4);
  });

  it('holds back while few are left, and lets go where that is not known', async () => {
    const clock = notingClock();
    const gate = createIdentifyGate({ identifyIntervalMs: 0, clock, logger: silent });
    await gate.pass(0, () => Promise.resolve(limit(100)), never);
    await gate.pass(0, () => Promise.reject(new Error('no answer')), never);
    expect(clock.waits.filter((ms) => ms > 0)).toEqual([DAY_MS / 100]);
  });

  it('lets nobody pass who has gone', async () => {
    const gate = createIdentifyGate({ identifyIntervalMs: 0, clock: notingClock(), logger: silent });
    await expect(gate.pass(0, () => Promise.resolve(limit(1)), AbortSignal.abort())).rejects.toThrow(
      /abort/iu,
    );
  });
});
