import type { BreakdownQuestion, UsageBreakdown, UsageShare, UsageTotals } from '../usage/ports.ts';
import type { Sql } from './connection.ts';
import { storableJson } from './document.ts';
import { reach } from './failure.ts';
import { totals, withMoney, type Totals } from './usage-totals.ts';

/** How many rows people read; the rest is told in one. */
const MOST_SHARES = 10;

type WithText<Part> = Part extends unknown
  ? Omit<Part, 'costNanoUsd'> & { readonly costNanoUsd: string }
  : never;
interface BreakdownDocument extends Pick<
  UsageBreakdown,
  'calls' | 'failures' | 'meanFirstTokenMs' | 'timeZone'
> {
  readonly totals: Totals;
  readonly shares: readonly WithText<UsageShare>[];
}

/** A person's figures of a span from the hourly sums, and what they are made of. `clock` may hold `nowMs`, for tests. */
export async function selectBreakdown(
  sql: Sql,
  { author, guild, span, by }: BreakdownQuestion,
  clock: object,
): Promise<UsageBreakdown> {
  const question = { user: author.id, guild: guild?.id ?? null, span, by, most: MOST_SHARES, ...clock };
  const rows = await reach(() => selectDocument(sql, storableJson(question)));
  const [row] = rows;
  if (row === undefined) throw new Error('A question that always has one answer got none.');
  const { totals: whole, shares, ...others } = row.report;
  const read = { ...others, totals: withMoney(whole), shares: shares.map(withMoney) };
  return { ...read, others: by === null ? null : restOf(read.totals, read.shares) };
}

/** What is left of a sum; null where that is nothing. */
function restOf(whole: UsageTotals, parts: readonly UsageTotals[]): UsageTotals | null {
  const left = (of: (part: UsageTotals) => number): number =>
    parts.reduce((rest, part) => rest - of(part), of(whole));
  const rest: UsageTotals = {
    requests: left((part) => part.requests),
    promptTokens: left((part) => part.promptTokens),
    completionTokens: left((part) => part.completionTokens),
    cachedTokens: left((part) => part.cachedTokens),
    cacheWriteTokens: left((part) => part.cacheWriteTokens),
    reasoningTokens: left((part) => part.reasoningTokens),
    costNanoUsd: parts.reduce((sum, part) => sum - part.costNanoUsd, whole.costNanoUsd),
  };
  const isNothing =
    rest.requests + rest.promptTokens + rest.completionTokens === 0 && rest.costNanoUsd === 0n;
  return isNothing ? null : rest;
}

const selectDocument = (sql: Sql, question: string) => sql<{ report: BreakdownDocument }[]>`
  with asked as materialized (
    select q.p, u.id as user_id, g.id as guild_id, z.zone,
      date_trunc('hour', date_trunc(q.p ->> 'span', store_now_v1(q.p), z.zone), 'UTC') as since
    from (select ${question}::text::jsonb as p) q
    left join users u on u.platform_user_id = q.p ->> 'user'
    left join guilds g on g.platform_guild_id = q.p ->> 'guild'
    cross join lateral (select coalesce(g.time_zone, 'UTC') as zone) z
  ), hours as materialized (
    select h.* from asked join usage_hourly h on h.user_id = asked.user_id and h.hour >= asked.since
  ), by_model as (
    select ${totals(sql)} || jsonb_build_object('by', 'model', 'model', h.model, 'provider', h.provider) as figures,
      sum(h.cost_nano_usd) as cost, sum(h.prompt_tokens + h.completion_tokens) as tokens
    from hours h where h.model <> '' and (select p ->> 'by' from asked) = 'model' group by h.model, h.provider
    having sum(h.requests + h.prompt_tokens + h.completion_tokens + h.cost_nano_usd) > 0 -- the others answered nothing
  ), by_provider as (
    select ${totals(sql)} || jsonb_build_object('by', 'provider', 'provider', h.provider) as figures,
      sum(h.cost_nano_usd) as cost, sum(h.prompt_tokens + h.completion_tokens) as tokens
    from hours h where h.provider <> '' and (select p ->> 'by' from asked) = 'provider' group by h.provider
    having sum(h.requests + h.prompt_tokens + h.completion_tokens + h.cost_nano_usd) > 0
  ), by_conversation as (
    select ${totals(sql)} || jsonb_build_object('by', 'conversation', 'guild', max(g.name),
        'begunAtMs', epoch_ms_v1(max(c.created_at))) as figures,
      sum(h.cost_nano_usd) as cost, sum(h.prompt_tokens + h.completion_tokens) as tokens
    from asked
    join conversation_usage h on h.user_id = asked.user_id and h.hour >= asked.since
    join conversations c on c.id = h.conversation_id
    left join guilds g on g.id = c.guild_id
    where asked.p ->> 'by' = 'conversation' and (asked.p ->> 'guild' is null or c.guild_id = asked.guild_id)
    group by h.conversation_id
  ), shares as (
    select * from by_model union all select * from by_provider union all select * from by_conversation
    order by cost desc, tokens desc limit (select (p ->> 'most')::int from asked)
  )
  select jsonb_build_object(
    'totals', (select ${totals(sql)} from hours h),
    'calls', (select coalesce(sum(h.attempts), 0) from hours h),
    'failures', (select coalesce(sum(h.attempt_failures), 0) from hours h),
    'meanFirstTokenMs', (select round(sum(h.first_token_ms_sum) / nullif(sum(h.first_token_count), 0)) from hours h),
    'shares', (select coalesce(jsonb_agg(figures order by cost desc, tokens desc), '[]') from shares),
    'timeZone', asked.zone
  ) as report
  from asked`;
