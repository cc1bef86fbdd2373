import { describe, expect, it } from 'vitest';
import { createIntake, type IntakePace } from '../../../../src/adapters/discord/intake.ts';
import { systemClock } from '../../../../src/delivery/clock.ts';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { until } from '../../../support/until.ts';

const PACE: IntakePace = { retryMs: 2, longestRetryMs: 10, patienceMs: 600_000, mostHeld: 10, settleMs: 20 };

/** An intake with one event in it that no store takes. */
function holding(pace: Partial<IntakePace> = {}) {
  const told: string[] = [];
  let tries = 0;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const intake = createIntake({
    pace: { ...PACE, ...pace },
    clock: systemClock,
    random: () => 0.5,
    onFailure: () => void (tries += 1),
    onPoison: () => Promise.reject(new Error('none of this')),
    logger: silent,
  });
  intake.take({
    id: '7',
    lane: 'channel',
    hand: () => Promise.reject(new StoreUnavailable('away')),
    giveUp: () => void told.push('given up'),
    ended: () => void told.push('ended'),
  });
  return { intake, told, tries: () => tries };
}

describe('an event that the store does not take', () => {
  it('is given up after a while', async () => {
    const { told } = holding({ patienceMs: 10 });
    await until(() => told.length > 0);
    expect(told).toEqual(['given up', 'ended']);
  });

  it('is left without a word at the end, for it comes again', async () => {
    const { intake, told, tries } = holding();
    await until(() => tries() > 1);
    const before = tries();
    await intake.settle();
    expect(tries()).toBeGreaterThan(before);
    expect(told).toEqual([]);
  });
});
