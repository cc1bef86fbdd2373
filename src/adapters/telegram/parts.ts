import type { Api } from 'grammy';
import type { TurnId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PartJournal, PartRecord, ReplyButton } from '../../platform/reply.ts';
import type { Address } from './address.ts';
import { describe, isAboutEntities, isGone, isNotModified, type Failure, type Outcome } from './failure.ts';
import type { TelegramPart } from './render.ts';
import type { Manner, Sender, Urgency } from './sender.ts';

/** The Telegram messages of one reply, as far as they are known to exist. */
export interface Parts {
  /** The chat as it is called now; a group that became a supergroup has a new id. */
  chat(): Address;
  /** How many messages there are. */
  count(): number;
  /** Whether a message shows this already. */
  shows(index: number, look: Look): boolean;
  /** Creates or edits a message so that it shows this. Resolves with null, or why it does not; never rejects. */
  show(index: number, look: Look, urgency: Urgency): Promise<Failure | null>;
  /** Deletes the messages from this index on. What can't be deleted is logged and left. */
  trim(count: number): Promise<void>;
}

export interface Look {
  readonly part: TelegramPart;
  /** Whether the buttons of a running answer stand below. */
  readonly isRunning: boolean;
}

export interface PartsOptions {
  readonly api: Api;
  readonly sender: Sender;
  readonly logger: Logger;
  readonly address: Address;
  readonly journal: PartJournal;
  readonly turn: TurnId | null;
  readonly running: readonly ReplyButton[];
  /** From then on the messages are somebody else's. */
  readonly signal?: AbortSignal;
}

export function createParts(options: PartsOptions): Parts {
  const { api, logger, journal } = options;
  const inChat = createChatCalls(options);
  const { shown, surplus } = recall(journal.existing);

  const edit = async (id: number, look: Look, urgency: Urgency): Promise<Failure | null> => {
    const outcome = await inChat.call({ urgency, isRepeatable: true }, ({ chatId }) =>
      api.editMessageText(chatId, id, look.part.text, appearance(look, options)),
    );
    return outcome.ok || isNotModified(outcome.failure) ? null : outcome.failure;
  };

  const create = async (index: number, look: Look, urgency: Urgency): Promise<Failure | null> => {
    const unrecorded = index === 0 ? null : await intend(journal, index);
    if (unrecorded !== null) return unrecorded;
    const outcome = await inChat.call({ urgency, isRepeatable: false }, (to) =>
      api.sendMessage(to.chatId, look.part.text, { ...appearance(look, options), ...destination(to, index) }),
    );
    if (!outcome.ok) return outcome.failure;
    shown[index] = { id: outcome.value.message_id, content: null };
    await journal.sent(index, String(outcome.value.message_id));
    return null;
  };

  const put = async (index: number, look: Look, urgency: Urgency): Promise<Failure | null> => {
    const existing = shown[index];
    if (existing === undefined) return await create(index, look, urgency);
    const failure = await edit(existing.id, look, urgency);
    if (failure === null || !isGone(failure)) return failure;
    // Sent anew, it stands below the parts that follow it, so these are sent anew as well.
    surplus.push(...shown.splice(index).slice(1));
    return await create(index, look, urgency);
  };

  return {
    chat: () => inChat.address(),
    count: () => shown.length,
    shows: (index, look) => shown[index]?.content === contentOf(look),
    async show(index, look, urgency) {
      let failure = await put(index, look, urgency);
      if (failure !== null && isAboutEntities(failure) && look.part.entities.length > 0) {
        logger.error({ reason: describe(failure) }, 'formatting refused; sent as plain text');
        failure = await put(index, { ...look, part: { text: look.part.text, entities: [] } }, urgency);
      }
      const now = shown[index];
      if (failure === null && now !== undefined) now.content = contentOf(look);
      return failure;
    },
    async trim(count) {
      surplus.push(...shown.splice(count));
      for (const { id } of surplus.splice(0)) {
        const outcome = await inChat.call({ urgency: 'insist', isRepeatable: true }, ({ chatId }) =>
          api.deleteMessage(chatId, id),
        );
        if (!outcome.ok) logger.warn({ reason: describe(outcome.failure) }, 'surplus part not deleted');
      }
    },
  };
}

interface ShownMessage {
  readonly id: number;
  /** Null where an earlier process wrote it. */
  content: string | null;
}

/** The messages an earlier process left: index by index without a gap, and what stands out of order. */
function recall(records: readonly PartRecord[]): { shown: ShownMessage[]; surplus: ShownMessage[] } {
  const shown: ShownMessage[] = [];
  const surplus: ShownMessage[] = [];
  for (const { index, platformMessageId } of records.toSorted((a, b) => a.index - b.index)) {
    if (platformMessageId === null) continue;
    // Behind a gap, it would stand above the part that is yet to fill the gap.
    (index === shown.length ? shown : surplus).push({ id: Number(platformMessageId), content: null });
  }
  return { shown, surplus };
}

interface ChatCalls {
  address(): Address;
  /** Runs a call for the chat, and once more under the new id when the group has been upgraded. */
  call<Value>(manner: Manner, run: (chat: Address) => Promise<Value>): Promise<Outcome<Value>>;
}

function createChatCalls({ sender, address, signal }: PartsOptions): ChatCalls {
  let chat = address;
  return {
    address: () => chat,
    async call(manner, run) {
      const patient = signal === undefined ? manner : { ...manner, signal };
      const outcome = await sender.call(chat, patient, () => run(chat));
      if (outcome.ok || outcome.failure.kind !== 'refused' || outcome.failure.migratedTo === null)
        return outcome;
      // Messages are counted anew there: the number of the question would be somebody else's message.
      chat = { ...chat, chatId: outcome.failure.migratedTo, replyToId: null };
      return await sender.call(chat, patient, () => run(chat));
    },
  };
}

/**
 * Entities instead of a parse mode: they can't fail on the syntax of what a model wrote. Link
 * previews would fetch what it links to. An edit without a keyboard removes it.
 */
function appearance({ part, isRunning }: Look, { turn, running }: PartsOptions) {
  const row = running.map(({ action, label }) => ({ text: label, callback_data: `${action}:${turn ?? ''}` }));
  const hasButtons = isRunning && turn !== null && row.length > 0;
  return {
    entities: [...part.entities],
    link_preview_options: { is_disabled: true },
    ...(hasButtons ? { reply_markup: { inline_keyboard: [row] } } : {}),
  };
}

function destination({ topicId, replyToId }: Address, index: number) {
  const isAnswer = index === 0 && replyToId !== null;
  return {
    ...(topicId === null ? {} : { message_thread_id: topicId }),
    ...(isAnswer ? { reply_parameters: { message_id: replyToId, allow_sending_without_reply: true } } : {}),
  };
}

async function intend(journal: PartJournal, index: number): Promise<Failure | null> {
  try {
    await journal.intend(index);
    return null;
  } catch (error) {
    return { kind: 'unrecorded', reason: error instanceof Error ? error.name : 'store away' };
  }
}

function contentOf({ part, isRunning }: Look): string {
  return JSON.stringify([part.text, part.entities, isRunning]);
}
