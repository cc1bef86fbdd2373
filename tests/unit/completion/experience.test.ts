import { describe, expect, it } from 'vitest';
import { freeRouter, readModelList } from '../../../src/completion/catalogue-model.ts';
import { createExperience } from '../../../src/completion/experience.ts';
import type { ModelExperience } from '../../../src/completion/ports.ts';

const row = (id: string) => ({ id, pricing: { prompt: '0', completion: '0' } });
const IDS = ['a/one', 'b/two', 'c/three', 'd/four'];
const ranked = readModelList({ data: [...IDS, freeRouter].map(row) }) ?? [];

async function learn(recent: readonly ModelExperience[] | Error, randoms: readonly number[] = []) {
  const left = [...randoms];
  const warnings: string[] = [];
  const silent = () => undefined;
  const experience = createExperience({
    store: { recent: () => (recent instanceof Error ? Promise.reject(recent) : Promise.resolve(recent)) },
    random: () => left.shift() ?? 0.99,
    log: { info: silent, warn: (_fields, text) => void warnings.push(text), error: silent },
  });
  await experience.refresh();
  return { order: () => experience.order(ranked).map(({ id }) => id), warnings };
}

const seen = (model: string, calls: number, failures: number, firstTokenMs: number | null = 1000) => ({
  model,
  calls,
  failures,
  askedAgain: 0,
  firstTokenMs,
});

describe('the order of free models', () => {
  it('is that of the list where nothing is known of them', async () => {
    const { order } = await learn([]);
    expect(order()).toEqual([...IDS, freeRouter]);
  });

  it('is changed by many failures, not by a single one', async () => {
    expect((await learn([seen('a/one', 1, 1, 4000)])).order()[0]).toBe('a/one');
    const failing = await learn([seen('a/one', 30, 20)]);
    expect(failing.order()).toEqual(['b/two', 'c/three', 'd/four', 'a/one', freeRouter]);
  });

  it('prefers who begins to answer soon', async () => {
    const { order } = await learn([seen('a/one', 50, 0, 15_000), seen('b/two', 50, 0, 800)]);
    expect(order()[0]).toBe('b/two');
  });

  it('puts one back whose answers readers had written anew, though not for a single one', async () => {
    const liked = seen('b/two', 40, 0);
    const once = await learn([{ ...seen('a/one', 40, 0), askedAgain: 1 }, liked]);
    expect(once.order()[0]).toBe('a/one');
    const often = await learn([{ ...seen('a/one', 40, 0), askedAgain: 15 }, liked]);
    expect(often.order()[0]).toBe('b/two');
  });

  it('lets another one come first in one of ten turns, and never the router', async () => {
    expect((await learn([], [0.05, 0])).order()).toEqual(['b/two', 'a/one', 'c/three', 'd/four', freeRouter]);
    expect((await learn([], [0.05, 0.99])).order()[0]).toBe('d/four');
    expect((await learn([], [0.1])).order()[0]).toBe('a/one');
  });

  it('is that of the list where the store is away', async () => {
    const { order, warnings } = await learn(new Error('away'));
    expect(order()).toEqual([...IDS, freeRouter]);
    expect(warnings).toEqual(['how models did lately could not be read']);
  });
});
