import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimUser } from '../simulators/discord/handles.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { auditOf, inDatabase, keysUsed, newEncryptionKey, newKey } from '../support/own-keys.ts';
import { PAID } from '../support/scene.ts';
import { until } from '../support/until.ts';

const OPERATORS = 'sk-or-v1-simulated';

describe('own keys on Discord', () => {
  let scene: DiscordScene;
  let publicUrl: string;
  const encryptionKey = newEncryptionKey();
  const secrets: string[] = [encryptionKey];
  beforeAll(async () => {
    const port = await freePort();
    publicUrl = `http://127.0.0.1:${port}`;
    scene = await openDiscordScene({
      settings: { ENCRYPTION_KEY: encryptionKey, PUBLIC_URL: publicUrl, HTTP_PORT: String(port) },
    });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect((await scene.records.errors()).filter(({ area }) => !area.startsWith('completion.'))).toEqual([]);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  const key = (rest?: Parameters<typeof newKey>[1]): string => {
    const made = newKey(scene.openrouter, rest);
    secrets.push(made);
    return made;
  };
  /** Asks for the form of `/key set`, fills it in, and reads what is said. */
  const fillIn = async (channel: SimChannel, user: SimUser, given: string, values = {}) => {
    const begun = channel.slash(user, 'key set', values);
    expect(await begun.answer).toMatchObject({ kind: 'modal' });
    const sent = channel.submitModal(user, begun.id, { key: given });
    expect(await sent.answer).toEqual({ kind: 'defer', ephemeral: true });
    return (await scene.answerTo(sent)).content;
  };
  const say = async (channel: SimChannel, user: SimUser, name: string, values = {}) =>
    (await scene.slash(channel, user, name, values)).content;
  const ask = async (channel: SimChannel, user: SimUser) => {
    const from = keysUsed(scene.openrouter).length;
    const asked = await scene.ask(channel, user, 'Who pays for this?');
    return { ...asked, keys: keysUsed(scene.openrouter).slice(from) };
  };
  /** A server with two people who manage it. */
  const community = () => {
    const [ann, bob, eve] = [
      scene.discord.user({ globalName: 'Ann' }),
      scene.discord.user({ globalName: 'Bob' }),
      scene.discord.user({ globalName: 'Eve' }),
    ];
    const roles = [{ name: 'admins', permissions: ['ManageGuild'] as const, members: [bob] }];
    const { guild, channel } = scene.guild([bob, eve], { owner: ann, roles });
    return { ann, bob, eve, guild, channel };
  };

  test('the command offers no option for the key itself, so that it is typed into the form alone', () => {
    const command = scene.discord.commands().find(({ name }) => name === 'key') as unknown as {
      options: { name: string; options?: { name: string }[] }[];
    };
    expect(command.options.find(({ name }) => name === 'set')?.options?.map(({ name }) => name)).toEqual([
      'for',
    ]);
  });

  test('a key that is typed into the form pays, and is said to nobody else', async () => {
    const { eve, channel } = community();
    expect((await ask(channel, eve)).keys).toEqual([OPERATORS]);
    const given = key();
    expect(await fillIn(channel, eve, given)).toContain('your key pays');
    expect((await ask(channel, eve)).keys).toEqual([given]);
    const shown = await say(channel, eve, 'key show');
    expect(shown).toContain(given.slice(-4));
    expect(shown).toContain('by Eve');
    expect(scene.said(channel).filter(({ content }) => /key/iu.test(content))).toEqual([]);
  });

  test('a key is no question either where a message is changed to it, which is told', async () => {
    const { eve } = community();
    const channel = eve.dm();
    const given = key();
    const asked = await ask(channel, eve);
    const from = keysUsed(scene.openrouter).length;
    const before = scene.said(channel).length;
    channel.edit(eve, asked.eventId, `My key is ${given}`);
    const said = await until(() => scene.said(channel)[before]);
    expect(said.content).toContain('did not read it as a question');
    expect(keysUsed(scene.openrouter)).toHaveLength(from);
  });

  test.each([
    ['of a manager', () => key({ management: true }), 'manages other keys'],
    ['that is revoked', () => key({ disabled: true }), 'does not accept that key'],
    ['that is none', () => 'not a key at all', 'no OpenRouter key'],
  ])('a key %s is not kept, with a reason', async (_what, make, reason) => {
    const { eve, channel } = community();
    expect(await fillIn(channel, eve, make())).toContain(reason);
    expect(await say(channel, eve, 'key show')).toContain('no key of your own');
  });

  test('only those who manage a server give it a key; it pays there for everybody', async () => {
    const { ann, eve, channel } = community();
    expect(await fillIn(channel, eve, key(), { for: 'server' })).toContain('those who manage');
    const given = key();
    expect(await fillIn(channel, ann, given, { for: 'server' })).toContain('this community’s key pays');
    expect((await ask(channel, eve)).keys).toEqual([given]);
    expect((await ask(eve.dm(), eve)).keys).toEqual([OPERATORS]);
    expect(await say(eve.dm(), eve, 'key show', { for: 'server' })).toContain('which community you mean');
    scene.openrouter.setKey({ key: given, disabled: true });
    const refused = await ask(channel, eve);
    expect(refused.text).toContain('This community’s OpenRouter key was refused');
    expect(refused.keys).toEqual([given]);
    expect(await say(channel, ann, 'key test', { for: 'server' })).toContain('refused by OpenRouter');
    expect(await say(channel, ann, 'key remove', { for: 'server' })).toContain('forgotten');
    expect((await ask(channel, eve)).keys).toEqual([OPERATORS]);
  });

  test('of two who give a server its key at once the last one wins, and both hear what came of it', async () => {
    const { ann, bob, guild, channel } = community();
    const [anns, bobs] = [key(), key()];
    const said = await Promise.all([
      fillIn(channel, ann, anns, { for: 'server' }),
      fillIn(channel, bob, bobs, { for: 'server' }),
    ]);
    expect(said.every((text) => text.includes('this community’s key pays'))).toBe(true);
    const [second] = said.filter((text) => text.includes('takes the place of'));
    expect(said.filter((text) => text.includes('takes the place of'))).toHaveLength(1);
    const isBobs = second?.includes(bobs.slice(-4)) === true && second.includes('Ann');
    const winner = isBobs ? bobs : anns;
    expect(second).toContain(isBobs ? anns.slice(-4) : bobs.slice(-4));
    expect((await ask(channel, bob)).keys).toEqual([winner]);
    const audit = await auditOf(scene.database, `discord:${guild.id}`);
    expect(audit.slice(0, 2).map(({ action }) => action)).toEqual(['key.add', 'key.replace']);
    expect(new Set(audit.slice(0, 2).map(({ actor }) => actor))).toEqual(
      new Set([`discord:${ann.id}`, `discord:${bob.id}`]),
    );
    expect(audit[1]?.details).toMatchObject({ last4: winner.slice(-4), by: 'command' });
    const kept = await scene.database.sql`select 1 from provider_keys k join guilds g on g.id = k.guild_id
      where g.platform_guild_id = ${`discord:${guild.id}`}`;
    expect(kept).toHaveLength(1);
  });

  test('names of paid models are proposed to whoever can pay for them', async () => {
    const { eve, channel } = community();
    const names = async () =>
      (await channel.autocomplete(eve, 'model use', 'model', { model: 'luna' })).map(({ value }) => value);
    expect(await names()).not.toContain(PAID);
    await fillIn(channel, eve, key());
    expect(await names()).toContain(PAID);
  });

  describe('a sign-in that comes back', () => {
    const begin = async (channel: SimChannel, user: SimUser, values = {}) => {
      const text = await say(channel, user, 'key connect', values);
      expect(text).toContain('That is all.');
      return new URL(/https?:\/\/[^\s)>]+/u.exec(text)?.[0] ?? '');
    };
    /** The person allows it, and their browser follows where it is sent. */
    const allow = async (url: URL) => {
      const allowed = await fetch(url, { method: 'POST', redirect: 'manual' });
      expect(allowed.status).toBe(302);
      return allowed.headers.get('location') ?? '';
    };
    const open = async (address: string, headers = {}) => {
      const response = await fetch(address, { headers });
      return { status: response.status, text: await response.text(), headers: response.headers };
    };

    test('needs no code to be carried over, and is over then', async () => {
      const { eve, channel } = community();
      const url = await begin(channel, eve);
      expect(url.searchParams.get('callback_url')).toMatch(
        new RegExp(`^${publicUrl}/oauth/openrouter/[\\da-f-]{36}$`, 'u'),
      );
      const back = await allow(url);
      secrets.push(new URL(back).searchParams.get('code') ?? '');
      const page = await open(back);
      expect(page.text).toContain('your key pays');
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
      expect(page.headers.get('cache-control')).toBe('no-store');
      const used = (await ask(channel, eve)).keys;
      expect(used[0]).toMatch(/^sk-or-v1-[\da-f]{64}$/u);
      secrets.push(...used);
      expect((await open(back)).text).toContain('over already');
      expect((await ask(channel, eve)).keys).toEqual(used);
    });

    test('makes a server’s key where it was begun for the server', async () => {
      const { ann, eve, channel } = community();
      const back = await allow(await begin(channel, ann, { for: 'server' }));
      expect((await open(back)).text).toContain('this community’s key pays');
      expect((await ask(channel, eve)).keys[0]).not.toBe(OPERATORS);
    });

    test('with a code of another one, without a code, and at an address that nobody was given, leads to nothing', async () => {
      const { ann, eve, channel } = community();
      const anns = new URL(await allow(await begin(channel, ann)));
      const eves = new URL(await allow(await begin(channel, eve)));
      const mixed = new URL(eves);
      mixed.search = anns.search;
      expect((await open(mixed.href)).text).toContain('does not accept that code');
      // A code that was refused ends the sign-in: it can't be guessed on.
      expect((await open(eves.href)).text).toContain('over already');
      expect(await open(`${anns.origin}${anns.pathname}`)).toMatchObject({ status: 400 });
      const unknown = `${anns.origin}/oauth/openrouter/${crypto.randomUUID()}${anns.search}`;
      expect((await open(unknown, { 'accept-language': 'id-ID,id;q=0.9' })).text).toContain('belum memulai');
      expect(await open(`${anns.origin}/oauth/openrouter/x'--`)).toMatchObject({ status: 404 });
      expect((await fetch(anns.href, { method: 'HEAD' })).status).toBe(405);
      expect((await open(anns.href)).text).toContain('your key pays');
      expect(await say(channel, eve, 'key show')).toContain('no key of your own');
    });

    test('that took too long leads to nothing', async () => {
      const { eve, channel } = community();
      const back = await allow(await begin(channel, eve));
      await scene.database.sql`update key_requests set expires_at = now() where used_at is null`;
      expect((await open(back)).text).toContain('longer than 10 minutes');
    });
  });

  test('no key stands in the log or in the database', async () => {
    await until(() => secrets.length > 5);
    expect(await inDatabase(scene.database, secrets)).toEqual([]);
    const log = scene.log.join('');
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  });
});

/** One that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
