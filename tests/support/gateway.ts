import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands in front of a server and can go away without it, and come back at the same address. */
export interface Gateway {
  /** The server's URL, by way of the gateway. */
  readonly url: string;
  /** Breaks every connection and takes no new ones. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function startGateway(serverUrl: string): Promise<Gateway> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    const upstream = track(connect({ host: target.hostname, port: Number(target.port) }));
    track(client).on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  const listen = async (port: number): Promise<number> => {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href.replace(/\/$/u, ''),
    async down() {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
    async up() {
      if (!server.listening) await listen(port);
    },
  };
}
