import type { ButtonPress, CommandInvocation, SaidButton, SuggestionRequest } from './command.ts';
import type { GuildId, MessageId, OriginKey, PlaceId, Platform, UserId } from './ids.ts';
import type { IncomingMessage, ReplyTarget } from './message.ts';
import type { PaymentDesk } from './payment.ts';
import type { PaymentHandlers } from './payment-handlers.ts';
import type { Reply, ReplyOptions } from './reply.ts';

/** A platform, as the rest of the program sees it. */
export interface PlatformAdapter {
  readonly platform: Platform;
  /** What can be asked and done about guilds, where the platform has any. */
  readonly guilds?: GuildOffice;
  /** What the platform calls over HTTP, where it does. */
  readonly webhook?: Webhook;
  /** Where it takes payments that the bot asks for. */
  readonly payments?: PaymentDesk;
  /**
   * Connects and begins to hand events over. Resolves when events flow.
   * @throws FatalAdapterError when it can never work as configured (a refused token).
   */
  start(handlers: Handlers): Promise<void>;
  /** Takes no more events; resolves when every event in hand is handed over. */
  stop(): Promise<void>;
  /** Resolves when nothing is under way beside replies, such as the removal of a mark, or after some seconds. */
  settle(): Promise<void>;
  /** Opens, or opens again after a restart, the reply at an address that this adapter made. */
  openReply(target: ReplyTarget, options: ReplyOptions): Reply;
  /**
   * Marks the message that an address answers as seen and waiting its turn, or takes the mark away. Resolves when it looks
   * as it was last asked for, or can't be made to. Never rejects.
   */
  markWaiting(target: ReplyTarget, isWaiting: boolean): Promise<void>;
}

/** Both tell null where the platform can't be asked now. Never reject. */
export interface GuildOffice {
  /** The bot leaves. True also where it was not there any more; false where the platform refuses. */
  leave(guild: GuildId): Promise<boolean | null>;
  /** Whether somebody may decide for a guild as `Author.isGuildAdmin` tells; false for whom the guild does not have. */
  isAdmin(guild: GuildId, user: UserId): Promise<boolean | null>;
}

/** An address of this process at which a platform tells of events. */
export interface Webhook {
  /** Below the public address; begins with a slash. */
  readonly path: string;
  /** Answers at any time, also before the start and after the stop. Never rejects. */
  handle(request: Request): Promise<Response>;
}

/** What the core lends to an adapter. */
export interface Handlers extends PaymentHandlers {
  /**
   * Resolves when the message is stored, refused or known to be none of ours: only now may the
   * platform be told that it arrived. Rejects with
   * `StoreUnavailable` when nothing is stored; the platform must deliver again. What is to be said to a message that is
   * no question: that one held a secret, and is to be taken away where that is possible.
   */
  onMessage(message: IncomingMessage): Promise<Said | Taken>;
  /** Resolves with what to say, in the user's language, or whether a turn's reply says it. Rejects as above. */
  onCommand(invocation: CommandInvocation): Promise<Said | Taken>;
  /**
   * A message may have been changed by its author. It comes as it reads now, with an origin key of its own for each
   * version. Resolves when that is stored, or of no concern, or with what is to be said as above. Rejects as above.
   */
  onEdit(message: IncomingMessage): Promise<Said | Taken>;
  /** Messages were deleted. Resolves when that is stored, or of no concern. Rejects as above. */
  onDelete(messages: readonly MessageId[]): Promise<void>;
  /**
   * Resolves with what the person who pressed is told in private: a short sentence, empty where what they see says enough,
   * or more. Rejects as above.
   */
  onPress(press: ButtonPress): Promise<string | Explained>;
  /** Resolves with what may be meant, the likeliest first. Rejects as above. */
  onSuggest(request: SuggestionRequest): Promise<readonly string[]>;
  /** Records an event that failed for a reason that is ours and is given up. Rejects when the store is away. */
  onPoison(eventId: string, cause: unknown): Promise<void>;
  readonly memory: AdapterMemory;
}

/** What adapters keep beyond the life of their process, and share with their siblings in others. All reject with `StoreUnavailable`. */
export interface AdapterMemory {
  /**
   * Whether this process is the one to do something, such as to poll: for `holdMs` from the call on, unless it asks
   * again before. Ask at least three times as often; where it can't ask, it has to stop in time.
   */
  lead(what: string, holdMs: number): Promise<boolean>;
  /** Lets another process lead at once. */
  resign(what: string): Promise<void>;
  /**
   * Where turns of the platform that were admitted since then (milliseconds since 1970) take place, and where those who
   * asked had written: at most 1000, the most recent first, those that began with an answer behind all others.
   */
  activePlaces(platform: Platform, sinceMs: number): Promise<readonly ActivePlace[]>;
  /** A platform asks for silence towards something for so long; of two such wishes the longer one counts. */
  noteRest(what: string, forMs: number): Promise<void>;
  /** What to be silent towards, of those that begin so, and for how much longer. */
  rests(prefix: string): Promise<readonly Rest[]>;
  /** What was last written under a key; null where nothing was. */
  bookmark(key: string): Promise<string | null>;
  setBookmark(key: string, value: string): Promise<void>;
  /**
   * Adds to the address of the turn that an event led to what became known of it later, for whoever opens its reply
   * from then on. Does nothing where there is no such turn, or nothing of it is on its way any more.
   */
  amendTarget(event: OriginKey, additions: ReplyTarget): Promise<void>;
}

export interface Rest {
  readonly what: string;
  readonly forMs: number;
}

export interface ActivePlace {
  readonly place: PlaceId;
  /** Null in private. */
  readonly guild: GuildId | null;
}

/**
 * Whether a reply to the message will be opened, now or later. `known`: the same event came before,
 * and what is shown for it belongs to that taking.
 */
export type Taken = 'reply_follows' | 'no_reply' | 'known';

export interface Said {
  /** Markdown; empty where nothing is said. */
  readonly text: string;
  /**
   * Below it, where the platform can; none where a command answers at once (`instant`). What a press leads to takes the
   * place of this, where it has buttons itself; else it is told to who pressed.
   */
  readonly buttons?: readonly SaidButton[];
  /** What it answers holds a secret: it is to be taken out of sight, where the platform can. */
  readonly isToSecret?: boolean;
}

/** Something longer that is told to one person alone. */
export interface Explained {
  /** Markdown. */
  readonly text: string;
  /** The gist of it without markup, for a platform that has no room for more: at most 200 characters. */
  readonly brief: string;
}

/** The platform refused us for good; the process should say why and end. */
export class FatalAdapterError extends Error {
  override readonly name = 'FatalAdapterError';
}

/**
 * Nothing is stored: the durable side can't be reached. The same event may, and must, be handed
 * over again.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
