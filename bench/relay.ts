import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and PostgreSQL and counts on the wire. */
export interface Relay {
  readonly url: string;
  /** Answers that the server has completed so far (`ReadyForQuery`): each ends one round trip of the client. */
  roundTrips(): number;
  stop(): Promise<void>;
}

const READY_FOR_QUERY = 'Z'.charCodeAt(0);
/** A message begins with its type, then its length in four bytes, which counts itself. */
const HEADER_BYTES = 5;

export async function startRelay(serverUrl: string): Promise<Relay> {
  const { hostname, port } = new URL(serverUrl);
  let count = 0;
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(Number(port || 5432), hostname);
    const counter = createCounter(() => (count += 1));
    server.on('data', counter);
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    roundTrips: () => count,
    async stop() {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

/** Reads the server's messages as they come, however they are cut. */
function createCounter(onReady: () => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let toSkip = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(toSkip, chunk.length - at);
      toSkip -= skipped;
      at += skipped;
      if (toSkip > 0) return;
      const taken = chunk.subarray(at, at + HEADER_BYTES - header.length);
      header = Buffer.concat([header, taken]);
      at += taken.length;
      if (header.length < HEADER_BYTES) return;
      toSkip = header.readUInt32BE(1) + 1 - HEADER_BYTES;
      if (header[0] === READY_FOR_QUERY) onReady();
      header = Buffer.alloc(0);
    }
  };
}
