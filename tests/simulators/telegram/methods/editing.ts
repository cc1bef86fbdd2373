import { isDeepStrictEqual } from 'node:util';
import type { InputRichMessage, MessageEntity } from '@grammyjs/types';
import { checkedKeyboard } from '../markup.ts';
import { liveMessage, messageObject } from '../messages.ts';
import { badRequest } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { cleanText, messageText } from '../text.ts';
import type { ChatState, StoredMessage } from '../world.ts';
import { writableChat } from './method.ts';
import type { Method } from './method.ts';
import { checkedRich } from './sending.ts';

interface EditParams {
  chat_id?: number | string;
  message_id?: number;
  reply_markup?: unknown;
}

type Content = Pick<StoredMessage, 'text' | 'entities' | 'richSource' | 'replyMarkup'>;

/** Edits text or rich text. Without `reply_markup` the keyboard disappears, as on the real server. */
export const editMessageText: Method<
  EditParams & {
    text?: string;
    parse_mode?: string;
    entities?: MessageEntity[];
    rich_message?: InputRichMessage<never>;
  }
> = (simulation, params) => {
  const message = editable(simulation, params);
  const replyMarkup = checkedKeyboard(params.reply_markup);
  if (params.rich_message !== undefined) {
    if (params.text !== undefined) throw badRequest('simulator: give either text or rich_message');
    const richSource = checkedRich(params.rich_message);
    return change(simulation, message, { text: '', entities: [], richSource, replyMarkup });
  }
  if (message.attachment !== undefined) throw badRequest('there is no text in the message to edit');
  const { text, parse_mode: parseMode, entities } = params;
  const content = cleanText({ text, parseMode, entities }, messageText);
  return change(simulation, message, { ...content, richSource: undefined, replyMarkup });
};

export const editMessageReplyMarkup: Method<EditParams> = (simulation, params) => {
  const message = editable(simulation, params);
  const { text, entities, richSource } = message;
  const replyMarkup = checkedKeyboard(params.reply_markup);
  return change(simulation, message, { text, entities, richSource, replyMarkup });
};

export const deleteMessage: Method<{ chat_id: number | string; message_id: number }> = (
  simulation,
  { chat_id, message_id },
) => {
  const chat = writableChat(simulation, chat_id);
  const message = liveMessage(chat, message_id);
  if (message === undefined) throw badRequest('message to delete not found');
  if (!mayDelete(simulation, chat, message)) throw badRequest("message can't be deleted");
  message.deleted = true;
  return true;
};

/** Messages that cannot be found or deleted are skipped (Bot API deleteMessages: 1-100 identifiers). */
export const deleteMessages: Method<{ chat_id: number | string; message_ids: number[] }> = (
  simulation,
  { chat_id, message_ids },
) => {
  const chat = writableChat(simulation, chat_id);
  if (message_ids.length < 1 || message_ids.length > 100) throw badRequest('MESSAGE_IDS_INVALID');
  for (const id of message_ids) {
    const message = liveMessage(chat, id);
    if (message !== undefined && mayDelete(simulation, chat, message)) message.deleted = true;
  }
  return true;
};

function editable(simulation: Simulation, { chat_id, message_id }: EditParams): StoredMessage {
  if (chat_id === undefined) throw badRequest('chat_id is empty');
  if (message_id === undefined) throw badRequest('message identifier is not specified');
  const chat = writableChat(simulation, chat_id);
  const message = liveMessage(chat, message_id);
  if (message === undefined) throw badRequest('message to edit not found');
  if (message.from.id !== simulation.world.bot.id || message.service !== undefined) {
    throw badRequest("message can't be edited");
  }
  return message;
}

function change(simulation: Simulation, message: StoredMessage, next: Content): unknown {
  simulation.charge(message.chat, 'message');
  const { text, entities, richSource, replyMarkup } = message;
  if (isDeepStrictEqual({ text, entities, richSource, replyMarkup }, next)) {
    throw badRequest(
      'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    );
  }
  Object.assign(message, next);
  message.editedAtMs = simulation.now();
  return messageObject(message);
}

const deletableForMs = 48 * 3_600_000;

/** Bot API deleteMessage: less than 48 hours old; other people's only in private chats or with the administrator's right. */
function mayDelete(simulation: Simulation, chat: ChatState, message: StoredMessage): boolean {
  if (simulation.now() - message.atMs >= deletableForMs) return false;
  if (message.from.id === simulation.world.bot.id || chat.type === 'private') return true;
  return chat.members.get(simulation.world.bot.id) === 'administrator';
}
