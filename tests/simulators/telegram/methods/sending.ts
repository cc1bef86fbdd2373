import type { InputRichMessage, Message, MessageEntity, ReplyParameters } from '@grammyjs/types';
import { checkedKeyboard } from '../markup.ts';
import { liveMessage, messageObject, postMessage } from '../messages.ts';
import type { NewMessage } from '../messages.ts';
import { badRequest } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { cleanText, codePoints, messageText } from '../text.ts';
import type { ChatState } from '../world.ts';
import { checkedTopic, writableChat } from './method.ts';
import type { Method } from './method.ts';

/** Parameters all sending methods share. */
export interface SendParams {
  chat_id: number | string;
  message_thread_id?: number;
  reply_parameters?: ReplyParameters;
  reply_markup?: unknown;
}

interface TextParams {
  text: string;
  parse_mode?: string;
  entities?: MessageEntity[];
}

export const sendMessage: Method<SendParams & TextParams> = (simulation, params) => {
  const chat = writableChat(simulation, params.chat_id);
  const { text, parse_mode: parseMode, entities } = params;
  const content = cleanText({ text, parseMode, entities }, messageText);
  return deliver(simulation, chat, params, content);
};

export const sendRichMessage: Method<SendParams & { rich_message: InputRichMessage<never> }> = (
  simulation,
  params,
) => {
  const chat = writableChat(simulation, params.chat_id);
  return deliver(simulation, chat, params, { richSource: checkedRich(params.rich_message) });
};

/**
 * Posts a message of the bot: checks the reply, topic and keyboard, counts it against the chat's rate, and ends the chat's draft and
 * typing. Returns the Message object.
 */
export function deliver(
  simulation: Simulation,
  chat: ChatState,
  params: SendParams,
  content: NewMessage,
): Message {
  const replyMarkup = checkedKeyboard(params.reply_markup);
  const topicId = checkedTopic(chat, params.message_thread_id);
  const reply = checkedReply(chat, params.reply_parameters);
  simulation.charge(chat, 'message');
  const message = postMessage(simulation.world, chat, simulation.world.bot, {
    ...content,
    ...(replyMarkup === undefined ? {} : { replyMarkup }),
    ...(topicId === undefined ? {} : { threadId: topicId }),
    ...reply,
  });
  simulation.drafts.finish(chat.id, topicId);
  simulation.typingUntilMs.delete(chat.id);
  return messageObject(message);
}

function checkedReply(
  chat: ChatState,
  reply: ReplyParameters | undefined,
): Pick<NewMessage, 'replyTo' | 'quote'> {
  if (reply?.message_id === undefined) return {};
  const target = liveMessage(chat, reply.message_id);
  if (target === undefined) {
    if (reply.allow_sending_without_reply === true) return {};
    throw badRequest('message to be replied not found');
  }
  if (reply.quote === undefined) return { replyTo: target.id };
  if (!target.text.includes(reply.quote)) throw badRequest('QUOTE_TEXT_INVALID');
  return { replyTo: target.id, quote: reply.quote };
}

const longestRich = 32_768;

/** The source of a rich message, of which exactly one kind must be given (Bot API InputRichMessage). Refuses with 400. */
export function checkedRich(rich: InputRichMessage<never>): string {
  const sources = [rich.markdown, rich.html].filter((source) => source !== undefined);
  const [source] = sources;
  if (sources.length !== 1 || source === undefined || source.trim() === '') {
    throw badRequest('simulator: a rich message needs exactly one non-empty source, markdown or html');
  }
  if (codePoints(source) > longestRich) throw badRequest('message is too long');
  return source;
}
