import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseKinds } from '../support/database.ts';
import { auditOf, inDatabase, keysUsed, newEncryptionKey, newKey } from '../support/own-keys.ts';
import { FREE, openScene, OTHER_FREE, PAID, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const OPERATORS = 'sk-or-v1-simulated';
const [FIRST_KEY, SECOND_KEY, THIRD_KEY] = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()];

describe.each(databaseKinds)('own keys on Telegram, on a database of kind %s', (kind) => {
  let scene: Scene;
  /** Every key that any test has used. */
  const secrets: string[] = [FIRST_KEY, SECOND_KEY, THIRD_KEY];
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: { ENCRYPTION_KEY: FIRST_KEY } });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect((await scene.records.errors()).filter(({ area }) => !area.startsWith('completion.'))).toEqual([]);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  const key = (rest?: Parameters<typeof newKey>[1]): string => {
    const made = newKey(scene.openrouter, rest);
    secrets.push(made);
    return made;
  };
  /** Says something that is taken away, and reads what the bot says next. */
  const tell = async (person: Person, text: string): Promise<string> => {
    const before = scene.said(person.chat).length;
    person.send(text);
    const answer = await until(() => scene.said(person.chat)[before]);
    return answer.text;
  };
  const ask = async (person: Person, text = 'Who pays for this?') => {
    const from = scene.requests().length;
    const asked = await person.ask(text);
    const models = scene.requests().slice(from);
    return {
      ...asked,
      models: models.map(({ model }) => model),
      keys: keysUsed(scene.openrouter).slice(from),
    };
  };
  const own = async (person: Person): Promise<string> => {
    const given = key();
    await tell(person, `/key set ${given}`);
    return given;
  };
  /** Begins a sign-in, and reads where it leads. */
  const link = async (person: Person) => {
    await tell(person, '/key connect');
    const message = scene.said(person.chat).at(-1);
    const links = message?.entities?.flatMap((entity) => ('url' in entity ? [entity.url] : []));
    const url = links?.[0] ?? /https?:\S+/u.exec(message?.text ?? '')?.[0];
    return new URL(String(url));
  };
  const allow = async (url: URL) => await (await fetch(url, { method: 'POST' })).text();
  const payerOf = async (turnId: string) => {
    const [row] = await scene.database.sql<{ payer: string; attempts: string[]; usage: string[] }[]>`
      select t.payer, (select jsonb_agg(distinct a.payer) from attempts a where a.turn_id = t.id) as attempts,
        (select jsonb_agg(distinct u.payer) from usage u where u.turn_id = t.id) as usage
      from turns t where t.id = ${turnId}`;
    return row;
  };

  test('a key that is sent as the next message pays from then on, and the message is gone', async () => {
    const ann = scene.person({ firstName: 'Ann' });
    expect(await ann.command('/key')).toContain('You have no key of your own');
    expect((await ask(ann)).keys).toEqual([OPERATORS]);
    expect(await tell(ann, '/key set')).toContain('as your next message here');
    const given = key();
    const said = await tell(ann, given);
    expect(said).toContain('your key pays for what you ask');
    expect(said).toContain(given.slice(-4));
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    const asked = await ask(ann);
    expect(asked.keys).toEqual([given]);
    expect(asked.models).toEqual([FREE]);
    expect(await payerOf(asked.turn.id)).toEqual({ payer: 'user', attempts: ['user'], usage: ['user'] });
    expect(await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${ann.chat.id}`)).toHaveLength(2);
    expect((await auditOf(scene.database, `telegram:${ann.user.id}`)).map(({ action }) => action)).toEqual([
      'key.add',
      'key.first_use',
    ]);
  });

  test('a key in the line of the command is taken as well, and taken away', async () => {
    const ann = scene.person();
    const given = key({ limitUsd: '5' });
    expect(await tell(ann, `/key set ${given}`)).toContain('✅');
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    const shown = await ann.command('/key show');
    expect(shown).toContain(given.slice(-4));
    expect(shown).toContain('$5');
    expect(shown).not.toContain(given.slice(0, 20));
    expect(await ann.command('/key test')).toContain('is good');
    expect(await ann.command('/key remove')).toContain('I have forgotten your key');
    expect(await ann.command('/key remove')).toContain('You have no key of your own');
    expect((await ask(ann)).keys).toEqual([OPERATORS]);
  });

  test.each([
    ['of a manager', () => key({ management: true }), 'manages other keys'],
    ['that is revoked', () => key({ disabled: true }), 'does not accept that key'],
    ['of another service', () => 'sk-proj-AbCdEfGhIjKlMnOpQrStUvWx', 'no OpenRouter key'],
  ])('a key %s is not kept, with a reason', async (_what, make, reason) => {
    const ann = scene.person();
    const given = make();
    secrets.push(given);
    const before = scene.openrouter.calls.length;
    await tell(ann, '/key set');
    expect(await tell(ann, given)).toContain(reason);
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    expect(await ann.command('/key')).toContain('no key of your own');
    const sent = scene.openrouter.calls.slice(before).map(({ headers }) => String(headers.authorization));
    // What is another service's is shown to nobody.
    expect(sent.some((header) => header.includes(given))).toBe(given.startsWith('sk-or-'));
    // The next message may still be a better one.
    expect(await tell(ann, key())).toContain('✅');
  });

  test('whoever sends a key without being asked for one gets no answer from a model', async () => {
    const ann = scene.person();
    const given = key();
    expect(await tell(ann, `My key is ${given}, use it`)).toContain('did not read it as a question');
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    expect(await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${ann.chat.id}`)).toEqual([]);
  });

  test('a key is no question either where a message is changed to it, or behind a command that asks', async () => {
    const ann = scene.person();
    const given = key();
    const { messageId } = await ask(ann, 'Where do I write my key?');
    const before = scene.said(ann.chat).length;
    ann.chat.edit(ann.user, messageId, `Here: ${given}`);
    expect((await until(() => scene.said(ann.chat)[before])).text).toContain('did not read it as a question');
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    const from = scene.requests().length;
    expect(await tell(ann, `/ask Is ${given} a good key?`)).toContain('did not read it as a question');
    expect(scene.requests()).toHaveLength(from);
  });

  test('a command that is changed to hold a key is taken away, and does nothing', async () => {
    const ann = scene.person();
    const given = key();
    const id = ann.send('/key show');
    await until(() => scene.said(ann.chat).at(-1));
    ann.chat.edit(ann.user, id, `/key set ${given}`);
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
    expect(scene.said(ann.chat)).toHaveLength(1);
    expect(await ann.command('/key')).toContain('no key of your own');
  });

  test('a key that is said to the bot in a group is taken away, and asked of nobody', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ members: [ann.user], botIsAdmin: true });
    const given = key();
    const from = scene.requests().length;
    chat.send(ann.user, `@parley_bot my key is ${given}`);
    expect((await until(() => scene.said(chat).at(-1))).text).toContain('treat the key as seen');
    await until(() => chat.messages().every(({ text }) => !text.includes(given)));
    expect(scene.requests()).toHaveLength(from);
  });

  test('a key is taken away also where Telegram fails at first', async () => {
    const ann = scene.person();
    const given = key();
    const away = { kind: 'status', code: 502, body: 'bad gateway' } as const;
    scene.telegram.fault('deleteMessage', away, { chatId: ann.chat.id, times: 2 });
    expect(await tell(ann, `/key set ${given}`)).toContain('✅');
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
  });

  test('other words are questions also while a key is expected', async () => {
    const ann = scene.person();
    await tell(ann, '/key set');
    expect((await ask(ann, 'Where do I find it?')).keys).toEqual([OPERATORS]);
    expect(await tell(ann, key())).toContain('✅');
  });

  test('a wrong word behind the command is not said back', async () => {
    const ann = scene.person();
    const given = key();
    expect(await tell(ann, `/key ${given}`)).not.toContain(given.slice(0, 16));
    expect(await tell(ann, `/key remove ${given}`)).not.toContain(given.slice(0, 16));
    await until(() => ann.chat.messages().every(({ text }) => !text.includes(given)));
  });

  test('in a group nothing about keys is said, and a key that was written there is taken away', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    const members = [ann.user, bob.user];
    const chat = scene.telegram.group({ members, admins: [ann.user], botIsAdmin: true });
    const given = key();
    chat.send(ann.user, `/key@parley_bot set ${given}`);
    const said = await until(() => scene.said(chat).at(-1));
    expect(said.text).toContain('treat the key as seen');
    await until(() => chat.messages().every(({ text }) => !text.includes(given)));
    expect(await scene.command(chat, bob.user, '/key@parley_bot show')).toContain('in a private chat');
    expect(await scene.command(chat, bob.user, '/key@parley_bot set for:server')).toContain(
      'those who manage',
    );
  });

  test('a group’s key is given in private, pays there for everybody, and costs its members nothing', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    const chat = scene.telegram.group({ members: [ann.user, bob.user], admins: [ann.user] });
    expect(await scene.command(chat, ann.user, '/key@parley_bot connect for:server')).toContain('in private');
    expect(await scene.command(chat, ann.user, '/key@parley_bot set for:server')).toContain(
      'our private chat',
    );
    const given = key();
    expect(await tell(ann, given)).toContain('this community’s key pays');
    const from = scene.requests().length;
    const asked = await scene.ask(chat, bob.user, '@parley_bot Who pays?');
    expect(keysUsed(scene.openrouter).slice(from)).toEqual([given]);
    expect(await payerOf(asked.turn.id)).toMatchObject({ payer: 'guild', usage: ['guild'] });
    expect((await ask(bob)).keys).toEqual([OPERATORS]);
    const bobs = await own(bob);
    await scene.ask(chat, bob.user, '@parley_bot And now?');
    expect(keysUsed(scene.openrouter).at(-1)).toBe(bobs);
    const state = await scene.command(chat, ann.user, '/key@parley_bot show for:server');
    expect(state).toContain('is good');
    expect(state).not.toContain(given.slice(-4));
    expect(await scene.command(chat, ann.user, '/key@parley_bot remove for:server')).toContain('forgotten');
    expect(
      (await auditOf(scene.database, `telegram:${chat.id}`)).map(({ action, guild }) => [action, guild]),
    ).toEqual(['key.add', 'key.first_use', 'key.remove'].map((action) => [action, `telegram:${chat.id}`]));
  });

  test('paid models answer on one’s own key where one has chosen them, also where the operator’s is for free ones only', async () => {
    const ann = scene.person();
    expect(await ann.command(`/model use ${PAID}`)).toContain('set to free models only');
    const given = await own(ann);
    expect(await ann.command('/model list')).toMatch(/models, page 1/u);
    expect((await ask(ann)).models).toEqual([FREE]);
    expect(await ann.command(`/model use ${PAID}`)).toContain(`From now on ${PAID} answers you`);
    const asked = await ask(ann);
    expect(asked.models).toEqual([PAID]);
    expect(asked.keys).toEqual([given]);
    expect(asked.turn.usage[0]?.costNanoUsd).toBeGreaterThan(0);
    const [instance] = await scene.database.sql<{ cost: number }[]>`
      select cost_day::int as cost from quota_subjects where kind = 0`;
    expect(instance).toEqual({ cost: 0 });
    await ann.command('/key remove');
    expect((await ask(ann)).models).toEqual([]);
  });

  test('on a group’s key only those paid models answer that its admins have named', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ members: [ann.user], admins: [ann.user] });
    await scene.command(chat, ann.user, '/key@parley_bot set for:server');
    expect(await tell(ann, key())).toContain('✅');
    expect(await scene.command(chat, ann.user, `/model use ${PAID}`)).toContain('pays with its own key');
    expect(await scene.command(chat, ann.user, `/settings models:free,${PAID}`)).toContain(PAID);
    expect(await scene.command(chat, ann.user, `/model use ${PAID}`)).toContain(`From now on ${PAID}`);
    const from = scene.requests().length;
    await scene.ask(chat, ann.user, '@parley_bot Which one?');
    expect(
      scene
        .requests()
        .slice(from)
        .map(({ model }) => model),
    ).toEqual([PAID]);
  });

  test('a group’s key pays for searches of the web only where its admins allow them, and a person’s for their own', async () => {
    const [ann, bob, cleo] = [scene.person(), scene.person(), scene.person()];
    const chat = scene.telegram.group({ members: [ann.user, bob.user, cleo.user], admins: [ann.user] });
    await scene.command(chat, ann.user, '/key@parley_bot set for:server');
    const guilds = key();
    expect(await tell(ann, guilds)).toContain('✅');
    const search = async (by: Person) => {
      const from = scene.requests().length;
      const asked = await scene.ask(chat, by.user, '/ask@parley_bot search:true What is tea?');
      return { ...asked, keys: keysUsed(scene.openrouter).slice(from) };
    };
    const refused = await search(bob);
    expect(refused.text).toContain('this community’s key does not pay for searches');
    expect(refused.keys).toEqual([]);
    expect(await scene.command(chat, bob.user, '/settings search:on')).toContain('those who manage');
    const bobs = await own(bob);
    expect((await search(bob)).keys).toEqual([bobs]);
    expect(await scene.command(chat, ann.user, '/settings search:on')).toContain(
      'Web searches on this community’s own key: on',
    );
    expect((await search(cleo)).keys).toEqual([guilds]);
    expect(await scene.command(chat, ann.user, '/settings search:off')).toContain('own key: off');
    expect((await search(cleo)).keys).toEqual([]);
  });

  test('a key that is refused later is told to its owner, noted once, and nobody else pays', async () => {
    const ann = scene.person();
    const given = await own(ann);
    expect((await ask(ann)).keys).toEqual([given]);
    scene.openrouter.setKey({ key: given, disabled: true });
    const refused = await ask(ann);
    expect(refused.text).toContain('Your OpenRouter key was refused');
    expect(refused.keys).toEqual([given]);
    await until(async () => (await ask(ann)).keys.length === 0);
    expect(await ann.command('/key test')).toContain('refused by OpenRouter');
    const actions = (await auditOf(scene.database, `telegram:${ann.user.id}`)).map(({ action }) => action);
    expect(actions).toEqual(['key.add', 'key.first_use', 'key.refused']);
    scene.openrouter.setKey({ key: given, account: given });
    expect(await ann.command('/key test')).toContain('is good');
    expect((await ask(ann)).keys).toEqual([given]);
  });

  test('a key that has nothing left to spend is told as such, and nobody else pays', async () => {
    const ann = scene.person();
    const given = key({ limitUsd: '0' });
    await tell(ann, `/key set ${given}`);
    await ann.command(`/model use ${PAID}`);
    const asked = await ask(ann);
    expect(asked.text).toContain('Your OpenRouter key has nothing left to spend');
    expect(asked.keys).toEqual([given]);
    scene.openrouter.setKey({ key: given, account: given, limitUsd: '5' });
    expect((await ask(ann)).keys).toEqual([]);
    expect(await ann.command('/key test')).toContain('is good');
    expect((await ask(ann)).models).toEqual([PAID]);
  });

  test('what ends the day, or leaves no model, for one’s own account is told as such', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    await own(ann);
    scene.openrouter.play({ kind: 'refusal', name: 'free-per-day' });
    const spent = await ask(ann);
    expect(spent.text).toMatch(/^Today’s free answers of your OpenRouter account are used up\./u);
    await own(bob);
    await bob.command(`/model use ${FREE}`);
    scene.openrouter.play({ kind: 'refusal', name: 'privacy' }, { model: FREE });
    expect((await ask(bob)).text).toContain('You can change them at https://openrouter.ai/settings/privacy');
  });

  test('one’s own free models rest for oneself alone', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    await own(ann);
    scene.openrouter.play({ kind: 'refusal', name: 'upstream-rate-limit' }, { model: FREE });
    expect((await ask(ann)).models).toEqual([FREE, OTHER_FREE]);
    expect((await ask(ann)).models).toEqual([OTHER_FREE]);
    expect((await ask(bob)).models).toEqual([FREE]);
  });

  test('a sign-in ends with the code that it shows, once, for whoever began it', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    expect(await tell(ann, '/key code nothing')).toContain('not begun a sign-in');
    const url = await link(ann);
    expect(`${url.origin}${url.pathname}`).toBe(`${new URL(scene.openrouter.url).origin}/auth`);
    expect([...url.searchParams.keys()]).toEqual(['code_challenge', 'code_challenge_method']);
    const code = await allow(url);
    await link(bob);
    expect(await tell(bob, `/key code ${code}`)).toContain('does not accept that code');
    expect(await tell(ann, `/key code ${code}`)).toContain('your key pays');
    expect(await tell(ann, `/key code ${code}`)).toContain('over already');
    const used = (await ask(ann)).keys[0] ?? '';
    expect(used).toMatch(/^sk-or-v1-[\da-f]{64}$/u);
    secrets.push(used, code);
    await link(ann);
    await scene.database.sql`update key_requests set expires_at = now() where used_at is null`;
    expect(await tell(ann, `/key code ${code}`)).toContain('longer than 10 minutes');
  });

  test('while OpenRouter is out of reach nothing is kept, and a sign-in can be finished later', async () => {
    const ann = scene.person();
    const code = await allow(await link(ann));
    await scene.restart({ ENCRYPTION_KEY: FIRST_KEY, OPENROUTER_BASE_URL: 'http://127.0.0.1:1/api/v1' });
    expect(await tell(ann, `/key set ${key()}`)).toContain('could not reach OpenRouter');
    expect(await tell(ann, `/key code ${code}`)).toContain('could not reach OpenRouter');
    expect(await ann.command('/key')).toContain('no key of your own');
    await scene.restart({ ENCRYPTION_KEY: FIRST_KEY });
    expect(await tell(ann, `/key code ${code}`)).toContain('your key pays');
    secrets.push((await ask(ann)).keys[0] ?? '');
  });

  test('with an encryption key that does not fit, and without one, nobody else pays', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    const given = await own(ann);
    await scene.restart({ ENCRYPTION_KEY: SECOND_KEY });
    expect(scene.log.join('')).toContain('ENCRYPTION_KEY does not open what was sealed before');
    const asked = await ask(ann);
    expect(asked.text).toContain('can’t open your stored OpenRouter key');
    expect(asked.keys).toEqual([]);
    expect((await ask(bob)).keys).toEqual([OPERATORS]);
    expect(await ann.command('/key show')).toContain('needs to be entered again');
    const actions = (await auditOf(scene.database, `telegram:${ann.user.id}`)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'key.unreadable')).toHaveLength(1);

    await scene.restart({});
    expect((await ask(ann)).keys).toEqual([]);
    expect(await bob.command('/key set')).toContain('switched off here');
    expect(await ann.command('/key remove')).toContain('forgotten');
    expect((await ask(ann)).keys).toEqual([OPERATORS]);

    await scene.restart({ ENCRYPTION_KEY: SECOND_KEY, ENCRYPTION_KEY_PREVIOUS: FIRST_KEY });
    await tell(ann, `/key set ${given}`);
    expect((await ask(ann)).keys).toEqual([given]);
  });

  test('no key stands in the log or in the database', async () => {
    expect(await inDatabase(scene.database, secrets)).toEqual([]);
    const log = scene.log.join('');
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  });
});
