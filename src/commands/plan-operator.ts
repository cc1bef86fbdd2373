import type { Platform } from '../platform/ids.ts';
import type { CommandSpec } from '../platform/command.ts';
import { PLAN_FEATURES, type PlanValue } from '../plans/ports.ts';
import type { ActionCommand, CommandUse } from './command.ts';
import { PLAN, PLAN_FIELDS, readPlan, readSubject, readValue, SUBJECT, WHOSE } from './plan-options.ts';
import { readUntil, UNTIL_OPTION } from './quota-options.ts';

const NONE = -1;

/** Gives somebody a plan, for good or until a moment. */
export const planGrant = ofOperators('grant', [SUBJECT, PLAN, UNTIL_OPTION], async (use) => {
  const { invocation, options, services, say } = use;
  const subject = readSubject(use);
  if (subject.kind === 'wrong') return say(subject.problem);
  const plan = readPlan(String(options['plan']), await services.plans.plans());
  if (plan.kind === 'wrong') return say(plan.problem);
  const until = options['until'] === undefined ? null : readUntil(String(options['until']), services.now());
  if (until?.kind === 'wrong') return say(until.problem);
  const outcome = await services.plans.grant(
    invocation,
    subject.value,
    plan.value.plan,
    until?.value ?? null,
  );
  if (outcome.kind === 'refused')
    return say({ key: 'plan.change_refused', params: { reason: outcome.reason } });
  const { planName, version, endsAtMs } = outcome;
  const params = { subject: subject.value.id, plan: planName, version, endsAtMs: endsAtMs ?? NONE };
  return say({ key: 'plan.granted', params });
});

/** Ends what somebody has, wherever it came from; what renews itself is charged no more. */
export const planRevoke = ofOperators('revoke', [SUBJECT], async (use) => {
  const { invocation, services, say } = use;
  const subject = readSubject(use);
  if (subject.kind === 'wrong') return say(subject.problem);
  for (const { charge, status } of await services.plans.subscriptions(subject.value)) {
    if (charge === null || status === 'cancelled') continue;
    const stopped = await services.payments(platformOf(charge.payer))?.cancel(charge);
    if (stopped === undefined) return say({ key: 'plan.not_here' });
    if (stopped.kind === 'unreachable' || stopped.kind === 'refused')
      return say({ key: `plan.desk_${stopped.kind}` });
  }
  const outcome = await services.plans.revoke(invocation, subject.value);
  if (outcome.kind === 'refused')
    return say({ key: 'plan.change_refused', params: { reason: outcome.reason } });
  return say({ key: 'plan.revoked', params: { subject: subject.value.id } });
});

/** Sells a plan in Discord's shop. */
export const planSku = ofOperators(
  'sku',
  [{ name: 'sku', kind: 'text', required: true }, PLAN, WHOSE],
  async ({ invocation, options, services, say }) => {
    const sku = String(options['sku']).trim();
    if (!/^\d{1,20}$/u.test(sku)) return say({ key: 'plan.sku_wrong' });
    const plan = readPlan(String(options['plan']), await services.plans.plans());
    if (plan.kind === 'wrong') return say(plan.problem);
    const scope = options['whose'] === 'server' ? 'guild' : 'user';
    const outcome = await services.plans.assignSku(invocation, sku, plan.value.plan, scope);
    if (outcome.kind === 'refused')
      return say({ key: 'plan.change_refused', params: { reason: outcome.reason } });
    return say({ key: 'plan.sku_set', params: { sku, plan: outcome.planName } });
  },
);

/** Makes a new version of a plan, in which one thing is another. */
export const planEdit = ofOperators(
  'edit',
  [
    PLAN,
    { name: 'field', kind: 'text', required: true, choices: PLAN_FIELDS },
    { name: 'value', kind: 'text', required: true },
  ],
  async ({ invocation, options, services, say }) => {
    const plan = readPlan(String(options['plan']), await services.plans.plans());
    if (plan.kind === 'wrong') return say(plan.problem);
    const field = PLAN_FIELDS.find((known) => known === options['field']) ?? PLAN_FEATURES[0];
    const value = readValue(field, String(options['value']), say);
    if (value.kind === 'wrong') return say(value.problem);
    const outcome = await services.plans.edit(invocation, plan.value.plan, field, value.value);
    if (outcome.kind === 'refused')
      return say({ key: 'plan.change_refused', params: { reason: outcome.reason } });
    const shown = (of: PlanValue): string => say({ key: 'plan.value', params: { value: String(of) } });
    const { planName, version, before, after } = outcome;
    return say({
      key: 'plan.edited',
      params: {
        plan: planName,
        version,
        field,
        before: shown(before),
        after: shown(after),
        isFree: Number(plan.value.position === 0),
      },
    });
  },
);

/** Gives a payment back, at the platform that took it. */
export const planRefund = ofOperators(
  'refund',
  [{ name: 'payment', kind: 'text', required: true }],
  async ({ invocation, options, services, say }) => {
    const payment = await services.plans.payment(String(options['payment']).trim());
    if (payment === null || payment.payer === '') return say({ key: 'plan.payment_unknown' });
    const { payer, chargeId, amount, currency } = payment;
    const desk = services.payments(platformOf(payer));
    if (desk === null) return say({ key: 'plan.not_here' });
    const given = await desk.refund({ payer, chargeId });
    if (given.kind === 'unreachable' || given.kind === 'refused')
      return say({ key: `plan.desk_${given.kind}` });
    const outcome = await services.plans.refund({
      payer,
      chargeId,
      atMs: services.now(),
      by: invocation.author.id,
    });
    let isStopped = true;
    for (const charge of outcome.kind === 'unknown_payment' ? [] : outcome.stopRenewal) {
      const stopped = await desk.cancel(charge);
      // What was paid for once has nothing to stop, and is refused.
      if (stopped.kind === 'unreachable' || (stopped.kind === 'refused' && payment.state === 'paid'))
        isStopped = false;
    }
    if (!isStopped) return say({ key: 'plan.refund_goes_on', params: { amount, currency, payer } });
    // The platform may have told of it before this did.
    return outcome.kind === 'refunded' || given.kind === 'done'
      ? say({ key: 'plan.refund_done', params: { amount, currency, payer } })
      : say({ key: 'plan.refund_known' });
  },
);

const platformOf = (payer: string): Platform => payer.split(':')[0] as Platform;

function ofOperators(
  subcommand: string,
  options: CommandSpec['options'],
  run: (use: CommandUse) => Promise<string>,
): ActionCommand {
  return {
    spec: {
      name: 'plan',
      subcommand,
      options,
      scope: 'any',
      requires: 'operator',
      isDiscreet: true,
      respond: 'deferPrivate',
    },
    run,
    onDenied: (invocation, { plans }) =>
      plans.refuse(invocation, `plan.${subcommand}`, { kind: 'user', id: invocation.author.id }),
  };
}
