import type { RetryPace } from '../../intake/back-off.ts';
import { handOver, type HandOverOptions } from '../../intake/hand-over.ts';
import type { Logger } from '../../platform/logger.ts';

/** Something that happened on Discord and that the core has to take. */
export interface IntakeEvent {
  readonly id: string;
  /** Events of one lane are handed over in order. */
  readonly lane: string;
  /** Rejects with `StoreUnavailable` when nothing is stored; resolves with false where the next process has to take it. */
  readonly hand: () => Promise<unknown>;
  /** The store is away for long: whoever waits may be told. */
  readonly onWait?: () => void;
  /** It will not be handed over: its person has to be told. Not called where a shutdown left it. */
  readonly giveUp: () => void;
  /** It is handed over, or given up. Not called where a shutdown left it. */
  readonly ended?: () => void;
}

/** Events in hand. Discord has no acknowledgement: what is lost here is lost. */
export interface Intake {
  take(event: IntakeEvent): void;
  /** Hands over one that can be read again, beside the lanes and however long it takes; false when the signal fires before. Never rejects. */
  hand(event: Pick<IntakeEvent, 'id' | 'hand'>, signal: AbortSignal): Promise<boolean>;
  /** Takes no more; resolves when all is handed over, or after `settleMs` and a last try. Never rejects. */
  settle(): Promise<void>;
}

export interface IntakePace extends RetryPace {
  /** How long an event waits for the store. */
  readonly patienceMs: number;
  /** How many events may wait; the oldest gives way to a new one. */
  readonly mostHeld: number;
  /** How long a shutdown waits for events in hand. */
  readonly settleMs: number;
}

export interface IntakeOptions extends HandOverOptions {
  readonly pace: IntakePace;
  readonly logger: Logger;
  /** Records an event that is given up. Rejects when the store is away. */
  readonly onPoison: (eventId: string, cause: unknown) => Promise<void>;
}

export function createIntake(options: IntakeOptions): Intake {
  const { clock, pace, logger } = options;
  const closing = new AbortController();
  /** In the order of arrival, with what ends the waiting of each. */
  const held = new Map<IntakeEvent, AbortController>();
  const lanes = new Map<string, Promise<void>>();
  let hasLost = false;
  let isClosed = false;

  const dropOldest = (): void => {
    // Of questions first those stay that nobody would find again: edits and deletions go before them.
    const oldest = [...held].find(([{ ended }]) => ended === undefined) ?? [...held][0];
    if (oldest === undefined) return;
    const [event, over] = oldest;
    held.delete(event);
    over.abort();
    logger[hasLost ? 'debug' : 'error'](
      { event: event.id, held: held.size },
      'too many events wait: oldest given up',
    );
    hasLost = true;
    event.giveUp();
    event.ended?.();
  };

  const see = createTry(options, closing.signal, () => (hasLost = false));

  /** Resolves when nothing is in hand, or after a while. */
  const drain = async (ms: number): Promise<void> => {
    const drained = new AbortController();
    void Promise.all(lanes.values()).then(() => drained.abort());
    await clock.sleep(ms, drained.signal);
  };

  return {
    take(event) {
      if (isClosed) return;
      if (held.size >= pace.mostHeld) dropOldest();
      const over = new AbortController();
      held.set(event, over);
      const deadlineMs = clock.now() + pace.patienceMs;
      const work = (lanes.get(event.lane) ?? Promise.resolve())
        .then(() => see(event, over, deadlineMs))
        .finally(() => {
          held.delete(event);
          if (lanes.get(event.lane) === work) lanes.delete(event.lane);
        });
      lanes.set(event.lane, work);
    },
    async hand({ id, hand }, signal) {
      const effort = { eventId: id, deadlineMs: Infinity, signal, comesAgain: true };
      const handed = await handOver(hand, effort, options);
      if (handed.kind !== 'poison') return handed.kind === 'taken';
      const noted = await handOver(() => options.onPoison(id, handed.cause), effort, options);
      return noted.kind !== 'stopped';
    },
    async settle() {
      isClosed = true;
      await drain(pace.settleMs);
      // Each is tried a last time without waiting for the store.
      closing.abort();
      await drain(pace.settleMs);
      if (held.size > 0) logger.error({ held: held.size }, 'stopped with events in hand');
    },
  };
}

/** Hands an event of a lane over, gives it up, or leaves it when the intake is closing. */
function createTry(options: IntakeOptions, closing: AbortSignal, onTaken: () => void) {
  return async (event: IntakeEvent, over: AbortController, deadlineMs: number): Promise<void> => {
    if (over.signal.aborted) return;
    const signal = AbortSignal.any([over.signal, closing]);
    const { onWait = () => undefined } = event;
    const effort = { eventId: event.id, deadlineMs, signal, comesAgain: false, onWait };
    const handed = await handOver(event.hand, effort, options);
    if (handed.kind === 'taken') {
      if (handed.value === false) return;
      onTaken();
    } else if (handed.kind === 'poison') {
      await handOver(() => options.onPoison(event.id, handed.cause), effort, options);
    } else if (over.signal.aborted) return;
    else if (closing.aborted) {
      // The bookmark stays before a message: its person need not ask again.
      options.logger.warn({ event: event.id }, 'store away at the end: event left');
      return;
    } else {
      options.logger.error({ event: event.id }, 'store away for too long: event given up');
      event.giveUp();
    }
    event.ended?.();
  };
}
