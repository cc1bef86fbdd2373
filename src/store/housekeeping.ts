import type { Sql, StoreLog } from './connection.ts';
import { callFunction } from './document.ts';

const PAGE_ROWS = 500;
/** No platform takes such an address for longer. */
const SEALED_MAX_AGE_MS = 900_000;

/**
 * To be called daily: makes the partitions of the months to come, deletes expired holds whose turn
 * is gone and records that nobody needs any more. Rejects with `StoreUnavailable`.
 */
export async function keepHouse(sql: Sql, log: StoreLog, now?: () => number): Promise<void> {
  for (;;) {
    const clock = now === undefined ? {} : { nowMs: now() };
    const page = (await callFunction(sql, 'housekeeping_v1', { limit: PAGE_ROWS, ...clock })) as {
      readonly isDone: boolean;
      readonly strayUsage: boolean;
    };
    if (page.strayUsage) log.warn({}, 'usage outside of all monthly partitions: is the clock right?');
    if (page.isDone) return;
  }
}

/**
 * To be called every minute: forgets the encrypted parts of addresses on turns that are older than
 * a quarter of an hour. Rejects with `StoreUnavailable`.
 */
export async function forgetSealed(sql: Sql, now?: () => number): Promise<void> {
  const request = {
    maxAgeMs: SEALED_MAX_AGE_MS,
    limit: PAGE_ROWS,
    ...(now !== undefined && { nowMs: now() }),
  };
  let count: unknown;
  do count = await callFunction(sql, 'forget_sealed_v1', request);
  while (count === PAGE_ROWS);
}
