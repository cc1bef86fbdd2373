/** How long to rest between tries. */
export interface RetryPace {
  /** First delay after a failure; doubles up to `longestRetryMs`. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

/**
 * The rest after so many failures in a row, from 1 on: it doubles from the first delay; half of it is chance, so that
 * many don't come back at once. `random` is uniform in [0, 1).
 */
export function backoffMs(
  failures: number,
  { retryMs, longestRetryMs }: RetryPace,
  random: () => number,
): number {
  const ceilingMs = Math.min(retryMs * 2 ** (failures - 1), longestRetryMs);
  return ceilingMs * (0.5 + random() / 2);
}
