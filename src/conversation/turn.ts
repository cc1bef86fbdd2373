import type { BudgetStanding } from '../completion/budget.ts';
import type { LostAttempt } from '../completion/attempt.ts';
import type { FreePlace } from '../completion/free-places.ts';
import type { AllowedModels, Payer } from '../completion/ports.ts';
import type { SearchReport } from '../completion/sources.ts';
import type { SealedKey } from '../keys/ports.ts';
import type { TurnPlan } from '../plans/ports.ts';
import type { GuildId, OriginKey, PlaceId, Platform, TurnId, UserId } from '../platform/ids.ts';
import type { ReplyTarget } from '../platform/message.ts';
import type { PartRecord } from '../platform/reply.ts';

/**
 * queued → running → generated (money and answer are final) → delivered. The other states are
 * final from the moment they are entered; what the person is told then (`notice`) is delivered
 * like an answer and marked by `deliveredAt`.
 */
export type TurnState =
  | 'queued'
  | 'running'
  | 'generated'
  | 'delivered'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'interrupted'
  | 'merged'
  | 'superseded';

export type TurnCause = 'message' | 'edit' | 'regenerate' | 'continue' | 'command' | 'api' | 'schedule';

/** Why a turn was not allowed to run. */
export type Refusal =
  | { readonly reason: 'stopped' }
  | { readonly reason: 'blocked' }
  | { readonly reason: 'access_denied' }
  | { readonly reason: 'approval_needed' }
  | { readonly reason: 'empty_message' }
  | { readonly reason: 'text_withheld' }
  | { readonly reason: 'message_too_long'; readonly maxCharacters: number }
  /** Written so long ago, while nobody listened, that an answer would surprise. */
  | { readonly reason: 'too_old' }
  /** More than the context of the plan takes, in tokens. */
  | { readonly reason: 'over_context'; readonly plan: string; readonly maxTokens: number }
  | { readonly reason: 'rate_limited'; readonly retryAfterMs: number }
  | QuotaRefusal;

export interface QuotaRefusal {
  readonly reason: 'quota';
  readonly subject: 'instance' | 'guild' | 'channel' | 'member' | 'user';
  readonly metric: 'requests' | 'tokens' | 'cost' | 'images';
  readonly window: 'hour' | 'day' | 'month';
  /** Requests, tokens or images; nano-USD for cost. */
  readonly limit: number;
  /** Settled use and live holds together, in the unit of `limit`. */
  readonly used: number;
  readonly resetsAtMs: number;
}

/** What a person reads when there is no answer: a key of the i18n dictionary and its values. */
export interface StoredNotice {
  readonly key: string;
  readonly params: Readonly<Record<string, string | number>>;
}

/** One message of the history window, oldest first. */
export interface WindowMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  /** Who wrote it; null for our own. */
  readonly authorName: string | null;
}

/** What follows for this turn from what guild and user have set, the user's choice first. */
export interface TurnSettings {
  readonly model: string | null;
  /** The person's own choice and not the guild's. Turns of an older release tell nothing of it and of the next two. */
  readonly isOwnModel?: boolean;
  /** Where the person's model can't answer, another one may. */
  readonly allowsFallback?: boolean;
  readonly allowedModels?: AllowedModels;
  /** The person's own, 0-2; null for the operator's. As the next one, unknown to turns of an older release. */
  readonly temperature?: number | null;
  readonly maxTokens?: number | null;
  /** Whether cheaper models may answer easy questions; null for what the operator thinks. */
  readonly optimises?: boolean | null;
  readonly locale: string | null;
  /** The model is to search the web, as the person asked. */
  readonly search?: boolean;
  /** The guild's key pays for searches of the web. */
  readonly allowsSearch?: boolean;
  /** The plan that is in force; absent where there are none. */
  readonly plan?: TurnPlan;
  /** Where more turns are to run than a process can, this one goes before others. */
  readonly isFirstInQueue?: boolean;
  /** The answer opens a thread, as the guild wants it. */
  readonly opensThread: boolean;
}

