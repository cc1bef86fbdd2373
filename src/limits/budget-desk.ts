import type { GuildId } from '../platform/ids.ts';
import type { Author, Guild, Envelope } from '../platform/message.ts';

export type BudgetWindow = 'day' | 'month';

/** A budget in its present window. Money is integer nano-USD. */
export interface BudgetInForce {
  readonly window: BudgetWindow;
  /** The least of all that were decided; null for no limit, 0 for free models only. */
  readonly limitNanoUsd: number | null;
  /** What the guild's admins decided; null where they did not. */
  readonly ownNanoUsd: number | null;
  /** Settled. */
  readonly spentNanoUsd: number;
  /** For answers that are being written. */
  readonly heldNanoUsd: number;
  readonly startedAtMs: number;
  readonly resetsAtMs: number;
  /** When the first money of this window was spent, to the hour; null where none was. */
  readonly firstSpentAtMs: number | null;
  /** Those that were told in this window, per cent, for the present amount. */
  readonly told: readonly number[];
}

/** What admins want: absent leaves as it is, null removes. Integer nano-USD. */
export type BudgetChange = { readonly [Window in BudgetWindow]?: number | null };

/** Who changes something, and where. */
export type BudgetAsker = Pick<Envelope, 'originKey' | 'author'> & { readonly guild: Guild };

/** Reads budgets and sets those of guilds. Rejects with `StoreUnavailable`. */
export interface BudgetDesk {
  /** Day before month. `guild` null: the instance's. */
  show(guild: GuildId | null): Promise<readonly BudgetInForce[]>;
  /** What cheaper models spared lately, nano-USD; below zero where others cost more. `guild` null: of the author's private use. */
  spared(author: Author, guild: Guild | null, days: number): Promise<bigint>;
  /** All or nothing, recorded with its author; repeating the origin key changes nothing. */
  set(asker: BudgetAsker, change: BudgetChange): Promise<void>;
}
