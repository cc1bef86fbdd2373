import type { Api } from 'grammy';
import type { Clock } from '../../delivery/clock.ts';
import type { UserId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { DeskOutcome, PaymentDesk } from '../../platform/payment.ts';
import { attempt, describe, isTransient, type Outcome } from './failure.ts';

export interface PaymentDeskOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Invoices in Telegram's Stars, and what becomes of what they sold. */
export function createPaymentDesk({ api, clock, logger }: PaymentDeskOptions): PaymentDesk {
  /** All of these calls may be made twice. */
  const insist = async <Value>(call: () => Promise<Value>): Promise<Outcome<Value>> => {
    for (let tries = 1; ; tries += 1) {
      const outcome = await attempt(call);
      if (outcome.ok || !isTransient(outcome.failure) || tries === MOST_TRIES) return outcome;
      const { failure } = outcome;
      const restMs = failure.kind === 'refused' ? (failure.retryAfterMs ?? 0) : 0;
      if (restMs > LONGEST_REST_MS) return outcome;
      await clock.sleep(Math.max(restMs, RETRY_MS * tries));
    }
  };

  const told = (outcome: Outcome<unknown>, what: string): DeskOutcome => {
    if (outcome.ok) return { kind: 'done' };
    const reason = describe(outcome.failure);
    // Also after a try that was carried out though its answer was lost, or was refused with just this.
    if (/CHARGE_ALREADY_REFUNDED/u.test(reason)) return { kind: 'known' };
    logger.warn({ reason }, what);
    return isTransient(outcome.failure) ? { kind: 'unreachable' } : { kind: 'refused', reason };
  };

  return {
    async invoiceLink({ title, description, payload, currency, amount }) {
      const prices = [{ label: title, amount }];
      const month = { subscription_period: MONTH_SECONDS };
      const outcome = await insist(() =>
        api.createInvoiceLink(title, description, payload, '', currency, prices, month),
      );
      if (outcome.ok) return { kind: 'link', url: outcome.value };
      const reason = describe(outcome.failure);
      logger.warn({ reason }, 'no invoice was made');
      return isTransient(outcome.failure) ? { kind: 'unreachable' } : { kind: 'refused', reason };
    },
    refund: async ({ payer, chargeId }) =>
      told(await insist(() => api.refundStarPayment(rawId(payer), chargeId)), 'a payment was not given back'),
    cancel: async ({ payer, chargeId }) =>
      told(
        await insist(() => api.editUserStarSubscription(rawId(payer), chargeId, true)),
        'a subscription was not cancelled',
      ),
  };
}

/** The id as Telegram knows it. */
function rawId(user: UserId): number {
  return Number(user.slice(user.indexOf(':') + 1));
}

/** The only period there is (Bot API createInvoiceLink). */
const MONTH_SECONDS = 2_592_000;
const MOST_TRIES = 3;
const RETRY_MS = 500;
const LONGEST_REST_MS = 10_000;
