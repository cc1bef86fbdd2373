import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { databaseKinds } from '../support/database.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  readBooks,
  startOutsideProcesses,
  startParley,
  type OutsideProcesses,
  type Program,
  type RunningProcess,
  type Storage,
} from '../support/process.ts';
import { newPerson, PATIENCE } from '../support/telegram-person.ts';
import type { RemoteDiscordChannel } from '../simulators/discord/remote.ts';

// Every test starts processes, which takes its time on a busy machine; Discord's rates apply.
vi.setConfig({ testTimeout: 120_000 });

const BOT = { id: '1100000000000000001' };
/** Streams for about two seconds. */
const SLOW = {
  kind: 'answer',
  text: 'A slow answer, word by word. '.repeat(12).trim(),
  tokensPerSecond: 40,
} as const;

let program: Program;
let outside: OutsideProcesses;

beforeAll(async () => {
  [program, outside] = await Promise.all([buildProgram(), startOutsideProcesses()]);
});

afterAll(async () => {
  await outside?.stop();
  await endAllProcesses();
  await program?.remove();
});

async function newStorage(kind: (typeof databaseKinds)[number]): Promise<Storage> {
  const storage = await createStorage(kind);
  onTestFinished(() => storage.remove());
  return storage;
}

async function startBot(storage: Storage, environment: Record<string, string> = {}): Promise<RunningProcess> {
  const { TELEGRAM_BOT_TOKEN: _, ...without } = outside.environment;
  const bot = await startParley(program, {
    ...without,
    ...outside.discordEnvironment,
    ...storage.environment,
    ...environment,
  });
  await bot.untilLogged('Parley is ready');
  return bot;
}

/** The bot's messages in a channel, once they are these. */
const reads = (channel: RemoteDiscordChannel, ...texts: readonly string[]) =>
  vi.waitFor(async () => {
    const answers = (await channel.messages()).filter(({ author }) => author.id === BOT.id);
    expect(answers.map(({ content }) => content)).toEqual(texts);
    // Of an answer that is complete nobody can stop the writing.
    expect(JSON.stringify(answers.map(({ components }) => components))).not.toContain('stop:');
    return answers;
  }, PATIENCE);

describe.each(databaseKinds)('a bot on the %s database that knows only where the API is', (kind) => {
  it('answers a mention, a private message, /ask and a thread, and /usage equals what was sent', async () => {
    const { discord, openrouter } = outside;
    const storage = await newStorage(kind);
    const before = (await openrouter.chats()).length;
    const bot = await startBot(storage);
    const ann = await discord.user({ globalName: 'Ann' });
    const guild = await discord.guild({ owner: ann });
    const general = await guild.channel('general');

    await openrouter.play(SLOW);
    await general.send(ann, 'Tell me slowly.', { mentions: [BOT] });
    await reads(general, SLOW.text);

    await openrouter.play({ kind: 'answer', text: 'Hello in private.' });
    const dm = await discord.dm(ann);
    await dm.send(ann, 'hello');
    await reads(dm, 'Hello in private.');

    await openrouter.play({ kind: 'answer', text: 'Asked and answered.' });
    const asked = await general.slash(ann, 'ask', { question: 'Is this a question?' });
    await vi.waitFor(async () => {
      const { messages } = await discord.interaction(asked);
      expect(messages.map(({ content }) => content)).toEqual(['Asked and answered.']);
    }, PATIENCE);

    await openrouter.play({ kind: 'answer', text: 'Hello in the thread.' });
    const thread = await general.startThread(ann, 'a talk');
    await thread.send(ann, 'hello there', { mentions: [BOT] });
    await reads(thread, 'Hello in the thread.');

    const calls = (await openrouter.chats()).slice(before);
    const tokens = calls.reduce((sum, { usage }) => sum + (usage?.total_tokens ?? Number.NaN), 0);
    const usage = await general.slash(ann, 'usage');
    await vi.waitFor(async () => {
      const { messages } = await discord.interaction(usage);
      expect(messages[0]?.content).toContain(
        `Today: 4 messages, ${tokens.toLocaleString('en')} tokens, $0.00`,
      );
    }, PATIENCE);

    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    const books = await readBooks(storage);
    expect(books).toMatchObject({ holds: 0, tokens });
    expect(books.turns.map(({ state, answer }) => [state, answer])).toEqual(
      [SLOW.text, 'Hello in private.', 'Asked and answered.', 'Hello in the thread.'].map((text) => [
        'delivered',
        text,
      ]),
    );
    expect(await discord.violations()).toEqual([]);
    expect(await discord.pings()).toEqual([]);
    expect((await discord.calls()).filter(({ limited }) => limited !== undefined)).toEqual([]);
  });

  it('serves Telegram and Discord at once, each person with figures of their own', async () => {
    const { discord, telegram, openrouter } = outside;
    const storage = await newStorage(kind);
    const bot = await startBot(storage, { ...outside.environment });
    const ben = await newPerson(telegram);
    const ann = await discord.user({ globalName: 'Ann' });
    const dm = await discord.dm(ann);
    await openrouter.play({ ...SLOW, text: 'The same for both.' }, 2);
    await Promise.all([ben.send('hello'), dm.send(ann, 'hello')]);
    await Promise.all([ben.reads('The same for both.'), reads(dm, 'The same for both.')]);
    const usage = await dm.slash(ann, 'usage');
    await vi.waitFor(async () => {
      const { messages } = await discord.interaction(usage);
      expect(messages[0]?.content).toContain('Today: 1 message,');
    }, PATIENCE);
    await ben.send('/usage');
    await vi.waitFor(async () => {
      expect((await ben.answers()).at(-1)?.text).toContain('Today: 1 message,');
    }, PATIENCE);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    expect((await readBooks(storage)).turns).toHaveLength(2);
  });

  it('finishes the answer that is being written when it is asked to end', async () => {
    const { discord, openrouter } = outside;
    const storage = await newStorage(kind);
    const bot = await startBot(storage);
    const ann = await discord.user();
    const dm = await discord.dm(ann);
    await openrouter.play(SLOW);
    await dm.send(ann, 'One more.');
    await vi.waitFor(async () => {
      const answers = (await dm.messages()).filter(({ author }) => author.id === BOT.id);
      expect(answers).toHaveLength(1);
    }, PATIENCE);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    await reads(dm, SLOW.text);
    expect(await readBooks(storage)).toMatchObject({
      turns: [{ state: 'delivered', answer: SLOW.text }],
      holds: 0,
    });
  });
});

it('says which setting is wrong when Discord refuses the token, and that starting again is useless', async () => {
  const storage = await newStorage('embedded');
  const bot = await startParley(program, {
    ...outside.discordEnvironment,
    ...storage.environment,
    DISCORD_TOKEN: 'some.other.token-that-is-wrong',
  });
  const { code, stderr } = await bot.ended;
  expect(code).toBe(78);
  expect(stderr).toContain('DISCORD_TOKEN');
  expect(stderr).not.toContain('token-that-is-wrong');
});
