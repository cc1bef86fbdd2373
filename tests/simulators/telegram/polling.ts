import type { Update } from '@grammyjs/types';
import { TelegramRefusal } from './refusal.ts';
import type { UpdateQueue } from './updates.ts';

interface PollRequest {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
  /** Fires when the client closes its connection. */
  readonly signal: AbortSignal;
}

export interface Polling {
  /** Confirms, then waits for updates as getUpdates does. Rejects with a 409 refusal when a newer poll or a webhook takes over. */
  poll(request: PollRequest): Promise<readonly Update[]>;
  /** Ends a waiting poll with 409 and this reason. */
  interrupt(reason: string): void;
}

interface WaitingPoll {
  wake(): void;
  conflict(reason: string): void;
}

const takenOver = 'terminated by other getUpdates request; make sure that only one bot instance is running';

/** Long polling over a queue. Waits and the pacing of hasty clients follow the real clock. */
export function createPolling(queue: UpdateQueue): Polling {
  let waiting: WaitingPoll | undefined;
  const pacing = createPacing();
  const conflictDelayMs = createConflictDelay();

  // One wake for all updates made in the same turn of the event loop, so that they arrive as one batch.
  queue.onPush(() => setImmediate(() => waiting?.wake()));

  const take = (limit: number): readonly Update[] => {
    pacing.answered();
    return queue.pending().slice(0, limit);
  };

  const wait = ({ limit, timeoutSeconds, signal }: PollRequest): Promise<readonly Update[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Update[]>();
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', drop);
      if (waiting === poll) waiting = undefined;
    };
    const answer = (): void => {
      finish();
      resolve(take(limit));
    };
    const drop = (): void => {
      finish();
      resolve([]);
    };
    const poll: WaitingPoll = {
      wake: () => {
        if (queue.pending().length > 0) answer();
      },
      conflict: (reason) => {
        finish();
        const refuse = (): void => reject(new TelegramRefusal(409, `Conflict: ${reason}`));
        setTimeout(refuse, conflictDelayMs()).unref();
      },
    };
    const timer = setTimeout(answer, timeoutSeconds * 1000);
    waiting = poll;
    if (signal.aborted) drop();
    else signal.addEventListener('abort', drop);
    return promise;
  };

  const interrupt = (reason: string): void => waiting?.conflict(reason);

  return {
    async poll(request) {
      interrupt(takenOver);
      queue.keepFrom(request.offset);
      const paced = pacing.started(request);
      if (queue.pending().length > 0 || paced.timeoutSeconds === 0) return take(paced.limit);
      return await wait(paced);
    },
    interrupt,
  };
}

/**
 * What the server does to clients that ask again with the same offset: within 3 seconds the poll is stretched to 3 seconds, and within
 * half a second after an answer only one update is handed out.
 */
function createPacing() {
  let previous = { offset: Number.NaN, startedAtMs: 0, answeredAtMs: 0 };
  return {
    started(request: PollRequest): PollRequest {
      const time = performance.now();
      const { offset, startedAtMs, answeredAtMs } = previous;
      previous = { ...previous, offset: request.offset, startedAtMs: time };
      if (request.offset !== offset) return request;
      const isHasty = time < startedAtMs + 3000;
      return {
        ...request,
        timeoutSeconds: isHasty ? Math.max(3, request.timeoutSeconds) : request.timeoutSeconds,
        limit: time < answeredAtMs + 500 ? 1 : request.limit,
      };
    },
    answered(): void {
      previous.answeredAtMs = performance.now();
    },
  };
}

/** The first conflict is answered at once, another within 3 seconds only after 3 seconds. */
function createConflictDelay(): () => number {
  const pauseMs = 3000;
  let nextAtMs = 0;
  return () => {
    const time = performance.now();
    if (time < nextAtMs) return pauseMs;
    nextAtMs = time + pauseMs;
    return 0;
  };
}
