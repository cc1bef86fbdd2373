import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Api, Bot, GrammyError, HttpError, InputFile } from 'grammy';
import type { MessageEntity, Update } from '@grammyjs/types';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { connectTelegramSimulator } from '../../simulators/telegram/remote.ts';
import { methods } from '../../simulators/telegram/methods/table.ts';
import { startTelegramSimulator } from '../../simulators/telegram/server.ts';
import type { TelegramSimulator, TelegramSimulatorOptions } from '../../simulators/telegram/server.ts';

const running: TelegramSimulator[] = [];

interface Started {
  readonly simulator: TelegramSimulator;
  readonly api: Api;
  /** Moves the simulator's clock; it stands still otherwise. */
  readonly advance: (ms: number) => void;
}

async function start(options: TelegramSimulatorOptions = {}): Promise<Started> {
  let time = 1_795_000_000_000;
  const simulator = await startTelegramSimulator({ now: () => time, ...options });
  running.push(simulator);
  const api = new Api(simulator.token, { apiRoot: simulator.url });
  return {
    simulator,
    api,
    advance: (ms) => {
      time += ms;
    },
  };
}

/** A private chat in which the person has written, so that the bot may answer; the update is confirmed. */
function startedChat(simulator: TelegramSimulator) {
  const user = simulator.user();
  const chat = user.privateChat();
  chat.send(user, '/start');
  return { user, chat };
}

/** All unconfirmed updates over the raw protocol, at once. */
async function updatesOf(api: Api, offset = 0): Promise<Update[]> {
  return await api.getUpdates({ offset, limit: 100, timeout: 0 });
}

/** The refusal a call met; fails the test when the call went through. */
async function refusal(call: Promise<unknown>): Promise<GrammyError> {
  const error = await failure(call);
  if (!(error instanceof GrammyError)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
}

/** What a call failed with, if it failed. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

async function refusalText(call: Promise<unknown>): Promise<string> {
  return (await refusal(call)).description;
}

/** grammY's types name an older AbortSignal than Node's; at run time they are the same. */
const signalOf = (controller: AbortController) =>
  controller.signal as unknown as NonNullable<Parameters<Api['getMe']>[0]>;

const keyboard = (data: string) => ({ inline_keyboard: [[{ text: 'Press', callback_data: data }]] });

afterEach(async () => {
  for (const simulator of running.splice(0)) {
    await simulator.stop();
    // Whatever a test does, what the simulator sends keeps to the Bot API's description.
    if (simulator.violations.length > 0) throw new Error(simulator.violations.join('\n'));
  }
});

describe('a bot on the simulator', () => {
  it('answers a message, edits its answer and answers a pressed button', async () => {
    const { simulator } = await start();
    const bot = new Bot(simulator.token, { client: { apiRoot: simulator.url } });
    bot.on('message:text', async (context) => {
      const sent = await context.reply(`Echo: ${context.msg.text}`);
      await context.api.editMessageText(context.chat.id, sent.message_id, 'Edited', {
        reply_markup: keyboard('stop'),
      });
    });
    bot.on('callback_query', (context) => context.answerCallbackQuery('Stopped'));
    const stopped = bot.start();
    const user = simulator.user({ languageCode: 'id' });
    const chat = user.privateChat();
    chat.send(user, 'hello');
    await expect.poll(() => chat.messages().at(-1)?.text).toBe('Edited');
    const answer = await chat.press(user, chat.messages().at(-1)?.id ?? 0, 'stop');
    expect(answer).toEqual({ text: 'Stopped', showAlert: false, url: undefined });
    await bot.stop();
    await stopped;
    const called = simulator.calls.map(({ method }) => method);
    expect(called.slice(0, 3)).toEqual(['getMe', 'deleteWebhook', 'getUpdates']);
    expect(called.filter((method) => !method.startsWith('get') && method !== 'deleteWebhook')).toEqual([
      'sendMessage',
      'editMessageText',
      'answerCallbackQuery',
    ]);
    expect(simulator.unconfirmed()).toEqual([]);
  });

  it('tells the language of a person only when there is one', async () => {
    const { simulator, api } = await start();
    for (const profile of [{ languageCode: 'pt-BR' }, {}]) {
      const user = simulator.user(profile);
      user.privateChat().send(user, 'hi');
    }
    const updates = await updatesOf(api);
    expect(updates.map(({ message }) => message?.from.language_code)).toEqual(['pt-BR', undefined]);
  });

  it('is refused with a wrong token and for an unknown method', async () => {
    const { simulator, api } = await start();
    const other = new Api('1:aaaaaaaaaaaaaaaaaaaaaaaaaaa', { apiRoot: simulator.url });
    expect(await refusal(other.getMe())).toMatchObject({ error_code: 401, description: 'Unauthorized' });
    const malformed = new Api('nonsense', { apiRoot: simulator.url });
    expect(await refusalText(malformed.getMe())).toBe('Unauthorized: invalid token specified');
    expect(await refusal(api.getAvailableGifts())).toMatchObject({
      error_code: 404,
      description: 'Not Found: method not found',
    });
  });
});

describe('getUpdates', () => {
  it('returns an update again until a later offset confirms it', async () => {
    const { simulator, api } = await start();
    startedChat(simulator);
    const [first] = await updatesOf(api);
    expect(await updatesOf(api)).toEqual([first]);
    expect(simulator.unconfirmed()).toHaveLength(1);
    const waiting = api.getUpdates({ offset: (first?.update_id ?? 0) + 1, timeout: 20 });
    await expect.poll(() => simulator.unconfirmed()).toEqual([]);
    startedChat(simulator);
    expect((await waiting).map(({ update_id }) => update_id)).toEqual([(first?.update_id ?? 0) + 1]);
  });

  it('keeps only the last updates for a negative offset', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    chat.send(user, 'two');
    chat.send(user, 'three');
    expect((await updatesOf(api, -1)).map(({ message }) => message?.text)).toEqual(['three']);
    expect(simulator.unconfirmed()).toHaveLength(1);
  });

  it('gives one update at a time to a client that asks again at once with the same offset', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    chat.send(user, 'two');
    expect(await updatesOf(api)).toHaveLength(2);
    expect(await updatesOf(api)).toHaveLength(1);
  });

  it('ends the older of two polls with a conflict and lets the newer go on', async () => {
    const { simulator, api } = await start();
    const older = api.getUpdates({ timeout: 20 });
    const refused = refusal(older);
    await expect.poll(() => simulator.calls.length).toBe(1);
    const newer = api.getUpdates({ timeout: 20 });
    expect(await refused).toMatchObject({
      error_code: 409,
      description:
        'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    });
    startedChat(simulator);
    expect(await newer).toHaveLength(1);
  });

  it('keeps the updates of a poll whose client went away', async () => {
    const { simulator, api } = await start();
    const gone = new AbortController();
    const poll = api.getUpdates({ timeout: 20 }, signalOf(gone));
    const failed = failure(poll);
    await expect.poll(() => simulator.calls.length).toBe(1);
    gone.abort();
    expect(await failed).toBeInstanceOf(HttpError);
    await expect.poll(() => simulator.calls[0]?.pending).toBe(false);
    expect(simulator.calls[0]?.aborted).toBe(true);
    startedChat(simulator);
    expect(await updatesOf(api)).toHaveLength(1);
  });

  it('remembers the kinds the bot asked for and applies them when an update is made', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    const id = chat.messages()[0]?.id ?? 0;
    chat.react(user, id, { to: '👍' });
    await api.getUpdates({ allowed_updates: ['message_reaction'] });
    chat.send(user, 'not wanted');
    chat.react(user, id, { from: '👍' });
    const updates = await api.getUpdates({ offset: 1 });
    expect(updates.map((update) => Object.keys(update)[1])).toEqual(['message', 'message_reaction']);
    expect(updates[1]?.update_id).toBe((updates[0]?.update_id ?? 0) + 1);
  });

  it('lets a callback query expire after 150 seconds and a message after a day', async () => {
    const { simulator, api, advance } = await start();
    const { user, chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'Choose', { reply_markup: keyboard('a') });
    void chat.press(user, message_id, 'a').catch(() => undefined);
    const kinds = () => simulator.unconfirmed().map((update) => Object.keys(update)[1]);
    expect(kinds()).toEqual(['message', 'callback_query']);
    advance(150_000);
    expect(kinds()).toEqual(['message']);
    advance(24 * 3_600_000);
    expect(kinds()).toEqual([]);
  });

  it('hands out raw updates as they are, whatever they hold', async () => {
    const { simulator, api } = await start();
    const id = simulator.pushUpdate({ message: { text: 5 } });
    expect(await updatesOf(api)).toEqual([{ update_id: id, message: { text: 5 } }]);
    await updatesOf(api, id + 1);
  });
});

