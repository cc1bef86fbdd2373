import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { userId } from '../../src/platform/ids.ts';
import type { PlanLedger } from '../../src/plans/ports.ts';
import { anyKinds, openTestDatabase, serverKinds } from '../support/database.ts';
import { startGateway } from '../support/gateway.ts';
import { ledgerOn, planAudit, planOf, subscriptionLink } from '../support/plans.ts';
import { openScene, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const MONTH_MS = 30 * 86_400_000;
const OPERATOR = 900_001;
const SETTINGS = { PLANS_ENABLED: 'true', OPERATOR_IDS: `telegram:${OPERATOR}` };

describe.each(anyKinds)('plans paid with Stars, on a database of kind %s', (kind) => {
  let scene: Scene;
  let ledger: PlanLedger;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: SETTINGS });
    ledger = ledgerOn(scene.database);
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  /** Somebody who has written before, and how to read what they have. */
  const customer = async (languageCode = 'en') => {
    const person = scene.person({ languageCode });
    await person.ask('Hello?');
    const id = userId('telegram', person.user.id);
    return { ...person, id, plan: () => planOf(ledger, id) };
  };
  type Customer = Awaited<ReturnType<typeof customer>>;

  const told = (person: Pick<Person, 'chat'>, words: string) =>
    until(() => scene.said(person.chat).find(({ text }) => text.includes(words)));
  const thanks = (person: Pick<Person, 'chat'>): number =>
    scene.said(person.chat).filter(({ text }) => text.includes('Thank you!')).length;
  const charges = (before: readonly string[]): string =>
    scene.telegram.subscriptions.charges().find((id) => !before.includes(id)) ?? '';
  /** Subscribes; resolves with the charge once the payer is told of it. */
  const subscribe = async (person: Customer, plan = 'premium'): Promise<string> => {
    const before = scene.telegram.subscriptions.charges();
    const thanked = thanks(person);
    await person.command(`/plan subscribe ${plan}`);
    const buttons = scene.said(person.chat).at(-1)?.replyMarkup?.inline_keyboard.flat() ?? [];
    const [link = ''] = buttons.flatMap((button) => ('url' in button ? [button.url] : []));
    expect(await scene.telegram.pay(person.user, link)).toMatchObject({ ok: true });
    await until(() => thanks(person) > thanked);
    return charges(before);
  };
  /** Waits until all that Telegram told before is handed over. */
  const settled = () => until(() => scene.telegram.unconfirmed().length === 0);

  test('a payment is agreed to, credited once and told once, however often Telegram tells of it', async () => {
    const ann = await customer();
    await subscribe(ann);
    const { plan, status, endsAtMs } = await ann.plan();
    expect({ plan, status }).toEqual({ plan: 'premium', status: 'active' });
    expect(Math.abs((endsAtMs ?? 0) - Date.now() - MONTH_MS)).toBeLessThan(600_000);
    const service = ann.chat.messages().find(({ service: fields }) => fields?.['successful_payment']);
    const person = { id: ann.user.id, is_bot: false, first_name: 'Ann' };
    const message = {
      message_id: service?.id,
      date: Math.floor(Date.now() / 1000),
      chat: { id: ann.user.id, type: 'private', first_name: 'Ann' },
      from: person,
      ...service?.service,
    };
    for (let time = 0; time < 3; time += 1) scene.telegram.pushUpdate({ message });
    await settled();
    await ann.ask('Still there?');
    expect(scene.said(ann.chat).filter(({ text }) => text.includes('Thank you!'))).toHaveLength(1);
    expect(await planAudit(scene.database, ann.id)).toEqual(['plan.paid']);
    expect((await ann.plan()).endsAtMs).toBe(endsAtMs);
  });

  test('an invoice of somebody else, of another amount or of no plan is refused before anything is charged', async () => {
    const [ann, ben] = [await customer(), await customer('id')];
    const before = scene.telegram.subscriptions.charges();
    const link = await subscriptionLink(scene, ledger, ann.user);
    const byBen = await scene.telegram.pay(ben.user, link);
    expect(byBen.errorMessage).toContain('dibuat untuk orang lain');
    const cheap = await subscriptionLink(scene, ledger, ann.user, { amount: 1 });
    const forOne = await scene.telegram.pay(ann.user, cheap);
    expect(forOne.errorMessage).toContain('its amount is not what the plan costs');
    expect(scene.telegram.subscriptions.charges()).toEqual(before);
    expect((await ann.plan()).plan).toBe('free');
    expect((await ben.plan()).plan).toBe('free');
  });

  test('a subscription is renewed once a month, also where Telegram’s message was missed', async () => {
    const ann = await customer();
    const charge = await subscribe(ann);
    const { endsAtMs } = await ann.plan();
    const { subscriptions } = scene.telegram;
    subscriptions.renew(charge);
    await told(ann, 'was renewed');
    expect((await ann.plan()).endsAtMs).toBe((endsAtMs ?? 0) + MONTH_MS);
    await scene.bot().stop();
    subscriptions.renew(charge);
    scene.telegram.expireUpdates();
    await scene.restart(SETTINGS);
    await until(() => scene.said(ann.chat).filter(({ text }) => text.includes('was renewed')).length === 2);
    expect((await ann.plan()).endsAtMs).toBe((endsAtMs ?? 0) + 2 * MONTH_MS);
    await scene.restart(SETTINGS);
    await settled();
    expect((await ann.plan()).endsAtMs).toBe((endsAtMs ?? 0) + 2 * MONTH_MS);
    expect(await planAudit(scene.database, ann.id)).toEqual(['plan.paid', 'plan.paid', 'plan.paid']);
  });

  test('one that is cancelled lasts until its end, and one that can’t be charged is told as such', async () => {
    const ann = await customer();
    const charge = await subscribe(ann);
    const { endsAtMs } = await ann.plan();
    const { subscriptions } = scene.telegram;
    subscriptions.setCanceled(charge, true);
    await told(ann, 'will not be renewed');
    expect(await ann.plan()).toEqual({ plan: 'premium', status: 'cancelled', endsAtMs });
    subscriptions.setCanceled(charge, false);
    await told(ann, 'will be renewed again');
    subscriptions.failRenewal(charge);
    await told(ann, 'could not be renewed');
    expect(await ann.plan()).toMatchObject({ plan: 'premium', status: 'past_due' });
  });

  test('a payment that is given back ends the plan and is told once', async () => {
    const ann = await customer();
    const charge = await subscribe(ann);
    // As somebody with the bot's token may do outside of Parley.
    await fetch(`${scene.telegram.url}/bot${scene.telegram.token}/refundStarPayment`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: ann.user.id, telegram_payment_charge_id: charge }),
    });
    await told(ann, 'was given back');
    expect((await ann.plan()).plan).toBe('free');
    await settled();
    expect(() => scene.telegram.subscriptions.renew(charge)).toThrow('not renewed any more');
    await scene.restart(SETTINGS);
    await settled();
    await ann.ask('And now?');
    expect(scene.said(ann.chat).filter(({ text }) => text.includes('was given back'))).toHaveLength(1);
    expect(await planAudit(scene.database, ann.id)).toEqual(['plan.paid', 'plan.refunded']);
  });

  test('one that is ended with /plan cancel is not charged again, and lasts until its end', async () => {
    const ann = await customer();
    const charge = await subscribe(ann);
    const { endsAtMs } = await ann.plan();
    expect(await ann.command('/plan cancel')).toContain('is not renewed any more');
    expect(() => scene.telegram.subscriptions.renew(charge)).toThrow('not renewed any more');
    expect(await ann.plan()).toEqual({ plan: 'premium', status: 'cancelled', endsAtMs });
    const again = scene.telegram.subscriptions.charges();
    const renewed = await subscribe(ann);
    expect(again).not.toContain(renewed);
    expect(await ann.plan()).toMatchObject({ status: 'active', endsAtMs: (endsAtMs ?? 0) + MONTH_MS });
  });

  test('one that a better one takes the place of is not charged again', async () => {
    const ann = await customer();
    const former = await subscribe(ann);
    const charge = await subscribe(ann, 'unlimited');
    expect(scene.said(ann.chat).some(({ text }) => text.includes('Premium ends as soon as'))).toBe(true);
    expect((await ann.plan()).plan).toBe('unlimited');
    expect(() => scene.telegram.subscriptions.renew(former)).toThrow('not renewed any more');
    expect(scene.telegram.subscriptions.renew(charge)).not.toBe(charge);
    await told(ann, 'was renewed');
  });

  test('a payment that an operator gives back ends the plan, is charged no more, and is given back once', async () => {
    const ann = await customer();
    const charge = await subscribe(ann);
    const olga = scene.person({ id: OPERATOR });
    const [payment] = await ledger.payments(ann.id);
    expect(await ann.command(`/plan refund ${payment?.shortId}`)).toContain('for my operators');
    expect((await ann.plan()).plan).toBe('premium');
    expect(await olga.command(`/plan refund ${payment?.shortId}`)).toContain('1,000 XTR were given back');
    await settled();
    expect((await ann.plan()).plan).toBe('free');
    expect(() => scene.telegram.subscriptions.renew(charge)).toThrow('not renewed any more');
    expect(await olga.command(`/plan refund ${payment?.shortId}`)).toContain('was given back before');
    expect(await ann.command('/paysupport')).toContain('given back');
    expect(await planAudit(scene.database, ann.id)).toEqual([
      'plan.paid',
      'plan.refund.refused',
      'plan.refunded',
    ]);
  });

  test('a renewal that is given back is the last one, and a plan that is not offered any more is charged no more', async () => {
    const [ann, ben, olga] = [await customer(), await customer(), scene.person({ id: OPERATOR })];
    const charge = await subscribe(ann);
    const renewal = scene.telegram.subscriptions.renew(charge);
    await told(ann, 'was renewed');
    expect(await olga.command(`/plan refund ${renewal}`)).toContain('1,000 XTR were given back');
    expect(() => scene.telegram.subscriptions.renew(charge)).toThrow('not renewed any more');
    expect(await ann.plan()).toMatchObject({ plan: 'premium', status: 'cancelled' });
    const bens = await subscribe(ben);
    await olga.command('/plan edit premium is_offered off');
    await scene.restart(SETTINGS);
    await until(async () => (await ben.plan()).status === 'cancelled');
    expect(() => scene.telegram.subscriptions.renew(bens)).toThrow('not renewed any more');
    expect((await ben.plan()).plan).toBe('premium');
    await olga.command('/plan edit premium is_offered on');
  });

  test('an anonymous administrator is told that only a person can pay', async () => {
    const boss = scene.person();
    const chat = scene.telegram.group({ title: 'Tea', admins: [boss.user] });
    const answer = await scene.command(chat, boss.user, '/plan subscribe premium server', {
      anonymous: true,
    });
    expect(answer).toContain('only a person can pay');
  });

  test('nothing is sold where plans are off', async () => {
    const ann = await customer();
    const link = await subscriptionLink(scene, ledger, ann.user);
    await scene.restart({});
    const answer = await scene.telegram.pay(ann.user, link);
    expect(answer.errorMessage).toContain('not sold here any more');
    expect((await ledger.payments(ann.id)).length).toBe(0);
    await scene.restart(SETTINGS);
  });
});

describe.each(serverKinds)('while the %s server is away', (kind) => {
  test('a payment is refused in time, and made when it is back', async () => {
    const server = await openTestDatabase(kind);
    const gateway = await startGateway(server.url ?? '');
    const scene = await openScene({
      database: server,
      settings: { ...SETTINGS, DATABASE_URL: gateway.url },
    });
    try {
      await scene.restart({ ...SETTINGS, DATABASE_URL: gateway.url }, 'its own database');
      const ann = scene.person();
      await ann.ask('Hello?');
      const link = await subscriptionLink(scene, ledgerOn(server), ann.user);
      await gateway.down();
      const refused = await scene.telegram.pay(ann.user, link);
      expect(refused.ok).toBe(false);
      expect(refused.errorMessage).toContain('I can’t take payments at this moment');
      await gateway.up();
      await until(async () => (await scene.telegram.pay(ann.user, link)).ok);
      await until(() => scene.said(ann.chat).some(({ text }) => text.includes('Thank you!')));
    } finally {
      await scene.stop();
      await gateway.down();
      await server.close();
    }
  });
});
