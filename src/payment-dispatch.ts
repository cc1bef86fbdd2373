import type { Logger } from 'pino';
import { pickLocale, translate, type Notice } from './i18n/translate.ts';
import type { Platform } from './platform/ids.ts';
import type { PaymentDesk } from './platform/payment.ts';
import type { PaymentHandlers, PaymentReader } from './platform/payment-handlers.ts';
import type { PaymentOutcome, PlanLedger, RefundOutcome, SubscriptionOutcome } from './plans/ports.ts';

export interface PaymentParts {
  readonly ledger: Pick<
    PlanLedger,
    'checkout' | 'pay' | 'refund' | 'subscriptionChanged' | 'entitlement' | 'reconcile' | 'renewing'
  >;
  readonly sells: boolean;
  /** Null where the platform takes no payments for us. */
  readonly deskOf: (platform: Platform) => PaymentDesk | null;
  readonly log: Logger;
}

/** Takes what platforms tell of money to the ledger, and puts into words what came of it. */
export function createPaymentHandlers(parts: PaymentParts): PaymentHandlers {
  const { ledger, log } = parts;
  return {
    sells: parts.sells,
    async onPreCheckout(query, reader) {
      const verdict = await ledger.checkout(query);
      if (verdict.kind === 'accepted') return null;
      log.info({ reason: verdict.reason, payer: query.payer }, 'a payment was refused before it was made');
      const params = { reason: verdict.reason, endsAtMs: verdict.endsAtMs ?? -1 };
      return say(reader, { key: 'checkout.refused', params });
    },
    async onPayment(payment, reader) {
      const outcome = await ledger.pay(payment);
      const { payer, chargeId } = payment;
      if (outcome.kind === 'unassigned') {
        const level = outcome.isKnown ? 'debug' : 'error';
        log[level]({ payer, chargeId, reason: outcome.reason }, 'a payment that nothing follows from');
      } else if (outcome.kind === 'credited') log.info({ payer, chargeId, plan: outcome.plan }, 'plan paid');
      await stopRenewals(parts, outcome.stopRenewal);
      const notice = noticeOfPayment(outcome, reader);
      return notice === null ? '' : say(reader, notice);
    },
    async onRefund(refund, reader) {
      const outcome = await ledger.refund(refund);
      const { payer, chargeId } = refund;
      log.info({ payer, chargeId, outcome: outcome.kind }, 'a payment was given back');
      // Telegram goes on charging for what was given back. What was paid for once has nothing to stop, and is refused.
      if (outcome.kind !== 'unknown_payment') await stopRenewals(parts, outcome.stopRenewal);
      const notice = noticeOfRefund(outcome);
      return notice === null ? '' : say(reader, notice);
    },
    async onSubscription(change, reader) {
      const outcome = await ledger.subscriptionChanged(change);
      if (outcome.kind === 'unknown') log.warn({ payer: change.payer }, 'a subscription that is not known');
      const notice = noticeOfChange(outcome, change.state);
      return notice === null ? '' : say(reader, notice);
    },
    onAccountRead: (platform) => stopRetired(parts, platform),
    async onEntitlement(entitlement) {
      const outcome = await ledger.entitlement(entitlement);
      if (outcome.kind === 'unknown_sku') {
        log.warn({ sku: outcome.sku }, 'an entitlement to something that is no plan: see /plan sku');
      } else log.info({ entitlement: entitlement.id, outcome: outcome.kind }, 'entitlement taken');
    },
    async onEntitlements(platform, snapshot) {
      const { granted, ended, unchanged, unknownSkus } = await ledger.reconcile(snapshot);
      if (unknownSkus.length > 0) {
        log.warn({ skus: unknownSkus }, 'entitlements to something that is no plan: see /plan sku');
      }
      log.info({ platform, granted, ended, unchanged }, 'entitlements compared');
    },
  };
}

/** What is paid for twice is renewed once. What fails here is asked for again when the platform's account is read. */
async function stopRenewals(
  { deskOf, log }: PaymentParts,
  charges: PaymentOutcome['stopRenewal'],
): Promise<void> {
  for (const charge of charges) {
    const platform = charge.payer.split(':')[0] as Platform;
    const outcome = await deskOf(platform)?.cancel(charge);
    const level = outcome?.kind === 'done' || outcome?.kind === 'known' ? 'info' : 'error';
    log[level]({ chargeId: charge.chargeId, outcome }, 'renewal of a subscription that does not go on');
  }
}

/** A plan that is not offered any more is not charged for any more. What fails here is asked for again the next time. */
async function stopRetired({ ledger, deskOf, log }: PaymentParts, platform: Platform): Promise<void> {
  for (const { isRetired, payer, chargeId, payload } of await ledger.renewing(platform)) {
    if (!isRetired) continue;
    const outcome = await deskOf(platform)?.cancel({ payer, chargeId });
    const isStopped = outcome?.kind === 'done' || outcome?.kind === 'known';
    if (isStopped) await ledger.subscriptionChanged({ payer, payload, state: 'cancelled', atMs: Date.now() });
    log[isStopped ? 'info' : 'error'](
      { chargeId, outcome },
      'renewal of a plan that is not offered any more',
    );
  }
}

function noticeOfPayment(outcome: PaymentOutcome, { isFoundLater }: PaymentReader): Notice | null {
  if (outcome.kind === 'known') return null;
  if (outcome.kind === 'unassigned') {
    // What was found in the account may be for something that another program has sold.
    if (outcome.isKnown || isFoundLater) return null;
    return { key: 'payment.unassigned', params: { reason: outcome.reason } };
  }
  const { planName, endsAtMs, subject, isRenewal } = outcome;
  const params = { plan: planName, endsAtMs, of: subject.kind };
  return { key: isRenewal ? 'payment.renewed' : 'payment.credited', params };
}

function noticeOfRefund(outcome: RefundOutcome): Notice | null {
  if (outcome.kind !== 'refunded') return null;
  const params = { plan: outcome.planName, plans: outcome.endedAtMs === null ? 'kept' : 'ended' };
  return { key: 'payment.refunded', params };
}

function noticeOfChange(
  outcome: SubscriptionOutcome,
  state: 'active' | 'cancelled' | 'failed',
): Notice | null {
  if (outcome.kind !== 'changed') return null;
  const params = { plan: outcome.planName, endsAtMs: outcome.endsAtMs ?? -1 };
  switch (state) {
    case 'active':
      return { key: 'subscription.active', params };
    case 'cancelled':
      return { key: 'subscription.cancelled', params };
    case 'failed':
      return { key: 'subscription.failed', params };
  }
}

function say({ locale }: PaymentReader, notice: Notice): string {
  return translate(pickLocale(locale), notice);
}
