import Bottleneck from 'bottleneck';
import type { UserId } from '../platform/ids.ts';

/** A few slots for each person. What is run waits for one, in the order in which it came, and is never dropped. */
export interface Slots {
  /** Settles as the task does. */
  run(user: UserId, task: () => Promise<void>): Promise<void>;
  /** For how many people slots are kept. */
  size(): number;
}

interface Kept {
  readonly limiter: Bottleneck;
  jobs: number;
  timer: NodeJS.Timeout | null;
}

export interface SlotOptions {
  readonly make: (user: UserId) => Bottleneck;
  /** Somebody without a turn is kept for so long; 0 where making slots anew costs nothing. */
  readonly idleMs: number;
  /** A slot is free again after so long, whatever became of who took it; absent where it can't be lost. */
  readonly expirationMs?: number;
}

/**
 * A Bottleneck for each person, from their first job to their last one. Not its `Group`: that one counts a key as idle from
 * its last start on, also while a job runs, forgets at most some hundred a second, and only minutes later.
 */
export function createSlots({ make, idleMs, expirationMs }: SlotOptions): Slots {
  const kept = new Map<UserId, Kept>();
  const job = expirationMs === undefined ? {} : { expiration: expirationMs };

  function take(user: UserId): Kept {
    const found = kept.get(user) ?? { limiter: make(user), jobs: 0, timer: null };
    kept.set(user, found);
    if (found.timer !== null) clearTimeout(found.timer);
    found.timer = null;
    found.jobs += 1;
    return found;
  }

  function leave(user: UserId, slot: Kept): void {
    slot.jobs -= 1;
    if (slot.jobs > 0) return;
    const drop = (): void => {
      if (kept.get(user) === slot) kept.delete(user);
      void slot.limiter.disconnect(false);
    };
    if (idleMs === 0) drop();
    else slot.timer = setTimeout(drop, idleMs).unref();
  }

  return {
    async run(user, task) {
      const slot = take(user);
      try {
        await slot.limiter.schedule(job, task);
      } finally {
        leave(user, slot);
      }
    },
    size: () => kept.size,
  };
}

/** Those of this process alone. */
export function createLocalSlots(maxConcurrent: number): Slots {
  return createSlots({ make: () => new Bottleneck({ maxConcurrent }), idleMs: 0 });
}
