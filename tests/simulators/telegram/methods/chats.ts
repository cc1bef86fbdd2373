import { memberObject } from '../membership.ts';
import { postMessage } from '../messages.ts';
import { badRequest, forbidden } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { codePoints } from '../text.ts';
import { chatObject } from '../world.ts';
import type { ChatState } from '../world.ts';
import { findChat, writableChat } from './method.ts';
import type { Method } from './method.ts';

interface ChatParams {
  chat_id: number | string;
}

export const getChat: Method<ChatParams> = (simulation, { chat_id }) => ({
  ...chatObject(reachableChat(simulation, chat_id)),
  accent_color_id: 3,
  max_reaction_count: 11,
  accepted_gift_types: {
    unlimited_gifts: true,
    limited_gifts: true,
    unique_gifts: true,
    premium_subscription: true,
    gifts_from_channels: true,
  },
});

/** Bot API getChatMember is only guaranteed to work for other users if the bot is an administrator; here it works only then. */
export const getChatMember: Method<ChatParams & { user_id: number }> = (simulation, { chat_id, user_id }) => {
  const { world } = simulation;
  const chat = reachableChat(simulation, chat_id);
  const user = world.users.get(user_id);
  if (user === undefined) throw badRequest('user not found');
  if (chat.type === 'private') return memberObject(user, 'member');
  if (user_id !== world.bot.id && chat.members.get(world.bot.id) !== 'administrator') {
    throw badRequest('member list is inaccessible');
  }
  return memberObject(user, chat.members.get(user_id) ?? 'left');
};

export const getChatMemberCount: Method<ChatParams> = (simulation, { chat_id }) => {
  const chat = reachableChat(simulation, chat_id);
  if (chat.type === 'private') return 2;
  return [...chat.members.values()].filter((status) => status !== 'left' && status !== 'kicked').length;
};

/** Bot API getChatAdministrators: all administrators that are no bots. */
export const getChatAdministrators: Method<ChatParams> = (simulation, { chat_id }) => {
  const chat = reachableChat(simulation, chat_id);
  if (chat.type === 'private') throw badRequest('there are no administrators in the private chat');
  return [...chat.members].flatMap(([id, status]) => {
    const user = simulation.world.users.get(id);
    const isAdmin = status === 'creator' || status === 'administrator';
    return user !== undefined && isAdmin && !user.isBot ? [memberObject(user, status)] : [];
  });
};

export const leaveChat: Method<ChatParams> = (simulation, { chat_id }) => {
  const chat = writableChat(simulation, chat_id);
  if (chat.type === 'private') throw badRequest("chat member status can't be changed in private chats");
  chat.members.set(simulation.world.bot.id, 'left');
  return true;
};

const topicColor = 7_322_096;

/** In a forum the bot needs the administrator's right; in a private chat with topics it does not. */
export const createForumTopic: Method<ChatParams & { name: string; icon_color?: number }> = (
  simulation,
  { chat_id, name, icon_color = topicColor },
) => {
  const chat = topicChat(simulation, chat_id);
  checkTopicName(name);
  const service = { forum_topic_created: { name, icon_color } };
  const message = postMessage(simulation.world, chat, simulation.world.bot, { service, topicName: name });
  return { message_thread_id: message.id, name, icon_color };
};

/** An empty or missing name keeps the present one. */
export const editForumTopic: Method<ChatParams & { message_thread_id: number; name?: string }> = (
  simulation,
  { chat_id, message_thread_id, name = '' },
) => {
  const chat = topicChat(simulation, chat_id);
  if (!chat.topics.has(message_thread_id)) throw badRequest('message thread not found');
  if (name === '') return true;
  checkTopicName(name);
  chat.topics.set(message_thread_id, name);
  return true;
};

function topicChat(simulation: Simulation, chatId: number | string): ChatState {
  const chat = writableChat(simulation, chatId);
  const hasTopics = chat.type === 'private' ? simulation.options.topicsInPrivate : chat.isForum;
  if (!hasTopics) throw badRequest('the chat is not a forum');
  if (chat.isForum && chat.members.get(simulation.world.bot.id) !== 'administrator') {
    throw badRequest('not enough rights to create a topic');
  }
  return chat;
}

/** Bot API createForumTopic: 1-128 characters. */
function checkTopicName(name: string): void {
  const length = codePoints(name.trim());
  if (length < 1 || length > 128) throw badRequest('simulator: a topic name has 1-128 characters');
}

/** A chat the bot may ask about: not one it was removed from, nor a private chat that never began. */
function reachableChat(simulation: Simulation, chatId: number | string): ChatState {
  const chat = findChat(simulation, chatId);
  if (chat.type === 'private') {
    if (!chat.started) throw badRequest('chat not found');
    return chat;
  }
  const status = chat.members.get(simulation.world.bot.id);
  if (status === 'kicked') throw forbidden(`bot was kicked from the ${chat.type} chat`);
  return chat;
}
