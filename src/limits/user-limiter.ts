import type { UserId } from '../platform/ids.ts';
import { createClusteredSlots } from './clustered-slots.ts';
import { createCommonPace } from './common-pace.ts';
import { createPace } from './pace.ts';
import { createProcessGate } from './process-gate.ts';
import type { RedisLink } from './redis-link.ts';
import { createLocalSlots } from './slots.ts';

/**
 * How fast one person may ask, and how many of their turns run at once. The rate, and how many may wait, is decided at
 * once and before admission; what is admitted then waits its turn in Bottleneck and is never dropped by it.
 */
export interface UserLimiter {
  /**
   * Takes a place in the person's limiter, or tells in how long there is one. What was held up on the way counts for the
   * moment `atMs` at which it was asked. Places are given in the order in which they are asked for. Never rejects.
   */
  reserve(user: UserId, ratePerMinute: number, atMs: number): Promise<Place | Full>;
  /** Runs a turn that was admitted earlier: it waits for a slot, but is not counted again. */
  run(user: UserId, task: () => Promise<void>, isFirstInQueue?: boolean): Promise<void>;
  /** Of how many people anything is kept. */
  size(): number;
}

export interface Place {
  readonly full: false;
  /**
   * Runs the task in this place as soon as the person has a free slot and the process room, which those who are first in
   * the queue have before all others.
   */
  run(task: () => Promise<void>, isFirstInQueue?: boolean): Promise<void>;
  /** Leaves the place; the message still counts. */
  release(): void;
  /** Leaves the place as if it had never been taken: the message was known already, or not stored. */
  giveBack(): void;
}

export interface Full {
  readonly full: true;
  readonly retryAfterMs: number;
}

export interface LimiterOptions {
  readonly now: () => number;
  /** Longer than any turn takes. */
  readonly longestTurnMs: number;
  /** Null where each process limits for itself. */
  readonly redis: SharedBy | null;
  /** Turns that run at once in this process. */
  readonly mostRunning?: number;
}

export interface SharedBy {
  readonly link: RedisLink;
  readonly instance: string;
  /** The slots of a process that was not heard of for so long are free again; some seconds unless told. */
  readonly goneMs?: number;
}

/** Turns of one person that run at once, over all their conversations. */
const CONCURRENT_TURNS = 3;
/** Turns of one person that run here or wait for a slot. */
const MOST_PLACES = 30;
/** As many as a process has memory and sockets for. */
const MOST_RUNNING = 300;

export function createUserLimiter({
  now,
  longestTurnMs,
  redis,
  mostRunning = MOST_RUNNING,
}: LimiterOptions): UserLimiter {
  const local = createLocalSlots(CONCURRENT_TURNS);
  const slots =
    redis === null
      ? local
      : createClusteredSlots({
          ...redis,
          local,
          maxConcurrent: CONCURRENT_TURNS,
          expirationMs: longestTurnMs,
        });
  const gate = createProcessGate(mostRunning);
  const pace = createPace<UserId>(now);
  const common = redis === null ? null : createCommonPace(redis.link, pace, redis.instance, now);
  const places = createPlaces(now);

  function giveBack(user: UserId, atMs: number): void {
    common?.giveBack(user, atMs);
    pace.giveBack(user, atMs);
  }

  /** The job is scheduled now, so that Bottleneck's own start delay passes while the turn is being admitted. */
  function takePlace(user: UserId, atMs: number): Place {
    const { promise, resolve } = Promise.withResolvers<Work | null>();
    const job = places.within(user, () =>
      slots.run(user, async () => {
        const work = await promise;
        if (work !== null) await gate.run(work.task, work.isFirstInQueue);
      }),
    );
    return {
      full: false,
      async run(task, isFirstInQueue = false) {
        resolve({ task, isFirstInQueue });
        await job;
      },
      release: () => resolve(null),
      giveBack() {
        resolve(null);
        giveBack(user, atMs);
      },
    };
  }

  return {
    run: (user, task, isFirstInQueue = false) =>
      places.within(user, () => slots.run(user, () => gate.run(task, isFirstInQueue))),
    async reserve(user, ratePerMinute, atMs) {
      if (places.count(user) >= MOST_PLACES) return { full: true, retryAfterMs: places.nextFreeMs() };
      const retryAfterMs = pace.take(user, ratePerMinute, atMs);
      if (retryAfterMs > 0) return { full: true, retryAfterMs };
      if (common === null || ratePerMinute === Number.MAX_SAFE_INTEGER) return takePlace(user, atMs);
      const elsewhereMs = await common.take(user, ratePerMinute, atMs);
      if (elsewhereMs === 0) return takePlace(user, atMs);
      // What came meanwhile has told Redis of it.
      giveBack(user, atMs);
      return { full: true, retryAfterMs: elsewhereMs };
    },
    size: () => Math.max(pace.size(), slots.size()),
  };
}

interface Work {
  readonly task: () => Promise<void>;
  readonly isFirstInQueue: boolean;
}

const SHORTEST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 60_000;

/** How many turns of each person run or wait here, and how long one takes, of late. */
function createPlaces(now: () => number) {
  const taken = new Map<UserId, number>();
  let usualMs = 3 * SHORTEST_WAIT_MS;
  return {
    count: (user: UserId): number => taken.get(user) ?? 0,
    nextFreeMs: (): number =>
      Math.min(Math.max(usualMs / CONCURRENT_TURNS, SHORTEST_WAIT_MS), LONGEST_WAIT_MS),
    async within(user: UserId, work: () => Promise<void>): Promise<void> {
      taken.set(user, (taken.get(user) ?? 0) + 1);
      const beganMs = now();
      try {
        await work();
      } finally {
        const left = (taken.get(user) ?? 1) - 1;
        if (left === 0) taken.delete(user);
        else taken.set(user, left);
        usualMs += (now() - beganMs - usualMs) / 10;
      }
    },
  };
}
