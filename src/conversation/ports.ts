import type { AttemptRecord } from '../completion/attempt.ts';
import type { BudgetStanding } from '../completion/budget.ts';
import type { SearchReport } from '../completion/sources.ts';
import type { QuotaLimits } from '../limits/quota.ts';
import type { GuildId, MessageId, OriginKey, PlaceId, Platform, TurnId, UserId } from '../platform/ids.ts';
import type { TurnPlan } from '../plans/ports.ts';
import type { PartRecord } from '../platform/reply.ts';
import type { Envelope, ReplyTarget } from '../platform/message.ts';
import type {
  DeliverableTurn,
  QuotaRefusal,
  Refusal,
  RunnableTurn,
  StoredNotice,
  TurnCause,
  TurnSettings,
  TurnState,
  Versions,
} from './turn.ts';

/**
 * The durable side of the engine. Every method rejects with `StoreUnavailable` when the database
 * can't be reached; nothing has happened then, or the same call may simply be made again: all of
 * them are idempotent.
 */
export interface TurnStore {
  /** Decides durably whether a turn runs. One round trip. */
  admit(request: AdmitRequest): Promise<Planned<AdmitVerdict>>;
  /** Answers the question of a turn again, or continues its answer, in the same reply. */
  repeat(request: RepeatRequest): Promise<Planned<RepeatVerdict>>;
  /** Takes what a message reads now: a turn that waits reads it so, any other one is run anew in its reply. */
  edit(request: EditRequest): Promise<Planned<EditVerdict>>;
  /** Takes messages, and the answers to them, out of their conversations. */
  deleteMessages(request: DeleteRequest): Promise<Deleted>;
  /** Shows another version of an answer. */
  selectVersion(request: SelectRequest): Promise<SelectVerdict>;
  /**
   * Ends a running turn: answer, attempts, usage, counters, holds and the start of the
   * conversation's next queued turn, all or nothing. One round trip. Settling twice changes nothing.
   */
  settle(request: SettleRequest): Promise<SettleResult>;
  /**
   * Holds money before a paid attempt; refused when any budget of the turn's subjects would be
   * passed. Rejects when the turn no longer runs under this claim: the attempt must not be made.
   */
  holdCost(claim: TurnClaim, attempt: number, nanoUsd: bigint): Promise<CostHold>;
  /** Keeps leases alive and brings back what others decided about these turns meanwhile. */
  renewLeases(instance: string, claims: readonly TurnClaim[], leaseMs: number): Promise<LeaseNews>;
  /** Ends leases at once: whoever sweeps next takes the turns. */
  releaseLeases(instance: string, claims: readonly TurnClaim[]): Promise<void>;
  /**
   * Claims turns nobody works on: queued ones whose conversation is idle, running or undelivered
   * ones whose lease ran out. Queued and running turns older than `maxAgeMs` end as interrupted,
   * with `interruptedNotice`; running ones that were asked to stop end as cancelled.
   */
  claimWork(request: ClaimRequest): Promise<ClaimedWork>;
  /** Stores the id by which a lost attempt can be billed later. */
  attemptStarted(claim: TurnClaim, attempt: AttemptStart): Promise<void>;
  /** Notes that a part is about to be created. Rejects with `ClaimLost` when another process has the turn. */
  intendPart(claim: TurnClaim, index: number): Promise<void>;
  /** Notes a created part. False where the claim is over and nobody knows of the part. */
  partSent(claim: TurnClaim, index: number, platformMessageId: string): Promise<boolean>;
  /** Notes a deleted part. */
  partRemoved(claim: TurnClaim, platformMessageId: string): Promise<void>;
  /** The parts of a turn's reply as they are on record now. */
  parts(turn: TurnId): Promise<readonly PartRecord[]>;
  /** Whether a turn's reply is complete, so that the one behind it may show. */
  shown(turn: TurnId): Promise<Shown>;
  /**
   * Nothing is on its way any more: the person has the text in full, or never can (`unreachable`), or it was taken away
   * (`isRetracted`). Ends the lease.
   */
  markDelivered(claim: TurnClaim, how: DeliveryRecord): Promise<void>;
  /** The platform takes the text only later: nobody tries again before. */
  postpone(claim: TurnClaim, retryAfterMs: number): Promise<void>;
  /** Asks whoever runs this turn to stop; a queued one ends at once. */
  requestCancel(turn: TurnId, by: DecidedBy): Promise<CancelVerdict>;
  /** Whether a turn, or the one that it was merged into, has yet to begin. */
  waits(turn: TurnId): Promise<boolean>;
  /** Turns that are queued or running in a place, oldest first. */
  activeTurns(place: PlaceId): Promise<readonly TurnId[]>;
  /** Starts a fresh conversation in a place. Repeating the origin key changes nothing. */
  startConversation(envelope: Envelope): Promise<void>;
}

/** A verdict with the plan by which it was reached; absent where there are none. */
export type Planned<Verdict> = Verdict & { readonly plan?: TurnPlan };

