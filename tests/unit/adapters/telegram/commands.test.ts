import { describe, expect, it } from 'vitest';
import { bindOptions, parseCommandLine } from '../../../../src/adapters/telegram/commands.ts';
import type { CommandOption, CommandSpec } from '../../../../src/platform/command.ts';

function spec(options: readonly CommandOption[]): CommandSpec {
  return { name: 'ask', options, scope: 'any', requires: 'everyone', respond: 'instant' };
}
const option = (name: string, more: Partial<CommandOption> = {}): CommandOption => ({
  name,
  kind: 'text',
  required: false,
  ...more,
});
const commandAt = (offset: number, length: number) => [{ type: 'bot_command' as const, offset, length }];

describe('a command line', () => {
  it.each([
    ['/usage', 6, { name: 'usage', bot: null, line: '' }],
    ['/Usage@Parley_Bot  last week ', 17, { name: 'usage', bot: 'Parley_Bot', line: 'last week' }],
    ['/ask\nfirst line\nsecond', 4, { name: 'ask', bot: null, line: 'first line\nsecond' }],
  ])('is read from %j', (text, length, expected) => {
    expect(parseCommandLine(text, commandAt(0, length))).toEqual(expected);
  });

  it('is only one where Telegram marked a command at the very beginning', () => {
    expect(parseCommandLine('/etc/hosts is a file', [])).toBeNull();
    expect(parseCommandLine('try /usage', commandAt(4, 6))).toBeNull();
  });
});

describe('options written as text', () => {
  it('bind in order', () => {
    const limits = spec([option('subject'), option('metric'), option('amount')]);
    expect(bindOptions(limits, 'user requests 100')).toEqual({
      subject: 'user',
      metric: 'requests',
      amount: '100',
    });
    expect(bindOptions(limits, 'user')).toEqual({ subject: 'user' });
    expect(bindOptions(limits, 'a b c d')).toEqual({ subject: 'a', metric: 'b', amount: 'c' });
  });

  it('leave the rest of the line to a greedy option, line breaks and all', () => {
    const ask = spec([option('question', { required: true, greedy: true })]);
    expect(bindOptions(ask, 'why is\n  the sky: blue?')).toEqual({ question: 'why is\n  the sky: blue?' });
  });

  it('bind by name before a greedy option and never take its first word', () => {
    const ask = spec([option('search'), option('question', { required: true, greedy: true })]);
    expect(bindOptions(ask, 'what is up')).toEqual({ question: 'what is up' });
    expect(bindOptions(ask, 'search:true what is up')).toEqual({ search: 'true', question: 'what is up' });
    expect(bindOptions(ask, 'search: what')).toEqual({ question: 'search: what' });
    expect(bindOptions(ask, 'url:https://x.y z')).toEqual({ question: 'url:https://x.y z' });
  });

  it('are none for an empty line', () => {
    expect(bindOptions(spec([option('a')]), '  ')).toEqual({});
  });
});
