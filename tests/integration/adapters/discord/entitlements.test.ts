import { describe, expect, it } from 'vitest';
import { StoreUnavailable, type Handlers } from '../../../../src/platform/adapter.ts';
import type { Entitlement, EntitlementSnapshot } from '../../../../src/platform/payment.ts';
import { startDiscordSimulator } from '../../../simulators/discord/server.ts';
import { until } from '../../../support/until.ts';
import { openInbound, scene, type InboundOptions } from './inbound-stage.ts';

/** What the core was told of the shop. */
function createBooks(overrides: Partial<Handlers> = {}) {
  const told: Entitlement[] = [];
  const snapshots: EntitlementSnapshot[] = [];
  const handlers: Partial<Handlers> = {
    sells: true,
    onEntitlement: (entitlement) => Promise.resolve(void told.push(entitlement)),
    onEntitlements: (_, snapshot) => Promise.resolve(void snapshots.push(snapshot)),
    ...overrides,
  };
  return { told, snapshots, handlers };
}

async function open(books: ReturnType<typeof createBooks>, options: InboundOptions = {}) {
  const stage = await openInbound({ ...options, handlers: books.handlers });
  await until(() => stage.discord.commands().length > 0);
  const { user, guild, channel } = scene(stage);
  const own = stage.discord.shop.offer({ name: 'Basic', scope: 'user' });
  const shared = stage.discord.shop.offer({ name: 'Team', scope: 'guild' });
  return { stage, user, guild, channel, own, shared, shop: stage.discord.shop };
}

const listing = 'GET /applications/{application_id}/entitlements';

describe('an entitlement', () => {
  it('is handed over when it is bought, when it has ended and when it is taken back', async () => {
    const books = createBooks();
    const { user, guild, own, shared, shop } = await open(books);
    const mine = shop.subscribe({ sku: own, user });
    const ours = shop.subscribe({ sku: shared, user, guild });
    await until(() => books.told.length === 2);
    expect(books.told).toMatchObject([
      { id: mine, sku: own, subject: { kind: 'user', id: `discord:${user.id}` }, endsAtMs: null },
      { id: ours, sku: shared, subject: { kind: 'guild', id: `discord:${guild.id}` }, isDeleted: false },
    ]);
    shop.end(mine);
    shop.remove(ours);
    await until(() => books.told.length === 4);
    expect(books.told[2]).toMatchObject({ id: mine, isDeleted: false });
    expect(books.told[2]?.endsAtMs).toBeLessThanOrEqual(Date.now());
    expect(books.told[3]).toMatchObject({ id: ours, isDeleted: true });
  });

  it('that nobody told of is noticed by what its owner does, once', async () => {
    const books = createBooks();
    const { stage, user, channel, own, shop } = await open(books);
    const missed = shop.subscribe({ sku: own, user, isMissed: true });
    for (const count of [1, 2]) {
      channel.slash(user, 'usage');
      await until(() => stage.commands.length === count);
    }
    await until(() => books.told.length > 0);
    expect(books.told).toMatchObject([{ id: missed, sku: own }]);
  });

  it('waits for a store that is away', async () => {
    let isAway = true;
    const books = createBooks();
    const { onEntitlement } = books.handlers;
    books.handlers.onEntitlement = (entitlement) =>
      isAway
        ? Promise.reject(new StoreUnavailable('away'))
        : (onEntitlement?.(entitlement) ?? Promise.resolve());
    const { stage, user, own, shop } = await open(books);
    shop.subscribe({ sku: own, user });
    await until(() => stage.logged('event not taken') > 0);
    isAway = false;
    await until(() => books.told.length === 1);
    expect(stage.poison).toEqual([]);
  });
});

describe('all entitlements', () => {
  it('are compared at the start and after each new session', async () => {
    const books = createBooks();
    const discord = await startDiscordSimulator();
    const user = discord.user();
    const sku = discord.shop.offer({ name: 'Basic', scope: 'user' });
    const ids = Array.from({ length: 101 }, () => discord.shop.subscribe({ sku, user, isMissed: true }));
    const ended = discord.shop.subscribe({ sku, user, isMissed: true });
    discord.shop.end(ended, { isMissed: true });
    const { stage } = await open(books, { discord });
    await until(() => books.snapshots.length === 1);
    expect(books.snapshots[0]?.entitlements.map(({ id }) => id)).toEqual(ids);
    expect(books.snapshots[0]?.askedAtMs).toBeLessThanOrEqual(Date.now());
    discord.shop.remove(ids[0] ?? '', { isMissed: true });
    stage.discord.gateway.close(4009);
    await until(() => books.snapshots.length === 2);
    expect(books.snapshots[1]?.entitlements).toHaveLength(100);
    expect(books.told).toEqual([]);
  });

  it('are asked for again while Discord or the store is away, and not where Discord refuses', async () => {
    const failures: Error[] = [new StoreUnavailable('away')];
    const books = createBooks();
    const { onEntitlements } = books.handlers;
    books.handlers.onEntitlements = (platform, snapshot) => {
      const failure = failures.pop();
      return failure === undefined
        ? (onEntitlements?.(platform, snapshot) ?? Promise.resolve())
        : Promise.reject(failure);
    };
    const discord = await startDiscordSimulator();
    discord.fault(listing, { kind: 'status', status: 502, body: 'Bad Gateway' });
    const { stage } = await open(books, { discord });
    await until(() => books.snapshots.length === 1);
    const asked = () => discord.calls.filter(({ route }) => route === listing).length;
    expect(asked()).toBe(3);
    discord.fault(listing, { kind: 'error', status: 403, code: 50_001, message: 'Missing Access' });
    discord.gateway.close(4009);
    await until(() => stage.logged('Discord: entitlements not compared {') === 1);
    expect(asked()).toBe(4);
  });

  it('are of no concern where nothing is sold', async () => {
    const stage = await openInbound();
    await until(() => stage.discord.commands().length > 0);
    const { user, channel } = scene(stage);
    const sku = stage.discord.shop.offer({ name: 'Basic', scope: 'user' });
    stage.discord.shop.subscribe({ sku, user });
    channel.slash(user, 'usage');
    await until(() => stage.commands.length === 1);
    expect(stage.discord.calls.some(({ route }) => route === listing)).toBe(false);
    expect(stage.poison).toEqual([]);
  });
});

describe('a button of the shop', () => {
  it('stands below what a command said, beside one that leads elsewhere', async () => {
    const sku = '1234567890123456789';
    const books = createBooks({
      onCommand: () =>
        Promise.resolve({
          text: 'Plans',
          buttons: [{ sku }, { label: 'Terms', url: 'https://example.org/terms' }],
        }),
    });
    const { user, channel, stage } = await open(books);
    channel.slash(user, 'usage');
    await until(() => channel.ephemeral(user).some(({ content }) => content === 'Plans'));
    const shown = channel.ephemeral(user).find(({ content }) => content === 'Plans');
    expect(shown?.components).toMatchObject([
      {
        components: [
          { style: 6, sku_id: sku },
          { style: 5, label: 'Terms', url: 'https://example.org/terms' },
        ],
      },
    ]);
    expect(stage.discord.violations).toEqual([]);
  });
});
