import { connectToServer } from '../../src/store/connection.ts';
import { silentLog } from '../support/database.ts';
import type { Outages } from './outage.ts';

/** A connection of the harness's own, to keep everybody from the turns for a while. */
export interface TurnLock {
  /** Resolves when it is taken, with the way to let it go. */
  take(): Promise<() => void>;
  close(): Promise<void>;
}

export function openLock(url: string, outages: Outages): TurnLock {
  const sql = connectToServer({ url, poolSize: 1, isDirect: true, hasTimeouts: false, log: silentLog });
  return {
    async take() {
      const { promise: taken, resolve: tellTaken, reject } = Promise.withResolvers<void>();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      sql
        .begin(async (transaction) => {
          await transaction`lock table turns in access exclusive mode`;
          tellTaken();
          await released;
        })
        .catch(reject);
      outages.begin();
      await taken;
      return () => {
        outages.end();
        release();
      };
    },
    close: () => sql.end({ timeout: 1 }),
  };
}
