import type { MessageId, PlaceId } from '../platform/ids.ts';
import type { Guild, Author } from '../platform/message.ts';

/** What was used in a span of time. Money is integer nano-USD. */
export interface UsageTotals {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Part of `promptTokens` that was read from a cache. */
  readonly cachedTokens: number;
  /** Part of `promptTokens` that was written to a cache. */
  readonly cacheWriteTokens: number;
  /** Part of `completionTokens`. */
  readonly reasoningTokens: number;
  readonly costNanoUsd: bigint;
}

export interface ModelUsage extends UsageTotals {
  readonly model: string;
  /** Models of several providers may share a name. */
  readonly provider: string;
  readonly failures: number;
  /** Mean time to the first token over its attempts; null when none gave one. */
  readonly meanFirstTokenMs: number | null;
}

export interface ProviderUsage extends UsageTotals {
  /** As attempts name it; `unknown` where a process was lost before it could tell. */
  readonly provider: string;
  /** Attempts, failed ones too. */
  readonly calls: number;
}

export interface QuotaStanding {
  readonly subject: 'guild' | 'user';
  readonly metric: 'requests' | 'tokens' | 'cost' | 'images';
  readonly window: 'hour' | 'day' | 'month';
  readonly used: number;
  readonly held: number;
  readonly limit: number;
  readonly resetsAtMs: number;
}

/** A person's own figures. */
export interface UsageReport {
  readonly today: UsageTotals;
  readonly month: UsageTotals;
  /** Of this month, the most used first. */
  readonly providers: readonly ProviderUsage[];
  readonly quotas: readonly QuotaStanding[];
}

/** Since when: the guild's day, week (from Monday) or month, else UTC's. Exact to the hour in which it begins. */
export type UsageSpan = 'day' | 'week' | 'month';

/** What a person's usage is divided by. */
export type UsageDivision = 'conversation' | 'model' | 'provider';

/** What one model, provider or conversation took of a person's usage. */
export type UsageShare = UsageTotals &
  (
    | { readonly by: 'model'; readonly model: string; readonly provider: string }
    | { readonly by: 'provider'; readonly provider: string }
    | {
        readonly by: 'conversation';
        /** Name of the guild; null in private. */
        readonly guild: string | null;
        readonly begunAtMs: number;
      }
  );

/** A person's own figures of a span. */
export interface UsageBreakdown {
  readonly totals: UsageTotals;
  /** Calls of models, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  readonly meanFirstTokenMs: number | null;
  /** The dearest first, then by tokens; empty where nothing divides. */
  readonly shares: readonly UsageShare[];
  /** What is not in `shares`; null where that is nothing. */
  readonly others: UsageTotals | null;
  /** Of the guild, else UTC. */
  readonly timeZone: string;
}

export interface BreakdownQuestion {
  readonly author: Author;
  /** Conversations elsewhere are not named in a guild. Null in private: all are. */
  readonly guild: Guild | null;
  readonly span: UsageSpan;
  readonly by: UsageDivision | null;
}

/** A guild's figures, or those of a person's private conversations. */
export interface StatsReport {
  readonly days: number;
  readonly totals: UsageTotals;
  readonly answered: number;
  readonly failed: number;
  readonly users: number;
  readonly models: readonly ModelUsage[];
  /** The most used first. */
  readonly providers: readonly ProviderUsage[];
  readonly topUsers: readonly { readonly name: string; readonly requests: number; readonly tokens: number }[];
}

/** Where somebody says something, which tells the conversation that they mean. */
export interface ConversationSpot {
  readonly author: Author;
  readonly place: PlaceId;
  readonly repliesTo: MessageId | null;
}

/** What providers' caches did for a conversation. */
export interface CachingReport {
  /** On its present branch. */
  readonly messages: number;
  readonly promptTokens: number;
  /** Part of `promptTokens`. */
  readonly cachedTokens: number;
  /** Below zero where writing to the cache cost more than reading saved. */
  readonly savedNanoUsd: bigint;
}

/** Reads rollups and counters only, never usage details. Rejects with `StoreUnavailable`. */
export interface UsageReader {
  usageOf(author: Author, guild: Guild | null): Promise<UsageReport>;
  breakdownOf(question: BreakdownQuestion): Promise<UsageBreakdown>;
  /** Null where no conversation has begun. */
  cachingOf(spot: ConversationSpot): Promise<CachingReport | null>;
  /** `guild` null: the author's own private use. */
  statsOf(author: Author, guild: Guild | null, days: number): Promise<StatsReport>;
}
