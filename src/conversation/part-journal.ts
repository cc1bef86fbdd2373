import type { Logger } from '../platform/logger.ts';
import type { PartJournal, PartRecord } from '../platform/reply.ts';
import { insistOnStore } from './insist-on-store.ts';
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
  { id, epoch }: TurnClaim,
  existing: readonly PartRecord[],
  mayWrite: () => boolean,
  { store, log, sleep }: JournalParts,
): StoredJournal {
  const claim = { id, epoch };
  let saving: Promise<void> = Promise.resolve();
  let failures = 0;

  const tell = (level: 'warn' | 'debug', error: unknown): void =>
    log[level]({ turn: id, failures, err: error }, 'could not note what became of a part');

  const onAway = (_restMs: number, error: Error): void => {
    failures += 1;
    // Loud once: a store that is away for an hour would fill the log.
    tell(failures === 1 ? 'warn' : 'debug', error);
  };

  async function save(noting: () => Promise<void>): Promise<void> {
    const patience = { sleep, restMs: () => RETRY_MS, onAway };
    await insistOnStore(noting, patience).catch((error: unknown) => tell('warn', error));
  }

  /** The answer goes on while the store is away. In order: of two notes about one part the later one counts. */
  function note(noting: () => Promise<void>): Promise<void> {
    saving = saving.then(() => save(noting));
    return Promise.resolve();
  }

  return {
    existing,
    intend: (index) => store.intendPart(claim, index),
    sent: (index, platformMessageId, onOrphan) =>
      note(async () => {
        if (!(await store.partSent(claim, index, platformMessageId))) onOrphan();
      }),
    removed: (platformMessageId) => note(() => store.partRemoved(claim, platformMessageId)),
    mayWrite,
    saved: () => saving,
  };
}
