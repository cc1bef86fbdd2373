import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import type { UserId } from '../../../src/platform/ids.ts';
import type { Invoice } from '../../../src/platform/payment.ts';
import { servePlans } from '../../../src/served-plans.ts';
import type { Store } from '../../../src/store/store.ts';
import { inDatabase } from '../../support/own-keys.ts';
import { databaseKinds } from '../../support/database.ts';
import {
  DAY_MS,
  entitlement,
  event,
  MONTH_MS,
  NOON,
  ofGuild,
  ofUser,
  openPlanScene,
  type PlanScene,
} from './plan-scene.ts';
import { community, nextId, person } from './requests.ts';

describe.each(databaseKinds)('paid plans on %s', (kind) => {
  let scene: PlanScene;
  let store: Store;
  beforeAll(async () => {
    scene = await openPlanScene(kind);
    ({ store } = scene);
  });
  afterAll(() => scene.database.close());
  beforeEach(() => {
    scene.clockMs = NOON;
  });

  const soldAs = (sku: string, plan: string) => store.plans.assignSku(event(), sku, plan, 'user');

  describe('that are paid', () => {
    it('are offered by an invoice that fits its limits, and begin with the payment', async () => {
      const ann = await scene.known();
      const offered = await scene.invoice(ann);
      expect(offered).toMatchObject({ currency: 'XTR', amount: 1000 });
      expect(offered.payload.length).toBeLessThanOrEqual(128);
      expect(await store.plans.checkout({ ...offered, payer: ann.id })).toEqual({ kind: 'accepted' });
      const paid = await scene.payment(ann);
      expect(await store.plans.pay(paid)).toEqual({
        kind: 'credited',
        subject: ofUser(ann),
        plan: 'premium',
        planName: 'Premium',
        isRenewal: false,
        endsAtMs: NOON + MONTH_MS,
        stopRenewal: [],
      });
      expect(await store.plans.show(ann.id, null)).toMatchObject({
        planName: 'Premium',
        from: 'user',
        own: [{ status: 'active', source: 'stars', charge: { payer: ann.id, chargeId: paid.chargeId } }],
      });
      expect(await store.plans.payments(ann.id)).toMatchObject([
        { chargeId: paid.chargeId, amount: 1000, currency: 'XTR', state: 'paid', plan: 'premium' },
      ]);
      expect((await scene.audit(ann.id)).map(({ action }) => action)).toEqual(['plan.paid']);
    });

    it('are credited once, however often and at once the payment is told', async () => {
      const ann = await scene.known();
      const paid = await scene.payment(ann);
      const told = await Promise.all(Array.from({ length: 6 }, () => store.plans.pay(paid)));
      expect(told.map(({ kind: is }) => is).toSorted()).toEqual([
        'credited',
        'known',
        'known',
        'known',
        'known',
        'known',
      ]);
      const [first] = (await store.plans.show(ann.id, null)).own;
      expect(first?.periodEndsAtMs).toBe(NOON + MONTH_MS);
      expect(await store.plans.payments(ann.id)).toHaveLength(1);
    });

    it('are lengthened once by each renewal, and by each of two payments at once', async () => {
      const ann = await scene.known();
      const first = await scene.payment(ann);
      await store.plans.pay(first);
      scene.clockMs += MONTH_MS;
      const renewal = {
        ...first,
        chargeId: `charge ${nextId()}`,
        isRenewal: true,
        paidAtMs: scene.clockMs,
        expiresAtMs: scene.clockMs + MONTH_MS,
      };
      expect(await store.plans.pay(renewal)).toMatchObject({
        kind: 'credited',
        isRenewal: true,
        endsAtMs: NOON + 2 * MONTH_MS,
      });
      expect(await store.plans.pay(renewal)).toMatchObject({ kind: 'known' });
      const again = {
        ...first,
        chargeId: `charge ${nextId()}`,
        paidAtMs: scene.clockMs,
        expiresAtMs: scene.clockMs + MONTH_MS,
      };
      expect(await store.plans.pay(again)).toMatchObject({
        kind: 'credited',
        endsAtMs: NOON + 3 * MONTH_MS,
        stopRenewal: [{ payer: ann.id, chargeId: first.chargeId }],
      });
      expect((await store.plans.show(ann.id, null)).own).toMatchObject([
        { charge: { chargeId: again.chargeId }, periodEndsAtMs: NOON + 3 * MONTH_MS },
      ]);
    });

    it('are lengthened by a renewal that is found in the account, which does not tell what it is', async () => {
      const ann = await scene.known();
      const first = await scene.payment(ann);
      const untold = { expiresAtMs: null, isRenewal: null };
      expect(await store.plans.pay({ ...first, ...untold })).toMatchObject({
        kind: 'credited',
        isRenewal: false,
        endsAtMs: NOON + MONTH_MS,
      });
      const found = { ...first, ...untold, chargeId: `charge ${nextId()}`, paidAtMs: NOON + MONTH_MS - 1000 };
      expect(await store.plans.pay(found)).toMatchObject({
        kind: 'credited',
        isRenewal: true,
        endsAtMs: NOON + 2 * MONTH_MS,
        stopRenewal: [],
      });
      expect(await store.plans.pay(found)).toMatchObject({ kind: 'known' });
    });

    it('have their grace where a renewal is late, and then it is the free one, with no job to end them', async () => {
      const ann = await scene.known();
      await store.plans.pay(await scene.payment(ann));
      scene.clockMs = NOON + MONTH_MS + 2 * DAY_MS;
      expect(await scene.planOf(ann)).toBe('premium');
      scene.clockMs = NOON + MONTH_MS + 3 * DAY_MS;
      expect(await scene.planOf(ann)).toBe('free');
      const { payload } = await scene.invoice(ann);
      const late = await scene.payment(ann, { payload, isRenewal: true });
      expect(await store.plans.pay(late)).toMatchObject({
        kind: 'credited',
        endsAtMs: scene.clockMs + MONTH_MS,
      });
      expect(await scene.planOf(ann)).toBe('premium');
    });

    it('last until the end of the period once they are cancelled, and can be taken up again', async () => {
      const ann = await scene.known();
      const paid = await scene.payment(ann);
      await store.plans.pay(paid);
      const cancelling = event(ann);
      const cancelled = await store.plans.cancel(cancelling, ofUser(ann));
      expect(cancelled).toMatchObject({ kind: 'done', plan: 'premium', endsAtMs: NOON + MONTH_MS });
      expect(await store.plans.cancel(cancelling, ofUser(ann))).toEqual(cancelled);
      expect(await store.plans.cancel(event(ann), ofUser(ann))).toEqual({
        kind: 'refused',
        reason: 'nothing_to_end',
      });
      scene.clockMs = NOON + MONTH_MS - 1;
      expect(await scene.planOf(ann)).toBe('premium');
      const { payer, payload } = paid;
      const changed = { payer, payload, atMs: scene.clockMs };
      expect(await store.plans.subscriptionChanged({ ...changed, state: 'active' })).toMatchObject({
        kind: 'changed',
        status: 'active',
      });
      expect(
        await store.plans.subscriptionChanged({ ...changed, state: 'cancelled', atMs: NOON }),
      ).toMatchObject({ kind: 'unchanged' });
      expect(await store.plans.subscriptionChanged({ ...changed, state: 'failed' })).toMatchObject({
        kind: 'changed',
        status: 'past_due',
      });
      scene.clockMs = NOON + MONTH_MS + DAY_MS;
      expect(await scene.planOf(ann)).toBe('premium');
      scene.clockMs = NOON + MONTH_MS + 4 * DAY_MS;
      expect(await scene.planOf(ann)).toBe('free');
      expect(
        await store.plans.subscriptionChanged({ ...changed, payload: '1|no|1|user|a|b', state: 'failed' }),
      ).toEqual({ kind: 'unknown' });
    });

    it('end with the refund of their payment, once; of two payments the other one still counts', async () => {
      const ann = await scene.known();
      const first = await scene.payment(ann);
      await store.plans.pay(first);
      const second = { ...first, chargeId: `charge ${nextId()}` };
      await store.plans.pay(second);
      const refund = (chargeId: string) =>
        store.plans.refund({ payer: ann.id, chargeId, atMs: scene.clockMs });
      expect(await refund(second.chargeId)).toMatchObject({ kind: 'refunded', endedAtMs: NOON + MONTH_MS });
      expect(await scene.planOf(ann)).toBe('premium');
      expect(await refund(second.chargeId)).toEqual({
        kind: 'known',
        stopRenewal: [{ payer: ann.id, chargeId: second.chargeId }],
      });
      expect(await refund(first.chargeId)).toMatchObject({
        kind: 'refunded',
        planName: 'Premium',
        endedAtMs: NOON,
      });
      expect(await scene.planOf(ann)).toBe('free');
      expect(await refund('none')).toEqual({ kind: 'unknown_payment' });
      const [payer] = [person()];
      expect(
        await store.plans.refund({ payer: payer.id, chargeId: first.chargeId, atMs: scene.clockMs }),
      ).toEqual({
        kind: 'unknown_payment',
      });
      expect((await store.plans.payments(ann.id)).map(({ state }) => state)).toEqual([
        'refunded',
        'refunded',
      ]);
    });

    it('go on where what is given back was used up; a renewal that is given back is the last one', async () => {
      const ann = await scene.known();
      const first = await scene.payment(ann);
      await store.plans.pay(first);
      scene.clockMs += MONTH_MS;
      const renewal = { ...(await scene.payment(ann, { payload: first.payload })), isRenewal: true };
      await store.plans.pay(renewal);
      scene.clockMs += DAY_MS;
      const refund = (chargeId: string) =>
        store.plans.refund({ payer: ann.id, chargeId, atMs: scene.clockMs });
      expect(await refund(first.chargeId)).toMatchObject({
        kind: 'refunded',
        endedAtMs: null,
        stopRenewal: [],
      });
      expect((await store.plans.show(ann.id, null)).own).toMatchObject([
        { status: 'active', periodEndsAtMs: NOON + 2 * MONTH_MS },
      ]);
      const stopRenewal = [{ payer: ann.id, chargeId: first.chargeId }];
      expect(await refund(renewal.chargeId)).toMatchObject({
        kind: 'refunded',
        endedAtMs: scene.clockMs,
        stopRenewal,
      });
      expect(await refund(renewal.chargeId)).toEqual({ kind: 'known', stopRenewal });
      expect(await scene.planOf(ann)).toBe('free');
    });

    it('are taken for bought anew where a charge had failed and nothing tells, so that the last one can be stopped', async () => {
      const ann = await scene.known();
      const first = await scene.payment(ann);
      await store.plans.pay(first);
      const { payer, payload } = first;
      await store.plans.subscriptionChanged({ payer, payload, state: 'failed', atMs: scene.clockMs });
      const again = await scene.payment(ann, { payload, expiresAtMs: null, isRenewal: null });
      expect(await store.plans.pay(again)).toMatchObject({
        kind: 'credited',
        isRenewal: false,
        stopRenewal: [{ payer, chargeId: first.chargeId }],
      });
      expect((await store.plans.show(ann.id, null)).own).toMatchObject([
        { status: 'active', charge: { payer, chargeId: again.chargeId } },
      ]);
    });

    it('are known as long as the platform charges for them, also where plans are off', async () => {
      const ann = await scene.known();
      const { payer, chargeId, payload, ...paid } = await scene.payment(ann);
      await store.plans.pay({ payer, chargeId, payload, ...paid });
      const renewing = async () =>
        (await scene.off.plans.renewing('telegram')).filter((each) => each.payer === payer);
      expect(await renewing()).toEqual([{ payer, chargeId, payload, isRetired: false }]);
      expect(await store.plans.renewing('discord')).toEqual([]);
      const said: string[] = [];
      const log = pino({}, { write: (line: string) => void said.push(line) });
      const read = readConfig({});
      if (!read.ok) throw new Error(read.problems.join('\n'));
      await servePlans({ config: read.config, log }, scene.off, () => null);
      expect(said.join('')).toContain('Telegram goes on charging');
      await store.plans.cancel(event(ann), ofUser(ann));
      expect(await renewing()).toEqual([]);
    });

    it('are not sold twice, nor below what somebody has, nor when they are gone', async () => {
      const ann = await scene.known();
      const better = await scene.invoice(ann, 'unlimited');
      const premium = await scene.invoice(ann);
      const first = await scene.payment(ann);
      await store.plans.pay(first);
      const check = (query: Invoice) => store.plans.checkout({ ...query, payer: ann.id });
      expect(await check(premium)).toEqual({
        kind: 'refused',
        reason: 'already_subscribed',
        endsAtMs: NOON + MONTH_MS,
      });
      expect(await store.plans.offer(ann.id, ofUser(ann), 'premium')).toMatchObject({
        reason: 'already_subscribed',
        plan: { plan: 'premium' },
      });
      expect(await check(better)).toEqual({ kind: 'accepted' });
      const upgrade = await scene.payment(ann, { ...better, paidAtMs: scene.clockMs });
      expect(await store.plans.pay(upgrade)).toMatchObject({
        kind: 'credited',
        plan: 'unlimited',
        stopRenewal: [{ payer: ann.id }],
      });
      expect(await check(premium)).toMatchObject({ reason: 'has_better' });
      // The one before is charged once more all the same.
      const late = await scene.payment(ann, { ...premium, isRenewal: true });
      expect(await store.plans.pay(late)).toEqual({
        kind: 'unassigned',
        reason: 'has_better',
        isKnown: false,
        stopRenewal: [{ payer: ann.id, chargeId: first.chargeId }],
      });
      expect(await scene.planOf(ann)).toBe('unlimited');
      expect(await store.plans.offer(ann.id, ofUser(ann), 'enterprise')).toMatchObject({
        reason: 'not_for_sale',
      });
      expect(await store.plans.offer(ann.id, ofUser(ann), 'golden')).toMatchObject({
        reason: 'plan_gone',
        plan: null,
      });
    });

    it.each([
      ['by another person', { payer: 'telegram:1' as UserId }, 'wrong_payer'],
      ['with another amount', { amount: 999 }, 'wrong_amount'],
      ['with nothing', { amount: 0 }, 'wrong_amount'],
      ['in another currency', { currency: 'USD' }, 'wrong_currency'],
      ['for what nobody offered', { payload: '1|golden|1|user|telegram:1|telegram:1' }, 'unknown_offer'],
      ['for what is no invoice of ours', { payload: 'coffee' }, 'unknown_offer'],
      ['for the free one', { payload: '1|free|1|user|telegram:1|telegram:1' }, 'unknown_offer'],
    ])('%s are refused before, and kept on record without effect after', async (_what, changes, reason) => {
      const ann = await scene.known();
      const wrong = await scene.payment(ann);
      Object.assign(wrong, changes);
      expect(await store.plans.checkout(wrong)).toEqual({ kind: 'refused', reason, endsAtMs: null });
      expect(await store.plans.pay(wrong)).toEqual({
        kind: 'unassigned',
        reason,
        isKnown: false,
        stopRenewal: [],
      });
      expect(await store.plans.pay(wrong)).toMatchObject({ kind: 'unassigned', isKnown: true });
      expect(await scene.planOf(ann)).toBe('free');
      expect((await store.plans.payments(wrong.payer)).map(({ state }) => state)).toEqual(
        expect.arrayContaining(['unassigned']),
      );
      expect(
        await store.plans.refund({ payer: wrong.payer, chargeId: wrong.chargeId, atMs: scene.clockMs }),
      ).toMatchObject({ kind: 'refunded', endedAtMs: null });
    });

    it("leave their money on record and nobody's name, once their payer is forgotten", async () => {
      const ann = await scene.known();
      const paid = await scene.payment(ann);
      await store.plans.pay(paid);
      await scene.database.sql`select forget_user_v1(${JSON.stringify({ user: ann.id })}::text::jsonb)`;
      expect(await inDatabase(scene.database, [ann.id])).toEqual([]);
      expect(await store.plans.payment(paid.chargeId)).toMatchObject({
        amount: 1000,
        payer: '',
        state: 'paid',
      });
    });

    it('for a guild count for whoever writes there', async () => {
      const [ann, ben, guild] = [await scene.known(), await scene.known(), community()];
      await store.plans.pay(await scene.payment(ann, {}, { subject: ofGuild(guild) }));
      expect(await scene.planOf(ben)).toBe('free');
      expect(await scene.planOf(ben, guild)).toBe('premium');
      expect(await store.plans.show(ben.id, guild.id)).toMatchObject({
        from: 'guild',
        own: [],
        guild: [{ plan: 'premium' }],
      });
      expect(await store.plans.subscriptions(ofGuild(guild))).toHaveLength(1);
    });
  });

  describe('that a shop sold', () => {
    it('begin, change and end as it tells, in any order and more than once', async () => {
      await soldAs('1001', 'premium');
      const ann = await scene.known();
      const sold = entitlement(ofUser(ann));
      expect(await store.plans.entitlement(sold)).toEqual({
        kind: 'granted',
        subject: ofUser(ann),
        plan: 'premium',
      });
      expect(await store.plans.entitlement(sold)).toMatchObject({ kind: 'unchanged' });
      expect(await scene.planOf(ann)).toBe('premium');
      const ending = { ...sold, endsAtMs: NOON + DAY_MS };
      expect(await store.plans.entitlement(ending)).toMatchObject({ kind: 'changed' });
      scene.clockMs += DAY_MS;
      expect(await scene.planOf(ann)).toBe('free');
      scene.clockMs = NOON;
      expect(await store.plans.entitlement({ ...sold, isDeleted: true })).toMatchObject({ kind: 'ended' });
      expect(await store.plans.entitlement(sold)).toMatchObject({ kind: 'unchanged' });
      expect(await scene.planOf(ann)).toBe('free');
      expect(await store.plans.entitlement(entitlement(ofUser(ann), { sku: '9' }))).toEqual({
        kind: 'unknown_sku',
        sku: '9',
      });
    });

    it('are made true by all that it tells at once', async () => {
      await soldAs('1001', 'premium');
      const [ann, ben, cleo] = [await scene.known(), await scene.known(), await scene.known()];
      const missed = entitlement(ofUser(ann));
      const gone = entitlement(ofUser(ben));
      const stays = entitlement(ofUser(cleo));
      await store.plans.entitlement(gone);
      await store.plans.entitlement(stays);
      const later = entitlement(ofUser(await scene.known()));
      scene.clockMs += 1000;
      const askedAtMs = scene.clockMs;
      await store.plans.entitlement(later);
      const all = [missed, stays, entitlement(ofUser(ann), { sku: '77' })];
      expect(await store.plans.reconcile({ entitlements: all, askedAtMs })).toMatchObject({
        granted: 1,
        unchanged: 1,
        unknownSkus: ['77'],
      });
      expect([await scene.planOf(ann), await scene.planOf(ben), await scene.planOf(cleo)]).toEqual([
        'premium',
        'free',
        'premium',
      ]);
      expect(await store.plans.subscriptions(later.subject)).toHaveLength(1);
      scene.clockMs += 1000;
      expect(
        await store.plans.reconcile({ entitlements: [...all, gone], askedAtMs: scene.clockMs }),
      ).toMatchObject({
        granted: 1,
      });
      expect(await scene.planOf(ben)).toBe('premium');
    });

    it('stay ended where an operator ended them, whatever the shop tells; what is bought anew begins', async () => {
      await soldAs('1001', 'premium');
      const ann = await scene.known();
      const sold = entitlement(ofUser(ann));
      await store.plans.entitlement(sold);
      await store.plans.revoke(event(), ofUser(ann));
      scene.clockMs += 1000;
      const all = { entitlements: [sold], askedAtMs: scene.clockMs };
      expect(await store.plans.reconcile(all)).toMatchObject({ granted: 0, unchanged: 1 });
      expect(await scene.planOf(ann)).toBe('free');
      expect(await store.plans.entitlement(entitlement(ofUser(ann)))).toMatchObject({ kind: 'granted' });
    });

    it.each([
      ['golden', 'unknown_plan'],
      ['free', 'plan_is_free'],
    ])('are never %s', async (plan, reason) => {
      expect(await soldAs('5', plan)).toEqual({ kind: 'refused', reason });
    });
  });
});
