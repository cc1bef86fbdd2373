import type { Update } from 'grammy/types';
import { StoreUnavailable } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { createRecent } from '../../platform/recent.ts';
import { albumOf } from './album.ts';
import { describe, toFailure } from './failure.ts';

/** Whether an update may be confirmed, or has to come again. */
export type Verdict =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'again'; readonly afterSeconds: number };

/** Updates that Telegram posts, one request each. */
export interface WebhookIntake {
  /** Hands an update over, once; one that is in hand already is waited for instead. Never rejects. */
  take(update: Update): Promise<Verdict>;
  /** Takes no more; resolves when nothing is in hand. */
  stop(): Promise<void>;
}

export interface WebhookIntakeOptions {
  /** Resolves when the update may be confirmed; rejects with `StoreUnavailable`, or for reasons that are ours. */
  readonly handle: (update: Update) => Promise<void>;
  /** Updates with the same lane are handled in order; null waits for nothing. */
  readonly lane: (update: Update) => string | null;
  /** The store is away for long: whoever waits for an answer to the update may be told. */
  readonly onWait: (update: Update) => void;
  /** Records an update that is given up. Rejects when the store is away. */
  readonly onPoison: (eventId: string, cause: unknown) => Promise<void>;
  readonly logger: Logger;
}

/** How an update fared in earlier requests. */
interface Record {
  readonly tries: number;
  readonly ourFailures: number;
  readonly cause: unknown;
}

/**
 * Telegram tells a chat's next update only after this one is confirmed, so what fails is not tried again here: the
 * request is refused, and the update comes again.
 */
export function createWebhookIntake(options: WebhookIntakeOptions): WebhookIntake {
  const inHand = new Map<number, Promise<Verdict>>();
  const lanes = new Map<string, Promise<unknown>>();
  const records = createRecent<number, Record>(MOST_REMEMBERED);
  const albums = createRecent<string, true>(MOST_REMEMBERED);
  let isStopping = false;

  const handOver = async (update: Update): Promise<Verdict> => {
    const id = update.update_id;
    const record = records.get(id) ?? { tries: 0, ourFailures: 0, cause: null };
    try {
      if (record.ourFailures < MOST_FAILURES) await options.handle(update);
      else await options.onPoison(String(id), record.cause);
      records.delete(id);
      return CONFIRMED;
    } catch (error) {
      const isStoreAway = error instanceof StoreUnavailable;
      const tries = record.tries + 1;
      const ourFailures = record.ourFailures + (isStoreAway ? 0 : 1);
      records.set(id, { tries, ourFailures, cause: isStoreAway ? record.cause : error });
      const reason = isStoreAway ? 'store unavailable' : describe(toFailure(error));
      if (isStoreAway && tries === WORDLESS_REQUESTS) options.onWait(update);
      // Loud once: a store that is away for an hour would fill the log.
      options.logger[tries === 1 ? 'warn' : 'debug']({ update: id, tries, reason }, 'update not taken');
      const isGivenUp = ourFailures === MOST_FAILURES && !isStoreAway;
      return isGivenUp ? await handOver(update) : again(Math.min(2 ** (tries - 1), LONGEST_REST_SECONDS));
    }
  };

  /** A piece without a caption says nothing that the album has not said. */
  const see = async (update: Update): Promise<Verdict> => {
    if (isStopping) return again(1);
    const album = albumOf(update);
    if (album === null) return await handOver(update);
    if (update.message?.caption === undefined && albums.get(album) === true) return CONFIRMED;
    const verdict = await handOver(update);
    if (verdict.kind === 'confirmed') albums.set(album, true);
    return verdict;
  };

  const begin = (update: Update): Promise<Verdict> => {
    const lane = options.lane(update);
    const before = lane === null ? Promise.resolve() : (lanes.get(lane) ?? Promise.resolve());
    const work = before.then(() => see(update));
    inHand.set(update.update_id, work);
    if (lane !== null) lanes.set(lane, work);
    void work.then(() => {
      inHand.delete(update.update_id);
      if (lane !== null && lanes.get(lane) === work) lanes.delete(lane);
    });
    return work;
  };

  return {
    async take(update) {
      return await (inHand.get(update.update_id) ?? (isStopping ? again(1) : begin(update)));
    },
    async stop() {
      isStopping = true;
      await Promise.all(inHand.values());
    },
  };
}

const CONFIRMED: Verdict = { kind: 'confirmed' };
const again = (afterSeconds: number): Verdict => ({ kind: 'again', afterSeconds });

const MOST_FAILURES = 5;
/** Telegram comes again after seconds. */
const WORDLESS_REQUESTS = 3;
const LONGEST_REST_SECONDS = 8;
const MOST_REMEMBERED = 1000;
