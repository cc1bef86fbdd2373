import { expect, test } from 'vitest';
import { withPrevious, type Conclusion } from '../../../src/conversation/outcome.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';

type Ended = Pick<Conclusion, 'state' | 'answer' | 'notice'>;
type Before = Pick<RunnableTurn, 'cause' | 'previous'>;

const answered = (text: string, partial = false): Ended => ({
  state: 'generated',
  answer: { text, model: 'm', partial, search: null },
  notice: null,
});
const failed: Ended = { state: 'failed', answer: null, notice: { key: 'failure.moderated' } };
const before = (cause: Before['cause'], previous: Before['previous']): Before => ({ cause, previous });

test('an answer to a message shows as it is', () => {
  expect(withPrevious(answered('new', true), before('message', null))).toMatchObject({
    answer: { text: 'new', partial: true },
    shown: 'new',
    isPartial: true,
  });
});

test('an answer that was asked for again takes the place of what showed', () => {
  const previous = { text: 'old', isPartial: true };
  expect(withPrevious(answered('new'), before('regenerate', previous))).toMatchObject({
    answer: { text: 'new' },
    shown: 'new',
    isPartial: false,
  });
});

test('an answer that is continued is kept as one, and is cut where its end is', () => {
  const previous = { text: 'Half a ', isPartial: true };
  const whole = withPrevious(answered('burrito.'), before('continue', previous));
  expect(whole).toMatchObject({
    answer: { text: 'Half a burrito.', partial: false },
    shown: 'Half a burrito.',
    isPartial: false,
  });
  expect(withPrevious(answered('burr', true), before('continue', previous))).toMatchObject({
    answer: { text: 'Half a burr', partial: true },
    isPartial: true,
  });
});

test('a whole answer is not continued but answered again', () => {
  const previous = { text: 'All of it.', isPartial: false };
  expect(withPrevious(answered('More.'), before('continue', previous))).toMatchObject({
    answer: { text: 'More.' },
    shown: 'More.',
  });
});

test('a continuation of nothing is an answer', () => {
  expect(withPrevious(answered('All.'), before('continue', null)).shown).toBe('All.');
});

test.each(['regenerate', 'continue'] as const)('where none comes, what showed still shows: %s', (cause) => {
  const previous = { text: 'Half a ', isPartial: true };
  expect(withPrevious(failed, before(cause, previous))).toEqual({
    ...failed,
    shown: 'Half a ',
    isPartial: true,
    search: null,
  });
  expect(withPrevious(failed, before(cause, null))).toEqual({
    ...failed,
    shown: null,
    isPartial: false,
    search: null,
  });
});

test('the sources of what is continued stay, those of a new answer take their place', () => {
  const report = (url: string) => ({ searches: 1, costNanoUsd: 7e6, sources: [{ url, title: '' }] });
  const previous = { text: 'Half a ', isPartial: true, search: report('https://old.example/') };
  expect(withPrevious(answered('burrito.'), before('continue', previous)).search).toEqual(previous.search);
  expect(withPrevious(answered('new'), before('regenerate', previous)).search).toBeNull();
  expect(withPrevious(failed, before('regenerate', previous)).search).toEqual(previous.search);
});
