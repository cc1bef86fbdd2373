import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../../src/simulator/scenario.ts';
import type { SimulatedCall } from '../../src/simulator/state.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { connectDiscordSimulator, type RemoteDiscordSimulator } from '../simulators/discord/remote.ts';
import { connectTelegramSimulator, type RemoteTelegramSimulator } from '../simulators/telegram/remote.ts';
import {
  copyDataDir,
  createServerDatabase,
  migrationsFolder,
  silentLog,
  type DatabaseKind,
} from './database.ts';

/** Parley and its simulators as processes of their own, reached only as an operator would. */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every process a test has started and that has not ended yet. */
const alive = new Set<ChildProcessWithoutNullStreams>();

/** Ends what is left; for `afterAll`, so that a failing test leaves nothing behind. */
export async function endAllProcesses(): Promise<void> {
  await Promise.all(
    [...alive].map((child) => {
      child.kill('SIGKILL');
      return new Promise((resolve) => child.once('close', resolve));
    }),
  );
}

/** A bundle of this source tree in a folder of its own. */
export interface Program {
  /** Where `bin/`, `dist/` and `package.json` are. */
  readonly folder: string;
  /** A fresh folder below the program's, deleted with it. */
  newFolder(): Promise<string>;
  remove(): Promise<void>;
}

/** Builds with the project's own build script; what is there already is neither used nor touched. */
export async function buildProgram(): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-program-'));
  for (const path of ['bin', 'package.json'])
    await cp(join(root, path), join(folder, path), { recursive: true });
  for (const path of ['src', 'drizzle', 'node_modules']) await symlink(join(root, path), join(folder, path));
  await mkdir(join(folder, 'folders'));
  const build = startProcess(['bin/build.mjs'], { cwd: folder });
  const { code, stderr } = await build.ended;
  if (code !== 0) throw new Error(`the build failed: ${stderr}`);
  return {
    folder,
    newFolder: () => mkdtemp(join(folder, 'folders', 'f-')),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProcess {
  readonly pid: number;
  readonly stdin: ChildProcessWithoutNullStreams['stdin'];
  stdout(): string;
  stderr(): string;
  /** The log so far: the lines of standard error that are JSON. */
  log(): readonly LogLine[];
  /** Resolves when standard output has the text; rejects when the process ends without it. */
  untilPrinted(text: string): Promise<void>;
  /** Resolves with the first log line with this message; rejects when the process ends without it. */
  untilLogged(message: string): Promise<LogLine>;
  /** Standard streams are closed and the process is gone. */
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

interface StartOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the Node that runs the tests. */
  readonly command?: string;
}

/** Starts a command with nothing but PATH, HOME (the working folder) and `environment` set. */
export function startProcess(args: readonly string[], options: StartOptions): RunningProcess {
  const { cwd, environment = {}, command = process.execPath } = options;
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...environment },
  });
  alive.add(child);
  // A process that ends before it has read its input is the test's subject, not a failure of the test.
  child.stdin.on('error', () => child.stdin.destroy());
  const output = { stdout: '', stderr: '' };
  let look = () => {};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      look();
    });
  }
  let isOver = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      isOver = true;
      look();
      resolve({ code, signal, ...output });
    });
  });

  const until = <Found>(what: string, find: () => Found | undefined): Promise<Found> => {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const before = look;
    look = () => {
      before();
      const found = find();
      if (found !== undefined) resolve(found);
      else if (isOver) reject(new Error(`ended without ${what}: ${JSON.stringify(output)}`));
    };
    look();
    return promise;
  };
  const log = () => readLog(output.stderr);
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    log,
    untilPrinted: (text) =>
      until(`"${text}"`, () => (output.stdout.includes(text) ? null : undefined)).then(() => {}),
    untilLogged: (message) =>
      until(`the log line "${message}"`, () => log().find(({ msg }) => msg === message)),
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

/** Starts the bundle. Health checks are on a free port and the log is complete unless told otherwise. */
export async function startParley(
  program: Program,
  environment: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  return startProcess([join(program.folder, 'dist', 'main.js')], {
    cwd: await program.newFolder(),
    environment: { HTTP_PORT: '0', LOG_LEVEL: 'info', ...environment },
  });
}

/** A migrated database of its own for processes, and the settings that lead them to it. */
export interface Storage {
  readonly environment: Readonly<Record<string, string>>;
  /** Looks into it. An embedded database can be looked into only while no process has it open. */
  read<Result>(look: (sql: Database['sql']) => PromiseLike<Result>): Promise<Result>;
  remove(): Promise<void>;
}

export async function createStorage(kind: DatabaseKind): Promise<Storage> {
  return kind === 'embedded' ? await createEmbeddedStorage() : await createServerStorage();
}

