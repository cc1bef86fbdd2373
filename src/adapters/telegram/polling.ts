import type { Update } from 'grammy/types';
import { backoffMs } from '../../intake/back-off.ts';
import { attempt, describe, isTokenRefused, toFailure, type Failure } from './failure.ts';
import { createHand, type HandOptions, type PollingPace } from './hand.ts';
import type { Lead } from './lead.ts';

/** Everything that {@link decode} and {@link decodeMoney} may ever read. The server remembers the list and applies it as updates are made. */
export const ALLOWED_UPDATES = [
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
  'pre_checkout_query',
  'subscription',
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
  /** Only who leads polls: Telegram serves one poller for each token. */
  readonly lead: Lead;
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
  arrivalMs: 1000,
  album: { quietMs: 700, longestMs: 2000, glanceMs: 600 },
  lead: { holdMs: 9000, renewMs: 3000, standbyMs: 1500, marginMs: 500 },
};

export interface Polling {
  start(): void;
  /**
   * Ends the poll, lets handlers in hand finish, confirms what was handled and lets another process lead. What waits
   * for the store, or has not begun, stays unconfirmed and comes again. Never rejects.
   */
  stop(): Promise<void>;
}

/**
 * Fetches updates while this process leads, and hands them over at least once. An update counts as confirmed when it and all
 * before it are handled, so that a kill at any moment loses nothing.
 */
export function createPolling(options: PollingOptions): Polling {
  const { clock, lead, logger, pace } = options;
  const stopping = new AbortController();
  const hand = createHand(options, stopping.signal);
  let loop: Promise<void> = Promise.resolve();
  let trouble: string | null = null;
  let failures = 0;
  /** The highest offset that the server was told. */
  let toldOffset = 0;
  let toldAtMs = -Infinity;

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
    const restMs = restAfter(failure, options) ?? backoffMs(failures, pace, options.random);
    await clock.sleep(restMs, stopping.signal);
    return 'again';
  };

  /** One poll under the present lead. What it brings after the lead's end is somebody else's. */
  const pollOnce = async (lost: AbortSignal): Promise<'again' | 'over'> => {
    try {
      const timeoutSeconds = hand.isEmpty() ? pace.longPollSeconds : 0;
      const request = { offset: hand.offset(), limit: BATCH, timeoutSeconds };
      if (request.offset !== toldOffset) toldAtMs = clock.now();
      toldOffset = request.offset;
      const updates = await options.poll(request, AbortSignal.any([stopping.signal, lost]));
      if (lost.aborted || !lead.isHeld()) return 'again';
      hand.take(updates);
      if (trouble !== null) logger.info({ trouble }, 'updates arrive again');
      trouble = null;
      failures = 0;
      return 'again';
    } catch (error) {
      return lost.aborted ? 'again' : await afterFailure(toFailure(error));
    }
  };

  const run = async (): Promise<void> => {
    lead.start();
    for (;;) {
      await lead.hold(stopping.signal);
      if (stopping.signal.aborted) return;
      const lost = lead.lost();
      if ((await pollOnce(lost)) === 'over') return;
      if (!lost.aborted && lead.isHeld()) await hand.settle();
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
      const offset = hand.offset();
      const isTold = offset === toldOffset;
      const hasArrived = isTold && clock.now() - toldAtMs > pace.arrivalMs;
      if (lead.isHeld() && !hasArrived) await confirm(offset, isTold, options);
      await lead.end();
    },
  };
}

/** Tells the server what was handled, so that it does not come again. A poll that said so may have been broken off on its way. */
async function confirm(offset: number, isRepeated: boolean, options: PollingOptions): Promise<void> {
  const request = { offset, limit: 1, timeoutSeconds: 0 };
  const over = new AbortController();
  const patience = AbortSignal.any([over.signal, AbortSignal.timeout(LAST_WORD_MS)]);
  // Who repeats an offset within 3 seconds is heard at once, but answered late (Bot API server, getUpdates).
  if (isRepeated) void options.clock.sleep(options.pace.arrivalMs, patience).then(() => over.abort());
  const outcome = await attempt(() => options.poll(request, patience));
  over.abort();
  if (outcome.ok || isRepeated) return;
  const reason = describe(outcome.failure);
  options.logger.warn({ reason }, 'last updates not confirmed; they will come again');
}

/** What Telegram asks for, or what suits its answer; null where it is for us to say. */
function restAfter(failure: Failure, { pace, random }: PollingOptions): number | null {
  if (failure.kind !== 'refused') return null;
  return failure.code === 409 ? pace.standbyMs * (0.75 + random() / 2) : failure.retryAfterMs;
}

/** Bot API getUpdates: 1-100. */
const BATCH = 100;
/** A Telegram that is away must not hold up the end of the process. */
const LAST_WORD_MS = 3000;

function isWebhookInTheWay(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.code === 409 && /webhook/iu.test(failure.description);
}
