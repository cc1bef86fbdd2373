import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costNanoUsdFromUsd } from '../../../src/completion/money.ts';
import { costNanoUsd, readPrices, savedNanoUsd } from '../../../src/completion/price.ts';

describe('a reported cost', () => {
  it.each<[number | string, bigint]>([
    [0, 0n],
    [0.000095, 95_000n],
    [9.5e-7, 950n],
    [1e-9, 1n],
    [5e-10, 1n],
    [4.9e-10, 0n],
    [1e-30, 0n],
    [0.1, 100_000_000n],
    [12.345678901, 12_345_678_901n],
    ['0.0000000015', 2n],
    ['.5', 500_000_000n],
    [-0.5, 0n],
    [Number.NaN, 0n],
    [Number.POSITIVE_INFINITY, 0n],
    ['1e400', 0n],
    ['five', 0n],
    ['', 0n],
  ])('of %s USD is %s nano-USD', (usd, nanoUsd) => {
    expect(costNanoUsdFromUsd(usd)).toBe(nanoUsd);
  });

  it('of any whole number of nano-USD survives the way through a JSON number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1_000_000_000_000n }), (nanoUsd) => {
        const padded = nanoUsd.toString().padStart(10, '0');
        const usd = JSON.parse(
          `${padded.slice(0, -9)}.${padded.slice(-9)}`.replace(/^0+(?=\d)/, ''),
        ) as number;
        expect(costNanoUsdFromUsd(usd)).toBe(nanoUsd);
      }),
    );
  });
});

describe('a price list', () => {
  it('is read exactly, as nano-USD for a million units', () => {
    expect(
      readPrices({ prompt: '0.000000006', completion: '0.00000004125', input_cache_read: '0.000000005' }),
    ).toEqual({
      prompt: 6_000_000,
      completion: 41_250_000,
      request: 0,
      cacheRead: 5_000_000,
      cacheWrite: null,
      highestPrompt: 6_000_000,
      highestCompletion: 41_250_000,
      usualBelowTokens: Number.MAX_SAFE_INTEGER,
    });
  });

  it('takes surcharges, cache writes and reasoning into the highest prices', () => {
    const prices = readPrices({
      prompt: '0.000001',
      completion: '0.000002',
      input_cache_write: '0.00000125',
      internal_reasoning: '0.000003',
      overrides: [{ min_prompt_tokens: 1000, prompt: '0.000005', completion: '0.0000025' }],
    });
    expect(prices).toMatchObject({ highestPrompt: 6_250_000_000, highestCompletion: 3_000_000_000 });
  });

  it('tells up to which length of a prompt no surcharge applies', () => {
    const below = (more: object) =>
      readPrices({ prompt: '0.000001', completion: '0.000002', ...more }).usualBelowTokens;
    expect(below({ overrides: [{ min_prompt_tokens: 2000 }, { min_prompt_tokens: 1000 }] })).toBe(1000);
    expect(
      below({ overrides: [{ min_prompt_tokens: 2000 }, { utc_start: '08:00', utc_end: '16:00' }] }),
    ).toBe(0);
    expect(below({ internal_reasoning: '0.000002' })).toBe(Number.MAX_SAFE_INTEGER);
    expect(below({ internal_reasoning: '0.000003' })).toBe(0);
  });

  it('tells what the cache saved, less what writing to it cost more', () => {
    const prices = readPrices({
      prompt: '0.000003',
      completion: '0.000015',
      input_cache_read: '0.0000003',
      input_cache_write: '0.00000375',
    });
    expect(savedNanoUsd(prices, { cachedTokens: 1000, cacheWriteTokens: 200 })).toBe(2_550_000n);
    expect(savedNanoUsd(prices, { cachedTokens: 0, cacheWriteTokens: 200 })).toBe(-150_000n);
    expect(savedNanoUsd(prices, { cachedTokens: 1000 })).toBe(2_700_000n);
    expect(savedNanoUsd(null, { cachedTokens: 1000 })).toBe(0n);
    const silent = readPrices({ prompt: '0.000003', completion: '0.000015' });
    expect(savedNanoUsd(silent, { cachedTokens: 1000, cacheWriteTokens: 9 })).toBe(0n);
  });

  it.each([[{ prompt: '-1', completion: '-1' }], [{}], [null], ['free'], [{ prompt: 'x', completion: [] }]])(
    'that says %j leaves the price unknown',
    (pricing) => {
      expect(readPrices(pricing)).toMatchObject({ prompt: null, completion: null, highestPrompt: null });
    },
  );

  it('never lets a tiny price become nothing', () => {
    expect(readPrices({ prompt: '0.00000000000000001', completion: '0' }).prompt).toBe(1);
  });

  it('gives a cost that is rounded up to a whole nano-USD', () => {
    expect(costNanoUsd(1, 41_250_000)).toBe(42n);
    expect(costNanoUsd(1_000_000, 41_250_000)).toBe(41_250_000n);
    expect(costNanoUsd(0, 41_250_000)).toBe(0n);
  });
});
