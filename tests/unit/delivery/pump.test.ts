import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/delivery/clock.ts';
import { createPump, type NextStep } from '../../../src/delivery/pump.ts';

const turnOfLoop = () => new Promise((resolve) => setImmediate(resolve));

describe('the pump', () => {
  it('runs one step at a time and one more for all news that came meanwhile', async () => {
    const gates: (() => void)[] = [];
    let steps = 0;
    const pump = createPump(async () => {
      steps += 1;
      await new Promise<void>((resolve) => gates.push(resolve));
      return { kind: 'idle' };
    }, systemClock);
    for (let news = 0; news < 5; news += 1) pump.wake();
    await turnOfLoop();
    for (let news = 0; news < 5; news += 1) pump.wake();
    expect(steps).toBe(1);
    gates[0]!();
    await turnOfLoop();
    expect(steps).toBe(2);
    gates[1]!();
    await turnOfLoop();
    expect(steps).toBe(2);
    pump.wake();
    await turnOfLoop();
    expect(steps).toBe(3);
    gates[2]!();
    await pump.stop();
  });

  it('stops only after the step in hand, and takes no further one', async () => {
    let open = (): void => undefined;
    let steps = 0;
    const pump = createPump(async () => {
      steps += 1;
      await new Promise<void>((resolve) => (open = resolve));
      return { kind: 'pause', ms: 3_600_000 } satisfies NextStep;
    }, systemClock);
    pump.wake();
    await turnOfLoop();
    let isStopped = false;
    const stopped = pump.stop().then(() => (isStopped = true));
    await turnOfLoop();
    expect(isStopped).toBe(false);
    open();
    await stopped;
    pump.wake();
    await turnOfLoop();
    expect(steps).toBe(1);
  });

  it('stops at once while it rests', async () => {
    let steps = 0;
    const pump = createPump(() => {
      steps += 1;
      return Promise.resolve({ kind: 'pause', ms: 3_600_000 });
    }, systemClock);
    pump.wake();
    await turnOfLoop();
    await pump.stop();
    expect(steps).toBe(1);
  });
});
