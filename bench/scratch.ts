import { fileURLToPath } from 'node:url';
import { connectToServer, type Sql } from '../src/store/connection.ts';
import { openDatabase, type Database } from '../src/store/database.ts';
import { createServerDatabase, silentLog } from '../tests/support/database.ts';

/** A database on the server for one measurement, and a connection to it that may take its time. */
export interface Scratch {
  readonly url: string;
  readonly database: Database;
  /** Without time limits. */
  readonly patient: Sql;
  remove(): Promise<void>;
}

const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url));

/** Made from the migrations. Rejects where no PostgreSQL answers. */
export async function openScratch(poolSize: number): Promise<Scratch> {
  const { url, drop } = await createServerDatabase();
  const database = await openAt(url, poolSize);
  const patient = connectToServer({ url, poolSize: 1, isDirect: true, hasTimeouts: false, log: silentLog });
  return {
    url,
    database,
    patient,
    async remove() {
      await patient.end({ timeout: 1 });
      await database.close();
      await drop();
    },
  };
}

/** The same database by another way. */
export function openAt(url: string, poolSize: number): Promise<Database> {
  return openDatabase({ url, poolSize, dataDir: '', migrationsFolder, log: silentLog });
}
