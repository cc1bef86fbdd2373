import type { ErrorLog } from '../conversation/operation-ports.ts';
import type { StoreLog } from './connection.ts';
import type { Database } from './database.ts';
import { reach } from './failure.ts';
import { errors } from './schema/operation.ts';

/** Failures that are ours, by the id the person was shown. Never rejects: what can't be stored is in the log. */
export function createErrorLog({ db }: Database, log: StoreLog): ErrorLog {
  return {
    async record({ id, area, message, originKey }) {
      try {
        const entry = { id, area, message: message.replaceAll('\0', '').toWellFormed(), originKey };
        await reach(() => db.insert(errors).values(entry).onConflictDoNothing());
      } catch (cause) {
        log.error(
          { errorId: id, area, message, cause: cause instanceof Error ? cause.name : null },
          'a failure could not be stored',
        );
      }
    },
  };
}
