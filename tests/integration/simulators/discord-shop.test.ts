import { Client, DiscordAPIError, Events, GatewayIntentBits, REST } from 'discord.js';
import type { Entitlement, Interaction } from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { startDiscordSimulator } from '../../simulators/discord/server.ts';
import type { DiscordSimulator } from '../../simulators/discord/server.ts';

let simulator: DiscordSimulator;
const clients: Client[] = [];

async function start(): Promise<REST> {
  simulator = await startDiscordSimulator();
  return new REST({ api: simulator.url, retries: 0 }).setToken(simulator.token);
}

/** A client that is ready. */
async function login(): Promise<Client> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: { api: simulator.url, retries: 0 },
    waitGuildTimeout: 200,
  });
  clients.push(client);
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(simulator.token);
  await ready;
  return client;
}

const path = () => `/applications/${simulator.applicationId}/entitlements`;
const list = (rest: REST, query: Record<string, string> = {}) =>
  rest.get(`/applications/${simulator.applicationId}/entitlements`, {
    query: new URLSearchParams(query),
  }) as Promise<{ id: string; ends_at: string | null }[]>;

/** Discord's code for a request that it refused. */
async function codeOf(request: Promise<unknown>): Promise<number | string> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DiscordAPIError)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error.code;
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
  await simulator.stop();
  expect(simulator.violations).toEqual([]);
});

