/** Where the audit of counters goes on. */
export interface CounterPlace {
  readonly kind: number;
  readonly subjectId: string;
}

/** What the operator's account with OpenRouter took since the UTC day began, by our own books; nano-USD. */
export interface OperatorsDay {
  readonly bookedNanoUsd: bigint;
  /** Of calls that are under way. */
  readonly heldNanoUsd: bigint;
}

/**
 * The books, compared with themselves. What differs is put right by the difference and on record in `audit`; what agrees is left
 * alone, also while turns run. Every method rejects with `StoreUnavailable`.
 */
export interface Books {
  /** The sums of a UTC hour against usage; how many differed. `hourMs`: when the hour began. */
  auditHour(hourMs: number): Promise<number>;
  /** As `auditHour`, the sums of a UTC day against those of its hours. */
  auditDay(dayMs: number): Promise<number>;
  /** The counters of a few subjects after a place, null before all, against usage; `next` is null behind the last. */
  auditCounters(
    after: CounterPlace | null,
  ): Promise<{ readonly wrong: number; readonly next: CounterPlace | null }>;
  operatorsDay(): Promise<OperatorsDay>;
  /** Puts on record that the service bills something else than what was booked. */
  noteDrift(drift: OperatorsDay & { readonly billedNanoUsd: bigint }): Promise<void>;
}
