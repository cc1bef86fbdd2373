import { describe, expect, it } from 'vitest';
import { FatalAdapterError } from '../../../../src/platform/adapter.ts';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { openStage, until } from './stage.ts';

describe('the start', () => {
  it('asks who it is, removes a webhook without losing updates, and polls for every kind it reads', async () => {
    const stage = await openStage();
    await until(() => stage.calls('getUpdates').length > 0);
    expect(stage.telegram.calls.slice(0, 2).map((call) => call.method)).toEqual(['getMe', 'deleteWebhook']);
    expect(stage.calls('deleteWebhook')[0]!.params).not.toHaveProperty('drop_pending_updates');
    expect(stage.calls('getUpdates')[0]!.params).toMatchObject({
      allowed_updates: [
        'message',
        'edited_message',
        'callback_query',
        'my_chat_member',
        'pre_checkout_query',
        'subscription',
        'stopped_message_generation',
      ],
    });
  });

  it('publishes the menus per scope and language, without the commands of operators', async () => {
    const stage = await openStage();
    await until(() => stage.calls('setMyCommands').filter((call) => call.ok).length === 6);
    const menus = stage.calls('setMyCommands').map(({ params }) => {
      const {
        scope,
        language_code: language = 'en',
        commands,
      } = params as {
        scope: { type: string };
        language_code?: string;
        commands: { command: string; description: string }[];
      };
      return `${scope.type} ${language}: ${commands.map(({ description }) => description).join(', ')}`;
    });
    expect(menus).toEqual([
      'default en: en: usage, en: stop',
      'default id: id: usage, id: stop',
      'all_private_chats en: en: usage, en: stop, en: memory',
      'all_private_chats id: id: usage, id: stop, id: memory',
      'all_group_chats en: en: usage, en: stop, en: settings',
      'all_group_chats id: id: usage, id: stop, id: settings',
    ]);
  });

  it('goes on when the menus are refused', async () => {
    const stage = await openStage({ isStarted: false });
    stage.telegram.fault(
      'setMyCommands',
      { kind: 'error', code: 500, description: 'Internal Server Error' },
      { times: 6 },
    );
    await stage.adapter.start(stage.handlers);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toHaveLength(1);
  });

  it.each([
    ['refused', '123456789:AA-wrong-token-AAAAAAAAAAAAAAAAAA'],
    ['malformed', '1:x'],
  ])('with a %s token fails for good and names the setting, not the token', async (_, token) => {
    const stage = await openStage({ isStarted: false, token });
    const error: unknown = await stage.adapter.start(stage.handlers).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FatalAdapterError);
    expect(String(error)).toContain('TELEGRAM_BOT_TOKEN');
    expect(String(error) + stage.log.join()).not.toContain(token);
  });

  it('waits for a Telegram that does not answer yet', async () => {
    const stage = await openStage({ isStarted: false });
    stage.telegram.fault(
      'getMe',
      { kind: 'status', code: 502, body: '<html>Bad Gateway</html>' },
      { times: 2 },
    );
    stage.telegram.fault('getMe', { kind: 'drop', when: 'before' });
    stage.telegram.fault('deleteWebhook', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 1',
      retryAfter: 1,
    });
    await stage.adapter.start(stage.handlers);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => stage.messages.length === 1);
    expect(stage.calls('getMe').map(({ ok }) => ok)).toEqual([false, false, false, true]);
  });

  it('is given up when the adapter is stopped before Telegram answers', async () => {
    const stage = await openStage({ isStarted: false });
    stage.telegram.fault(
      'getMe',
      { kind: 'error', code: 500, description: 'Internal Server Error' },
      { times: Infinity },
    );
    const start = stage.adapter.start(stage.handlers);
    await until(() => stage.calls('getMe').length > 1);
    await stage.adapter.stop();
    await start;
    expect(stage.calls('getUpdates')).toEqual([]);
  });
});

