import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../platform/adapter.ts';

/** Serialisation failure and deadlock: the same call made again succeeds. */
const TRANSIENT = new Set(['40001', '40P01']);
/**
 * The server goes away, is starting, gave up on a statement or a lock, or found its files damaged
 * (XX001, XX002).
 */
const AWAY = new Set([
  'XX001',
  'XX002',
  '55P03',
  '57014',
  '25006',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECTION_CONNECT_TIMEOUT',
  'CONNECT_TIMEOUT',
  // What Node.js says to a write on a socket that has ended meanwhile; it names no system call then.
  'EPIPE',
  'ERR_SOCKET_CLOSED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);
/** Classes: connection, insufficient resources (full disk, too many clients), operator intervention, system error. */
const AWAY_CLASSES = ['08', '53', '57P', '58'];
const RETRIES = 3;
/** A live server ends a statement by itself sooner than this; whoever waits longer waits for nobody. */
const DEADLINE_MS = 20_000;

/**
 * Runs a call on the database. Deadlocks and serialisation failures are tried again, so `call` must
 * be idempotent; every way of not reaching the database, or of getting no answer within
 * `deadlineMs`, becomes `StoreUnavailable`; anything else is our bug and comes through as it is.
 */
export function reach<Result>(
  call: () => PromiseLike<Result>,
  deadlineMs: number = DEADLINE_MS,
): Promise<Result> {
  return attempt(() => withDeadline(call, deadlineMs));
}

/** The same without a deadline, for work that may take long. */
export function reachPatiently<Result>(call: () => PromiseLike<Result>): Promise<Result> {
  return attempt(call);
}

async function attempt<Result>(call: () => PromiseLike<Result>): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (cause) {
      if (isTransient(cause)) {
        if (tries === RETRIES) throw new StoreUnavailable('The database is overloaded.', { cause });
        await delay(5 * 2 ** tries * (0.5 + Math.random()));
      } else if (isAway(cause)) throw new StoreUnavailable('The database can’t be reached.', { cause });
      else throw cause;
    }
  }
}

async function withDeadline<Result>(call: () => PromiseLike<Result>, deadlineMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost('The database does not answer.')), deadlineMs);
  });
  try {
    return await Promise.race([call(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** The SQLSTATE, or the code of a socket's or the driver's error; empty when there is none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return errorCode(error.cause);
}

const isTransient = (error: unknown): boolean => TRANSIENT.has(errorCode(error));

/** Whether the failure is one of reaching the database, and not an answer of it. */
export function isAway(error: unknown): boolean {
  const code = errorCode(error);
  if (AWAY.has(code) || AWAY_CLASSES.some((prefix) => code.startsWith(prefix))) return true;
  return hasLostConnection(error);
}

/** Errors of sockets and of name resolution carry the system call that failed. */
function hasLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'syscall' in error || error instanceof ConnectionLost || hasLostConnection(error.cause);
}

/** The connection ended in a way the driver has no name for. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
