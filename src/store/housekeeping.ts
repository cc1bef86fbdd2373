import type { Sql, StoreLog } from './connection.ts';
import { callFunction } from './document.ts';

const PAGE_ROWS = 500;

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
    if (page.isDone) break;
  }
  const request = { limit: PAGE_ROWS, ...(now !== undefined && { nowMs: now() }) };
  while ((await callFunction(sql, 'forget_free_v1', request)) === true);
}

/**
 * To be called every minute: forgets the encrypted parts of addresses that have ended, as their
 * `expiresAtMs` tells. Rejects with `StoreUnavailable`.
 */
export async function forgetSealed(sql: Sql, now?: () => number): Promise<void> {
  const request = { limit: PAGE_ROWS, ...(now !== undefined && { nowMs: now() }) };
  let count: unknown;
  do count = await callFunction(sql, 'forget_sealed_v2', request);
  while (count === PAGE_ROWS);
}
