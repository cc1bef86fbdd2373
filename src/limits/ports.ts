import type { GuildId, PlaceId, TurnId, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { QuotaMetric, QuotaWindow } from './quota.ts';

/** One kind of allowance, such as `requests_day`. */
export type QuotaKey = `${QuotaMetric}_${QuotaWindow}`;

/** Whose use a counter counts. A member is a person within one guild, a user is a person everywhere. */
export type QuotaSubject = 'instance' | 'guild' | 'channel' | 'member' | 'user';

/** What limits are set for: a subject, or each member of a guild, or each member who has a role (`discord:<id>`). */
export type QuotaTarget =
  | { readonly kind: 'instance' }
  | { readonly kind: 'guild'; readonly guild: GuildId }
  | { readonly kind: 'channel'; readonly guild: GuildId; readonly channel: PlaceId }
  | { readonly kind: 'role'; readonly guild: GuildId; readonly role: string }
  | { readonly kind: 'members'; readonly guild: GuildId }
  | { readonly kind: 'member'; readonly guild: GuildId; readonly user: UserId }
  | { readonly kind: 'user'; readonly user: UserId };

/**
 * Whose decision a limit is. Operators decide for the instance, any guild and any user, in place of the default. A guild's
 * admins decide for the guild, its channels, roles and members, and people for themselves: that can only lower.
 */
export type QuotaAuthority = 'operator' | 'admins' | 'self';

/** What somebody has set: null for no limit, 0 for blocked. Money is integer nano-USD. */
export interface QuotaSetting {
  readonly key: QuotaKey;
  readonly limit: number | null;
  readonly by: QuotaAuthority;
  /** When it ends, and what was set before, or the default, is in force again; null for one that stays. */
  readonly untilMs: number | null;
}

/** A limit in force. Money is integer nano-USD. */
export interface QuotaInForce {
  readonly subject: QuotaSubject;
  readonly metric: QuotaMetric;
  readonly window: QuotaWindow;
  /** 0 blocks. */
  readonly limit: number;
  /** Settled. */
  readonly used: number;
  /** By turns that are not at their end. */
  readonly held: number;
  readonly resetsAtMs: number;
  /** Whose decision it is; `default` where nobody has decided otherwise. */
  readonly by: QuotaAuthority | 'default';
  /** The role (`discord:<id>`) that a member has it by; null for all others. */
  readonly role: string | null;
  readonly untilMs: number | null;
}

export interface QuotaOverview {
  /** Of the target's own counters; none for roles and `members`, whose members have a counter each. */
  readonly inForce: readonly QuotaInForce[];
  /** What is set for this very target, by anybody, unless it has ended. */
  readonly set: readonly QuotaSetting[];
}

/** Who changes something, and where: only the platform's facts, and the key that makes repeating harmless. */
export type QuotaAsker = Pick<Envelope, 'originKey' | 'author' | 'guild'>;

export interface QuotaChange {
  readonly asker: QuotaAsker;
  readonly target: QuotaTarget;
  /** On whose side it is written; the caller has checked that the asker may. */
  readonly by: QuotaAuthority;
  readonly key: QuotaKey;
  /** Null for no limit, 0 for blocked; cost in nano-USD. */
  readonly limit: number | null;
  /** Null for one that stays. Setting that leaves an end-dated one of the same key as it is, and the other way round. */
  readonly untilMs: number | null;
}

export interface QuotaClearing extends Pick<QuotaChange, 'asker' | 'target' | 'by'> {
  /** Null for all that this side has set for the target, end-dated ones too. */
  readonly key: QuotaKey | null;
}

export type QuotaChangeOutcome =
  /** `inForce`: what holds for the key from now on (null: no limit); null too for roles, `members`, and all keys at once. */
  | { readonly kind: 'changed'; readonly inForce: number | null }
  /** There was nothing to clear, or it was set like that before. */
  | { readonly kind: 'unchanged'; readonly inForce: number | null }
  /** No such guild or person has ever been heard of; nothing is changed. */
  | { readonly kind: 'unknown' };

/** A counter beside the usage that it should equal. Money is integer nano-USD. */
export interface QuotaCounter {
  readonly metric: QuotaMetric;
  readonly window: QuotaWindow;
  readonly used: number;
  /** The sum of usage in the same window. */
  readonly rebuilt: number;
  /** `used` − `rebuilt`. */
  readonly difference: number;
  /** Null for no limit. */
  readonly limit: number | null;
  readonly resetsAtMs: number;
}

/** What an unfinished turn may still use of a subject. */
export interface LiveHold {
  /** Null where the turn is gone: such a hold counts until it expires. */
  readonly turn: TurnId | null;
  readonly state: string | null;
  readonly sinceMs: number;
  readonly requests: number;
  readonly tokens: number;
  readonly images: number;
  readonly nanoUsd: number;
}

export interface QuotaExplanation {
  /** All windows of all metrics that have a limit or a use; none where nothing is counted for the target. */
  readonly counters: readonly QuotaCounter[];
  /** Oldest first. */
  readonly holds: readonly LiveHold[];
}

export interface RefusedAttempt {
  readonly action: 'quota.show' | 'quota.set' | 'quota.clear' | 'quota.explain';
  /** A qualified id, or `instance`: what it was about. */
  readonly subject: string;
  readonly why: 'not_admin' | 'not_operator' | 'instance_money_only';
}

/** Reads and sets limits. Rejects with `StoreUnavailable`. */
export interface QuotaDesk {
  /** Every limit in force that a turn of this author would meet in this place, narrowest subject last; two rows of one subject never share a key. */
  applying(spot: Pick<Envelope, 'author' | 'guild' | 'channel'>): Promise<readonly QuotaInForce[]>;
  /** What is set for a target and, where it has counters, used. */
  show(target: QuotaTarget): Promise<QuotaOverview>;
  /** Recorded with its author, before and after; repeating the origin key returns the first outcome. */
  set(change: QuotaChange): Promise<QuotaChangeOutcome>;
  /** As `set` does. */
  clear(clearing: QuotaClearing): Promise<QuotaChangeOutcome>;
  explain(target: QuotaTarget): Promise<QuotaExplanation>;
  /** Records an attempt that was not allowed; once for an origin key. */
  refuse(asker: QuotaAsker, attempt: RefusedAttempt): Promise<void>;
}
