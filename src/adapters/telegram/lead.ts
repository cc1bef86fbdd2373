import type { Clock } from '../../delivery/clock.ts';
import { StoreUnavailable } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { describe, toFailure } from './failure.ts';

export interface LeadPace {
  /** For how long a lead lasts unless it is asked for again. */
  readonly holdMs: number;
  /** Between two asks of the one who leads. */
  readonly renewMs: number;
  /** Between two asks of one who does not. */
  readonly standbyMs: number;
  /** So long before its end a lead counts as over: what was begun under it has to come to rest. */
  readonly marginMs: number;
}

export interface LeadOptions {
  /** Whether this process is the one, for `holdMs` from now on. Rejects with `StoreUnavailable`. */
  readonly ask: (holdMs: number) => Promise<boolean>;
  /** Rejects likewise. */
  readonly resign: () => Promise<void>;
  readonly pace: LeadPace;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Being the one process that polls. No method rejects. */
export interface Lead {
  /** Begins to ask, and asks on until the end. */
  start(): void;
  /** Resolves when this process leads, by an answer that is no older than it may be, or when the signal fires. */
  hold(signal: AbortSignal): Promise<void>;
  /** Whether it leads at this moment. */
  isHeld(): boolean;
  /** Fires when the present lead is over. */
  lost(): AbortSignal;
  /** Asks no more and lets another process lead at once. */
  end(): Promise<void>;
}

export function createLead(options: LeadOptions): Lead {
  const { pace, clock } = options;
  const ending = new AbortController();
  const grant = createGrant(options, ending.signal);
  let askedAtMs = -Infinity;
  let asking: Promise<void> | null = null;
  let keeping: Promise<void> = Promise.resolve();

  /** One ask at a time; who comes meanwhile waits for it. */
  const ask = async (): Promise<void> => {
    if (asking === null) {
      askedAtMs = clock.now();
      asking = grant.ask().finally(() => (asking = null));
    }
    await asking;
  };

  const keep = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await ask();
      await clock.sleep(grant.isHeld() ? pace.renewMs : pace.standbyMs, ending.signal);
    }
  };

  return {
    start() {
      keeping = keep();
    },
    async hold(signal) {
      while (!signal.aborted) {
        // After a freeze an old answer is asked for again before anything is done by it.
        if (grant.isHeld() && clock.now() - askedAtMs > pace.renewMs) await ask();
        if (grant.isHeld()) return;
        await clock.sleep(pace.standbyMs, AbortSignal.any([signal, grant.isNew()]));
      }
    },
    isHeld: () => grant.isHeld(),
    lost: () => grant.lost(),
    async end() {
      ending.abort();
      await keeping;
      await grant.giveBack();
    },
  };
}

/** What was granted last, until when. */
interface Grant {
  isHeld(): boolean;
  lost(): AbortSignal;
  /** Fires at the next grant. */
  isNew(): AbortSignal;
  ask(): Promise<void>;
  giveBack(): Promise<void>;
}

function createGrant(options: LeadOptions, ending: AbortSignal): Grant {
  const { pace, clock, logger } = options;
  let heldUntilMs = -Infinity;
  let lost = new AbortController();
  let isNew = new AbortController();
  let hasTrouble = false;

  const isHeld = (): boolean => clock.now() < heldUntilMs;

  const lose = (): void => {
    heldUntilMs = -Infinity;
    if (lost.signal.aborted) return;
    lost.abort();
    logger.info({}, 'another process may poll Telegram now; standing by');
  };

  /** The hold ends also while an ask is on its way. */
  const watch = async (untilMs: number): Promise<void> => {
    await clock.sleep(untilMs - clock.now(), ending);
    if (heldUntilMs === untilMs && !ending.aborted) lose();
  };

  const win = (sentAtMs: number): void => {
    const untilMs = sentAtMs + pace.holdMs - pace.marginMs;
    // An answer that took too long promises nothing any more.
    if (untilMs <= clock.now()) return;
    if (!isHeld()) {
      // What hangs on a former lead ends with it, also where a freeze kept its end from being seen.
      lost.abort();
      lost = new AbortController();
      logger.info({}, 'this process polls Telegram now');
    }
    heldUntilMs = untilMs;
    void watch(untilMs);
    isNew.abort();
    isNew = new AbortController();
  };

  return {
    isHeld,
    lost: () => lost.signal,
    isNew: () => isNew.signal,
    async ask() {
      const sentAtMs = clock.now();
      try {
        if (await options.ask(pace.holdMs)) win(sentAtMs);
        else lose();
        hasTrouble = false;
      } catch (error) {
        // What was granted lasts to its end.
        const reason = error instanceof StoreUnavailable ? 'store unavailable' : describe(toFailure(error));
        logger[hasTrouble ? 'debug' : 'warn']({ reason }, 'the lead in polling can not be asked for');
        hasTrouble = true;
      }
    },
    async giveBack() {
      if (!isHeld()) return;
      heldUntilMs = -Infinity;
      try {
        await options.resign();
      } catch (error) {
        logger.debug({ reason: describe(toFailure(error)) }, 'the lead in polling ends by itself');
      }
    },
  };
}
