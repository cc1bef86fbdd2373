import type { FreeTake } from '../completion/free-places.ts';
import type { FreePoolStore, PoolLeft } from '../limits/free-ports.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';

/** Somebody waits for the place, and memory can do for a while. */
const TAKE_WITHIN_MS = 2000;

/** Free pools, each call one function of the database. `now` replaces the database's clock, for tests. */
export function createFreePoolStore(sql: Sql, now?: () => number): FreePoolStore {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    take: async (asking) =>
      (await callFunction(sql, 'take_free_v1', { ...asking, ...clock() }, TAKE_WITHIN_MS)) as FreeTake,
    async giveBack(place) {
      await callFunction(sql, 'give_back_free_v1', { ...place, ...clock() });
    },
    async correct(correction) {
      await callFunction(sql, 'correct_free_v1', { ...correction, ...clock() });
    },
    left: async (user, guild, perMinute) =>
      (await callFunction(sql, 'free_left_v1', { user, guild, perMinute, ...clock() })) as PoolLeft | null,
  };
}
