import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, nextId, person, run } from './requests.ts';

describe.each(databaseKinds)('what people and guilds choose, on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => Date.UTC(2026, 6, 15, 12)));
  });
  afterAll(() => database.close());

  /** A message's envelope, and the settings that its turn gets. */
  const someone = () => ({ author: person(), chat: nextId() });
  const envelopeOf = (who: ReturnType<typeof someone>) => admission(who).envelope;
  const settingsOf = async (who: ReturnType<typeof someone>) =>
    (await run(store.turns, admission(who))).settings;

  it('is nothing at first, and everything is allowed', async () => {
    const who = someone();
    expect(await settingsOf(who)).toMatchObject({
      model: null,
      isOwnModel: false,
      allowsFallback: false,
      allowedModels: null,
    });
    expect(await store.preferences.of(who.author.id)).toMatchObject({ model: null, temperature: null });
  });

  it('reaches the turns admitted from then on, until it is taken back', async () => {
    const who = someone();
    await store.preferences.change(envelopeOf(who), { model: 'google/gemma' });
    expect(await store.preferences.of(who.author.id)).toMatchObject({ model: 'google/gemma' });
    expect(await settingsOf(who)).toMatchObject({ model: 'google/gemma', isOwnModel: true });
    await store.preferences.change(envelopeOf(who), { allowsFallback: true });
    expect(await store.preferences.of(who.author.id)).toMatchObject({ allowsFallback: true });
    expect(await settingsOf({ ...who, chat: nextId() })).toMatchObject({ allowsFallback: true });
    await store.preferences.change(envelopeOf(who), { model: null });
    expect(await settingsOf({ ...who, chat: nextId() })).toMatchObject({ model: null, isOwnModel: false });
  });

  it('is changed once by a command that comes twice', async () => {
    const who = someone();
    const envelope = envelopeOf(who);
    await store.preferences.change(envelope, { model: 'first/one' });
    await store.preferences.change(envelopeOf(who), { model: 'second/one' });
    await store.preferences.change(envelope, { model: 'first/one' });
    expect(await store.preferences.of(who.author.id)).toMatchObject({ model: 'second/one' });
  });

  it('is changed in several ways by one command, and forgotten by another', async () => {
    const who = someone();
    await store.preferences.change(envelopeOf(who), {
      model: 'first/one',
      allowsFallback: true,
      temperature: 0.25,
      maxTokens: 300,
      optimises: false,
    });
    const chosen = { model: 'first/one', temperature: 0.25, maxTokens: 300, optimises: false };
    expect(await settingsOf(who)).toMatchObject(chosen);
    const nothing = {
      model: null,
      allowsFallback: false,
      temperature: null,
      maxTokens: null,
      optimises: null,
    };
    await store.preferences.change(envelopeOf(who), nothing);
    expect(await store.preferences.of(who.author.id)).toEqual(nothing);
    expect(await settingsOf({ ...who, chat: nextId() })).toMatchObject({
      temperature: null,
      maxTokens: null,
    });
  });
});
