import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guildId, userId } from '../../src/platform/ids.ts';
import type { PlanLedger } from '../../src/plans/ports.ts';
import { anyKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { ledgerOn, operatorEvent, planAudit, planOf } from '../support/plans.ts';
import { until } from '../support/until.ts';

const SETTINGS = { PLANS_ENABLED: 'true' };

describe.each(anyKinds)('plans of Discord’s shop, on a database of kind %s', (kind) => {
  let scene: DiscordScene;
  let ledger: PlanLedger;
  /** What is sold to people, to guilds, and what is no plan. */
  let skus: { own: string; shared: string; other: string };
  beforeAll(async () => {
    scene = await openDiscordScene({ database: kind, settings: SETTINGS });
    ledger = ledgerOn(scene.database);
    const { shop } = scene.discord;
    skus = {
      own: shop.offer({ name: 'Premium', scope: 'user' }),
      shared: shop.offer({ name: 'Unlimited', scope: 'guild' }),
      other: shop.offer({ name: 'Stickers', scope: 'user' }),
    };
    const operator = scene.discord.user();
    await ledger.assignSku(operatorEvent('1', operator), skus.own, 'premium', 'user');
    await ledger.assignSku(operatorEvent('2', operator), skus.shared, 'unlimited', 'guild');
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  const planIn = async (user: { readonly id: string }, guild?: { readonly id: string }) => {
    const where = guild === undefined ? null : guildId('discord', guild.id);
    return (await ledger.show(userId('discord', user.id), where)).entitlements.plan;
  };
  const has = (user: { readonly id: string }, plan: string, guild?: { readonly id: string }) =>
    until(async () => (await planIn(user, guild)) === plan);

  test('begin with what is bought, for a person everywhere and for a guild with all its members', async () => {
    const [buyer, member] = [scene.discord.user(), scene.discord.user()];
    const { guild, channel } = scene.guild([buyer, member]);
    await scene.ask(channel, buyer, 'Hello?');
    scene.discord.shop.subscribe({ sku: skus.own, user: buyer });
    await has(buyer, 'premium');
    expect(await planIn(member, guild)).toBe('free');
    scene.discord.shop.subscribe({ sku: skus.shared, user: buyer, guild });
    await has(member, 'unlimited', guild);
    expect(await planIn(member)).toBe('free');
  });

  test('last until what was bought has ended, and end at once with what is taken back', async () => {
    const [ann, ben] = [scene.discord.user(), scene.discord.user()];
    const { shop } = scene.discord;
    const [first, second] = [ann, ben].map((user) => shop.subscribe({ sku: skus.own, user }));
    await has(ann, 'premium');
    await has(ben, 'premium');
    shop.end(first ?? '');
    await has(ann, 'free');
    shop.remove(second ?? '');
    await has(ben, 'free');
    const audit = await planAudit(scene.database, `discord:${ben.id}`);
    expect(audit).toEqual(['plan.entitlement_granted', 'plan.entitlement_ended']);
  });

  test('are made true after events were missed, also while no process ran', async () => {
    const [ann, ben, cleo] = [scene.discord.user(), scene.discord.user(), scene.discord.user()];
    const { shop, gateway } = scene.discord;
    const lost = shop.subscribe({ sku: skus.own, user: ann });
    await has(ann, 'premium');
    shop.remove(lost, { isMissed: true });
    shop.subscribe({ sku: skus.own, user: ben, isMissed: true });
    gateway.close(4009);
    await has(ann, 'free');
    await has(ben, 'premium');
    await scene.bot().stop();
    shop.subscribe({ sku: skus.own, user: cleo, isMissed: true });
    await scene.restart(SETTINGS);
    await has(cleo, 'premium');
    const { status } = await planOf(ledger, userId('discord', cleo.id));
    expect(status).toBe('active');
  });

  test('are offered by the shop’s own buttons', async () => {
    const ann = scene.discord.user();
    const { channel } = scene.guild([ann]);
    const mine = await scene.slash(channel, ann, 'plan subscribe', { plan: 'premium' });
    expect(mine.components).toMatchObject([{ components: [{ style: 6, sku_id: skus.own }] }]);
    expect(await scene.slash(channel, ann, 'plan subscribe', { plan: 'unlimited' })).toMatchObject({
      components: [],
    });
  });

  test('begin for whoever uses a command with what nobody told of', async () => {
    const ann = scene.discord.user();
    const { channel } = scene.guild([ann]);
    scene.discord.shop.subscribe({ sku: skus.own, user: ann, isMissed: true });
    await scene.slash(channel, ann, 'usage');
    await has(ann, 'premium');
    expect(await planAudit(scene.database, `discord:${ann.id}`)).toEqual(['plan.entitlement_granted']);
  });

  test('are not what the operator has mapped to none, which is logged', async () => {
    const ann = scene.discord.user();
    scene.discord.shop.subscribe({ sku: skus.other, user: ann });
    await until(() => scene.log.find((line) => line.includes('no plan') && line.includes(skus.other)));
    expect(await planIn(ann)).toBe('free');
  });
});
