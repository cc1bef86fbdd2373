import { describe, expect, it } from 'vitest';
import { readLimit, readUntil, readWrittenLimit } from '../../../src/commands/quota-options.ts';
import { translate } from '../../../src/i18n/translate.ts';

const NOON = Date.parse('2026-11-22T12:00:00Z');
const until = (written: string) => {
  const read = readUntil(written, NOON);
  return read.kind === 'read' ? new Date(read.value).toISOString().slice(0, 16) : read.problem.key;
};
const limit = (metric: 'requests' | 'cost', written: string) => {
  const read = readLimit(metric, written);
  return read.kind === 'read' ? read.value : read.problem.key;
};

describe('a limit', () => {
  it.each([
    ['50', 50],
    ['0', 0],
    [' +7 ', 7],
    ['None', null],
    ['1000000000000000', 1e15],
    ['1000000000000001', 'quota.limit_huge'],
    ['9'.repeat(400), 'quota.limit_huge'],
    ['-1', 'quota.limit_negative'],
    ['-2.5', 'quota.limit_negative'],
    ['2.5', 'quota.limit_wrong'],
    ['1,000', 'quota.limit_wrong'],
    ['1e3', 'quota.limit_wrong'],
    ['0x10', 'quota.limit_wrong'],
    ['NaN', 'quota.limit_wrong'],
    ['Infinity', 'quota.limit_wrong'],
    ['fifty', 'quota.limit_wrong'],
    ['', 'quota.limit_wrong'],
    ['$5', 'quota.limit_wrong'],
  ])('of messages written as %j is %j', (written, expected) => {
    expect(limit('requests', written)).toBe(expected);
  });

  it.each([
    ['2.50', 2_500_000_000],
    ['$0.000000001', 1],
    ['0,1', 100_000_000],
    ['0.1', 100_000_000],
    ['3', 3_000_000_000],
    ['0', 0],
    ['none', null],
    ['1000000', 1e15],
    ['1000000.000000001', 'quota.limit_huge'],
    ['-0.01', 'quota.limit_negative'],
    ['0.0000000001', 'quota.limit_wrong'],
    ['1,000', 'quota.limit_wrong'],
    ['5.', 'quota.limit_wrong'],
    ['.5', 'quota.limit_wrong'],
    ['5 EUR', 'quota.limit_wrong'],
  ])('of spending written as %j is %j nano-USD', (written, expected) => {
    expect(limit('cost', written)).toBe(expected);
  });
});

describe('the end of a limit', () => {
  it.each([
    ['90m', '2026-11-22T13:30'],
    ['12H', '2026-11-23T00:00'],
    ['3d', '2026-11-25T12:00'],
    ['2w', '2026-12-06T12:00'],
    ['2026-11-22', '2026-11-23T00:00'],
    ['2026-12-31T18:00', '2026-12-31T18:00'],
    ['2026-12-31T18:00+02:00', '2026-12-31T16:00'],
    ['366d', '2027-11-23T12:00'],
    ['367d', 'quota.until_far'],
    ['2099-01-01', 'quota.until_far'],
    ['999999w', 'quota.until_far'],
    ['0d', 'quota.until_past'],
    ['2026-11-21', 'quota.until_past'],
    ['2026-11-22T12:00', 'quota.until_past'],
    ['2027-02-30', 'quota.until_wrong'],
    ['2027-13-01', 'quota.until_wrong'],
    ['2026-12-31T25:00', 'quota.until_wrong'],
    ['-3d', 'quota.until_wrong'],
    ['3 days', 'quota.until_wrong'],
    ['tomorrow', 'quota.until_wrong'],
  ])('written as %j is %s', (written, expected) => {
    expect(until(written)).toBe(expected);
  });
});

describe('what is refused', () => {
  it.each([
    { metric: 'requests', window: 'day', limit: '-5' },
    { metric: 'cost', window: 'month', limit: 'much' },
    { metric: 'tokens', window: 'hour', limit: '1'.repeat(30) },
    { metric: 'requests', window: 'day', limit: '5', until: 'never' },
    { metric: 'requests', limit: '5' },
  ])('of %j says in both languages that nothing is changed', (options) => {
    const read = readWrittenLimit(options, NOON);
    if (read.kind === 'read') throw new Error('it was read');
    expect(translate('en', read.problem)).toContain('Nothing is changed.');
    expect(translate('id', read.problem)).toContain('Tidak ada yang diubah.');
  });
});
