import type { Payer } from '../completion/ports.ts';
import type { GuildId, OriginKey, TurnId, UserId } from '../platform/ids.ts';
import type { Author, Guild } from '../platform/message.ts';

/** Whose key it is: a guild's, or a person's own. */
export type KeyScope = 'user' | 'guild';

/** Who a key pays for. */
export interface KeySubject {
  readonly scope: KeyScope;
  readonly id: UserId | GuildId;
}

/** The only service so far whose keys people bring. */
export const KEY_PROVIDER = 'openrouter';

/** A key as it is stored. */
export interface SealedKey {
  readonly id: string;
  readonly scope: KeyScope;
  readonly provider: string;
  readonly sealed: string;
  /** `invalid`: the provider refused it. It pays all the same, until it is removed or replaced. */
  readonly state: 'valid' | 'invalid';
  /** Rises each time that the key is found good: what was learned of it before counts no more. */
  readonly revision: number;
}

/** What there is to tell of a stored key beside itself. */
export interface StoredKey extends SealedKey {
  readonly subject: KeySubject;
  readonly last4: string;
  /** Name of who gave it. */
  readonly givenBy: string;
  readonly createdAtMs: number;
  /** When it was last used; null where it never was. Exact to a day. */
  readonly usedAtMs: number | null;
}

export interface NewKey {
  readonly id: string;
  readonly provider: string;
  readonly sealed: string;
  readonly last4: string;
  readonly fingerprint: string;
}

/** Who changes a key, by which event, and for whom: their guild, or themselves where that is null. */
export interface KeyChange {
  readonly originKey: OriginKey;
  readonly author: Pick<Author, 'id' | 'name' | 'locale'>;
  readonly guild: Guild | null;
}

export interface Kept {
  readonly kind: 'kept';
  /** Whose it is by now; null for the person's own. */
  readonly guild: Guild | null;
  readonly last4: string;
  /** The key that it took the place of; `givenBy` where somebody else gave that one. */
  readonly replaced: {
    readonly last4: string;
    readonly isSame: boolean;
    readonly givenBy: string | null;
  } | null;
}

export type Removed = { readonly kind: 'removed'; readonly last4: string } | { readonly kind: 'none' };

/** How somebody is about to give a key: by a sign-in with the provider, or with their next message. */
export type RequestKind = 'sign_in' | 'message';
export type KeyWay = RequestKind | 'command';

/** What became of a request: `used` and `expired` are those that were finished and those that took too long. */
export type TakenRequest =
  | {
      readonly kind: 'taken';
      readonly id: string;
      /** The verifier of a sign-in. */
      readonly sealed: string | null;
      readonly author: KeyChange['author'];
      readonly guild: Guild | null;
    }
  | { readonly kind: 'none' | 'used' | 'expired' };

/** Keeps keys, never in plain. Every method rejects with `StoreUnavailable`. */
export interface KeyStore {
  find(subject: KeySubject): Promise<StoredKey | null>;
  /** The key of a turn's payer as it is by now; null where there is none. */
  ofTurn(turn: TurnId): Promise<SealedKey | null>;
  /** Who would pay for a turn of the person there. */
  payer(user: UserId, guild: GuildId | null): Promise<Payer>;
  /** What an event that changed a key led to; null where it is new. */
  outcome(originKey: OriginKey): Promise<Kept | Removed | null>;
  /** The last one wins. Repeating the origin key changes nothing and tells the same. `by`: the way it came. */
  set(change: KeyChange, key: NewKey, by: KeyWay): Promise<Kept>;
  /** As `set`. The sealed text is gone with it. */
  remove(change: KeyChange): Promise<Removed>;
  /** What became known of a key; on record once each time that begins. `actor`: whose doing showed it. */
  mark(key: Pick<SealedKey, 'id' | 'revision'>, as: KeyFinding, actor: UserId | null): Promise<void>;
  ask(
    change: KeyChange,
    request: { readonly id: string; readonly kind: RequestKind; readonly sealed: string | null },
    forMs: number,
  ): Promise<void>;
  /** By its id, or the newest that a person has begun. Each is taken once; by an event that is repeated, again until it ends. */
  take(
    kind: RequestKind,
    which: { readonly id: string } | { readonly user: UserId; readonly originKey: OriginKey },
  ): Promise<TakenRequest>;
  /** `again`: nothing came of it, and it may be taken once more. */
  end(requestId: string, again: boolean): Promise<void>;
}

/** `refused` by the provider, `accepted` by it, or `unreadable` with the encryption keys that are set. */
export type KeyFinding = 'refused' | 'accepted' | 'unreadable';

/** A row with a secret in it, as a rotation goes through them. */
export interface SealedRow {
  readonly id: string;
  readonly provider: string;
  readonly subject: KeySubject;
  readonly sealed: string;
}

/** What the care for all keys takes. Every method rejects with `StoreUnavailable`. */
export interface KeyVault {
  /** The sealed text that tells whether the encryption key is the one of before; null before there was any. */
  canary(): Promise<string | null>;
  /** Replaces `before`; false where another process was first. */
  setCanary(sealed: string, before: string | null): Promise<boolean>;
  /** At most `limit` rows, by their ids, after one. */
  page(after: string | null, limit: number): Promise<readonly SealedRow[]>;
  /** False where the row is another one by now. */
  reseal(row: SealedRow, sealed: string, fingerprint: string): Promise<boolean>;
  /** On record: how many rows were sealed anew, and how many could not be. */
  noteRotation(counts: { readonly resealed: number; readonly unreadable: number }): Promise<void>;
}
