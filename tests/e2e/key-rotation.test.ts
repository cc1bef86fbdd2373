import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CANARY_PLACE, keyPlace } from '../../src/keys/places.ts';
import { KEY_PROVIDER, type KeyChange } from '../../src/keys/ports.ts';
import { createKeyring } from '../../src/keys/seal.ts';
import { originKey, userId } from '../../src/platform/ids.ts';
import type { Sql } from '../../src/store/connection.ts';
import { createKeyVault } from '../../src/store/key-vault.ts';
import { createProviderKeys } from '../../src/store/provider-keys.ts';
import { databaseKinds } from '../support/database.ts';
import { newEncryptionKey } from '../support/own-keys.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  startProcess,
  type Program,
  type Storage,
} from '../support/process.ts';

// Every run starts a process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const [FORMER, PRESENT, LOST] = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()];
/** More than a page, and not a whole number of pages. */
const PEOPLE = 230;

let program: Program;
beforeAll(async () => {
  program = await buildProgram();
}, 120_000);
afterAll(async () => {
  await endAllProcesses();
  await program.remove();
});

const person = (id: number) => userId('telegram', id);
const plain = (id: number): string => `sk-or-v1-${'f'.repeat(50)}${id}`;

async function give(sql: Sql, id: number, encryptionKey: string): Promise<void> {
  const keyring = createKeyring([encryptionKey]);
  const row = randomUUID();
  const change: KeyChange = {
    originKey: originKey('telegram', 'test', id, randomUUID()),
    author: { id: person(id), name: `p${id}`, locale: null },
    guild: null,
  };
  const sealed = keyring.seal(plain(id), keyPlace(row, KEY_PROVIDER, { id: person(id) }));
  const key = {
    id: row,
    provider: KEY_PROVIDER,
    sealed,
    last4: plain(id).slice(-4),
    fingerprint: keyring.fingerprint(plain(id)),
  };
  await createProviderKeys(sql).set(change, key, 'command');
}

/** How many stored keys open under an encryption key to what they were. */
async function opening(storage: Storage, encryptionKey: string): Promise<number> {
  const keyring = createKeyring([encryptionKey]);
  return await storage.read(async (sql) => {
    const rows = await createKeyVault(sql).page(null, 10_000);
    const opened = rows.map(({ id, provider, subject, sealed }) =>
      keyring.open(sealed, keyPlace(id, provider, subject)),
    );
    return opened.filter((text) => text?.startsWith('sk-or-v1-')).length;
  });
}

describe.each(databaseKinds)('npm run keys, on a database of kind %s', (kind) => {
  let storage: Storage;
  beforeAll(async () => {
    storage = await createStorage(kind);
    await storage.read(async (sql) => {
      for (let id = 0; id < PEOPLE; id += 1) await give(sql, id, FORMER);
      await createKeyVault(sql).setCanary(createKeyring([FORMER]).seal('parley', CANARY_PLACE), null);
    });
  }, 60_000);
  afterAll(() => storage.remove());

  const run = async (
    words: readonly string[],
    keys: { readonly [Name in 'ENCRYPTION_KEY' | 'ENCRYPTION_KEY_PREVIOUS']?: string },
  ) => {
    const { code, stdout, stderr } = await startProcess(['dist/main.js', 'keys', ...words], {
      cwd: program.folder,
      environment: { ...storage.environment, ...keys },
    }).ended;
    // Whatever is printed, no secret is.
    expect(
      [FORMER, PRESENT, LOST, 'sk-or-v1-'].filter((secret) => (stdout + stderr).includes(secret)),
    ).toEqual([]);
    return { code, stdout };
  };
  const both = { ENCRYPTION_KEY: PRESENT, ENCRYPTION_KEY_PREVIOUS: FORMER };

  test('check counts, and changes nothing', async () => {
    expect(await run(['check'], { ENCRYPTION_KEY: FORMER })).toMatchObject({ code: 0 });
    const checked = await run(['check'], both);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain(
      `${PEOPLE} stored keys: 0 under ENCRYPTION_KEY, ${PEOPLE} under ENCRYPTION_KEY_PREVIOUS`,
    );
    expect(await opening(storage, FORMER)).toBe(PEOPLE);
  });

  test('rotate without the former key leaves everything as it is, and says so', async () => {
    const rotated = await run(['rotate'], { ENCRYPTION_KEY: PRESENT });
    expect(rotated.code).toBe(1);
    expect(rotated.stdout).toContain(`${PEOPLE} that neither opens`);
    expect(rotated.stdout).toContain('is ENCRYPTION_KEY the right one?');
    expect(await opening(storage, FORMER)).toBe(PEOPLE);
  });

  test('rotate seals every key anew, once, after which the former one is not needed any more', async () => {
    const rotated = await run(['rotate'], both);
    expect(rotated).toMatchObject({ code: 0 });
    expect(rotated.stdout).toContain(`${PEOPLE} were sealed anew.`);
    expect(await opening(storage, PRESENT)).toBe(PEOPLE);
    expect((await run(['rotate'], both)).stdout).toContain('0 were sealed anew.');
    expect(await run(['check'], { ENCRYPTION_KEY: PRESENT })).toMatchObject({ code: 0 });
    const audit = await storage.read((sql) => sql`select details from audit where action = 'key.rotate'`);
    expect(audit).toMatchObject([{ details: { resealed: PEOPLE, unreadable: 0 } }]);
  });

  test('what can’t be opened is counted until its owner has entered it again', async () => {
    await storage.read((sql) => give(sql, 3, LOST));
    const rotated = await run(['rotate'], both);
    expect(rotated.code).toBe(1);
    expect(rotated.stdout).toContain('1 that neither opens');
    await storage.read((sql) => give(sql, 3, PRESENT));
    expect(await run(['rotate'], { ENCRYPTION_KEY: PRESENT })).toMatchObject({ code: 0 });
  });

  test('a key that was replaced meanwhile is not sealed over', async () => {
    await storage.read(async (sql) => {
      const vault = createKeyVault(sql);
      const stale = (await vault.page(null, 1))[0];
      if (stale === undefined) throw new Error('no key');
      expect(await vault.reseal(stale, 'first', 'f')).toBe(true);
      expect(await vault.reseal(stale, 'second', 'f')).toBe(false);
      expect(await vault.reseal({ ...stale, sealed: 'first' }, stale.sealed, 'f')).toBe(true);
    });
  });

  test('without an encryption key, and with other words, it says what it needs', async () => {
    expect(await run(['rotate'], {})).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('ENCRYPTION_KEY is not set'),
    });
    expect(await run(['turn'], both)).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('npm run keys -- rotate'),
    });
    expect(await run([], both)).toMatchObject({ code: 2 });
  });
});

test('a key that can be guessed keeps everything from starting, with a sentence that names it', async () => {
  const weak = Buffer.alloc(32).toString('base64');
  for (const words of [['keys', 'check'], []]) {
    const { code, stderr } = await startProcess(['dist/main.js', ...words], {
      cwd: program.folder,
      environment: { ENCRYPTION_KEY: weak },
    }).ended;
    expect(code).toBe(78);
    expect(stderr).toContain('ENCRYPTION_KEY: that key can be guessed');
    expect(stderr).not.toContain(weak);
  }
});
