import type { Clock } from '../../../src/delivery/clock.ts';

export interface VirtualClock extends Clock {
  /** Lets so much time pass, waking every sleeper at its moment and in order. */
  pass(ms: number): Promise<void>;
}

/** A clock for many at once: its time passes only when it is told to. */
export function createVirtualClock(): VirtualClock {
  let now = 0;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => sleepers.push({ atMs: now + ms, wake: resolve })),
    async pass(ms) {
      const endMs = now + ms;
      await settle();
      for (;;) {
        const nextMs = Math.min(...sleepers.map(({ atMs }) => atMs));
        if (nextMs > endMs) break;
        now = Math.max(now, nextMs);
        const due = sleepers.filter(({ atMs }) => atMs <= now);
        sleepers = sleepers.filter(({ atMs }) => atMs > now);
        for (const { wake } of due) wake();
        await settle();
      }
      now = endMs;
    },
  };
}
