import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { serverKinds } from '../support/database.ts';
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
} from '../support/process.ts';
import { actionsBelow } from '../support/scene.ts';
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

const statusOf = async (bot: RunningProcess, path: string): Promise<number> => {
  const { port } = await bot.untilLogged('health checks are served');
  return (await fetch(`http://127.0.0.1:${String(port)}${path}`)).status;
};

const WAITS = 'My memory is out of reach at the moment. I will answer as soon as it is back.';

/** What Telegram has been told about the chat, as far as a reader can see it. */
const WORDS = Array.from({ length: 100 }, (_, index) => `word ${index + 1}`);

describe.each(serverKinds)('while the %s server is away', (kind) => {
  async function newDatabase() {
    const storage = await createStorage(kind);
    const url = new URL(storage.environment['DATABASE_URL'] ?? '');
    const road = await openRoad(url.hostname, Number(url.port));
    url.host = `127.0.0.1:${road.port}`;
    onTestFinished(async () => {
      await road.cut();
      await storage.remove();
    });
    return { storage, road, environment: { ...outside.environment, DATABASE_URL: url.href } };
  }

  it('a process that starts waits, tells so, and serves when it comes', async () => {
    const { storage, road, environment } = await newDatabase();
    await road.cut();
    const person = await newPerson(outside.telegram);
    const bot = await startParley(program, environment);
    await bot.untilLogged('the database can not be reached yet');
    expect(await statusOf(bot, '/healthz')).toBe(200);
    expect(await statusOf(bot, '/readyz')).toBe(503);
    await outside.openrouter.play({ kind: 'answer', text: 'Here I am.' });
    await person.send('Hello?');

    await road.open();
    await bot.untilLogged('Parley is ready');
    expect(await statusOf(bot, '/readyz')).toBe(200);
    await person.reads('Here I am.');
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    expect(await readBooks(storage)).toMatchObject({ turns: [{ state: 'delivered' }], holds: 0 });
  });

  it('a command that has to be tried again and again counts once, and is answered when it is back', async () => {
    const { road, environment } = await newDatabase();
    const person = await newPerson(outside.telegram);
    const bot = await startParley(program, {
      ...environment,
      USER_RATE_LIMIT_PER_MINUTE: '3',
      LOG_LEVEL: 'debug',
    });
    await bot.untilLogged('Parley is ready');
    await person.send('/start');
    await person.seesFirstText();
    await road.cut();
    await person.send('/usage');
    await person.reads(expect.stringContaining('Hello') as string, WAITS);
    expect(bot.log().some(({ tries }) => Number(tries) > 4)).toBe(true);
    await road.open();
    await vi.waitFor(
      async () => expect((await person.answers()).at(-1)?.text).toContain('Your usage'),
      PATIENCE,
    );
    expect((await person.answers()).slice(1).map(({ text }) => text)).toEqual([
      WAITS,
      expect.stringContaining('Your usage'),
    ]);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
  });

  it('a process that waits for it ends when it is asked to', async () => {
    const { road, environment } = await newDatabase();
    await road.cut();
    const bot = await startParley(program, environment);
    await bot.untilLogged('the database can not be reached yet');
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('can not start') });
  });

  it('a running answer waits, and what is written meanwhile is answered once afterwards', async () => {
    const { storage, road, environment } = await newDatabase();
    const bot = await startParley(program, environment);
    await bot.untilLogged('Parley is ready');
    const [reader, writer] = [await newPerson(outside.telegram), await newPerson(outside.telegram)];
    const text = WORDS.join(' ');
    await outside.openrouter.play({ kind: 'answer', text, tokensPerSecond: 80 });
    await reader.send('Count, please.');
    await reader.seesTextGrow();

    await road.cut();
    await outside.openrouter.play({ kind: 'answer', text: 'Now I can hear you.' });
    await writer.send('Can you hear me?');
    await bot.untilLogged('update not taken');
    expect(await statusOf(bot, '/healthz')).toBe(200);
    expect(await statusOf(bot, '/readyz')).toBe(503);
    await writer.reads(WAITS);
    // What is not settled is not shown as if it were.
    await vi.waitFor(
      async () => expect((await outside.openrouter.chats()).at(-1)?.usage).toBeDefined(),
      PATIENCE,
    );
    expect((await reader.answers()).map(actionsBelow)).toEqual([['stop']]);
    expect(await outside.telegram.unconfirmed()).toHaveLength(1);

    await road.open();
    await writer.reads(WAITS, 'Now I can hear you.');
    await vi.waitFor(async () => expect(await statusOf(bot, '/readyz')).toBe(200), PATIENCE);
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    await reader.reads(text);
    expect(await readBooks(storage)).toMatchObject({
      turns: [
        { state: 'delivered', isDelivered: true, question: 'Count, please.', answer: text },
        {
          state: 'delivered',
          isDelivered: true,
          question: 'Can you hear me?',
          answer: 'Now I can hear you.',
        },
      ],
      holds: 0,
    });
    expect(await outside.telegram.unconfirmed()).toEqual([]);
  });

  it('a restart of the server in the middle of everything costs no message and no answer', async () => {
    const { storage, road, environment } = await newDatabase();
    const bot = await startParley(program, environment);
    await bot.untilLogged('Parley is ready');
    const people = await Promise.all(Array.from({ length: 4 }, () => newPerson(outside.telegram)));
    for (const person of people) {
      await outside.openrouter.play({ kind: 'answer', text: 'Answered all the same.', firstTokenMs: 100 });
      await person.send('And me?');
      await road.cut();
      await road.open();
    }
    for (const person of people) await person.reads('Answered all the same.');
    bot.kill('SIGTERM');
    expect(await bot.ended).toMatchObject({ code: 0 });
    const told = { state: 'delivered', isDelivered: true, answer: 'Answered all the same.' };
    expect(await readBooks(storage)).toMatchObject({ turns: people.map(() => told), holds: 0 });
  });
});

