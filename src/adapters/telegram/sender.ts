import type { Logger } from '../../platform/logger.ts';
import type { Clock } from '../../delivery/clock.ts';
import { insist, notOurs, type Urgency } from '../../delivery/insist.ts';
import { attempt, describe, isSlowDown, isTransient, type Outcome } from './failure.ts';
import type { BudgetedChat, Pace, SendBudget } from './pacing.ts';
import type { Rests } from './rests.ts';

/** Makes calls that write to a chat, within the chat's budget. Never rejects. */
export interface Sender {
  /**
   * `once`: the call of a preview, whose place in the budget its caller has taken; a failure is
   * final. `insist`: waits its turn and repeats what Telegram could not take, until it is taken,
   * refused for good, or late.
   */
  call<Value>(chat: BudgetedChat, manner: Manner, run: () => Promise<Value>): Promise<Outcome<Value>>;
}

export interface Manner {
  readonly urgency: Urgency;
  /** False for a create: Telegram knows no idempotency key. */
  readonly isRepeatable: boolean;
  /** Ends the insisting. */
  readonly signal?: AbortSignal;
  /** Whether what is written is ours at this moment; asked right before each call. */
  readonly mayWrite?: () => boolean;
}

export interface SenderOptions {
  readonly budget: SendBudget;
  readonly rests: Pick<Rests, 'note'>;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createSender({ budget, rests, pace, clock, logger }: SenderOptions): Sender {
  const once = async <Value>(chat: BudgetedChat, run: () => Promise<Value>): Promise<Outcome<Value>> => {
    const outcome = await attempt(run);
    if (outcome.ok || outcome.failure.kind !== 'refused' || outcome.failure.retryAfterMs === null)
      return outcome;
    const { method, retryAfterMs } = outcome.failure;
    rests.note(chat.chatId, retryAfterMs);
    logger.warn({ method, chat: chat.isPrivate ? 'private' : 'group', retryAfterMs }, 'asked to slow down');
    return outcome;
  };

  return {
    async call(chat, manner, run) {
      if (manner.urgency === 'once') return manner.mayWrite?.() === false ? notOurs : await once(chat, run);
      return await insist(() => once(chat, run), {
        ...manner,
        line: () => budget.line(chat, manner.signal),
        isTransient,
        isSlowDown,
        onRepeat: (failure, delayMs) => logger.debug({ reason: describe(failure), delayMs }, 'trying again'),
        retryMs: pace.retryMs,
        deadlineMs: pace.finalDeadlineMs,
        clock,
      });
    },
  };
}
