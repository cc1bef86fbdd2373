import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUserLimiter, type Place, type UserLimiter } from '../../../src/limits/user-limiter.ts';
import { userId } from '../../../src/platform/ids.ts';
import { until } from '../../support/until.ts';

const ann = userId('terminal', 'ann');
const bob = userId('terminal', 'bob');

const limiterAt = (now: () => number): UserLimiter =>
  createUserLimiter({ now, longestTurnMs: 60_000, redis: null });

async function taken(reserved: ReturnType<UserLimiter['reserve']>): Promise<Place> {
  const place = await reserved;
  if (place.full) throw new Error('full');
  return place;
}

test('a full minute refuses at once and names the wait', async () => {
  let nowMs = 1000;
  const limiter = limiterAt(() => nowMs);
  (await taken(limiter.reserve(ann, 2, nowMs))).release();
  nowMs += 20_000;
  (await taken(limiter.reserve(ann, 2, nowMs))).release();
  expect(await limiter.reserve(ann, 2, nowMs)).toEqual({ full: true, retryAfterMs: 40_000 });
  expect((await limiter.reserve(bob, 2, nowMs)).full).toBe(false);
  nowMs += 40_000;
  expect((await limiter.reserve(ann, 2, nowMs)).full).toBe(false);
});

test('a place that is given back does not count', async () => {
  const limiter = limiterAt(() => 0);
  (await taken(limiter.reserve(ann, 1, 0))).giveBack();
  expect((await limiter.reserve(ann, 1, 0)).full).toBe(false);
});

test('in no span of a minute more are let through than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      async (gaps, rate) => {
        let nowMs = 0;
        const limiter = limiterAt(() => nowMs);
        const admitted: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          const place = await limiter.reserve(ann, rate, nowMs);
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
  const limiter = limiterAt(() => 0);
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const jobs = ['a1', 'a2', 'a3', 'a4'].map(async (name) =>
    (await taken(limiter.reserve(ann, 100, 0))).run(async () => {
      started.push(name);
      await gate.promise;
    }),
  );
  await (await taken(limiter.reserve(bob, 100, 0))).run(async () => void started.push('b1'));
  await expect.poll(() => started.length).toBe(4);
  expect(started).toContain('b1');
  expect(started).not.toContain('a4');
  gate.resolve();
  await Promise.all(jobs);
  expect(started).toContain('a4');
});

test('a failing turn hands its error on and frees the slot', async () => {
  const limiter = limiterAt(() => 0);
  await expect(
    (await taken(limiter.reserve(ann, 100, 0))).run(() => Promise.reject(new Error('boom'))),
  ).rejects.toThrow('boom');
  await limiter.run(ann, () => Promise.resolve());
});

test('what one person has waiting is bounded before admission, with a wait', async () => {
  const limiter = limiterAt(() => 0);
  const places = [];
  for (let index = 0; index < 30; index += 1) places.push(await taken(limiter.reserve(ann, 1000, 0)));
  expect(await limiter.reserve(ann, 1000, 0)).toEqual({ full: true, retryAfterMs: expect.any(Number) });
  expect((await limiter.reserve(bob, 1000, 0)).full).toBe(false);
  places[0]?.release();
  expect(await until(async () => !(await limiter.reserve(ann, 1000, 0)).full)).toBe(true);
});

test('nothing is kept of people who have not asked for a minute', async () => {
  let nowMs = 0;
  const limiter = limiterAt(() => nowMs);
  for (let index = 0; index < 500; index += 1) {
    (await taken(limiter.reserve(userId('terminal', `p${index}`), 5, nowMs))).release();
  }
  expect(limiter.size()).toBe(500);
  nowMs = 120_000;
  (await taken(limiter.reserve(ann, 5, nowMs))).release();
  expect(await until(() => limiter.size() === 1)).toBe(true);
});
