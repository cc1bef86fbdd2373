import { channelTypes } from './world.ts';
import type { StoredMessage } from './world.ts';

/** Gateway intents (events/gateway): what a session may be told. */
export const intents = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildPresences: 1 << 8,
  guildMessages: 1 << 9,
  guildReactions: 1 << 10,
  guildTyping: 1 << 11,
  directMessages: 1 << 12,
  directReactions: 1 << 13,
  directTyping: 1 << 14,
  messageContent: 1 << 15,
} as const;

/** Every bit that stands for an intent; others end the connection with 4013. */
const known = [...Array(17).keys(), 20, 21, 24, 25].reduce((sum, bit) => sum | (1 << bit), 0);

/** The switches of the developer portal. All are off in a new application. */
export interface PrivilegedIntents {
  readonly messageContent: boolean;
  readonly guildMembers: boolean;
  readonly presences: boolean;
}

/** The close code for a session that asks for these intents: 4013 unknown, 4014 not allowed, `undefined` when all is well. */
export function intentsCloseCode(asked: number, allowed: PrivilegedIntents): 4013 | 4014 | undefined {
  if (!Number.isInteger(asked) || asked < 0 || (asked & ~known) !== 0) return 4013;
  const denied =
    (allowed.messageContent ? 0 : intents.messageContent) |
    (allowed.guildMembers ? 0 : intents.guildMembers) |
    (allowed.presences ? 0 : intents.guildPresences);
  return (asked & denied) === 0 ? undefined : 4014;
}

/** `flags` of the application for its switches (resources/application): the "limited" ones, of an app in fewer than 100 guilds. */
export function applicationFlags(allowed: PrivilegedIntents): number {
  return (
    (allowed.presences ? 1 << 13 : 0) |
    (allowed.guildMembers ? 1 << 15 : 0) |
    (allowed.messageContent ? 1 << 19 : 0)
  );
}

/**
 * Whether the bot may read what a message says. Without the intent: its own messages, direct messages with it, and messages that mention
 * it, which replies to a usual message of it do when they ping.
 */
export function isReadable(message: StoredMessage, botId: string, hasIntent: boolean): boolean {
  return (
    hasIntent ||
    message.author.id === botId ||
    message.channel.type === channelTypes.dm ||
    message.mentions.users.includes(botId)
  );
}
