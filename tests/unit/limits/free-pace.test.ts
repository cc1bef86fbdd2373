import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFreePace } from '../../../src/limits/free-pace.ts';

it('no 60 seconds, wherever they begin, hold more starts than nine tenths of the allowance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 200 }),
      (perMinute, gaps) => {
        const places = Math.max(1, Math.floor(perMinute * 0.9));
        let nowMs = 0;
        const pace = createFreePace(perMinute, () => nowMs);
        const starts = gaps.map((gapMs) => {
          nowMs += gapMs;
          const startMs = pace.nextStartMs();
          pace.take();
          expect(startMs).toBeGreaterThanOrEqual(nowMs);
          return startMs;
        });
        for (const fromMs of starts) {
          expect(
            starts.filter((atMs) => atMs >= fromMs && atMs < fromMs + 60_000).length,
          ).toBeLessThanOrEqual(places);
        }
      },
    ),
  );
});

it('a whole unused allowance may be started at once', () => {
  const pace = createFreePace(20, () => 5);
  for (let start = 0; start < 18; start += 1) {
    expect(pace.nextStartMs()).toBe(5);
    pace.take();
  }
  expect(pace.nextStartMs()).toBe(60_005);
});
