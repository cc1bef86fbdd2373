import { spawn, type ChildProcess } from 'node:child_process';

/**
 * A process of the benchmark. What it prints is read at once and soon forgotten: a reader that falls behind, or looks
 * through all of it again and again, would slow down what is measured.
 */
export interface Child {
  readonly pid: number;
  /** Resolves with the first line that holds this text; rejects when the process ends without it. */
  untilLine(text: string): Promise<string>;
  /** The last it has printed, without log lines that are worth no warning. */
  complaints(): string;
  /** Resolves with its exit code, or 0 after SIGTERM; null after another signal. */
  readonly ended: Promise<number | null>;
  /** Ends it as an operator would. Rejects when it ended with a failure, also earlier. */
  end(): Promise<void>;
}

export interface ChildOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const alive = new Set<ChildProcess>();
const KEPT_CHARACTERS = 16_384;
let isInterrupted = false;

/** Ends what is left, at once; for the way out after a failure. */
export async function killChildren(): Promise<void> {
  const gone = [...alive].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of alive) child.kill('SIGKILL');
  await Promise.all(gone);
}

/** Ends all children and lets no other start: whatever waits for one fails, and cleans up on its way out. */
export async function interrupt(): Promise<void> {
  isInterrupted = true;
  await killChildren();
}

/** Runs Node with these arguments and nothing but PATH, HOME (the working folder) and `environment` set. Throws after `interrupt`. */
export function startChild(args: readonly string[], { cwd, environment = {} }: ChildOptions): Child {
  if (isInterrupted) throw new Error('interrupted');
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  let recent = '';
  let onNews = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      recent = (recent + text).slice(-KEPT_CHARACTERS);
      onNews();
    });
  }
  const complaints = (): string =>
    recent
      .split('\n')
      .filter((line) => line !== '' && !/"level":[123]0\b/.test(line))
      .slice(-6)
      .join('\n');
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      onNews();
      resolve(signal === 'SIGTERM' ? 0 : code);
    });
  });

  return {
    pid: child.pid ?? 0,
    complaints,
    ended,
    untilLine: (text) =>
      new Promise((resolve, reject) => {
        onNews = () => {
          const line = recent
            .split('\n')
            .slice(0, -1)
            .find((candidate) => candidate.includes(text));
          if (line === undefined && alive.has(child)) return;
          onNews = () => {};
          if (line === undefined) reject(new Error(`ended without "${text}": ${complaints()}`));
          else resolve(line);
        };
        onNews();
      }),
    async end() {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) throw new Error(`a process ended with ${code}: ${complaints()}`);
    },
  };
}
