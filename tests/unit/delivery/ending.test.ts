import { describe, expect, it } from 'vitest';
import {
  attemptDelivery,
  concludeFinal,
  concludeRetraction,
  createEnding,
  type FailureReading,
} from '../../../src/delivery/ending.ts';
import type { Delivery } from '../../../src/platform/reply.ts';

const turnOfLoop = () => new Promise((resolve) => setImmediate(resolve));
const DELIVERED: Delivery = { kind: 'delivered' };

/** Failures are words: `final` is one that no later try mends. */
function read() {
  const told: string[] = [];
  const silent = () => undefined;
  const reading: FailureReading<string> = {
    toFailure: (error) => (error instanceof Error ? error.message : 'unknown'),
    toDelivery: (reason) =>
      reason === 'final'
        ? { kind: 'unreachable', reason }
        : { kind: 'postponed', retryAfterMs: 1000, reason },
    describe: (reason) => reason,
    logger: {
      debug: silent,
      info: silent,
      warn: (_fields: unknown, text: unknown) => void told.push(`warn ${String(text)}`),
      error: (_fields: unknown, text: unknown) => void told.push(`error ${String(text)}`),
    },
  };
  return { reading, told };
}

describe('the ending of a reply', () => {
  it('stops the growing before it does anything else', async () => {
    const stopped = Promise.withResolvers<void>();
    const log: string[] = [];
    const end = createEnding(() => stopped.promise, read().reading);
    const ended = end.by(() => Promise.resolve((log.push('settled'), DELIVERED)));
    await turnOfLoop();
    expect(log).toEqual([]);
    stopped.resolve();
    expect(await ended).toEqual(DELIVERED);
    expect(log).toEqual(['settled']);
  });

  it('is abandoned when the growing has stopped and all that was begun is over', async () => {
    const [stopped, first, second] = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    if (stopped === undefined || first === undefined || second === undefined) throw new Error('three');
    const end = createEnding(() => stopped.promise, read().reading);
    for (const { promise } of [first, second]) void end.by(() => promise.then(() => DELIVERED));
    let isOver = false;
    const abandoned = end.abandon().then(() => (isOver = true));
    for (const { resolve } of [stopped, second]) {
      resolve();
      await turnOfLoop();
      expect(isOver).toBe(false);
    }
    first.resolve();
    await abandoned;
  });

  it('tells what nobody expected, and never rejects', async () => {
    const { reading, told } = read();
    const stopping = createEnding(() => Promise.reject(new Error('stuck')), reading);
    expect(await stopping.by(() => Promise.resolve(DELIVERED))).toMatchObject({ reason: 'stuck' });
    expect(await attemptDelivery(() => Promise.reject(new Error('final')), reading)).toEqual({
      kind: 'unreachable',
      reason: 'final',
    });
    expect(told).toEqual(['error delivery failed', 'error delivery failed']);
  });
});

describe('the conclusion', () => {
  it('from a final in which nothing stood in the way is that it was delivered', () => {
    expect(concludeFinal(null, read().reading)).toEqual(DELIVERED);
  });

  it('from a part that does not show is what its failure means', () => {
    const { reading, told } = read();
    const stopped = { index: 1, failure: 'final', isSurplus: false };
    expect(concludeFinal(stopped, reading)).toEqual({ kind: 'unreachable', reason: 'final' });
    expect(told).toEqual(['warn answer not delivered']);
  });

  it('from a part too many is that the answer is there, unless it may go later', () => {
    const { reading, told } = read();
    const surplus = { index: 2, isSurplus: true };
    expect(concludeFinal({ ...surplus, failure: 'final' }, reading)).toEqual(DELIVERED);
    expect(told).toEqual([]);
    expect(concludeFinal({ ...surplus, failure: 'busy' }, reading)).toMatchObject({ kind: 'postponed' });
  });

  it('from a retraction is that nothing is left, or why', () => {
    const { reading } = read();
    expect(concludeRetraction(null, reading)).toEqual(DELIVERED);
    expect(concludeRetraction('final', reading)).toEqual({ kind: 'unreachable', reason: 'final' });
  });
});
