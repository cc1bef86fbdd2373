import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../../src/adapters/telegram/commands.ts';

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
