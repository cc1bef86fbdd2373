import { expect, it } from 'vitest';
import { freePoolLines } from '../../../src/commands/free-pool-lines.ts';
import { translate } from '../../../src/i18n/translate.ts';

const NOW_MS = Date.UTC(2026, 6, 15, 12);
const left = {
  payer: 'operator',
  minute: { limit: 18, left: 0, nextAtMs: NOW_MS + 20_000 },
  day: { limit: 1000, left: 400, ownLeft: 100, resetsAtMs: NOW_MS + 12 * 3_600_000 },
  waiting: 2,
} as const;

it('what is left of free answers is told with the times, in both languages', () => {
  expect(freePoolLines(left, NOW_MS, (notice) => translate('en', notice))).toEqual([
    '**Free answers, shared by all who use me**',
    'This minute: none of 18 left; the next one in 20 seconds',
    'Today: 400 of 1,000 left, 100 of them for you, because others ask as well; all again in 12 hours',
    '2 questions are waiting for their turn.',
  ]);
  const spent = { ...left, waiting: 0, day: { ...left.day, left: 0, ownLeft: 0 } };
  expect(freePoolLines(spent, NOW_MS, (notice) => translate('id', notice)).at(-1)).toBe(
    'Hari ini: sudah habis; dimulai lagi dalam 12 jam',
  );
  expect(freePoolLines(null, NOW_MS, (notice) => translate('en', notice))).toEqual([]);
});
