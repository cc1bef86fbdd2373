import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyDesk } from '../../../src/completion/key-desk.ts';
import { insistOnStore } from '../../../src/conversation/insist-on-store.ts';
import { createKeyKeeper } from '../../../src/keys/key-keeper.ts';
import type { KeyChange, KeyStore } from '../../../src/keys/ports.ts';
import { createKeyring } from '../../../src/keys/seal.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { originKey } from '../../../src/platform/ids.ts';
import type { Author } from '../../../src/platform/message.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { auditOf, newEncryptionKey, newKey } from '../../support/own-keys.ts';
import { openStore } from '../store/open-store.ts';
import { nextId, person } from '../store/requests.ts';

describe.each(databaseKinds)('keys that are given while the store is away now and then, on %s', (kind) => {
  let database: TestDatabase;
  let store: KeyStore;
  let openrouter: OpenRouterSimulator;
  const keyring = createKeyring([newEncryptionKey()]);
  beforeAll(async () => {
    const opened = await openStore(kind);
    database = opened.database;
    store = opened.store.keys;
    openrouter = await startOpenRouterSimulator();
  });
  afterAll(async () => {
    await openrouter.stop();
    await database.close();
  });

  /** `away`: how often each method fails before it answers. */
  const keeperWith = (away: Partial<Record<keyof KeyStore, number>> = {}) => {
    const left = { ...away };
    const failing = new Proxy(store, {
      get(target, name: keyof KeyStore) {
        const method = target[name] as (...given: unknown[]) => Promise<unknown>;
        return (...given: unknown[]) => {
          const failures = left[name] ?? 0;
          left[name] = failures - 1;
          return failures > 0 ? Promise.reject(new StoreUnavailable('away')) : method(...given);
        };
      },
    });
    return createKeyKeeper({
      store: failing,
      desk: createKeyDesk({ baseUrl: openrouter.url }),
      keyring,
      callbackUrl: 'https://parley.example/oauth/openrouter/',
      requestKey: (id) => originKey('http', 'parley', 'sign-in', id),
      insist: (ask) =>
        insistOnStore(ask, { sleep: () => Promise.resolve(), restMs: () => 0, mostFailures: 5 }),
    });
  };
  const changeBy = (author: Author): KeyChange => ({
    originKey: originKey('telegram', 'bot', 'message', nextId()),
    author,
    guild: null,
  });
  const find = (author: Author) => store.find({ scope: 'user', id: author.id });
  /** Begins a sign-in and allows it. */
  const signIn = async (author: Author) => {
    const { url } = await keeperWith().connect(changeBy(author));
    const allowed = await fetch(url, { method: 'POST', redirect: 'manual' });
    const back = new URL(allowed.headers.get('location') ?? '');
    return { id: back.pathname.split('/').at(-1) ?? '', code: back.searchParams.get('code') ?? '' };
  };

  it('are kept although storing what a sign-in made fails at first', async () => {
    const author = person();
    const { id, code } = await signIn(author);
    const { finished } = await keeperWith({ set: 4 }).finishAt(id, code);
    expect(finished).toMatchObject({ kind: 'kept' });
    expect((await find(author))?.last4).toBe(finished.kind === 'kept' ? finished.last4 : '');
  });

  it('are told as kept where only the end of the sign-in can’t be noted at first', async () => {
    const author = person();
    const { id, code } = await signIn(author);
    expect((await keeperWith({ end: 4 }).finishAt(id, code)).finished).toMatchObject({ kind: 'kept' });
    expect((await keeperWith().finishAt(id, code)).finished).toEqual({ kind: 'used' });
    expect(await auditOf(database, author.id)).toHaveLength(1);
  });

  it.each(['set', 'end'] as const)(
    'are taken by the same message again where %s failed, and by no other',
    async (method) => {
      const author = person();
      const key = newKey(openrouter);
      await keeperWith().expect(changeBy(author));
      const message = changeBy(author);
      const away = keeperWith({ set: method === 'set' ? 1 : 0, end: 1 });
      await expect(away.takeExpected(message, key)).rejects.toThrow(StoreUnavailable);
      expect(await keeperWith().takeExpected(changeBy(author), key)).toBeNull();
      expect(await keeperWith().takeExpected(message, key)).toMatchObject({ kind: 'kept' });
      expect(await keeperWith().takeExpected(message, key)).toMatchObject({ kind: 'kept' });
      expect((await find(author))?.last4).toBe(key.slice(-4));
    },
  );

  it('are taken once by a message that comes twice at once', async () => {
    const author = person();
    const key = newKey(openrouter);
    await keeperWith().expect(changeBy(author));
    const message = changeBy(author);
    const given = await Promise.all([1, 2].map(() => keeperWith().takeExpected(message, key)));
    expect(given).toMatchObject([{ kind: 'kept' }, { kind: 'kept' }]);
    expect(await auditOf(database, author.id)).toHaveLength(1);
  });

  it('of another service are no question either when their message comes again', async () => {
    const author = person();
    await keeperWith().expect(changeBy(author));
    const message = changeBy(author);
    const foreign = 'sk-proj-AbCdEfGhIjKlMnOpQrStUvWx';
    await expect(keeperWith({ end: 1 }).takeExpected(message, foreign)).rejects.toThrow(StoreUnavailable);
    expect(await keeperWith().takeExpected(message, foreign)).toEqual({ kind: 'no_key' });
  });

  it('by a sign-in can be finished by the same command again where that was cut off before the code was used', async () => {
    const author = person();
    const { code } = await signIn(author);
    const command = changeBy(author);
    const taken = await store.take('sign_in', { user: author.id, originKey: command.originKey });
    expect(taken.kind).toBe('taken');
    expect(await keeperWith().finish(changeBy(author), code)).toEqual({ kind: 'used' });
    expect(await keeperWith().finish(command, code)).toMatchObject({ kind: 'kept' });
  });
});
