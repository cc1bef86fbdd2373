import type { Actor, BlockEntry, Blocks, BlockSubject } from '../conversation/operation-ports.ts';
import type { GuildId, TurnId, UserId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { blockGuild } from './control.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

const SHOWN_AT_MOST = 20;

/** Blocks as commands set them, by platform ids: a block holds also for whom nobody has heard of. */
export function createBlocks(sql: Sql): Blocks {
  const set = async (
    { originKey, author }: Actor,
    whom: BlockSubject,
    how: { readonly isBlocked: boolean; readonly reason: string | null },
  ): Promise<boolean> => {
    const { kind, id: subject } = whom;
    const change = { originKey, author, kind, subject, within: blockGuild(whom), ...how };
    return ((await callFunction(sql, 'set_block_v1', change)) as { changed: boolean }).changed;
  };
  return {
    block: (by, whom, reason) => set(by, whom, { isBlocked: true, reason }),
    unblock: (by, whom) => set(by, whom, { isBlocked: false, reason: null }),
    list: async (guild) => [...(await selectBlocks(sql, guild))],
    turnsOf: async (user, within) => (await selectTurns(sql, user, within)).map(({ id }) => id),
  };
}

const selectBlocks = (sql: Sql, guild: GuildId | null) =>
  reach(
    () => sql<BlockEntry[]>`
      select b.subject_kind as kind, b.subject as id, name_within_v1(b.subject, ${guild}) as name, b.reason,
        epoch_ms_v1(b.set_at)::float8 as "sinceMs"
      from (
        select * from blocks where within_guild = ${guild ?? ''} order by set_at desc, subject limit ${SHOWN_AT_MOST}
      ) b
      order by b.set_at desc, b.subject`,
  );

const selectTurns = (sql: Sql, user: UserId, within: GuildId | null) =>
  reach(
    () => sql<{ id: TurnId }[]>`
      select t.id from turns t join users u on u.id = t.user_id left join guilds g on g.id = t.guild_id
      where u.platform_user_id = ${user} and t.state in ('queued', 'running')
        and (${within}::text is null or g.platform_guild_id = ${within})
      order by t.seq`,
  );
