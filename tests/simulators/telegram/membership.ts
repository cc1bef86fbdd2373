import { postMessage } from './messages.ts';
import { announce } from './people.ts';
import type { Simulation } from './simulation.ts';
import { chatObject, userObject } from './world.ts';
import type { ChatState, MemberStatus, SimUser } from './world.ts';

/** The Bot API's ChatMember object. */
export function memberObject(user: SimUser, status: MemberStatus): object {
  const object = { user: userObject(user), status };
  if (status === 'creator') return { ...object, is_anonymous: false };
  if (status === 'kicked') return { ...object, until_date: 0 };
  if (status === 'restricted') return { ...object, is_member: true, ...restrictions, until_date: 0 };
  return status === 'administrator' ? { ...object, ...administratorRights } : object;
}

/** A person joins a group: a service message, and `chat_member` for an administrator bot. */
export function join(simulation: Simulation, chat: ChatState, user: SimUser): void {
  setStatus(simulation, chat, user, user, 'member');
  const service = { new_chat_members: [userObject(user)] };
  announce(simulation, postMessage(simulation.world, chat, user, { service }));
}

/** A person leaves a group. */
export function leave(simulation: Simulation, chat: ChatState, user: SimUser): void {
  const service = { left_chat_member: userObject(user) };
  const message = postMessage(simulation.world, chat, user, { service });
  setStatus(simulation, chat, user, user, 'left');
  announce(simulation, message);
}

/** Changes a member's standing and tells the bot: `my_chat_member` about itself, `chat_member` about others if it is an administrator. */
export function setStatus(
  simulation: Simulation,
  chat: ChatState,
  by: SimUser,
  user: SimUser,
  status: MemberStatus,
): void {
  const { bot } = simulation.world;
  const former = chat.members.get(user.id) ?? 'left';
  chat.members.set(user.id, status);
  const update = {
    chat: chatObject(chat),
    from: userObject(by),
    date: Math.floor(simulation.now() / 1000),
    old_chat_member: memberObject(user, former),
    new_chat_member: memberObject(user, status),
  };
  if (user.id === bot.id) simulation.updates.push('my_chat_member', update);
  else if (chat.members.get(bot.id) === 'administrator') simulation.updates.push('chat_member', update);
}

/** A person adds the bot to a group. */
export function addBot(simulation: Simulation, chat: ChatState, by: SimUser): void {
  const { bot } = simulation.world;
  setStatus(simulation, chat, by, bot, 'member');
  const service = { new_chat_members: [userObject(bot)] };
  announce(simulation, postMessage(simulation.world, chat, by, { service }));
}

/** A person removes the bot from a group. */
export function removeBot(simulation: Simulation, chat: ChatState, by: SimUser): void {
  setStatus(simulation, chat, by, simulation.world.bot, 'kicked');
}

/** A person blocks the bot, or lets it write again. */
export function setBlocked(simulation: Simulation, user: SimUser, blocked: boolean): void {
  const chat = simulation.world.privateChat(user);
  chat.blocked = blocked;
  setStatus(simulation, chat, user, simulation.world.bot, blocked ? 'kicked' : 'member');
}

/** A group becomes a supergroup with a new id; both chats get a service message. Returns the new chat. */
export function migrate(simulation: Simulation, chat: ChatState, by: SimUser): ChatState {
  if (chat.type !== 'group') throw new Error(`Chat ${chat.id} is no plain group.`);
  const { world } = simulation;
  const next = world.addChat({ type: 'supergroup', title: chat.title });
  for (const [id, status] of chat.members) next.members.set(id, status);
  const leaving = postMessage(world, chat, by, { service: { migrate_to_chat_id: next.id } });
  announce(simulation, leaving);
  chat.migratedTo = next.id;
  announce(simulation, postMessage(world, next, by, { service: { migrate_from_chat_id: chat.id } }));
  return next;
}

const administratorRights = {
  can_be_edited: false,
  is_anonymous: false,
  can_manage_chat: true,
  can_delete_messages: true,
  can_manage_video_chats: true,
  can_restrict_members: true,
  can_promote_members: false,
  can_change_info: true,
  can_invite_users: true,
  can_post_stories: false,
  can_edit_stories: false,
  can_delete_stories: false,
  can_pin_messages: true,
  can_manage_topics: true,
};

const restrictions = {
  can_send_messages: true,
  can_send_audios: false,
  can_send_documents: false,
  can_send_photos: false,
  can_send_videos: false,
  can_send_video_notes: false,
  can_send_voice_notes: false,
  can_send_polls: false,
  can_send_other_messages: false,
  can_add_web_page_previews: false,
  can_change_info: false,
  can_invite_users: false,
  can_pin_messages: false,
  can_manage_topics: false,
};
