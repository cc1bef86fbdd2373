import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Program } from '../support/process.ts';

/** One process of the bot, from its start to its death. */
export interface Life {
  /** How it calls itself to the model. */
  readonly name: string;
  /** Its place among the processes, from 0. */
  readonly slot: number;
  /** Its clock does not jump. */
  readonly hasSteadyClock: boolean;
  /** Resolves with its first sign of life, which comes before its first call, or its end. */
  readonly spoken: Promise<void>;
  /** Resolves when it serves; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  isOver(): boolean;
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
}

/** The processes that serve, one for each slot; a dead one is replaced on demand. */
export interface Fleet {
  /** The present life of each slot. */
  readonly lives: readonly Life[];
  /** Starts a process in the slot, whose last one is dead. */
  start(slot: number): Life;
  /** Processes that ended without being told to. */
  readonly crashes: readonly string[];
  /** Ends one as an operator would. */
  endInOrder(life: Life): Promise<void>;
  /** Ends all so. */
  stop(): Promise<void>;
  /** Ends all at once. */
  kill(): Promise<void>;
}

export interface FleetOptions {
  readonly program: Program;
  readonly processes: number;
  /** The settings of a slot's process; `life` is its name. */
  readonly environmentOf: (slot: number, life: string) => Readonly<Record<string, string>>;
  /** A module to load before the bot. */
  readonly preloaded: URL;
  readonly logFolder: string;
}

/** The names of the loopback address by which the processes are told apart. */
const HOSTS = ['127.0.0.1', 'localhost'] as const;

/** What is kept of what a process said last, in UTF-16 units. */
const LONGEST_RECENT = 4000;

/** A process that takes longer to serve will never do. */
const READY_MS = 60_000;

/** The grace period, and what comes after it. */
const END_MS = 60_000;

/** By which name the slot's process reaches a simulator. */
export const hostOf = (slot: number): string => HOSTS[slot] ?? HOSTS[0];

export function createFleet(options: FleetOptions): Fleet {
  const lives: Life[] = [];
  let startCount = 0;
  const crashes: string[] = [];
  /** How each process was told to end. */
  const told = new Map<string, 'SIGKILL' | 'SIGTERM'>();
  const all = new Set<ChildProcess>();
  // However the harness ends, it leaves no process behind.
  process.once('exit', () => {
    for (const child of all) child.kill('SIGKILL');
  });

  const start = (slot: number): Life => {
    startCount += 1;
    const name = `life-${startCount}`;
    const { program, logFolder, environmentOf, preloaded } = options;
    const environment = environmentOf(slot, name);
    const child = spawn(
      process.execPath,
      ['--import', preloaded.href, join(program.folder, 'dist', 'main.js')],
      {
        cwd: logFolder,
        env: { PATH: process.env['PATH'] ?? '', HOME: logFolder, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    all.add(child);
    const log = createWriteStream(join(logFolder, `${name}.log`));
    child.stderr.pipe(log);
    const { promise: spoken, resolve: speak } = Promise.withResolvers<void>();
    const { promise: ready, resolve: serve, reject } = Promise.withResolvers<void>();
    ready.catch(() => undefined);
    const tooLong = setTimeout(() => {
      if (isReady) return;
      crashes.push(`${name} does not serve after ${READY_MS} ms: ${recent.slice(-600)}`);
      reject(new Error(`${name} does not serve: ${recent.slice(-600)}`));
    }, READY_MS);
    tooLong.unref();
    let isReady = false;
    let recent = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        speak();
        recent += text;
        if (!isReady && recent.includes('Parley is ready')) {
          isReady = true;
          serve();
        }
        recent = recent.slice(-LONGEST_RECENT);
      });
    }
    let isOver = false;
    const ended = new Promise<void>((resolve) => {
      child.once('close', (code, signal) => {
        all.delete(child);
        clearTimeout(tooLong);
        isOver = true;
        speak();
        // Asked to end, a process does so in order.
        const isAsTold = told.get(name) === 'SIGKILL' || (told.get(name) === 'SIGTERM' && code === 0);
        if (!isAsTold) crashes.push(`${name} ended with ${code ?? signal}: ${recent.slice(-600)}`);
        reject(new Error(`${name} ended before it served: ${recent.slice(-600)}`));
        resolve();
      });
    });
    const life: Life = {
      name,
      slot,
      hasSteadyClock: environment['CLOCK_JUMPS'] === undefined,
      spoken,
      ready,
      ended,
      isOver: () => isOver,
      signal(signal) {
        if (signal === 'SIGKILL' || signal === 'SIGTERM') told.set(name, signal);
        child.kill(signal);
      },
    };
    lives[slot] = life;
    return life;
  };

  /** A process that does not come to an end by itself is one that crashed. */
  const endInOrder = async (life: Life): Promise<void> => {
    if (life.isOver()) return;
    life.signal('SIGTERM');
    const late = setTimeout(() => {
      crashes.push(`${life.name} does not end ${END_MS} ms after SIGTERM`);
      life.signal('SIGKILL');
    }, END_MS);
    await life.ended;
    clearTimeout(late);
  };

  return {
    lives,
    endInOrder,
    crashes,
    start,
    async stop() {
      await Promise.all(lives.map(endInOrder));
    },
    async kill() {
      for (const life of lives) if (!life.isOver()) life.signal('SIGKILL');
      const gone = [...all].map((child) => new Promise((resolve) => child.once('close', resolve)));
      for (const child of all) child.kill('SIGKILL');
      await Promise.all(gone);
    },
  };
}
