/** So many calls in so many milliseconds. */
export interface CallWindow {
  readonly windowMs: number;
  readonly calls: number;
}

/** Milliseconds until every window has room for one more call; `times` are those of the calls made, oldest first. */
export function roomMs(times: readonly number[], windows: readonly CallWindow[], now: number): number {
  const waits = windows.map(({ windowMs, calls }) => {
    const blocking = times.at(-calls);
    return blocking === undefined ? 0 : Math.max(0, blocking + windowMs - now);
  });
  return Math.max(0, ...waits);
}

/** Notes a call that is made now, and forgets those that no window reaches back to. */
export function countCall(times: number[], now: number, longestWindowMs: number): void {
  const firstInside = times.findIndex((at) => at > now - longestWindowMs);
  times.splice(0, firstInside === -1 ? times.length : firstInside);
  times.push(now);
}
