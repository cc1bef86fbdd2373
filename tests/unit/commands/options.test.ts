import { expect, test } from 'vitest';
import { parseOptions } from '../../../src/commands/options.ts';
import { translate } from '../../../src/i18n/translate.ts';
import type { CommandInvocation, CommandSpec } from '../../../src/platform/command.ts';
import { placeId, userId } from '../../../src/platform/ids.ts';
import { decodeLine } from '../../../src/adapters/terminal/decode.ts';

const spec: CommandSpec = {
  name: 'demo',
  options: [
    { name: 'days', kind: 'integer', required: true },
    { name: 'mode', kind: 'text', required: false, choices: ['short', 'long'] },
    { name: 'loud', kind: 'boolean', required: false },
    { name: 'rest', kind: 'text', required: false },
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

test('options are read in order or by name', () => {
  const options = { days: 7, mode: 'long', loud: true, rest: 'more' };
  expect(parse('/demo 7 long yes more')).toEqual({ ok: true, options });
  expect(parse('/demo mode:long loud:yes 7 rest:more')).toEqual({ ok: true, options });
  expect(problem('/demo 7 long yes more words')).toBe('/demo does not take “words”.');
});

test('a missing option is named', () => {
  expect(problem('/demo')).toBe('/demo needs something more: please add `days` (number of days).');
});

test('a number that is none is refused with what it should be', () => {
  expect(problem('/demo 1.5')).toContain('a whole number');
  expect(problem('/demo 99999999999999999999')).toContain('a whole number');
});

test('a choice that is none is refused with the choices', () => {
  expect(problem('/demo 1 middle')).toContain('short or long');
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

test('people and channels are read as words where they are written, and roles are not there', () => {
  const who: CommandSpec = {
    ...spec,
    options: (['user', 'role', 'channel', 'number'] as const).map((kind) => ({
      name: kind,
      kind,
      required: false,
    })),
  };
  const channel = placeId('telegram', 1, -5);
  const read = (line: string, given: Partial<CommandInvocation> = {}) => {
    const parsed = parseOptions(who, { ...invoke(line), platform: 'telegram', channel, ...given }, say);
    return parsed.ok ? parsed.options : say(parsed.problem);
  };
  expect(read('/demo 42 channel:Here number:0,25')).toEqual({ user: 'telegram:42', channel, number: 0.25 });
  expect(read('/demo user:telegram:42')).toEqual({ user: 'telegram:42' });
  expect(read('/demo me')).toEqual({ user: 'terminal:local' });
  expect(read('/demo reply', { repliesToUser: userId('telegram', 8) })).toEqual({ user: 'telegram:8' });
  for (const word of ['reply', '@ann', 'discord:42', '-7', '9'.repeat(30)]) {
    expect(read(`/demo user:${word}`)).toContain('a person');
  }
  expect(read('/demo role:1')).toContain('a role');
  expect(read('/demo channel:telegram:1:-6')).toContain('`here`');
  expect(read('/demo channel:here', { channel: null })).toContain('`here`');
  expect(read('/demo number:1e3')).toContain('a number');
  const chosen = { user: 'discord:1', role: 'discord:2', channel: 'discord:9:3', number: '0.5' };
  expect(read('/demo', { line: null, options: chosen })).toEqual({ ...chosen, number: 0.5 });
});

test('before a greedy option the others bind by name only and never take its first word', () => {
  const search: CommandSpec = {
    ...spec,
    options: [
      { name: 'search', kind: 'boolean', required: false },
      { name: 'question', kind: 'text', required: true, greedy: true },
    ],
  };
  const read = (line: string) => {
    const parsed = parseOptions(search, invoke(line), say);
    return parsed.ok ? parsed.options : say(parsed.problem);
  };
  expect(read('/demo what is up')).toEqual({ question: 'what is up' });
  expect(read('/demo search:true what is up')).toEqual({ search: true, question: 'what is up' });
  expect(read('/demo search: what')).toEqual({ question: 'search: what' });
  expect(read('/demo url:https://x.y z')).toEqual({ question: 'url:https://x.y z' });
  expect(read('/demo why is\n  the sky: blue?')).toEqual({ question: 'why is\n  the sky: blue?' });
  expect(read('/demo search:maybe what')).toContain('on or off');
});
