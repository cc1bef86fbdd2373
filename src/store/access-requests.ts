import type { AccessRequests } from '../conversation/operation-ports.ts';
import type { UserId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import type { Database } from './database.ts';
import { reach } from './failure.ts';

const SHOWN_AT_MOST = 20;

type AccessRequest = Awaited<ReturnType<AccessRequests['pending']>>[number];

/** Admissions note who was refused for want of an approval. Whom an operator blocks asks no more. */
export function createAccessRequests({ sql }: Database): AccessRequests {
  return {
    pending: async () => [...(await selectPending(sql))],
    async approve(id, by) {
      const rows = await approve(sql, id, by);
      return rows[0]?.known ?? false;
    },
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

const approve = (sql: Sql, id: string, by: UserId) =>
  reach(
    () => sql<{ known: boolean }[]>`
      with guild as (
        update guilds set approved_at = now() where platform_guild_id = ${id} and approved_at is null
        returning platform_guild_id as id
      ), person as (
        update users set approved_at = now() where platform_user_id = ${id} and approved_at is null
        returning platform_user_id as id
      ), noted as (
        insert into audit (actor, action, subject)
        select ${by}, 'approve', changed.id from (select id from guild union all select id from person) changed
      )
      select exists (select 1 from guilds where platform_guild_id = ${id})
        or exists (select 1 from users where platform_user_id = ${id}) as known`,
  );
