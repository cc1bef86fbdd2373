import type { TurnId, UserId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { createRecent } from '../platform/recent.ts';
import type { TurnClaim } from './ports.ts';
import type { TurnReply } from './turn-reply.ts';

/** A turn that this process works on. */
export interface HeldTurn {
  readonly abort: AbortController;
  /** Null where there is nothing to show. */
  readonly reply: TurnReply | null;
  /** Whether the lease is certain for as long as a call that is begun now may take to leave. */
  readonly mayWrite: () => boolean;
  /** The lease was good for its whole length at this moment of the monotonic clock. */
  renew(atMs: number): void;
  /** The work is under way; the turn is held until it ends. */
  begin(reply: TurnReply | null, work: Promise<void>): void;
}

/** The turns that this process works on, and until when they are certainly its own. */
export interface HeldTurns {
  hold(claim: TurnClaim & { readonly leasedAtMs: number }, author: UserId | null): HeldTurn;
  /** Aborts a turn that is held here, or that will be: a claim of it may be on its way from the store. */
  cancel(turn: TurnId): void;
  /** Whether just this claim is held. */
  has(claim: TurnClaim): boolean;
  get(turn: TurnId): HeldTurn | undefined;
  claims(): readonly TurnClaim[];
  /** Those of a person that run and have no text yet. */
  unshown(author: UserId): readonly TurnId[];
  /** Resolves when nothing is held. */
  idle(): Promise<void>;
  /** Aborts all for a reason. Tells of each, and resolves for all, when nothing of it is on its way any more. */
  abandon(reason: string, onQuiet: (claim: TurnClaim) => void): Promise<void>;
}

interface HeldParts {
  readonly leaseMs: number;
  readonly monotonicNow: () => number;
  readonly log: Logger;
}

/** The end of a lease in which nothing is written any more: time for a call to leave this machine, and some more. */
const LEASE_MARGIN_MS = 1500;

interface Entry extends HeldTurn {
  readonly claim: TurnClaim;
  readonly author: UserId | null;
  reply: TurnReply | null;
  work: Promise<void>;
}

export function createHeldTurns({ leaseMs, monotonicNow, log }: HeldParts): HeldTurns {
  const held = new Map<TurnId, Entry>();
  const cancelled = createRecent<TurnId, true>();

  function hold({ id, epoch, leasedAtMs }: TurnClaim & { leasedAtMs: number }, author: UserId | null): Entry {
    let goodUntilMs = leasedAtMs + leaseMs - LEASE_MARGIN_MS;
    const entry: Entry = {
      claim: { id, epoch },
      author,
      abort: new AbortController(),
      reply: null,
      work: Promise.resolve(),
      mayWrite: () => monotonicNow() < goodUntilMs,
      renew(atMs) {
        goodUntilMs = Math.max(goodUntilMs, atMs + leaseMs - LEASE_MARGIN_MS);
      },
      begin(reply, work) {
        entry.reply = reply;
        entry.work = work
          .catch((error: unknown) => {
            log.error({ turn: id, err: error }, 'a turn ended in an unexpected failure');
          })
          .then(() => reply?.abandon()) // whatever happened, the conversation's next reply may begin
          .finally(() => {
            if (held.get(id) === entry) held.delete(id);
          });
      },
    };
    held.set(id, entry);
    if (cancelled.has(id)) entry.abort.abort();
    return entry;
  }

  return {
    hold,
    cancel(turn) {
      cancelled.set(turn, true);
      held.get(turn)?.abort.abort();
    },
    has: ({ id, epoch }) => held.get(id)?.claim.epoch === epoch,
    get: (turn) => held.get(turn),
    claims: () => [...held.values()].map(({ claim }) => claim),
    unshown: (author) =>
      [...held.values()]
        .filter((entry) => entry.author === author && entry.reply?.hasText() === false)
        .map(({ claim }) => claim.id),
    async idle() {
      while (held.size > 0) await Promise.all([...held.values()].map(({ work }) => work));
    },
    async abandon(reason, onQuiet) {
      await Promise.all(
        [...held.values()].map(async ({ claim, abort, reply }) => {
          abort.abort(reason);
          await reply?.abandon();
          onQuiet(claim);
        }),
      );
    },
  };
}
