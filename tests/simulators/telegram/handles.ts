import type { InlineKeyboardMarkup, MessageEntity } from '@grammyjs/types';
import type { CallbackAnswer } from './queries.ts';
import type { SimDraft } from './drafts.ts';
import { addBot, join, leave, migrate, removeBot, setStatus } from './membership.ts';
import { failRenewal, pay, renew, setCanceled } from './payments.ts';
import type { CheckoutAnswer } from './payments.ts';
import { createTopicAs, deleteAs, editAs, pressAs, reactAs, sendAs, stopDraftAs } from './people.ts';
import type { SendOptions } from './people.ts';
import type { Simulation } from './simulation.ts';
import type { ChatState, ChatType, SimUser, StoredMessage } from './world.ts';

/** A message as a reader sees it. */
export interface SimMessage {
  readonly id: number;
  readonly from: SimUser;
  /** Text, or the caption of an attachment. */
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  /** Source of a rich message, which has no text. */
  readonly richSource: string | undefined;
  readonly replyMarkup: InlineKeyboardMarkup | undefined;
  readonly replyTo: number | undefined;
  readonly topicId: number | undefined;
  readonly attachment: { readonly kind: string; readonly name: string; readonly content: string } | undefined;
  /** Fields of a service message. */
  readonly service: Readonly<Record<string, unknown>> | undefined;
  readonly reactions: readonly string[];
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly editedAtMs: number | undefined;
  readonly deleted: boolean;
}

/** What is on a reader's screen. */
export interface SimScreen {
  readonly messages: readonly SimMessage[];
  readonly drafts: readonly SimDraft[];
  readonly typing: boolean;
}

/** What becomes of a subscription, named by the id of any charge for it. All throw where it can't come about. */
export interface SimSubscriptions {
  /** Telegram takes the Stars of another month; returns the new charge's id. */
  renew(chargeId: string): string;
  /** There are too few Stars for another month. */
  failRenewal(chargeId: string): void;
  /** The person cancels, or changes their mind. */
  setCanceled(chargeId: string, isCanceled: boolean): void;
  /** Ids of all charges, oldest first. */
  charges(): readonly string[];
}

/** A person, as tests hold it. */
export interface SimUserHandle extends SimUser {
  /** The private chat with the bot. The bot cannot write there before the person has. */
  privateChat(): SimChat;
  /** Pays an invoice link or, as `chat:message`, an invoice message; resolves with the bot's answer. */
  pay(reference: string): Promise<CheckoutAnswer>;
}

type Who = Pick<SimUser, 'id'>;

/** A chat from its members' side. Methods throw when the person could not do that in a real chat. */
export interface SimChat {
  readonly id: number;
  readonly type: ChatType;
  /** Returns the new message's id. */
  send(user: Who, text: string, options?: SendOptions): number;
  edit(user: Who, messageId: number, text: string): void;
  delete(messageId: number): void;
  /** Resolves with the bot's answer to the callback query. */
  press(user: Who, messageId: number, callbackData: string): Promise<CallbackAnswer>;
  react(user: Who, messageId: number, change: { from?: string; to?: string }): void;
  join(user: Who): void;
  leave(user: Who): void;
  /** Makes someone an administrator, or a plain member again. */
  promote(user: Who, isAdmin?: boolean): void;
  addBot(by: Who): void;
  removeBot(by: Who): void;
  /** Returns the new topic's thread id. */
  createTopic(user: Who, name: string): number;
  /** Turns a plain group into a supergroup; returns the new chat. */
  migrate(by?: Who): SimChat;
  /** Messages that are not deleted, oldest first. */
  messages(): SimMessage[];
  /** All messages, deleted ones too, oldest first. */
  history(): SimMessage[];
  drafts(): readonly SimDraft[];
  /** Presses Stop on the live draft. */
  stopDraft(user?: Who): void;
}

