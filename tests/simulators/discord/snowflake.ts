/** Milliseconds since 1970 at which Discord's ids begin. */
const epochMs = 1_420_070_400_000;

export interface SnowflakeSource {
  /** A new id, greater than every one before it, also when the clock stands still. 18 or 19 digits for any time after 2016. */
  next(): string;
  /** Like `next`, but in a millisecond of its own, so that ids spread over shards even when the clock stands still. */
  nextApart(): string;
}

/** Ids as Discord makes them: 42 bits of milliseconds, then 22 bits that tell apart what happened in one millisecond. */
export function createSnowflakes(now: () => number): SnowflakeSource {
  let last = 0n;
  const after = (least: bigint): string => {
    const current = BigInt(Math.floor(now()) - epochMs) << 22n;
    last = current > least ? current : least;
    return String(last);
  };
  return {
    next: () => after(last + 1n),
    nextApart: () => after(((last >> 22n) + 1n) << 22n),
  };
}

/** The shard that serves a guild (Discord: `(guild_id >> 22) % num_shards`); direct messages belong to shard 0. */
export function shardOf(guildId: string | undefined, shardCount: number): number {
  return guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
