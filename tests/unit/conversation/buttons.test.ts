import { expect, test } from 'vitest';
import { actionsOf, type ReplyFacts } from '../../../src/conversation/buttons.ts';
import type { TurnState } from '../../../src/conversation/turn.ts';

const facts = (changes: Partial<ReplyFacts> = {}): ReplyFacts => ({
  state: 'generated',
  hasAnswer: true,
  isPartial: false,
  versions: { index: 1, count: 1 },
  ...changes,
});
const several = { versions: { index: 2, count: 3 } };

test.each<[string, Partial<ReplyFacts>, readonly string[]]>([
  ['a whole answer', {}, ['regenerate', 'why']],
  ['one of several answers', several, ['regenerate', 'previous', 'next', 'why']],
  ['a cut answer', { isPartial: true }, ['continue', 'regenerate', 'why']],
  [
    'a cut answer among several',
    { isPartial: true, ...several },
    ['continue', 'regenerate', 'previous', 'next', 'why'],
  ],
  ['a stopped answer', { state: 'cancelled', isPartial: true }, ['continue', 'regenerate', 'why']],
  ['a failure', { state: 'failed', hasAnswer: false }, ['regenerate', 'why']],
  [
    'a failure below the answer that showed before',
    { state: 'failed', ...several },
    ['regenerate', 'previous', 'next', 'why'],
  ],
  [
    'a turn that was stopped before any text',
    { state: 'cancelled', hasAnswer: false },
    ['regenerate', 'why'],
  ],
  [
    'a turn that was interrupted before any text',
    { state: 'interrupted', hasAnswer: false },
    ['continue', 'why'],
  ],
  ['a refusal', { state: 'refused', hasAnswer: false }, []],
])('below %s: %o → %j', (_name, changes, actions) => {
  expect(actionsOf(facts(changes))).toEqual(actions);
});

test('there is always a way on, except from a refusal', () => {
  const states: readonly TurnState[] = ['generated', 'delivered', 'failed', 'cancelled', 'interrupted'];
  for (const state of states)
    for (const hasAnswer of [true, false])
      for (const isPartial of [true, false])
        expect(actionsOf(facts({ state, hasAnswer, isPartial }))).not.toEqual([]);
});
