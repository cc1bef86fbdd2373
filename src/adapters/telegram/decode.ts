import type { CallbackQuery, Chat, Message, MessageGenerationStopped, Update, User } from 'grammy/types';
import {
  BUTTON_ACTIONS,
  readData,
  type ButtonPress,
  type CommandInvocation,
  type CommandSpec,
} from '../../platform/command.ts';
import {
  guildId,
  messageId,
  originKey,
  placeId,
  userId,
  type MessageId,
  type TurnId,
} from '../../platform/ids.ts';
import type { Addressing, Author, Envelope, IncomingMessage } from '../../platform/message.ts';
import { toReplyTarget } from './address.ts';
import { parseCommandLine, type CommandLine } from './commands.ts';
import { isMaybeCut, rawText, readText, type WrittenText } from './message-text.ts';
import { withPeople, type Usernames } from './usernames.ts';

/** An update in the words of the platform contract. */
export type Decoded =
  | { readonly kind: 'message'; readonly message: IncomingMessage }
  | { readonly kind: 'edit'; readonly message: IncomingMessage }
  | { readonly kind: 'edited_command'; readonly invocation: CommandInvocation }
  /** `pressed`: the message with the button that was pressed, where none was written. */
  | { readonly kind: 'command'; readonly invocation: CommandInvocation; readonly pressed: string | null }
  | { readonly kind: 'press'; readonly press: ButtonPress };

export interface DecodeContext {
  readonly me: Pick<User, 'id' | 'username'>;
  readonly commands: ReadonlyMap<string, readonly CommandSpec[]>;
  readonly usernames: Usernames;
  /** Telegram dates messages, but not presses of buttons. */
  readonly receivedAtMs: number;
  /** Whether a message with `media_group_id` is the whole album, or one piece of it. */
  readonly albums: 'whole' | 'pieces';
  /** Whose preview a draft of ours is; null for one that is over. */
  draftTurn(draftId: number): TurnId | null;
}

/**
 * Translates one update; null for what does not concern the core. `isGuildAdmin` is true only for
 * anonymous administrators, whom the message itself identifies.
 */
export function decode(update: Update, context: DecodeContext): Decoded | null {
  if (update.message !== undefined) return decodeMessage(update.message, context);
  if (update.edited_message !== undefined)
    return decodeEdit(update.edited_message, update.update_id, context);
  if (update.callback_query !== undefined) return decodePress(update.callback_query, context);
  if (update.stopped_message_generation !== undefined)
    return decodeStop(update.stopped_message_generation, context);
  return null;
}

/**
 * What must not overtake each other: the messages of one chat. Null for updates that stop or press
 * something, which would be useless behind the very work they are about. Never throws, whatever the
 * update looks like.
 */
export function laneOf(update: Update): string | null {
  const message: Partial<Message> | undefined = update.message ?? update.edited_message;
  const chatId = message?.chat?.id;
  const isStop = /^\/stop(?![\w-])/iu.test(message?.text ?? '');
  return chatId === undefined || isStop ? null : String(chatId);
}

function decodeMessage(message: Message, context: DecodeContext): Decoded | null {
  if (message.chat.type === 'channel') return null;
  const { text, entities } = rawText(message);
  const command = parseCommandLine(text, entities);
  return command === null ? decodeSpeech(message, context) : decodeCommand(message, command, context);
}

function decodeSpeech(message: Message, context: DecodeContext): Decoded | null {
  const spoken = readSpeech(message, context);
  const { addressing } = spoken;
  const isUnspoken = spoken.text === '' && !addressing.isSystem;
  const isForUs = addressing.isPrivate || addressing.mentionsBot || addressing.repliesToBot;
  return isUnspoken && !isForUs ? null : { kind: 'message', message: spoken };
}

/**
 * A message that a person has changed. Telegram also tells of changes that are nobody's doing, without a date, and of
 * the steps of a live location. A command is not given again by its edit.
 */
function decodeEdit(message: Message, updateId: number, context: DecodeContext): Decoded | null {
  const { chat, message_id: id, edit_date: editedAt } = message;
  if (chat.type === 'channel' || editedAt === undefined || message.location !== undefined) return null;
  const { text, entities } = rawText(message);
  const command = parseCommandLine(text, entities);
  if (command !== null) {
    const decoded = decodeCommand(message, command, context);
    return decoded?.kind === 'command' ? { kind: 'edited_command', invocation: decoded.invocation } : null;
  }
  const spoken = readSpeech(message, context);
  if (spoken.author.isBot || spoken.addressing.isSystem) return null;
  // The date alone would take two changes within a second for one.
  const version = originKey('telegram', context.me.id, chat.id, id, 'edit', editedAt, updateId);
  return { kind: 'edit', message: { ...spoken, originKey: version } };
}