describe('polling', () => {
  it('confirms an update only when it is stored', async () => {
    let store = (): void => undefined;
    const stored = new Promise<void>((resolve) => (store = resolve));
    const stage = await openStage({ handlers: { onMessage: async () => (await stored, 'no_reply') } });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => stage.calls('getUpdates').length >= 3);
    expect(stage.telegram.unconfirmed()).toHaveLength(1);
    store();
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toHaveLength(1);
  });

  it('keeps the order within a chat and lets no chat wait for another', async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const stage = await openStage({
      handlers: {
        onMessage: async (message) => {
          if (message.text === 'slow') await slow;
          return 'no_reply';
        },
      },
    });
    const [ada, ben] = [stage.telegram.user(), stage.telegram.user()];
    ada.privateChat().send(ada, 'slow');
    ada.privateChat().send(ada, 'after');
    ben.privateChat().send(ben, 'other');
    await until(() => stage.messages.length === 1);
    expect(stage.messages.map(({ text }) => text)).toEqual(['other']);
    release();
    await until(() => stage.messages.length === 3);
    expect(stage.messages.map(({ text }) => text)).toEqual(['other', 'slow', 'after']);
  });

  it('lets /stop pass what is stuck, also in the same chat', async () => {
    let release = (): void => undefined;
    const stuck = new Promise<void>((resolve) => (release = resolve));
    // In real time: the server gives a single update to a poll that repeats its offset within half a second.
    const stage = await openStage({
      speed: 1,
      handlers: {
        onMessage: async () => (await stuck, 'no_reply'),
        onCommand: () => {
          release();
          return Promise.resolve('no_reply');
        },
      },
    });
    const user = stage.telegram.user();
    const chat = user.privateChat();
    chat.send(user, 'stuck');
    await until(() => stage.calls('getUpdates').length >= 2);
    chat.send(user, '/stop');
    await until(() => stage.messages.length === 1);
    expect(stage.commands.map(({ name }) => name)).toEqual(['stop']);
  });

  it('moves the offset over what is stored without a gap', async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const stage = await openStage({
      handlers: {
        onMessage: async (message) => {
          if (message.text === 'slow') await slow;
          return 'no_reply';
        },
      },
    });
    const people = [stage.telegram.user(), stage.telegram.user(), stage.telegram.user()];
    for (const [index, text] of ['first', 'slow', 'third'].entries()) {
      people[index]!.privateChat().send(people[index]!, text);
    }
    await until(() => stage.telegram.unconfirmed().length === 2);
    expect(stage.telegram.unconfirmed().map((update) => update.message?.text)).toEqual(['slow', 'third']);
    release();
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['first', 'third', 'slow']);
  });

  it('keeps the offset while the store is away and takes the same updates in order when it is back', async () => {
    let isAway = true;
    let tries = 0;
    const stage = await openStage({
      handlers: {
        onMessage: () => {
          tries += 1;
          if (isAway) throw new StoreUnavailable();
          return Promise.resolve('no_reply');
        },
      },
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'one');
    user.privateChat().send(user, 'two');
    await until(() => tries > 7);
    expect(stage.telegram.unconfirmed()).toHaveLength(2);
    expect(stage.poison).toEqual([]);
    isAway = false;
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['one', 'two']);
  });

  it('gives an update up after five failures that are ours, records it, and goes on', async () => {
    let tries = 0;
    const stage = await openStage({
      handlers: {
        onMessage: (message) => {
          if (message.text !== 'poison') return Promise.resolve('no_reply');
          tries += 1;
          throw new TypeError('a bug');
        },
      },
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'poison');
    user.privateChat().send(user, 'next');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(tries).toBe(5);
    expect(stage.poison).toEqual([
      { eventId: expect.stringMatching(/^\d+$/u), cause: expect.any(TypeError) },
    ]);
    expect(stage.messages.map(({ text }) => text)).toEqual(['next']);
  });

  it('survives an update that is not even readable', async () => {
    const stage = await openStage();
    stage.telegram.pushUpdate({ message: { chat: null } });
    stage.telegram.pushUpdate({ callback_query: 'nonsense' });
    stage.telegram.pushUpdate({ unheard_of: {} });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'fine');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.poison).toHaveLength(1);
    expect(stage.messages.map(({ text }) => text)).toEqual(['fine']);
  });

  it('does not confirm poison that could not be recorded', async () => {
    let refusals = 0;
    const stage = await openStage({
      handlers: {
        onMessage: () => Promise.reject(new TypeError('a bug')),
        onPoison: () => {
          refusals += 1;
          return refusals < 3 ? Promise.reject(new StoreUnavailable()) : Promise.resolve();
        },
      },
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'poison');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(refusals).toBe(3);
  });

  it('goes on after errors, broken connections and a proxy page', async () => {
    const stage = await openStage();
    stage.telegram.fault('getUpdates', { kind: 'error', code: 500, description: 'Internal Server Error' });
    stage.telegram.fault('getUpdates', { kind: 'drop', when: 'before' });
    stage.telegram.fault('getUpdates', { kind: 'drop', when: 'after' });
    stage.telegram.fault('getUpdates', { kind: 'status', code: 502, body: '<html>' });
    stage.telegram.fault('getUpdates', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 1',
      retryAfter: 1,
    });
    const user = stage.telegram.user();
    for (const text of ['a', 'b', 'c']) user.privateChat().send(user, text);
    await until(() => stage.messages.length >= 3);
    user.privateChat().send(user, 'd');
    await until(() => stage.calls('getUpdates').filter((call) => !call.ok && !call.pending).length >= 4);
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd']);
    expect(stage.log.join('\n')).not.toContain(stage.telegram.token);
  });

  it('stands by while another process polls, says so once, and takes over when that one is gone', async () => {
    const stage = await openStage();
    await until(() => stage.calls('getUpdates').length > 0);
    stage.telegram.fault(
      'getUpdates',
      {
        kind: 'error',
        code: 409,
        description:
          'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      },
      { times: 4 },
    );
    const user = stage.telegram.user();
    user.privateChat().send(user, 'wake');
    await until(() => stage.calls('getUpdates').filter((call) => call.errorCode === 409).length === 4);
    user.privateChat().send(user, 'hello');
    await until(() => stage.messages.length === 2);
    expect(stage.log.filter((line) => line.startsWith('no updates for now'))).toHaveLength(1);
  });

  it('removes a webhook that somebody set meanwhile', async () => {
    const stage = await openStage();
    await until(() => stage.calls('getUpdates').length > 0);
    await fetch(`${stage.telegram.url}/bot${stage.telegram.token}/setWebhook?url=https://example.org/x`);
    await until(() => stage.calls('deleteWebhook').length === 2);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => stage.messages.length === 1);
    expect(stage.calls('deleteWebhook').map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('reports a token that is revoked while it runs, once, and ceases', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    stage.telegram.fault(
      'getUpdates',
      { kind: 'error', code: 401, description: 'Unauthorized' },
      { times: Infinity },
    );
    user.privateChat().send(user, 'wake');
    await until(() => stage.fatal.length > 0);
    expect(stage.fatal).toHaveLength(1);
    expect(stage.fatal[0]!.message).toContain('TELEGRAM_BOT_TOKEN');
  });
});

describe('the stop', () => {
  it('waits for what is in hand and confirms it', async () => {
    let release = (): void => undefined;
    let isBegun = false;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const stage = await openStage({
      handlers: {
        onMessage: async () => {
          isBegun = true;
          await slow;
          return 'no_reply';
        },
      },
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => isBegun);
    let isStopped = false;
    const stop = stage.adapter.stop().then(() => (isStopped = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isStopped).toBe(false);
    release();
    await stop;
    expect(stage.messages).toHaveLength(1);
    expect(stage.telegram.unconfirmed()).toEqual([]);
  });

  it('leaves what the store did not take to be delivered again to the next process', async () => {
    let isAway = true;
    const stage = await openStage({
      handlers: {
        onMessage: () => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve('no_reply')),
      },
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'one');
    user.privateChat().send(user, 'two');
    await until(() => stage.log.some((line) => line.startsWith('update not taken')));
    await stage.adapter.stop();
    expect(stage.telegram.unconfirmed()).toHaveLength(2);
    isAway = false;
    const next = stage.another();
    await next.start(stage.handlers);
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['one', 'two']);
  });
});
