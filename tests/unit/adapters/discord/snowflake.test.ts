import { describe, expect, it } from 'vitest';
import { shardOf, snowflakeAt, snowflakeBefore } from '../../../../src/adapters/discord/snowflake.ts';

describe('an id of Discord', () => {
  it('begins with the time at which it was made', () => {
    // The example of reference "Snowflakes".
    expect(snowflakeAt(1_462_015_105_796)).toBe((175_928_847_299_117_063n >> 22n) << 22n);
  });

  it('of a time before Discord is 0', () => {
    expect(snowflakeAt(0)).toBe(0n);
    expect(snowflakeBefore(5n, 1000)).toBe(0n);
  });

  it('lies as many milliseconds before another as it is told', () => {
    const id = snowflakeAt(1_462_015_105_796) + 7n;
    expect(snowflakeBefore(id, 60_000)).toBe(snowflakeAt(1_462_015_045_796) + 7n);
  });
});

describe('the shard of a guild', () => {
  it('follows from its id, and is the first for direct messages', () => {
    expect(shardOf('197038439483310086', 1)).toBe(0);
    expect([0n, 1n, 2n, 3n].map((number) => shardOf(String((number << 22n) + 5n), 3))).toEqual([0, 1, 2, 0]);
    expect(shardOf(null, 16)).toBe(0);
  });
});
