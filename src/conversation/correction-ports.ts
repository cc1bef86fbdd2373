import type { TokenUsage } from '../completion/attempt.ts';
import type { Payer } from '../completion/ports.ts';
import type { SealedKey } from '../keys/ports.ts';
import type { GuildId, TurnId, UserId } from '../platform/ids.ts';

/** An attempt that was booked by an estimate, of which the provider may still tell the truth. */
export interface OpenEstimate {
  readonly turnId: TurnId;
  /** The claim under which it ran. */
  readonly epoch: number;
  readonly attempt: number;
  /** Null where an earlier release noted the attempt, which knew OpenRouter only. */
  readonly provider: string | null;
  readonly model: string;
  readonly generationId: string;
  readonly startedAtMs: number;
  /** What was booked; null where it was to cost nothing. As decimal text: it comes from JSON. */
  readonly bookedNanoUsd: string | null;
  readonly payer: Payer;
  /** Whose key paid; null for the operator's, and for somebody who was forgotten since. */
  readonly subject: UserId | GuildId | null;
  /** The payer's as it is by now; null where there is none. */
  readonly ownKey: SealedKey | null;
}

/** Estimates in the books, and the truth about them. Every method rejects with `StoreUnavailable`. */
export interface Corrections {
  /**
   * At most `limit` estimates that are to be asked for now. Each is due again later than the time before, up to an hour;
   * `givenUp` of them were asked for in vain for a day and stay as they are.
   */
  due(limit: number): Promise<{ readonly due: readonly OpenEstimate[]; readonly givenUp: number }>;
  /**
   * Books the difference in the window of the estimate, in all sums and counters. `known`: that was done before, or nothing was
   * estimated.
   */
  correct(
    estimate: Pick<OpenEstimate, 'turnId' | 'epoch' | 'attempt'>,
    told: { readonly usage: TokenUsage; readonly modelUsed: string | null },
  ): Promise<{ readonly kind: 'corrected'; readonly differenceNanoUsd: bigint } | { readonly kind: 'known' }>;
}
