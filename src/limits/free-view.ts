import type { FreeTake } from '../completion/free-places.ts';

/** What this process has heard of a pool, by its own clock: so that nobody asks for what is not there yet. */
export interface FreeView {
  /** When a place can be expected by whoever has so many ahead; not before now. */
  expectedAtMs(subject: string, ahead: { readonly all: number; readonly own: number }): number;
  /** When the pool has a place again, as far as known; in the past where nothing tells against it. */
  nextAtMs(): number;
  /** The same for one whose share of the minute was used up. */
  shareAtMs(subject: string): number;
  /** Until when the provider refuses us. */
  restUntilMs(): number;
  /** Until when the day is spent for them; null where it is not. */
  spentDay(subject: string): { readonly untilMs: number; readonly isShare: boolean } | null;
  heard(subject: string, take: FreeTake): void;
  /** The provider refused a call. */
  refused(kind: 'minute' | 'day', untilMs: number): void;
  /** What was heard may be out of date. */
  reopen(): void;
}

/** A place is free again after this. */
const PLACE_MS = 61_000;
/** Remembered at most, of those whose share was used up. */
const MOST_SHARES = 500;

export function createFreeView(places: number, now: () => number): FreeView {
  let frees: readonly (readonly [atMs: number, count: number])[] = [];
  let nextAtMs = 0;
  let restUntilMs = 0;
  let dayUntilMs = 0;
  const minuteShares = new Map<string, number>();
  const dayShares = new Map<string, number>();
  const half = Math.max(1, Math.floor(places / 2));

  const behind = (position: number): number => {
    const nowMs = now();
    if (nextAtMs <= nowMs) return nowMs + Math.floor(position / places) * PLACE_MS;
    let left = position;
    for (const [atMs, count] of frees) {
      if (left < count) return Math.max(nowMs, atMs);
      left -= count;
    }
    return nextAtMs + (frees.length === 0 ? 0 : PLACE_MS) + Math.floor(left / places) * PLACE_MS;
  };

  return {
    expectedAtMs(subject, { all, own }) {
      const shareAtMs = minuteShares.get(subject) ?? 0;
      const ownAtMs = shareAtMs > now() ? shareAtMs + Math.floor(own / half) * PLACE_MS : 0;
      return Math.max(behind(all), ownAtMs, restUntilMs);
    },
    nextAtMs: () => Math.max(nextAtMs, restUntilMs),
    shareAtMs: (subject) => minuteShares.get(subject) ?? 0,
    restUntilMs: () => restUntilMs,
    spentDay(subject) {
      if (dayUntilMs > now()) return { untilMs: dayUntilMs, isShare: false };
      const untilMs = dayShares.get(subject) ?? 0;
      return untilMs > now() ? { untilMs, isShare: true } : null;
    },
    heard(subject, take) {
      if (take.granted > 0) return;
      const { reason, isShare, waitMs, frees: told = [] } = take as Extract<FreeTake, { granted: 0 }>;
      const atMs = now() + waitMs;
      if (reason === 'day' && isShare) remember(dayShares, subject, atMs);
      else if (reason === 'day') dayUntilMs = atMs;
      else if (reason === 'rest') restUntilMs = atMs;
      else if (isShare) remember(minuteShares, subject, atMs);
      else {
        nextAtMs = atMs;
        frees = told.map(([inMs, count]) => [now() + inMs, count]);
      }
    },
    refused(kind, untilMs) {
      if (kind === 'day') dayUntilMs = Math.max(dayUntilMs, untilMs);
      else restUntilMs = Math.max(restUntilMs, untilMs);
    },
    reopen() {
      nextAtMs = 0;
      dayUntilMs = 0;
      dayShares.clear();
    },
  };
}

function remember(shares: Map<string, number>, subject: string, atMs: number): void {
  shares.delete(subject);
  shares.set(subject, atMs);
  const [oldest] = shares.keys();
  if (shares.size > MOST_SHARES && oldest !== undefined) shares.delete(oldest);
}
