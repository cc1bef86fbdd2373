/** The middle and the tail of a sample; null without a sample. */
export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

export function spreadOf(sample: readonly number[]): Spread | null {
  const sorted = sample.toSorted((a, b) => a - b);
  const [median, p95, max] = [0.5, 0.95, 1].map((share) => nearestRank(sorted, share));
  return median === undefined || p95 === undefined || max === undefined ? null : { median, p95, max };
}

function nearestRank(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
