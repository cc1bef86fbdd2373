import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildProgram, type Program, type Storage } from '../tests/support/process.ts';
import { startChild, type Child } from './child.ts';
import { connectDiscord, DISCORD_TOKEN } from './discord.ts';
import type { PlatformName, PlatformSide } from './platform.ts';
import { connectTelegram, TELEGRAM_TOKEN } from './telegram.ts';
import { connectUpstream, type Upstream } from './upstream.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The outside of a bot: a platform and OpenRouter, each a process of its own. */
export interface World {
  readonly name: PlatformName;
  readonly platform: PlatformSide;
  readonly upstream: Upstream;
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** `enforcesRates: false` turns Discord's limits off. Telegram's stay: they hold for each chat alone. */
export async function startWorld(platform: PlatformName, enforcesRates: boolean): Promise<World> {
  const processes = [simulate(platform, ...platformOptions(platform, enforcesRates)), simulate('openrouter')];
  const [platformUrl = '', upstreamUrl = ''] = await Promise.all(
    processes.map((child) => child.untilLine('http://')),
  );
  const side = platform === 'telegram' ? connectTelegram(platformUrl) : connectDiscord(platformUrl);
  const upstream = await connectUpstream(upstreamUrl);
  return {
    name: platform,
    platform: side,
    upstream,
    environment: { ...side.environment, ...upstream.environment },
    async stop() {
      for (const child of processes) await child.end();
    },
  };
}

function platformOptions(platform: PlatformName, enforcesRates: boolean): readonly string[] {
  if (platform === 'telegram') return ['--token', TELEGRAM_TOKEN];
  return ['--token', DISCORD_TOKEN, '--intents', 'all', '--rates', enforcesRates ? 'on' : 'off'];
}

function simulate(service: string, ...options: readonly string[]): Child {
  return startChild(['tests/simulators/main.ts', service, ...options], { cwd: root });
}

/** The programs to compare, bundled in the same way. */
export async function buildPrograms(): Promise<Program> {
  const program = await buildProgram();
  await build({
    entryPoints: ['bare-telegram.ts', 'bare-discord.ts', 'unpaced.ts'].map((name) =>
      join(root, 'bench', name),
    ),
    // Beside the worker of the embedded database.
    outdir: join(program.folder, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    sourcemap: true,
    logLevel: 'warning',
    // What bin/build.mjs leaves out, and what discord.js loads only where it is installed.
    external: ['pino', '@electric-sql/pglite', 'grammy', 'zlib-sync', 'bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
    },
  });
  return program;
}

/** A bot that serves. */
export interface RunningBot {
  readonly pid: number;
  /** From the start of its process until it was ready. */
  readonly startMs: number;
  complaints(): string;
  /** Its process is gone. */
  readonly ended: Promise<unknown>;
  /** Ends it as an operator would; rejects when it fails in that. */
  stop(): Promise<void>;
}

export interface BotOptions {
  readonly program: Program;
  readonly world: World;
  /** Whether the bot may pass the limit that Discord sets for all of its calls together. */
  readonly isUnpaced: boolean;
}

/** Starts Parley on a migrated database, with limits that no benchmark meets. */
export async function startParley(
  { program, world, isUnpaced }: BotOptions,
  storage: Storage,
  nodeOptions: readonly string[],
): Promise<RunningBot> {
  const main = isUnpaced && world.name === 'discord' ? 'unpaced.js' : 'main.js';
  const startedAtMs = performance.now();
  const running = startChild([...nodeOptions, join(program.folder, 'dist', main)], {
    cwd: await program.newFolder(),
    environment: { ...generous, ...storage.environment, ...world.environment },
  });
  const ready = JSON.parse(await running.untilLine('"Parley is ready"')) as { platforms: readonly string[] };
  if (!ready.platforms.includes(world.name)) throw new Error(`this Parley does not serve ${world.name}`);
  return {
    pid: running.pid,
    startMs: performance.now() - startedAtMs,
    complaints: () => running.complaints(),
    ended: running.ended,
    stop: () => running.end(),
  };
}

const generous = {
  HTTP_PORT: '0',
  LOG_LEVEL: 'info',
  MAX_TOKENS: '20000',
  USER_RATE_LIMIT_PER_MINUTE: '100000',
  FREE_MODEL_RATE_LIMIT_PER_MINUTE: '100000',
  DEFAULT_USER_REQUESTS_PER_DAY: '1000000',
  DEFAULT_GUILD_REQUESTS_PER_DAY: '1000000',
};

/** How the bare script shows an answer: as often as Parley was seen to. */
export interface BarePace {
  /** Whether it shows that it types before the first word. */
  readonly types: boolean;
  /** Between two edits of one message. */
  readonly editMs: number;
}

/** Starts the bare script of the world's platform. */
export async function startBare(
  { program, world, isUnpaced }: BotOptions,
  pace: BarePace,
): Promise<RunningBot> {
  const startedAtMs = performance.now();
  const running = startChild([join(program.folder, 'dist', `bare-${world.name}.js`)], {
    cwd: await program.newFolder(),
    environment: {
      ...world.environment,
      BARE_CALLS_PER_SECOND: isUnpaced ? 'Infinity' : '50',
      BARE_TYPES: String(pace.types),
      BARE_EDIT_MS: String(Math.round(pace.editMs)),
    },
  });
  await running.untilLine('ready');
  return {
    pid: running.pid,
    startMs: performance.now() - startedAtMs,
    complaints: () => running.complaints(),
    ended: running.ended,
    stop: () => running.end(),
  };
}
