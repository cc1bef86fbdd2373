import { expect, test } from 'vitest';
import { createRecent } from '../../../src/platform/recent.ts';

test('of too many, what was set longest ago is forgotten', () => {
  const recent = createRecent<string, number>(2);
  recent.set('one', 1);
  recent.set('two', 2);
  recent.set('one', 10);
  recent.set('three', 3);
  expect(['one', 'two', 'three'].map((key) => recent.get(key))).toEqual([10, undefined, 3]);
  recent.delete('three');
  expect(recent.has('three')).toBe(false);
});
