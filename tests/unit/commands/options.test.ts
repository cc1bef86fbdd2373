import { expect, test } from 'vitest';
import { parseOptions } from '../../../src/commands/options.ts';
import { translate } from '../../../src/i18n/translate.ts';
import type { CommandInvocation, CommandSpec } from '../../../src/platform/command.ts';
import { decodeLine } from '../../../src/adapters/terminal/decode.ts';

const spec: CommandSpec = {
  name: 'demo',
  options: [
    { name: 'days', kind: 'integer', required: true },
    { name: 'mode', kind: 'text', required: false, choices: ['short', 'long'] },
    { name: 'loud', kind: 'boolean', required: false },
    { name: 'rest', kind: 'text', required: false, greedy: true },
  ],
  scope: 'any',
  requires: 'everyone',
  respond: 'instant',
};

function invoke(line: string): CommandInvocation {
  const decoded = decodeLine(line, 'e', 0, null);
  if (decoded?.kind !== 'command') throw new Error('not a command');
  return decoded.invocation;
}

const say = (notice: Parameters<typeof translate>[1]) => translate('en', notice);
const parse = (line: string) => parseOptions(spec, invoke(line), say);
const problem = (line: string) => {
  const parsed = parse(line);
  return parsed.ok ? null : say(parsed.problem);
};

test('options are read in order and the greedy one takes the rest of the line', () => {
  expect(parse('/demo 7 long yes and  more words')).toEqual({
    ok: true,
    options: { days: 7, mode: 'long', loud: true, rest: 'and  more words' },
  });
});

test('a missing option is named', () => {
  expect(problem('/demo')).toBe('/demo needs something more: please add the number of days.');
});

test('a number that is none is refused with what it should be', () => {
  expect(problem('/demo 1.5')).toContain('a whole number');
  expect(problem('/demo 99999999999999999999')).toContain('a whole number');
});

test('a choice that is none is refused with the choices', () => {
  expect(problem('/demo 1 middle')).toContain('short, long');
});

test('what a command does not take is refused', () => {
  const noOptions: CommandSpec = { ...spec, options: [] };
  const parsed = parseOptions(noOptions, invoke('/demo x'), say);
  expect(parsed.ok ? null : say(parsed.problem)).toBe('/demo does not take “x”.');
});

test('options that a platform sends apart are taken by name', () => {
  const parsed = parseOptions(
    spec,
    { ...invoke('/demo'), line: null, options: { days: '3', rest: 'a b' } },
    say,
  );
  expect(parsed).toEqual({ ok: true, options: { days: 3, rest: 'a b' } });
});
