import { createPace, MINUTE_MS } from './pace.ts';

/** What one more request of somebody makes of their minute. */
export interface Metered {
  readonly limit: number;
  readonly remaining: number;
  /** Until there is room for one more than now. */
  readonly resetMs: number;
  readonly isOver: boolean;
}

/** Counts one more request of whoever has this key. */
export type Meter = (key: string) => Metered;

/** Of more keys than these at once, all are forgotten: memory is worth more than their limit. */
const MOST_KEYS = 50_000;

export function createMeter(limit: number, now: () => number): Meter {
  let pace = createPace(now);
  return (key) => {
    if (pace.size() >= MOST_KEYS) pace = createPace(now);
    const waitMs = pace.take(key, limit);
    const counted = pace.counted(key);
    const resetMs = waitMs > 0 ? waitMs : (counted[0] ?? now()) + MINUTE_MS - now();
    return { limit, remaining: Math.max(0, limit - counted.length), resetMs, isOver: waitMs > 0 };
  };
}
