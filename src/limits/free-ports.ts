import type { FreeGrant, FreeTake } from '../completion/free-places.ts';
import type { GuildId, UserId } from '../platform/ids.ts';

/** One account with one provider. */
export interface PoolKey {
  /** `operator`, or the id of the key that pays. */
  readonly payer: string;
  readonly provider: string;
}

export interface PoolAsking extends PoolKey {
  readonly subject: string;
  /** 1 to 3. */
  readonly wanted: number;
  /** Of the account; a tenth of it is left for others. */
  readonly perMinute: number;
  readonly isBackground: boolean;
}

/** What a provider tells of an account; `waitMs` until it serves again. */
export type PoolCorrection = PoolKey &
  (
    | { readonly kind: 'told'; readonly used: number; readonly limit: number }
    | { readonly kind: 'day' | 'minute'; readonly waitMs: number }
  );

/** The pools as all processes share them. Every method rejects with `StoreUnavailable` where the database can't be reached. */
export interface FreePoolStore {
  take(asking: PoolAsking): Promise<FreeTake>;
  giveBack(place: PoolKey & { readonly subject: string } & FreeGrant): Promise<void>;
  correct(correction: PoolCorrection): Promise<void>;
  /** Null where nothing was ever taken from it. */
  left(user: UserId, guild: GuildId | null, perMinute: number): Promise<PoolLeft | null>;
}

/** What is left of free answers for whoever asks. */
export interface FreeAllowance {
  readonly payer: 'operator' | 'guild' | 'user';
  /** `nextAtMs`: when there is a place again, where none is left. */
  readonly minute: { readonly limit: number; readonly left: number; readonly nextAtMs: number | null };
  /**
   * Of the UTC day; null where nobody knows. `ownLeft` is the asker's share, null with an unknown `limit`, as is `left`
   * (0 where the provider says that the day is spent).
   */
  readonly day: {
    readonly limit: number | null;
    readonly left: number | null;
    readonly ownLeft: number | null;
    readonly resetsAtMs: number;
  } | null;
  /** Questions that wait for a place here. */
  readonly waiting: number;
}

export interface PoolLeft extends Omit<FreeAllowance, 'waiting'> {
  /** The payer, as pools are named. */
  readonly pool: string;
}

/** For `/limits`. */
export interface FreePoolReader {
  /**
   * What is left for a person, or for them in a guild; null where nothing was ever asked of a free model there, or where there
   * is no limit. Rejects with `StoreUnavailable`.
   */
  left(user: UserId, guild: GuildId | null): Promise<FreeAllowance | null>;
}
