import type { QuotaLimits } from '../limits/quota.ts';
import type {
  ModelUsage,
  ProviderUsage,
  QuotaStanding,
  StatsReport,
  UsageReader,
  UsageReport,
  UsageTotals,
} from '../usage/ports.ts';
import { selectCaching } from './caching-reader.ts';
import type { Sql } from './connection.ts';
import { storableJson } from './document.ts';
import { reach } from './failure.ts';

/** Allowances of subjects that have none of their own. */
export interface DefaultQuotas {
  readonly user: QuotaLimits;
  readonly guild: QuotaLimits;
  readonly instance: QuotaLimits;
}

/** How many people a list of the busiest shows. */
const TOP_USERS = 10;

/**
 * Figures from the hourly sums and the counters, so that no question costs more when there is more
 * usage. Days and months are UTC; quota windows are each subject's own. One round trip each.
 * Rejects with `StoreUnavailable`. `now` replaces the database's clock, for tests.
 */
export function createUsageReader(sql: Sql, defaults: DefaultQuotas, now?: () => number): UsageReader {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    async usageOf(author, guild) {
      const question = { user: author.id, guild: guild?.id ?? null, defaults, ...clock() };
      const rows = await reach(() => selectUsage(sql, storableJson(question)));
      return readUsage(onlyRow(rows).report);
    },
    cachingOf: (spot) => selectCaching(sql, spot),
    async statsOf(author, guild, days) {
      const question = { user: author.id, guild: guild?.id ?? null, days, top: TOP_USERS, ...clock() };
      const rows = await reach(() => selectStats(sql, storableJson(question)));
      return { days, ...readStats(onlyRow(rows).report) };
    },
  };
}

/** A big sum, which JSON can only carry as text. */
type Totals = Omit<UsageTotals, 'costNanoUsd'> & { readonly costNanoUsd: string };
type ProviderDocument = Omit<ProviderUsage, 'costNanoUsd'> & Totals;
interface UsageDocument {
  readonly today: Totals;
  readonly month: Totals;
  readonly providers: readonly ProviderDocument[];
  readonly quotas: readonly QuotaStanding[];
}
type StatsDocument = Omit<StatsReport, 'days' | 'totals' | 'models' | 'providers'> & {
  readonly providers: readonly ProviderDocument[];
  readonly totals: Totals;
  readonly models: readonly (Omit<ModelUsage, 'costNanoUsd'> & Totals)[];
};

const withMoney = <Part extends { readonly costNanoUsd: string }>(part: Part) => ({
  ...part,
  costNanoUsd: BigInt(part.costNanoUsd),
});

const readUsage = (document: UsageDocument): UsageReport => ({
  today: withMoney(document.today),
  month: withMoney(document.month),
  providers: document.providers.map(withMoney),
  quotas: document.quotas,
});

const readStats = (document: StatsDocument): Omit<StatsReport, 'days'> => ({
  ...document,
  totals: withMoney(document.totals),
  models: document.models.map(withMoney),
  providers: document.providers.map(withMoney),
});

const selectUsage = (sql: Sql, question: string) => sql<{ report: UsageDocument }[]>`
  with asked as materialized (
    select q.p, store_now_v1(q.p) as now, u.id as user_id, g.id as guild_id, coalesce(g.time_zone, 'UTC') as time_zone,
      admission_defaults_v1(q.p, g, u, store_now_v1(q.p)) as defaults
    from (select ${question}::text::jsonb as p) q
    left join users u on u.platform_user_id = q.p ->> 'user'
    left join guilds g on g.platform_guild_id = q.p ->> 'guild'
  ), subjects as (
    select coalesce(s, blank_subject_v1(2::smallint, 'UTC')) as subject
    from asked left join quota_subjects s on s.kind = 2 and s.subject_id = asked.user_id
    union all
    select coalesce(s, blank_subject_v1(1::smallint, asked.time_zone))
    from asked left join quota_subjects s on s.kind = 1 and s.subject_id = asked.guild_id
    where asked.p ->> 'guild' is not null
  ), by_provider as (
    select ${ofProvider(sql)} as figures, sum(h.attempts) as attempts, h.provider
    from asked join usage_hourly h on h.user_id = asked.user_id and h.hour >= date_trunc('month', asked.now, 'UTC')
    where h.provider <> '' group by h.provider
  )
  select jsonb_build_object(
    'today', (
      select ${totals(sql)} from usage_hourly h
      where h.user_id = asked.user_id and h.hour >= date_trunc('day', asked.now, 'UTC')
    ),
    'month', (
      select ${totals(sql)} from usage_hourly h
      where h.user_id = asked.user_id and h.hour >= date_trunc('month', asked.now, 'UTC')
    ),
    'providers', (select coalesce(jsonb_agg(figures order by attempts desc, provider), '[]') from by_provider),
    'quotas', (
      select coalesce(jsonb_agg(jsonb_build_object('subject', t.subject, 'metric', t.metric, 'window', t.win,
        'used', t.used, 'held', t.held, 'limit', t.lim, 'resetsAtMs', epoch_ms_v1(t.resets_at))), '[]')
      from subjects cross join lateral subject_standings_v1(subjects.subject, asked.now, asked.defaults) t
    )
  ) as report
  from asked`;

