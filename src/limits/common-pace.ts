import type { UserId } from '../platform/ids.ts';
import { MINUTE_MS, type Pace } from './pace.ts';
import type { RedisLink } from './redis-link.ts';

/** The pace of people over all processes, exactly. Each process counts for itself too, which is what holds while Redis is away. */
export interface CommonPace {
  /**
   * Counts what this process has just counted, or tells in how many milliseconds there is room, and counts nothing; 0 when
   * it was counted, or Redis is not there.
   */
  take(user: UserId, perMinute: number, atMs: number): Promise<number>;
  /** Forgets what this process counted at a moment; to be called before it does so itself. */
  giveBack(user: UserId, atMs: number): void;
}

/** More are not told again to a Redis that may have forgotten them. */
const MOST_TOLD = 100;

export function createCommonPace(
  link: RedisLink,
  own: Pace<UserId>,
  instance: string,
  now: () => number,
): CommonPace {
  return {
    async take(user, perMinute, atMs) {
      const told = named(own.counted(user), instance).slice(-MOST_TOLD);
      const ages = told.flatMap(({ name, atMs: countedMs }) => [now() - countedMs, name]);
      const waitMs = await link.ask((client) =>
        client.eval(TAKE, 1, keyOf(user), perMinute, now() - atMs, MINUTE_MS, ...ages),
      );
      return waitMs === null ? 0 : Number(waitMs);
    },
    giveBack(user, atMs) {
      const last = named(own.counted(user), instance).findLast((one) => one.atMs === atMs);
      if (last !== undefined) void link.ask((client) => client.zrem(keyOf(user), last.name));
    },
  };
}

const keyOf = (user: UserId): string => `parley-pace-${user}`;

/** The same names each time, for what was counted is told again with whatever comes next. */
function named(moments: readonly number[], instance: string): { name: string; atMs: number }[] {
  const seen = new Map<number, number>();
  return moments.map((atMs) => {
    const index = seen.get(atMs) ?? 0;
    seen.set(atMs, index + 1);
    return { name: `${instance}:${atMs}:${index}`, atMs };
  });
}

/**
 * The newest is the last of those that the process tells of. By Redis's own clock, because those of processes differ;
 * what was counted before is told again, so that one that was emptied knows it again.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, age, minute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 4, #ARGV - 2, 2 do redis.call('ZADD', KEYS[1], 'NX', now - ARGV[i], ARGV[i + 1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - age - minute)
local count = redis.call('ZCARD', KEYS[1])
local wait = 0
if count >= rate then
  local oldest = redis.call('ZRANGE', KEYS[1], count - rate, count - rate, 'WITHSCORES')
  wait = math.max(1, math.ceil(oldest[2] + minute - now + age))
else
  redis.call('ZADD', KEYS[1], now - ARGV[#ARGV - 1], ARGV[#ARGV])
end
redis.call('PEXPIRE', KEYS[1], minute)
return wait`;
