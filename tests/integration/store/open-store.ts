import { createStore, type Store } from '../../../src/store/store.ts';
import type { DefaultQuotas } from '../../../src/store/usage-reader.ts';
import { openTestDatabase, silentLog, type DatabaseKind, type TestDatabase } from '../../support/database.ts';

/** A store on a database of its own, which the caller closes. `now` replaces the database's clock. */
export async function openStore(
  kind: DatabaseKind,
  now?: () => number,
  defaults: DefaultQuotas = { user: {}, guild: {}, instance: {} },
): Promise<{ database: TestDatabase; store: Store }> {
  const database = await openTestDatabase(kind);
  const options = { log: silentLog, defaults, instance: 'one', ...(now !== undefined && { now }) };
  return { database, store: createStore(database, options) };
}
