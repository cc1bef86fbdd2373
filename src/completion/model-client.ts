import type { PromptMessage } from './completion.ts';
import type { CompletionFailure } from './failure.ts';
import type { ProviderName } from './provider.ts';
import type { Source } from './sources.ts';

/** One call of one model. */
export interface ModelCall {
  readonly model: string;
  /** At most two that the provider itself asks after it, within the same ceilings. */
  readonly alternatives: readonly string[];
  readonly messages: readonly PromptMessage[];
  /** Positions of messages after which the provider is told to keep the prompt's beginning, for services that take it. */
  readonly breakpoints: readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly endUser: string;
  readonly sessionId: string;
  /** Ask for little reasoning, so that it doesn't use up `maxTokens` before the first word. */
  readonly lowEffort: boolean;
  /** The model may search the web, within the bounds that money was held for. */
  readonly search?: boolean;
  /** Highest prices to accept. Whatever they are, nothing that costs extra is used but a search that is asked for. */
  readonly maxPrices: PriceCeiling;
  readonly timers: CallTimers;
}

/** USD for a million units, each of which becomes a `provider.max_price`; absent: no ceiling. */
export interface PriceCeiling {
  readonly prompt?: number;
  readonly completion?: number;
  readonly request?: number;
  readonly image?: number;
  readonly audio?: number;
}

/** Each runs out by aborting the call. */
export interface CallTimers {
  /** From the start of the call to the first visible or reasoning delta. */
  readonly firstTokenMs: number;
  /** From the start of the call to the first visible text. */
  readonly firstTextMs: number;
  /** Between deltas. */
  readonly idleMs: number;
  /** From the start of the call to its end. */
  readonly wholeMs: number;
}

/** Receives an answer while it comes in. An exception from here ends the call and reaches its caller. */
export interface CallSink {
  onGeneration(generationId: string): void;
  /** The model shows life: the first delta, visible or reasoning. Called once. */
  onFirstToken(): void;
  /** Visible text in order. The first piece holds something that can be seen, not blanks alone. */
  onText(delta: string): void;
}

/** How a call ended. */
export type CallEnd = CallFacts &
  (
    | { readonly kind: 'ended'; readonly finish: 'stop' | 'length' | 'filtered' }
    | { readonly kind: 'failed'; readonly failure: CompletionFailure }
    /** The caller's signal was aborted. */
    | { readonly kind: 'cancelled' }
  );

export interface CallFacts {
  readonly generationId: string | null;
  readonly modelUsed: string | null;
  /** Tokens may have been used: false when the call was refused or never arrived. */
  readonly began: boolean;
  /** As the provider reported it, if it did. */
  readonly usage: ReportedUsage | null;
  /** Tokens of the answer, reasoning included, as estimated from what came in. */
  readonly estimatedTokens: { readonly completion: number; readonly reasoning: number };
  /** Pages that the answer cites. */
  readonly sources?: readonly Source[];
}

export interface ReportedUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** Part of `promptTokens` that was written to the provider's cache; absent where that is not told. */
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens: number;
  /** Told along the way, and no end came: more may have been used since. */
  readonly soFar?: true;
  /** Null when tokens were reported without a cost. */
  readonly costNanoUsd: bigint | null;
  /** Of that for searches of the web, and their number, where some were reported. */
  readonly tools?: { readonly searches: number; readonly costNanoUsd: bigint | null };
}

export interface ModelClient {
  /** The service that is called, for the attempt's record. */
  readonly provider: ProviderName;
  /** Never rejects for what the other side or the network does; only when the sink throws. */
  run(call: ModelCall, sink: CallSink, signal: AbortSignal): Promise<CallEnd>;
  /** Asks once what a generation took, for at most `timeoutMs`. Never rejects. Null where the service tells nothing afterwards. */
  readonly lookUp:
    | ((generationId: string, timeoutMs: number, signal: AbortSignal) => Promise<GenerationLookup>)
    | null;
}

export type GenerationLookup =
  | { readonly kind: 'told'; readonly generation: ReportedGeneration }
  /** The service knows no such generation, or not yet: it learns of one a while after its end. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly failure: CompletionFailure };

/** A generation that is over, as the provider reported it. */
export interface ReportedGeneration {
  readonly modelUsed: string | null;
  readonly usage: ReportedUsage & { readonly costNanoUsd: bigint };
  readonly durationMs: number | null;
}
