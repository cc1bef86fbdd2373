import type { UsageTotals } from '../usage/ports.ts';
import type { Sql } from './connection.ts';

/** A big sum, which JSON can only carry as text. */
export type Totals = Omit<UsageTotals, 'costNanoUsd'> & { readonly costNanoUsd: string };

export const withMoney = <Part extends { readonly costNanoUsd: string }>(part: Part) => ({
  ...part,
  costNanoUsd: BigInt(part.costNanoUsd),
});

/** UsageTotals of the rows called `h`. */
export const totals = (sql: Sql) => sql`jsonb_build_object('requests', coalesce(sum(h.requests), 0),
  'promptTokens', coalesce(sum(h.prompt_tokens), 0), 'completionTokens', coalesce(sum(h.completion_tokens), 0),
  'cachedTokens', coalesce(sum(h.cached_tokens), 0), 'reasoningTokens', coalesce(sum(h.reasoning_tokens), 0),
  'cacheWriteTokens', coalesce(sum(h.cache_write_tokens), 0),
  'costNanoUsd', coalesce(sum(h.cost_nano_usd), 0)::text)`;