async function createEmbeddedStorage(): Promise<Storage> {
  const dataDir = await copyDataDir();
  return {
    environment: { DATA_DIR: dataDir },
    read: (look) => readFrom({ dataDir }, look),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}

async function createServerStorage(): Promise<Storage> {
  const server = await createServerDatabase();
  const { url } = server;
  return {
    environment: { DATABASE_URL: url },
    read: (look) => readFrom({ url, dataDir: '' }, look),
    remove: () => server.drop(),
  };
}

async function readFrom<Result>(
  where: { readonly url?: string; readonly dataDir: string },
  look: (sql: Database['sql']) => PromiseLike<Result>,
): Promise<Result> {
  const database = await openDatabase({ ...where, migrationsFolder, log: silentLog });
  try {
    return await look(database.sql);
  } finally {
    await database.close();
  }
}

/** What the database says about all turns, for comparison with what people saw. */
export interface Books {
  readonly turns: readonly {
    readonly state: string;
    readonly isDelivered: boolean;
    readonly question: string | null;
    readonly answer: string | null;
  }[];
  readonly holds: number;
  readonly tokens: number;
}

/** Reads the outcome of every turn, in the order of admission. */
export function readBooks(storage: Storage): Promise<Books> {
  return storage.read(async (sql) => {
    const turns = await sql<Books['turns'][number][]>`
      select t.state, t.delivered_at is not null as "isDelivered", q.text as question, a.text as answer
      from turns t left join messages q on q.id = t.question_message_id
      left join messages a on a.id = t.answer_message_id order by t.seq`;
    const [sums] = await sql<{ holds: number; tokens: number }[]>`
      select (select count(*) from quota_holds)::int as holds,
        coalesce((select sum(prompt_tokens + completion_tokens) from usage), 0)::int as tokens`;
    return { turns: [...turns], holds: sums?.holds ?? -1, tokens: sums?.tokens ?? -1 };
  });
}

/** The outside services as processes, and the settings that lead a bot to them: nothing else does. */
export interface OutsideProcesses {
  readonly telegram: RemoteTelegramSimulator;
  readonly discord: RemoteDiscordSimulator;
  readonly openrouter: RemoteOpenRouterSimulator;
  /** For a bot on Telegram. */
  readonly environment: Readonly<Record<string, string>>;
  /** What makes it one on Discord, too. */
  readonly discordEnvironment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface RemoteOpenRouterSimulator {
  readonly url: string;
  play(scenario: Scenario, times?: number): Promise<void>;
  /** The chat requests, in the order of their arrival. */
  chats(): Promise<readonly SimulatedCall[]>;
}

const TOKEN = '123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA';
const DISCORD_TOKEN = 'MTEwMDAwMDAwMDAwMDAwMDAwMQ.simulated.token-of-the-simulated-bot';

export async function startOutsideProcesses(): Promise<OutsideProcesses> {
  const simulate = (...args: string[]) =>
    startProcess([join(root, 'tests/simulators/main.ts'), ...args, '--port', '0'], { cwd: root });
  const processes = [
    simulate('telegram', '--token', TOKEN),
    simulate('discord', '--token', DISCORD_TOKEN),
    simulate('openrouter'),
  ];
  const [telegramUrl = '', discordUrl = '', openrouterUrl = ''] = await Promise.all(processes.map(firstLine));
  return {
    telegram: connectTelegramSimulator(telegramUrl),
    discord: connectDiscordSimulator(discordUrl),
    openrouter: connectOpenRouterSimulator(openrouterUrl),
    environment: {
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_ROOT: telegramUrl,
      OPENROUTER_BASE_URL: openrouterUrl,
    },
    discordEnvironment: { DISCORD_TOKEN, DISCORD_API_URL: discordUrl },
    async stop() {
      for (const running of processes) running.kill('SIGTERM');
      await Promise.all(processes.map(({ ended }) => ended));
    },
  };
}

function connectOpenRouterSimulator(url: string): RemoteOpenRouterSimulator {
  const control = new URL('/__simulator/', url);
  return {
    url,
    async play(scenario, times = 1) {
      const body = JSON.stringify({ scenario, match: { times } });
      const response = await fetch(new URL('play', control), { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
    async chats() {
      const calls = (await (await fetch(new URL('calls', control))).json()) as readonly SimulatedCall[];
      return calls.filter(({ path }) => path.endsWith('/chat/completions'));
    },
  };
}

async function firstLine(running: RunningProcess): Promise<string> {
  await running.untilPrinted('\n');
  return running.stdout().split('\n', 1)[0] ?? '';
}

function readLog(text: string): readonly LogLine[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
