import type { AllowedModels } from '../completion/ports.ts';
import type { GuildSettings, TimeZoneBefore, TimeZoneOutcome } from '../conversation/setting-ports.ts';
import type { ConversationStyle } from '../conversation/turn.ts';
import type { GuildId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

/** Settings of guilds, by the guilds' qualified ids. A guild that nobody has written in yet may set them too. */
export function createGuildSettings(sql: Sql, now?: () => number): GuildSettings {
  const read = async <Value>(guild: GuildId, key: string): Promise<Value | null> => {
    const rows = await reach(
      () => sql<{ value: Value | null }[]>`
        select s.value from settings s join guilds g on g.id = s.subject_id
        where s.scope = 'guild' and s.key = ${key} and g.platform_guild_id = ${guild}`,
    );
    return rows[0]?.value ?? null;
  };
  const write = async (
    { originKey, guild, author }: Envelope,
    key: string,
    value: unknown,
  ): Promise<void> => {
    // One command may set several.
    const change = { originKey: `${originKey}:${key}`, guild, key, value, by: author.id };
    await callFunction(sql, 'set_guild_setting_v1', change);
  };
  return {
    conversationStyle: async (guild) =>
      (await read<ConversationStyle>(guild, 'conversation_style')) ?? 'chain',
    setConversationStyle: (envelope, style) => write(envelope, 'conversation_style', style),
    allowedModels: (guild) => read<NonNullable<AllowedModels>>(guild, 'allowed_models'),
    setAllowedModels: (envelope, allowed) => write(envelope, 'allowed_models', allowed),
    allowsSearch: async (guild) => (await read<boolean>(guild, 'allow_search')) ?? false,
    setAllowsSearch: (envelope, allows) => write(envelope, 'allow_search', allows),
    async timeZone(guild) {
      const rows = await reach(
        () =>
          sql<{ zone: string }[]>`select time_zone as zone from guilds where platform_guild_id = ${guild}`,
      );
      return rows[0]?.zone ?? 'UTC';
    },
    timeZoneBefore: (guild) => read<TimeZoneBefore>(guild, 'time_zone_before'),
    async setTimeZone({ originKey, guild, author }, timeZone, isOperator) {
      const clock = now === undefined ? {} : { nowMs: now() };
      const change = { originKey: `${originKey}:time_zone`, guild, author, timeZone, isOperator, ...clock };
      return (await callFunction(sql, 'set_time_zone_v1', change)) as TimeZoneOutcome;
    },
  };
}
