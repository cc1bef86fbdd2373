import type { Update } from '@grammyjs/types';
import type { SimDraft } from './drafts.ts';
import type { Fault, FaultOptions } from './faults.ts';
import type { SimChat, SimScreen, SimSubscriptions, SimUserHandle } from './handles.ts';
import type { CheckoutAnswer } from './payments.ts';
import type { TelegramCall } from './simulation.ts';
import type { SimUser } from './world.ts';

type Who = Pick<SimUser, 'id'>;

export interface GroupOptions {
  readonly title?: string;
  readonly members?: readonly Who[];
  /** Administrators; they need not be among the members. The first one is the owner. */
  readonly admins?: readonly Who[];
  /** `supergroup` unless told. */
  readonly type?: 'group' | 'supergroup';
  readonly forum?: boolean;
  readonly botIsAdmin?: boolean;
}

/** A Bot API server on this machine, with the people who talk to the bot. */
export interface TelegramSimulator {
  /** For TELEGRAM_API_ROOT; no trailing slash. */
  readonly url: string;
  readonly token: string;
  /** The bot's own account. */
  readonly bot: SimUser;
  /** Every call of the bot, in the order of arrival. */
  readonly calls: readonly TelegramCall[];
  /** Departures of what the simulator itself sent from the Bot API's description. Empty unless the simulator is wrong. */
  readonly violations: readonly string[];
  user(profile?: Partial<SimUser>): SimUserHandle;
  /** A group the bot is already in; no update tells of it. */
  group(options?: GroupOptions): SimChat;
  /** A chat by its id; throws when there is none. */
  chat(chat: { readonly id: number }): SimChat;
  /** The private chat of a person by the person's id. */
  privateChat(user: Who): SimChat;
  /** Makes the next call of `method` (any case, `*` for all) go wrong. */
  fault(method: string, fault: Fault, options?: FaultOptions): void;
  /** A person pays an invoice link or, as `chat:message`, an invoice message; resolves with the bot's answer. */
  pay(user: Who, reference: string): Promise<CheckoutAnswer>;
  readonly subscriptions: SimSubscriptions;
  block(user: Who): void;
  unblock(user: Who): void;
  /** Queues any object as an update, valid or not; returns its update_id. */
  pushUpdate(update: object): number;
  visible(chat: { readonly id: number }): SimScreen;
  /** Draft frames that came after the message that ended their draft. */
  ghosts(): readonly SimDraft[];
  /** Updates the bot has not confirmed yet. */
  unconfirmed(): readonly Update[];
  /** A day has passed in which the bot confirmed nothing: what waits for it is gone. */
  expireUpdates(): void;
  /** Forgets people, chats, updates, calls, faults and what the bot has set, but not the update kinds it asked for. Ids keep growing. */
  reset(): void;
  /** Closes the server and every connection. */
  stop(): Promise<void>;
}
