/**
 * Keeps free models under the account's allowance a minute (OpenRouter: 20 for all free models together, failed
 * attempts included), with a tenth of it left for whoever else uses the account. In memory: for the time in which nobody
 * can look into the pool that all processes share.
 */
export interface FreePace {
  /** When the next attempt may start (epoch ms, not before now). */
  nextStartMs(): number;
  /** Takes that place. */
  take(): void;
}

/**
 * Remembers the last starts rather than a rate, so that no 60 seconds, wherever they begin, hold more than the
 * allowance, and a quiet minute's worth can still be used at once.
 */
export function createFreePace(perMinute: number, now: () => number): FreePace {
  const places = Math.max(1, Math.floor(perMinute * 0.9));
  const starts: number[] = [];
  const nextStartMs = () => {
    const oldest = starts.length < places ? undefined : starts[0];
    return Math.max(now(), oldest === undefined ? 0 : oldest + 60_000);
  };
  return {
    nextStartMs,
    take() {
      const startMs = nextStartMs();
      while ((starts[0] ?? startMs) <= startMs - 60_000) starts.shift();
      starts.push(startMs);
    },
  };
}
