import type { AttemptRecord, LostAttempt } from './attempt.ts';
import type { BudgetReport, BudgetStanding } from './budget.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreeAsker } from './free-places.ts';
import type { Tier } from './optimiser.ts';
import type { AllowedModels, OwnKey } from './ports.ts';
import type { SearchReport } from './sources.ts';

export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What a request asks of a model beside reading and writing text. */
export interface RequestNeeds {
  /** Kinds of input that it must read itself. */
  readonly inputs: readonly ('image' | 'file' | 'audio')[];
  readonly tools: boolean;
  /** The answer must follow a JSON schema. */
  readonly jsonSchema: boolean;
}

/** What a turn wants from a model. */
export interface CompletionRequest {
  readonly messages: readonly PromptMessage[];
  /** Upper bound for the answer, ≥ 1. */
  readonly maxTokens: number;
  /** 0-2. */
  readonly temperature: number;
  /** The model the person or guild chose; null leaves the choice to the chain. */
  readonly preferredModel: string | null;
  /** No other model may answer in its place. */
  readonly isStrict: boolean;
  readonly allowedModels: AllowedModels;
  /** Models that lack it are not asked. Absent: text alone. */
  readonly needs?: RequestNeeds;
  /** The model is to search the web, which costs money on free models too. */
  readonly search?: boolean;
  /** The order in which models are asked; absent: that of the settings. */
  readonly tier?: Tier;
  /** The one nearest to its end; absent or null where money has no limit. */
  readonly budget?: BudgetStanding | null;
  /** Only what costs nothing may answer, although the operator would pay for more. */
  readonly freeModelsOnly?: boolean;
  /** False: no provider is told to keep the prompt. */
  readonly keepsPrompt?: boolean;
  /** Null pays with the operator's. */
  readonly ownKey: OwnKey | null;
  /** For whom free models are asked. Absent: for `endUser` alone. */
  readonly free?: FreeAsker;
  /** Pseudonym of the person, stable, not traceable to the platform. */
  readonly endUser: string;
  /** Stable per conversation, ≤ 256 characters: keeps it with one provider and its cache. */
  readonly sessionId: string;
}

/** What the chain may do while it runs, lent by the engine for one turn. */
export interface CompletionListener {
  /** Visible text, in order. Called only for text that stays: after it no other model takes over. */
  onText(delta: string): void;
  /** The provider named its generation; lets a lost attempt be billed later. */
  onGeneration(attempt: { index: number; provider: string; model: string; generationId: string }): void;
  /** Must be granted before an attempt that can cost money. */
  holdCost(attempt: number, nanoUsd: bigint): Promise<CostGrant>;
}

/** Refused by the budget that it would pass. */
export type CostGrant =
  | { readonly granted: true }
  | { readonly granted: false; readonly budget: BudgetStanding };

/** How the chain ended; `search` is null where none was wanted. It never throws for anything that the outside did. */
export type CompletionOutcome = BudgetReport &
  (
    | {
        readonly kind: 'answered';
        readonly text: string;
        readonly model: string;
        /** `length`: cut by `maxTokens`; `filtered`: the provider cut it. */
        readonly finish: 'stop' | 'length' | 'filtered';
        readonly search: SearchReport | null;
        readonly attempts: readonly AttemptRecord[];
      }
    /** Failed after visible text: the text stays and is marked. */
    | {
        readonly kind: 'partial';
        readonly text: string;
        readonly model: string;
        readonly failure: CompletionFailure;
        readonly search: SearchReport | null;
        readonly attempts: readonly AttemptRecord[];
      }
    /** The signal was aborted. */
    | {
        readonly kind: 'cancelled';
        readonly text: string;
        readonly model: string | null;
        readonly search: SearchReport | null;
        readonly attempts: readonly AttemptRecord[];
      }
    /** No model gave text. */
    | {
        readonly kind: 'failed';
        readonly failure: CompletionFailure;
        readonly attempts: readonly AttemptRecord[];
      }
  );

export interface CompletionChain {
  complete(
    request: CompletionRequest,
    listener: CompletionListener,
    signal: AbortSignal,
  ): Promise<CompletionOutcome>;
  /**
   * What an attempt took whose process was lost: as the provider tells it to who paid, else estimated. Never rejects;
   * takes at most a few seconds, and an aborted signal ends it with the estimate.
   */
  recall(lost: LostAttempt, ownKey: OwnKey | null, signal: AbortSignal): Promise<AttemptRecord>;
  /** As `recall`, of an attempt that ended before, asked once: null where the provider does not tell, or not yet. */
  lookBack(ended: LostAttempt, ownKey: OwnKey | null, signal: AbortSignal): Promise<AttemptRecord | null>;
}
