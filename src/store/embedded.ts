import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { lockDataDir } from './data-dir-lock.ts';
import { ConnectionLost } from './failure.ts';

/** PostgreSQL in a thread of this process, reached through byte streams instead of a socket. */
export interface EmbeddedServer {
  /** Opens a connection. One at a time; never throws: a server that is gone gives a stream that fails. */
  connect(): Duplex;
  /** Writes everything to the disk and lets the directory go. */
  close(): Promise<void>;
}

type FromWorker = { ready: true } | { bytes: Uint8Array } | { hungUp: true } | { closed: true };

/**
 * Starts the embedded server on a directory, made when missing and readable by its owner only.
 * `onCrash` is told once when the thread dies by itself; every later connection fails.
 * @throws DataDirInUse when another process has the directory open.
 */
export async function startEmbeddedServer(
  dataDir: string,
  onCrash: (cause: Error) => void,
): Promise<EmbeddedServer> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await chmod(dataDir, 0o700);
  const lock = await lockDataDir(dataDir);
  try {
    const worker = await startWorker(join(dataDir, 'database'));
    return serve(worker, onCrash, () => lock.release());
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}

function startWorker(dataDir: string): Promise<Worker> {
  const worker = new Worker(new URL('./pglite-worker.mjs', import.meta.url), { workerData: { dataDir } });
  return new Promise((resolve, reject) => {
    const died = (code: number) =>
      reject(new Error(`The embedded database did not start (exit code ${code}).`));
    worker.once('error', reject);
    worker.once('exit', died);
    worker.once('message', () => {
      worker.off('error', reject);
      worker.off('exit', died);
      resolve(worker);
    });
  });
}

function serve(
  worker: Worker,
  onCrash: (cause: Error) => void,
  release: () => Promise<void>,
): EmbeddedServer {
  let connection: Duplex | null = null;
  let gone: Error | null = null;
  let closing = false;

  worker.on('message', (message: FromWorker) => {
    if ('bytes' in message) connection?.push(Buffer.from(message.bytes.buffer));
    else if ('hungUp' in message) connection?.destroy();
  });
  const end = (cause: Error) => {
    if (gone !== null) return;
    gone = cause;
    connection?.destroy(cause);
    if (!closing) onCrash(cause);
  };
  worker.on('error', (cause) => end(new ConnectionLost('The embedded database crashed.', { cause })));
  worker.on('exit', () => end(new ConnectionLost('The embedded database is closed.')));

  return {
    connect() {
      const opened = createConnection(worker, () => gone);
      connection = opened;
      return opened;
    },
    async close() {
      closing = true;
      if (gone === null) {
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        worker.postMessage({ close: true });
        await exited;
      }
      await release();
    },
  };
}

function createConnection(worker: Worker, gone: () => Error | null): Duplex {
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      const cause = gone();
      if (cause !== null) return done(cause);
      const bytes = new Uint8Array(chunk);
      worker.postMessage({ bytes }, [bytes.buffer]);
      done();
    },
    destroy(cause, done) {
      if (gone() === null) worker.postMessage({ hangUp: true });
      done(cause);
    },
  });
  // The driver waits for a socket to close unless it says that it has.
  Object.defineProperty(stream, 'readyState', { get: () => (stream.destroyed ? 'closed' : 'open') });
  return stream;
}
