import type { Sql } from '../src/store/connection.ts';
import { guildId, userId } from '../src/platform/ids.ts';

/** Who is asked about: as busy whatever the table has beside them, and a guild that has a tenth of all there is. */
export const STEADY = { guild: guildId('telegram', 1), user: userId('telegram', 1) };
export const BUSY = { guild: guildId('telegram', 2), user: userId('telegram', 201) };

const STEADY_ROWS = 20_000;
const ROWS_OF_A_GUILD = 1000;
const SLICE = 1_000_000;
const MONTHS = 12;

/** Makes the two guilds with a hundred people each, and partitions for the year that has passed. */
export async function prepare(sql: Sql): Promise<void> {
  await sql`
    insert into guilds (platform_guild_id, name)
    select 'telegram:' || n, 'guild ' || n from generate_series(1, 2) n`;
  await sql`
    insert into users (platform_user_id, name) select 'telegram:' || n, 'person ' || n from generate_series(1, 300) n`;
  for (let month = MONTHS; month >= 1; month -= 1) {
    await sql`
      select ensure_usage_partitions_v1(jsonb_build_object('nowMs',
        epoch_ms_v1(now() - make_interval(months => ${month}))))`;
  }
  await sql`alter table usage disable trigger usage_booked`;
  await sql`alter table usage_hourly disable trigger usage_hourly_summed`;
  await insertRows(sql, {
    guild: STEADY.guild,
    people: [1, 100],
    rows: STEADY_ROWS,
  });
  await sql`
    insert into conversations (place, place_key, user_id, style)
    select 'telegram:bench:' || n, 'telegram:bench:' || n, u.id, 'private'
    from generate_series(1, 50) n join users u on u.platform_user_id = ${STEADY.user}`;
  await sql`
    insert into conversation_usage (user_id, hour, conversation_id, requests, prompt_tokens, completion_tokens)
    select h.user_id, h.hour, c.id, sum(h.requests), sum(h.prompt_tokens), sum(h.completion_tokens)
    from usage_hourly h join conversations c on c.user_id = h.user_id
    where extract(epoch from h.hour)::bigint / 3600 % 50 = split_part(c.place, ':', 3)::int % 50
    group by h.user_id, h.hour, c.id`;
}

/** Adds rows until there are so many in all: a tenth for the busy guild in the last 30 days, the others' over the whole year. */
export async function fillUpTo(sql: Sql, rows: number, say: (line: string) => void): Promise<void> {
  const [have] = await sql<{ rows: number }[]>`select count(*)::int as rows from usage`;
  const missing = rows - (have?.rows ?? 0);
  const forBusy = Math.round(missing / 10);
  await insertRows(sql, { guild: BUSY.guild, people: [201, 300], rows: forBusy });
  await withoutIndexes(sql, async () => {
    for (let done = forBusy; done < missing; done += SLICE) {
      say(`${Math.round(done / 1000)} of ${Math.round(missing / 1000)} thousand rows`);
      await insertOthers(sql, Math.min(SLICE, missing - done));
    }
    say('sums by day');
    await sql`truncate usage_daily`;
    await sql`
      insert into usage_daily (day, guild_id, user_id, model, provider, payer, requests, answered, attempts, prompt_tokens,
        completion_tokens, cached_tokens, cost_nano_usd, first_token_ms_sum, first_token_count)
      select date_trunc('day', hour, 'UTC'), guild_id, user_id, model, provider, payer, sum(requests), sum(answered), sum(attempts),
        sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cost_nano_usd), sum(first_token_ms_sum),
        sum(first_token_count)
      from usage_hourly group by 1, 2, 3, 4, 5, 6`;
    say('indexes');
  });
  say('analyze');
  await sql`vacuum analyze usage_hourly`;
  await sql`vacuum analyze usage_daily`;
  await sql`analyze usage`;
}

interface Bulk {
  readonly guild: string;
  readonly people: readonly [number, number];
  readonly rows: number;
}

