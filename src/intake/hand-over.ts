import type { Clock } from '../delivery/clock.ts';
import { StoreUnavailable } from '../platform/adapter.ts';
import { backoffMs, type RetryPace } from './back-off.ts';

export interface HandOverOptions {
  readonly pace: RetryPace;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Told of every try that failed. */
  readonly onFailure: (failed: FailedTry) => void;
}

export interface FailedTry {
  readonly eventId: string;
  /** How often it was tried so far. */
  readonly tries: number;
  readonly error: unknown;
}

/** Which event is tried, and until when. */
export interface Effort {
  readonly eventId: string;
  /** On the clock of the options; Infinity for no end. */
  readonly deadlineMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /**
   * The platform tells an event again that was not taken: once the signal has fired nothing more is tried or given up.
   * Other events are then tried a last time.
   */
  readonly comesAgain: boolean;
  /** After so many failures for reasons of our own it is given up; 5 unless told, Infinity for never. */
  readonly mostFailures?: number;
  /** The store has been away for so many tries that whoever waits should hear of it; called once. */
  readonly onWait?: () => void;
}

/** What became of an event. */
export type Handed<Value> =
  | { readonly kind: 'taken'; readonly value: Value }
  /** The store stayed away until the deadline, or until the signal fired. */
  | { readonly kind: 'store_away' }
  /** It failed again and again, or to the last, for a reason that is ours. */
  | { readonly kind: 'poison'; readonly cause: unknown }
  /** The signal fired, and the event comes again. */
  | { readonly kind: 'stopped' };

/**
 * Hands one event to the core, however often it takes: with back-off while the store is away, and given up when it
 * keeps failing for reasons of ours. Never rejects.
 */
export async function handOver<Value>(
  run: () => Promise<Value>,
  { eventId, deadlineMs, signal, comesAgain, mostFailures = MOST_FAILURES, onWait }: Effort,
  { clock, pace, random, onFailure }: HandOverOptions,
): Promise<Handed<Value>> {
  let ourFailures = 0;
  for (let tries = 1; ; tries += 1) {
    if (comesAgain && signal.aborted) return { kind: 'stopped' };
    try {
      return { kind: 'taken', value: await run() };
    } catch (error) {
      const isStoreAway = error instanceof StoreUnavailable;
      if (!isStoreAway) ourFailures += 1;
      onFailure({ eventId, tries, error });
      if (isStoreAway && tries === WORDLESS_TRIES) onWait?.();
      if (ourFailures >= mostFailures) return { kind: 'poison', cause: error };
      const delayMs = backoffMs(tries, pace, random);
      const isLast = signal.aborted && !comesAgain;
      if (isLast || clock.now() + delayMs > deadlineMs) {
        return isStoreAway ? { kind: 'store_away' } : { kind: 'poison', cause: error };
      }
      await clock.sleep(delayMs, signal);
    }
  }
}

const MOST_FAILURES = 5;
/** With the usual rests these take some seconds. */
const WORDLESS_TRIES = 6;
