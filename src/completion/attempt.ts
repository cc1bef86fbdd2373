/** What one upstream call took, as told by the provider or, failing that, estimated. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Part of `promptTokens` that was read from the provider's cache. */
  readonly cachedTokens: number;
  /** Part of `promptTokens` that was written to the provider's cache; absent where that is not known. */
  readonly cacheWriteTokens?: number;
  /** What the cache saved, less what writing to it cost more; nano-USD, absent where that is not known. */
  readonly savedNanoUsd?: bigint;
  /** Part of `completionTokens` that was spent on reasoning. */
  readonly reasoningTokens: number;
  /** How many images were made; none unless told. */
  readonly images?: number;
  /** Integer nano-USD (10⁻⁹ $). */
  readonly costNanoUsd: bigint;
  readonly source: 'reported' | 'estimated';
}

/** One upstream call for a completion, for the turn's record. */
export interface AttemptRecord {
  /** Order in the turn, from 0. */
  readonly index: number;
  /** Of an earlier claim; absent for the present one. */
  readonly epoch?: number;
  readonly provider: string;
  readonly modelAsked: string;
  readonly modelUsed: string | null;
  readonly generationId: string | null;
  readonly outcome: 'answered' | 'partial' | 'cancelled' | 'failed';
  /** Kind of the failure (`CompletionFailure['kind']`), `lost` when its process was; null when answered. */
  readonly failure: string | null;
  readonly httpStatus: number | null;
  /** The attempt ran on a model that costs nothing. */
  readonly isFree: boolean;
  readonly startedAtMs: number;
  /** From the request to the first visible or reasoning delta; null when none came. */
  readonly firstTokenMs: number | null;
  /** Null when its process was lost and nobody else knows. */
  readonly durationMs: number | null;
  /** Null when the call took nothing (refused before it began). */
  readonly usage: TokenUsage | null;
}

/** An attempt that began in a process that is gone. */
export interface LostAttempt {
  readonly index: number;
  /** The claim under which it ran. */
  readonly epoch: number;
  /** Null where an earlier release noted the attempt, which knew OpenRouter only. */
  readonly provider: string | null;
  readonly model: string;
  readonly generationId: string | null;
  readonly startedAtMs: number;
  /** Held for it; null where it was free. As decimal text: it comes from JSON. */
  readonly heldNanoUsd: string | null;
}
