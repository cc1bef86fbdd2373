import type { Clock } from '../../delivery/clock.ts';
import { failureText } from '../../platform/failure-text.ts';
import type { AdapterMemory } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';

/** The newest message up to which everything that a shard was told is handed over. */
export interface Bookmark {
  /** Its id; null where nothing was ever noted. Rejects with `StoreUnavailable`. */
  read(): Promise<bigint | null>;
  /** A message was told and is in hand: the bookmark stays before it until `end` is called as often. */
  begin(id: string): void;
  end(id: string): void;
  /** A message was read, and is handed over. */
  seen(id: string): void;
  /** While it is frozen it stays where it is, for what came before may be missing. It is frozen at first. */
  freeze(isFrozen: boolean): void;
  /** Writes it down, for the last time. Never rejects. */
  close(): Promise<void>;
}

export interface BookmarkOptions {
  readonly memory: Pick<AdapterMemory, 'bookmark' | 'setBookmark'>;
  readonly key: string;
  /** Between two writings. */
  readonly writeMs: number;
  /** Nothing is written from then on but by `close`. */
  readonly closed: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createBookmark({ memory, key, writeMs, closed, clock, logger }: BookmarkOptions): Bookmark {
  /** What may be written down. */
  let position: bigint | null = null;
  let written: bigint | null = null;
  let newest: bigint | null = null;
  /** How often each message is in hand. */
  const inHand = new Map<bigint, number>();
  let isFrozen = true;

  const advance = (): void => {
    if (isFrozen || newest === null) return;
    let upTo = newest;
    for (const id of inHand.keys()) if (id <= upTo) upTo = id - 1n;
    if (position === null || upTo > position) position = upTo;
  };

  const isBehind = (): boolean => {
    advance();
    return position !== written;
  };

  const write = async (): Promise<void> => {
    if (!isBehind() || position === null) return;
    const next = position;
    try {
      await memory.setBookmark(key, String(next));
      written = next;
    } catch (error) {
      logger.debug({ reason: failureText(error) }, 'bookmark not written');
    }
  };
  const writer = createWriter({ isBehind, write, writeMs, closed, clock });
  const see = (id: bigint): void => {
    if (newest === null || id > newest) newest = id;
    writer.touch();
  };

  return {
    async read() {
      const stored = position === null ? await memory.bookmark(key) : null;
      if (stored !== null && /^\d{1,20}$/u.test(stored)) position = written = BigInt(stored);
      return position;
    },
    begin(id) {
      const begun = BigInt(id);
      inHand.set(begun, (inHand.get(begun) ?? 0) + 1);
      see(begun);
    },
    end(id) {
      const ended = BigInt(id);
      const left = (inHand.get(ended) ?? 0) - 1;
      if (left > 0) inHand.set(ended, left);
      else inHand.delete(ended);
      writer.touch();
    },
    seen: (id) => see(BigInt(id)),
    freeze(freezes) {
      advance();
      isFrozen = freezes;
      writer.touch();
    },
    async close() {
      await writer.rest();
      await write();
    },
  };
}

interface WriterOptions extends Pick<BookmarkOptions, 'writeMs' | 'closed' | 'clock'> {
  readonly isBehind: () => boolean;
  readonly write: () => Promise<void>;
}

/** Writes now and then, as long as there is something to write. */
function createWriter({ isBehind, write, writeMs, closed, clock }: WriterOptions) {
  let writing: Promise<void> | null = null;
  const keepWriting = async (): Promise<void> => {
    while (!closed.aborted && isBehind()) {
      await clock.sleep(writeMs, closed);
      if (!closed.aborted) await write();
    }
    writing = null;
  };
  return {
    touch(): void {
      if (writing === null && !closed.aborted && isBehind()) writing = keepWriting();
    },
    /** Resolves when nothing is being written. */
    async rest(): Promise<void> {
      await writing;
    },
  };
}
