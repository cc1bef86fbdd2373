import { describe, expect, it, vi } from 'vitest';
import { createCommandDoor } from '../../../src/commands/door.ts';
import { takeSecret } from '../../../src/commands/secret-message.ts';
import type { CommandServices } from '../../../src/commands/command.ts';
import { originKey, placeId, userId } from '../../../src/platform/ids.ts';
import type { IncomingMessage } from '../../../src/platform/message.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';

const KEY = `sk-or-v1-${'0123456789abcdef'.repeat(4)}`;
const ACCESS: CommandServices['access'] = { mode: 'open', users: [], guilds: [], operators: [] };

function message(text: string, { isBot = false, isPrivate = true } = {}): IncomingMessage {
  return {
    platform: 'telegram',
    originKey: originKey('telegram', 1, 1),
    author: { id: userId('telegram', 7), name: 'Ann', locale: 'en', isBot, isGuildAdmin: false, roles: [] },
    guild: null,
    place: placeId('telegram', 1),
    channel: null,
    thread: null,
    messageId: null,
    sentAtMs: 0,
    replyTarget: {},
    text,
    isTextWithheld: false,
    isMaybeCut: false,
    repliesTo: null,
    addressing: {
      isPrivate,
      mentionsBot: true,
      repliesToBot: false,
      inOwnThread: false,
      byCommand: false,
      fromSelf: false,
      isSystem: false,
    },
  };
}

function bench(takeExpected: CommandServices['keys']['takeExpected']) {
  const keys = { isOn: true, takeExpected: vi.fn<typeof takeExpected>(takeExpected) };
  const door = createCommandDoor(ACCESS, 3, () => 0);
  const services = { keys: keys as unknown as CommandServices['keys'], access: ACCESS, door };
  return { keys, take: (one: IncomingMessage) => takeSecret(one, services, ({ key }) => key) };
}

describe('keys that are sent', () => {
  it('are tried no faster than commands are used; who goes on is told once, and nothing is read as a question', async () => {
    const { keys, take } = bench(() => Promise.resolve({ kind: 'refused' }));
    const said = [];
    for (let index = 0; index < 6; index += 1) said.push(await take(message(KEY)));
    expect(said.map((one) => one?.text)).toEqual([
      ...Array.from({ length: 3 }, () => 'key.not_good'),
      'refusal.rate_limited',
      '',
      '',
    ]);
    expect(said.every((one) => one?.isToSecret === true)).toBe(true);
    expect(keys.takeExpected).toHaveBeenCalledTimes(3);
  });

  it('are not counted where the store is away', async () => {
    const { keys, take } = bench(() => Promise.reject(new StoreUnavailable('away')));
    for (let index = 0; index < 6; index += 1)
      await expect(take(message(KEY))).rejects.toThrow(StoreUnavailable);
    expect(keys.takeExpected).toHaveBeenCalledTimes(6);
  });

  it('by another bot are answered by nobody', async () => {
    const { keys, take } = bench(() => Promise.resolve({ kind: 'refused' }));
    expect(await take(message(KEY, { isBot: true }))).toBeNull();
    expect(await take(message(KEY, { isBot: true, isPrivate: false }))).toBeNull();
    expect(keys.takeExpected).not.toHaveBeenCalled();
  });

  it('do not keep long words from being questions', async () => {
    const { take } = bench(() => Promise.resolve(null));
    const words = message('https://example.org/a-long-address');
    const taken = await Promise.all(Array.from({ length: 10 }, () => take(words)));
    expect(taken.every((one) => one === null)).toBe(true);
  });
});
