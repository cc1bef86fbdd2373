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

/** Whom somebody named who may name nobody elsewhere is for operators to read. */
const selectEntries = (sql: Sql, guild: GuildId | null, before: number | null) =>
  reach(
    () => sql<AuditEntry[]>`
      select a.id::float8 as id, epoch_ms_v1(a.at)::float8 as "atMs", a.actor, name_within_v1(a.actor, ${guild}) as "actorName",
        a.action, a.subject, name_within_v1(a.subject, ${guild}) as "subjectName", a.before, a.after, a.details
      from (
        select id, at, actor, action, before, after, details,
          case when ${guild}::text is not null and details ->> 'why' = 'not_operator' and action <> 'refused' then '' else subject end as subject
        from audit
        where (${guild}::text is null or guild = ${guild}) and (${before}::bigint is null or id < ${before})
        order by id desc limit ${SHOWN_AT_MOST}
      ) a
      order by a.id desc`,
  );
