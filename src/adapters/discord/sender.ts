import type { Clock } from '../../delivery/clock.ts';
import { insist, notOurs, takenOver, tooLate, type Urgency } from '../../delivery/insist.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe, isSlowDown, isTransient, type Outcome } from './failure.ts';
import type { Lane, Pace, SendBudget } from './pacing.ts';

/** Makes calls within the budget. Never rejects. */
export interface Sender {
  /**
   * `once`: the call of a preview, whose place in the budget its caller has taken; a failure is final. `insist`:
   * waits its turn and repeats what Discord could not take, until it is taken, refused for good, or late.
   */
  call<Value>(lane: Lane, manner: Manner, run: () => Promise<Value>): Promise<Outcome<Value>>;
}

export interface Manner {
  readonly urgency: Urgency;
  /** False for a create without a nonce. */
  readonly isRepeatable?: boolean;
  /** A call that is made once, soon or not at all, and whose place in the budget nobody has taken yet. */
  readonly takesPlace?: boolean;
  /** From then on no call is made. */
  readonly signal?: AbortSignal;
  /** Asked right before each call: false while it is not certain that what is written is ours. */
  readonly mayWrite?: () => boolean;
}

export function createSender(budget: SendBudget, pace: Pace, clock: Clock, logger: Logger): Sender {
  const once = async <Value>(lane: Lane, run: () => Promise<Value>): Promise<Outcome<Value>> => {
    const sentAtMs = clock.now();
    const outcome = await attempt(run);
    budget.took(clock.now() - sentAtMs);
    if (outcome.ok || outcome.failure.kind !== 'refused' || outcome.failure.retryAfterMs === null)
      return outcome;
    const { method, retryAfterMs, isGlobal } = outcome.failure;
    // What is not counted with the whole bot has to rest as well: discord.js holds everything back.
    budget.pause(lane, retryAfterMs);
    if (isGlobal) budget.pause(null, retryAfterMs);
    logger.warn({ method, isGlobal, retryAfterMs }, 'asked to slow down');
    return outcome;
  };

  return {
    async call(lane, { urgency, isRepeatable = true, takesPlace = false, signal, mayWrite }, run) {
      if (signal?.aborted === true) return takenOver;
      if (urgency === 'once') {
        const lateMs = takesPlace ? await budget.line(lane, LONGEST_SIDE_WAIT_MS) : 0;
        if (lateMs > 0) return tooLate(lateMs, 'the channel has to rest');
        return mayWrite?.() === false ? notOurs : await once(lane, run);
      }
      return await insist(() => once(lane, run), {
        line: () => budget.line(lane, undefined, signal),
        isTransient,
        isSlowDown,
        onRepeat: (failure, delayMs) => logger.debug({ reason: describe(failure), delayMs }, 'trying again'),
        isRepeatable,
        retryMs: pace.retryMs,
        deadlineMs: pace.finalDeadlineMs,
        clock,
        ...(signal && { signal }),
        ...(mayWrite && { mayWrite }),
      });
    },
  };
}

const LONGEST_SIDE_WAIT_MS = 2000;