describe('a request', () => {
  it('is understood as query, form, JSON or multipart, with the method in any case', async () => {
    const { simulator } = await start({ enforceRates: false });
    const { chat } = startedChat(simulator);
    const address = `${simulator.url}/bot${simulator.token}/SENDMESSAGE`;
    const markup = JSON.stringify(keyboard('x'));
    const fields = {
      chat_id: String(chat.id),
      text: 'same',
      reply_markup: markup,
      disable_notification: 'True',
    };
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const responses = [
      await fetch(`${address}?${new URLSearchParams(fields).toString()}`),
      await fetch(address, { method: 'POST', body: new URLSearchParams(fields) }),
      await fetch(address, { method: 'POST', body: form }),
      await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...fields, chat_id: chat.id, reply_markup: keyboard('x') }),
      }),
    ];
    for (const response of responses) {
      expect(await response.json()).toMatchObject({ ok: true, result: { reply_markup: keyboard('x') } });
    }
  });

  it.each([
    ['misses the chat', { text: 'x' }, 'Bad Request: chat_id is empty'],
    ['misses the text', { chat_id: 1 }, 'Bad Request: message text is empty'],
    [
      'has an unknown parameter',
      { chat_id: 1, text: 'x', parse_modus: 'HTML' },
      'Bad Request: simulator: sendMessage has no parameter "parse_modus"',
    ],
    [
      'has a parameter of the wrong type',
      { chat_id: 1, text: 'x', entities: [{ type: 'bold', offset: '0', length: 1 }] },
      'Bad Request: simulator: wrong parameter of sendMessage: entities[0].offset is not Integer',
    ],
    [
      'has an unknown field in an object',
      { chat_id: 1, text: 'x', reply_parameters: { message_id: 1, message: 2 } },
      'Bad Request: simulator: wrong parameter of sendMessage: reply_parameters.message is unknown',
    ],
    ['names an unknown chat', { chat_id: 1, text: 'x' }, 'Bad Request: chat not found'],
  ])('that %s is refused', async (_, body, description) => {
    const { simulator } = await start();
    const response = await fetch(`${simulator.url}/bot${simulator.token}/sendMessage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ ok: false, error_code: 400, description });
  });

  it('may use exactly the methods the committed description lists', () => {
    const path = new URL('../../fixtures/telegram/bot-api.json', import.meta.url);
    const description = JSON.parse(readFileSync(path, 'utf8')) as { methods: object };
    expect(Object.keys(methods).toSorted()).toEqual(Object.keys(description.methods).toSorted());
  });
});

describe('text', () => {
  it('may have 4096 code points, however many UTF-16 units those are', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const sent = await api.sendMessage(chat.id, '🙂'.repeat(4096));
    expect(sent.text).toHaveLength(8192);
    expect(await refusalText(api.sendMessage(chat.id, '🙂'.repeat(4097)))).toBe(
      'Bad Request: message is too long',
    );
    expect(await refusalText(api.sendMessage(chat.id, '🙂'.repeat(8193)))).toBe(
      'Bad Request: text is too long',
    );
  });

  it('is trimmed, and refused when nothing is left', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const sent = await api.sendMessage(chat.id, ' \n bold tail  \n', {
      entities: [{ type: 'bold', offset: 3, length: 12 }],
    });
    expect(sent).toMatchObject({ text: 'bold tail', entities: [{ type: 'bold', offset: 0, length: 9 }] });
    expect(await refusalText(api.sendMessage(chat.id, ' \n '))).toBe('Bad Request: text must be non-empty');
    expect(await refusalText(api.sendMessage(chat.id, ''))).toBe('Bad Request: message text is empty');
  });

  it('is refused with a parse mode', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const call = api.sendMessage(chat.id, '*x*', { parse_mode: 'MarkdownV2' });
    expect(await refusalText(call)).toBe('Bad Request: unsupported parse_mode');
  });

  it('gets the entities the server finds by itself, except inside code', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const text = '/help @someone https://example.org/a. #tag me@example.org code @nobody';
    const code: MessageEntity = { type: 'code', offset: text.indexOf('code'), length: 12 };
    const sent = await api.sendMessage(chat.id, text, { entities: [code] });
    const found = sent.entities?.map(({ type, offset, length }) => [
      type,
      text.slice(offset, offset + length),
    ]);
    expect(found).toEqual([
      ['bot_command', '/help'],
      ['mention', '@someone'],
      ['url', 'https://example.org/a'],
      ['hashtag', '#tag'],
      ['email', 'me@example.org'],
      ['code', 'code @nobody'],
    ]);
  });

  it.each<[string, string, MessageEntity[], string]>([
    [
      'begins after the end',
      'abc',
      [{ type: 'bold', offset: 4, length: 1 }],
      'Entity begins after the end of the text at UTF-16 offset 4',
    ],
    [
      'ends after the end',
      'abc',
      [{ type: 'bold', offset: 1, length: 3 }],
      'Entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 4',
    ],
    [
      'begins inside a surrogate pair',
      'a🙂b',
      [{ type: 'bold', offset: 2, length: 1 }],
      'Entity begins in a middle of a UTF-16 symbol at byte offset 1',
    ],
    [
      'ends inside a surrogate pair',
      'a🙂b',
      [{ type: 'bold', offset: 0, length: 2 }],
      'Entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 1',
    ],
    [
      'overlaps another without nesting',
      'abcdef',
      [
        { type: 'bold', offset: 0, length: 3 },
        { type: 'italic', offset: 2, length: 3 },
      ],
      'simulator: entities overlap without nesting: bold at 0 and italic at 2',
    ],
    [
      'stands inside code',
      'abcdef',
      [
        { type: 'pre', offset: 0, length: 6, language: 'ts' },
        { type: 'bold', offset: 2, length: 3 },
      ],
      'simulator: entities must not nest: pre at 0 and bold at 2',
    ],
    [
      'is a quote in a quote',
      'abcdef',
      [
        { type: 'blockquote', offset: 0, length: 6 },
        { type: 'expandable_blockquote', offset: 2, length: 3 },
      ],
      'simulator: entities must not nest: blockquote at 0 and expandable_blockquote at 2',
    ],
  ])('is refused when an entity %s', async (_, text, entities, reason) => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    expect(await refusalText(api.sendMessage(chat.id, text, { entities }))).toBe(`Bad Request: ${reason}`);
  });

  it('may nest styles in each other, in links and in quotes', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const entities: MessageEntity[] = [
      { type: 'blockquote', offset: 0, length: 6 },
      { type: 'text_link', offset: 0, length: 6, url: 'https://example.org' },
      { type: 'bold', offset: 0, length: 6 },
      { type: 'italic', offset: 2, length: 2 },
    ];
    const sent = await api.sendMessage(chat.id, 'abcdef', { entities });
    expect(sent.entities).toHaveLength(4);
  });
});

describe('editing and deleting', () => {
  it('refuses an edit that changes nothing once the text is trimmed', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'same', { reply_markup: keyboard('a') });
    const unchanged = api.editMessageText(chat.id, message_id, 'same\n', { reply_markup: keyboard('a') });
    expect(await refusalText(unchanged)).toMatch(
      /^Bad Request: message is not modified: specified new message/,
    );
    await api.editMessageText(chat.id, message_id, 'same', {
      entities: [{ type: 'bold', offset: 0, length: 4 }],
      reply_markup: keyboard('a'),
    });
    expect(chat.messages().at(-1)?.entities).toHaveLength(1);
  });

  it('removes the keyboard when an edit does not repeat it', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'one', { reply_markup: keyboard('a') });
    await api.editMessageText(chat.id, message_id, 'two');
    expect(chat.messages().at(-1)).toMatchObject({ text: 'two', replyMarkup: undefined });
    await api.editMessageReplyMarkup(chat.id, message_id, { reply_markup: keyboard('b') });
    expect(chat.messages().at(-1)).toMatchObject({ text: 'two', replyMarkup: keyboard('b') });
  });

  it('is refused for messages that are gone, of others or too old', async () => {
    const { simulator, api, advance } = await start();
    const { user, chat } = startedChat(simulator);
    const theirs = chat.send(user, 'mine');
    expect(await refusalText(api.editMessageText(chat.id, theirs, 'x'))).toBe(
      "Bad Request: message can't be edited",
    );
    const photo = await api.sendPhoto(chat.id, new InputFile(Buffer.from('pixels'), 'chart.png'));
    const caption = api.editMessageText(chat.id, photo.message_id, 'x');
    expect(await refusalText(caption)).toBe('Bad Request: there is no text in the message to edit');
    expect(await refusalText(api.editMessageText(chat.id, 9999, 'x'))).toBe(
      'Bad Request: message to edit not found',
    );
    expect(await refusalText(api.deleteMessage(chat.id, 9999))).toBe(
      'Bad Request: message to delete not found',
    );
    const { message_id } = await api.sendMessage(chat.id, 'old');
    advance(48 * 3_600_000);
    expect(await refusalText(api.deleteMessage(chat.id, message_id))).toBe(
      "Bad Request: message can't be deleted",
    );
    expect(await api.editMessageText(chat.id, message_id, 'still editable')).toMatchObject({
      text: 'still editable',
    });
  });

  it('takes a deleted message off the screen but keeps it in the history', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'gone');
    await api.deleteMessage(chat.id, message_id);
    expect(chat.messages().map(({ text }) => text)).toEqual(['/start']);
    expect(chat.history().at(-1)).toMatchObject({ text: 'gone', deleted: true });
  });

  it('turns a plain message into a rich one in place', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'plain');
    await api.raw.editMessageText({
      chat_id: chat.id,
      message_id,
      rich_message: { markdown: '| a |\n|---|' },
    });
    expect(chat.messages().at(-1)).toMatchObject({ text: '', richSource: '| a |\n|---|' });
    const rich = await api.sendRichMessage(chat.id, { markdown: '# Title' });
    expect(rich).not.toHaveProperty('text');
    expect(rich.rich_message.blocks).toHaveLength(1);
  });
});

describe('a callback query', () => {
  it('is answered once and within 150 seconds', async () => {
    const { simulator, api, advance } = await start();
    const { user, chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'Choose', { reply_markup: keyboard('a') });
    const press = async () => {
      const answer = chat.press(user, message_id, 'a');
      return { answer, id: simulator.unconfirmed().at(-1)?.callback_query?.id ?? '' };
    };
    const { answer, id } = await press();
    await api.answerCallbackQuery(id, { text: 'Done', show_alert: true });
    expect(await answer).toEqual({ text: 'Done', showAlert: true, url: undefined });
    const tooOld = 'Bad Request: query is too old and response timeout expired or query ID is invalid';
    expect(await refusalText(api.answerCallbackQuery(id))).toBe(tooOld);
    const late = await press();
    late.answer.catch(() => undefined);
    advance(151_000);
    expect(await refusalText(api.answerCallbackQuery(late.id))).toBe(tooOld);
  });

  it('carries at most 64 bytes of data', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    await api.sendMessage(chat.id, 'fits', { reply_markup: keyboard('é'.repeat(32)) });
    const call = api.sendMessage(chat.id, 'too long', { reply_markup: keyboard('é'.repeat(33)) });
    expect(await refusalText(call)).toBe('Bad Request: BUTTON_DATA_INVALID');
  });

  it('cannot come from a button that is not there', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    const { message_id } = await api.sendMessage(chat.id, 'plain');
    await expect(chat.press(user, message_id, 'a')).rejects.toThrow('has no button');
  });
});

describe('a draft', () => {
  it('shows for 30 seconds, is renewed by each frame and ended by a message', async () => {
    const { simulator, api, advance } = await start();
    const { chat } = startedChat(simulator);
    const texts = () => simulator.visible(chat).drafts.map(({ text }) => text);
    await api.sendMessageDraft(chat.id, 7, 'Once');
    advance(29_000);
    await api.sendMessageDraft(chat.id, 7, 'Once upon');
    advance(29_000);
    expect(texts()).toEqual(['Once upon']);
    advance(1000);
    expect(texts()).toEqual([]);
    await api.sendMessageDraft(chat.id, 7, 'Once upon a');
    await api.sendMessage(chat.id, 'Once upon a time');
    expect(texts()).toEqual([]);
    expect(simulator.ghosts()).toEqual([]);
  });

  it('that arrives after its final message is a ghost', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    await api.sendMessageDraft(chat.id, 7, 'partial');
    await api.sendMessage(chat.id, 'final');
    await api.sendMessageDraft(chat.id, 7, 'late');
    await api.sendMessageDraft(chat.id, 8, 'of the next answer');
    expect(simulator.ghosts().map(({ text }) => text)).toEqual(['late']);
  });

  it('is refused in a group and without an id', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    const group = simulator.group({ members: [user] });
    expect(await refusalText(api.sendMessageDraft(group.id, 7, 'x'))).toBe(
      'Bad Request: TEXTDRAFT_PEER_INVALID',
    );
    expect(await refusalText(api.sendMessageDraft(chat.id, 0, 'x'))).toBe('Bad Request: DRAFT_ID_INVALID');
  });

  it('can be stopped by the reader, which the bot learns with the id as text', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    await api.sendMessageDraft(chat.id, 7, 'no button');
    expect(() => chat.stopDraft(user)).toThrow('no draft with a Stop button');
    await api.sendMessageDraft(chat.id, 7, 'partial', { can_stop: true });
    chat.stopDraft(user);
    expect(simulator.unconfirmed().at(-1)?.stopped_message_generation).toMatchObject({ draft_id: '7' });
    await api.sendMessageDraft(chat.id, 7, 'partial answer');
    expect(chat.drafts()).toEqual([]);
  });

  it('shares its budget of 20 in 5 seconds and 40 in 30 with typing', async () => {
    const { simulator, api, advance } = await start();
    const { chat } = startedChat(simulator);
    for (let frame = 1; frame <= 19; frame += 1) await api.sendMessageDraft(chat.id, 7, `frame ${frame}`);
    await api.sendChatAction(chat.id, 'typing');
    expect(await refusal(api.sendMessageDraft(chat.id, 7, 'one more'))).toMatchObject({
      error_code: 429,
      description: 'Too Many Requests: retry after 3',
      parameters: { retry_after: 3 },
    });
    advance(5000);
    for (let frame = 1; frame <= 20; frame += 1) await api.sendMessageDraft(chat.id, 7, `second ${frame}`);
    advance(10_000);
    expect(await refusal(api.sendChatAction(chat.id, 'typing'))).toMatchObject({ error_code: 429 });
    advance(16_000);
    await api.sendChatAction(chat.id, 'typing');
    expect(simulator.visible(chat).typing).toBe(true);
    advance(5000);
    expect(simulator.visible(chat).typing).toBe(false);
  });
});

describe('rates', () => {
  it('allow a short burst in a chat, then one message a second', async () => {
    const { simulator, api, advance } = await start();
    const { chat } = startedChat(simulator);
    for (let count = 1; count <= 6; count += 1) await api.sendMessage(chat.id, `message ${count}`);
    const refused = await refusal(api.sendMessage(chat.id, 'too much'));
    expect(refused).toMatchObject({ error_code: 429, parameters: { retry_after: 6 } });
    advance(6000);
    for (let second = 1; second <= 10; second += 1) {
      await api.sendMessage(chat.id, `second ${second}`);
      advance(1000);
    }
  });

  it('allow 20 messages and edits a minute in a group, counting its topics together', async () => {
    const { simulator, api, advance } = await start();
    const user = simulator.user();
    const group = simulator.group({ members: [user], forum: true });
    const topics = [group.createTopic(user, 'one'), group.createTopic(user, 'two')];
    for (let count = 0; count < 20; count += 1) {
      await api.sendMessage(group.id, `message ${count}`, { message_thread_id: topics[count % 2] ?? 0 });
      advance(1100);
    }
    const { parameters } = await refusal(api.sendMessage(group.id, 'too much'));
    expect(parameters.retry_after).toBe(38);
    const other = simulator.group({ members: [user] });
    await api.sendMessage(other.id, 'another group is not concerned');
  });

  it('punish calls during the wait with a longer one', async () => {
    const { simulator, api, advance } = await start();
    const { chat } = startedChat(simulator);
    const waits: (number | undefined)[] = [];
    for (let count = 1; count <= 10; count += 1) {
      const error = await api.sendMessage(chat.id, `message ${count}`).catch((reason: unknown) => reason);
      if (error instanceof GrammyError) waits.push(error.parameters.retry_after);
    }
    expect(waits).toEqual([6, 8, 12, 20]);
    advance(20_000);
    await api.sendMessage(chat.id, 'after the wait');
  });

  it('do not apply when they are turned off', async () => {
    const { simulator, api } = await start({ enforceRates: false });
    const { chat } = startedChat(simulator);
    for (let count = 1; count <= 30; count += 1) await api.sendMessage(chat.id, `message ${count}`);
    expect(chat.messages()).toHaveLength(31);
  });
});

describe('a scripted fault', () => {
  it('refuses the next call of a method in one chat with any error', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const other = startedChat(simulator).chat;
    const fault = {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 5',
      retryAfter: 5,
    } as const;
    simulator.fault('sendmessage', fault, { chatId: chat.id, times: 2 });
    await api.sendMessage(other.id, 'fine');
    for (let count = 0; count < 2; count += 1) {
      expect(await refusal(api.sendMessage(chat.id, 'x'))).toMatchObject({ parameters: { retry_after: 5 } });
    }
    await api.sendMessage(chat.id, 'fine again');
  });

  it('breaks the connection before or after the call takes effect', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    simulator.fault('sendMessage', { kind: 'drop', when: 'before' });
    simulator.fault('sendMessage', { kind: 'drop', when: 'after' });
    await expect(api.sendMessage(chat.id, 'lost')).rejects.toThrow(HttpError);
    await expect(api.sendMessage(chat.id, 'arrived')).rejects.toThrow(HttpError);
    expect(chat.messages().map(({ text }) => text)).toEqual(['/start', 'arrived']);
    expect(simulator.calls.map(({ ok, aborted }) => [ok, aborted])).toEqual([
      [false, true],
      [true, true],
    ]);
  });

  it('answers with a page that is not the Bot API’s', async () => {
    const { simulator, api } = await start();
    simulator.fault('*', { kind: 'status', code: 502, body: '<html>Bad Gateway</html>' });
    await expect(api.getMe()).rejects.toThrow(HttpError);
    expect((await api.getMe()).username).toBe('parley_bot');
  });

  it('leaves a call without an answer until the client gives up', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    simulator.fault('sendMessage', { kind: 'hang' });
    const patience = new AbortController();
    const failed = failure(api.sendMessage(chat.id, 'x', {}, signalOf(patience)));
    await expect.poll(() => simulator.calls.length).toBe(1);
    patience.abort();
    expect(await failed).toBeInstanceOf(HttpError);
    await expect.poll(() => simulator.calls[0]?.aborted).toBe(true);
    expect(chat.messages()).toHaveLength(1);
  });

  it('delays the effect of a call', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    simulator.fault('sendMessage', { kind: 'delay', ms: 100 });
    const slow = api.sendMessage(chat.id, 'slow');
    await expect.poll(() => simulator.calls.length, { interval: 1 }).toBe(1);
    expect(chat.messages()).toHaveLength(1);
    await slow;
    expect(chat.messages().at(-1)?.text).toBe('slow');
  });
});

describe('a private chat', () => {
  it('is closed to the bot before the person writes, and while the bot is blocked', async () => {
    const { simulator, api } = await start();
    const user = simulator.user();
    const chat = user.privateChat();
    const send = () => api.sendMessage(chat.id, 'hello');
    expect(await refusal(send())).toMatchObject({
      error_code: 403,
      description: "Forbidden: bot can't initiate conversation with a user",
    });
    chat.send(user, '/start');
    simulator.block(user);
    expect(await refusalText(send())).toBe('Forbidden: bot was blocked by the user');
    simulator.unblock(user);
    await send();
    const changes = simulator
      .unconfirmed()
      .flatMap(({ my_chat_member }) => my_chat_member?.new_chat_member.status ?? []);
    expect(changes).toEqual(['kicked', 'member']);
  });

  it('shares its sequence of message ids with plain groups, not with supergroups', async () => {
    const { simulator } = await start();
    const { user, chat } = startedChat(simulator);
    const group = simulator.group({ members: [user], type: 'group' });
    const supergroup = simulator.group({ members: [user] });
    const ids = [
      chat.send(user, 'a'),
      group.send(user, 'b'),
      chat.send(user, 'c'),
      supergroup.send(user, 'd'),
    ];
    expect(ids).toEqual([2, 3, 4, 1]);
  });

  it('may have topics where the bot has them turned on', async () => {
    const { simulator, api } = await start({ topicsInPrivate: true });
    const { user, chat } = startedChat(simulator);
    const topic = await api.createForumTopic(chat.id, 'Weather');
    chat.send(user, 'rain?', { topicId: topic.message_thread_id });
    expect(simulator.unconfirmed().at(-1)?.message).toMatchObject({
      message_thread_id: topic.message_thread_id,
      is_topic_message: true,
    });
    expect((await api.getMe()).has_topics_enabled).toBe(true);
    const call = api.sendMessage(chat.id, 'x', { message_thread_id: 999 });
    expect(await refusalText(call)).toBe('Bad Request: message thread not found');
  });
});

describe('a group', () => {
  const seen = (simulator: TelegramSimulator) => simulator.unconfirmed().map(({ message }) => message?.text);

  it('in privacy mode shows the bot commands for it, replies to it and, by option, mentions', async () => {
    for (const lets of [true, false]) {
      const { simulator, api } = await start({ privacyLetsMentionsThrough: lets });
      const [user, otherBot] = [simulator.user(), simulator.user({ isBot: true, username: 'other_bot' })];
      const group = simulator.group({ members: [user, otherBot] });
      const { message_id } = await api.sendMessage(group.id, 'I am here');
      group.send(user, 'just talk');
      group.send(user, '/ask@Parley_Bot addressed');
      group.send(user, '/ask@other_bot');
      group.send(user, '/bare');
      group.send(user, 'a reply', { replyTo: message_id });
      group.send(user, 'hey @parley_bot');
      group.send(otherBot, '/ask@parley_bot from a bot');
      group.send(user, '/bare after the other bot spoke');
      const mention = lets ? ['hey @parley_bot'] : [];
      expect(seen(simulator)).toEqual(['/ask@Parley_Bot addressed', '/bare', 'a reply', ...mention]);
    }
  });

  it('shows everything to an administrator or without privacy mode', async () => {
    const { simulator } = await start();
    const user = simulator.user();
    simulator.group({ members: [user], botIsAdmin: true }).send(user, 'to an administrator');
    expect(seen(simulator)).toEqual(['to an administrator']);
    const open = await start({ privacyMode: false });
    const other = open.simulator.user();
    open.simulator.group({ members: [other] }).send(other, 'without privacy');
    expect(seen(open.simulator)).toEqual(['without privacy']);
    expect((await open.api.getMe()).can_read_all_group_messages).toBe(true);
  });

  it('shows a replied-to message one level deep', async () => {
    const { simulator } = await start({ privacyMode: false });
    const user = simulator.user();
    const group = simulator.group({ members: [user], type: 'group' });
    const first = group.send(user, 'first');
    const second = group.send(user, 'second', { replyTo: first });
    group.send(user, 'third', { replyTo: second });
    const reply = simulator.unconfirmed().at(-1)?.message?.reply_to_message;
    expect(reply).toMatchObject({ text: 'second' });
    expect(reply?.reply_to_message).toBeUndefined();
  });

  it('marks reply threads of a plain supergroup with a thread id that is no topic', async () => {
    const { simulator, api } = await start({ privacyMode: false });
    const user = simulator.user();
    const group = simulator.group({ members: [user] });
    const first = group.send(user, 'first');
    group.send(user, 'second', { replyTo: first });
    const message = simulator.unconfirmed().at(-1)?.message;
    expect(message?.message_thread_id).toBe(first);
    expect(message?.is_topic_message).toBeUndefined();
    const call = api.sendMessage(group.id, 'x', { message_thread_id: first });
    expect(await refusalText(call)).toBe('Bad Request: message thread not found');
  });

  it('keeps answers in their topic and shows topic messages as replies to its first', async () => {
    const { simulator, api } = await start({ privacyMode: false });
    const user = simulator.user();
    const group = simulator.group({ members: [user], forum: true });
    const topicId = group.createTopic(user, 'Help');
    const question = group.send(user, 'question', { topicId });
    const asked = simulator.unconfirmed().at(-1)?.message;
    expect(asked?.reply_to_message).toMatchObject({
      message_id: topicId,
      forum_topic_created: { name: 'Help' },
    });
    await api.sendMessage(group.id, 'answer', {
      message_thread_id: topicId,
      reply_parameters: { message_id: question },
    });
    expect(group.messages().at(-1)).toMatchObject({ topicId, replyTo: question });
    const astray = await api.sendMessage(group.id, 'x', { reply_parameters: { message_id: question } });
    expect(astray.message_thread_id).toBeUndefined();
    const general = api.sendMessage(group.id, 'x', { message_thread_id: 1 });
    expect(await refusalText(general)).toBe('Bad Request: message thread not found');
    await api.sendChatAction(group.id, 'typing', { message_thread_id: 1 });
    expect(await refusalText(api.createForumTopic(group.id, 'New'))).toBe(
      'Bad Request: not enough rights to create a topic',
    );
  });

  it('refuses a reply to a message that is gone unless that is allowed', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const reply = (allow: boolean) =>
      api.sendMessage(chat.id, 'x', {
        reply_parameters: { message_id: 999, allow_sending_without_reply: allow },
      });
    expect(await refusalText(reply(false))).toBe('Bad Request: message to be replied not found');
    expect((await reply(true)).reply_to_message).toBeUndefined();
  });

  it('hides who an anonymous administrator is', async () => {
    const { simulator } = await start({ privacyMode: false });
    const admin = simulator.user();
    const group = simulator.group({ admins: [admin] });
    group.send(admin, 'official', { anonymous: true });
    expect(simulator.unconfirmed()[0]?.message).toMatchObject({
      from: { id: 1_087_968_824 },
      sender_chat: { id: group.id },
    });
  });

  it('becomes a supergroup with a new id, and refuses the old one with the new', async () => {
    const { simulator, api } = await start();
    const user = simulator.user();
    const group = simulator.group({ members: [user], type: 'group' });
    const next = group.migrate();
    expect(simulator.unconfirmed().map(({ message }) => message)).toMatchObject([
      { chat: { id: group.id }, migrate_to_chat_id: next.id },
      { chat: { id: next.id }, migrate_from_chat_id: group.id },
    ]);
    expect(await refusal(api.sendMessage(group.id, 'x'))).toMatchObject({
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: next.id },
    });
    await api.sendMessage(next.id, 'here I am');
  });

  it('tells of joining and leaving, and shuts out a removed bot', async () => {
    const { simulator, api } = await start();
    const [owner, guest] = [simulator.user(), simulator.user()];
    const group = simulator.group({ admins: [owner] });
    group.join(guest);
    group.leave(guest);
    group.removeBot(owner);
    expect(simulator.unconfirmed()).toMatchObject([
      { message: { new_chat_members: [{ id: guest.id }] } },
      { message: { left_chat_member: { id: guest.id } } },
      { my_chat_member: { new_chat_member: { status: 'kicked' } } },
    ]);
    expect(await refusalText(api.sendMessage(group.id, 'x'))).toBe(
      'Forbidden: bot was kicked from the supergroup chat',
    );
    group.addBot(owner);
    await api.sendMessage(group.id, 'back');
  });

  it('names its administrators to any bot, its members only to an administrator', async () => {
    const { simulator, api } = await start();
    const [owner, admin, member] = [simulator.user(), simulator.user(), simulator.user()];
    const group = simulator.group({ title: 'Readers', admins: [owner, admin], members: [member] });
    const admins = await api.getChatAdministrators(group.id);
    expect(admins.map(({ status }) => status)).toEqual(['creator', 'administrator']);
    expect(await refusalText(api.getChatMember(group.id, member.id))).toBe(
      'Bad Request: member list is inaccessible',
    );
    group.promote(simulator.bot);
    expect((await api.getChatMember(group.id, member.id)).status).toBe('member');
    expect((await api.getChat(group.id)).title).toBe('Readers');
    expect(await api.getChatMemberCount(group.id)).toBe(4);
  });
});

describe('files', () => {
  it('come from a person and can be fetched by their path', async () => {
    const { simulator, api } = await start();
    const user = simulator.user();
    const content = Buffer.from('notes');
    user.privateChat().send(user, 'read this', {
      attachment: { kind: 'document', name: 'notes.txt', mimeType: 'text/plain', content },
    });
    const [update] = await updatesOf(api);
    expect(update?.message).toMatchObject({ caption: 'read this', document: { file_name: 'notes.txt' } });
    const file = await api.getFile(update?.message?.document?.file_id ?? '');
    const response = await fetch(`${simulator.url}/file/bot${simulator.token}/${file.file_path}`);
    expect(await response.text()).toBe('notes');
    expect(await refusalText(api.getFile('nonsense'))).toBe(
      'Bad Request: wrong file_id or the file is temporarily unavailable',
    );
  });

  it('come from the bot under any name', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const sent = await api.sendDocument(chat.id, new InputFile(Buffer.from('a,b'), 'my año 1.csv'), {
      caption: 'Data',
    });
    expect(sent.document?.file_name).toBe('my año 1.csv');
    expect(chat.messages().at(-1)?.attachment).toEqual({
      kind: 'document',
      name: 'my año 1.csv',
      content: 'a,b',
    });
    const photo = await api.sendPhoto(chat.id, new InputFile(Buffer.from('pixels'), 'chart.png'));
    expect(photo.photo).toHaveLength(2);
    const album = await api.sendMediaGroup(chat.id, [
      { type: 'photo', media: new InputFile(Buffer.from('one'), '1.png'), caption: 'Both' },
      { type: 'photo', media: new InputFile(Buffer.from('two'), '2.png') },
    ]);
    const groups = album.map((message) => ('media_group_id' in message ? message.media_group_id : undefined));
    expect(groups).toEqual([expect.any(String), groups[0]]);
    expect(chat.messages().map(({ attachment }) => attachment?.content)).toContain('two');
    const again = await api.sendPhoto(chat.id, photo.photo?.at(-1)?.file_id ?? '');
    expect(again.photo?.at(-1)?.file_unique_id).toBe(photo.photo?.at(-1)?.file_unique_id);
  });
});

describe('Stars', () => {
  const product = { title: 'Plus', description: 'More questions', payload: 'plan:plus' };
  const price = [{ label: 'Plus', amount: 50 }];

  it('are paid once the bot agrees, and can be given back once', async () => {
    const { simulator, api } = await start();
    const { user, chat } = startedChat(simulator);
    const sent = await api.sendInvoice(
      chat.id,
      product.title,
      product.description,
      product.payload,
      'XTR',
      price,
    );
    const paid = user.pay(`${chat.id}:${sent.message_id}`);
    const query = simulator.unconfirmed().at(-1)?.pre_checkout_query;
    expect(query).toMatchObject({ currency: 'XTR', total_amount: 50, invoice_payload: 'plan:plus' });
    await api.answerPreCheckoutQuery(query?.id ?? '', true);
    expect(await paid).toEqual({ ok: true, errorMessage: undefined });
    const payment = simulator.unconfirmed().at(-1)?.message?.successful_payment;
    const charge = payment?.telegram_payment_charge_id ?? '';
    expect(payment).toMatchObject({ invoice_payload: 'plan:plus', total_amount: 50 });
    await api.refundStarPayment(user.id, charge);
    expect(await refusalText(api.refundStarPayment(user.id, charge))).toBe(
      'Bad Request: CHARGE_ALREADY_REFUNDED',
    );
    expect(await refusalText(api.refundStarPayment(user.id, 'nothing'))).toBe(
      'Bad Request: CHARGE_ID_INVALID',
    );
    expect(simulator.unconfirmed().at(-1)?.message?.refunded_payment).toMatchObject({
      telegram_payment_charge_id: charge,
      total_amount: 50,
    });
    const { transactions } = await api.getStarTransactions();
    expect(transactions).toMatchObject([
      { id: charge, amount: 50, source: { user: { id: user.id }, invoice_payload: 'plan:plus' } },
      { id: charge, amount: 50, receiver: { user: { id: user.id } } },
    ]);
    expect((await api.getStarTransactions({ offset: 1, limit: 1 })).transactions).toEqual([transactions[1]]);
  });

  it('are paid each month until somebody ends the subscription, and the bot hears of all but its own doing', async () => {
    const { simulator, api } = await start();
    const { subscriptions } = simulator;
    const { user } = startedChat(simulator);
    const { title, description, payload } = product;
    const month = { subscription_period: 2_592_000 };
    const link = await api.createInvoiceLink(title, description, payload, '', 'XTR', price, month);
    const last = () => simulator.unconfirmed().at(-1);
    const paid = user.pay(link);
    await api.answerPreCheckoutQuery(last()?.pre_checkout_query?.id ?? '', true);
    await paid;
    const payment = () => last()?.message?.successful_payment;
    expect(payment()).toMatchObject({ is_recurring: true, is_first_recurring: true });
    await expect(user.pay(link)).rejects.toThrow('SUBSCRIPTION_ALREADY_ACTIVE');
    const paidUntil = payment()?.subscription_expiration_date ?? 0;
    const charge = subscriptions.charges()[0] ?? '';
    const renewed = subscriptions.renew(charge);
    expect(payment()).toMatchObject({
      telegram_payment_charge_id: renewed,
      subscription_expiration_date: paidUntil + 2_592_000,
      is_recurring: true,
    });
    expect(payment()).not.toHaveProperty('is_first_recurring');
    subscriptions.setCanceled(charge, true);
    expect(last()?.subscription).toMatchObject({ user: { id: user.id }, state: 'canceled' });
    expect(() => subscriptions.renew(charge)).toThrow('not renewed');
    subscriptions.setCanceled(charge, false);
    expect(last()?.subscription).toMatchObject({ invoice_payload: payload, state: 'active' });
    const before = last()?.update_id;
    expect(await refusalText(api.editUserStarSubscription(user.id, renewed, true))).toBe(
      'Bad Request: CHARGE_ID_INVALID',
    );
    await api.editUserStarSubscription(user.id, charge, true);
    expect(last()?.update_id).toBe(before);
    expect(() => subscriptions.setCanceled(charge, false)).toThrow('only it can allow it');
    await api.editUserStarSubscription(user.id, charge, false);
    subscriptions.setCanceled(charge, false);
    subscriptions.failRenewal(charge);
    expect(last()?.subscription).toMatchObject({ state: 'failed' });
    expect(subscriptions.charges()).toHaveLength(2);
    expect(await refusalText(api.editUserStarSubscription(user.id, 'nothing', true))).toBe(
      'Bad Request: CHARGE_ID_INVALID',
    );
  });

  it.each([
    ['with two prices', [...price, ...price], {}, 'STARS_INVOICE_INVALID'],
    ['for nothing', [{ label: 'Plus', amount: 0 }], {}, 'STARS_INVOICE_INVALID'],
    ['for a week', price, { subscription_period: 604_800 }, 'SUBSCRIPTION_PERIOD_INVALID'],
  ])('are no currency of an invoice %s', async (_, prices, other, reason) => {
    const { api } = await start();
    const { title, description, payload } = product;
    const made = api.createInvoiceLink(title, description, payload, '', 'XTR', prices, other);
    expect(await refusalText(made)).toBe(`Bad Request: ${reason}`);
  });

  it('are not paid when the bot declines, or answers after 10 seconds', async () => {
    const { simulator, api, advance } = await start();
    const { user, chat } = startedChat(simulator);
    const link = await api.createInvoiceLink(
      product.title,
      product.description,
      product.payload,
      '',
      'XTR',
      price,
      {
        subscription_period: 2_592_000,
      },
    );
    const declined = user.pay(link);
    const queryId = () => simulator.unconfirmed().at(-1)?.pre_checkout_query?.id ?? '';
    await api.answerPreCheckoutQuery(queryId(), false, { error_message: 'Sold out' });
    expect(await declined).toEqual({ ok: false, errorMessage: 'Sold out' });
    void failure(user.pay(link));
    advance(10_001);
    expect(await refusalText(api.answerPreCheckoutQuery(queryId(), true))).toMatch(/query is too old/);
    expect(chat.messages()).toHaveLength(1);
  });

  it('are kept by whoever waited too long for the bot', async () => {
    const { simulator, api } = await start({ checkoutDeadlineMs: 5 });
    const { user, chat } = startedChat(simulator);
    const { title, description, payload } = product;
    const link = await api.createInvoiceLink(title, description, payload, '', 'XTR', price);
    expect(await user.pay(link)).toEqual({ ok: false, errorMessage: 'BOT_PRECHECKOUT_TIMEOUT' });
    expect(chat.messages()).toHaveLength(1);
    simulator.expireUpdates();
    expect(simulator.unconfirmed()).toEqual([]);
  });
});

describe('what the bot sets about itself', () => {
  it('is kept by scope and language', async () => {
    const { api } = await start();
    const english = [{ command: 'help', description: 'Show help' }];
    const indonesian = [{ command: 'help', description: 'Tampilkan bantuan' }];
    await api.setMyCommands(english);
    await api.setMyCommands(indonesian, { language_code: 'id', scope: { type: 'all_private_chats' } });
    expect(await api.getMyCommands()).toEqual(english);
    expect(await api.getMyCommands({ language_code: 'id' })).toEqual([]);
    expect(await api.getMyCommands({ language_code: 'id', scope: { type: 'all_private_chats' } })).toEqual(
      indonesian,
    );
    await api.deleteMyCommands();
    expect(await api.getMyCommands()).toEqual([]);
    await api.setMyDescription('An assistant');
    expect((await api.getMyDescription({ language_code: 'id' })).description).toBe('An assistant');
  });

  it.each([
    ['a name in capitals', [{ command: 'Help', description: 'x' }], 'BOT_COMMAND_INVALID'],
    ['a name of 33 characters', [{ command: 'a'.repeat(33), description: 'x' }], 'BOT_COMMAND_INVALID'],
    ['no description', [{ command: 'help', description: '' }], 'BOT_COMMAND_DESCRIPTION_INVALID'],
    [
      'a description of 257 characters',
      [{ command: 'help', description: 'x'.repeat(257) }],
      'BOT_COMMAND_DESCRIPTION_INVALID',
    ],
    [
      'too many',
      Array.from({ length: 101 }, (_, i) => ({ command: `c${i}`, description: 'x' })),
      'BOT_COMMANDS_TOO_MUCH',
    ],
  ])('refuses commands with %s', async (_, commands, reason) => {
    const { api } = await start();
    expect(await refusalText(api.setMyCommands(commands))).toBe(`Bad Request: ${reason}`);
  });

  it('includes one known reaction on a message', async () => {
    const { simulator, api } = await start();
    const { chat } = startedChat(simulator);
    const id = chat.messages()[0]?.id ?? 0;
    await api.setMessageReaction(chat.id, id, [{ type: 'emoji', emoji: '👀' }]);
    expect(chat.messages()[0]?.reactions).toEqual(['👀']);
    const two = [{ type: 'emoji', emoji: '👀' } as const, { type: 'emoji', emoji: '👍' } as const];
    expect(await refusalText(api.setMessageReaction(chat.id, id, two))).toBe(
      'Bad Request: REACTIONS_TOO_MANY',
    );
  });
});

describe('a webhook', () => {
  interface Received {
    readonly update: Update;
    readonly secret: string | undefined;
  }

  /** A bot's web server, whose answers the test gives. */
  async function receiver(answer: (received: Received, count: number) => { status: number; body?: object }) {
    const received: Received[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const update = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Update;
        const header = request.headers['x-telegram-bot-api-secret-token'];
        const item = { update, secret: typeof header === 'string' ? header : undefined };
        received.push(item);
        const { status, body } = answer(item, received.length);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? '' : JSON.stringify(body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
  }

  it('gets updates with the secret, again after a failure, and in order within a chat', async () => {
    const { simulator, api } = await start({ webhookRetryMs: 5 });
    const hook = await receiver((_, count) => ({ status: count === 1 ? 500 : 200 }));
    await api.setWebhook(hook.url, { secret_token: 'a-secret' });
    const { user, chat } = startedChat(simulator);
    chat.send(user, 'two');
    await expect.poll(() => simulator.unconfirmed()).toEqual([]);
    expect(hook.received.map(({ update }) => update.message?.text)).toEqual(['/start', '/start', 'two']);
    expect(new Set(hook.received.map(({ secret }) => secret))).toEqual(new Set(['a-secret']));
    expect(await api.getWebhookInfo()).toMatchObject({ url: hook.url, last_error_message: /500/ });
  });

  it('holds back only the chat whose delivery fails', async () => {
    const { simulator, api } = await start({ webhookRetryMs: 60_000 });
    const stuck = simulator.user();
    const hook = await receiver(({ update }) => ({
      status: update.message?.from.id === stuck.id ? 500 : 200,
    }));
    await api.setWebhook(hook.url);
    stuck.privateChat().send(stuck, 'stuck');
    const { user } = startedChat(simulator);
    await expect.poll(() => simulator.unconfirmed().map(({ message }) => message?.text)).toEqual(['stuck']);
    expect(hook.received.map(({ update }) => update.message?.from.id)).toContain(user.id);
  });

  it('may answer with a method, which is carried out', async () => {
    const { simulator, api } = await start();
    const hook = await receiver(({ update }) => ({
      status: 200,
      body: { method: 'sendMessage', chat_id: update.message?.chat.id, text: 'from the webhook' },
    }));
    await api.setWebhook(hook.url);
    const { chat } = startedChat(simulator);
    await expect.poll(() => chat.messages().at(-1)?.text).toBe('from the webhook');
  });

  it('excludes polling until it is deleted', async () => {
    const { simulator, api } = await start();
    const poll = refusal(api.getUpdates({ timeout: 20 }));
    await expect.poll(() => simulator.calls.length).toBe(1);
    await api.setWebhook('https://example.org/hook');
    expect(await poll).toMatchObject({ description: 'Conflict: terminated by setWebhook request' });
    expect(await refusal(api.getUpdates())).toMatchObject({
      error_code: 409,
      description:
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    });
    await api.deleteWebhook();
    expect(await api.getUpdates({ offset: 1 })).toEqual([]);
    expect(await refusalText(api.setWebhook('http://example.org/hook'))).toBe(
      'Bad Request: bad webhook: An HTTPS URL must be provided for webhook',
    );
  });
});

describe('a simulator in another process', () => {
  it('is driven over HTTP', async () => {
    const command = new URL('../../simulators/telegram/command.ts', import.meta.url).href;
    const script = `import { runTelegramSimulatorCommand as run } from '${command}'; await run(process.argv.slice(1));`;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', script, '--', '--port', '0', '--privacy', 'off'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const remote = connectTelegramSimulator(line.toString('utf8').trim());
    const api = new Api('123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA', { apiRoot: remote.url });
    const user = await remote.user({ firstName: 'Ada' });
    const chat = await remote.privateChat(user);
    await chat.send(user, 'hello', {
      attachment: { kind: 'document', name: 'a.txt', mimeType: 'text/plain', content: Buffer.from('é') },
    });
    const { message_id } = await api.sendMessage(chat.id, 'Choose', { reply_markup: keyboard('a') });
    const answer = chat.press(user, message_id, 'a');
    await expect.poll(async () => (await remote.unconfirmed()).length).toBe(2);
    const [, pressed] = await remote.unconfirmed();
    await api.answerCallbackQuery(pressed?.callback_query?.id ?? '', { text: 'Chosen' });
    expect(await answer).toMatchObject({ text: 'Chosen' });
    const group = await remote.group({ members: [user] });
    await group.send(user, 'seen without privacy');
    expect((await remote.unconfirmed()).at(-1)?.message?.text).toBe('seen without privacy');
    await remote.fault('sendMessage', { kind: 'drop', when: 'after' }, { times: Infinity });
    await expect(api.sendMessage(chat.id, 'lost')).rejects.toThrow(HttpError);
    await expect(api.sendMessage(chat.id, 'lost too')).rejects.toThrow(HttpError);
    expect((await chat.messages()).map(({ text }) => text)).toEqual(['hello', 'Choose', 'lost', 'lost too']);
    expect((await remote.calls()).map(({ method }) => method)).toContain('answerCallbackQuery');
    await remote.block(user);
    await expect(chat.send(user, 'x')).rejects.toThrow('has blocked the bot');
    await remote.reset();
    expect(await remote.calls()).toEqual([]);
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'exit')) as [number];
    expect(exitCode).toBe(0);
  });
});
