import type { MessageEntity } from '@grammyjs/types';
import type { CallbackAnswer } from './queries.ts';
import { withDetected } from './entities.ts';
import type { NewFile } from './files.ts';
import { liveMessage, messageObject, postMessage } from './messages.ts';
import type { NewMessage } from './messages.ts';
import { botSees } from './privacy.ts';
import type { Simulation } from './simulation.ts';
import { trimmed } from './text.ts';
import { chatObject, userObject } from './world.ts';
import type { AttachmentKind, ChatState, SimUser, StoredMessage } from './world.ts';

/** How a person sends a message. */
export interface SendOptions {
  readonly replyTo?: number;
  /** Part of the replied-to message that the person marked. */
  readonly quote?: string;
  readonly topicId?: number;
  readonly entities?: readonly MessageEntity[];
  /** As an administrator in the name of the group. */
  readonly anonymous?: boolean;
  readonly attachment?: NewFile & { readonly kind: AttachmentKind };
  /** Messages of an album share it. */
  readonly mediaGroupId?: string;
}

const folders: Readonly<Record<AttachmentKind, string>> = {
  document: 'documents',
  photo: 'photos',
  voice: 'voice',
};

/** A person writes. Returns the message's id; throws when the person is not in the chat or names a message or topic that is not there. */
export function sendAs(
  simulation: Simulation,
  chat: ChatState,
  user: SimUser,
  text: string,
  options: SendOptions = {},
): number {
  checkMembership(chat, user);
  const { replyTo, topicId, quote, anonymous, mediaGroupId } = options;
  if (replyTo !== undefined) existing(chat, replyTo);
  if (topicId !== undefined && !chat.topics.has(topicId)) throw new Error(`There is no topic ${topicId}.`);
  const clean = trimmed(text, options.entities ?? []);
  const message: NewMessage = {
    text: clean.text,
    entities: withDetected(clean.text, clean.entities),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(quote === undefined ? {} : { quote }),
    ...(topicId === undefined ? {} : { threadId: topicId }),
    ...(anonymous === undefined ? {} : { anonymous }),
    ...(mediaGroupId === undefined ? {} : { mediaGroupId }),
    ...attachmentOf(simulation, options.attachment),
  };
  return announce(simulation, postMessage(simulation.world, chat, user, message));
}

/** A person changes a message of theirs. The bot gets `edited_message`. */
export function editAs(
  simulation: Simulation,
  chat: ChatState,
  user: SimUser,
  messageId: number,
  text: string,
): void {
  const message = existing(chat, messageId);
  if (message.from.id !== user.id) throw new Error(`Message ${messageId} is not by user ${user.id}.`);
  const clean = trimmed(text, []);
  message.text = clean.text;
  message.entities = withDetected(clean.text, []);
  message.editedAtMs = simulation.now();
  if (botSees(simulation, message)) simulation.updates.push('edited_message', messageObject(message));
}

/** A person deletes a message. The bot hears nothing of it. */
export function deleteAs(chat: ChatState, messageId: number): void {
  existing(chat, messageId).deleted = true;
}

/** A person presses an inline button that is on the message now. Resolves with the bot's answer to the query. */
export function pressAs(
  simulation: Simulation,
  chat: ChatState,
  user: SimUser,
  messageId: number,
  callbackData: string,
): Promise<CallbackAnswer> {
  const message = existing(chat, messageId);
  const buttons = message.replyMarkup?.inline_keyboard.flat() ?? [];
  if (!buttons.some((button) => 'callback_data' in button && button.callback_data === callbackData)) {
    throw new Error(`Message ${messageId} has no button with the data "${callbackData}".`);
  }
  const { id, answer } = simulation.callbacks.open();
  simulation.updates.push('callback_query', {
    id,
    from: userObject(user),
    message: messageObject(message),
    chat_instance: String(Math.abs(chat.id) * 7919),
    data: callbackData,
  });
  return answer;
}

/** A person puts one emoji on a message, or takes it away. The bot hears of it only as an administrator or in private. */
export function reactAs(
  simulation: Simulation,
  chat: ChatState,
  user: SimUser,
  messageId: number,
  change: { readonly from?: string; readonly to?: string },
): void {
  existing(chat, messageId);
  const isAdmin = chat.members.get(simulation.world.bot.id) === 'administrator';
  if (chat.type !== 'private' && !isAdmin) return;
  const reactions = (emoji: string | undefined): object[] =>
    emoji === undefined ? [] : [{ type: 'emoji', emoji }];
  simulation.updates.push('message_reaction', {
    chat: chatObject(chat),
    message_id: messageId,
    user: userObject(user),
    date: Math.floor(simulation.now() / 1000),
    old_reaction: reactions(change.from),
    new_reaction: reactions(change.to),
  });
}

/** The reader presses Stop on the live draft; the bot gets `stopped_message_generation`. */
export function stopDraftAs(simulation: Simulation, chat: ChatState): void {
  const draft = simulation.drafts.stop(chat.id);
  if (draft === undefined) throw new Error(`Chat ${chat.id} has no draft with a Stop button.`);
  simulation.updates.push('stopped_message_generation', {
    chat: chatObject(chat),
    ...(draft.topicId === undefined ? {} : { message_thread_id: draft.topicId }),
    // The Bot API documents an Integer, yet servers were seen to send a string; a bot has to take both.
    draft_id: String(draft.draftId),
  });
}

/** A person opens a topic. Returns its thread id. */
export function createTopicAs(simulation: Simulation, chat: ChatState, user: SimUser, name: string): number {
  if (!chat.isForum && !(chat.type === 'private' && simulation.options.topicsInPrivate)) {
    throw new Error(`Chat ${chat.id} has no topics.`);
  }
  const service = { forum_topic_created: { name, icon_color: 7_322_096 } };
  return announce(simulation, postMessage(simulation.world, chat, user, { service, topicName: name }));
}

/** Tells the bot of a new message, if it may see it. Returns the message's id. */
export function announce(simulation: Simulation, message: StoredMessage): number {
  const { chat } = message;
  if (chat.type === 'private') chat.started = true;
  if (botSees(simulation, message)) simulation.updates.push('message', messageObject(message));
  return message.id;
}

/** The message with this id; throws when it is not there. */
function existing(chat: ChatState, messageId: number): StoredMessage {
  const message = liveMessage(chat, messageId);
  if (message === undefined) throw new Error(`Chat ${chat.id} has no message ${messageId}.`);
  return message;
}

function checkMembership(chat: ChatState, user: SimUser): void {
  if (chat.migratedTo !== undefined) throw new Error(`Chat ${chat.id} became ${chat.migratedTo}.`);
  if (chat.type === 'private') {
    if (chat.blocked) throw new Error(`User ${user.id} has blocked the bot.`);
    if (chat.id !== user.id) throw new Error(`User ${user.id} is not in chat ${chat.id}.`);
    return;
  }
  const status = chat.members.get(user.id);
  if (status === undefined || status === 'left' || status === 'kicked') {
    throw new Error(`User ${user.id} is not in chat ${chat.id}.`);
  }
}

function attachmentOf(
  simulation: Simulation,
  attachment: SendOptions['attachment'],
): Pick<NewMessage, 'attachment'> {
  if (attachment === undefined) return {};
  const file = simulation.files.add(folders[attachment.kind], attachment);
  return { attachment: { kind: attachment.kind, file } };
}
