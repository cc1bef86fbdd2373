import type { AuditEntry, AuditLog } from '../conversation/operation-ports.ts';
import type { GuildId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

const SHOWN_AT_MOST = 20;

export function createAuditLog(sql: Sql): AuditLog {
  return {
    entries: async (guild, before) => [...(await selectEntries(sql, guild, before))],
    async refused({ originKey, author, guild }, what, why) {
      const attempt = { originKey, by: author.id, guild: guild?.id ?? null, what, why };
      await callFunction(sql, 'note_refused_v1', attempt);
    },
  };
}

const selectEntries = (sql: Sql, guild: GuildId | null, before: number | null) =>
  reach(
    () => sql<AuditEntry[]>`
      select a.id::float8 as id, epoch_ms_v1(a.at)::float8 as "atMs", a.actor, coalesce(w.name, '') as "actorName",
        a.action, a.subject, coalesce(u.name, g.name, '') as "subjectName", a.before, a.after, a.details
      from audit a left join users w on w.platform_user_id = a.actor
        left join users u on u.platform_user_id = a.subject left join guilds g on g.platform_guild_id = a.subject
      where (${guild}::text is null or a.guild = ${guild}) and (${before}::bigint is null or a.id < ${before})
      order by a.id desc limit ${SHOWN_AT_MOST}`,
  );
