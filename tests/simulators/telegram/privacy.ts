import { liveMessage } from './messages.ts';
import type { Simulation } from './simulation.ts';
import type { StoredMessage } from './world.ts';

/**
 * Whether the bot gets a message at all. Bots never see other bots. In a group with privacy mode on they see service messages, commands
 * meant for them, replies to them and, where the simulator is told so, mentions; administrators see everything.
 */
export function botSees(simulation: Simulation, message: StoredMessage): boolean {
  const { world, options } = simulation;
  const { chat } = message;
  if (message.from.isBot) return false;
  if (chat.type === 'private') return true;
  const status = chat.members.get(world.bot.id);
  if (status === undefined || status === 'left' || status === 'kicked') return false;
  if (!options.privacyMode || status === 'administrator' || message.service !== undefined) return true;
  return (
    isCommandForBot(simulation, message) || repliesToBot(simulation, message) || mentions(simulation, message)
  );
}

function isCommandForBot({ world }: Simulation, { chat, text, entities }: StoredMessage): boolean {
  const command = entities.find(({ type }) => type === 'bot_command');
  if (command === undefined) return false;
  const [, addressee] = text.slice(command.offset, command.offset + command.length).split('@');
  if (addressee !== undefined) return sameName(addressee, world.bot.username);
  return command.offset === 0 && (chat.lastBotId === undefined || chat.lastBotId === world.bot.id);
}

function repliesToBot({ world }: Simulation, { chat, replyTo, threadId }: StoredMessage): boolean {
  if (replyTo === undefined || (chat.isForum && replyTo === threadId)) return false;
  return liveMessage(chat, replyTo)?.from.id === world.bot.id;
}

function mentions({ world, options }: Simulation, { text, entities }: StoredMessage): boolean {
  return (
    options.privacyLetsMentionsThrough &&
    entities.some(
      ({ type, offset, length }) =>
        type === 'mention' && sameName(text.slice(offset + 1, offset + length), world.bot.username),
    )
  );
}

function sameName(a: string, b: string | undefined): boolean {
  return a.toLowerCase() === b?.toLowerCase();
}