/** How much of a conversation a model reads. */
export interface WindowLimits {
  readonly maxTokens: number;
  readonly maxMessages: number;
  /** What every prompt begins with, at most. */
  readonly systemTokens: number;
  /** What is held beyond that, and beyond all readings of question and history, for an answer that searches the web. */
  readonly searchTokens?: number;
}

/** A turn as one process has claimed it; a later claim has a higher epoch. */
export interface TurnClaim {
  readonly id: TurnId;
  readonly epoch: number;
}

export interface AdmitRequest {
  readonly turnId: TurnId;
  readonly cause: TurnCause;
  readonly envelope: Envelope;
  readonly isPrivate: boolean;
  readonly repliesTo: MessageId | null;
  readonly text: string;
  /** Estimated tokens of `text`. */
  readonly estTokens: number;
  /** The answer is to search the web. */
  readonly search?: boolean;
  /** What the access policy says before the database is asked. */
  readonly access: 'granted' | 'denied' | 'if_approved';
  /** A reason to refuse that is known already (limiter full, empty text); recorded after the dedupe. */
  readonly refusal: Refusal | null;
  readonly window: WindowLimits;
  readonly hold: {
    readonly systemTokens: number;
    readonly maxCompletionTokens: number;
    /** What an answer takes beyond that where it searches the web; the store adds the readings of question and history. */
    readonly searchTokens?: number;
    /** How many images it makes at most; none unless told. */
    readonly images?: number;
  };
  readonly defaults: {
    readonly user: QuotaLimits;
    readonly guild: QuotaLimits;
    readonly instance: QuotaLimits;
  };
  readonly instance: string;
  readonly leaseMs: number;
  /** What one person says within so many milliseconds of their last message is answered together with it. */
  readonly burstMs: number;
  /** Whose free pools a turn that runs takes its place from; absent where there are none. */
  readonly freePool?: FreePoolChoice | null;
  /** Turns that run here and of which nobody has seen anything yet. */
  readonly unshown: readonly TurnId[];
}

export interface FreePoolChoice {
  /** Of an account, for all its free models together. */
  readonly perMinute: number;
  /** Which provider's free models the operator's turns ask first; null where a paid one comes first. */
  readonly operators: string | null;
}

type Admission =
  | 'turnId'
  | 'envelope'
  | 'access'
  | 'refusal'
  | 'window'
  | 'hold'
  | 'defaults'
  | 'instance'
  | 'leaseMs';

/** The envelope is that of the press. */
export interface RepeatRequest extends Pick<AdmitRequest, Admission> {
  readonly cause: 'regenerate' | 'continue';
  readonly target: TurnId;
  readonly by: DecidedBy;
}

export interface EditRequest extends Pick<AdmitRequest, Admission | 'text' | 'estTokens'> {
  readonly cause: 'edit';
}

export interface DeleteRequest {
  readonly messages: readonly MessageId[];
  readonly instance: string;
  readonly leaseMs: number;
}

export interface SelectRequest {
  readonly target: TurnId;
  /** To the next version, or to the one before; they go round. */
  readonly step: 1 | -1;
  readonly by: DecidedBy;
  readonly originKey: OriginKey;
  readonly access: AdmitRequest['access'];
  /** A reason to refuse that is known already. */
  readonly refusal: Refusal | null;
  readonly instance: string;
  readonly leaseMs: number;
}

export interface DeliveryRecord {
  readonly unreachable: string | null;
  readonly isRetracted: boolean;
}

/** `postponed`: the platform can not take it now; nobody tries again before. */
export type Shown =
  | { readonly kind: 'shown' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'postponed'; readonly retryAfterMs: number };

export type AdmitVerdict =
  | { readonly kind: 'duplicate'; readonly turnId: TurnId; readonly state: TurnState }
  | {
      readonly kind: 'refused';
      readonly turnId: TurnId;
      readonly epoch: number;
      /** As of a claimed turn. */
      readonly leasedAtMs: number;
      readonly refusal: Refusal;
      readonly settings: TurnSettings;
      /** The person's language, as the platform reported it with this event or the last one that did. */
      readonly reportedLocale: string | null;
      /** The same was told here a moment ago. */
      readonly isTold: boolean;
    }
  /** The message is answered together with the one before it, by that one's turn. */
  | { readonly kind: 'merged'; readonly turnId: TurnId; readonly into: TurnId }
  | QueuedVerdict
  | RunVerdict;

export interface QueuedVerdict {
  readonly kind: 'queued';
  readonly turnId: TurnId;
  readonly ahead: number;
  readonly settings: TurnSettings;
  /** A running turn whose message is answered by this one too: it is to be stopped. */
  readonly absorbs: TurnId | null;
}

export interface RunVerdict {
  readonly kind: 'run';
  readonly turn: RunnableTurn;
}

type Known = Extract<AdmitVerdict, { kind: 'duplicate' }>;
type Refused = Extract<AdmitVerdict, { kind: 'refused' }>;

