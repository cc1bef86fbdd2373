import Bottleneck from 'bottleneck';
import type { UserId } from '../platform/ids.ts';
import { createPace } from './pace.ts';

/**
 * How fast one person may ask, and how many of their turns run at once. The rate is decided at
 * once and before admission; what is admitted then waits its turn in Bottleneck and is never
 * dropped by it.
 */
export interface UserLimiter {
  /**
   * Takes a place in the person's limiter, or tells in how long there is one. Synchronous. What was held up on the way
   * counts for the moment `atMs` at which it was asked.
   */
  reserve(user: UserId, ratePerMinute: number, atMs: number): Place | Full;
  /** Runs a turn that was admitted earlier: it waits for a slot, but is not counted again. */
  run(user: UserId, task: () => Promise<void>): Promise<void>;
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

/** Turns of one person that run at once, over all their conversations. */
const CONCURRENT_TURNS = 3;
/**
 * Bottleneck counts a key as idle from its last start on, also while a job runs: longer than any turn
 * takes, or a person would get fresh slots beside the taken ones.
 */
const IDLE_KEY_MS = 20 * 60_000;

export function createUserLimiter(now: () => number): UserLimiter {
  const group = new Bottleneck.Group({ maxConcurrent: CONCURRENT_TURNS, timeout: IDLE_KEY_MS });
  const pace = createPace(now);
  const run = (user: UserId, task: () => Promise<void>): Promise<void> => group.key(user).schedule(task);
  return {
    run,
    reserve(user, ratePerMinute, atMs) {
      const retryAfterMs = pace.take(user, ratePerMinute, atMs);
      if (retryAfterMs > 0) return { full: true, retryAfterMs };
      return takePlace(
        (task) => run(user, task),
        () => pace.giveBack(user),
      );
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
  return {
    full: false,
    async run(task) {
      resolve(task);
      await job;
    },
    release: () => resolve(null),
    giveBack() {
      resolve(null);
      uncount();
    },
  };
}
