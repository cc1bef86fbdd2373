import { createHash } from 'node:crypto';
import { realpath, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Another process has the data directory open. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
  /** Null when the process does not say, because it is stopped or hangs. */
  readonly pid: number | null;

  constructor(dataDir: string, pid: number | null) {
    const holder = pid === null ? 'a process that does not answer' : `process ${pid}`;
    super(
      `The data directory ${dataDir} is in use by ${holder}. ` +
        'Stop that process, or give this one its own DATA_DIR or a DATABASE_URL.',
    );
    this.pid = pid;
  }
}

export interface DataDirLock {
  release(): Promise<void>;
}

/** Longest path of a unix socket on Linux is 107 bytes; macOS has 103. */
const MAX_SOCKET_PATH_BYTES = 103;
/** A holder that is silent for longer is stopped, or hangs; it may go on at any time. */
const PATIENCE_MS = 2000;

/** Who holds a lock. */
interface Holder {
  readonly pid: number | null;
}

/**
 * Takes the directory for this process. The lock is a socket that this process listens on: unlike
 * a file with a process id it is gone when the process is, however it ends, and it also works
 * between containers that share the directory.
 * @throws DataDirInUse when a living process holds it, also one that does not answer within `patienceMs`.
 */
export async function lockDataDir(dataDir: string, patienceMs: number = PATIENCE_MS): Promise<DataDirLock> {
  const path = await lockPath(dataDir);
  for (;;) {
    const server = await listen(path);
    if (server !== null) return { release: () => close(server) };
    const holder = await askHolder(path, patienceMs);
    if (holder !== null) throw new DataDirInUse(dataDir, holder.pid);
    await removeStale(path, dataDir, patienceMs);
  }
}

async function lockPath(dataDir: string): Promise<string> {
  const real = await realpath(dataDir);
  const digest = createHash('sha256').update(real).digest('hex').slice(0, 32);
  if (process.platform === 'win32') return `\\\\.\\pipe\\parley-${digest}`;
  const beside = join(real, 'database.lock');
  return Buffer.byteLength(beside) <= MAX_SOCKET_PATH_BYTES
    ? beside
    : join(tmpdir(), `parley-${digest}.lock`);
}

/** Null when the path is taken, by the living or the dead. */
function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // The asker may be gone before it has read the answer.
      socket.on('error', () => socket.destroy());
      socket.end(String(process.pid));
    });
    server.once('error', (cause: NodeJS.ErrnoException) =>
      cause.code === 'EADDRINUSE' ? resolve(null) : reject(cause),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** The living holder, or null when nobody listens. A holder that says nothing has no known process id. */
function askHolder(path: string, patienceMs: number): Promise<Holder | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ pid: null });
    }, patienceMs);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('end', () => resolve({ pid: answer === '' ? null : Number(answer) }));
    socket.on('close', () => clearTimeout(timer));
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT') resolve(null);
      // So many wait for its answer already that it takes no more.
      else if (cause.code === 'EAGAIN') resolve({ pid: null });
      else reject(cause);
    });
  });
}

/**
 * Moves the dead socket away. Between the question and the move another process may have taken the
 * lock anew: then what was moved answers, and is put back.
 */
async function removeStale(path: string, dataDir: string, patienceMs: number): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw cause;
  }
  const holder = await askHolder(aside, patienceMs);
  if (holder !== null) {
    await rename(aside, path);
    throw new DataDirInUse(dataDir, holder.pid);
  }
  await rm(aside, { force: true });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
