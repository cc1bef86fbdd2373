import type { GuildSettings } from '../conversation/ports.ts';
import type { ConversationStyle } from '../conversation/turn.ts';
import type { GuildId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

/** Settings of guilds, by the guilds' qualified ids. A guild that nobody has written in yet may set them too. */
export function createGuildSettings(sql: Sql): GuildSettings {
  return {
    async conversationStyle(guild) {
      const rows = await reach(() => selectStyle(sql, guild));
      return rows[0]?.value ?? 'chain';
    },
    async setConversationStyle({ originKey, guild, author }, style) {
      await callFunction(sql, 'set_guild_setting_v1', {
        originKey,
        guild,
        key: 'conversation_style',
        value: style,
        by: author.id,
      });
    },
  };
}

const selectStyle = (sql: Sql, guild: GuildId) => sql<{ value: ConversationStyle }[]>`
  select s.value #>> '{}' as value from settings s join guilds g on g.id = s.subject_id
  where s.scope = 'guild' and s.key = 'conversation_style' and g.platform_guild_id = ${guild}`;
