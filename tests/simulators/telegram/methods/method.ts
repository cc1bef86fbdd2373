import type { UploadedFile } from '../multipart.ts';
import { badRequest, forbidden } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import type { ChatState } from '../world.ts';

/** What a method may use of the request besides its parameters. */
export interface MethodRequest {
  readonly files: ReadonlyMap<string, UploadedFile>;
  /** Fires when the client closes its connection. */
  readonly signal: AbortSignal;
}

/**
 * One method of the Bot API. Its parameters were checked against the Bot API's description before; it returns the result or throws a
 * `TelegramRefusal`.
 */
export type Method<P> = (simulation: Simulation, params: P, request: MethodRequest) => unknown;

/** A method as the table holds it. */
export type AnyMethod = Method<never>;

/** The chat a parameter names. Refuses with 400 when there is none, or when it became another chat. */
export function findChat(simulation: Simulation, chatId: number | string): ChatState {
  const chat = simulation.world.chats.get(Number(chatId));
  if (chat === undefined) throw badRequest('chat not found');
  if (chat.migratedTo !== undefined) {
    throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migratedTo });
  }
  return chat;
}

/** The chat, if the bot may write there. Refuses with 403 when it was blocked, removed or never spoken to. */
export function writableChat(simulation: Simulation, chatId: number | string): ChatState {
  const chat = findChat(simulation, chatId);
  if (chat.type === 'private') {
    if (chat.blocked) throw forbidden('bot was blocked by the user');
    if (!chat.started) throw forbidden("bot can't initiate conversation with a user");
    return chat;
  }
  const name = chat.type === 'supergroup' ? 'supergroup' : 'group';
  const status = chat.members.get(simulation.world.bot.id);
  if (status === 'kicked') throw forbidden(`bot was kicked from the ${name} chat`);
  if (status === undefined || status === 'left') throw forbidden(`bot is not a member of the ${name} chat`);
  return chat;
}

/**
 * Checks that a topic exists. Refuses with 400 otherwise; a plain supergroup's reply thread is no topic, and a forum's General topic is
 * written to by naming none.
 */
export function checkedTopic(chat: ChatState, topicId: number | undefined): number | undefined {
  if (topicId !== undefined && !chat.topics.has(topicId)) throw badRequest('message thread not found');
  return topicId;
}
