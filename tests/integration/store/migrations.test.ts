import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import {
  createServerDatabase,
  databaseKinds,
  migrationsFolder,
  openTestDatabase,
  serverKinds,
  silentLog,
} from '../../support/database.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const runFile = promisify(execFile);

describe.each(databaseKinds)('migrations on %s', (kind) => {
  it('make the schema, the partitions of three months and nothing when repeated', async () => {
    const database = await openTestDatabase(kind, { isMigrated: false });
    try {
      await database.migrate();
      await database.migrate();
      const partitions = await database.sql`
        select relid::regclass::text as name from pg_partition_tree('usage') where isleaf order by 1`;
      expect(partitions).toHaveLength(4);
      expect(partitions.map((row) => String(row['name']))).toContain('usage_default');
    } finally {
      await database.close();
    }
  });
});

describe.each(serverKinds)('migrations on %s', () => {
  it('by four processes at once all succeed', async () => {
    const { url, drop } = await createServerDatabase(false);
    const open = () => openDatabase({ url, poolSize: 2, dataDir: '', migrationsFolder, log: silentLog });
    const databases = await Promise.all([open(), open(), open(), open()]);
    try {
      const migrated = await Promise.allSettled(databases.map((database) => database.migrate()));
      expect(migrated.map((each) => each.status)).toEqual(databases.map(() => 'fulfilled'));
    } finally {
      await Promise.all(databases.map((database) => database.close()));
      await drop();
    }
  });
});

it('the schema files say what the migrations make: generating adds nothing', async () => {
  const out = await mkdtemp(join(tmpdir(), 'parley-drift-'));
  try {
    await cp(migrationsFolder, out, { recursive: true });
    const before = await readdir(out);
    const schema = join(root, 'src/store/schema/*.ts');
    const kit = join(root, 'node_modules/.bin/drizzle-kit');
    await runFile(kit, ['generate', '--dialect', 'postgresql', '--schema', schema, '--out', out], {
      cwd: root,
    });
    expect(await readdir(out)).toEqual(before);
  } finally {
    await rm(out, { recursive: true });
  }
});
