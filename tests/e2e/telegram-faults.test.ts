import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../simulators/telegram/faults.ts';
import type { SimChat } from '../simulators/telegram/handles.ts';
import { QUICK, startBot } from '../support/bot.ts';
import { serverKinds } from '../support/database.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { openScene, slowly, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => {
  expect(await scene.records.holds()).toBe(0);
  expect(await scene.records.wrongCounters()).toEqual([]);
  await scene.stop();
});

const error = (code: number, description: string, more: object = {}) =>
  ({ kind: 'error', code, description, ...more }) as const;
const tooMany = error(429, 'Too Many Requests: retry after 1', { retryAfter: 1 });

const showing = (chat: SimChat, text: string) =>
  until(() => scene.said(chat).find((message) => message.text.includes(text)));
const callsTo = (chat: SimChat, method: string) =>
  scene.telegram.calls.filter((call) => call.method === method && call.chatId === chat.id);

/** Somebody else is served as if nothing had happened. */
async function expectService(): Promise<void> {
  const { turn, text } = await scene.person().ask('Are you all right?');
  expect([turn.state, turn.unreachable]).toEqual(['delivered', null]);
  expect(text).not.toBe('');
}

describe('a reader who can not be reached', () => {
  test('because they blocked the bot in mid-answer: the turn ends, and is marked', async () => {
    const ann = scene.person();
    scene.openrouter.play(slowly(['The ', 'beginning ', 'and ', 'the ', 'end.'], 80));
    const messageId = ann.send('A story');
    await showing(ann.chat, 'The');
    scene.telegram.block(ann.user);
    const { turn } = await scene.over(ann.chat, messageId);
    expect(turn).toMatchObject({ state: 'delivered', answer: { text: 'The beginning and the end.' } });
    expect(turn.unreachable).toMatch(/403/u);
    await expectService();
    scene.telegram.unblock(ann.user);
    const again = await ann.ask('I am back');
    expect(again.turn).toMatchObject({ state: 'delivered', unreachable: null });
  });

  test('because the chat is gone: one attempt, and the next reader is served', async () => {
    const ann = scene.person();
    const fault = error(400, 'Bad Request: chat not found');
    scene.telegram.fault('sendMessage', fault, { chatId: ann.chat.id, times: Infinity });
    const { turn } = await ann.ask('Hello?');
    expect(turn.unreachable).toMatch(/chat not found/u);
    expect(scene.said(ann.chat)).toEqual([]);
    expect(callsTo(ann.chat, 'sendMessage').length).toBeLessThanOrEqual(2);
    await expectService();
  });

  test('because the group removed the bot in mid-answer', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ members: [ann.user] });
    scene.openrouter.play(slowly(['The ', 'beginning ', 'and ', 'the ', 'end.'], 80));
    const messageId = chat.send(ann.user, '@parley_bot a story');
    await showing(chat, 'The');
    chat.removeBot(ann.user);
    const { turn } = await scene.over(chat, messageId);
    expect(turn.state).toBe('delivered');
    expect(turn.unreachable).toMatch(/403/u);
    await expectService();
  });
});

