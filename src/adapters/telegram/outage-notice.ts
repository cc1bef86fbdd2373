import type { Update } from 'grammy/types';
import type { Chores } from '../../delivery/chores.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import { createOutageNotices } from '../../intake/outage-notices.ts';
import { say, type ReplyContext } from './reply.ts';

/** Tells the chat of an update that waits for the store, once for an outage. What nobody said waits in silence. */
export function createOutageNotice(replies: ReplyContext, chores: Chores): (update: Update) => void {
  const once = createOutageNotices(replies.clock);
  return ({ message }) => {
    if (message === undefined) return;
    const { chat, from, is_topic_message: isInTopic, message_thread_id: threadId } = message;
    once(String(chat.id), () => {
      const text = translate(pickLocale(from?.language_code ?? null), { key: 'failure.store_waits' });
      const topicId = isInTopic === true ? (threadId ?? null) : null;
      const address = { chatId: chat.id, isPrivate: chat.type === 'private', replyToId: null, topicId };
      chores.add(say(replies, address, { text }));
    });
  };
}
