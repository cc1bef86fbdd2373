import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SeenCall } from './stage.ts';

/** What stands before the processes and takes Telegram's updates, as an operator's proxy does. */
export interface Balancer {
  /** For PUBLIC_URL. */
  readonly url: string;
  /** The port on which a slot's process has to serve. */
  portOf(slot: number): number;
  stop(): Promise<void>;
}

export interface BalancerOptions {
  readonly slots: number;
  readonly hostOf: (slot: number) => string;
  /** Told of each update before it is passed on and after it was answered; may hold it up, or break it off. */
  readonly pass: (call: SeenCall) => Promise<'pass' | 'drop'>;
}

/** Passes each update to a process that takes it: the slots in order, the next one where nobody listens. */
export async function startBalancer({ slots, hostOf, pass }: BalancerOptions): Promise<Balancer> {
  const ports = await Promise.all(Array.from({ length: slots }, freePort));

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readAll(request);
    for (const [slot, port] of ports.entries()) {
      const seen = seenUpdate(body, hostOf(slot));
      const answering = forward(request, body, port);
      if ((await pass({ ...seen, when: 'before' })) === 'drop') break;
      const answer = await answering;
      if (answer === null) continue;
      if ((await pass({ ...seen, when: 'after' })) === 'drop') break;
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.body);
      return;
    }
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('Bad Gateway');
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    portOf: (slot) => ports[slot] ?? 0,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Null where nobody listens, or whoever did is gone before it answered. */
function forward(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  port: number,
): Promise<{ status: number; body: Buffer } | null> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; body: Buffer } | null>();
  const passed = send({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, (answer) => {
    readAll(answer).then(
      (text) => resolve({ status: answer.statusCode ?? 502, body: text }),
      () => resolve(null),
    );
  });
  passed.on('error', () => resolve(null));
  passed.end(body);
  return promise;
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function seenUpdate(body: Buffer, host: string): Omit<SeenCall, 'when'> {
  const update = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
  return {
    platform: 'telegram',
    kind: 'update',
    host,
    place: null,
    text: '',
    hasStopButton: false,
    question: null,
    result: [update],
    params: update,
    record: null,
  };
}

/** Free at this moment, and not given out again soon. */
async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
