import type { Api } from 'grammy';
import type { Chores } from '../../delivery/chores.ts';
import type { Urgency } from '../../delivery/insist.ts';
import { dataOf } from '../../platform/command.ts';
import type { TurnId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import { createParts, type Button, type Look, type MessageCalls, type Parts } from '../../delivery/parts.ts';
import type { PartJournal } from '../../platform/reply.ts';
import type { Address } from './address.ts';
import {
  describe,
  isAboutEntities,
  isDeleted,
  isGone,
  isNotModified,
  type Failure,
  type Outcome,
} from './failure.ts';
import type { TelegramPart } from './render.ts';
import type { Manner, Sender } from './sender.ts';

/** The Telegram messages of one reply. */
export interface TelegramParts extends Parts<TelegramPart, Failure> {
  /** The chat as it is called now; a group that became a supergroup has a new id. */
  chat(): Address;
}

export interface PartsOptions {
  readonly api: Api;
  readonly sender: Sender;
  readonly logger: Logger;
  readonly address: Address;
  readonly journal: PartJournal;
  readonly turn: TurnId | null;
  readonly chores: Chores;
  /** From then on the messages are somebody else's. */
  readonly signal?: AbortSignal;
}

export function createTelegramParts(options: PartsOptions): TelegramParts {
  const { api, logger, journal, signal, chores } = options;
  const inChat = createChatCalls(options);
  const manner = (urgency: Urgency, isRepeatable: boolean): Manner => ({
    urgency,
    isRepeatable,
    mayWrite: () => journal.mayWrite(),
    ...(signal && { signal }),
  });
  const remove = async (id: string, how: Manner): Promise<Failure | null> => {
    const outcome = await inChat.call(how, ({ chatId }) => api.deleteMessage(chatId, Number(id)));
    // Somebody else has deleted it, which is what was wanted.
    return outcome.ok || isDeleted(outcome.failure) ? null : outcome.failure;
  };
  const calls: MessageCalls<TelegramPart, Failure> = {
    async create({ index }, look, urgency) {
      const outcome = await inChat.call(manner(urgency, false), (to) =>
        api.sendMessage(to.chatId, look.part.text, {
          ...appearance(look, options),
          ...destination(to, index),
        }),
      );
      if (!outcome.ok) return outcome;
      return { ok: true, value: { id: String(outcome.value.message_id), isAsSent: true } };
    },
    async edit(id, look, urgency) {
      const outcome = await inChat.call(manner(urgency, true), ({ chatId }) =>
        api.editMessageText(chatId, Number(id), look.part.text, appearance(look, options)),
      );
      return outcome.ok || isNotModified(outcome.failure) ? null : outcome.failure;
    },
    remove: (id) => remove(id, manner('insist', true)),
    orphaned(id) {
      const removal = remove(id, { urgency: 'insist', isRepeatable: true }).then((failure) => {
        const outcome = failure === null ? 'deleted' : describe(failure);
        logger.warn({ outcome }, 'a part was created that another process has created too');
      });
      chores.add(removal);
    },
    isSentAnew: isGone,
    simpler(look, failure) {
      if (!isAboutEntities(failure) || look.part.entities.length === 0) return null;
      logger.error({ reason: describe(failure) }, 'formatting refused; sent as plain text');
      return { ...look, part: { text: look.part.text, entities: [] } };
    },
    contentOf: ({ part, buttons }) => JSON.stringify([part.text, part.entities, buttons]),
    describe,
  };
  return { ...createParts(calls, journal, logger), chat: () => inChat.address() };
}

interface ChatCalls {
  address(): Address;
  /** Runs a call for the chat, and once more under the new id when the group has been upgraded. */
  call<Value>(manner: Manner, run: (chat: Address) => Promise<Value>): Promise<Outcome<Value>>;
}

function createChatCalls({ sender, address }: PartsOptions): ChatCalls {
  let chat = address;
  return {
    address: () => chat,
    async call(manner, run) {
      const outcome = await sender.call(chat, manner, () => run(chat));
      if (outcome.ok || outcome.failure.kind !== 'refused' || outcome.failure.migratedTo === null)
        return outcome;
      // Messages are counted anew there: the number of the question would be somebody else's message.
      chat = { ...chat, chatId: outcome.failure.migratedTo, replyToId: null };
      return await sender.call(chat, manner, () => run(chat));
    },
  };
}

/**
 * Entities instead of a parse mode: they can't fail on the syntax of what a model wrote. Link
 * previews would fetch what it links to. An edit without a keyboard removes it.
 */
function appearance({ part, buttons }: Look<TelegramPart>, { turn }: PartsOptions) {
  const keys = buttons.flatMap((button) => toKey(button, turn) ?? []);
  const rows = [keys.slice(0, KEYS_IN_A_ROW), keys.slice(KEYS_IN_A_ROW)].filter((row) => row.length > 0);
  return {
    entities: [...part.entities],
    link_preview_options: { is_disabled: true },
    ...(rows.length > 0 ? { reply_markup: { inline_keyboard: rows } } : {}),
  };
}

function destination({ topicId, replyToId }: Address, index: number) {
  const isAnswer = index === 0 && replyToId !== null;
  return {
    ...(topicId === null ? {} : { message_thread_id: topicId }),
    ...(isAnswer ? { reply_parameters: { message_id: replyToId, allow_sending_without_reply: true } } : {}),
  };
}

/**
 * Null for a button that has no turn, that would write more than Telegram takes (Bot API InlineKeyboardButton), or that
 * opens another platform's shop.
 */
function toKey(button: Button, turn: TurnId | null) {
  if ('sku' in button) return null;
  if ('url' in button) return { text: button.label, url: button.url };
  if ('action' in button) {
    return turn === null ? null : { text: button.label, callback_data: `${button.action}:${turn}` };
  }
  const data = dataOf(button);
  return Buffer.byteLength(data) > LONGEST_DATA ? null : { text: button.label, callback_data: data };
}

const LONGEST_DATA = 64;
/** Clients cut the labels of more than that on a phone. */
const KEYS_IN_A_ROW = 4;
