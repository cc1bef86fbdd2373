import type { Api } from 'grammy';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Address } from './address.ts';
import { describe } from './failure.ts';
import type { SendBudget } from './pacing.ts';
import type { Sender } from './sender.ts';

/** Marks the message that an address answers as seen and waiting, or takes the mark away. Returns at once; never throws. */
export type MarkWaiting = (address: Address, isWaiting: boolean) => void;

export interface WaitingMarksOptions {
  readonly api: Api;
  readonly sender: Sender;
  readonly budget: SendBudget;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly chores: Chores;
  /** Ends the waiting for room. */
  readonly stopping: AbortSignal;
}

/** Shows the newest wish for each message, one call at a time, so that a mark never lands behind its own removal. */
export function createWaitingMarks(options: WaitingMarksOptions): MarkWaiting {
  const { api, sender, budget, clock, logger } = options;
  const wishes = new Map<string, boolean>();

  /** Takes the call's place in the budget; false when there was none in time, or the wish is another one by then. */
  const takeRoom = async (key: string, chat: Address, isWaiting: boolean): Promise<boolean> => {
    const deadlineMs = clock.now() + (isWaiting ? MARK_PATIENCE_MS : REMOVAL_PATIENCE_MS);
    for (;;) {
      const waitMs = budget.waitMs(chat, 'reaction');
      if (wishes.get(key) !== isWaiting) return false;
      if (waitMs === 0) {
        budget.take(chat, 'reaction');
        return true;
      }
      if (options.stopping.aborted || clock.now() + waitMs > deadlineMs) return false;
      await clock.sleep(waitMs, options.stopping);
    }
  };

  const react = async (chat: Address, messageId: number, isWaiting: boolean): Promise<void> => {
    const outcome = await sender.call(chat, { urgency: 'once', isRepeatable: true }, () =>
      api.setMessageReaction(chat.chatId, messageId, isWaiting ? [SEEN] : []),
    );
    if (!outcome.ok) logger.debug({ reason: describe(outcome.failure), isWaiting }, 'waiting mark dropped');
  };

  const fulfil = async (key: string, chat: Address, messageId: number): Promise<void> => {
    for (let shown: boolean | undefined; wishes.get(key) !== shown;) {
      const isWaiting = wishes.get(key) === true;
      shown = isWaiting;
      if (await takeRoom(key, chat, isWaiting)) await react(chat, messageId, isWaiting);
    }
    wishes.delete(key);
  };

  return (address, isWaiting) => {
    const { chatId, replyToId } = address;
    if (replyToId === null) return;
    const key = `${chatId}:${replyToId}`;
    const isBusy = wishes.has(key);
    wishes.set(key, isWaiting);
    if (!isBusy) options.chores.add(fulfil(key, address, replyToId));
  };
}

/** One of the few emoji that Telegram takes as a reaction (Bot API ReactionTypeEmoji). */
const SEEN = { type: 'emoji', emoji: '👀' } as const;

const MARK_PATIENCE_MS = 5000;
/** A mark that stays would look as if nothing had come of the message. */
const REMOVAL_PATIENCE_MS = 180_000;
