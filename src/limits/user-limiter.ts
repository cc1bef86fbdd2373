import Bottleneck from 'bottleneck';
import type { UserId } from '../platform/ids.ts';

/**
 * How fast one person may ask, and how many of their turns run at once. The rate is decided at
 * once and before admission; what is admitted then waits its turn in Bottleneck and is never
 * dropped by it.
 */
export interface UserLimiter {
  /** Takes a place in the person's limiter, or tells in how long there is one. Synchronous. */
  reserve(user: UserId, ratePerMinute: number): Place | Full;
  /** Runs a turn that was admitted earlier: it waits for a slot, but is not counted again. */
  run(user: UserId, task: () => Promise<void>): Promise<void>;
  /** Resolves when nothing runs or waits any more. */
  idle(): Promise<void>;
}

export interface Place {
  readonly full: false;
  /** Runs the task in this place as soon as the person has a free slot. */
  run(task: () => Promise<void>): Promise<void>;
  /** Leaves the place; the message still counts. */
  release(): void;
  /** Leaves the place as if it had never been taken: the message was known already, or not stored. */
  giveBack(): void;
}

export interface Full {
  readonly full: true;
  readonly retryAfterMs: number;
}

const MINUTE_MS = 60_000;
/** Turns of one person that run at once, over all their conversations. */
const CONCURRENT_TURNS = 3;
/** Bottleneck deletes about 450 idle keys a second, so idle ones may stay for minutes. */
const IDLE_KEY_MS = 5 * MINUTE_MS;

export function createUserLimiter(now: () => number): UserLimiter {
  const group = new Bottleneck.Group({ maxConcurrent: CONCURRENT_TURNS, timeout: IDLE_KEY_MS });
  const recent = new Map<UserId, number[]>();
  const active = new Set<Promise<void>>();
  let nextCleanMs = 0;

  function run(user: UserId, task: () => Promise<void>): Promise<void> {
    const job = group.key(user).schedule(task);
    active.add(job);
    const forget = (): void => void active.delete(job);
    job.then(forget, forget);
    return job;
  }

  return {
    reserve(user, ratePerMinute) {
      const nowMs = now();
      if (nowMs >= nextCleanMs) {
        nextCleanMs = nowMs + MINUTE_MS;
        dropIdle(recent, nowMs);
      }
      const times = (recent.get(user) ?? []).filter((atMs) => atMs > nowMs - MINUTE_MS);
      recent.set(user, times);
      const oldest = times[times.length - ratePerMinute];
      if (oldest !== undefined) return { full: true, retryAfterMs: oldest + MINUTE_MS - nowMs };
      times.push(nowMs);
      return takePlace(
        (task) => run(user, task),
        () => removeOne(recent.get(user), nowMs),
      );
    },
    run,
    async idle() {
      while (active.size > 0) await Promise.allSettled(active);
    },
  };
}

/**
 * The job is scheduled now, so that Bottleneck's own start delay passes while the turn is being
 * admitted, and waits inside its slot for the verdict.
 */
function takePlace(schedule: (task: () => Promise<void>) => Promise<void>, uncount: () => void): Place {
  const { promise, resolve } = Promise.withResolvers<(() => Promise<void>) | null>();
  const job = schedule(async () => {
    const task = await promise;
    await task?.();
  });
  const settled = job.catch(() => undefined); // the failure is the one that `run` hands on
  return {
    full: false,
    async run(task) {
      resolve(task);
      await job;
    },
    release() {
      resolve(null);
      void settled;
    },
    giveBack() {
      resolve(null);
      void settled;
      uncount();
    },
  };
}

function removeOne(times: number[] | undefined, atMs: number): void {
  const index = times?.indexOf(atMs) ?? -1;
  if (index >= 0) times?.splice(index, 1);
}

function dropIdle(recent: Map<UserId, number[]>, nowMs: number): void {
  for (const [user, times] of recent) {
    if ((times.at(-1) ?? 0) <= nowMs - MINUTE_MS) recent.delete(user);
  }
}
