import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

export interface ProjectCopy {
  readonly folder: string;
  write(path: string, content: string): string;
  /** Starts a command in the folder with nothing but PATH, HOME and `environment` set. */
  start(command: string, args: readonly string[], environment?: Record<string, string>): Started;
  remove(): void;
}

interface Started {
  readonly process: ChildProcess;
  readonly stdin: NonNullable<ChildProcess['stdin']>;
  /** Resolves once standard output contains `text`; rejects when the process ends without it. */
  untilPrinted(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder that holds this project's launcher and build script and nothing else yet. */
export function copyProject(): ProjectCopy {
  const folder = mkdtempSync(join(tmpdir(), 'parley-house-'));
  mkdirSync(join(folder, 'bin'));
  for (const file of ['bin/start.mjs', 'bin/build.mjs', 'package.json']) {
    copyFileSync(join(projectRoot, file), join(folder, file));
  }
  const running = new Set<ChildProcess>();
  return {
    folder,
    write(path, content) {
      const full = join(folder, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content, { mode: 0o755 });
      return full;
    },
    start(command, args, environment = {}) {
      const started = startIn(folder, command, args, environment);
      running.add(started.process);
      started.process.on('exit', () => running.delete(started.process));
      return started;
    },
    remove() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes this project's installed packages, the bundler among them, visible to the copy. */
export function linkPackages(copy: ProjectCopy): void {
  symlinkSync(join(projectRoot, 'node_modules'), join(copy.folder, 'node_modules'));
}

function startIn(
  cwd: string,
  command: string,
  args: readonly string[],
  environment: Record<string, string>,
): Started {
  const child = spawn(command, args, {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    process: child,
    stdin: child.stdin,
    ended,
    async untilPrinted(text) {
      const printed = new Promise<void>((resolve) => {
        const look = () => {
          if (stdout.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        look();
      });
      const endedFirst = ended.then((end) => {
        if (!end.stdout.includes(text)) throw new Error(`never printed ${text}: ${JSON.stringify(end)}`);
      });
      await Promise.race([printed, endedFirst]);
    },
  };
}