function readSpeech(message: Message, context: DecodeContext): IncomingMessage {
  const written = readText(message, context.me);
  return {
    ...messageEnvelope(message, context),
    text: written.text,
    isTextWithheld: false,
    isMaybeCut: isMaybeCut(rawText(message).text),
    repliesTo: repliesTo(message),
    addressing: addressingOf(message, written, context),
  };
}

function addressingOf(message: Message, written: WrittenText, { me }: DecodeContext): Addressing {
  return {
    isPrivate: message.chat.type === 'private',
    mentionsBot: written.mentionsBot,
    repliesToBot: repliedMessage(message)?.from?.id === me.id,
    inOwnThread: false,
    byCommand: false,
    fromSelf: message.from?.id === me.id,
    isSystem: !SPOKEN.some((field) => message[field] !== undefined),
  };
}

function decodeCommand(message: Message, command: CommandLine, context: DecodeContext): Decoded | null {
  const { me, commands } = context;
  const isForUs = command.bot?.toLowerCase() === me.username?.toLowerCase();
  if (command.bot !== null && !isForUs) return null;
  const family = commands.get(command.name);
  const isPrivate = message.chat.type === 'private';
  // In a group a bare command that we don't know belongs to another bot.
  if (family === undefined && !isPrivate && command.bot === null && command.name !== 'start') return null;
  const envelope = messageEnvelope(message, context);
  if (envelope.author.isBot) return null;
  const takesPerson = family?.some(({ options }) => options.some(({ kind }) => kind === 'user')) === true;
  const written = takesPerson ? withPeople(message, context.usernames) : command.line;
  const line = written.replaceAll('\0', '');
  const said = { name: command.name, subcommand: null, options: {}, line };
  const heard = { isPrivate, isOverheard: !isPrivate };
  const replied = repliedMessage(message);
  const repliesToUser = replied === null ? {} : { repliesToUser: messageAuthor(replied).id };
  const invocation = { ...envelope, ...said, ...heard, repliesTo: repliesTo(message), ...repliesToUser };
  return { kind: 'command', invocation, pressed: null };
}

/** The data of our buttons: `<action>:<turn>`, at most 47 of the 64 bytes that Telegram allows. */
const BUTTON_DATA = /^([a-z]+):([\da-f-]{36})$/iu;

/** Whether a button with this data is there. */
function isBelow({ data, message }: CallbackQuery): boolean {
  const rows =
    message !== undefined && 'reply_markup' in message ? message.reply_markup?.inline_keyboard : undefined;
  return rows?.flat().some((button) => 'callback_data' in button && button.callback_data === data) === true;
}

function decodePress(query: CallbackQuery, context: DecodeContext): Decoded | null {
  if (query.message === undefined) return null;
  const { chat, message_id: id } = query.message;
  const place = whereOf(chat, topicOf(query.message), context);
  const envelope: Envelope = {
    ...place.envelope,
    originKey: originKey('telegram', context.me.id, chat.id, query.id),
    author: authorOf(query.from, query.from.is_bot),
    messageId: messageId('telegram', chat.id, id),
    sentAtMs: context.receivedAtMs,
    replyTarget: place.replyTarget(id),
  };
  const used = readData(query.data ?? '');
  if (used !== null) {
    // A client can send any data for a message that has buttons (Bot API CallbackQuery).
    if (!isBelow(query)) return null;
    const isPrivate = chat.type === 'private';
    const invocation = { ...envelope, ...used, isPrivate, isOverheard: !isPrivate, repliesTo: null };
    return { kind: 'command', invocation, pressed: String(id) };
  }
  const [, name, turn] = BUTTON_DATA.exec(query.data ?? '') ?? [];
  const action = BUTTON_ACTIONS.find((known) => known === name);
  if (action === undefined || turn === undefined) return null;
  return { kind: 'press', press: { ...envelope, action, turn } };
}

