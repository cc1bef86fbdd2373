import type { GuildId, MessageId, TurnId, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';

/** A recorded failure that is ours, findable by the id that the person was shown. */
export interface ErrorLog {
  /** Never rejects: a failure that can't be stored is still in the log. */
  record(entry: ErrorEntry): Promise<void>;
}

export interface ErrorEntry {
  readonly id: string;
  readonly area: string;
  /** Name and message of the error, already free of secrets and message text. */
  readonly message: string;
  /** Of the event that it happened with. */
  readonly originKey: string | null;
}

/** Who was refused for want of an approval, who has one, and the operator's decisions. Rejects with `StoreUnavailable`. */
export interface AccessRequests {
  /** Guilds, and people in private, that are not approved yet and were not blocked; newest first, at most 20. */
  pending(): Promise<
    readonly {
      /** Qualified. */
      readonly id: string;
      readonly name: string;
      readonly kind: 'guild' | 'user';
      /** When they were refused first, in milliseconds since 1970. */
      readonly sinceMs: number;
    }[]
  >;
  /** Guilds that are approved, or used the bot in the last 30 days: those that used it most first, at most 20. */
  guilds(): Promise<readonly GuildUse[]>;
  /**
   * Approves a guild or person by the qualified id; false when nobody known has it. Once per origin key, and recorded where it
   * changes anything.
   */
  approve(by: Actor, id: string): Promise<boolean>;
  /** Takes an approval back, because the bot leaves. False where nobody of that guild was ever heard. Once per origin key, and recorded. */
  leave(by: Actor, guild: GuildId): Promise<boolean>;
}

export interface GuildUse {
  readonly id: GuildId;
  readonly name: string;
  readonly isApproved: boolean;
  readonly isBlocked: boolean;
  /** In the last 30 days. */
  readonly requests: number;
  readonly tokens: number;
  readonly costNanoUsd: number;
}

/** Who decided something, and with which event. */
export type Actor = Pick<Envelope, 'originKey' | 'author' | 'guild'>;

/** A block of a guild, or of a person: everywhere, or in one guild. */
export type BlockSubject =
  | { readonly kind: 'guild'; readonly id: GuildId }
  | { readonly kind: 'user'; readonly id: UserId; readonly within: GuildId | null };

/**
 * Who is not served. Changes take effect with the next admission; each is recorded with who made it, once per origin key.
 * Rejects with `StoreUnavailable`.
 */
export interface Blocks {
  /** False where they were blocked already. */
  block(by: Actor, whom: BlockSubject, reason: string | null): Promise<boolean>;
  /** False where they were not blocked. */
  unblock(by: Actor, whom: BlockSubject): Promise<boolean>;
  /** In a guild, or with null everywhere and of guilds; newest first, at most 20. */
  list(guild: GuildId | null): Promise<readonly BlockEntry[]>;
  /** Turns of a person that wait or run, in one guild or anywhere. */
  turnsOf(user: UserId, within: GuildId | null): Promise<readonly TurnId[]>;
}

export interface BlockEntry {
  readonly kind: 'guild' | 'user';
  readonly id: string;
  /** Empty where they were never heard of. */
  readonly name: string;
  readonly reason: string | null;
  readonly sinceMs: number;
}

/** What people tell of what is wrong. Rejects with `StoreUnavailable`. */
export interface Reports {
  report(envelope: Envelope, report: ReportDraft): Promise<ReportOutcome>;
  /** Those of a guild, or with null all, that nobody has dealt with; newest first, at most 20. */
  open(guild: GuildId | null): Promise<readonly OpenReport[]>;
  /** Ends one of a guild, or with null any. Once per origin key, and recorded. */
  end(by: Actor, id: string, guild: GuildId | null): Promise<'done' | 'over' | 'unknown'>;
}

export interface ReportDraft {
  readonly id: string;
  /** The message that it is about. */
  readonly message: MessageId | null;
  readonly words: string;
}

export type ReportOutcome =
  | { readonly kind: 'kept'; readonly id: string }
  | { readonly kind: 'too_many'; readonly retryAfterMs: number }
  /** Who is blocked is not heard. */
  | { readonly kind: 'blocked' };

export interface OpenReport {
  readonly id: string;
  readonly atMs: number;
  readonly by: string;
  readonly byName: string;
  readonly place: string;
  readonly message: string | null;
  readonly turn: string | null;
  readonly words: string;
}

/** Who changed what, and who tried to. Rejects with `StoreUnavailable`. */
export interface AuditLog {
  /** Of a guild, or with null of everything; newest first, older than entry `before` where one is named. At most 20. */
  entries(guild: GuildId | null, before: number | null): Promise<readonly AuditEntry[]>;
  /** Notes that somebody tried what they may not; once per origin key. */
  refused(by: Actor, what: string, why: 'not_admin' | 'not_operator' | 'protected'): Promise<void>;
}

export interface AuditEntry {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly actorName: string;
  /** Such as `block` or `quota.set`. */
  readonly action: string;
  readonly subject: string;
  /** Of the person or guild that the subject names; empty for any other. */
  readonly subjectName: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Of a limit: for whom, as `{ for: 'role' }`. */
  readonly details: unknown;
}