/** Whether only the model that the person chose may answer. */
export function isStrict({ model, isOwnModel = false, allowsFallback = false }: TurnSettings): boolean {
  return model !== null && isOwnModel && !allowsFallback;
}

/** How a guild's channels are divided into conversations: by replies, by a thread for each question, or not at all. */
export type ConversationStyle = 'chain' | 'thread' | 'channel';

/** What every claim of a turn tells about its reply. */
interface Claimed {
  /**
   * On this process's monotonic clock (milliseconds), a moment at which the lease had not begun yet: it lasts at least
   * for its length from then on.
   */
  readonly leasedAtMs: number;
  /** The turn whose reply this one writes; null for one of its own. */
  readonly replyOf: TurnId | null;
  /** The turn whose reply has to be complete before this one's shows; null for none. */
  readonly after: TurnId | null;
}

/** Which version of an answer shows, counted from 1, and how many there are. */
export interface Versions {
  readonly index: number;
  readonly count: number;
}

/** A turn with all that any process needs to run it. */
export interface RunnableTurn extends Claimed {
  readonly id: TurnId;
  readonly conversationId: string;
  /** Fences a writer that lost its lease: rises with each claim. */
  readonly epoch: number;
  readonly platform: Platform;
  readonly originKey: OriginKey;
  readonly place: PlaceId;
  readonly cause: TurnCause;
  readonly author: { readonly id: UserId; readonly internalId: string; readonly name: string };
  readonly guild: { readonly id: GuildId; readonly internalId: string } | null;
  readonly payer: Payer;
  /** The key that a payer other than the operator has at the moment; null where there is none, or none any more. */
  readonly ownKey: SealedKey | null;
  readonly replyTarget: ReplyTarget;
  readonly settings: TurnSettings;
  /** As the platform reported it with the event, if it did. */
  readonly reportedLocale: string | null;
  /** What its admission got it of the free pool; absent where it was admitted earlier, or asks no free model first. */
  readonly freePlace?: FreePlace;
  /** What the quota leaves for the answer, at most what was asked for. */
  readonly maxCompletionTokens: number;
  /** Oldest first; the question is the last. */
  readonly window: readonly WindowMessage[];
  readonly parts: readonly PartRecord[];
  readonly admittedAtMs: number;
  /** What the reply shows so far, where it is answered again or continued. */
  readonly previous: {
    readonly text: string;
    readonly isPartial: boolean;
    readonly search?: SearchReport | null;
  } | null;
  /** Where messages that waited for this turn are marked as waiting. */
  readonly waited: readonly ReplyTarget[];
  /** The budget that is nearest to its end; null where money has no limit, absent in a turn of an older release. */
  readonly budget?: BudgetStanding | null;
  /** Attempts of processes that are gone, which are yet to be accounted for. */
  readonly lost: readonly LostAttempt[];
}

/** A finished turn whose text has not reached the platform as far as the record knows. */
export interface DeliverableTurn extends Claimed {
  readonly id: TurnId;
  readonly epoch: number;
  readonly platform: Platform;
  readonly replyTarget: ReplyTarget;
  readonly settings: TurnSettings;
  readonly reportedLocale: string | null;
  readonly state: TurnState;
  readonly answer: string | null;
  /** The answer was cut off. */
  readonly isPartial: boolean;
  /** What searches of the web gave to the answer. */
  readonly search?: SearchReport | null;
  readonly notice: StoredNotice | null;
  /** Stand below whatever shows. */
  readonly remarks?: readonly StoredNotice[];
  readonly refusal: Refusal | null;
  readonly versions: Versions;
  /** The question was deleted: what shows is to be taken away. */
  readonly isRetracted: boolean;
  /** Where messages may still be marked as waiting for it, because it ended before it began. */
  readonly waited: readonly ReplyTarget[];
  readonly parts: readonly PartRecord[];
}
