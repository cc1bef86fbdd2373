import type { Api } from 'grammy';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import { insist } from '../../delivery/insist.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Address } from './address.ts';
import { describe, isSlowDown, isTransient, type Outcome } from './failure.ts';
import type { Pace, SendBudget } from './pacing.ts';
import type { Rests } from './rests.ts';
import type { Sender } from './sender.ts';

/**
 * Marks the message that an address answers as seen and waiting, or takes the mark away. Resolves when that is done or
 * given up; never rejects.
 */
export type MarkWaiting = (address: Address, isWaiting: boolean) => Promise<void>;

export interface WaitingMarksOptions {
  readonly api: Api;
  readonly sender: Sender;
  readonly budget: SendBudget;
  readonly pace: Pick<Pace, 'retryMs'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly chores: Chores;
  readonly rests: Pick<Rests, 'known'>;
  /** Nothing is marked from then on; marks are taken away until the end. */
  readonly stopping: AbortSignal;
}

/** A message whose mark is being changed. */
interface Change {
  readonly chat: Address;
  readonly messageId: number;
  isWanted: boolean;
  /** Fires when the wish becomes another one. */
  turned: AbortController;
  done: Promise<void>;
}

/** Shows the newest wish for each message, one call at a time, so that a mark never lands behind its own removal. */
export function createWaitingMarks(options: WaitingMarksOptions): MarkWaiting {
  const { api, sender, budget, rests, pace, clock, logger, stopping } = options;
  const changes = new Map<string, Change>();

  /** Takes the call's place in the budget: resolves with 0, or with the wait when that is too long. */
  const takeRoom = async (chat: Address, deadlineMs: number, signal: AbortSignal): Promise<number> => {
    while (!signal.aborted) {
      const waitMs = budget.waitMs(chat, 'reaction');
      if (waitMs === 0) {
        budget.take(chat, 'reaction');
        return 0;
      }
      if (clock.now() + waitMs > deadlineMs) return waitMs;
      await clock.sleep(waitMs, signal);
    }
    return 0;
  };

  const react = ({ chat, messageId, isWanted, turned }: Change): Promise<Outcome<unknown>> => {
    const patienceMs = isWanted ? MARK_PATIENCE_MS : REMOVAL_PATIENCE_MS;
    const deadlineMs = clock.now() + patienceMs;
    const signal = isWanted ? AbortSignal.any([turned.signal, stopping]) : turned.signal;
    const call = () => api.setMessageReaction(chat.chatId, messageId, isWanted ? [SEEN] : []);
    return insist(() => sender.call(chat, { urgency: 'once', isRepeatable: true }, call), {
      line: () => takeRoom(chat, deadlineMs, signal),
      // A mark that comes late is of no use.
      isTransient: (failure) => !isWanted && isTransient(failure),
      isSlowDown,
      onRepeat: (failure, delayMs) => logger.debug({ reason: describe(failure), delayMs }, 'trying again'),
      isRepeatable: true,
      retryMs: pace.retryMs,
      deadlineMs: patienceMs,
      clock,
      signal,
    });
  };

  const work = async (key: string, change: Change): Promise<void> => {
    await rests.known;
    do {
      change.turned = new AbortController();
      const { isWanted } = change;
      const outcome = await react(change);
      if (!outcome.ok)
        logger.debug({ reason: describe(outcome.failure), isWaiting: isWanted }, 'waiting mark dropped');
    } while (change.turned.signal.aborted);
    changes.delete(key);
  };

  return (address, isWaiting) => {
    const { chatId, replyToId } = address;
    if (replyToId === null) return Promise.resolve();
    const key = `${chatId}:${replyToId}`;
    const running = changes.get(key);
    if (running !== undefined) {
      if (running.isWanted !== isWaiting) running.turned.abort();
      running.isWanted = isWaiting;
      return running.done;
    }
    const change: Change = {
      chat: address,
      messageId: replyToId,
      isWanted: isWaiting,
      turned: new AbortController(),
      done: Promise.resolve(),
    };
    changes.set(key, change);
    change.done = work(key, change);
    options.chores.add(change.done);
    return change.done;
  };
}

/** One of the few emoji that Telegram takes as a reaction (Bot API ReactionTypeEmoji). */
const SEEN = { type: 'emoji', emoji: '👀' } as const;

const MARK_PATIENCE_MS = 5000;
/** A mark that stays would look as if nothing had come of the message. */
const REMOVAL_PATIENCE_MS = 180_000;
