import Bottleneck from 'bottleneck';

/** How many turns run at once in this process, whoever asked. */
export interface ProcessGate {
  /** Runs the task as soon as there is room; who is first in the queue goes before all others that wait. */
  run(task: () => Promise<void>, isFirstInQueue: boolean): Promise<void>;
  /** How many wait behind whoever is next. */
  queued(): number;
}

const FIRST = 1;
const USUAL = 5;

/**
 * While there is room nothing waits, and nothing is asked of Bottleneck, whose start of a job takes milliseconds. It orders
 * those that wait: its one job is the wait of whoever is next.
 */
export function createProcessGate(most: number): ProcessGate {
  const queue = new Bottleneck({ maxConcurrent: 1 });
  let running = 0;
  let waiting = 0;
  let onRoom: (() => void) | null = null;

  async function enter(isFirstInQueue: boolean): Promise<void> {
    if (running < most && waiting === 0) {
      running += 1;
      return;
    }
    waiting += 1;
    await queue.schedule({ priority: isFirstInQueue ? FIRST : USUAL }, async () => {
      if (running >= most) await room();
      waiting -= 1;
      running += 1;
    });
  }

  function room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    onRoom = resolve;
    return promise;
  }

  return {
    queued: () => queue.queued(),
    async run(task, isFirstInQueue) {
      await enter(isFirstInQueue);
      try {
        await task();
      } finally {
        running -= 1;
        onRoom?.();
        onRoom = null;
      }
    },
  };
}
