/** When nothing could be stored: the database was away, or locked by the harness. */
export interface Outages {
  begin(): void;
  end(): void;
  /** Whether nothing could be stored at some time between these. */
  overlaps(fromMs: number, toMs: number): boolean;
  /** The start of an outage that lasts or has just ended, so that what came since may not be stored yet; else `Infinity`. */
  sinceMs(): number;
}

/** What waited for the store tries again every second, and has to connect first. */
const CATCHING_UP_MS = 4000;

export function createOutages(): Outages {
  const past: { readonly startedAtMs: number; readonly endedAtMs: number }[] = [];
  let under = 0;
  let startedAtMs = Infinity;
  let endedAtMs = -Infinity;
  const isOver = (): boolean => under === 0 && Date.now() - endedAtMs > CATCHING_UP_MS;
  return {
    begin() {
      if (isOver()) startedAtMs = Date.now();
      under += 1;
    },
    end() {
      under -= 1;
      endedAtMs = Date.now();
      past.push({ startedAtMs, endedAtMs });
    },
    overlaps: (fromMs, toMs) =>
      (under > 0 && startedAtMs < toMs) ||
      past.some((one) => one.startedAtMs < toMs && one.endedAtMs > fromMs),
    sinceMs: () => (isOver() ? Infinity : startedAtMs),
  };
}