describe('a server that never will do', () => {
  /** Ends the start; the reason is one for the person who wrote the settings. */
  async function startRefused(url: string) {
    const bot = await startParley(program, { ...outside.environment, DATABASE_URL: url });
    return await bot.ended;
  }

  it('because it refuses the password is named as the reason, without the password', async () => {
    const port = await listenWith((socket) => {
      socket.once('data', () =>
        socket.end(errorResponse('28P01', 'password authentication failed for user "parley"')),
      );
    });
    const { code, stderr } = await startRefused(`postgres://parley:hunter2hunter2@127.0.0.1:${port}/parley`);
    expect(code).toBe(1);
    expect(stderr).toContain('password authentication failed for user "parley"');
    expect(stderr).toContain('DATABASE_URL');
    expect(stderr).not.toContain('hunter2');
  });

  it.each(serverKinds)(
    'because the database is missing on the %s server is named as the reason',
    async (kind) => {
      const storage = await createStorage(kind);
      onTestFinished(() => storage.remove());
      const url = new URL(storage.environment['DATABASE_URL'] ?? '');
      url.pathname = '/parley_is_not_here';
      const { code, stderr } = await startRefused(url.href);
      expect(code).toBe(1);
      expect(stderr).toContain('database "parley_is_not_here" does not exist');
      expect(stderr).toContain('DATABASE_URL');
    },
  );
});

/** The way to a server, which can be cut: connections break, and new ones are refused. */
async function openRoad(host: string, targetPort: number) {
  const sockets = new Set<Socket>();
  let server: Server;
  const open = (port: number): Promise<void> => {
    server = createServer((near) => {
      const far = connect(targetPort, host);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  };
  await open(0);
  const { port } = server!.address() as AddressInfo;
  return {
    port,
    open: () => open(port),
    cut: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function listenWith(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** PostgreSQL protocol 3.0, ErrorResponse: 'E', the length with itself, fields that end in NUL, NUL. */
function errorResponse(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
