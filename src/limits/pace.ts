import type { UserId } from '../platform/ids.ts';

/** How often somebody does something, exactly: no span of a minute ever holds more than is allowed. */
export interface Pace {
  /**
   * Counts one more at a moment, now unless told, or tells in how many milliseconds there is room; 0 when it was counted.
   */
  take(user: UserId, perMinute: number, atMs?: number): number;
  /** Forgets what was just counted. */
  giveBack(user: UserId): void;
}

const MINUTE_MS = 60_000;

export function createPace(now: () => number): Pace {
  const recent = new Map<UserId, number[]>();
  let nextCleanMs = 0;
  return {
    take(user, perMinute, atMs = now()) {
      const nowMs = now();
      if (nowMs >= nextCleanMs) {
        nextCleanMs = nowMs + MINUTE_MS;
        dropIdle(recent, nowMs);
      }
      const times = (recent.get(user) ?? []).filter((takenMs) => takenMs > atMs - MINUTE_MS);
      recent.set(user, times);
      if (perMinute === 0) return MINUTE_MS;
      const oldest = times[times.length - perMinute];
      if (oldest !== undefined) return oldest + MINUTE_MS - atMs;
      times.push(atMs);
      return 0;
    },
    giveBack: (user) => void recent.get(user)?.pop(),
  };
}

function dropIdle(recent: Map<UserId, number[]>, nowMs: number): void {
  for (const [user, times] of recent) {
    if ((times.at(-1) ?? 0) <= nowMs - MINUTE_MS) recent.delete(user);
  }
}
