import { expect, it } from 'vitest';
import { isGranted } from '../../../src/plans/entitlements.ts';
import { turnPlan } from './turn-plan.ts';

it.each([
  ['what a plan has is granted', turnPlan('web_search'), 'operator', true],
  ['what it lacks is not', turnPlan('pdf'), 'operator', false],
  ['without plans everything is', undefined, 'operator', true],
  ['who pays themselves has it anyway', turnPlan(), 'user', true],
  ['and so has a guild that pays', turnPlan(), 'guild', true],
] as const)('%s', (_what, plan, payer, expected) => {
  expect(isGranted('web_search', { plan, payer })).toBe(expected);
});
