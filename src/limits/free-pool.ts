import type {
  FreeAsker,
  FreeOutlook,
  FreePlace,
  FreePlaces,
  FreeRefusal,
  FreeTake,
  FreeVerdict,
  FreeWish,
} from '../completion/free-places.ts';
import { createFreeLine, MOMENT_MS, type FreeLine, type FreeLineOptions } from './free-line.ts';
import type { PoolKey } from './free-ports.ts';
import { createFreeSource, type FreeSource, type FreeSourceOptions } from './free-source.ts';
import { createFreeView, type FreeView } from './free-view.ts';

export type FreePoolOptions = FreeSourceOptions & Pick<FreeLineOptions, 'sleep' | 'onWaiting'>;

/** The free pool of one payer at one provider, with the queue of those who wait for it in this process. */
export interface FreePool extends FreePlaces {
  /** Has the provider's own count taken over, unless that was done a moment ago. */
  look(): void;
  /** Whoever still waits is left to the process's end. */
  stop(): void;
}

/** A place that was taken longer ago belongs to a minute that others count on. */
const PLACE_GOOD_MS = 3000;
const LOOK_EVERY_MS = 300_000;
/** After a refusal it is looked sooner, yet not for each of many. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Each attempt on a free model takes its place here first. The row that all processes share decides; who gets none waits
 * in the queue, guilds in turns.
 */
export function createFreePool(options: FreePoolOptions): FreePool {
  const { perMinute, payer, provider, now } = options;
  const source = createFreeSource(options);
  const view = createFreeView(Math.max(1, Math.floor(perMinute * 0.9)), now);
  const heed = (wish: FreeWish, got: FreeTake) => heedTake({ source, view, now }, wish, got);
  const line = createFreeLine({
    ...options,
    source,
    view,
    heed,
    refuse: (wish) => refused(refusalOf(wish, 0) ?? minuteRefusal(now() + MOMENT_MS, true)),
  });
  const isOurs = (place: PoolKey): boolean => place.payer === payer && place.provider === provider;
  const reopen = (): void => {
    view.reopen();
    line.wake();
  };
  const look = (withinMs: number): void => source.look(withinMs, reopen);
  let refusedAtMs = -Infinity;
  /** The row knew more than this process when it granted a place, unless the provider has refused a call since. */
  const holds = (place: FreePlace, ageMs: number): boolean =>
    'second' in place && isOurs(place) && ageMs <= PLACE_GOOD_MS && refusedAtMs <= now() - ageMs;

  function outlook(asker: FreeAsker): FreeOutlook {
    look(LOOK_EVERY_MS);
    const { place = null } = asker;
    return place !== null && holds(place.given, place.ageMs)
      ? { atMs: now(), canWait: true, block: null }
      : outlookOf({ view, line, now }, asker);
  }

  /** Why there is nothing to wait for; null where there is. */
  function refusalOf(asker: FreeAsker, longestWaitMs: number): FreeRefusal | null {
    const { atMs, canWait, block } = outlook(asker);
    if (block !== null) return block.failure;
    const longestMs = canWait ? longestWaitMs : Math.min(longestWaitMs, MOMENT_MS);
    return atMs - now() > longestMs ? minuteRefusal(atMs, canWait) : null;
  }

  const take = createTake({ source, line, now, heed, outlook, refusalOf });

  return {
    outlook,
    take,
    redeem(place, asker, ageMs) {
      look(LOOK_EVERY_MS);
      if (!('second' in place)) {
        if (isOurs(place)) view.heard(asker.subject, { ...place, waitMs: Math.max(1, place.waitMs - ageMs) });
        return false;
      }
      const isGood = holds(place, ageMs);
      if (isGood) {
        source.note();
        line.served(asker);
      } else source.giveBack(place);
      return isGood;
    },
    giveBack: (place) => source.giveBack(place),
    refused({ kind, resetsAtMs }) {
      const reason = kind === 'free_day_spent' ? 'day' : 'minute';
      const isNews = reason === 'day' ? view.spentDay('') === null : view.restUntilMs() <= now();
      refusedAtMs = now();
      view.refused(reason, resetsAtMs);
      source.refused(reason, Math.max(0, resetsAtMs - now()));
      look(LOOK_AGAIN_MS);
      line.wake();
      return isNews;
    },
    look: () => look(LOOK_AGAIN_MS),
    stop: () => line.stop(),
  };
}

