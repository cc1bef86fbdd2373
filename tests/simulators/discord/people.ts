import { createdContent, messageFlags } from './content.ts';
import type { MessageContent, UploadedFile } from './content.ts';
import {
  announceChannel,
  announceJoin,
  announceMessage,
  announceReaction,
  announceTyping,
} from './events.ts';
import { computeMentions } from './mentions.ts';
import { post, referenceTo, remove, revise } from './messages.ts';
import type { MessageExtras } from './messages.ts';
import { has, permissionsIn } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import { isForum, openThread } from './threads.ts';
import { channelTypes, liveMessage } from './world.ts';
import type { ChannelState, StoredMessage, UserState } from './world.ts';

/** A file that a person attaches. */
export interface PersonFile {
  readonly name: string;
  readonly contentType: string;
  readonly content: Uint8Array;
  /** Makes the message a voice message: length, and its curve in base64. */
  readonly voice?: { readonly durationSecs: number; readonly waveform: string };
}

/** How a person sends a message. */
export interface SendOptions {
  /** The message it replies to. */
  readonly replyTo?: string;
  /** Whether a reply pings the author it replies to; true unless told, as in the client. */
  readonly pingsReplied?: boolean;
  /** People and bots to name before the text. */
  readonly mentions?: readonly Pick<UserState, 'id'>[];
  readonly files?: readonly PersonFile[];
  /** A message of another channel, or this one, to forward; the text stays empty. */
  readonly forward?: { readonly channelId: string; readonly messageId: string };
  /** Makes it a system message, such as 6 for a pin or 7 for a new member; the text may be empty then. */
  readonly type?: number;
}

/** A person writes. Throws when the person could not do so in the real channel. */
export function sendAs(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  text: string,
  options: SendOptions = {},
): StoredMessage {
  checkMayWrite(simulation, channel, user);
  const content = writtenContent(simulation, text, options);
  const { extras, replied } = referenceOf(simulation, channel, options);
  return post(simulation, channel, user, content, {
    ...extras,
    ...(options.type === undefined ? {} : { type: options.type }),
    mentions: mentionsOf(simulation, channel, user, content.content, replied),
  });
}

/** A person changes a message of theirs. */
export function editAs(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  messageId: string,
  text: string,
): void {
  const message = existing(channel, messageId);
  if (message.author !== user) throw new Error(`Message ${messageId} is not by user ${user.id}.`);
  const content = { ...message, content: text.trim() };
  const replied = liveMessage(channel, message.reference?.messageId ?? '');
  const { embeds, components, attachments, flags } = content;
  revise(
    simulation,
    message,
    { content: content.content, embeds, components, attachments, flags },
    mentionsOf(simulation, channel, user, content.content, replied),
  );
}

/** A person deletes a message: one of theirs or, where they manage messages, any. */
export function deleteAs(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  messageId: string,
): void {
  const message = existing(channel, messageId);
  const mayManage = has(permissionsIn(channel, user, simulation.now()), 'ManageMessages');
  if (message.author !== user && message.ephemeralTo !== user.id && !mayManage) {
    throw new Error(`User ${user.id} cannot delete message ${messageId}.`);
  }
  remove(simulation, message);
}

/** A person puts an emoji on a message or, with `isOn` false, takes it away. */
export function reactAs(
  simulation: Simulation,
  message: StoredMessage,
  user: UserState,
  emoji: string,
  isOn: boolean,
): void {
  const users = message.reactions.get(emoji) ?? new Set();
  if (isOn) message.reactions.set(emoji, users.add(user.id));
  else if (users.delete(user.id) && users.size === 0) message.reactions.delete(emoji);
  announceReaction(
    simulation,
    isOn ? 'MESSAGE_REACTION_ADD' : 'MESSAGE_REACTION_REMOVE',
    message,
    user,
    emoji,
  );
}

/** Discord adds the preview of a link: the bot is told of an update, although nobody edited anything. */
export function unfurl(simulation: Simulation, message: StoredMessage): void {
  message.embeds = [...message.embeds, { type: 'link', url: 'https://example.com/', title: 'Example' }];
  announceMessage(simulation, 'MESSAGE_UPDATE', message);
}

/** Puts somebody into a thread. The bot is told of a private thread only now. */
export function inviteToThread(simulation: Simulation, channel: ChannelState, user: UserState): void {
  if (channel.thread === undefined) throw new Error(`Channel ${channel.id} is no thread.`);
  channel.thread.members.set(user.id, simulation.now());
  if (user !== simulation.world.bot) return;
  announceChannel(simulation, 'CREATE', channel);
  announceJoin(simulation, channel);
}

/** A channel or thread is deleted, with all that is in it. */
export function deleteChannel(simulation: Simulation, channel: ChannelState): void {
  announceChannel(simulation, 'DELETE', channel);
  for (const thread of channel.guild?.channels.values() ?? []) {
    if (thread.thread !== undefined && thread.parent === channel) deleteChannel(simulation, thread);
  }
  simulation.world.channels.delete(channel.id);
  channel.guild?.channels.delete(channel.id);
}

