import { expect, test } from 'vitest';
import type { BudgetInForce } from '../../../src/limits/budget-desk.ts';
import { forecast } from '../../../src/limits/forecast.ts';

const HOUR_MS = 3_600_000;
const day: BudgetInForce = {
  window: 'day',
  limitNanoUsd: 1000,
  ownNanoUsd: 1000,
  spentNanoUsd: 600,
  heldNanoUsd: 50,
  startedAtMs: 0,
  resetsAtMs: 24 * HOUR_MS,
  firstSpentAtMs: 0,
  told: [],
};

test.for<[string, Partial<BudgetInForce>, number, number | null]>([
  ['goes on as since the first money was spent', {}, 12, 1200],
  ['counts from there, where nothing was spent before', { firstSpentAtMs: 6 * HOUR_MS }, 12, 1800],
  ['is what is spent, at the end', {}, 24, 600],
  ['is what is spent, where a clock is late', {}, 25, 600],
  ['is too early within three hours', {}, 2.99, null],
  ['is not too early after three', {}, 3, 4800],
  ['is too early where the money is younger than that', { firstSpentAtMs: 20 * HOUR_MS }, 22, null],
  ['never looks behind its own window', { firstSpentAtMs: -5 * HOUR_MS }, 12, 1200],
  ['is nothing where nothing was spent', { spentNanoUsd: 0, firstSpentAtMs: null }, 1, 0],
  ['follows a day of 23 hours', { resetsAtMs: 23 * HOUR_MS }, 11.5, 1200],
])('a forecast %s', ([, changes, atHour, nanoUsd]) => {
  expect(forecast({ ...day, ...changes }, atHour * HOUR_MS)).toBe(nanoUsd);
});
