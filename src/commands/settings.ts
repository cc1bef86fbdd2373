import type { ConversationStyle } from '../conversation/turn.ts';
import { lines, type Command } from './command.ts';

const STYLES = ['chain', 'thread', 'channel'] as const satisfies readonly ConversationStyle[];

/** Shows what a guild has set, and sets it. */
export const settings: Command = {
  spec: {
    name: 'settings',
    options: [{ name: 'conversations', kind: 'text', required: false, choices: STYLES }],
    scope: 'guild',
    requires: 'guild_admin',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const { guild } = invocation;
    if (guild === null) return say({ key: 'command.guild_only', params: { command: 'settings' } });
    const wanted = STYLES.find((style) => style === options.conversations);
    if (wanted !== undefined) await services.guildSettings.setConversationStyle(invocation, wanted);
    const style = wanted ?? (await services.guildSettings.conversationStyle(guild.id));
    return lines(
      say({ key: 'settings.title' }),
      `- ${say({ key: 'settings.conversations', params: { style } })}`,
      ...(wanted === undefined
        ? ['', say({ key: 'settings.how', params: { styles: STYLES.join(', ') } })]
        : []),
    );
  },
};
