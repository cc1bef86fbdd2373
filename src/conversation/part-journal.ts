import type { Logger } from '../platform/logger.ts';
import { StoreUnavailable } from '../platform/adapter.ts';
import type { PartJournal, PartRecord } from '../platform/reply.ts';
import type { TurnClaim, TurnStore } from './ports.ts';

export interface StoredJournal extends PartJournal {
  /** Resolves when every created part is noted. */
  saved(): Promise<void>;
}

interface JournalParts {
  readonly store: TurnStore;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
}

const RETRY_MS = 1000;

/**
 * The durable memory of a reply's parts. The id of a created part is noted again and again until
 * the store has it: without it a takeover would create the part a second time.
 */
export function createPartJournal(
  claim: TurnClaim,
  existing: readonly PartRecord[],
  { store, log, sleep }: JournalParts,
): StoredJournal {
  let saving: Promise<void> = Promise.resolve();

  async function save(index: number, platformMessageId: string): Promise<void> {
    for (;;) {
      try {
        await store.partSent(claim, index, platformMessageId);
        return;
      } catch (error) {
        log.warn({ turn: claim.id, index, err: error }, 'could not note a sent part');
        if (!(error instanceof StoreUnavailable)) return;
        await sleep(RETRY_MS);
      }
    }
  }

  return {
    existing,
    intend: (index) => store.intendPart(claim, index),
    sent(index, platformMessageId) {
      saving = Promise.all([saving, save(index, platformMessageId)]).then(() => undefined);
      return Promise.resolve(); // the answer goes on while the store is away
    },
    saved: () => saving,
  };
}
