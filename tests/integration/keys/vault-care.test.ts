import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPlace } from '../../../src/keys/places.ts';
import { KEY_PROVIDER, type KeyVault } from '../../../src/keys/ports.ts';
import { createKeyring } from '../../../src/keys/seal.ts';
import { rotateVault } from '../../../src/keys/vault-care.ts';
import { originKey } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { newEncryptionKey } from '../../support/own-keys.ts';
import { openStore } from '../store/open-store.ts';
import { nextId, person } from '../store/requests.ts';

describe.each(databaseKinds)('the care for stored keys on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  const [former, present] = [newEncryptionKey(), newEncryptionKey()];
  beforeAll(async () => {
    ({ database, store } = await openStore(kind));
  });
  afterAll(() => database.close());

  /** As a process does that has the former key still. */
  const give = async () => {
    const author = person();
    const id = randomUUID();
    const keyring = createKeyring([former]);
    const sealed = keyring.seal('a key', keyPlace(id, KEY_PROVIDER, author));
    const change = { originKey: originKey('telegram', 'bot', 'command', nextId()), author, guild: null };
    const fingerprint = keyring.fingerprint('a key');
    await store.keys.set(
      change,
      { id, provider: KEY_PROVIDER, sealed, last4: 'last', fingerprint },
      'command',
    );
  };

  it('seals anew also what came behind it while it went through', async () => {
    await give();
    let passes = 0;
    const vault: KeyVault = {
      ...store.vault,
      async page(after, limit) {
        const rows = await store.vault.page(after, limit);
        passes += 1;
        if (passes < 3) await give();
        return rows;
      },
    };
    const report = await rotateVault(vault, createKeyring([present, former]));
    expect(report).toMatchObject({ rows: 3, primary: 3, previous: 0, unreadable: 0, resealed: 3 });
    expect(passes).toBe(4);
  });
});
