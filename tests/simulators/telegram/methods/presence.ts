import type { InputRichMessage, MessageEntity, ReactionType } from '@grammyjs/types';
import { liveMessage } from '../messages.ts';
import { badRequest } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { cleanText, codePoints, draftText } from '../text.ts';
import type { CleanText } from '../text.ts';
import { checkedTopic, writableChat } from './method.ts';
import type { Method } from './method.ts';
import { checkedRich } from './sending.ts';

const chatActions: ReadonlySet<string> = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
]);

/** Shows "typing…" for 5 seconds or until the bot's next message (Bot API sendChatAction). */
export const sendChatAction: Method<{
  chat_id: number | string;
  message_thread_id?: number;
  action: string;
}> = (simulation, { chat_id, message_thread_id, action }) => {
  const chat = writableChat(simulation, chat_id);
  // Unlike a message, an action for a forum's General topic names it, by its fixed id 1.
  if (!(chat.isForum && message_thread_id === 1)) checkedTopic(chat, message_thread_id);
  if (!chatActions.has(action)) throw badRequest('wrong parameter action in request');
  simulation.charge(chat, 'action');
  simulation.typingUntilMs.set(chat.id, simulation.now() + 5000);
  return true;
};

interface DraftParams {
  chat_id: number;
  message_thread_id?: number;
  draft_id: number;
  can_stop?: boolean;
  keep_on_stop?: boolean;
}

export const sendMessageDraft: Method<
  DraftParams & { text?: string; parse_mode?: string; entities?: MessageEntity[] }
> = (simulation, params) => {
  const { text, parse_mode: parseMode, entities } = params;
  return showDraft(simulation, params, cleanText({ text, parseMode, entities }, draftText), undefined);
};

export const sendRichMessageDraft: Method<DraftParams & { rich_message: InputRichMessage<never> }> = (
  simulation,
  params,
) => showDraft(simulation, params, { text: '', entities: [] }, checkedRich(params.rich_message));

function showDraft(
  simulation: Simulation,
  params: DraftParams,
  content: CleanText,
  richSource: string | undefined,
): true {
  const chat = writableChat(simulation, params.chat_id);
  if (chat.type !== 'private') throw badRequest('TEXTDRAFT_PEER_INVALID');
  if (params.draft_id === 0) throw badRequest('DRAFT_ID_INVALID');
  const topicId = checkedTopic(chat, params.message_thread_id);
  simulation.charge(chat, 'action');
  simulation.drafts.show({
    chatId: chat.id,
    topicId,
    draftId: params.draft_id,
    ...content,
    richSource,
    canStop: params.can_stop ?? false,
    keepOnStop: params.keep_on_stop ?? false,
    atMs: simulation.now(),
  });
  return true;
}

/** A bot may put at most one reaction on a message (Bot API setMessageReaction). */
export const setMessageReaction: Method<{
  chat_id: number | string;
  message_id: number;
  reaction?: ReactionType[];
}> = (simulation, { chat_id, message_id, reaction = [] }) => {
  const chat = writableChat(simulation, chat_id);
  const message = liveMessage(chat, message_id);
  if (message === undefined) throw badRequest('message to react not found');
  if (reaction.length > 1) throw badRequest('REACTIONS_TOO_MANY');
  const emoji = reaction.map((item) => (item.type === 'emoji' ? item.emoji : ''));
  if (emoji.some((item) => !allowedReactions.has(item))) throw badRequest('REACTION_INVALID');
  message.reactions = emoji;
  return true;
};

/** A part of the fixed list of emoji that may be used as reactions. */
const allowedReactions: ReadonlySet<string> = new Set(
  '👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🎉 🤩 🙏 👌 🤡 🥱 🥴 😍 💯 🤣 ⚡ 🏆 💔 🤨 😐 😴 👻 👀 🙈 😇 🤝 ✍ 🤗 🫡 🆒 👾'.split(
    ' ',
  ),
);

export const answerCallbackQuery: Method<{
  callback_query_id: string;
  text?: string;
  show_alert?: boolean;
  url?: string;
}> = (simulation, { callback_query_id, text = '', show_alert = false, url }) => {
  // Bot API answerCallbackQuery: 0-200 characters.
  if (codePoints(text) > 200) throw badRequest('MESSAGE_TOO_LONG');
  simulation.callbacks.answer(callback_query_id, { text, showAlert: show_alert, url });
  return true;
};
