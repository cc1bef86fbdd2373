import { beforeEach, describe, expect, it } from 'vitest';
import { createCooldowns, type Cooldowns } from '../../../src/completion/cooldowns.ts';

let nowMs = 0;
let random = 0.5;
let fetchedAtMs = 0;
let cooldowns: Cooldowns;
const restMs = (model = 'm') => Math.max(0, cooldowns.readyAtMs(model) - nowMs);

beforeEach(() => {
  nowMs = 1_000_000;
  random = 0.5;
  fetchedAtMs = 0;
  cooldowns = createCooldowns({
    now: () => nowMs,
    random: () => random,
    catalogueFetchedAtMs: () => fetchedAtMs,
  });
});

describe('a throttled model', () => {
  it('rests 30 seconds, twice as long each time, at most 10 minutes, until it answers', () => {
    const rests: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      cooldowns.throttled('m', null);
      rests.push(restMs());
      nowMs += restMs();
    }
    expect(rests).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    cooldowns.answered('m');
    cooldowns.throttled('m', null);
    expect(restMs()).toBe(30_000);
  });

  it('rests a fifth more or less by chance', () => {
    random = 0;
    cooldowns.throttled('m', null);
    expect(restMs()).toBe(24_000);
    random = 1;
    cooldowns.throttled('n', null);
    expect(restMs('n')).toBe(36_000);
  });

  it('rests for what it asks when that is longer, and never shorter than before', () => {
    cooldowns.throttled('m', 120_000);
    expect(restMs()).toBe(120_000);
    cooldowns.throttled('m', 1000);
    expect(restMs()).toBe(120_000);
  });

  it('rests once for several calls that were under way together', () => {
    for (let call = 0; call < 5; call += 1) cooldowns.throttled('m', null);
    expect(restMs()).toBe(30_000);
  });

  it('is not taken for a failing one', () => {
    for (let call = 0; call < 5; call += 1) cooldowns.throttled('m', 0);
    nowMs += 30_000;
    cooldowns.failed('m');
    expect(restMs()).toBe(0);
  });
});

describe('a failing model', () => {
  const fail = (times: number) => {
    for (let call = 0; call < times; call += 1) cooldowns.failed('m');
  };

  it('rests after three failures in a row', () => {
    fail(2);
    expect(restMs()).toBe(0);
    fail(1);
    expect(restMs()).toBe(30_000);
  });

  it('rests when half of five calls within a minute failed', () => {
    for (const ok of [true, false, true, false, false]) {
      if (ok) cooldowns.answered('m');
      else cooldowns.failed('m');
    }
    expect(restMs()).toBe(30_000);
  });

  it('is forgiven failures older than a minute', () => {
    cooldowns.failed('m');
    cooldowns.failed('m');
    nowMs += 61_000;
    for (const ok of [true, true, false]) {
      if (ok) cooldowns.answered('m');
      else cooldowns.failed('m');
    }
    expect(restMs()).toBe(0);
  });

  it('is probed by one call, and closed to the others until that call has ended', () => {
    fail(3);
    nowMs += 30_000;
    expect(restMs()).toBe(0);
    cooldowns.begin('m');
    expect(restMs()).toBe(60_000);
    cooldowns.answered('m');
    expect(restMs()).toBe(0);
  });

  it('rests twice as long when the probe fails', () => {
    fail(3);
    nowMs += 30_000;
    cooldowns.begin('m');
    cooldowns.failed('m');
    expect(restMs()).toBe(60_000);
  });

  it('is open to another probe when the first was given up', () => {
    fail(3);
    nowMs += 30_000;
    cooldowns.begin('m');
    cooldowns.abandoned('m');
    expect(restMs()).toBe(0);
  });

  it('does not rest longer for calls that fail while it rests', () => {
    fail(8);
    expect(restMs()).toBe(30_000);
  });
});

describe('a model that is gone', () => {
  it('stays away until a newer list', () => {
    cooldowns.retire('m', 'refresh');
    expect(cooldowns.readyAtMs('m')).toBe(Infinity);
    fetchedAtMs = nowMs + 1;
    expect(restMs()).toBe(0);
  });

  it('for good stays away whatever list comes or answer is under way', () => {
    cooldowns.retire('m', 'forever');
    cooldowns.answered('m');
    fetchedAtMs = nowMs + 1;
    expect(cooldowns.readyAtMs('m')).toBe(Infinity);
  });
});

it('models rest independently of each other', () => {
  cooldowns.throttled('m', null);
  expect(restMs('n')).toBe(0);
});
