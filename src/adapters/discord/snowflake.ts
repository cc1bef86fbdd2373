/**
 * Discord's ids: 42 bits of milliseconds on Discord's clock, then 22 bits that tell apart what happened in one of them
 * (reference "Snowflakes"). So they are compared as numbers, and say what came first without any clock of ours.
 */

/** Milliseconds since 1970 at which they begin. */
const EPOCH_MS = 1_420_070_400_000;
const BITS_BELOW_TIME = 22n;

/** The least id of a time, in milliseconds since 1970; 0 for a time before Discord's. */
export function snowflakeAt(timeMs: number): bigint {
  return BigInt(Math.max(0, Math.floor(timeMs) - EPOCH_MS)) << BITS_BELOW_TIME;
}

/** The id so many milliseconds before another. */
export function snowflakeBefore(id: bigint, ms: number): bigint {
  const span = BigInt(ms) << BITS_BELOW_TIME;
  return id > span ? id - span : 0n;
}

/** The shard that is told of a guild (topics/gateway "Sharding"); of direct messages (null) it is the first. */
export function shardOf(guildId: string | null, count: number): number {
  return guildId === null ? 0 : Number((BigInt(guildId) >> BITS_BELOW_TIME) % BigInt(count));
}