/** Of the last 30 days, each by one of the guild's people with one of three models; sums as the bookings would have made them. */
async function insertRows(sql: Sql, { guild, people: [first, last], rows }: Bulk): Promise<void> {
  await sql`
    with told as (
      insert into usage (at, turn_id, epoch, attempt, guild_id, user_id, payer, provider, model_asked, requests, prompt_tokens,
        completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd, is_free, source)
      select now() - random() * interval '29 days', gen_random_uuid(), 1, 0, g.id, u.id, 'operator', 'openrouter',
        'acme/model-' || (i % 3), 1, 900, 200, 300, 0, 12345, false, 'reported'
      from generate_series(1, ${rows}::int) i
      join guilds g on g.platform_guild_id = ${guild}
      join lateral (select floor(${first}::int + random() * ${last - first + 1}::int + 0 * i)::int as number) p on true
      join users u on u.platform_user_id = 'telegram:' || p.number
      returning *
    )
    insert into usage_hourly as h (hour, guild_id, user_id, model, provider, payer, requests, answered, attempts, prompt_tokens,
      completion_tokens, cached_tokens, cost_nano_usd, first_token_ms_sum, first_token_count)
    select date_trunc('hour', at, 'UTC'), guild_id, user_id, model_asked, provider, payer, count(*), count(*), count(*),
      sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cost_nano_usd), 700 * count(*), count(*)
    from told group by 1, 2, 3, 4, 5, 6
    on conflict (hour, guild_id, user_id, model, provider, payer) do update set requests = h.requests + excluded.requests,
      answered = h.answered + excluded.answered, attempts = h.attempts + excluded.attempts,
      prompt_tokens = h.prompt_tokens + excluded.prompt_tokens, completion_tokens = h.completion_tokens + excluded.completion_tokens,
      cached_tokens = h.cached_tokens + excluded.cached_tokens, cost_nano_usd = h.cost_nano_usd + excluded.cost_nano_usd`;
}

/** Of guilds and people nobody asks about, spread over a year: each row a booking of its own, in usage and in the sums. */
async function insertOthers(sql: Sql, rows: number): Promise<void> {
  await sql`
    with guild as materialized (
      select n, gen_random_uuid() as id from generate_series(0, greatest(1, ${rows}::int / ${ROWS_OF_A_GUILD}::int)) n
    ), told as (
      insert into usage (at, turn_id, epoch, attempt, guild_id, user_id, payer, provider, model_asked, requests, prompt_tokens,
        completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd, is_free, source)
      select now() - random() * interval '360 days', gen_random_uuid(), 1, 0, g.id, md5(g.id::text || i % 20)::uuid, 'operator',
        'openrouter', 'acme/model-' || (i % 3), 1, 900, 200, 300, 0, 12345, false, 'reported'
      from generate_series(1, ${rows}::int) i join guild g on g.n = i % greatest(1, ${rows}::int / ${ROWS_OF_A_GUILD}::int)
      returning *
    )
    insert into usage_hourly (hour, guild_id, user_id, model, provider, payer, requests, answered, attempts, prompt_tokens,
      completion_tokens, cached_tokens, cost_nano_usd, first_token_ms_sum, first_token_count)
    select date_trunc('hour', at, 'UTC'), guild_id, user_id, model_asked, provider, payer, count(*), count(*), count(*),
      sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cost_nano_usd), 700 * count(*), count(*)
    from told group by 1, 2, 3, 4, 5, 6`;
}

/** Indexes of both tables are made anew behind what is added, which takes a fraction of the time. */
async function withoutIndexes(sql: Sql, work: () => Promise<void>): Promise<void> {
  const constraints = await sql<{ name: string; owner: string; definition: string }[]>`
    select conname as name, conrelid::regclass::text as owner, pg_get_constraintdef(oid) as definition
    from pg_constraint where conrelid in ('usage'::regclass, 'usage_hourly'::regclass, 'usage_daily'::regclass) and contype in ('p', 'u')`;
  for (const { name, owner } of constraints)
    await sql`alter table ${sql(owner)} drop constraint ${sql(name)}`;
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index where indrelid in ('usage'::regclass, 'usage_hourly'::regclass, 'usage_daily'::regclass)`;
  for (const { name } of indexes) await sql`drop index ${sql(name)}`;
  await work();
  await sql`set maintenance_work_mem = '512MB'`;
  for (const { definition } of indexes) await sql.unsafe(definition);
  for (const { name, owner, definition } of constraints)
    await sql`alter table ${sql(owner)} add constraint ${sql(name)} ${sql.unsafe(definition)}`;
}
