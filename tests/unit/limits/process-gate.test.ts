import { expect, test } from 'vitest';
import { createProcessGate } from '../../../src/limits/process-gate.ts';
import { until } from '../../support/until.ts';

test('in a full process those who are first in the queue go before all who wait, and nobody is forgotten', async () => {
  const gate = createProcessGate(1);
  const { promise: held, resolve: free } = Promise.withResolvers<void>();
  const order: string[] = [];
  const turn = (name: string, isFirst: boolean) => gate.run(async () => void order.push(name), isFirst);
  const running = gate.run(() => held, false);
  // Who is next is chosen already, the others wait.
  const waiting = [turn('next', false), turn('late', false), turn('later', false), turn('first', true)];
  await until(() => gate.queued() === 3);
  expect(order).toEqual([]);
  free();
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(['next', 'first', 'late', 'later']);
});

test('as many run at once as there is room for, and a failing one makes room too', async () => {
  const gate = createProcessGate(3);
  let running = 0;
  let most = 0;
  const task = async (fails: boolean): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (fails) throw new Error('boom');
  };
  const ended = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => gate.run(() => task(index % 2 === 0), index % 5 === 0)),
  );
  expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(20);
  expect(most).toBe(3);
});
