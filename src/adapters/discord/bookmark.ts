import type { Clock } from '../../delivery/clock.ts';
import { failureText } from '../../platform/failure-text.ts';
import type { AdapterMemory } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';

/** The newest message up to which everything that a shard was told is handed over. */
export interface Bookmark {
  /** Rejects with `StoreUnavailable`. */
  read(): Promise<Progress>;
  /** A message was told and is in hand: the bookmark stays before it until `end` is called as often. */
  begin(id: string): void;
  end(id: string): void;
  /** A message was read, and is handed over. */
  seen(id: string): void;
  /** While it is frozen: a channel was read, and everything in it up to this message is handed over. */
  passed(channelId: string, upTo: bigint): void;
  /** The newest message that was told or read; null before there was any. */
  newest(): bigint | null;
  /** While it is frozen it stays where it is, for what came before may be missing. It is frozen at first. */
  freeze(isFrozen: boolean): void;
  /** Writes it down, for the last time. Never rejects. */
  close(): Promise<void>;
}

/** How far everything is handed over. */
export interface Progress {
  /** A message's id; null where nothing was ever noted. */
  readonly position: bigint | null;
  /** Channels that are further than that: their reading need not begin anew with each process that ends over it. */
  readonly channels: ReadonlyMap<string, bigint>;
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
  const channels = new Map<string, bigint>();
  let written: string | null = null;
  let newest: bigint | null = null;
  const inHand = createInHand();
  let isFrozen = true;

  const advance = (): void => {
    if (isFrozen || newest === null) return;
    const upTo = inHand.lastBefore(newest);
    if (position === null || upTo > position) position = upTo;
  };

  const isBehind = (): boolean => {
    advance();
    return (position !== null || channels.size > 0) && format({ position, channels }) !== written;
  };

  const write = async (): Promise<void> => {
    if (!isBehind()) return;
    const next = format({ position, channels });
    try {
      await memory.setBookmark(key, next);
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
      const stored = written === null && position === null ? await memory.bookmark(key) : null;
      const progress = stored === null ? null : parse(stored);
      if (progress !== null) {
        written = stored;
        ({ position } = progress);
        for (const [channelId, upTo] of progress.channels) channels.set(channelId, upTo);
      }
      return { position, channels };
    },
    begin(id) {
      inHand.begin(BigInt(id));
      see(BigInt(id));
    },
    end(id) {
      inHand.end(BigInt(id));
      writer.touch();
    },
    seen: (id) => see(BigInt(id)),
    passed(channelId, upTo) {
      channels.set(channelId, upTo);
      writer.touch();
    },
    newest: () => newest,
    freeze(freezes) {
      advance();
      isFrozen = freezes;
      if (!freezes) channels.clear();
      writer.touch();
    },
    async close() {
      await writer.rest();
      await write();
    },
  };
}

/** Counts how often each message is in hand. */
function createInHand() {
  const counts = new Map<bigint, number>();
  return {
    begin: (id: bigint): void => void counts.set(id, (counts.get(id) ?? 0) + 1),
    end(id: bigint): void {
      const left = (counts.get(id) ?? 0) - 1;
      if (left > 0) counts.set(id, left);
      else counts.delete(id);
    },
    /** The last id up to this one before which nothing is in hand. */
    lastBefore(id: bigint): bigint {
      let last = id;
      for (const held of counts.keys()) if (held <= last) last = held - 1n;
      return last;
    },
  };
}

function format({ position, channels }: Progress): string {
  const ahead = Object.fromEntries([...channels].map(([channelId, upTo]) => [channelId, String(upTo)]));
  return JSON.stringify({ position: position === null ? null : String(position), channels: ahead });
}

/** Null for what was not made by {@link format}. */
function parse(stored: string): Progress | null {
  try {
    const { position, channels } = JSON.parse(stored) as { position: string | null; channels: object };
    const ahead = Object.entries(channels).map(([channelId, upTo]) => [channelId, BigInt(upTo)] as const);
    return { position: position === null ? null : BigInt(position), channels: new Map(ahead) };
  } catch {
    return null;
  }
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
