import type { AllowedModels } from '../completion/ports.ts';
import type { GuildId, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { ConversationStyle } from './turn.ts';

/** Of an answer, whoever chooses its length. */
export const LEAST_ANSWER_TOKENS = 16;
export const MOST_ANSWER_TOKENS = 128_000;
export const MOST_TEMPERATURE = 2;

/** What a person has chosen for their answers; null leaves it to the bot. */
export interface OwnPreferences {
  readonly model: string | null;
  /** Whether another model may answer where the chosen one can't. */
  readonly allowsFallback: boolean;
  /** 0 to `MOST_TEMPERATURE`. */
  readonly temperature: number | null;
  /** `LEAST_ANSWER_TOKENS` to `MOST_ANSWER_TOKENS`; the operator's own limit holds all the same. */
  readonly maxTokens: number | null;
  /** Whether cheaper models may answer easy questions. */
  readonly optimises: boolean | null;
}

/** What people choose for themselves, everywhere. Rejects with `StoreUnavailable`. */
export interface Preferences {
  of(user: UserId): Promise<OwnPreferences>;
  /** Changes what is given and leaves the rest. Repeating the envelope's origin key changes nothing. */
  change(envelope: Envelope, changes: Partial<OwnPreferences>): Promise<void>;
}

export type TimeZoneOutcome =
  | { readonly kind: 'unchanged'; readonly timeZone: string }
  /** Limits and budgets go by the zone before until `limitsFromMs`; null: not any more. */
  | { readonly kind: 'changed'; readonly timeZone: string; readonly limitsFromMs: number | null }
  /** The zone was changed less than 30 days ago; nothing is changed, and the attempt is on record. */
  | { readonly kind: 'too_soon'; readonly fromMs: number }
  /** The database knows no zone of that name; nothing is changed. */
  | { readonly kind: 'unknown' };

export interface TimeZoneBefore {
  readonly timeZone: string;
  /** Ms since the epoch; it may have passed. */
  readonly untilMs: number;
}

/** What a guild's admins decide for it. Rejects with `StoreUnavailable`. */
export interface GuildSettings {
  /** The models that may answer there. */
  allowedModels(guild: GuildId): Promise<AllowedModels>;
  /** As `setConversationStyle` does. */
  setAllowedModels(envelope: Envelope, allowed: AllowedModels): Promise<void>;
  /** Whether a key of the guild's own pays for searches of the web. */
  allowsSearch(guild: GuildId): Promise<boolean>;
  /** As `setConversationStyle` does. */
  setAllowsSearch(envelope: Envelope, allows: boolean): Promise<void>;
  conversationStyle(guild: GuildId): Promise<ConversationStyle>;
  /** The IANA name of the zone by whose midnight its days and months begin. */
  timeZone(guild: GuildId): Promise<string>;
  /** By which zone limits and budgets go until a moment, where the guild's own does not count for them yet; else null. */
  timeZoneBefore(guild: GuildId): Promise<TimeZoneBefore | null>;
  /**
   * As `setConversationStyle` does. Names are taken in any case of letters. The windows of its quotas move once the running
   * month has ended, if anything was used in it; a second change within 30 days is for operators.
   */
  setTimeZone(envelope: Envelope, name: string, isOperator: boolean): Promise<TimeZoneOutcome>;
  /** Sets it for the guild of the envelope. Recorded with its author; repeating its origin key changes nothing. */
  setConversationStyle(envelope: Envelope, style: ConversationStyle): Promise<void>;
}
