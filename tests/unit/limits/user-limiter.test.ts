import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUserLimiter, type Place } from '../../../src/limits/user-limiter.ts';
import { userId } from '../../../src/platform/ids.ts';

const ann = userId('terminal', 'ann');
const bob = userId('terminal', 'bob');

function taken(place: ReturnType<ReturnType<typeof createUserLimiter>['reserve']>): Place {
  if (place.full) throw new Error('full');
  return place;
}

test('a full minute refuses at once and names the wait', () => {
  let nowMs = 1000;
  const limiter = createUserLimiter(() => nowMs);
  taken(limiter.reserve(ann, 2, nowMs)).release();
  nowMs += 20_000;
  taken(limiter.reserve(ann, 2, nowMs)).release();
  expect(limiter.reserve(ann, 2, nowMs)).toEqual({ full: true, retryAfterMs: 40_000 });
  expect(limiter.reserve(bob, 2, nowMs).full).toBe(false);
  nowMs += 40_000;
  expect(limiter.reserve(ann, 2, nowMs).full).toBe(false);
});

test('a place that is given back does not count', () => {
  const limiter = createUserLimiter(() => 0);
  taken(limiter.reserve(ann, 1, 0)).giveBack();
  expect(limiter.reserve(ann, 1, 0).full).toBe(false);
});

test('in no span of a minute more are let through than allowed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      (gaps, rate) => {
        let nowMs = 0;
        const limiter = createUserLimiter(() => nowMs);
        const admitted: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          const place = limiter.reserve(ann, rate, nowMs);
          if (place.full) continue;
          place.release();
          admitted.push(nowMs);
        }
        for (const atMs of admitted) {
          expect(
            admitted.filter((other) => other >= atMs && other < atMs + 60_000).length,
          ).toBeLessThanOrEqual(rate);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('three turns of one person run at once, the fourth waits, another person does not', async () => {
  const limiter = createUserLimiter(() => 0);
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const jobs = ['a1', 'a2', 'a3', 'a4'].map((name) =>
    taken(limiter.reserve(ann, 100, 0)).run(async () => {
      started.push(name);
      await gate.promise;
    }),
  );
  await taken(limiter.reserve(bob, 100, 0)).run(async () => void started.push('b1'));
  await expect.poll(() => started.length).toBe(4);
  expect(started).toContain('b1');
  expect(started).not.toContain('a4');
  gate.resolve();
  await Promise.all(jobs);
  expect(started).toContain('a4');
});

test('a failing turn hands its error on and frees the slot', async () => {
  const limiter = createUserLimiter(() => 0);
  await expect(
    taken(limiter.reserve(ann, 100, 0)).run(() => Promise.reject(new Error('boom'))),
  ).rejects.toThrow('boom');
  await limiter.run(ann, () => Promise.resolve());
});
