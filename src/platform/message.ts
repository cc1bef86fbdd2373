import type { GuildId, MessageId, OriginKey, PlaceId, Platform, UserId } from './ids.ts';

/** Who wrote something. Adapters decide these facts when they decode an event. */
export interface Author {
  readonly id: UserId;
  /** As shown on the platform; for prompts in shared places and for lists, never for permission. */
  readonly name: string;
  /** IETF language tag that the platform reports, if any. */
  readonly locale: string | null;
  /** A bot, a webhook or another automated sender. */
  readonly isBot: boolean;
  /** May change settings and read figures of the guild it writes in. */
  readonly isGuildAdmin: boolean;
  /** The roles that they have in the guild, qualified (`discord:123`); none where a platform has none. */
  readonly roles: readonly string[];
}

export interface Guild {
  readonly id: GuildId;
  readonly name: string;
}

/** What every event from a platform has in common. Plain data: it can be stored and read back. */
export interface Envelope {
  readonly platform: Platform;
  readonly originKey: OriginKey;
  readonly author: Author;
  /** The community, or null in private. */
  readonly guild: Guild | null;
  readonly place: PlaceId;
  /**
   * The place whose quota counts: the channel of a thread, else the place itself. Null in private.
   */
  readonly channel: PlaceId | null;
  /**
   * `here` where the place itself is a thread; else the place of the thread that would start at this
   * message, or null where none can.
   */
  readonly thread: 'here' | PlaceId | null;
  /** The platform's message that carries the event; null where there is none. */
  readonly messageId: MessageId | null;
  readonly sentAtMs: number;
  /** Where an answer goes; only the adapter that made it reads it. */
  readonly replyTarget: ReplyTarget;
}

/** Opaque, JSON-serialisable address of an answer. */
export type ReplyTarget = { readonly [key: string]: string | number | boolean | null };

/** How a message concerns the bot, as far as the platform tells. */
export interface Addressing {
  /** Written where only this person and the bot are. */
  readonly isPrivate: boolean;
  readonly mentionsBot: boolean;
  readonly repliesToBot: boolean;
  /** Written to nobody else in a thread that the bot has opened for its answers. */
  readonly inOwnThread: boolean;
  /** Asked by a command such as `/ask`. */
  readonly byCommand: boolean;
  /** The bot itself wrote it. */
  readonly fromSelf: boolean;
  /** A join, a pin, a title change: nothing anybody said. */
  readonly isSystem: boolean;
}

/** What a person wrote, with the mention of the bot already removed. */
export interface IncomingMessage extends Envelope {
  readonly text: string;
  /** The platform keeps what was written from this bot; `text` is empty. */
  readonly isTextWithheld: boolean;
  /** So long that the platform's clients may have cut it and send the rest as a message of its own. */
  readonly isMaybeCut: boolean;
  readonly repliesTo: MessageId | null;
  /** The answer is to search the web; only a command can say so. */
  readonly search?: boolean;
  readonly addressing: Addressing;
}
