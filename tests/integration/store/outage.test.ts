import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { openDatabase, type Database } from '../../../src/store/database.ts';
import { createTurnStore } from '../../../src/store/turn-store.ts';
import { createServerDatabase, migrationsFolder, serverKinds, silentLog } from '../../support/database.ts';
import { admission, nextId, person, run, settlement } from './requests.ts';

/** Stands between the store and the server, and can be cut. */
async function startProxy(target: URL) {
  const sockets = new Set<Socket>();
  let behaviour: 'forward' | 'hang up' | 'say nothing' = 'forward';
  const server: Server = createServer((client) => {
    track(client);
    if (behaviour === 'hang up') return client.end();
    const upstream = track(connect({ host: target.hostname, port: Number(target.port || 5432) }));
    client.on('data', (chunk) => {
      if (behaviour !== 'say nothing') upstream.write(chunk);
    });
    client.on('end', () => upstream.end());
    upstream.pipe(client);
  });
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listen(0);
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    cut,
    hangUpOnEverybody() {
      behaviour = 'hang up';
      cut();
    },
    sayNothing() {
      behaviour = 'say nothing';
    },
    forwardAgain() {
      behaviour = 'forward';
    },
    async down() {
      server.close();
      cut();
      await once(server, 'close');
    },
    up: () => listen(port),
  };
}

describe.each(serverKinds)('with the database on %s away', () => {
  let target: Awaited<ReturnType<typeof createServerDatabase>>;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let database: Database;

  beforeEach(async () => {
    target = await createServerDatabase();
    proxy = await startProxy(new URL(target.url));
    database = await openDatabase({
      url: proxy.url,
      poolSize: 4,
      dataDir: '',
      migrationsFolder,
      log: silentLog,
    });
  });
  afterEach(async () => {
    proxy.cut();
    await database.close();
    await proxy.down().catch(() => {});
    await target.drop();
  });

  const untilServed = async () => {
    for (;;) {
      try {
        return await database.ping();
      } catch (cause) {
        if (!(cause instanceof StoreUnavailable)) throw cause;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };

  it('every call says so, and works again once it is back, without a restart', async () => {
    const turns = createTurnStore(database.sql);
    const request = admission({ author: person(), chat: nextId() });
    const turn = await run(turns, request);
    await proxy.down();
    await expect(turns.settle(settlement(turn))).rejects.toThrow(StoreUnavailable);
    await expect(turns.admit(request)).rejects.toThrow(StoreUnavailable);
    await expect(turns.activeTurns(request.envelope.place)).rejects.toThrow(StoreUnavailable);
    await expect(database.migrate()).rejects.toThrow(StoreUnavailable);
    await proxy.up();
    await untilServed();
    expect(await turns.admit(request)).toEqual({ kind: 'duplicate', turnId: turn.id, state: 'running' });
    expect(await turns.settle(settlement(turn))).toMatchObject({ kind: 'settled' });
  });

  it('calls that wait for an answer when it goes are told, all of them', async () => {
    await database.ping();
    const calls = Array.from({ length: 12 }, () => database.sql`select pg_sleep(30)`.execute());
    const results = Promise.allSettled(calls);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await proxy.down();
    expect((await results).map((result) => result.status)).toEqual(
      Array.from({ length: 12 }, () => 'rejected'),
    );
    await proxy.up();
    await untilServed();
  });

  it('a proxy that accepts and hangs up counts as away, too', async () => {
    await database.ping();
    proxy.hangUpOnEverybody();
    await expect(database.ping()).rejects.toThrow(StoreUnavailable);
    await expect(database.ping()).rejects.toThrow(StoreUnavailable);
    proxy.forwardAgain();
    await untilServed();
  });

  it('a server that ends its connections is reached anew', async () => {
    await database.ping();
    const killed = database.sql`select pg_terminate_backend(pg_backend_pid())`;
    await expect(killed).rejects.toThrow('CONNECTION_CLOSED');
    await untilServed();
  });

  it('a renewal that hears nothing is over before the leases are', async () => {
    const turns = createTurnStore(database.sql);
    const turn = await run(turns, admission({ author: person(), chat: nextId() }));
    proxy.sayNothing();
    // Any other call would wait for longer than this test may take.
    await expect(turns.renewLeases('one', [turn], 200)).rejects.toThrow(StoreUnavailable);
  }, 10_000);

  it('an error of ours is not taken for an outage', async () => {
    const turns = createTurnStore(database.sql);
    const broken = { ...admission({ author: person(), chat: nextId() }), turnId: 'not an id' as never };
    await expect(turns.admit(broken)).rejects.not.toBeInstanceOf(StoreUnavailable);
  });
});
