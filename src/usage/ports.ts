import type { MessageId, PlaceId } from '../platform/ids.ts';
import type { Guild, Author } from '../platform/message.ts';

/** What was used in a span of time. Money is integer nano-USD. */
export interface UsageTotals {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
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
  /** Null where no conversation has begun. */
  cachingOf(spot: ConversationSpot): Promise<CachingReport | null>;
  /** `guild` null: the author's own private use. */
  statsOf(author: Author, guild: Guild | null, days: number): Promise<StatsReport>;
}
