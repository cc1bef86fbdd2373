import { migrationsFolder, silentLog } from '../../support/database.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { createTurnStore } from '../../../src/store/turn-store.ts';
import { admission, nextId, person } from './requests.ts';

/** A process of its own that admits messages on a data directory, and says so once each is stored. */
const [dataDir = ''] = process.argv.slice(2);
const database = await openDatabase({ dataDir, migrationsFolder, log: silentLog });
const turns = createTurnStore(database.sql);
process.stdout.write('open\n');
for (;;) {
  const request = admission({ author: person(), chat: nextId() });
  await turns.admit(request);
  process.stdout.write(`${request.turnId}\n`);
}
