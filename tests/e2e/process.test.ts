import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { databaseKinds } from '../support/database.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  readBooks,
  startOutsideProcesses,
  startParley,
  startProcess,
  type OutsideProcesses,
  type Program,
  type RunningProcess,
  type Storage,
} from '../support/process.ts';
import { newPerson, PATIENCE } from '../support/telegram-person.ts';

// Every test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

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

async function newStorage(kind: (typeof databaseKinds)[number] = 'embedded'): Promise<Storage> {
  const storage = await createStorage(kind);
  onTestFinished(() => storage.remove());
  return storage;
}

/** A chat in the terminal that reads the whole input and ends. */
async function converse(input: string, environment: Record<string, string> = {}) {
  const storage = await newStorage();
  const chat = await startParley(program, { ...storage.environment, ...environment });
  chat.stdin.end(input);
  return await chat.ended;
}

describe('a chat in the terminal', () => {
  it('needs no setting and no account: npm start answers a piped line and says that it is simulated', async () => {
    const chat = startProcess(['start'], {
      command: 'npm',
      cwd: program.folder,
      environment: { HOME: await program.newFolder(), DATA_DIR: await program.newFolder(), HTTP_PORT: '0' },
    });
    chat.stdin.end('hello\n');
    const { code, stdout } = await chat.ended;
    expect(stdout).toContain('You asked: “hello”');
    expect(stdout).toMatch(/simulated.*OPENROUTER_API_KEY.*TELEGRAM_BOT_TOKEN/u);
    expect(code).toBe(0);
  });

  it('answers every line in order, whatever its ending, and commands among them, apart from the log', async () => {
    const { code, stdout, stderr } = await converse('one\n\n   \ntwo\r\n/usage\r\n/help\n/nonsense\nlast', {
      OPENROUTER_BASE_URL: outside.openrouter.url,
    });
    const shown = ['asked: “one”', 'asked: “two”', '2 messages', '/stop – ', '/nonsense', 'asked: “last”'];
    const places = shown.map((text) => stdout.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(stdout.match(/You asked/gu)).toHaveLength(3);
    expect(stdout).not.toContain('{"level"');
    expect(stderr).toContain('{"level"');
    expect(code).toBe(0);
  });

  it('ends well where standard input is closed from the beginning', async () => {
    const storage = await newStorage();
    const chat = startProcess(
      ['-c', `exec "$0" "$1" <&-`, process.execPath, join(program.folder, 'dist/main.js')],
      {
        command: 'sh',
        cwd: await program.newFolder(),
        environment: { HTTP_PORT: '0', ...storage.environment },
      },
    );
    expect(await chat.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('simulated') });
  });
});

describe('settings', () => {
  it('are all checked at once, and the process ends with the exit code for a wrong configuration', async () => {
    const { code, stdout, stderr } = await converse('hello\n', {
      TEMPERATURE: 'hot',
      MAX_TOKENS: 'many',
      TELEGRAM_BOT_TOKEN: 'no-token',
      USE_FREE_MODELS_ONLY: 'false',
      OPENROUTER_API_KYE: 'x',
    });
    expect(code).toBe(78);
    expect(stdout).toBe('');
    for (const name of ['TEMPERATURE', 'MAX_TOKENS', 'TELEGRAM_BOT_TOKEN', 'DAILY_BUDGET_USD']) {
      expect(stderr).toContain(`${name}: write`);
    }
    expect(stderr).toContain('did you mean OPENROUTER_API_KEY?');
    expect(stderr).not.toContain('no-token');
  });

  it('with a name that looks misspelt are warned about, and empty input ends well all the same', async () => {
    const { code, stderr } = await converse('', { TEMPERATUR: '0.5' });
    expect(stderr).toContain('TEMPERATUR is not a setting; did you mean TEMPERATURE?');
    expect(code).toBe(0);
  });

  it('are read from .env in the current folder, where the environment does not say otherwise', async () => {
    const cwd = await program.newFolder();
    await writeFile(join(cwd, '.env'), 'TEMPERATURE=hot\nMAX_TOKENS=many\n');
    const start = startProcess([join(program.folder, 'bin/start.mjs')], {
      cwd,
      environment: { MAX_TOKENS: '500' },
    });
    const { code, stderr } = await start.ended;
    expect(code).toBe(78);
    expect(stderr).toContain('TEMPERATURE: write');
    expect(stderr).not.toContain('MAX_TOKENS');
  });
});

async function startBot(storage: Storage, environment: Record<string, string> = {}): Promise<RunningProcess> {
  const bot = await startParley(program, { ...outside.environment, ...storage.environment, ...environment });
  await bot.untilLogged('Parley is ready');
  return bot;
}

/** Streams for about two seconds: several frames in a private chat. */
const SLOW = {
  kind: 'answer',
  text: 'A slow answer, word by word. '.repeat(12).trim(),
  tokensPerSecond: 40,
} as const;

const portOf = async (bot: RunningProcess) =>
  (await bot.untilLogged('health checks are served'))['port'] as number;
