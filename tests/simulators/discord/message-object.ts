import { createHash } from 'node:crypto';
import { isReadable } from './intents.ts';
import { channelObject, isoTime, partialMember, userObject } from './objects.ts';
import { liveMessage } from './world.ts';
import type { ChannelState, StoredFile, StoredMessage, UserState, Wire, World } from './world.ts';

/** How the bot looks at a message. */
export interface MessageView {
  readonly world: World;
  /** Root of the addresses of files. */
  readonly fileRoot: string;
  readonly applicationId: string;
  /** Whether the reader has the message content intent. */
  readonly hasIntent: boolean;
  /** Shows all a message says, as for the target of a message command. */
  readonly showsAll?: boolean;
}

/** MessageResponse as of now. What the bot may not read is empty. A replied-to message is shown one level deep. */
export function messageObject(view: MessageView, message: StoredMessage): Wire {
  return {
    ...basicMessage(view, message),
    ...(message.reactions.size === 0 ? {} : { reactions: reactionObjects(view, message) }),
    ...referencedMessage(view, message),
  };
}

/** The message as MESSAGE_CREATE and MESSAGE_UPDATE carry it: with the guild, the author's membership and the channel's type. */
export function messageEvent(view: MessageView, message: StoredMessage): Wire {
  const { channel, author } = message;
  const object = messageObject(view, message);
  const { guild } = channel;
  if (guild === undefined) return { ...object, channel_type: channel.type };
  const member = guild.members.get(author.id);
  const mentions = (object['mentions'] as readonly Wire[]).map((user) => {
    const mentioned = guild.members.get(String(user['id']));
    return mentioned === undefined ? user : { ...user, member: partialMember(mentioned) };
  });
  return {
    ...object,
    mentions,
    channel_type: channel.type,
    guild_id: guild.id,
    ...(member === undefined ? {} : { member: partialMember(member) }),
  };
}

function basicMessage(view: MessageView, message: StoredMessage): Wire {
  const { channel } = message;
  const isAnswer = message.interaction !== undefined;
  return {
    ...contentFields(
      view,
      message,
      isReadable(message, view.world.bot.id, view.hasIntent) || view.showsAll === true,
    ),
    id: message.id,
    channel_id: channel.id,
    author: userObject(message.author),
    pinned: false,
    mention_everyone: message.mentions.everyone,
    tts: false,
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
    ...(isAnswer ? { application_id: view.applicationId, webhook_id: view.applicationId } : {}),
    ...(message.interaction === undefined ? {} : { interaction_metadata: message.interaction.metadata }),
    ...referenceField(message),
    ...(message.snapshot === undefined ? {} : { message_snapshots: [snapshotObject(view, message)] }),
    ...(message.thread === undefined ? {} : { thread: channelObject(message.thread, view.world.bot.id) }),
    ...(channel.thread === undefined ? {} : { position: [...channel.messages.keys()].indexOf(message.id) }),
  };
}

function contentFields(view: MessageView, message: StoredMessage, readable: boolean): Wire {
  const mentioned = message.mentions.users.flatMap((id) => view.world.users.get(id) ?? []);
  return {
    type: message.type,
    content: readable ? message.content : '',
    mentions: mentioned.map((user: UserState) => userObject(user)),
    mention_roles: message.mentions.roles,
    attachments: readable
      ? message.attachments.map((file) => attachmentObject(view, message.channel, file))
      : [],
    embeds: readable ? message.embeds : [],
    timestamp: isoTime(message.atMs),
    edited_timestamp: message.editedAtMs === undefined ? null : isoTime(message.editedAtMs),
    flags: message.flags,
    components: readable ? message.components : [],
  };
}

function referenceField({ reference }: StoredMessage): Wire {
  if (reference === undefined) return {};
  return {
    message_reference: {
      type: reference.type,
      channel_id: reference.channelId,
      ...(reference.messageId === undefined ? {} : { message_id: reference.messageId }),
      ...(reference.guildId === undefined ? {} : { guild_id: reference.guildId }),
    },
  };
}

/** `null` stands for a message that was deleted; the field is absent where nothing is replied to. */
function referencedMessage(view: MessageView, message: StoredMessage): Wire {
  const { reference } = message;
  if (reference?.type !== 0 || reference.messageId === undefined) return {};
  const channel = view.world.channels.get(reference.channelId);
  const target = channel === undefined ? undefined : liveMessage(channel, reference.messageId);
  return { referenced_message: target === undefined ? null : basicMessage(view, target) };
}

function snapshotObject(view: MessageView, message: StoredMessage): Wire {
  const { snapshot } = message;
  if (snapshot === undefined) return {};
  const readable = isReadable(message, view.world.bot.id, view.hasIntent) || view.showsAll === true;
  return { message: contentFields(view, snapshot, readable) };
}

function reactionObjects({ world }: MessageView, { reactions }: StoredMessage): Wire[] {
  return [...reactions].map(([emoji, users]) => ({
    emoji: { id: null, name: emoji },
    count: users.size,
    count_details: { burst: 0, normal: users.size },
    burst_colors: [],
    me_burst: false,
    me: users.has(world.bot.id),
  }));
}

/** Attachment addresses are signed and expire a day after the message was read (reference "Signed Attachment CDN URLs"). */
const addressLifeMs = 86_400_000;

/** MessageAttachmentResponse. */
function attachmentObject({ fileRoot, world }: MessageView, channel: ChannelState, file: StoredFile): Wire {
  const expires = Math.floor((world.now() + addressLifeMs) / 1000).toString(16);
  const issued = Math.floor(world.now() / 1000).toString(16);
  const path = `/attachments/${channel.id}/${file.id}/${encodeURIComponent(file.name)}`;
  const address = `${fileRoot}${path}?ex=${expires}&is=${issued}&hm=${signature(path, expires)}&`;
  return {
    id: file.id,
    filename: file.name,
    size: file.content.length,
    url: address,
    proxy_url: address,
    content_type: file.contentType,
    ...(file.description === undefined ? {} : { description: file.description }),
    ...(file.contentType.startsWith('image/') ? { width: 64, height: 64 } : {}),
    ...(file.voice === undefined
      ? {}
      : { duration_secs: file.voice.durationSecs, waveform: file.voice.waveform }),
  };
}

/** Stands in for Discord's signature: it changes with the path and with the expiry. */
export function signature(path: string, expires: string): string {
  return createHash('sha256').update(`${path}|${expires}`).digest('hex');
}
