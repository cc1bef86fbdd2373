import type { Clock } from '../delivery/clock.ts';
import { createRecent } from '../platform/recent.ts';

/** Lets a place hear of an outage once, however many wait there: calls `tell` unless the place was told lately. */
export type OutageNotices = (place: string, tell: () => void) => void;

export function createOutageNotices(clock: Clock): OutageNotices {
  const toldAtMs = createRecent<string, number>();
  return (place, tell) => {
    const nowMs = clock.now();
    if (nowMs - (toldAtMs.get(place) ?? -Infinity) < NOTICE_LASTS_MS) return;
    toldAtMs.set(place, nowMs);
    tell();
  };
}

const NOTICE_LASTS_MS = 600_000;
