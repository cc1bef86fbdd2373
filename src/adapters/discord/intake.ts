import type { RetryPace } from '../../intake/back-off.ts';
import { handOver, type HandOverOptions } from '../../intake/hand-over.ts';
import type { Logger } from '../../platform/logger.ts';

/** Something that happened on Discord and that the core has to take. */
export interface IntakeEvent {
  readonly id: string;
  /** Events of one lane are handed over in order. */
  readonly lane: string;
  /** Rejects with `StoreUnavailable` when nothing is stored. */
  readonly hand: () => Promise<unknown>;
  /** It will not be handed over: its person has to be told. */
  readonly giveUp: () => void;
}

/** Events in hand. Discord has no acknowledgement: what is lost here is lost. */
export interface Intake {
  take(event: IntakeEvent): void;
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

  const see = async (event: IntakeEvent, over: AbortController, deadlineMs: number): Promise<void> => {
    if (over.signal.aborted) return;
    const signal = AbortSignal.any([over.signal, closing.signal]);
    const effort = { eventId: event.id, deadlineMs, signal, comesAgain: false };
    const handed = await handOver(event.hand, effort, options);
    if (handed.kind === 'taken') hasLost = false;
    else if (handed.kind === 'poison') {
      await handOver(() => options.onPoison(event.id, handed.cause), effort, options);
    } else if (!over.signal.aborted) {
      logger.error({ event: event.id }, 'store away for too long: event given up');
      event.giveUp();
    }
  };

  const dropOldest = (): void => {
    const [oldest] = held;
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
  };

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
