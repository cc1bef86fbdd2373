import type {
  CheckoutVerdict,
  EntitlementOutcome,
  Offered,
  PaymentOutcome,
  PaymentRecord,
  Plan,
  PlanChangeOutcome,
  PlanEditOutcome,
  PlanLedger,
  PlanView,
  ReconcileReport,
  RefundOutcome,
  Renewing,
  Subscription,
  SubscriptionOutcome,
} from '../plans/ports.ts';
import type { Platform } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { EntitlementSnapshot } from '../platform/payment.ts';
import type { Sql } from './connection.ts';
import { callFunction, storableJson, type DocumentFunction } from './document.ts';
import { reach } from './failure.ts';

/** Plans and what is paid for them; `now` replaces the database's clock, for tests. See the migrations for what each function does. */
export function createPlanLedger(
  sql: Sql,
  { plansEnabled, now }: { readonly plansEnabled: boolean; readonly now?: () => number },
): PlanLedger {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  const call = (name: DocumentFunction, document: object): Promise<unknown> =>
    callFunction(sql, name, { ...document, ...clock() });
  const change = async (
    { originKey, author }: Envelope,
    rest: { readonly does: string } & Record<string, unknown>,
  ): Promise<PlanChangeOutcome> =>
    (await call('change_plan_v1', { originKey, author, ...rest })) as PlanChangeOutcome;
  const plans = () => selectPlans(sql);
  const entitlement = async (told: object): Promise<EntitlementOutcome> =>
    (await call('plan_entitlement_v1', told)) as EntitlementOutcome;

  return {
    async offer(buyer, subject, code) {
      const plan = (await plans()).find((each) => each.plan === code) ?? null;
      if (!plansEnabled) return { kind: 'refused', reason: 'plans_off', endsAtMs: null, plan };
      return {
        ...((await call('plan_offer_v1', { buyer, subject, plan: code })) as object),
        plan,
      } as Offered;
    },
    checkout: async (query) =>
      plansEnabled
        ? ((await call('plan_checkout_v1', query)) as CheckoutVerdict)
        : { kind: 'refused', reason: 'plans_off', endsAtMs: null },
    pay: async (payment) => (await call('plan_pay_v1', payment)) as PaymentOutcome,
    refund: async (refund) => (await call('plan_refund_v1', refund)) as RefundOutcome,
    subscriptionChanged: async (changed) =>
      (await call('plan_subscription_changed_v1', changed)) as SubscriptionOutcome,
    entitlement,
    async reconcile(snapshot) {
      const { ended } = (await call('plan_end_missing_v1', {
        askedAtMs: snapshot.askedAtMs,
        known: snapshot.entitlements.map(({ id }) => id),
      })) as { readonly ended: number };
      return await takeAll(snapshot, ended, entitlement);
    },
    grant: (envelope, subject, plan, untilMs) => change(envelope, { does: 'grant', subject, plan, untilMs }),
    revoke: (envelope, subject) => change(envelope, { does: 'revoke', subject }),
    cancel: (envelope, subject) => change(envelope, { does: 'cancel', subject }),
    assignSku: async ({ originKey, author }, sku, plan, scope) =>
      (await call('assign_sku_v1', { originKey, author, sku, plan, scope })) as PlanChangeOutcome,
    edit: async ({ originKey, author }, plan, field, value) =>
      (await call('edit_plan_v1', { originKey, author, plan, field, value })) as PlanEditOutcome,
    async refuse({ originKey, author }, action, subject) {
      await call('refuse_plan_v1', { originKey, author, action: `${action}.refused`, subject });
    },
    show: async (user, guild) => (await call('plan_view_v1', { user, guild })) as PlanView,
    async subscriptions(subject) {
      const question = storableJson({ subject, ...clock() });
      const rows = await reach(
        () => sql<{ list: readonly Subscription[] }[]>`
          select subscriptions_of_v1(q.p -> 'subject', store_now_v1(q.p)) as list from (select ${question}::text::jsonb as p) q`,
      );
      return rows[0]?.list ?? [];
    },
    renewing: (platform) => selectRenewing(sql, platform, storableJson(clock())),
    plans,
    payments: (payer) => selectPayments(sql, payer),
    payment: (id) => selectPayment(sql, id),
  };
}

/** Each by itself, so that none waits for all: a shop may have sold much. */
async function takeAll(
  { entitlements, askedAtMs }: EntitlementSnapshot,
  ended: number,
  take: (told: object) => Promise<EntitlementOutcome>,
): Promise<ReconcileReport> {
  const outcomes: EntitlementOutcome[] = [];
  for (const each of entitlements) outcomes.push(await take({ ...each, askedAtMs }));
  const count = (...kinds: readonly string[]): number =>
    outcomes.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    granted: count('granted'),
    ended: ended + count('ended'),
    unchanged: count('unchanged', 'changed'),
    unknownSkus: [...new Set(outcomes.flatMap((each) => (each.kind === 'unknown_sku' ? [each.sku] : [])))],
  };
}

/** Only Telegram's are charged for by what we name; of its shop Discord takes care. */
function selectRenewing(sql: Sql, platform: Platform, clock: string): Promise<readonly Renewing[]> {
  return reach(
    () => sql<Renewing[]>`
      select s.payer, s.external_id as "chargeId", s.payload, not exists (
        select 1 from plans c where c.code = s.plan and c.is_current and c.is_offered) as "isRetired"
      from subscriptions s
      where s.source = 'stars' and s.status in ('active', 'past_due') and split_part(s.payer, ':', 1) = ${platform}
        and in_force_v1(s, store_now_v1(${clock}::text::jsonb))
      order by s.id`,
  );
}

async function selectPlans(sql: Sql): Promise<readonly Plan[]> {
  const rows = await reach(() => sql<{ plans: readonly Plan[] }[]>`select current_plans_v1() as plans`);
  return rows[0]?.plans ?? [];
}

const paymentColumns = (sql: Sql) => sql`
  left(y.id::text, 8) as "shortId", y.charge_id as "chargeId", coalesce(u.platform_user_id, '') as payer,
  coalesce(y.plan, '') as plan, coalesce(p.name, '') as "planName", y.amount::float8 as amount, y.currency, y.state,
  epoch_ms_v1(y.paid_at)::float8 as "paidAtMs"
  from payments y
  left join users u on u.id = y.user_id
  left join plans p on p.code = y.plan and p.version = y.version`;

function selectPayments(sql: Sql, payer: string): Promise<readonly PaymentRecord[]> {
  return reach(
    () => sql<PaymentRecord[]>`
      select ${paymentColumns(sql)} where u.platform_user_id = ${payer} order by y.paid_at desc, y.id limit 20`,
  );
}

async function selectPayment(sql: Sql, id: string): Promise<PaymentRecord | null> {
  const rows = await reach(
    () => sql<PaymentRecord[]>`
      select ${paymentColumns(sql)} where y.charge_id = ${id} or left(y.id::text, 8) = ${id.toLowerCase()} limit 2`,
  );
  return rows.length === 1 ? (rows[0] ?? null) : null;
}