const selectStats = (sql: Sql, question: string) => sql<{ report: StatsDocument }[]>`
  with asked as materialized (
    select q.p, store_now_v1(q.p) as now, u.id as user_id, g.id as guild_id
    from (select ${question}::text::jsonb as p) q
    left join users u on u.platform_user_id = q.p ->> 'user'
    left join guilds g on g.platform_guild_id = q.p ->> 'guild'
  ), found as (
    -- One branch for each index.
    select h.* from asked join usage_hourly h on h.guild_id = asked.guild_id
      and h.hour > asked.now - make_interval(days => (asked.p ->> 'days')::int)
    where asked.p ->> 'guild' is not null
    union all
    select h.* from asked join usage_hourly h on h.user_id = asked.user_id and h.guild_id is null
      and h.hour > asked.now - make_interval(days => (asked.p ->> 'days')::int)
    where asked.p ->> 'guild' is null
  ), hours as materialized (
    -- What members pay themselves is their own business.
    select h.user_id, h.model, h.provider, h.requests, h.answered, h.failed, h.attempts, h.attempt_failures, h.prompt_tokens,
      h.completion_tokens, h.cached_tokens, h.first_token_ms_sum, h.first_token_count,
      case when h.payer = 'user' and h.guild_id is not null then 0 else h.cost_nano_usd end as cost_nano_usd
    from found h
  ), by_model as (
    select h.model, ${totals(sql)} || jsonb_build_object('model', h.model, 'provider', h.provider, 'failures', sum(h.attempt_failures),
      'meanFirstTokenMs', round(sum(h.first_token_ms_sum) / nullif(sum(h.first_token_count), 0))) as figures,
      sum(h.attempts) as attempts, h.provider
    from hours h where h.model <> '' group by h.model, h.provider
  ), by_provider as (
    select ${ofProvider(sql)} as figures, sum(h.attempts) as attempts, h.provider
    from hours h where h.provider <> '' group by h.provider
  ), by_user as (
    select u.name, sum(h.requests) as requests, sum(h.prompt_tokens + h.completion_tokens) as tokens
    from hours h join users u on u.id = h.user_id group by u.id, u.name
    order by 2 desc, 3 desc limit (select (p ->> 'top')::int from asked)
  )
  select jsonb_build_object(
    'totals', (select ${totals(sql)} from hours h),
    'answered', (select coalesce(sum(answered), 0) from hours),
    'failed', (select coalesce(sum(failed), 0) from hours),
    'users', (select count(distinct user_id) from hours),
    'models', (select coalesce(jsonb_agg(figures order by attempts desc, model, provider), '[]') from by_model),
    'providers', (select coalesce(jsonb_agg(figures order by attempts desc, provider), '[]') from by_provider),
    'topUsers', (select coalesce(jsonb_agg(to_jsonb(by_user) order by requests desc, tokens desc), '[]') from by_user)
  ) as report`;

/** UsageTotals of the rows called `h`. */
const totals = (sql: Sql) => sql`jsonb_build_object('requests', coalesce(sum(h.requests), 0),
  'promptTokens', coalesce(sum(h.prompt_tokens), 0), 'completionTokens', coalesce(sum(h.completion_tokens), 0),
  'cachedTokens', coalesce(sum(h.cached_tokens), 0), 'costNanoUsd', coalesce(sum(h.cost_nano_usd), 0)::text)`;

/** ProviderUsage of the rows called `h`, grouped by their provider. */
const ofProvider = (sql: Sql) =>
  sql`${totals(sql)} || jsonb_build_object('provider', h.provider, 'calls', coalesce(sum(h.attempts), 0))`;

function onlyRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('A question that always has one answer got none.');
  return row;
}
