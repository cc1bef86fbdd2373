import type { FreeTake, FreeVerdict, FreeWish } from '../completion/free-places.ts';
import type { FreeSource } from './free-source.ts';
import { createFairQueue, type FairQueue, type Waiting } from './free-queue.ts';
import type { FreeView } from './free-view.ts';

export interface FreeLineOptions {
  readonly source: FreeSource;
  readonly view: FreeView;
  readonly now: () => number;
  /** Resolves after `ms`, or as soon as the signal is aborted. Alone it should keep no process alive. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** What somebody is told who got no place. */
  readonly refuse: (wish: FreeWish) => FreeVerdict;
  /** Heeds what came of asking; what somebody is told for whom that was the end, else null. */
  readonly heed: (wish: FreeWish, take: FreeTake) => FreeVerdict | null;
  /** How many wait, each time that changes. */
  readonly onWaiting: (count: number) => void;
}

/** Those who wait for a place of one pool in this process. */
export interface FreeLine {
  readonly size: number;
  ahead(of: Waiting): { readonly all: number; readonly own: number };
  served(of: Waiting): void;
  /** Until there is a place, the time is over or the signal is aborted. Never rejects. */
  wait(wish: FreeWish, signal: AbortSignal): Promise<FreeVerdict>;
  /** What is known of the pool has changed. */
  wake(): void;
  /** Whoever still waits is left to the process's end. */
  stop(): void;
}

/** A rest that the provider asks for is waited for no longer than this: nobody can tell what others take meanwhile. */
export const MOMENT_MS = 3000;

/** A place that was expected in time may come a moment later. */
const LATE_MS = 1000;

interface Entry extends FreeWish {
  readonly untilMs: number;
  readonly resolve: (verdict: FreeVerdict) => void;
}

export function createFreeLine(options: FreeLineOptions): FreeLine {
  const { now, refuse, onWaiting } = options;
  const queue = createFairQueue<Entry>();

  function end(entry: Entry, verdict: FreeVerdict): void {
    queue.remove(entry);
    onWaiting(queue.size);
    entry.resolve(verdict);
  }

  const clerk = createClerk(options, queue, end);
  return {
    get size() {
      return queue.size;
    },
    ahead: (of) => queue.ahead(of),
    served: (of) => queue.served(of),
    wait(wish, signal) {
      const { promise, resolve } = Promise.withResolvers<FreeVerdict>();
      const entry: Entry = { ...wish, untilMs: now() + wish.longestWaitMs + LATE_MS, resolve };
      const leave = (): void => end(entry, refuse(entry));
      signal.addEventListener('abort', leave, { once: true });
      queue.add(entry);
      onWaiting(queue.size);
      if (signal.aborted) leave();
      clerk.wake();
      void clerk.serveAll();
      return promise;
    },
    wake: () => clerk.wake(),
    stop: () => clerk.stop(),
  };
}

/** Who serves a queue. */
interface Clerk {
  /** One after the other, until nobody waits. Only one of it runs. */
  serveAll(): Promise<void>;
  wake(): void;
  stop(): void;
}

function createClerk(
  { source, view, now, sleep, refuse, heed }: FreeLineOptions,
  queue: FairQueue<Entry>,
  end: (entry: Entry, verdict: FreeVerdict) => void,
): Clerk {
  let isServing = false;
  let isStopped = false;
  let nap = new AbortController();

  function wake(): void {
    nap.abort();
    nap = new AbortController();
  }

  async function serveAll(): Promise<void> {
    if (isServing) return;
    isServing = true;
    while (queue.size > 0 && !isStopped) {
      refuseHopeless();
      const nowMs = now();
      const next = queue.next((subject) => view.shareAtMs(subject) <= nowMs);
      if (next !== null && view.nextAtMs() <= nowMs) await serve(next);
      else if (queue.size > 0) await sleep(Math.max(1, wakesAtMs(next !== null) - nowMs), nap.signal);
    }
    isServing = false;
  }

  async function serve(entry: Entry): Promise<void> {
    const take = await source.ask(entry);
    const verdict = heed(entry, take);
    if (verdict === null) return;
    if (queue.has(entry)) {
      if ('second' in take) queue.served(entry);
      end(entry, verdict);
    } else if (verdict.kind === 'granted') source.giveBack(verdict.place);
  }

  function refuseHopeless(): void {
    const nowMs = now();
    const isResting = view.restUntilMs() - nowMs > MOMENT_MS;
    for (const entry of queue.entries()) {
      const isOver = entry.untilMs <= nowMs || isResting || view.spentDay(entry.subject) !== null;
      if (isOver) end(entry, refuse(entry));
    }
  }

  function wakesAtMs(hasEligible: boolean): number {
    const entries = queue.entries();
    const shareAtMs = Math.min(...entries.map(({ subject }) => view.shareAtMs(subject)));
    const readyAtMs = Math.max(view.nextAtMs(), hasEligible ? 0 : shareAtMs);
    return Math.min(readyAtMs, ...entries.map(({ untilMs }) => untilMs));
  }

  return {
    serveAll,
    wake,
    stop() {
      isStopped = true;
      wake();
    },
  };
}