interface TakeParts {
  readonly source: FreeSource;
  readonly line: FreeLine;
  readonly now: () => number;
  readonly heed: (wish: FreeWish, got: FreeTake) => FreeVerdict | null;
  readonly outlook: (asker: FreeAsker) => FreeOutlook;
  readonly refusalOf: (asker: FreeAsker, longestWaitMs: number) => FreeRefusal | null;
}

function createTake({ source, line, now, heed, outlook, refusalOf }: TakeParts): FreePlaces['take'] {
  let isAsking = false;
  return async function take(wish: FreeWish, signal: AbortSignal): Promise<FreeVerdict> {
    const before = outlook(wish);
    // One asks at a time: of many that come at once the queue knows the order.
    if (line.size === 0 && !isAsking && before.block === null && before.atMs <= now()) {
      isAsking = true;
      const got = await source.ask(wish);
      isAsking = false;
      const verdict = heed(wish, got);
      if (verdict?.kind === 'granted' && signal.aborted) {
        source.giveBack(verdict.place);
        return refused(minuteRefusal(now(), true));
      }
      if (verdict?.kind === 'granted') line.served(wish);
      if (verdict !== null) return verdict;
    }
    const failure = refusalOf(wish, wish.longestWaitMs);
    return failure === null ? line.wait(wish, signal) : refused(failure);
  };
}

interface Seen {
  readonly view: FreeView;
  readonly line: FreeLine;
  readonly now: () => number;
}

const outlookOf = ({ view, line, now }: Seen, asker: FreeAsker): FreeOutlook => ({
  atMs: view.expectedAtMs(asker.subject, line.ahead(asker)),
  canWait: !asker.isBackground && view.restUntilMs() <= now(),
  block: blockOf(view, asker),
});

/** What somebody is told for whom a take was the end; null for who may wait. */
function heedTake(
  { source, view, now }: { readonly source: FreeSource; readonly view: FreeView; readonly now: () => number },
  { subject, isBackground }: FreeWish,
  got: FreeTake,
): FreeVerdict | null {
  if ('second' in got) return { kind: 'granted', count: got.granted, place: source.placeOf(subject, got) };
  // What background work is refused, others may still have.
  if (isBackground && got.isShare) return refused(shareRefusal(got.reason, now() + got.waitMs));
  view.heard(subject, got);
  return null;
}

const refused = (failure: FreeRefusal): FreeVerdict => ({ kind: 'refused', failure });

function blockOf(view: FreeView, { subject }: FreeAsker): FreeOutlook['block'] {
  const spent = view.spentDay(subject);
  if (spent === null) return null;
  const { untilMs, isShare } = spent;
  return { untilMs, failure: isShare ? shareRefusal('day', untilMs) : daySpent(untilMs) };
}

const daySpent = (resetsAtMs: number): FreeRefusal => ({
  kind: 'free_day_spent',
  httpStatus: null,
  detail: 'the day is used up',
  resetsAtMs,
});

function shareRefusal(reason: 'minute' | 'day' | 'rest', resetsAtMs: number): FreeRefusal {
  return reason === 'day'
    ? {
        ...daySpent(resetsAtMs),
        kind: 'free_day_spent',
        detail: 'the share of the day is used up',
        isShare: true,
      }
    : minuteRefusal(resetsAtMs, true);
}

function minuteRefusal(resetsAtMs: number, isOurs: boolean): FreeRefusal {
  const detail = isOurs ? 'our own pool has no place so soon' : 'the account rests';
  return { kind: 'free_minute_spent', httpStatus: null, detail, resetsAtMs, isOurs };
}