describe('the shop', () => {
  it('tells of what is bought, ends and is taken back, unless that is missed', async () => {
    await start();
    const client = await login();
    const told: [string, Entitlement | null][] = [];
    client.on(Events.EntitlementCreate, (entitlement) => told.push(['create', entitlement]));
    client.on(Events.EntitlementUpdate, (_, entitlement) => told.push(['update', entitlement]));
    client.on(Events.EntitlementDelete, (entitlement) => told.push(['delete', entitlement]));
    const user = simulator.user();
    const guild = simulator.guild({ members: [user] });
    const own = simulator.shop.offer({ name: 'Basic', scope: 'user' });
    const shared = simulator.shop.offer({ name: 'Team', scope: 'guild' });
    const first = simulator.shop.subscribe({ sku: own, user });
    simulator.shop.subscribe({ sku: own, user, isMissed: true });
    const second = simulator.shop.subscribe({ sku: shared, user, guild });
    simulator.shop.end(first);
    simulator.shop.remove(second);
    await expect.poll(() => told.length).toBe(4);
    expect(
      told.map(([kind, entitlement]) => [
        kind,
        entitlement?.skuId,
        entitlement?.userId,
        entitlement?.guildId,
      ]),
    ).toEqual([
      ['create', own, user.id, null],
      ['create', shared, user.id, guild.id],
      ['update', own, user.id, null],
      ['delete', shared, user.id, guild.id],
    ]);
    expect(told[2]?.[1]?.endsTimestamp).toBeLessThanOrEqual(Date.now());
    expect(() => simulator.shop.subscribe({ sku: shared, user })).toThrow('sold to a guild');
    expect(() => simulator.shop.subscribe({ sku: 'x', user })).toThrow('no SKU');
  });

  it('lists what is sold and what was bought, page by page', async () => {
    const rest = await start();
    const [one, other] = [simulator.user(), simulator.user()];
    const sku = simulator.shop.offer({ name: 'Basic plan', scope: 'user' });
    const ids = [one, other, one].map((user) => simulator.shop.subscribe({ sku, user }));
    const [first = '', second = '', third = ''] = ids;
    expect(await rest.get(`/applications/${simulator.applicationId}/skus`)).toEqual([
      expect.objectContaining({ id: sku, name: 'Basic plan', slug: 'basic-plan', flags: 260 }),
    ]);
    const idsOf = async (query: Record<string, string> = {}) => (await list(rest, query)).map(({ id }) => id);
    expect(await idsOf()).toEqual(ids);
    expect(await idsOf({ user_id: one.id })).toEqual([first, third]);
    expect(await idsOf({ limit: '2' })).toEqual([first, second]);
    expect(await idsOf({ limit: '2', after: second })).toEqual([third]);
    expect(await idsOf({ limit: '1', before: third })).toEqual([second]);
    expect(await idsOf({ sku_ids: '1,2' })).toEqual([]);
    simulator.shop.end(first);
    simulator.shop.remove(second);
    expect(await idsOf()).toEqual([first, third]);
    expect(await idsOf({ exclude_ended: 'true' })).toEqual([third]);
    expect(await idsOf({ exclude_deleted: 'false' })).toEqual(ids);
    expect(await codeOf(list(rest, { limit: '101' }))).toBe(50_035);
    expect(await codeOf(rest.get('/applications/1/skus'))).toBe(10_002);
  });

  it('gives entitlements for tests and takes those alone back', async () => {
    const rest = await start();
    const user = simulator.user();
    const sku = simulator.shop.offer({ name: 'Basic', scope: 'user' });
    const body = { sku_id: sku, owner_id: user.id, owner_type: 2 };
    const made = (await rest.post(path() as `/${string}`, { body })) as { id: string };
    expect(made).toMatchObject({ sku_id: sku, user_id: user.id, starts_at: null, ends_at: null });
    await rest.delete(`${path()}/${made.id}` as `/${string}`);
    expect(await codeOf(rest.delete(`${path()}/${made.id}` as `/${string}`))).toBe(10_029);
    const bought = simulator.shop.subscribe({ sku, user });
    expect(await codeOf(rest.delete(`${path()}/${bought}` as `/${string}`))).toBe(10_029);
    const unknown = { ...body, sku_id: '1' };
    expect(await codeOf(rest.post(path() as `/${string}`, { body: unknown }))).toBe(10_027);
    expect(await codeOf(rest.post(path() as `/${string}`, { body: { ...body, owner_type: 3 } }))).toBe(
      50_035,
    );
  });

  it('rides on interactions with what is in force there', async () => {
    await start();
    const client = await login();
    await client.application?.commands.set([{ name: 'plan', description: 'Plan' }]);
    const seen: string[][] = [];
    client.on(Events.InteractionCreate, (interaction: Interaction) => {
      seen.push([...interaction.entitlements.values()].map(({ skuId }) => skuId));
    });
    const [buyer, member] = [simulator.user(), simulator.user()];
    const guild = simulator.guild({ members: [buyer, member] });
    const own = simulator.shop.offer({ name: 'Basic', scope: 'user' });
    const shared = simulator.shop.offer({ name: 'Team', scope: 'guild' });
    const ended = simulator.shop.subscribe({ sku: own, user: member });
    simulator.shop.end(ended);
    simulator.shop.subscribe({ sku: own, user: buyer });
    simulator.shop.subscribe({ sku: shared, user: buyer, guild });
    guild.channel('general').slash(buyer, 'plan');
    guild.channel('general').slash(member, 'plan');
    buyer.dm().slash(buyer, 'plan');
    await expect.poll(() => seen).toEqual([[own, shared], [shared], [own]]);
  });

  it('is opened by a button that says nothing itself', async () => {
    const rest = await start();
    const user = simulator.user();
    const channel = simulator.guild({ members: [user] }).channel('general');
    const sku = simulator.shop.offer({ name: 'Basic', scope: 'user' });
    const send = (button: object) =>
      rest.post(`/channels/${channel.id}/messages`, {
        body: { content: 'Plans', components: [{ type: 1, components: [{ type: 2, style: 6, ...button }] }] },
      });
    await send({ sku_id: sku });
    expect(channel.messages()[0]?.components).toMatchObject([{ components: [{ style: 6, sku_id: sku }] }]);
    for (const wrong of [{}, { sku_id: sku, label: 'Buy' }, { sku_id: sku, custom_id: 'buy' }]) {
      expect(await codeOf(send(wrong))).toBe(50_035);
    }
  });
});
