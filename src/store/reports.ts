import type { OpenReport, ReportOutcome, Reports } from '../conversation/operation-ports.ts';
import type { GuildId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

const SHOWN_AT_MOST = 20;
/** Of one person. */
const MOST_PER_HOUR = 5;

/** `now` replaces the database's clock, for tests. */
export function createReports(sql: Sql, now?: () => number): Reports {
  return {
    report: async (envelope, draft) =>
      (await callFunction(sql, 'report_v1', {
        ...draft,
        envelope,
        mostPerHour: MOST_PER_HOUR,
        ...(now !== undefined && { nowMs: now() }),
      })) as ReportOutcome,
    open: async (guild) => [...(await selectOpen(sql, guild))],
    async end({ originKey, author }, id, guild) {
      const outcome = await callFunction(sql, 'end_report_v1', { originKey, author, id, guild });
      return (outcome as { kind: 'done' | 'over' | 'unknown' }).kind;
    },
  };
}

const selectOpen = (sql: Sql, guild: GuildId | null) =>
  reach(
    () => sql<OpenReport[]>`
      select r.id, epoch_ms_v1(r.at)::float8 as "atMs", u.platform_user_id as by, u.name as "byName", r.place,
        r.platform_message_id as message, r.turn_id as turn, r.words
      from reports r join users u on u.id = r.user_id left join guilds g on g.id = r.guild_id
      where r.done_at is null and (${guild}::text is null or g.platform_guild_id = ${guild})
      order by r.at desc, r.id limit ${SHOWN_AT_MOST}`,
  );
