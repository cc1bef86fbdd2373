/** How often somebody does something, exactly: no span of a minute ever holds more than is allowed. */
export interface Pace<Key extends string = string> {
  /**
   * Counts one more at a moment, now unless told, or tells in how many milliseconds there is room; 0 when it was counted.
   */
  take(key: Key, perMinute: number, atMs?: number): number;
  /** Forgets one that was counted at a moment; the newest unless told. */
  giveBack(key: Key, atMs?: number): void;
  /** The moments that count, in the order in which they were counted. */
  counted(key: Key): readonly number[];
  /** Of how many it is known when they last did something. */
  size(): number;
}

export const MINUTE_MS = 60_000;

export function createPace<Key extends string = string>(now: () => number): Pace<Key> {
  const recent = new Map<Key, number[]>();
  let nextCleanMs = 0;
  return {
    take(key, perMinute, atMs = now()) {
      const nowMs = now();
      if (nowMs >= nextCleanMs) {
        nextCleanMs = nowMs + MINUTE_MS;
        dropIdle(recent, nowMs);
      }
      const times = (recent.get(key) ?? []).filter((takenMs) => takenMs > atMs - MINUTE_MS);
      recent.set(key, times);
      if (perMinute === 0) return MINUTE_MS;
      const oldest = times[times.length - perMinute];
      if (oldest !== undefined) return oldest + MINUTE_MS - atMs;
      times.push(atMs);
      return 0;
    },
    giveBack(key, atMs) {
      const times = recent.get(key) ?? [];
      const index = atMs === undefined ? times.length - 1 : times.lastIndexOf(atMs);
      if (index >= 0) times.splice(index, 1);
    },
    counted: (key) => recent.get(key) ?? [],
    size: () => recent.size,
  };
}

function dropIdle(recent: Map<string, number[]>, nowMs: number): void {
  for (const [key, times] of recent) {
    if ((times.at(-1) ?? 0) <= nowMs - MINUTE_MS) recent.delete(key);
  }
}