const get = async (port: number, path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;

describe.each(databaseKinds)('between simulators in other processes, on the %s database', (kind) => {
  it('answers in private and in a group by streaming, and its books agree with what the upstream sent', async () => {
    const storage = await newStorage(kind);
    const callsBefore = (await outside.openrouter.chats()).length;
    const bot = await startBot(storage);
    const person = await newPerson(outside.telegram);
    const group = await outside.telegram.group({ members: [person.user] });
    await outside.openrouter.play(SLOW);
    await person.send('Tell me slowly.');
    await person.reads(SLOW.text);
    const frames = (await outside.telegram.calls()).filter(
      ({ method, chatId }) => method === 'editMessageText' && chatId === person.user.id,
    );
    expect(frames.length).toBeGreaterThan(1);

    await outside.openrouter.play({ kind: 'answer', text: 'Hello, group.' });
    await group.send(person.user, '@parley_bot hello');
    await vi.waitFor(async () => {
      const texts = (await group.messages()).filter(({ from }) => from.isBot).map(({ text }) => text);
      expect(texts).toEqual(['Hello, group.']);
    }, PATIENCE);

    const calls = (await outside.openrouter.chats()).slice(callsBefore);
    const tokens = calls.reduce((sum, { usage }) => sum + (usage?.total_tokens ?? Number.NaN), 0);
    await person.send('/usage');
    await vi.waitFor(async () => {
      const answer = (await person.answers()).at(-1)?.text;
      expect(answer).toContain(`Today: 2 messages, ${tokens.toLocaleString('en')} tokens, $0.00`);
    }, PATIENCE);

    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    expect(calls).toHaveLength(2);
    expect(await readBooks(storage)).toEqual({
      turns: [
        { state: 'delivered', isDelivered: true, question: 'Tell me slowly.', answer: SLOW.text },
        { state: 'delivered', isDelivered: true, question: 'hello', answer: 'Hello, group.' },
      ],
      holds: 0,
      tokens,
    });
    expect(await outside.telegram.violations()).toEqual([]);
  });

  it('finishes the answer that is being written when it is asked to end', async () => {
    const storage = await newStorage(kind);
    const bot = await startBot(storage);
    const person = await newPerson(outside.telegram);
    await outside.openrouter.play(SLOW);
    await person.send('One more.');
    await person.seesFirstText();
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    await person.reads(SLOW.text);
    expect(await readBooks(storage)).toMatchObject({
      turns: [{ state: 'delivered', answer: SLOW.text }],
      holds: 0,
    });
  });
});

describe('ending', () => {
  it('at once when it is asked a second time, and the next start answers what was cut off', async () => {
    const storage = await newStorage();
    const bot = await startBot(storage);
    const person = await newPerson(outside.telegram);
    await outside.openrouter.play({
      kind: 'answer',
      pieces: [{ text: 'Begun' }, { text: ' and never ended', delayMs: 1300 }],
      fault: { kind: 'stall' },
    });
    await person.send('Are you there?');
    await person.seesTextGrow();
    bot.kill('SIGTERM');
    await vi.waitFor(async () => expect(await get(await portOf(bot), '/readyz')).toBe(503), PATIENCE);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 1 });

    await outside.openrouter.play({ kind: 'answer', text: 'Yes, I am.' });
    const next = await startBot(storage);
    await person.reads('Yes, I am.');
    next.kill('SIGTERM');
    expect(await next.ended).toMatchObject({ code: 0 });
  });

  it('after the grace period though an answer is not finished', async () => {
    const storage = await newStorage();
    const bot = await startBot(storage, { SHUTDOWN_GRACE_MS: '200' });
    const person = await newPerson(outside.telegram);
    await outside.openrouter.play({ kind: 'connection', event: 'stall' });
    await person.send('Can you hear me?');
    await vi.waitFor(
      async () =>
        expect((await outside.openrouter.chats()).at(-1)?.body).toMatchObject({
          messages: expect.arrayContaining([{ role: 'user', content: 'Can you hear me?' }]),
        }),
      PATIENCE,
    );
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    expect(await readBooks(storage)).toMatchObject({
      turns: [{ state: 'running', question: 'Can you hear me?' }],
    });
  });

  it('lets go of its port and its data, so that it can be started again at once', async () => {
    const storage = await newStorage();
    const bot = await startBot(storage);
    const port = await portOf(bot);
    expect(await get(port, '/healthz')).toBe(200);
    expect(await get(port, '/readyz')).toBe(200);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    const again = await startBot(storage, { HTTP_PORT: String(port) });
    expect(await portOf(again)).toBe(port);
    again.kill('SIGINT');
    expect(await again.ended).toMatchObject({ code: 0 });
  });
});

it('leaves a data directory to the process that has it, says so, and that one goes on', async () => {
  const storage = await newStorage();
  const first = await startBot(storage);
  const second = await startParley(program, storage.environment);
  const { code, stderr } = await second.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`${storage.environment['DATA_DIR']} is in use by process ${first.pid}`);
  const person = await newPerson(outside.telegram);
  await outside.openrouter.play({ kind: 'answer', text: 'Still here.' });
  await person.send('Still there?');
  await person.reads('Still here.');
  first.kill('SIGTERM');
  await first.ended;
});

it('serves without health checks where their port is taken, and warns', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { code, stdout, stderr } = await converse('hello\n', {
    OPENROUTER_BASE_URL: outside.openrouter.url,
    HTTP_PORT: String((other.address() as AddressInfo).port),
  });
  expect(stdout).toContain('You asked: “hello”');
  expect(stderr).toContain('set HTTP_PORT to a free port');
  expect(code).toBe(0);
});

it('says which setting is wrong when Telegram refuses the token', async () => {
  const storage = await newStorage();
  const bot = await startParley(program, {
    ...outside.environment,
    ...storage.environment,
    TELEGRAM_BOT_TOKEN: '987654321:AA-some-other-token-AAAAAAAAAAAAAAAAA',
  });
  const { code, stderr } = await bot.ended;
  expect(code).toBe(78);
  expect(stderr).toContain('TELEGRAM_BOT_TOKEN');
  expect(stderr).not.toContain('some-other-token');
});