export type RepeatVerdict =
  | Known
  | QueuedVerdict
  | RunVerdict
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The reply is being written. */
  | { readonly kind: 'busy' }
  /** The question, or what there was to choose from, is not there any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'not_yours' };

export type EditVerdict =
  | Known
  | Refused
  | { readonly kind: 'unknown' | 'unchanged' | 'too_late' }
  /** The turn still waited, and will read the new text. */
  | { readonly kind: 'revised'; readonly turnId: TurnId }
  | ((QueuedVerdict | RunVerdict) & { readonly supersedes: TurnId | null });

export interface Deleted {
  /** Turns that run, wherever that is. */
  readonly cancel: readonly TurnId[];
  /** Replies that this process is to take away. */
  readonly deliver: readonly DeliverableTurn[];
}

export type SelectVerdict =
  | { readonly kind: 'selected'; readonly turn: DeliverableTurn }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'duplicate' | 'busy' | 'gone' | 'not_yours' };

export interface SettleRequest {
  readonly turnId: TurnId;
  readonly epoch: number;
  readonly state: 'generated' | 'failed' | 'cancelled' | 'interrupted';
  readonly answer: StoredAnswer | null;
  readonly notice: StoredNotice | null;
  /** Stand below whatever shows; the store adds what there is to tell about budgets. */
  readonly remarks?: readonly StoredNotice[];
  /** Pays for no call any more: whoever is to know of it is told, though less than all was spent. */
  readonly exhausted?: Pick<BudgetStanding, 'subject' | 'window'> | null;
  readonly attempts: readonly AttemptRecord[];
  readonly window: WindowLimits;
  readonly instance: string;
  readonly leaseMs: number;
}

export interface StoredAnswer {
  readonly messageId: string;
  readonly text: string;
  readonly estTokens: number;
  readonly model: string;
  /** The model was cut off: by length, by a fault after the first text, or by a person. */
  readonly partial: boolean;
  /** What searches of the web gave to it. */
  readonly search?: SearchReport | null;
}

export type SettleResult =
  | {
      readonly kind: 'settled';
      readonly next: RunnableTurn | null;
      readonly fate: Fate | null;
      readonly versions: Versions;
      readonly remarks?: readonly StoredNotice[];
      /** Of the operator's own budget, each told once. */
      readonly alerts?: readonly BudgetAlert[];
    }
  /** This very epoch settled before, and the answer to that was lost; nothing was changed. */
  | {
      readonly kind: 'already_settled';
      readonly state: TurnState;
      readonly fate: Fate | null;
      readonly remarks?: readonly StoredNotice[];
    }
  /** Another process claimed the turn meanwhile; its result counts. */
  | { readonly kind: 'lease_lost' };

/** So much of a budget is spent, per cent; 100 too where what is left pays for no call any more. */
export interface BudgetAlert {
  readonly window: 'day' | 'month';
  readonly threshold: 50 | 80 | 100;
  readonly limitNanoUsd: number;
  readonly spentNanoUsd: number;
}

/** What others decided about a turn while it ran: its reply is to be taken away, or is another turn's now. */
export type Fate = 'retracted' | 'superseded' | 'merged';

export type CostHold =
  | { readonly kind: 'held' }
  | { readonly kind: 'refused'; readonly refusal: QuotaRefusal };

export interface LeaseNews {
  /** Those whose lease is good again for its whole length; a turn that is being changed at the moment is in no list. */
  readonly renewed: readonly TurnId[];
  readonly lost: readonly TurnId[];
  readonly cancelled: readonly TurnId[];
  /** An emergency stop is in force for these. */
  readonly stopped: readonly TurnId[];
}

export interface ClaimRequest {
  readonly instance: string;
  readonly leaseMs: number;
  readonly limit: number;
  readonly maxAgeMs: number;
  /** What could not be delivered for so long is given up. */
  readonly deliveryMaxAgeMs: number;
  /** Turns that this process works on: they are left alone even when their lease has run out. */
  readonly held: readonly TurnId[];
  /** Other owners' leases are void: this process has the database for itself and has just started. */
  readonly takeOver: boolean;
  /** Turns of other platforms are left to processes that serve them. */
  readonly platforms: readonly Platform[];
  readonly interruptedNotice: StoredNotice;
  readonly window: WindowLimits;
}

/** Both in the order of admission. What is to be delivered comes before what runs in the same conversation. */
export interface ClaimedWork {
  readonly run: readonly RunnableTurn[];
  readonly deliver: readonly DeliverableTurn[];
}

export interface AttemptStart {
  readonly index: number;
  readonly provider: string;
  readonly model: string;
  readonly generationId: string;
}

/** Who wants to decide about a turn. */
export interface DecidedBy {
  readonly user: UserId;
  /** The guild about whose turns this person may decide; null for none. */
  readonly adminOf: GuildId | null;
  readonly isOperator: boolean;
}

export type CancelVerdict =
  /** The turn, or the one that answers its message now. */
  | {
      readonly kind: 'cancelling';
      readonly turnId: TurnId;
      /** Where messages of a turn that waited are marked as waiting. */
      readonly waited: readonly ReplyTarget[];
    }
  | { readonly kind: 'not_running' }
  | { readonly kind: 'not_yours' };

/** Another process has claimed the turn: this one must not write for it any more. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}
