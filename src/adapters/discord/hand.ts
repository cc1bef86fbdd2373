import type { Clock } from '../../delivery/clock.ts';
import { StoreUnavailable } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { describe, toFailure } from './failure.ts';

/** How long to rest between tries. */
export interface RetryPace {
  /** First delay after a failure; doubles up to `longestRetryMs`. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

export interface HandOptions {
  readonly pace: RetryPace;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** What became of an event. */
export type Handed<Value> =
  | { readonly kind: 'taken'; readonly value: Value }
  /** The store stayed away until the deadline, or until the signal fired. */
  | { readonly kind: 'store_away' }
  /** It failed again and again for a reason that is ours. */
  | { readonly kind: 'poison'; readonly cause: unknown };

/** Until when, and for which event, it is tried. */
export interface Effort {
  readonly eventId: string;
  /** On the clock of the options. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/**
 * Hands one event to the core, however often it takes: Discord delivers an event once, so what the
 * store can't take now is kept here. Never rejects.
 */
export async function handOver<Value>(
  run: () => Promise<Value>,
  { eventId, deadlineMs, signal }: Effort,
  { clock, pace, random, logger }: HandOptions,
): Promise<Handed<Value>> {
  let ourFailures = 0;
  for (let tries = 1; ; tries += 1) {
    try {
      return { kind: 'taken', value: await run() };
    } catch (error) {
      const isStoreAway = error instanceof StoreUnavailable;
      if (!isStoreAway) ourFailures += 1;
      const reason = isStoreAway ? 'store unavailable' : describe(toFailure(error));
      // Loud once: a store that is away for a while would fill the log.
      logger[tries === 1 ? 'warn' : 'debug']({ event: eventId, tries, reason }, 'event not taken');
      if (ourFailures === TRIES_BEFORE_POISON) return { kind: 'poison', cause: error };
      const delayMs = backoffMs(tries, pace, random);
      if (signal.aborted || clock.now() + delayMs > deadlineMs) {
        return isStoreAway ? { kind: 'store_away' } : { kind: 'poison', cause: error };
      }
      await clock.sleep(delayMs, signal);
    }
  }
}

const TRIES_BEFORE_POISON = 5;

/** Doubles from the first delay; half of it is chance, so that many don't come back at once. */
export function backoffMs(
  failures: number,
  { retryMs, longestRetryMs }: RetryPace,
  random: () => number,
): number {
  const ceilingMs = Math.min(retryMs * 2 ** (failures - 1), longestRetryMs);
  return ceilingMs * (0.5 + random() / 2);
}