function decodeStop(stopped: MessageGenerationStopped, context: DecodeContext): Decoded | null {
  const { chat } = stopped;
  // Documented as a number, seen as a string.
  const draftId = Number(stopped.draft_id);
  const turn = context.draftTurn(draftId);
  if (turn === null) return null;
  const place = whereOf(chat, stopped.message_thread_id ?? null, context);
  const press: ButtonPress = {
    ...place.envelope,
    originKey: originKey('telegram', context.me.id, chat.id, 'draft', draftId),
    author: authorOf(chat, false),
    messageId: null,
    sentAtMs: context.receivedAtMs,
    replyTarget: place.replyTarget(null),
    action: 'stop',
    turn,
  };
  return { kind: 'press', press };
}

/** Fields that hold something a person sent. A message without any of them is a service message, also of a kind yet to come. */
const SPOKEN = [
  ...([
    'text',
    'caption',
    'rich_message',
    'photo',
    'document',
    'voice',
    'audio',
    'video',
    'video_note',
  ] as const),
  ...(['animation', 'sticker', 'paid_media', 'story', 'checklist', 'contact', 'location', 'venue'] as const),
  ...(['poll', 'dice', 'game', 'invoice'] as const),
] satisfies readonly (keyof Message)[];

function messageEnvelope(message: Message, context: DecodeContext): Envelope {
  const { chat, message_id: id } = message;
  const place = whereOf(chat, topicOf(message), context);
  return {
    ...place.envelope,
    originKey: originKey('telegram', context.me.id, chat.id, ...eventOf(message, context)),
    author: messageAuthor(message),
    messageId: messageId('telegram', chat.id, id),
    sentAtMs: message.date * 1000,
    replyTarget: place.replyTarget(id),
  };
}

/** What a message is one event by: its number, or for an album the name that its pieces share. */
function eventOf(message: Message, { albums }: DecodeContext): readonly (string | number)[] {
  const { media_group_id: album, message_id: id, caption } = message;
  if (album === undefined) return [id];
  // The caption may be on a piece that is yet to come.
  return albums === 'pieces' && caption === undefined ? ['album', album, 'empty'] : ['album', album];
}

/** What all events of one chat or topic have in common. */
function whereOf(chat: Chat, topicId: number | null, { me }: DecodeContext) {
  const isPrivate = chat.type === 'private';
  const path = topicId === null ? [me.id, chat.id] : [me.id, chat.id, topicId];
  const place = placeId('telegram', ...path);
  return {
    envelope: {
      platform: 'telegram' as const,
      guild: isPrivate ? null : { id: guildId('telegram', chat.id), name: chat.title ?? '' },
      place,
      channel: isPrivate ? null : place,
      thread: null,
    },
    replyTarget: (replyToId: number | null) =>
      toReplyTarget({ chatId: chat.id, isPrivate, replyToId, topicId }),
  };
}

function messageAuthor(message: Message): Author {
  const { chat, from, sender_chat: senderChat } = message;
  if (senderChat !== undefined && senderChat.id === chat.id) {
    // An anonymous administrator writes as the group itself, under a placeholder account.
    return { ...authorOf({ id: chat.id, first_name: chat.title ?? '' }, false), isGuildAdmin: true };
  }
  const isAutomatic = message.is_automatic_forward === true || senderChat?.type === 'channel';
  return from === undefined
    ? authorOf({ id: chat.id, first_name: chat.title ?? '' }, true)
    : authorOf(from, isAutomatic || from.is_bot);
}

/** A person, or the private chat with one. */
interface Person {
  readonly id: number;
  readonly first_name?: string;
  readonly last_name?: string;
  readonly username?: string;
  readonly language_code?: string;
}

function authorOf(person: Person, isBot: boolean): Author {
  const fullName = [person.first_name, person.last_name].filter(Boolean).join(' ');
  return {
    id: userId('telegram', person.id),
    name: fullName === '' ? (person.username ?? String(person.id)) : fullName,
    locale: person.language_code ?? null,
    isBot,
    isGuildAdmin: false,
    roles: [],
  };
}

function topicOf(message: { message_thread_id?: number; is_topic_message?: boolean }): number | null {
  return message.is_topic_message === true ? (message.message_thread_id ?? null) : null;
}

function repliesTo(message: Message): MessageId | null {
  const replied = repliedMessage(message);
  return replied === null ? null : messageId('telegram', message.chat.id, replied.message_id);
}

/** The message that this one answers. In a topic, every message formally answers the one that opened it. */
function repliedMessage(message: Message): Message | null {
  const replied = message.reply_to_message;
  return replied === undefined || replied.message_id === topicOf(message) ? null : replied;
}
