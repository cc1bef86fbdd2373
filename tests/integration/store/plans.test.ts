import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Author, Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds } from '../../support/database.ts';
import {
  DAY_MS,
  event,
  MONTH_MS,
  NOON,
  ofGuild,
  ofUser,
  openPlanScene,
  operator,
  type PlanScene,
} from './plan-scene.ts';
import { admission, community, converse, nextId, person } from './requests.ts';

describe.each(databaseKinds)('plans on %s', (kind) => {
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

  it('are the four that come with the program, with what each gives', async () => {
    const plans = await store.plans.plans();
    expect(
      plans.map(
        ({ plan, limits, ratePerMinute, presets, maxContextTokens, priceUsdCents, isFirstInQueue }) => [
          plan,
          limits.requests_month,
          limits.tokens_month,
          limits.images_month,
          priceUsdCents,
          ratePerMinute,
          presets,
          maxContextTokens,
          isFirstInQueue,
        ],
      ),
    ).toEqual([
      ['free', 100, 100_000, 5, 0, 5, 3, 4000, false],
      ['premium', 2000, 5_000_000, 100, 1999, 50, 20, 200_000, false],
      ['unlimited', 10_000, 50_000_000, 1000, 9999, 1000, 100, 1_000_000, true],
      ['enterprise', 100_000, 500_000_000, 10_000, 49_999, 1000, 500, 1_000_000, true],
    ]);
    expect(plans.map(({ features }) => Object.values(features).filter(Boolean).length)).toEqual([1, 6, 6, 6]);
    expect(plans[0]?.features.web_search).toBe(true);
  });

  describe('of which there is a new version', () => {
    it('stay as they were bought, for as long as they are renewed; all others get the new one', async () => {
      const ann = await scene.known();
      await store.plans.grant(event(), ofUser(ann), 'unlimited', null);
      const before = (await store.plans.plans()).find(({ plan }) => plan === 'unlimited');
      const edited = event();
      const outcome = await store.plans.edit(edited, 'unlimited', 'requests_month', 9000);
      expect(outcome).toMatchObject({
        kind: 'edited',
        before: 10_000,
        after: 9000,
        version: (before?.version ?? 0) + 1,
      });
      expect(await store.plans.edit(edited, 'unlimited', 'requests_month', 9000)).toEqual(outcome);
      expect((await store.plans.show(ann.id, null)).entitlements).toEqual(
        expect.objectContaining({
          version: before?.version,
          limits: expect.objectContaining({ requests_month: 10_000 }),
        }),
      );
      const ben = await scene.known();
      await store.plans.grant(event(), ofUser(ben), 'unlimited', null);
      expect((await store.plans.show(ben.id, null)).entitlements.limits.requests_month).toBe(9000);
      await store.plans.edit(event(), 'unlimited', 'requests_month', 10_000);
    });

    it('are not sold at the old price any more; who pays it had paid before', async () => {
      const ann = await scene.known();
      const old = await scene.invoice(ann, 'unlimited');
      await store.plans.edit(event(), 'unlimited', 'stars', 6000);
      expect(await store.plans.checkout({ ...old, payer: ann.id })).toMatchObject({ reason: 'plan_gone' });
      expect(await store.plans.pay(await scene.payment(ann, old))).toMatchObject({
        kind: 'credited',
        plan: 'unlimited',
      });
      await store.plans.edit(event(), 'unlimited', 'stars', 5000);
    });

    it('last to their end where the plan is not offered any more, and are not renewed', async () => {
      const ann = await scene.known();
      const paid = await scene.payment(ann);
      await store.plans.pay(paid);
      await store.plans.edit(event(), 'premium', 'is_offered', false);
      expect((await store.plans.show(ann.id, null)).own).toMatchObject([
        { isRetired: true, plan: 'premium' },
      ]);
      expect(await store.plans.offer(operator.id, ofUser(operator), 'premium')).toMatchObject({
        reason: 'plan_gone',
      });
      const renewal = {
        ...paid,
        chargeId: `charge ${nextId()}`,
        isRenewal: true,
        paidAtMs: NOON + MONTH_MS,
        expiresAtMs: NOON + 2 * MONTH_MS,
      };
      expect(await store.plans.pay(renewal)).toMatchObject({
        kind: 'credited',
        stopRenewal: [{ chargeId: paid.chargeId }],
      });
      await store.plans.edit(event(), 'premium', 'is_offered', true);
    });

    it.each([
      ['golden', 'requests_month', 1, 'unknown_plan'],
      ['free', 'stars', 1, 'free_stays_free'],
      ['free', 'is_offered', false, 'free_stays_free'],
      ['premium', 'presets', 20, 'unchanged'],
    ] as const)('make none for %s %s %s', async (plan, field, value, reason) => {
      const changed = event();
      expect(await store.plans.edit(changed, plan, field, value)).toEqual({ kind: 'refused', reason });
    });
  });

  describe('that are given', () => {
    it('replace what was given before, once for each event, and end when they were to', async () => {
      const ann = await scene.known();
      const given = event();
      const outcome = await store.plans.grant(given, ofUser(ann), 'unlimited', NOON + DAY_MS);
      expect(outcome).toMatchObject({ kind: 'done', plan: 'unlimited', endsAtMs: NOON + DAY_MS });
      await store.plans.grant(event(), ofUser(ann), 'premium', NOON + DAY_MS);
      expect(await store.plans.grant(given, ofUser(ann), 'unlimited', NOON + DAY_MS)).toEqual(outcome);
      expect(await scene.planOf(ann)).toBe('premium');
      scene.clockMs = NOON + DAY_MS;
      expect(await scene.planOf(ann)).toBe('free');
      scene.clockMs = NOON + DAY_MS - 1;
      expect(await scene.planOf(ann)).toBe('premium');
      scene.clockMs = NOON - DAY_MS;
      expect(await scene.planOf(ann)).toBe('premium');
    });

    it('stand beside what was paid, of which the better one counts', async () => {
      const ann = await scene.known();
      await store.plans.pay(await scene.payment(ann));
      await store.plans.grant(event(), ofUser(ann), 'enterprise', NOON + DAY_MS);
      expect(await scene.planOf(ann)).toBe('enterprise');
      scene.clockMs = NOON + DAY_MS;
      expect(await scene.planOf(ann)).toBe('premium');
      const ended = await store.plans.revoke(event(), ofUser(ann));
      expect(ended).toMatchObject({ kind: 'done' });
      expect(await scene.planOf(ann)).toBe('free');
      const nothing = { kind: 'refused', reason: 'nothing_to_end' };
      expect(await store.plans.revoke(event(), ofUser(ann))).toEqual(nothing);
    });

    it.each([
      ['a plan that nobody knows', 'golden', null, 'unknown_plan'],
      ['what everybody has', 'free', null, 'plan_is_free'],
      ['until a moment that is over', 'premium', NOON, 'in_the_past'],
    ])('can not be %s, which is on record', async (_what, plan, untilMs, reason) => {
      const ann = await scene.known();
      expect(await store.plans.grant(event(), ofUser(ann), plan, untilMs)).toEqual({
        kind: 'refused',
        reason,
      });
      expect(await scene.audit(ann.id)).toEqual([{ action: 'plan.grant.refused', actor: operator.id }]);
      expect(await store.plans.grant(event(), ofUser(person()), 'premium', null)).toMatchObject({
        reason: 'unknown_subject',
      });
    });
  });

  describe('decide an admission', () => {
    const ask = (author: Author, guild: Guild | null = null, of = scene.store) =>
      of.turns.admit(
        admission(
          { author, chat: nextId(), guild },
          {
            defaults: {
              user: { requests_day: 50, tokens_day: 500_000 },
              guild: { requests_day: 10 },
              instance: { cost_day: 5 },
            },
            window: { maxTokens: 6000, maxMessages: 20, systemTokens: 100 },
          },
        ),
      );

    it("by their allowances in the place of the operator's, and with the plan in the settings of the turn", async () => {
      const ann = person();
      await store.plans.edit(event(), 'free', 'requests_month', 2);
      for (const _ of [1, 2])
        expect(await ask(ann)).toMatchObject({
          kind: 'run',
          turn: { settings: { plan: { plan: 'free', ratePerMinute: 5 } } },
        });
      expect(await ask(ann)).toMatchObject({
        kind: 'refused',
        refusal: { reason: 'quota', subject: 'user', metric: 'requests', window: 'month', limit: 2, used: 2 },
      });
      await store.plans.grant(event(), ofUser(ann), 'premium', NOON + DAY_MS);
      expect(await ask(ann)).toMatchObject({
        kind: 'run',
        turn: { settings: { plan: { plan: 'premium' } } },
      });
      scene.clockMs += DAY_MS;
      expect(await ask(ann)).toMatchObject({ kind: 'refused', refusal: { limit: 2, used: 3 } });
      await store.plans.edit(event(), 'free', 'requests_month', 100);
    });

    it('and are stored with the turn: the plan, and whether it goes first in the queue', async () => {
      const ann = person();
      const stored = async () => {
        const verdict = await ask(ann);
        if (verdict.kind !== 'run') throw new Error(verdict.kind);
        const { id, settings } = verdict.turn;
        const [row] = await scene.database.sql`select settings from turns where id = ${id}`;
        expect(row?.['settings']).toMatchObject({
          plan: settings.plan,
          isFirstInQueue: settings.isFirstInQueue,
        });
        return settings;
      };
      expect(await stored()).toMatchObject({ plan: { plan: 'free' }, isFirstInQueue: false });
      await store.plans.grant(event(), ofUser(ann), 'enterprise', null);
      expect(await stored()).toMatchObject({ plan: { plan: 'enterprise' }, isFirstInQueue: true });
    });

    it('of a guild only where it has one of its own', async () => {
      const [ann, guild] = [await scene.known(), community()];
      for (let count = 0; count < 10; count += 1)
        await converse(store.turns, admission({ author: person(), chat: nextId(), guild }));
      expect(await ask(ann, guild)).toMatchObject({
        refusal: { subject: 'guild', limit: 10, window: 'day' },
      });
      await store.plans.grant(event(), ofGuild(guild), 'premium', null);
      expect(await ask(ann, guild)).toMatchObject({
        kind: 'run',
        turn: { settings: { plan: { plan: 'premium', from: 'guild' } } },
      });
    });

    it('by their context: what alone is longer is refused, and the history is as long as there is room', async () => {
      const ann = person();
      const chat = nextId();
      for (const word of ['one', 'two', 'three']) {
        await converse(store.turns, admission({ author: ann, chat }, { text: word, estTokens: 900 }), word);
      }
      const last = await store.turns.admit(
        admission({ author: ann, chat }, { text: 'four', estTokens: 900 }),
      );
      const texts = last.kind === 'run' ? last.turn.window.map(({ text }) => text) : [];
      expect(texts).toEqual(['two', 'two', 'three', 'three', 'four'].slice(-texts.length));
      expect(texts.length).toBeLessThan(7);
      expect(
        await store.turns.admit(admission({ author: ann, chat: nextId() }, { estTokens: 3001 })),
      ).toMatchObject({
        refusal: { reason: 'over_context', plan: 'Free', maxTokens: 3000 },
      });
      await store.plans.grant(event(), ofUser(ann), 'premium', null);
      expect(
        await store.turns.admit(admission({ author: ann, chat: nextId() }, { estTokens: 3001 })),
      ).toMatchObject({ kind: 'run' });
    });

    it("of nobody where there are none: the operator's allowances count, and nothing is said of a plan", async () => {
      const ann = await scene.known();
      await store.plans.grant(event(), ofUser(ann), 'premium', null);
      const verdict = await ask(ann, null, scene.off);
      expect(verdict.kind === 'run' && 'plan' in verdict.turn.settings).toBe(false);
      expect(
        await scene.off.turns.admit(
          admission(
            { author: ann, chat: nextId() },
            { defaults: { user: { requests_day: 1 }, guild: {}, instance: {} } },
          ),
        ),
      ).toMatchObject({
        refusal: { limit: 1, window: 'day' },
      });
      expect(
        await scene.off.plans.checkout({ payer: ann.id, payload: '', currency: 'XTR', amount: 1 }),
      ).toMatchObject({ reason: 'plans_off' });
      expect(await scene.off.plans.offer(ann.id, ofUser(ann), 'premium')).toMatchObject({
        reason: 'plans_off',
      });
    });
  });
});
