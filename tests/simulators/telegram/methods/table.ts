import {
  createForumTopic,
  editForumTopic,
  getChat,
  getChatAdministrators,
  getChatMember,
  getChatMemberCount,
  leaveChat,
} from './chats.ts';
import { deleteMessage, deleteMessages, editMessageReplyMarkup, editMessageText } from './editing.ts';
import { fileSender, getFile, sendMediaGroup } from './files.ts';
import type { AnyMethod } from './method.ts';
import {
  answerPreCheckoutQuery,
  createInvoiceLink,
  editUserStarSubscription,
  getStarTransactions,
  refundStarPayment,
  sendInvoice,
} from './payments.ts';
import {
  answerCallbackQuery,
  sendChatAction,
  sendMessageDraft,
  sendRichMessageDraft,
  setMessageReaction,
} from './presence.ts';
import { deleteMyCommands, getMe, getMyCommands, setMyCommands, textGetter, textSetter } from './profile.ts';
import { deleteWebhook, getUpdates, getWebhookInfo, setWebhook } from './receiving.ts';
import { sendMessage, sendRichMessage } from './sending.ts';

/** Every method the simulator plays, by its documented name. */
export const methods: Readonly<Record<string, AnyMethod>> = {
  getMe,
  getUpdates,
  setWebhook,
  deleteWebhook,
  getWebhookInfo,
  sendMessage,
  sendRichMessage,
  editMessageText,
  editMessageReplyMarkup,
  deleteMessage,
  deleteMessages,
  sendChatAction,
  sendMessageDraft,
  sendRichMessageDraft,
  setMessageReaction,
  answerCallbackQuery,
  sendDocument: fileSender('document'),
  sendPhoto: fileSender('photo'),
  sendVoice: fileSender('voice'),
  sendMediaGroup,
  getFile,
  sendInvoice,
  createInvoiceLink,
  answerPreCheckoutQuery,
  refundStarPayment,
  editUserStarSubscription,
  getStarTransactions,
  getChat,
  getChatMember,
  getChatMemberCount,
  getChatAdministrators,
  leaveChat,
  createForumTopic,
  editForumTopic,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
  setMyName: textSetter('name'),
  getMyName: textGetter('name'),
  setMyDescription: textSetter('description'),
  getMyDescription: textGetter('description'),
  setMyShortDescription: textSetter('short_description'),
  getMyShortDescription: textGetter('short_description'),
};
