import { describe, expect, it } from 'vitest';
import { guildId, userId } from '../../../src/platform/ids.ts';
import { createKnownPlans } from '../../../src/plans/known-plans.ts';
import type { TurnPlan } from '../../../src/plans/ports.ts';
import { turnPlan } from './turn-plan.ts';

const ann = userId('telegram', 1);
const ben = userId('telegram', 2);
const readers = guildId('telegram', -1);
const plan = (from: TurnPlan['from'], ratePerMinute: number): TurnPlan => ({
  ...turnPlan(),
  from,
  ratePerMinute,
});

describe('what is known of plans', () => {
  it('is what everybody has, until an admission tells more, for a person where they write', () => {
    const known = createKnownPlans(5);
    expect(known.ratePerMinute(ann, null)).toBe(5);
    known.note(ann, readers, plan('guild', 50));
    expect(known.ratePerMinute(ann, readers)).toBe(50);
    expect(known.ratePerMinute(ann, null)).toBe(5);
    expect(known.ratePerMinute(ben, readers)).toBe(5);
    known.note(ann, readers, plan('free', 7));
    expect(known.ratePerMinute(ann, readers)).toBe(7);
    expect(known.ratePerMinute(ben, null)).toBe(7);
  });

  it('is forgotten of whoever was heard of longest ago, so that it stays small', () => {
    const known = createKnownPlans(5, 2);
    known.note(ann, null, plan('user', 50));
    known.note(ben, null, plan('user', 60));
    known.note(ann, null, plan('user', 51));
    known.note(ann, readers, plan('guild', 70));
    expect(known.ratePerMinute(ben, null)).toBe(5);
    expect(known.ratePerMinute(ann, null)).toBe(51);
    expect(known.ratePerMinute(ann, readers)).toBe(70);
  });
});
