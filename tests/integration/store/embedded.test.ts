import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { startEmbeddedServer } from '../../../src/store/embedded.ts';
import { DataDirInUse, lockDataDir } from '../../../src/store/data-dir-lock.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { copyDataDir, migrationsFolder, openTestDatabase, silentLog } from '../../support/database.ts';

const writer = new URL('./writer.ts', import.meta.url).pathname;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const dataDirCopy = async () => {
  const dataDir = await copyDataDir();
  cleanUps.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
};
const open = async (dataDir: string) => {
  const database = await openDatabase({ dataDir, migrationsFolder, log: silentLog });
  cleanUps.push(() => database.close());
  return database;
};
const startWriter = (dataDir: string) => {
  const child = spawn(process.execPath, [writer, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUps.push(() => kill(child));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
};
const kill = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
};

describe('the embedded database', () => {
  it('loses nothing that it confirmed when its process is killed in the middle of writing', async () => {
    const dataDir = await dataDirCopy();
    const confirmed: string[] = [];
    for (let life = 0; life < 2; life += 1) {
      const { child, lines } = startWriter(dataDir);
      expect(await lines.next()).toEqual({ done: false, value: 'open' });
      for (let written = 0; written < 25; written += 1) confirmed.push(String((await lines.next()).value));
      await kill(child);
    }
    const { sql } = await open(dataDir);
    const kept = await sql<{ id: string }[]>`
      select t.id from turns t join messages m on m.id = t.question_message_id join quota_holds h on h.turn_id = t.id`;
    expect(kept.map((row) => row.id)).toEqual(expect.arrayContaining(confirmed));
  });

  it('refuses a second process and names the first', async () => {
    const dataDir = await dataDirCopy();
    const { child, lines } = startWriter(dataDir);
    await lines.next();
    const second = openDatabase({ dataDir, migrationsFolder, log: silentLog });
    await expect(second).rejects.toThrow(DataDirInUse);
    await expect(second).rejects.toMatchObject({ pid: child.pid });
    await kill(child);
    await (await open(dataDir)).ping();
  });

  it('keeps its directory to its owner', async () => {
    const dataDir = join(await mkdtemp(join(tmpdir(), 'parley-test-')), 'new', 'dir');
    cleanUps.push(() => rm(join(dataDir, '..', '..'), { recursive: true }));
    const lock = startEmbeddedServer(dataDir, () => {});
    cleanUps.push(async () => (await lock).close());
    await lock;
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('carries values of megabytes and many statements at once', async () => {
    const database = await openTestDatabase('embedded');
    cleanUps.push(() => database.close());
    const large = 'ä'.repeat(3_000_000);
    const rows = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) => database.sql`select ${index}::int as index, ${large}::text as large`,
      ),
    );
    expect(rows.map(([row]) => row?.['index'])).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(rows[7]?.[0]?.['large']).toBe(large);
  });

  it('rolls back what a transaction left open, and goes on after a statement that failed', async () => {
    const database = await openTestDatabase('embedded');
    cleanUps.push(() => database.close());
    const { sql } = database;
    await expect(
      sql.begin(async (tx) => {
        await tx`insert into errors (id, area, message) values ('a', 'b', 'c')`;
        await tx`select 1 / 0`;
      }),
    ).rejects.toThrow('division by zero');
    expect(await sql`select 1 from errors`).toHaveLength(0);
  });

  it('fails what is asked after it stopped, as a database that is away, and can be closed', async () => {
    const dataDir = await dataDirCopy();
    const database = await openDatabase({ dataDir, migrationsFolder, log: silentLog });
    await database.ping();
    await database.close();
    await expect(database.ping()).rejects.toThrow(StoreUnavailable);
  });
});

describe('the lock of a data directory', () => {
  const directory = async (...below: string[]) => {
    const dir = await mkdtemp(join(tmpdir(), 'parley-test-'));
    cleanUps.push(() => rm(dir, { recursive: true, force: true }));
    return join(dir, ...below);
  };

  it('is held by one of many that try at once, also over the remains of a dead one', async () => {
    const dir = await directory();
    const first = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toMatchObject({ pid: process.pid });
    await first.release();
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(dir)));
    const held = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(held).toHaveLength(1);
    for (const attempt of held) await attempt.value.release();
  });

  it('counts as held by a process that is stopped, whose id is not known then', async () => {
    const dataDir = await dataDirCopy();
    const { child, lines } = startWriter(dataDir);
    await lines.next();
    child.kill('SIGSTOP');
    const refused = lockDataDir(dataDir, 50);
    await expect(refused).rejects.toThrow('in use by a process that does not answer');
    await expect(refused).rejects.toMatchObject({ name: 'DataDirInUse', pid: null });
    child.kill('SIGCONT');
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({ pid: child.pid });
  });

  it('also works where the path is too long for a socket', async () => {
    const { mkdir } = await import('node:fs/promises');
    const dir = await directory('x'.repeat(120));
    await mkdir(dir);
    const lock = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toThrow(DataDirInUse);
    await lock.release();
    await (await lockDataDir(dir)).release();
  });
});
