import { announceReaction, announceTyping } from '../events.ts';
import { refusal } from '../refusal.ts';
import { checkActive, demand, knownMessage, visibleChannel, writableChannel } from './access.ts';
import { nothing, param } from './route.ts';
import type { Handler } from './route.ts';

/** How long a typing indicator shows. */
const typingLifeMs = 10_000;

const mostReactions = 20;

export const startTyping: Handler = (simulation, request) => {
  const channel = writableChannel(simulation, param(request, 'channel_id'));
  channel.typingUntilMs = simulation.now() + typingLifeMs;
  announceTyping(simulation, channel, simulation.world.bot);
  return nothing;
};

export const addReaction: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const message = knownMessage(channel, param(request, 'message_id'));
  const emoji = knownEmoji(param(request, 'emoji_name'));
  checkActive(channel);
  demand(simulation, channel, 'ReadMessageHistory');
  const users = message.reactions.get(emoji);
  // Who joins a reaction that is already there needs no permission to add one.
  if (users === undefined) demand(simulation, channel, 'AddReactions');
  if (users === undefined && message.reactions.size >= mostReactions) throw refusal('tooManyReactions');
  const { bot } = simulation.world;
  if (users?.has(bot.id) === true) return nothing;
  message.reactions.set(emoji, new Set([...(users ?? []), bot.id]));
  announceReaction(simulation, 'MESSAGE_REACTION_ADD', message, bot, emoji);
  return nothing;
};

export const removeReaction: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const message = knownMessage(channel, param(request, 'message_id'));
  const emoji = knownEmoji(param(request, 'emoji_name'));
  checkActive(channel);
  const users = message.reactions.get(emoji);
  const { bot } = simulation.world;
  if (users?.delete(bot.id) !== true) return nothing;
  if (users.size === 0) message.reactions.delete(emoji);
  announceReaction(simulation, 'MESSAGE_REACTION_REMOVE', message, bot, emoji);
  return nothing;
};

/** A Unicode emoji. The simulated guilds have none of their own. */
function knownEmoji(emoji: string): string {
  if (!/^\p{RGI_Emoji}$/v.test(emoji)) throw refusal('unknownEmoji');
  return emoji;
}