export function userHandle(simulation: Simulation, user: SimUser): SimUserHandle {
  return {
    ...user,
    privateChat: () => chatHandle(simulation, simulation.world.privateChat(user)),
    pay: (reference) => pay(simulation, user, reference),
  };
}

export function subscriptionsHandle(simulation: Simulation): SimSubscriptions {
  return {
    renew: (chargeId) => renew(simulation, chargeId),
    failRenewal: (chargeId) => failRenewal(simulation, chargeId),
    setCanceled: (chargeId, isCanceled) => setCanceled(simulation, chargeId, isCanceled),
    charges: () => [...simulation.ledger.charges.keys()],
  };
}

/** The person with this id; throws when there is none. */
export function knownUser(simulation: Simulation, { id }: Who): SimUser {
  const user = simulation.world.users.get(id);
  if (user === undefined) throw new Error(`There is no user ${id}.`);
  return user;
}

/** The chat with this id; throws when there is none. */
export function knownChat(simulation: Simulation, { id }: Pick<ChatState, 'id'>): ChatState {
  const chat = simulation.world.chats.get(id);
  if (chat === undefined) throw new Error(`There is no chat ${id}.`);
  return chat;
}

export function chatHandle(simulation: Simulation, chat: ChatState): SimChat {
  const who = (user: Who): SimUser => knownUser(simulation, user);
  const anyMember = (): SimUser => {
    const [id] = [...chat.members.keys()].filter((memberId) => memberId !== simulation.world.bot.id);
    return id === undefined ? simulation.world.bot : who({ id });
  };
  return {
    id: chat.id,
    type: chat.type,
    send: (user, text, options) => sendAs(simulation, chat, who(user), text, options),
    edit: (user, messageId, text) => editAs(simulation, chat, who(user), messageId, text),
    delete: (messageId) => deleteAs(chat, messageId),
    press: async (user, messageId, data) => await pressAs(simulation, chat, who(user), messageId, data),
    react: (user, messageId, change) => reactAs(simulation, chat, who(user), messageId, change),
    join: (user) => join(simulation, chat, who(user)),
    leave: (user) => leave(simulation, chat, who(user)),
    promote: (user, isAdmin = true) =>
      setStatus(simulation, chat, anyMember(), who(user), isAdmin ? 'administrator' : 'member'),
    addBot: (by) => addBot(simulation, chat, who(by)),
    removeBot: (by) => removeBot(simulation, chat, who(by)),
    createTopic: (user, name) => createTopicAs(simulation, chat, who(user), name),
    migrate: (by) =>
      chatHandle(simulation, migrate(simulation, chat, by === undefined ? anyMember() : who(by))),
    messages: () => [...chat.messages.values()].filter(({ deleted }) => !deleted).map(messageView),
    history: () => [...chat.messages.values()].map(messageView),
    drafts: () => simulation.drafts.live(chat.id),
    stopDraft: () => stopDraftAs(simulation, chat),
  };
}

/** What a reader of the chat sees now. */
export function screenOf(simulation: Simulation, chat: ChatState): SimScreen {
  return {
    messages: chatHandle(simulation, chat).messages(),
    drafts: simulation.drafts.live(chat.id),
    typing: (simulation.typingUntilMs.get(chat.id) ?? 0) > simulation.now(),
  };
}

function messageView(message: StoredMessage): SimMessage {
  const { attachment } = message;
  return {
    id: message.id,
    from: message.from,
    text: message.text,
    entities: message.entities,
    richSource: message.richSource,
    replyMarkup: message.replyMarkup,
    replyTo: message.replyTo,
    topicId: message.isTopicMessage ? message.threadId : undefined,
    attachment:
      attachment === undefined
        ? undefined
        : {
            kind: attachment.kind,
            name: attachment.file.name,
            content: Buffer.from(attachment.file.content).toString('utf8'),
          },
    service: message.service,
    reactions: message.reactions,
    atMs: message.atMs,
    editedAtMs: message.editedAtMs,
    deleted: message.deleted,
  };
}
