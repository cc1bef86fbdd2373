import type { Clock } from '../../delivery/clock.ts';
import type { RetryPace } from '../../intake/back-off.ts';
import { FatalAdapterError } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe, isTokenRefused, type Failure } from './failure.ts';

export interface ReachOptions {
  readonly pace: RetryPace;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the asking. */
  readonly stopping: AbortSignal;
}

/**
 * Makes calls without which nothing can begin: asks until Telegram answers, and resolves with null when stopped before.
 * Throws a `FatalAdapterError` when the token is refused.
 */
export function createReach({ pace, clock, logger, stopping }: ReachOptions) {
  return async <Value>(call: () => Promise<Value>): Promise<{ readonly value: Value } | null> => {
    let delayMs = pace.retryMs;
    for (; !stopping.aborted; delayMs = Math.min(delayMs * 2, pace.longestRetryMs)) {
      const outcome = await attempt(call);
      if (outcome.ok) return { value: outcome.value };
      const { failure } = outcome;
      if (isTokenRefused(failure)) throw tokenRefused(failure);
      if (delayMs === pace.retryMs)
        logger.warn({ reason: describe(failure) }, 'Telegram does not answer yet');
      const restMs = failure.kind === 'refused' ? failure.retryAfterMs : null;
      await clock.sleep(restMs ?? delayMs, stopping);
    }
    return null;
  };
}

export function tokenRefused(failure: Failure): FatalAdapterError {
  return new FatalAdapterError(
    `Telegram refuses TELEGRAM_BOT_TOKEN (${describe(failure)}): write the token that @BotFather shows for this bot.`,
  );
}
