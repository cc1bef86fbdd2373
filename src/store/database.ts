import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { connectToEmbedded, connectToServer, type Sql, type StoreLog } from './connection.ts';
import { startEmbeddedServer } from './embedded.ts';
import { reach, reachPatiently } from './failure.ts';

export interface DatabaseOptions {
  /** A PostgreSQL server (15 or newer), perhaps behind a pooler. Without it the embedded one is used. */
  readonly url?: string | null;
  /** The same server without the pooler, for migrations. */
  readonly directUrl?: string | null;
  /** Connections at most; 10 serve a busy bot. */
  readonly poolSize?: number;
  /** Where the embedded database lives. */
  readonly dataDir: string;
  /** The folder with the migrations. */
  readonly migrationsFolder: string;
  readonly log: StoreLog;
}

/** An open database. `sql` and `db` share their connections; times come back as strings from both. */
export interface Database {
  readonly kind: 'postgres' | 'embedded';
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  /** Brings the schema up to date; processes that start together wait for one another. Rejects with `StoreUnavailable`. */
  migrate(): Promise<void>;
  /** Rejects with `StoreUnavailable` when no statement can be run. */
  ping(): Promise<void>;
  /** Lets running statements end (5 s at most) and closes all connections. */
  close(): Promise<void>;
}

/**
 * Opens the database. A server is reached only when it is first asked; the embedded one is started here.
 * @throws DataDirInUse when another process has the embedded database open.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.url ? openServer(options, options.url) : await openEmbedded(options);
}

const CLOSE_TIMEOUT_S = 5;

function openServer(options: DatabaseOptions, url: string): Database {
  const { log, migrationsFolder } = options;
  const isDirect = !options.directUrl || options.directUrl === url;
  const sql = connectToServer({ url, poolSize: options.poolSize ?? 10, isDirect, hasTimeouts: true, log });
  return {
    kind: 'postgres',
    sql,
    db: drizzle(sql),
    ping: () => ping(sql),
    async migrate() {
      const directUrl = options.directUrl ?? url;
      const client = connectToServer({
        url: directUrl,
        poolSize: 1,
        isDirect: true,
        hasTimeouts: false,
        log,
      });
      try {
        await migrateUnderLock(client, migrationsFolder);
      } finally {
        await client.end({ timeout: CLOSE_TIMEOUT_S });
      }
    },
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_S }),
  };
}

async function openEmbedded({ dataDir, migrationsFolder, log }: DatabaseOptions): Promise<Database> {
  const server = await startEmbeddedServer(dataDir, (cause) =>
    log.error({ err: cause }, 'the embedded database stopped; restart to open it again'),
  );
  const sql = connectToEmbedded(() => server.connect(), log);
  return {
    kind: 'embedded',
    sql,
    db: drizzle(sql),
    ping: () => ping(sql),
    migrate: () => migrateUnderLock(sql, migrationsFolder),
    async close() {
      await sql.end({ timeout: CLOSE_TIMEOUT_S });
      await server.close();
    },
  };
}

async function ping(sql: Sql): Promise<void> {
  await reach(() => sql`select 1`);
}

/** The lock belongs to the session, so the client must have one connection and no pooler in between. */
async function migrateUnderLock(sql: Sql, migrationsFolder: string): Promise<void> {
  await reachPatiently(() => sql`select pg_advisory_lock(hashtext('parley.migrate'))`);
  try {
    await reachPatiently(() => migrate(drizzle(sql), { migrationsFolder }));
    await reachPatiently(() => sql`select ensure_usage_partitions_v1('{}')`);
  } finally {
    await reachPatiently(() => sql`select pg_advisory_unlock(hashtext('parley.migrate'))`);
  }
}