export function typeAs(simulation: Simulation, channel: ChannelState, user: UserState): void {
  announceTyping(simulation, channel, user);
}

/** A person opens a thread: from a message, or without one. */
export function startThreadAs(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  name: string,
  { messageId, isPrivate = false }: { readonly messageId?: string; readonly isPrivate?: boolean } = {},
): ChannelState {
  if (channel.thread !== undefined || channel.guild === undefined || isForum(channel)) {
    throw new Error(`Channel ${channel.id} cannot have threads of this kind.`);
  }
  demand(simulation, channel, user, isPrivate ? 'CreatePrivateThreads' : 'CreatePublicThreads');
  const starter = messageId === undefined ? {} : { starter: existing(channel, messageId) };
  return openThread(simulation, channel, { name, owner: user, isPrivate, ...starter });
}

/** A person opens a post in a forum; returns its thread. */
export function forumPostAs(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  title: string,
  text: string,
): ChannelState {
  if (!isForum(channel)) throw new Error(`Channel ${channel.id} is no forum.`);
  demand(simulation, channel, user, 'SendMessages');
  const thread = openThread(simulation, channel, { name: title, owner: user });
  const content = createdContent(simulation.world.ids, { content: text }, []);
  post(simulation, thread, user, content, {
    mentions: mentionsOf(simulation, thread, user, text, undefined),
  });
  return thread;
}

/** The message with this id, deleted ones left out; throws when there is none. */
export function existing(channel: ChannelState, messageId: string): StoredMessage {
  const message = liveMessage(channel, messageId);
  if (message === undefined) throw new Error(`Channel ${channel.id} has no message ${messageId}.`);
  return message;
}

function writtenContent({ world }: Simulation, text: string, options: SendOptions): MessageContent {
  const { forward, type, files = [], mentions = [] } = options;
  if (forward !== undefined || (type !== undefined && text === '')) {
    return { content: '', embeds: [], components: [], attachments: [], flags: 0 };
  }
  const names = mentions.map(({ id }) => `<@${id}>`).join(' ');
  const content = createdContent(
    world.ids,
    { content: names === '' ? text : `${names} ${text}` },
    files.map(uploadOf),
  );
  const isVoice = files.some(({ voice }) => voice !== undefined);
  return isVoice ? { ...content, flags: content.flags | messageFlags.voice } : content;
}

function mentionsOf(
  simulation: Simulation,
  channel: ChannelState,
  author: UserState,
  text: string,
  replied: StoredMessage | undefined,
): StoredMessage['mentions'] {
  return computeMentions(text, undefined, {
    channel,
    author,
    nowMs: simulation.now(),
    replied,
    isAnswer: false,
  });
}

function referenceOf(
  { world }: Simulation,
  channel: ChannelState,
  { replyTo, pingsReplied = true, forward }: SendOptions,
): { extras: MessageExtras; replied: StoredMessage | undefined } {
  if (forward !== undefined) {
    const origin = world.channels.get(forward.channelId);
    if (origin === undefined) throw new Error(`There is no channel ${forward.channelId}.`);
    const snapshot = { ...existing(origin, forward.messageId) };
    const reference = referenceTo(origin, forward.messageId, 1);
    return { extras: { reference, snapshot }, replied: undefined };
  }
  if (replyTo === undefined) return { extras: {}, replied: undefined };
  const target = existing(channel, replyTo);
  // Discord does not count the ping of a reply to an interaction's answer as a mention of the bot.
  const pings = pingsReplied && target.interaction === undefined;
  return {
    extras: { type: 19, reference: referenceTo(channel, replyTo, 0) },
    replied: pings ? target : undefined,
  };
}

function checkMayWrite(simulation: Simulation, channel: ChannelState, user: UserState): void {
  const { thread } = channel;
  if (isForum(channel) || channel.type === channelTypes.category) {
    throw new Error(`Nobody can write in channel ${channel.id} itself.`);
  }
  demand(simulation, channel, user, thread === undefined ? 'SendMessages' : 'SendMessagesInThreads');
  const allowed = permissionsIn(channel, user, simulation.now());
  if (thread?.locked === true && !has(allowed, 'ManageThreads'))
    throw new Error(`Thread ${channel.id} is locked.`);
  const last = [...channel.messages.values()].filter(({ author }) => author === user).at(-1);
  const nextMs = (last?.atMs ?? -Infinity) + channel.slowModeSeconds * 1000;
  if (simulation.now() < nextMs && !has(allowed, 'BypassSlowmode') && !user.isBot) {
    throw new Error(`User ${user.id} has to wait ${nextMs - simulation.now()} ms (slow mode).`);
  }
}

function demand(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  name: Parameters<typeof has>[1],
): void {
  if (!has(permissionsIn(channel, user, simulation.now()), name)) {
    throw new Error(`User ${user.id} lacks ${name} in channel ${channel.id}.`);
  }
}

function uploadOf({ name, contentType, content, voice }: PersonFile, index: number): UploadedFile {
  return { index: String(index), name, contentType, content, ...(voice === undefined ? {} : { voice }) };
}
