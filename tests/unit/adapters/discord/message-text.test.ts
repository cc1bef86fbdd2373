import { describe, expect, it } from 'vitest';
import { readText, type MentionNames } from '../../../../src/adapters/discord/message-text.ts';

const BOT = '1100000000000000001';
const BOT_ROLE = '1100000000000000002';
const BOB = '1100000000000000003';
const PILOTS = '1100000000000000004';
const HANGAR = '1100000000000000005';
const STRANGER = '1100000000000000006';

const names: MentionNames = {
  isBot: (kind, id) => id === (kind === '@' ? BOT : BOT_ROLE),
  user: (id) => (id === BOB ? 'Bob' : null),
  role: (id) => (id === PILOTS ? 'pilots' : null),
  channel: (id) => (id === HANGAR ? 'hangar' : null),
};

describe('the text of a message', () => {
  it.each([
    [`<@${BOT}> what is steam?`, 'what is steam?'],
    [`<@!${BOT}>, what is steam?`, 'what is steam?'],
    [`  <@${BOT}>:\nwhat is steam?`, 'what is steam?'],
    [`what, <@${BOT}>, is steam?`, 'what,, is steam?'],
    [`what is steam <@${BOT}>?`, 'what is steam?'],
    [`what is steam? <@${BOT}>`, 'what is steam?'],
    [`<@${BOT}> <@${BOT}> what is steam?`, 'what is steam?'],
    [`<@&${BOT_ROLE}> what is steam?`, 'what is steam?'],
    [`<@${BOT}>`, ''],
  ])('loses the mention of the bot: %j', (content, text) => {
    expect(readText(content, names)).toEqual({ text, mentionsBot: true });
  });

  it.each([
    [`ask <@${BOB}>`, 'ask @Bob'],
    [`ask <@!${BOB}> and <@&${PILOTS}>`, 'ask @Bob and @pilots'],
    [`in <#${HANGAR}>, please`, 'in #hangar, please'],
    [`who is <@${STRANGER}>?`, `who is <@${STRANGER}>?`],
    [', so what?', ', so what?'],
    ['a < b and <@12>', 'a < b and <@12>'],
    ['one\0two', 'onetwo'],
  ])('reads as people see it: %j', (content, text) => {
    expect(readText(content, names)).toEqual({ text, mentionsBot: false });
  });

  it('takes a role for the bot only where it is its own', () => {
    expect(readText(`<@&${BOT}> <@${BOT_ROLE}>`, names).mentionsBot).toBe(false);
  });
});
