import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectToServer, type StoreLog } from '../../src/store/connection.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/store/database.ts';

/**
 * Databases for tests: the embedded one always, PostgreSQL where one answers at `TEST_DATABASE_URL`
 * or on this machine. Each test file gets its own, copied from a migrated template that is made
 * once for each state of the migrations.
 */
export type DatabaseKind = Database['kind'];

export const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));

/** Says nothing; a test that cares for logs brings its own. */
export const silentLog: StoreLog = { debug() {}, info() {}, warn() {}, error() {} };

const serverUrl = await findServer();

export const databaseKinds: readonly DatabaseKind[] =
  serverUrl === null ? ['embedded'] : ['embedded', 'postgres'];

/** For suites that need real concurrency: empty where there is no server. */
export const serverKinds = databaseKinds.filter((kind) => kind === 'postgres');

/** For suites about what is the same on all of them. */
export const anyKinds: readonly DatabaseKind[] = databaseKinds.slice(-1);

export interface TestDatabase extends Database {
  /** Of the server's database; null for the embedded one. */
  readonly url: string | null;
}

export interface TestDatabaseOptions {
  readonly poolSize?: number;
  readonly log?: StoreLog;
  /** Whether the schema is there already. */
  readonly isMigrated?: boolean;
}

/** Opens a database of its own. Closing it deletes it. */
export async function openTestDatabase(
  kind: DatabaseKind,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  return kind === 'embedded' ? await openEmbeddedCopy(options) : await openServerCopy(options);
}

/** A migrated data directory of its own, not open yet. The caller deletes it. */
export async function copyDataDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  await cp(await embeddedTemplate(), dir, { recursive: true });
  return dir;
}

/** A database of its own on the server, with the URL to reach it and the way to delete it. */
export async function createServerDatabase(
  isMigrated = true,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `parley_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const template = isMigrated ? await serverTemplate() : 'template0';
  await asAdmin((sql) => sql`create database ${sql(name)} template ${sql(template)}`);
  return {
    url: urlOf(name),
    drop: async () => {
      await asAdmin((sql) => sql`drop database if exists ${sql(name)} with (force)`);
    },
  };
}

async function openEmbeddedCopy(options: TestDatabaseOptions): Promise<TestDatabase> {
  const dataDir =
    options.isMigrated === false ? await mkdtemp(join(tmpdir(), 'parley-test-')) : await copyDataDir();
  const database = await openDatabase(withDefaults({ ...options, dataDir }));
  return {
    ...database,
    url: null,
    async close() {
      await database.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

async function openServerCopy(options: TestDatabaseOptions): Promise<TestDatabase> {
  const { url, drop } = await createServerDatabase(options.isMigrated ?? true);
  const database = await openDatabase(withDefaults({ ...options, url, dataDir: '' }));
  return {
    ...database,
    url,
    async close() {
      await database.close();
      await drop();
    },
  };
}

function withDefaults(options: Partial<DatabaseOptions> & { dataDir: string }): DatabaseOptions {
  return { migrationsFolder, log: silentLog, ...options };
}

const migrationsDigest = createHash('sha256')
  .update(
    readdirSync(migrationsFolder)
      .filter((name) => name.endsWith('.sql'))
      .toSorted()
      .map((name) => readFileSync(join(migrationsFolder, name), 'utf8'))
      .join('\0'),
  )
  .digest('hex')
  .slice(0, 16);

/** Made beside its final name and moved there, so that another process never sees half of it. */
async function embeddedTemplate(): Promise<string> {
  const template = join(tmpdir(), `parley-template-${migrationsDigest}`);
  if (await exists(template)) return template;
  const building = await mkdtemp(`${template}-`);
  const database = await openDatabase(withDefaults({ dataDir: building }));
  await database.migrate();
  await database.close();
  try {
    await rename(building, template);
  } catch {
    // Another process was first.
    await rm(building, { recursive: true });
  }
  return template;
}

async function serverTemplate(): Promise<string> {
  const template = `parley_template_${migrationsDigest}`;
  await asAdmin(async (sql) => {
    await sql`select pg_advisory_lock(hashtext('parley.test.template'))`;
    const found = await sql`select 1 from pg_database where datname = ${template}`;
    if (found.length > 0) return;
    const building = `${template}_building`;
    await sql`drop database if exists ${sql(building)} with (force)`;
    await sql`create database ${sql(building)} template template0`;
    const database = await openDatabase(withDefaults({ url: urlOf(building), dataDir: '' }));
    await database.migrate();
    await database.close();
    await sql`alter database ${sql(building)} rename to ${sql(template)}`;
    await dropTemplatesOfOtherMigrations(sql, template);
  });
  return template;
}

async function dropTemplatesOfOtherMigrations(sql: AdminSql, template: string): Promise<void> {
  const old = await sql<{ datname: string }[]>`
    select datname from pg_database where datname like 'parley\\_template\\_%' and datname <> ${template}`;
  for (const { datname } of old) await sql`drop database if exists ${sql(datname)} with (force)`;
}

type AdminSql = ReturnType<typeof connectToServer>;

async function asAdmin(work: (sql: AdminSql) => PromiseLike<unknown>): Promise<void> {
  const sql = connectToServer(adminOptions(serverUrl ?? ''));
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** One connection without timeouts: session locks hold, and making a database may take a while. */
function adminOptions(url: string) {
  return { url, poolSize: 1, isDirect: true, hasTimeouts: false, log: silentLog };
}

function urlOf(name: string): string {
  const url = new URL(serverUrl ?? '');
  url.pathname = `/${name}`;
  return url.href;
}

async function findServer(): Promise<string | null> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return given;
  const local = 'postgres://postgres@127.0.0.1:5432/postgres';
  const sql = connectToServer(adminOptions(local));
  try {
    await sql`select 1`;
    return local;
  } catch {
    return null;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
