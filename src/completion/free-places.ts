import type { CompletionFailure } from './failure.ts';

/** For whom a free model is asked: they share an account's allowance. */
export interface FreeAsker {
  /** The guild, or the person in private, by internal id. */
  readonly subject: string;
  readonly user: string;
  /** Goes before others that wait, as its plan says. */
  readonly isFirst: boolean;
  /** Nobody waits for the answer. */
  readonly isBackground: boolean;
  /** What came with the admission and is not used yet: where that is a place, there is nothing to wait for. */
  readonly place?: FreeClaim | null;
}

export interface FreeWish extends FreeAsker {
  /** Models that the call would like to name, 1 to 3. */
  readonly wanted: number;
  /** Longer than this is not waited for. */
  readonly longestWaitMs: number;
}

/** What came of asking a pool for places: some, or in how many milliseconds there is one. */
export type FreeTake =
  | {
      readonly granted: number;
      /** When they were taken, as the store counts, so that they can be given back. */
      readonly second: number;
      readonly day: string;
    }
  | {
      readonly granted: 0;
      /** `rest`: the provider refused us. */
      readonly reason: 'minute' | 'day' | 'rest';
      /** The asker's own share is used up, not all. */
      readonly isShare: boolean;
      readonly waitMs: number;
      /** In how many milliseconds how many places of the minute are free, the soonest first. */
      readonly frees?: readonly (readonly [inMs: number, count: number])[];
    };

export type FreeGrant = Extract<FreeTake, { readonly second: number }>;

/** What came with the admission of a turn. */
export type FreePlace = FreeTake & {
  readonly payer: string;
  readonly provider: string;
  readonly subject: string;
};

/** A place on a free model that came with the admission, so long ago. */
export interface FreeClaim {
  readonly given: FreePlace;
  readonly ageMs: number;
}

export type FreeRefusal = Extract<CompletionFailure, { kind: 'free_minute_spent' | 'free_day_spent' }>;

export type FreeVerdict =
  | { readonly kind: 'granted'; readonly count: number; readonly place: FreePlace }
  | { readonly kind: 'refused'; readonly failure: FreeRefusal };

/** How soon a place can be expected. */
export interface FreeOutlook {
  /** Epoch ms; not before now. */
  readonly atMs: number;
  /** A place is worth waiting for longer than a moment. */
  readonly canWait: boolean;
  /** The day is spent. */
  readonly block: { readonly failure: FreeRefusal; readonly untilMs: number } | null;
}

/** The places that a provider gives to one payer's calls of free models; each attempt takes one first. None of it rejects. */
export interface FreePlaces {
  outlook(asker: FreeAsker): FreeOutlook;
  /** Waits in the queue for it where that does not take too long. Refused as well where the signal is aborted meanwhile. */
  take(wish: FreeWish, signal: AbortSignal): Promise<FreeVerdict>;
  /**
   * Uses the place that came with the admission, `ageMs` ago; false where it is none of ours or too old, and so goes back, or
   * none was given, which is then heeded.
   */
  redeem(place: FreePlace, asker: FreeAsker, ageMs: number): boolean;
  /** Nobody used it after all, whichever pool it is of. */
  giveBack(place: FreePlace): void;
  /** The provider refused a call. Tells whether that is news. */
  refused(failure: FreeRefusal): boolean;
}
