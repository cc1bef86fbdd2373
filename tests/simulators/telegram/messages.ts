import type { Message } from '@grammyjs/types';
import { chatObject, userObject, anonymousAdmin } from './world.ts';
import type { ChatState, SimUser, StoredMessage, World } from './world.ts';

/** What a new message holds beyond its place and time; everything left out is absent. */
export type NewMessage = Partial<
  Pick<
    StoredMessage,
    | 'text'
    | 'entities'
    | 'anonymous'
    | 'replyTo'
    | 'quote'
    | 'threadId'
    | 'service'
    | 'attachment'
    | 'mediaGroupId'
    | 'richSource'
    | 'replyMarkup'
  >
> & {
  /** Makes the message the first of a new topic with this name, whose thread id is the message's own id. */
  topicName?: string;
};

/**
 * Puts a message into a chat and gives it the next id. In a forum topic a message that replies to nothing is shown by Telegram as a
 * reply to the message that opened the topic.
 */
export function postMessage(
  world: World,
  chat: ChatState,
  from: SimUser,
  message: NewMessage,
): StoredMessage {
  const id = world.nextMessageId(chat);
  if (message.topicName !== undefined) chat.topics.set(id, message.topicName);
  const topicId = message.topicName === undefined ? message.threadId : id;
  const stored: StoredMessage = {
    id,
    chat,
    from,
    atMs: world.now(),
    anonymous: message.anonymous ?? false,
    replyTo: message.replyTo ?? (chat.isForum ? message.threadId : undefined),
    quote: message.quote,
    threadId: topicId ?? threadOfReply(chat, message.replyTo),
    isTopicMessage: topicId !== undefined,
    service: message.service,
    attachment: message.attachment,
    mediaGroupId: message.mediaGroupId,
    text: message.text ?? '',
    entities: message.entities ?? [],
    richSource: message.richSource,
    replyMarkup: message.replyMarkup,
    editedAtMs: undefined,
    deleted: false,
    reactions: [],
  };
  chat.messages.set(stored.id, stored);
  if (from.isBot && !stored.anonymous) chat.lastBotId = from.id;
  return stored;
}

/**
 * A reply in a plain supergroup belongs to the thread of its first message, although that is no topic. In a forum a reply that names no
 * topic goes to General, wherever the message it replies to is.
 */
function threadOfReply(chat: ChatState, replyTo: number | undefined): number | undefined {
  if (replyTo === undefined || chat.type !== 'supergroup' || chat.isForum) return undefined;
  return chat.messages.get(replyTo)?.threadId ?? replyTo;
}

/** The message that is still there, or `undefined`. */
export function liveMessage(chat: ChatState, id: number): StoredMessage | undefined {
  const message = chat.messages.get(id);
  return message === undefined || message.deleted ? undefined : message;
}

/** The Bot API's Message object as of now. A replied-to message is shown one level deep, as Telegram does. */
export function messageObject(message: StoredMessage, withReply = true): Message {
  const repliedTo = message.replyTo === undefined ? undefined : liveMessage(message.chat, message.replyTo);
  const object = {
    message_id: message.id,
    from: userObject(message.anonymous ? anonymousAdmin : message.from),
    ...(message.anonymous ? { sender_chat: chatObject(message.chat) } : {}),
    chat: chatObject(message.chat),
    date: Math.floor(message.atMs / 1000),
    ...(message.threadId === undefined ? {} : { message_thread_id: message.threadId }),
    ...(message.isTopicMessage ? { is_topic_message: true } : {}),
    ...(withReply && repliedTo !== undefined ? { reply_to_message: messageObject(repliedTo, false) } : {}),
    ...(message.quote === undefined ? {} : { quote: quoteObject(message.quote, repliedTo) }),
    ...(message.editedAtMs === undefined ? {} : { edit_date: Math.floor(message.editedAtMs / 1000) }),
    ...(message.mediaGroupId === undefined ? {} : { media_group_id: message.mediaGroupId }),
    ...contentFields(message),
    ...message.service,
    ...(message.replyMarkup === undefined ? {} : { reply_markup: message.replyMarkup }),
  };
  return object as Message;
}

function quoteObject(quote: string, repliedTo: StoredMessage | undefined): object {
  return { text: quote, position: Math.max(0, repliedTo?.text.indexOf(quote) ?? 0), is_manual: true };
}

function contentFields(message: StoredMessage): object {
  if (message.richSource !== undefined) {
    return { rich_message: { blocks: [{ type: 'paragraph', text: message.richSource }] } };
  }
  const entities = message.entities.length === 0 ? undefined : message.entities;
  if (message.attachment !== undefined) {
    return {
      ...attachmentFields(message.attachment),
      ...(message.text === '' ? {} : { caption: message.text }),
      ...(entities === undefined ? {} : { caption_entities: entities }),
    };
  }
  if (message.service !== undefined) return {};
  return { text: message.text, ...(entities === undefined ? {} : { entities }) };
}

function attachmentFields({ kind, file }: NonNullable<StoredMessage['attachment']>): object {
  const reference = { file_id: file.fileId, file_unique_id: file.uniqueId, file_size: file.content.length };
  if (kind === 'voice') return { voice: { ...reference, duration: 1, mime_type: file.mimeType } };
  if (kind === 'document') {
    return { document: { ...reference, file_name: file.name, mime_type: file.mimeType } };
  }
  // Telegram offers several sizes, the largest last; only that one carries the original's id here.
  const thumbnail = { ...reference, file_id: `${file.fileId}s`, file_unique_id: `${file.uniqueId}s` };
  return {
    photo: [
      { ...thumbnail, width: 90, height: 90 },
      { ...reference, width: 800, height: 800 },
    ],
  };
}
