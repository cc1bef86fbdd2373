import { StoreUnavailable } from '../platform/adapter.ts';
import type { TurnId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { insistOnStore } from './insist-on-store.ts';
import type { Shown, TurnStore } from './ports.ts';

/** The order in which the replies of a conversation show, also where they are written by different processes. */
export interface ReplyQueue {
  /** A turn's reply is begun here. The function that comes back is told, once, how it went. */
  enter(turn: TurnId): (shown: Shown) => void;
  /** Resolves when the reply of this turn is complete or put off, or as `pending` when `isOver`. Never rejects. */
  whenFree(after: TurnId | null, isOver: () => boolean): Promise<Shown>;
  /** Asks the store until it answers. */
  insist<Value>(ask: () => Promise<Value>): Promise<Value>;
}

interface QueueParts {
  readonly store: Pick<TurnStore, 'shown'>;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Between two looks at the reply of another process. */
const GLANCE_MS = 250;
const RETRY_MS = 1000;
const SHOWN: Shown = { kind: 'shown' };
const PENDING: Shown = { kind: 'pending' };

export function createReplyQueue({ store, log, sleep }: QueueParts): ReplyQueue {
  /** The replies that are written here. */
  const here = new Map<TurnId, Promise<Shown>>();

  async function look(turn: TurnId, onFailure: (error: unknown) => void): Promise<Shown> {
    try {
      return await store.shown(turn);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) onFailure(error);
      return PENDING;
    }
  }

  return {
    enter(turn) {
      const { promise, resolve } = Promise.withResolvers<Shown>();
      here.set(turn, promise);
      return (shown) => {
        resolve(shown);
        if (here.get(turn) === promise) here.delete(turn);
      };
    },
    async whenFree(after, isOver) {
      if (after === null) return SHOWN;
      const told = (await here.get(after)) ?? PENDING;
      if (told.kind !== 'pending') return told;
      let failures = 0;
      const onFailure = (error: unknown): void => {
        failures += 1;
        // Loud once: several looks a second would fill the log for as long as the failure lasts.
        const level = failures === 1 ? 'warn' : 'debug';
        log[level]({ turn: after, failures, err: error }, 'could not look at a reply');
      };
      while (!isOver()) {
        const shown = await look(after, onFailure);
        if (shown.kind !== 'pending') return shown;
        await sleep(GLANCE_MS);
      }
      return PENDING;
    },
    insist: (ask) => insistOnStore(ask, { sleep, restMs: () => RETRY_MS }),
  };
}
