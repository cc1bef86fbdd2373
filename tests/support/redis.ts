import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { until } from './until.ts';

/** Whether this machine can run one; suites that need it are left out elsewhere. */
export const hasRedis = await promisify(execFile)('redis-server', ['--version']).then(
  () => true,
  () => false,
);

/** A Redis of its own, which keeps nothing on disk. */
export interface TestRedis {
  readonly url: string;
  /** Ends it at once, as a power failure would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** It neither answers nor closes connections. */
  freeze(): void;
  thaw(): void;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(password: string): Promise<TestRedis> {
  const port = await freePort();
  const url = `redis://:${password}@127.0.0.1:${port}`;
  let server: ChildProcess | null = null;
  const within = async <Answer>(work: (client: Redis) => Promise<Answer>): Promise<Answer> => {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } finally {
      client.disconnect();
    }
  };
  const kill = async (): Promise<void> => {
    const killed = server;
    server = null;
    if (killed === null) return;
    const gone = once(killed, 'exit');
    killed.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    const args = [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--requirepass',
      password,
      '--dir',
      tmpdir(),
    ];
    server = spawn('redis-server', [...args, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    await until(() => within((client) => client.ping()).catch(() => null));
  };
  await start();
  return {
    url,
    kill,
    start,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    flush: async () => void (await within((client) => client.flushall())),
    stop: kill,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
