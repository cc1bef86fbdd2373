import type { BudgetInForce } from './budget-desk.ts';

/** Less tells nothing of the rest. */
const LEAST_MS = 3 * 3_600_000;

/**
 * What a window will have cost at its end, in nano-USD, if it goes on as since the first money was spent in it. 0 where none
 * was; null where that is less than three hours ago.
 */
export function forecast(
  { spentNanoUsd, startedAtMs, firstSpentAtMs, resetsAtMs }: BudgetInForce,
  nowMs: number,
): number | null {
  if (spentNanoUsd === 0) return 0;
  const sinceMs = nowMs - Math.max(startedAtMs, firstSpentAtMs ?? startedAtMs);
  if (sinceMs < LEAST_MS) return null;
  return Math.round(spentNanoUsd * (1 + Math.max(0, resetsAtMs - nowMs) / sinceMs));
}
