import type { Logger } from '../platform/logger.ts';
import type { Delivery } from '../platform/reply.ts';
import type { Stopped } from './parts.ts';

/** The end of a reply's growing, and what comes after it. */
export interface Ending {
  /** Ends the growing, then does what puts the messages into their last state. Never rejects. */
  by(settle: () => Promise<Delivery>): Promise<Delivery>;
  /** Ends the growing; resolves when nothing is on its way any more. */
  abandon(): Promise<void>;
}

/** How the failures of a platform are read, and where they are told. */
export interface FailureReading<Why> {
  readonly toFailure: (error: unknown) => Why;
  readonly toDelivery: (failure: Why) => Delivery;
  readonly describe: (failure: Why) => string;
  readonly logger: Logger;
}

/** `stopGrowing` resolves when no frame is on its way any more: one behind the final would take its place. */
export function createEnding<Why>(stopGrowing: () => Promise<void>, reading: FailureReading<Why>): Ending {
  let ended: Promise<unknown> = Promise.resolve();
  return {
    by(settle) {
      const delivery = attemptDelivery(async () => {
        await stopGrowing();
        return await settle();
      }, reading);
      ended = Promise.all([ended, delivery]);
      return delivery;
    },
    async abandon() {
      await Promise.all([stopGrowing(), ended]);
    },
  };
}

/** What comes of a delivery, also where it fails in a way that nobody expected. Never rejects. */
export async function attemptDelivery<Why>(
  deliver: () => Promise<Delivery>,
  { toFailure, toDelivery, describe, logger }: FailureReading<Why>,
): Promise<Delivery> {
  try {
    return await deliver();
  } catch (error) {
    const failure = toFailure(error);
    logger.error({ reason: describe(failure) }, 'delivery failed');
    return toDelivery(failure);
  }
}

/** What came of a final, by what stood in its way. */
export function concludeFinal<Why>(
  stopped: Stopped<Why> | null,
  { toDelivery, describe, logger }: FailureReading<Why>,
): Delivery {
  if (stopped === null) return { kind: 'delivered' };
  const { index, failure, isSurplus } = stopped;
  const delivery = toDelivery(failure);
  // What can't ever be deleted stays, below an answer that is there.
  if (isSurplus && delivery.kind === 'unreachable') return { kind: 'delivered' };
  logger.warn({ part: index, outcome: delivery.kind, reason: describe(failure) }, 'answer not delivered');
  return delivery;
}

/** What came of taking a reply away, by why something of it is left. */
export function concludeRetraction<Why>(left: Why | null, { toDelivery }: FailureReading<Why>): Delivery {
  return left === null ? { kind: 'delivered' } : toDelivery(left);
}
