import type { UserId } from '../platform/ids.ts';

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

/** Who was refused for want of an approval, and the operator's answer. Rejects with `StoreUnavailable`. */
export interface AccessRequests {
  /** Guilds, and people in private, that are not approved yet; newest first, at most 20. */
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
  /**
   * Approves a guild or person by the qualified id; false when nobody known has it. Recorded with
   * who approved; repeating it changes nothing.
   */
  approve(id: string, by: UserId): Promise<boolean>;
}
