import type { Update } from 'grammy/types';
import { StoreUnavailable } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { RetryPace } from '../../intake/back-off.ts';
import { handOver, type FailedTry } from '../../intake/hand-over.ts';
import { joinAlbum } from './album.ts';
import { createAlbums, type Album, type AlbumPace } from './albums.ts';
import { describe, toFailure } from './failure.ts';
import type { LeadPace } from './lead.ts';

/** The updates that Telegram has handed over and that are not confirmed yet. */
export interface Hand {
  /** The id of the first update that is not confirmed; 0 before there was any. */
  offset(): number;
  isEmpty(): boolean;
  /** Begins what is new; what is in hand already is left alone. */
  take(updates: readonly Update[]): void;
  /** Resolves when everything is handled, or after a while that grows as long as it is not. */
  settle(): Promise<void>;
  /** Resolves when nothing runs any more. */
  drain(): Promise<void>;
}

export interface HandOptions {
  /** Resolves when the update may be confirmed. */
  readonly handle: (update: Update) => Promise<void>;
  /** Updates with the same lane are handled in order; null waits for nothing. */
  readonly lane: (update: Update) => string | null;
  /** The store is away for long: whoever waits for an answer to the update may be told. */
  readonly onWait: (update: Update) => void;
  /** Records an update that is given up. Rejects when the store is away. */
  readonly onPoison: (eventId: string, cause: unknown) => Promise<void>;
  readonly pace: PollingPace;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

export interface PollingPace extends RetryPace {
  /** How long Telegram holds an empty poll; at most 50. */
  readonly longPollSeconds: number;
  /** While updates are in hand for longer than this, new ones are asked for beside them. */
  readonly overlapMs: number;
  /** Between two looks whether another program's poller is gone. */
  readonly standbyMs: number;
  /** After so long a request has reached the server. */
  readonly arrivalMs: number;
  readonly album: AlbumPace;
  readonly lead: LeadPace;
}

export function createHand(options: HandOptions, stopping: AbortSignal): Hand {
  const { clock, handle, pace } = options;
  /** In the order of arrival, which is that of the ids. */
  const updates = new Map<number, 'working' | 'handled'>();
  const lanes = new Map<string, Promise<void>>();
  const running = new Set<Promise<void>>();
  let offset = 0;
  let patienceMs = pace.overlapMs;
  let done = new AbortController();
  const albums = createAlbums(pace.album, clock, stopping);

  const begin = (update: Update): void => {
    updates.set(update.update_id, 'working');
    const album = albums.add(update);
    if (album === 'joined') return;
    const lane = options.lane(update);
    const before = lane === null ? Promise.resolve() : (lanes.get(lane) ?? Promise.resolve());
    const work = before.then(async () => {
      if (album !== null) await finishAlbum(album);
      else if (await see(update, () => handle(update), options, stopping))
        updates.set(update.update_id, 'handled');
    });
    running.add(work);
    if (lane !== null) lanes.set(lane, work);
    void work.then(() => {
      running.delete(work);
      if (running.size === 0) done.abort();
      if (lane !== null && lanes.get(lane) === work) lanes.delete(lane);
    });
  };

  /** All pieces count as handled together, or not at all. */
  const finishAlbum = async (album: Album): Promise<void> => {
    const pieces = await album.complete();
    if (!(await see(pieces[0], async () => await handle(joinAlbum(pieces)), options, stopping))) return;
    for (const { update_id: id } of pieces) updates.set(id, 'handled');
  };

  const confirmPrefix = (): void => {
    for (const [id, state] of updates) {
      if (state === 'working') return;
      offset = id + 1;
      updates.delete(id);
    }
  };

  return {
    offset: () => offset,
    isEmpty: () => updates.size === 0,
    take(batch) {
      for (const update of batch) if (!updates.has(update.update_id)) begin(update);
    },
    async settle() {
      if (running.size > 0) {
        done = new AbortController();
        const isCollecting = albums.isCollecting();
        const restMs = isCollecting ? Math.min(patienceMs, pace.album.glanceMs) : patienceMs;
        await clock.sleep(restMs, AbortSignal.any([done.signal, stopping]));
        confirmPrefix();
        if (isCollecting && running.size > 0) return;
      }
      confirmPrefix();
      patienceMs = updates.size === 0 ? pace.overlapMs : Math.min(patienceMs * 2, pace.longestRetryMs);
    },
    async drain() {
      while (running.size > 0) await Promise.all(running);
      confirmPrefix();
    },
  };
}

/** Handles one update, however often it takes. True when it may be confirmed; false when stopped before. Never rejects. */
async function see(
  update: Update,
  handle: () => Promise<void>,
  options: HandOptions,
  stopping: AbortSignal,
): Promise<boolean> {
  const { onPoison, logger } = options;
  const { update_id: updateId } = update;
  const eventId = String(updateId);
  const effort = { eventId, deadlineMs: Infinity, signal: stopping, comesAgain: true };
  const trying = {
    ...options,
    onFailure({ tries, error }: FailedTry) {
      const isStoreAway = error instanceof StoreUnavailable;
      const reason = isStoreAway ? 'store unavailable' : describe(toFailure(error));
      // Loud once: a store that is away for an hour would fill the log.
      logger[tries === 1 ? 'warn' : 'debug']({ update: updateId, tries, reason }, 'update not taken');
    },
  };
  const handed = await handOver(handle, { ...effort, onWait: () => options.onWait(update) }, trying);
  if (handed.kind !== 'poison') return handed.kind === 'taken';
  const recorded = await handOver(
    () => onPoison(eventId, handed.cause),
    { ...effort, mostFailures: Infinity },
    trying,
  );
  return recorded.kind === 'taken';
}
