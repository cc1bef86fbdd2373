import Bottleneck from 'bottleneck';
import type { RedisLink } from './redis-link.ts';
import type { RedisSession } from './redis-session.ts';
import { createSlots, type Slots } from './slots.ts';

export interface ClusterOptions {
  readonly link: RedisLink;
  /** Used while Redis is not there. */
  readonly local: Slots;
  readonly maxConcurrent: number;
  /** Longer than any turn. */
  readonly expirationMs: number;
  /** A process that was not heard of for so long is gone. */
  readonly goneMs?: number;
}

/** Somebody without a turn keeps their slots so long, for the next one is likely soon. */
const IDLE_MS = 10_000;
const HEARTBEAT_MS = 250;
/** Shorter than a lease: whoever takes over the turns of a process that was killed finds its slots free. */
const GONE_MS = 6000;

/** The slots of people over all processes, as Bottleneck counts them in Redis. */
export function createClusteredSlots(options: ClusterOptions): Slots {
  const { link, local, goneMs = GONE_MS } = options;
  let clustered: { readonly session: RedisSession; readonly slots: Slots } | null = null;

  function slotsOf(session: RedisSession): Slots {
    if (clustered?.session !== session) clustered = { session, slots: openSlots(session, options) };
    return clustered.slots;
  }

  return {
    async run(user, task) {
      const session = link.session();
      if (session === null) return await local.run(user, task);
      const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
      let hasBegun = false;
      let isLocal = false;
      /** The first slot that comes free is taken, here or there; in the other nothing is left to do. */
      const begin = async (): Promise<void> => {
        if (hasBegun) return;
        hasBegun = true;
        stopWaiting();
        await task().then(resolve, reject);
      };
      const goLocal = (): void => {
        if (hasBegun || isLocal) return;
        isLocal = true;
        local.run(user, begin).catch(reject);
      };
      const look = setInterval(() => void freeLost(link, idOf(user), goneMs), goneMs / 2).unref();
      const forget = link.onLost(goLocal);
      const stopWaiting = (): void => {
        clearInterval(look);
        forget();
      };
      slotsOf(session).run(user, begin).catch(goLocal);
      await ended;
    },
    size: () => (clustered?.slots.size() ?? 0) + local.size(),
  };
}

const idOf = (user: string): string => `parley-${user}`;

function openSlots(
  { connection }: RedisSession,
  { maxConcurrent, expirationMs, goneMs = GONE_MS }: ClusterOptions,
): Slots {
  const make = (user: string): Bottleneck => {
    const limiter = new Bottleneck({
      id: idOf(user),
      connection,
      maxConcurrent,
      heartbeatInterval: HEARTBEAT_MS,
      clientTimeout: goneMs,
      timeout: expirationMs,
    });
    // Who waits is told by the session's end, or by the job that Redis did not take.
    limiter.on('error', () => undefined);
    limiter.ready().catch(() => undefined);
    return limiter;
  };
  return createSlots({ make, idleMs: IDLE_MS, expirationMs });
}

/**
 * Bottleneck keeps the slots of a process that was killed until their jobs expire, which is after any turn's end. The jobs
 * of those that were not heard of are made to expire now; the next heartbeat gives their slots to who waits.
 */
async function freeLost(link: RedisLink, id: string, goneMs: number): Promise<void> {
  const keys = ['client_last_seen', 'job_clients', 'job_expirations'].map((name) => `b_${id}_${name}`);
  await link.ask((client) => client.eval(FREE_LOST, keys.length, ...keys, Date.now(), goneMs));
}

const FREE_LOST = `
local gone = {}
for _, name in ipairs(redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1] - ARGV[2])) do gone[name] = true end
local jobs = redis.call('hgetall', KEYS[2])
for i = 1, #jobs, 2 do
  if gone[jobs[i + 1]] then redis.call('zadd', KEYS[3], 'XX', 0, jobs[i]) end
end
return 0`;
