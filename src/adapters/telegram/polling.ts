import type { Update } from 'grammy/types';
import { backoffMs } from '../../intake/back-off.ts';
import { attempt, describe, isTokenRefused, toFailure, type Failure } from './failure.ts';
import { createHand, type HandOptions, type PollingPace } from './hand.ts';

/** Everything that {@link decode} may ever read. The server remembers the list and applies it as updates are made. */
export const ALLOWED_UPDATES = [
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
  'stopped_message_generation',
] as const;

export interface PollRequest {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
}

export interface PollingOptions extends HandOptions {
  /** One getUpdates call; rejects as grammY does. */
  readonly poll: (request: PollRequest, signal: AbortSignal) => Promise<readonly Update[]>;
  /** A webhook was set meanwhile, which shuts polling out; rejects as grammY does. */
  readonly removeWebhook: () => Promise<unknown>;
  /** The token was refused: polling is over. */
  readonly onRefused: (failure: Failure) => void;
}

export const DEFAULT_POLLING_PACE: PollingPace = {
  longPollSeconds: 40,
  retryMs: 100,
  longestRetryMs: 5000,
  overlapMs: 1000,
  standbyMs: 4000,
};

export interface Polling {
  start(): void;
  /**
   * Ends the poll, lets handlers in hand finish and confirms what was handled. What waits for the
   * store, or has not begun, stays unconfirmed and comes again. Never rejects.
   */
  stop(): Promise<void>;
}

/**
 * Fetches updates and hands them over at least once. An update counts as confirmed when it and all
 * before it are handled, so that a kill at any moment loses nothing.
 */
export function createPolling(options: PollingOptions): Polling {
  const { clock, logger, pace } = options;
  const stopping = new AbortController();
  const hand = createHand(options, stopping.signal);
  let loop: Promise<void> = Promise.resolve();
  let trouble: string | null = null;
  let failures = 0;
  /** The highest offset that the server was told. */
  let toldOffset = 0;

  /** Logs the first failure of a row, waits, and says whether to go on. */
  const afterFailure = async (failure: Failure): Promise<'again' | 'over'> => {
    if (stopping.signal.aborted) return 'over';
    if (isTokenRefused(failure)) {
      options.onRefused(failure);
      return 'over';
    }
    if (trouble === null) logger.warn({ reason: describe(failure) }, 'no updates for now');
    trouble = describe(failure);
    failures += 1;
    // Where that fails too, the next poll is refused again and says so.
    if (isWebhookInTheWay(failure)) await attempt(options.removeWebhook);
    const restMs = restAfter(failure) ?? backoffMs(failures, pace, options.random);
    await clock.sleep(restMs, stopping.signal);
    return 'again';
  };

  const restAfter = (failure: Failure): number | null => {
    if (failure.kind !== 'refused') return null;
    return failure.code === 409 ? pace.standbyMs * (0.75 + options.random() / 2) : failure.retryAfterMs;
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const timeoutSeconds = hand.isEmpty() ? pace.longPollSeconds : 0;
        const request = { offset: hand.offset(), limit: BATCH, timeoutSeconds };
        toldOffset = request.offset;
        hand.take(await options.poll(request, stopping.signal));
        if (trouble !== null) logger.info({ trouble }, 'updates arrive again');
        trouble = null;
        failures = 0;
      } catch (error) {
        if ((await afterFailure(toFailure(error))) === 'over') return;
      }
      await hand.settle();
    }
  };

  return {
    start() {
      loop = run();
    },
    async stop() {
      stopping.abort();
      await loop;
      await hand.drain();
      const request = { offset: hand.offset(), limit: 1, timeoutSeconds: 0 };
      // The server holds back a poll that repeats an offset within 3 seconds.
      if (request.offset === toldOffset) return;
      toldOffset = request.offset;
      await options.poll(request, AbortSignal.timeout(LAST_WORD_MS)).catch((error: unknown) => {
        logger.warn(
          { reason: describe(toFailure(error)) },
          'last updates not confirmed; they will come again',
        );
      });
    },
  };
}

/** Bot API getUpdates: 1-100. */
const BATCH = 100;
/** A Telegram that is away must not hold up the end of the process. */
const LAST_WORD_MS = 3000;

function isWebhookInTheWay(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.code === 409 && /webhook/iu.test(failure.description);
}
