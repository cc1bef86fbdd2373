import type { FreeGrant, FreePlace, FreeTake, FreeWish } from '../completion/free-places.ts';
import type { Logger } from '../platform/logger.ts';
import { createFreePace } from './free-pace.ts';
import type { FreePoolStore, PoolKey } from './free-ports.ts';

export interface FreeSourceOptions extends PoolKey {
  /** Null where no other process shares the pool: it is kept in memory then. */
  readonly store: FreePoolStore | null;
  /** Of the account, ≥ 1; a tenth of it is left for whoever else uses it. */
  readonly perMinute: number;
  readonly now: () => number;
  /** What the provider says of the account's day; null where it can't be asked. */
  readonly look: (() => Promise<{ readonly used: number; readonly limit: number } | null>) | null;
  readonly log: Logger;
}

/** Where places come from: the row that all processes share, and memory while that is out of reach. None of it rejects. */
export interface FreeSource {
  ask(wish: Pick<FreeWish, 'subject' | 'wanted' | 'isBackground'>): Promise<FreeTake>;
  /** A place was granted to this process in another way. */
  note(): void;
  /** A grant as the place that it is. */
  placeOf(subject: string, grant: FreeGrant): FreePlace & FreeGrant;
  /** Of whichever pool. Does not wait until it is done. */
  giveBack(place: FreePlace): void;
  /** Tells the others of a refusal, and does not wait until that is done. */
  refused(kind: 'day' | 'minute', waitMs: number): void;
  /** Has the provider's own count taken over, unless that was done within so many milliseconds; `onRead` when it is. */
  look(withinMs: number, onRead: () => void): void;
}

/** So long nobody asks a database again that gave no answer: each would wait for that. */
const AWAY_MS = 3000;

export function createFreeSource(options: FreeSourceOptions): FreeSource {
  const { store, perMinute, payer, provider, now, log, look } = options;
  const key = { payer, provider };
  const pace = createFreePace(perMinute, now);
  let lookedAtMs = -Infinity;
  let awayUntilMs: number | null = null;

  const background = (work: Promise<unknown>, message: string): void =>
    void work.catch((error: unknown) => log.warn({ err: error, ...key }, message));

  function takeInMemory(wanted: number): FreeTake {
    let granted = 0;
    for (; granted < wanted && pace.nextStartMs() <= now(); granted += 1) pace.take();
    return granted > 0
      ? { granted, second: 0, day: '' }
      : { granted: 0, reason: 'minute', isShare: false, waitMs: pace.nextStartMs() - now() };
  }

  return {
    async ask({ subject, wanted, isBackground }) {
      if (store === null || (awayUntilMs ?? 0) > now()) return takeInMemory(wanted);
      try {
        const take = await store.take({ ...key, subject, wanted, perMinute, isBackground });
        for (let count = 0; count < take.granted; count += 1) pace.take();
        awayUntilMs = null;
        return take;
      } catch (error) {
        if (awayUntilMs === null)
          log.warn({ err: error, ...key }, 'free answers are counted in memory for now');
        awayUntilMs = now() + AWAY_MS;
        return takeInMemory(wanted);
      }
    },
    note: () => pace.take(),
    placeOf: (subject, { granted, second, day }) => ({ ...key, subject, granted, second, day }),
    giveBack(place) {
      // What was granted in memory is in no row.
      if (store === null || !('second' in place) || place.day === '') return;
      background(store.giveBack(place), 'a free place could not be given back');
    },
    refused(kind, waitMs) {
      if (store === null) return;
      background(store.correct({ ...key, kind, waitMs }), 'a refusal of free answers could not be noted');
    },
    look(withinMs, onRead) {
      if (look === null || store === null || now() - lookedAtMs < withinMs) return;
      lookedAtMs = now();
      const correct = async (): Promise<void> => {
        const told = await look();
        if (told === null) return;
        await store.correct({ ...key, kind: 'told', ...told });
        onRead();
      };
      background(correct(), 'the free allowance could not be read');
    },
  };
}