describe('an answer in the making', () => {
  test.for([
    ['first message', 'sendMessage'],
    ['last edit', 'editMessageText'],
  ])('waits where Telegram asks for a rest, and is complete: at its %s', async ([, method = '']) => {
    const ann = scene.person();
    scene.telegram.fault(method, tooMany, { chatId: ann.chat.id });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.' });
    const { text, turn } = await ann.ask('Tea?');
    expect([text, turn.state, turn.unreachable, turn.epoch]).toEqual(['Tea is hot.', 'delivered', null, 1]);
    expect(scene.said(ann.chat)).toHaveLength(1);
    expect(callsTo(ann.chat, method).filter(({ errorCode }) => errorCode === 429)).toHaveLength(1);
  });

  test.for([
    ['500', error(500, 'Internal Server Error')],
    ["a proxy's page", { kind: 'status', code: 502, body: '<html>Bad Gateway</html>' }],
    ['a broken connection', { kind: 'drop', when: 'before' }],
    ['a lost answer to an edit', { kind: 'drop', when: 'after' }],
  ] satisfies [string, Fault][])('gets over %s in its last edit', async ([, fault]) => {
    const ann = scene.person();
    scene.telegram.fault('editMessageText', fault, { chatId: ann.chat.id, times: 2 });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.' });
    const { text, turn } = await ann.ask('Tea?');
    expect([text, turn.unreachable, turn.epoch]).toEqual(['Tea is hot.', null, 1]);
    expect(scene.said(ann.chat)).toHaveLength(1);
  });

  test('is written anew where somebody deleted its message', async () => {
    const boss = scene.person();
    const chat = scene.telegram.group({ admins: [boss.user] });
    scene.openrouter.play(slowly(['The ', 'beginning ', 'and ', 'the ', 'end.'], 80));
    const messageId = chat.send(boss.user, '@parley_bot a story');
    const first = await showing(chat, 'The');
    chat.delete(first.id);
    const { text, turn } = await scene.over(chat, messageId);
    expect(text).toBe('The beginning and the end.');
    expect(turn.parts).not.toEqual([String(first.id)]);
    expect(scene.said(chat)).toHaveLength(1);
  });

  test('is answered although its question is gone', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ members: [ann.user] });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.', firstTokenMs: 150 });
    const messageId = chat.send(ann.user, '@parley_bot tea?');
    await until(() => scene.requests().some(({ messages }) => messages.at(-1)?.content.endsWith('tea?')));
    chat.delete(messageId);
    const { turn } = await scene.over(chat, messageId);
    expect([turn.state, turn.unreachable]).toEqual(['delivered', null]);
    expect(scene.said(chat).map(({ text }) => text)).toEqual(['Tea is hot.']);
  });

  test('goes on in the supergroup that a group has become', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ type: 'group', members: [ann.user] });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.', firstTokenMs: 150 });
    const messageId = chat.send(ann.user, '@parley_bot tea?');
    await until(async () => (await scene.turn(chat, messageId))?.state === 'running');
    const next = chat.migrate(ann.user);
    await scene.over(chat, messageId);
    expect(scene.said(next).map(({ text }) => text)).toEqual(['Tea is hot.']);
  });

  test('is plain where Telegram refuses its formatting', async () => {
    const ann = scene.person();
    const fault = error(400, "Bad Request: can't parse entities: unsupported start tag");
    scene.telegram.fault('sendMessage', fault, { chatId: ann.chat.id });
    scene.openrouter.play({ kind: 'answer', text: '**Tea** is hot.' });
    const { text } = await ann.ask('Tea?');
    expect(text).toBe('Tea is hot.');
    expect(scene.said(ann.chat)).toHaveLength(1);
  });
});

describe('an update that can not be read', () => {
  test.for([
    [
      'text that is no text',
      (id: number) => ({ message: { message_id: 1, date: 1, chat: { id, type: 'private' }, text: {} } }),
    ],
    ['no chat', () => ({ message: { message_id: 1, date: 1, text: 'hello' } })],
    [
      'entities that are no list',
      (id: number) => ({
        message: { message_id: 1, date: 1, chat: { id, type: 'private' }, text: 'x', entities: 5 },
      }),
    ],
    [
      'a press without a person',
      (id: number) => ({
        callback_query: {
          id: '1',
          chat_instance: '1',
          data: `stop:${crypto.randomUUID()}`,
          message: { message_id: 1, date: 1, chat: { id, type: 'private' } },
        },
      }),
    ],
  ] as const)('is recorded and passed over, and the next one is served: %s', async ([, make]) => {
    const ann = scene.person();
    const before = (await scene.records.errors()).length;
    const updateId = scene.telegram.pushUpdate(make(ann.user.id));
    expect((await ann.ask('Hello?')).turn.state).toBe('delivered');
    const errors = await until(async () => {
      const rows = await scene.records.errors();
      return rows.length > before ? rows : null;
    });
    expect(errors.at(-1)).toMatchObject({ area: 'event', originKey: String(updateId) });
    await until(() => scene.telegram.unconfirmed().length === 0);
  });

  test('because its kind is unknown is passed over', async () => {
    scene.telegram.pushUpdate({});
    scene.telegram.pushUpdate({ something_new: { chat: { id: 1 } } });
    scene.telegram.pushUpdate({
      message: { message_id: 1, date: 1, chat: { id: -100, type: 'channel' }, text: 'x' },
    });
    const before = (await scene.records.errors()).length;
    await expectService();
    await until(() => scene.telegram.unconfirmed().length === 0);
    expect(await scene.records.errors()).toHaveLength(before);
  });
});

