import type { Redis } from 'ioredis';
import type { Logger } from '../platform/logger.ts';
import { openSession, type RedisSession } from './redis-session.ts';

/**
 * Redis, as far as it answers in time. One that is away, or slow, is done without at once, and looked for again until it
 * is back; nobody waits for it meanwhile.
 */
export interface RedisLink {
  /** Null while Redis is not there. */
  session(): RedisSession | null;
  /** What Redis answers; null where it does not, or not in time. Never rejects. */
  ask<Answer>(question: (client: Redis) => Promise<Answer>): Promise<Answer | null>;
  /** Calls back once when the session of now is lost; what is returned takes that back. */
  onLost(listener: () => void): () => void;
  /** Resolves when Redis was tried once. */
  start(): Promise<void>;
  close(): void;
}

export interface LinkOptions {
  readonly url: string;
  readonly log: Logger;
  /** An answer that takes longer is not waited for. */
  readonly deadlineMs?: number;
  /** Between two looks whether it is well, or there again. */
  readonly lookMs?: number;
}

const DEADLINE_MS = 250;
const LOOK_MS = 1000;

export function createRedisLink({
  url,
  log,
  deadlineMs = DEADLINE_MS,
  lookMs = LOOK_MS,
}: LinkOptions): RedisLink {
  const listeners = new Set<() => void>();
  const outage = createOutage(log);
  let session: RedisSession | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | null = null;

  function lose(lost: RedisSession, reason: string): void {
    if (session !== lost) return;
    session = null;
    // Who waits goes on before who comes now.
    for (const listener of listeners) listener();
    listeners.clear();
    lost.close();
    if (!isClosed) outage.begin(reason);
  }

  async function ask<Answer>(question: (client: Redis) => Promise<Answer>): Promise<Answer | null> {
    const asked = session;
    if (asked === null) return null;
    try {
      return await within(question(asked.client), deadlineMs);
    } catch (error) {
      lose(asked, reasonOf(error));
      return null;
    }
  }

  async function open(): Promise<void> {
    let opened: RedisSession | null = null;
    let hasEnded = false;
    try {
      opened = await openSession(url, () => {
        hasEnded = true;
        if (opened !== null) lose(opened, 'the connection ended');
      });
      await within(opened.client.ping(), deadlineMs);
      if (isClosed || hasEnded) return opened.close();
      session = opened;
      outage.end();
    } catch (error) {
      opened?.close();
      outage.begin(reasonOf(error));
    }
  }

  async function look(): Promise<void> {
    await (session === null ? open() : ask((client) => client.ping()));
    if (!isClosed) timer = setTimeout(() => void look(), lookMs).unref();
  }

  return {
    session: () => session,
    ask,
    onLost(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    start: look,
    close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      if (session !== null) lose(session, 'closed');
    },
  };
}

/** Says once that it began, and once that it is over. */
function createOutage(log: Logger) {
  let isTold = false;
  return {
    begin(reason: string): void {
      if (isTold) return;
      isTold = true;
      log.warn(
        { reason },
        'Redis is not there: each process keeps the limits of people by itself until it is',
      );
    },
    end(): void {
      if (isTold) log.info({}, 'Redis is there again: all processes keep the limits of people together');
      isTold = false;
    },
  };
}

const LATE = 'it does not answer in time';

/** An answer that has arrived while this process was busy is in time. */
async function within<Answer>(answer: Promise<Answer>, deadlineMs: number): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => setImmediate(() => late.reject(new Error(LATE))), deadlineMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Never the error itself: a command that failed, such as the one that signs in, stands in it with all it was given. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.message === LATE) return LATE;
  return 'code' in error ? String(error.code) : (/^[A-Z]+/u.exec(error.message)?.[0] ?? error.name);
}
