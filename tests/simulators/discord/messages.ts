import type { MessageContent } from './content.ts';
import { announceChannel, announceDeletion, announceJoin, announceMessage } from './events.ts';
import { nobody } from './mentions.ts';
import type { Simulation } from './simulation.ts';
import type { ChannelState, Mentions, MessageReference, StoredMessage, UserState } from './world.ts';

/** What a new message holds beyond its place, author and content; everything left out is absent. */
export type MessageExtras = Partial<
  Pick<
    StoredMessage,
    'type' | 'nonce' | 'reference' | 'snapshot' | 'interaction' | 'ephemeralTo' | 'mentions'
  >
>;

/** A ping, with the message and what caused it. */
export interface Ping extends Mentions {
  readonly messageId: string;
  readonly channelId: string;
  readonly by: 'create' | 'edit';
}

/** Puts a message into a channel and tells the bot. In a thread its author becomes a member, and an archived one opens again. */
export function post(
  simulation: Simulation,
  channel: ChannelState,
  author: UserState,
  content: MessageContent,
  extras: MessageExtras = {},
): StoredMessage {
  const message: StoredMessage = {
    id: simulation.world.ids.next(),
    channel,
    author,
    atMs: simulation.now(),
    type: 0,
    nonce: undefined,
    reference: undefined,
    snapshot: undefined,
    interaction: undefined,
    ephemeralTo: undefined,
    mentions: nobody,
    editedAtMs: undefined,
    deleted: false,
    reactions: new Map(),
    thread: undefined,
    ...content,
    ...extras,
  };
  channel.messages.set(message.id, message);
  if (author === simulation.world.bot) channel.typingUntilMs = 0;
  if (message.ephemeralTo === undefined) channel.lastMessageId = message.id;
  enterThread(simulation, channel, author);
  notePing(simulation, message, 'create');
  announceMessage(simulation, 'MESSAGE_CREATE', message);
  return message;
}

/** Gives a message new content and tells the bot. */
export function revise(
  simulation: Simulation,
  message: StoredMessage,
  content: MessageContent,
  mentions: Mentions,
): void {
  Object.assign(message, content, { mentions, editedAtMs: simulation.now() });
  notePing(simulation, message, 'edit');
  announceMessage(simulation, 'MESSAGE_UPDATE', message);
}

/** How a message points to another: 0 replies to it, 1 forwards it. */
export function referenceTo(channel: ChannelState, messageId: string, type: 0 | 1): MessageReference {
  return { type, channelId: channel.id, messageId, guildId: channel.guild?.id };
}

export function remove(simulation: Simulation, message: StoredMessage): void {
  message.deleted = true;
  announceDeletion(simulation, message);
}

function enterThread(simulation: Simulation, channel: ChannelState, author: UserState): void {
  const { thread } = channel;
  if (thread === undefined) return;
  thread.messagesEver += 1;
  if (!thread.members.has(author.id)) {
    thread.members.set(author.id, simulation.now());
    if (author === simulation.world.bot) announceJoin(simulation, channel);
  }
  if (!thread.archived) return;
  thread.archived = false;
  thread.archivedAtMs = simulation.now();
  announceChannel(simulation, 'UPDATE', channel);
}

function notePing(simulation: Simulation, message: StoredMessage, by: Ping['by']): void {
  const { author, mentions, id, channel } = message;
  const pingsAnyone = mentions.everyone || mentions.users.length > 0 || mentions.roles.length > 0;
  if (author !== simulation.world.bot || !pingsAnyone) return;
  simulation.pings.push({ ...mentions, messageId: id, channelId: channel.id, by });
}