describe('the connection to Telegram', () => {
  test('with a wrong token is refused at the start, with a sentence that names the setting', async () => {
    const token = '123456789:AA-this-is-not-the-right-token-AAAA';
    const starting = scene.restart({ TELEGRAM_BOT_TOKEN: token });
    await expect(starting).rejects.toThrow(
      /^Telegram refuses TELEGRAM_BOT_TOKEN \(getMe: 40[14] .*@BotFather/u,
    );
    await expect(starting).rejects.not.toThrow(token);
    await scene.restart();
    await expectService();
  });

  test('whose token is revoked while running ends with a reason, not with an exception', async () => {
    scene.telegram.fault('getUpdates', error(401, 'Unauthorized'));
    scene.person().send('Hello?');
    const fatal = await until(() => scene.bot().fatal());
    expect(fatal.message).toContain('Telegram refuses TELEGRAM_BOT_TOKEN');
    await scene.restart();
    await expectService();
  });

  test('that another poller has taken is taken back once it is free, and nothing is lost', async () => {
    const ann = scene.person();
    await ann.command('/help');
    scene.telegram.fault('getUpdates', error(409, 'Conflict: terminated by other getUpdates request'), {
      times: 3,
    });
    const ids = [ann.send('one'), ann.send('two')];
    for (const id of ids) expect((await scene.over(ann.chat, id)).turn.state).toBe('delivered');
    expect(scene.said(ann.chat)).toHaveLength(3);
    expect(scene.bot().fatal()).toBeNull();
  });

  test('is freed of a webhook that somebody set', async () => {
    const { telegram } = scene;
    await fetch(`${telegram.url}/bot${telegram.token}/setWebhook?url=https://example.org/hook`);
    const ann = scene.person();
    expect((await ann.ask('Hello?')).turn.state).toBe('delivered');
  });

  describe.runIf(serverKinds.length > 0)('shared by two processes on one database', () => {
    test('brings every message one answer', async () => {
      const shared = await openScene({ database: 'postgres' });
      const { telegram, openrouter } = shared;
      const settings = {
        TELEGRAM_BOT_TOKEN: telegram.token,
        TELEGRAM_API_ROOT: telegram.url,
        OPENROUTER_API_KEY: 'sk-or-v1-simulated',
        OPENROUTER_BASE_URL: openrouter.url,
        DATABASE_URL: shared.database.url ?? '',
      };
      const second = await startBot(settings, { telegramPace: QUICK });
      onTestFinished(async () => {
        await second.stop();
        await shared.stop();
      });
      const people = Array.from({ length: 10 }, () => shared.person());
      const ids = people.map((person) => person.send('Which of you answers?'));
      for (const [index, person] of people.entries()) {
        const { turn } = await shared.over(person.chat, ids[index] ?? 0);
        expect(turn.state).toBe('delivered');
        expect(shared.said(person.chat)).toHaveLength(1);
      }
      expect(shared.requests()).toHaveLength(10);
      expect([shared.bot().fatal(), second.fatal()]).toEqual([null, null]);
    });
  });

  describe('that goes away', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      gateway = await startGateway(scene.telegram.url);
      await scene.restart({ TELEGRAM_API_ROOT: gateway.url });
    });
    afterAll(async () => {
      await gateway.down();
      await scene.restart();
    });

    test('costs no message: what was written meanwhile is answered when it is back', async () => {
      const ann = scene.person();
      await ann.ask('before');
      await gateway.down();
      const messageId = ann.send('meanwhile');
      await until(() => scene.log.some((line) => line.includes('no updates for now')));
      await gateway.up();
      expect((await scene.over(ann.chat, messageId)).turn.state).toBe('delivered');
      expect((await ann.ask('after')).turn.state).toBe('delivered');
      expect(scene.said(ann.chat)).toHaveLength(3);
      expect(scene.bot().fatal()).toBeNull();
    });

    test('in mid-answer leaves the answer whole, and one message', async () => {
      const ann = scene.person();
      scene.openrouter.play(slowly(['The ', 'beginning ', 'and ', 'the ', 'end.'], 80));
      const messageId = ann.send('A story');
      await showing(ann.chat, 'The');
      // A create whose answer is lost may be repeated on Telegram; this one has arrived.
      await until(async () => (await scene.turn(ann.chat, messageId))?.parts[0]);
      await gateway.down();
      await until(async () => (await scene.turn(ann.chat, messageId))?.state === 'generated');
      await gateway.up();
      const { text } = await scene.over(ann.chat, messageId);
      expect(text).toBe('The beginning and the end.');
      expect(scene.said(ann.chat)).toHaveLength(1);
    });

    test('at the start is waited for', async () => {
      await gateway.down();
      const starting = scene.restart({ TELEGRAM_API_ROOT: gateway.url });
      const { length } = scene.log;
      await until(() =>
        scene.log.slice(length).some((line) => line.includes('Telegram does not answer yet')),
      );
      await gateway.up();
      await expect(starting).resolves.toBeUndefined();
      await expectService();
    });
  });
});
