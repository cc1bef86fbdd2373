import type { CallbackQuery, Message, Update, User } from 'grammy/types';
import type { Explained, Handlers, Said, Taken } from '../../platform/adapter.ts';
import { bearsSecret, type CommandSpec } from '../../platform/command.ts';
import type { Envelope, IncomingMessage } from '../../platform/message.ts';
import type { Logger } from '../../platform/logger.ts';
import { fromReplyTarget } from './address.ts';
import type { GroupAdmins } from './admins.ts';
import type { Chores } from '../../delivery/chores.ts';
import { decode, type Decoded } from './decode.ts';
import { attempt, describe } from './failure.ts';
import { say, type ReplyContext } from './reply.ts';
import { createUsernames } from './usernames.ts';

export interface DispatchOptions {
  readonly me: User;
  readonly commands: readonly CommandSpec[];
  readonly handlers: Handlers;
  readonly replies: ReplyContext;
  readonly admins: GroupAdmins;
  /** Whether albums are collected before they come here. */
  readonly albums: 'whole' | 'pieces';
  /** What is said in answer is not waited for: a chat that must rest would hold up all updates behind it. */
  readonly chores: Chores;
  readonly logger: Logger;
}

/**
 * Takes one update to the core. Resolves when it may be confirmed; rejects as the handler does, or
 * when the update can't be read.
 */
export function createDispatch(options: DispatchOptions): (update: Update) => Promise<void> {
  const { me, handlers, replies, admins, chores } = options;
  const commands = Map.groupBy(options.commands, ({ name }) => name);
  const usernames = createUsernames();

  const withRank = async <Event extends Envelope>(event: Event, from: User | undefined): Promise<Event> => {
    if (event.guild === null || event.author.isGuildAdmin || from === undefined) return event;
    const { chatId } = fromReplyTarget(event.replyTarget);
    const isGuildAdmin = await admins.includes(chatId, from.id);
    return { ...event, author: { ...event.author, isGuildAdmin } };
  };

  const answer = createAnswering(options);
  const conceal = createConcealing(options);

  /** What is said at once is said to a secret, which is not to be seen any longer. */
  const hear = async (
    { replyTarget }: IncomingMessage,
    shown: Message | undefined,
    heard: Promise<Said | Taken>,
  ): Promise<void> => {
    const said = await heard;
    if (typeof said !== 'object') return;
    conceal(shown);
    if (said.text !== '') chores.add(say(replies, fromReplyTarget(replyTarget), said));
  };

  const obey = async (used: Decoded & { kind: 'command' }, update: Update): Promise<void> => {
    const { pressed } = used;
    const isSecret = bearsSecret(options.commands, used.invocation);
    if (pressed === null && isSecret) conceal(update.message);
    const query = update.callback_query;
    const invocation = await withRank(used.invocation, update.message?.from ?? query?.from);
    const said = await handlers.onCommand(invocation);
    if (!isSecret && typeof said === 'object' && said.isToSecret === true) conceal(update.message);
    const text = typeof said === 'object' ? said.text : '';
    const isShown = typeof said === 'object' && (pressed === null || said.buttons !== undefined);
    if (isShown) chores.add(say(replies, fromReplyTarget(invocation.replyTarget), said, pressed));
    chores.add(answer(query, isShown ? '' : text));
  };

  return async (update) => {
    usernames.note(update.message);
    const context = {
      me,
      commands,
      usernames,
      albums: options.albums,
      receivedAtMs: Date.now(),
      draftTurn: (id: number) => replies.draftIds.turnOf(id),
    };
    const decoded = decode(update, context);
    switch (decoded?.kind) {
      case 'message':
        return await hear(decoded.message, update.message, handlers.onMessage(decoded.message));
      case 'edit':
        return await hear(decoded.message, update.edited_message, handlers.onEdit(decoded.message));
      case 'command':
        return await obey(decoded, update);
      case 'edited_command':
        // It is not given again, and is no less a secret.
        if (bearsSecret(options.commands, decoded.invocation)) conceal(update.edited_message);
        return;
      case 'press': {
        const press = await withRank(decoded.press, update.callback_query?.from);
        chores.add(answer(update.callback_query, await handlers.onPress(press)));
        return;
      }
      case undefined:
        // A button of another time: without an answer its client would show it as busy.
        chores.add(answer(update.callback_query, ''));
    }
  };
}

/** Answers presses of buttons. The answer never rejects. */
function createAnswering({ replies, logger }: DispatchOptions) {
  return async (query: CallbackQuery | undefined, told: string | Explained): Promise<void> => {
    if (query === undefined) return;
    // A sentence passes by; what explains something stays until it is read.
    const shown =
      typeof told === 'string' ? { text: shorten(told) } : { text: shorten(told.brief), show_alert: true };
    const outcome = await attempt(() => replies.api.answerCallbackQuery(query.id, shown));
    // The usual reason is that the person no longer waits: such an answer is of no use to anybody.
    if (!outcome.ok) logger.debug({ reason: describe(outcome.failure) }, 'press not answered');
  };
}

/** Takes what a person wrote out of sight: their own messages in private, others' where the bot may. */
function createConcealing({
  replies,
  chores,
  logger,
}: DispatchOptions): (message: Message | undefined) => void {
  return (message) => {
    if (message === undefined) return;
    const { chat, message_id: id } = message;
    const place = { chatId: chat.id, isPrivate: chat.type === 'private' };
    const how = { urgency: 'insist', isRepeatable: true } as const;
    const remove = replies.sender.call(place, how, () => replies.api.deleteMessage(chat.id, id));
    chores.add(
      remove.then((outcome) => {
        if (!outcome.ok)
          logger.warn({ reason: describe(outcome.failure) }, 'a secret could not be taken away');
      }),
    );
  };
}

/** Bot API answerCallbackQuery: 0-200 characters. */
function shorten(sentence: string): string {
  return sentence.length <= 200 ? sentence : `${sentence.slice(0, 199).toWellFormed()}…`;
}
