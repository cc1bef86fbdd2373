import { beforeEach, expect, it } from 'vitest';
import { createAccount, type Account, type AccountRefusal } from '../../../src/completion/account.ts';

let nowMs = 0;
let account: Account;
beforeEach(() => {
  nowMs = 0;
  account = createAccount(() => nowMs);
});

const base = { httpStatus: null, detail: '' };
const noCredits: AccountRefusal = { ...base, kind: 'no_credits' };
const daySpent: AccountRefusal = { ...base, kind: 'free_day_spent', resetsAtMs: 1000 };
const blocked = () => ({ free: account.block(true)?.failure.kind, paid: account.block(false)?.failure.kind });

it('credits refused to a paid model stop paid models only', () => {
  account.refused(noCredits, false);
  expect(blocked()).toEqual({ free: undefined, paid: 'no_credits' });
});

it('credits refused to a free model stop everything, and paid models still after a free one answered', () => {
  account.refused(noCredits, true);
  expect(blocked()).toEqual({ free: 'no_credits', paid: 'no_credits' });
  account.answered(true);
  expect(blocked()).toEqual({ free: undefined, paid: 'no_credits' });
  account.answered(false);
  expect(blocked()).toEqual({ free: undefined, paid: undefined });
});

it('a spent allowance holds until its reset, also when an answer under way still succeeds', () => {
  account.refused(daySpent, true);
  account.answered(true);
  expect(blocked()).toEqual({ free: 'free_day_spent', paid: undefined });
  nowMs = 1000;
  expect(blocked()).toEqual({ free: undefined, paid: undefined });
});

it('a refusal is news once, and again only after the account was all right in between', () => {
  expect(account.refused(noCredits, false)).toBe(true);
  nowMs += 1_000_000;
  expect(account.refused(noCredits, false)).toBe(false);
  account.answered(false);
  expect(account.refused(noCredits, false)).toBe(true);
});

it('an allowance spent on another day is news again', () => {
  expect(account.refused(daySpent, true)).toBe(true);
  expect(account.refused(daySpent, true)).toBe(false);
  nowMs = 1001;
  expect(account.refused({ ...base, kind: 'free_day_spent', resetsAtMs: 2000 }, true)).toBe(true);
});
