import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import postgres from 'postgres';
import { ConnectionLost } from './failure.ts';

/** What the store needs of a logger. Fields never hold message text or parameters of statements. */
export interface StoreLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type Sql = postgres.Sql;

/** A live server answers or cancels a statement sooner than this. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** A connection with a question open for so long without a byte of answer is dead. */
const SILENCE_LIMIT_MS = 20_000;
const CONNECT_TIMEOUT_S = 5;

export interface ServerOptions {
  readonly url: string;
  readonly poolSize: number;
  /**
   * Whether the server itself answers at `url`. A pooler may refuse settings that are sent with the
   * connection, so they are left to its configuration.
   */
  readonly isDirect: boolean;
  /** Migrations may take long. */
  readonly hasTimeouts: boolean;
  readonly log: StoreLog;
}

/**
 * A pool on a PostgreSQL server. Connects when first used, and again by itself after any failure:
 * when a connection is lost, new statements go to a new pool and the old one ends with what it is
 * doing. A connection of the driver that is lost while a statement waits to be written is of no use
 * ever after (3.4.9 keeps the unwritten bytes and the timer that was to write them).
 */
export function connectToServer(options: ServerOptions): Sql {
  let isClosing = false;
  let current = openPool();

  function openPool(): Sql {
    const pool = postgres(options.url, {
      ...serverOptions(options),
      onclose() {
        if (isClosing || pool !== current) return;
        current = openPool();
        // The converters of types are set on the first pool by those who use it.
        Object.assign(current.options.parsers, pool.options.parsers);
        Object.assign(current.options.serializers, pool.options.serializers);
        void pool.end({ timeout: CONNECT_TIMEOUT_S });
      },
    });
    return pool;
  }

  const end: Sql['end'] = async (timeout) => {
    isClosing = true;
    await current.end(timeout);
  };
  return new Proxy(current, {
    apply: (_first, itself, parameters) => Reflect.apply(current, itself, parameters) as unknown,
    get: (_first, key) => (key === 'end' ? end : (Reflect.get(current, key) as unknown)),
  });
}

const LONGEST_RECONNECT_S = 1;

function serverOptions(options: ServerOptions): postgres.Options<Record<string, postgres.PostgresType>> {
  return {
    ...common(options.log),
    max: options.poolSize,
    max_lifetime: null,
    connect_timeout: CONNECT_TIMEOUT_S,
    keep_alive: 30,
    // The driver's own rests grow to 20 s, for which a server that is back would go unnoticed.
    backoff: (failures: number) =>
      Math.min(2 ** failures / 20, LONGEST_RECONNECT_S) * (0.5 + Math.random() / 2),
    connection: {
      application_name: 'parley',
      ...(options.isDirect && options.hasTimeouts
        ? {
            statement_timeout: STATEMENT_TIMEOUT_MS,
            lock_timeout: STATEMENT_TIMEOUT_MS / 2,
            idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
          }
        : {}),
    },
    ...(options.hasTimeouts ? { socket: openWatchedSocket } : {}),
  } as postgres.Options<Record<string, postgres.PostgresType>>;
}

/** The one connection to the embedded server. `open` must not throw: the driver would wait for ever. */
export function connectToEmbedded(open: () => Duplex, log: StoreLog): Sql {
  return postgres({
    ...common(log),
    max: 1,
    ssl: false,
    idle_timeout: 0,
    max_lifetime: null,
    user: 'postgres',
    database: 'postgres',
    socket: () => withSocketMethods(open()),
  } as postgres.Options<Record<string, postgres.PostgresType>>);
}

function common(log: StoreLog): postgres.Options<Record<string, postgres.PostgresType>> {
  return {
    prepare: true,
    // No statement takes or returns arrays, so their type ids need not be asked for on every connection.
    fetch_types: false,
    onnotice: (notice) => log.debug({ code: notice.code }, 'notice from the database'),
  };
}

interface DriverTarget {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Of a unix socket. */
  readonly path: string | false;
}

/**
 * A socket that notices what the driver does not: a server that is gone without a word (a question
 * stays open, nothing comes), and one that hangs up before it ever spoke, as a proxy does whose
 * server is down. Both become errors, so that waiting queries fail and the next one connects anew.
 * Under TLS the driver reads and writes past this socket, and only the second is noticed.
 */
function openWatchedSocket({ host, port, path }: DriverTarget): Socket {
  const socket =
    path === false ? connect({ host: host[0] ?? 'localhost', port: port[0] ?? 5432 }) : connect({ path });
  // The driver checks the server's certificate against this name.
  Object.assign(socket, { host: host[0], port: port[0] });
  let askedAt: number | null = null;
  let hasSpoken = false;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    askedAt ??= performance.now();
    return write(...args);
  };
  socket.on('data', () => {
    hasSpoken = true;
    askedAt = null;
  });
  socket.on('end', () => {
    if (!hasSpoken) socket.destroy(new ConnectionLost('The database server hung up before it answered.'));
  });
  const watch = setInterval(() => {
    if (socket.destroyed) clearInterval(watch);
    else if (askedAt !== null && performance.now() - askedAt > SILENCE_LIMIT_MS)
      socket.destroy(new ConnectionLost('The database server went silent.'));
  }, SILENCE_LIMIT_MS / 4).unref();
  return socket;
}

/** What the driver calls on a socket and a plain stream does not have. */
function withSocketMethods(stream: Duplex): Duplex {
  const itself = () => stream;
  return Object.assign(stream, { setKeepAlive: itself, setNoDelay: itself, ref: itself, unref: itself });
}
