import type { AccessRequests, Actor, GuildUse } from '../conversation/operation-ports.ts';
import type { GuildId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import type { Database } from './database.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

const SHOWN_AT_MOST = 20;

type AccessRequest = Awaited<ReturnType<AccessRequests['pending']>>[number];

/** Admissions note who was refused for want of an approval. Whom an operator blocks asks no more. */
export function createAccessRequests({ sql }: Database): AccessRequests {
  return {
    pending: async () => [...(await selectPending(sql))],
    guilds: async () => [...(await selectGuilds(sql))],
    leave: (by, guild) => leave(sql, by, guild),
    approve: (by, id) => approve(sql, by, id),
  };
}

const selectPending = (sql: Sql) =>
  reach(
    () => sql<AccessRequest[]>`
      select asked.id, asked.name, asked.kind, epoch_ms_v1(asked.at)::float8 as "sinceMs"
      from (
        select platform_guild_id as id, name, 'guild' as kind, access_asked_at as at from guilds where approved_at is null
        union all
        select platform_user_id, name, 'user', access_asked_at from users where approved_at is null
      ) asked
      where asked.at is not null and not exists (
        select 1 from blocks b where b.subject_kind = asked.kind and b.subject = asked.id and b.within_guild = '')
      order by asked.at desc limit ${SHOWN_AT_MOST}`,
  );

const selectGuilds = (sql: Sql) =>
  reach(
    () => sql<GuildUse[]>`
      select g.platform_guild_id as id, g.name, g.approved_at is not null as "isApproved", exists (
          select 1 from blocks b where b.subject_kind = 'guild' and b.subject = g.platform_guild_id) as "isBlocked",
        coalesce(used.requests, 0)::float8 as requests, coalesce(used.tokens, 0)::float8 as tokens,
        coalesce(used.cost, 0)::float8 as "costNanoUsd"
      from guilds g left join (
        select h.guild_id, sum(h.requests) as requests, sum(h.prompt_tokens + h.completion_tokens) as tokens,
          sum(h.cost_nano_usd) as cost
        from usage_hourly h where h.guild_id is not null and h.hour > now() - interval '30 days' group by h.guild_id
      ) used on used.guild_id = g.id
      where g.approved_at is not null or used.requests > 0
      order by coalesce(used.requests, 0) desc, g.approved_at desc nulls last, g.id limit ${SHOWN_AT_MOST}`,
  );

async function leave(sql: Sql, { originKey, author }: Actor, guild: GuildId): Promise<boolean> {
  const outcome = await callFunction(sql, 'leave_guild_v1', { originKey, guild, author });
  return (outcome as { isKnown: boolean }).isKnown;
}

async function approve(sql: Sql, { originKey, author }: Actor, id: string): Promise<boolean> {
  const outcome = await callFunction(sql, 'approve_v1', { originKey, id, author });
  return (outcome as { isKnown: boolean }).isKnown;
}
