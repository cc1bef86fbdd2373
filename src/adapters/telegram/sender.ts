import type { Logger } from '../../platform/logger.ts';
import type { Clock } from './clock.ts';
import { attempt, describe, isTransient, type Failure, type Outcome } from './failure.ts';
import type { BudgetedChat, Pace, SendBudget } from './pacing.ts';

/** How hard a call is tried. */
export type Urgency = 'once' | 'insist';

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
  /**
   * False for a create. Telegram knows no idempotency key, so a create whose answer was lost is
   * either missing or there already. Silence is worse than a double: it is repeated, but twice at most.
   */
  readonly isRepeatable: boolean;
  /** Ends the insisting. */
  readonly signal?: AbortSignal;
}

export function createSender(budget: SendBudget, pace: Pace, clock: Clock, logger: Logger): Sender {
  const once = async <Value>(chat: BudgetedChat, run: () => Promise<Value>): Promise<Outcome<Value>> => {
    const outcome = await attempt(run);
    if (outcome.ok || outcome.failure.kind !== 'refused' || outcome.failure.retryAfterMs === null)
      return outcome;
    const { method, retryAfterMs } = outcome.failure;
    budget.pause(chat, retryAfterMs);
    logger.warn({ method, chat: chat.isPrivate ? 'private' : 'group', retryAfterMs }, 'asked to slow down');
    return outcome;
  };

  const insist = async <Value>(
    chat: BudgetedChat,
    { isRepeatable, signal }: Manner,
    run: () => Promise<Value>,
  ): Promise<Outcome<Value>> => {
    let deadlineMs: number | null = null;
    let lostAnswers = 0;
    for (let delayMs = pace.retryMs; ; delayMs = Math.min(delayMs * 2, pace.retryMs * 20)) {
      const lateMs = await budget.line(chat);
      if (lateMs > 0) return tooLate(lateMs, 'the chat has to rest');
      if (signal?.aborted === true) return tooLate(0, 'taken over');
      const outcome = await once(chat, run);
      if (outcome.ok || !isTransient(outcome.failure)) return outcome;
      // A 429 is waited out in line, as long as it takes.
      if (isSlowDown(outcome.failure)) continue;
      if (!isRepeatable && isAnswerLost(outcome.failure)) lostAnswers += 1;
      deadlineMs ??= clock.now() + pace.finalDeadlineMs;
      if (lostAnswers > MAX_REPEATED_CREATES || clock.now() + delayMs > deadlineMs) return outcome;
      logger.debug({ reason: describe(outcome.failure), delayMs }, 'trying again');
      await clock.sleep(delayMs, signal);
    }
  };

  return {
    call: (chat, manner, run) => (manner.urgency === 'once' ? once(chat, run) : insist(chat, manner, run)),
  };
}

const MAX_REPEATED_CREATES = 2;

function isSlowDown(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.code === 429;
}

function isAnswerLost(failure: Failure): boolean {
  return failure.kind === 'unreachable' && failure.applied === 'unknown';
}

function tooLate(retryAfterMs: number, reason: string): Outcome<never> {
  return { ok: false, failure: { kind: 'late', retryAfterMs, reason } };
}
