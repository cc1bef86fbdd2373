import { expect, it } from 'vitest';
import { createFairQueue, type Waiting } from '../../../src/limits/free-queue.ts';

const all = () => true;

function served(entries: readonly Waiting[], count = entries.length): readonly string[] {
  const queue = createFairQueue<Waiting>();
  for (const entry of entries) queue.add(entry);
  return Array.from({ length: count }, () => {
    const next = queue.next(all);
    if (next === null) return 'nobody';
    queue.remove(next);
    queue.served(next);
    return next.user;
  });
}

const one = (user: string, isFirst = false): Waiting => ({ subject: user.slice(0, 1), user, isFirst });

it('guilds take turns, and in a guild its people', () => {
  expect(served([one('a1'), one('a1'), one('a1'), one('a2'), one('b1'), one('c1'), one('c1')])).toEqual([
    'a1',
    'b1',
    'c1',
    'a2',
    'c1',
    'a1',
    'a1',
  ]);
});

it('whose plan puts them first go before all others, in turns among themselves', () => {
  expect(served([one('a1'), one('b1', true), one('b2', true), one('c1', true)])).toEqual([
    'b1',
    'c1',
    'b2',
    'a1',
  ]);
});

it('who was served without waiting is behind those who were not', () => {
  const queue = createFairQueue<Waiting>();
  queue.served(one('a1'));
  queue.add(one('a1'));
  queue.add(one('b1'));
  expect(queue.next(all)?.user).toBe('b1');
  expect(queue.next((subject) => subject === 'a')?.user).toBe('a1');
  expect(queue.next(() => false)).toBeNull();
});

it('counts who is before somebody new: of each other guild no more than of their own', () => {
  const queue = createFairQueue<Waiting>();
  for (let entry = 0; entry < 5; entry += 1) queue.add(one('a1'));
  queue.add(one('b1'));
  expect(queue.ahead(one('c1'))).toEqual({ all: 2, own: 0 });
  expect(queue.ahead(one('b2'))).toEqual({ all: 3, own: 1 });
  expect(queue.ahead(one('a1'))).toEqual({ all: 6, own: 5 });
  expect(queue.ahead(one('c1', true))).toEqual({ all: 0, own: 0 });
});
