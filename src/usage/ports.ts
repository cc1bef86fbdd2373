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

/** Reads rollups and counters only, never usage details. Rejects with `StoreUnavailable`. */
export interface UsageReader {
  usageOf(author: Author, guild: Guild | null): Promise<UsageReport>;
  /** `guild` null: the author's own private use. */
  statsOf(author: Author, guild: Guild | null, days: number): Promise<StatsReport>;
}
