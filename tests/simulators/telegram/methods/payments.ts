import type { LabeledPrice } from '@grammyjs/types';
import { giveBack } from '../payments.ts';
import type { StarCharge, StarInvoice, StarMovement } from '../payments.ts';
import { badRequest } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { codePoints } from '../text.ts';
import { userObject } from '../world.ts';
import { writableChat } from './method.ts';
import type { Method } from './method.ts';
import { deliver } from './sending.ts';
import type { SendParams } from './sending.ts';

interface InvoiceParams {
  title: string;
  description: string;
  payload: string;
  provider_token?: string;
  currency: string;
  prices: LabeledPrice[];
  start_parameter?: string;
}

export const sendInvoice: Method<SendParams & InvoiceParams> = (simulation, params) => {
  const chat = writableChat(simulation, params.chat_id);
  const invoice = checkedInvoice(params, undefined);
  const payButton = [{ text: `Pay ⭐️${invoice.totalStars}`, pay: true }];
  const service = {
    invoice: {
      title: params.title,
      description: params.description,
      start_parameter: params.start_parameter ?? '',
      currency: params.currency,
      total_amount: invoice.totalStars,
    },
  };
  const withButton = { ...params, reply_markup: params.reply_markup ?? { inline_keyboard: [payButton] } };
  const message = deliver(simulation, chat, withButton, { service });
  simulation.ledger.invoices.set(`${chat.id}:${message.message_id}`, invoice);
  return message;
};

export const createInvoiceLink: Method<InvoiceParams & { subscription_period?: number }> = (
  { ledger },
  params,
) => {
  const link = `https://t.me/$simulated${ledger.nextNumber()}`;
  ledger.invoices.set(link, checkedInvoice(params, params.subscription_period));
  return link;
};

/** Bot API answerPreCheckoutQuery: within 10 seconds, with an error message if and only if it is not ok. */
export const answerPreCheckoutQuery: Method<{
  pre_checkout_query_id: string;
  ok: boolean;
  error_message?: string;
}> = (simulation, { pre_checkout_query_id, ok, error_message }) => {
  if (!ok && (error_message === undefined || error_message === ''))
    throw badRequest('error message is empty');
  simulation.checkouts.answer(pre_checkout_query_id, { ok, errorMessage: error_message });
  return true;
};

interface ChargeParams {
  user_id: number;
  telegram_payment_charge_id: string;
}

/** Bot API refundStarPayment. A second refund of a charge is refused; a subscription goes on unless it is cancelled too. */
export const refundStarPayment: Method<ChargeParams> = (simulation, params) => {
  const charge = findCharge(simulation, params);
  if (charge.isRefunded) throw badRequest('CHARGE_ALREADY_REFUNDED');
  giveBack(simulation, charge);
  return true;
};

/**
 * Bot API editUserStarSubscription: ends a subscription with what is paid, or lets the person renew it again. Nothing tells the bot of
 * what it did itself. Strict: only the first charge of a subscription names it.
 */
export const editUserStarSubscription: Method<ChargeParams & { is_canceled: boolean }> = (
  simulation,
  params,
) => {
  const { id, subscription } = findCharge(simulation, params);
  if (subscription?.firstCharge !== id) throw badRequest('CHARGE_ID_INVALID');
  if (params.is_canceled) subscription.state = 'canceled_by_bot';
  else if (subscription.state === 'canceled_by_bot') subscription.state = 'canceled';
  return true;
};

/** Bot API getStarTransactions: all that came in and was given back, oldest first, 1-100 a page. */
export const getStarTransactions: Method<{ offset?: number; limit?: number }> = (
  { ledger },
  { offset = 0, limit = 100 },
) => {
  if (offset < 0 || limit < 1 || limit > 100) throw badRequest('simulator: a page has 1-100 transactions');
  return { transactions: ledger.movements.slice(offset, offset + limit).map(transactionObject) };
};

function findCharge({ ledger }: Simulation, params: ChargeParams): StarCharge {
  const charge = ledger.charges.get(params.telegram_payment_charge_id);
  if (charge === undefined || charge.user.id !== params.user_id) throw badRequest('CHARGE_ID_INVALID');
  return charge;
}

/** A refund has the id of what it gives back (Bot API StarTransaction). */
function transactionObject({ charge, isRefund, date }: StarMovement): object {
  const { id, user, invoice } = charge;
  const partner = {
    type: 'user',
    transaction_type: 'invoice_payment',
    user: userObject(user),
    invoice_payload: invoice.payload,
    ...(invoice.subscriptionSeconds === undefined
      ? {}
      : { subscription_period: invoice.subscriptionSeconds }),
  };
  return {
    id,
    amount: invoice.totalStars,
    date,
    ...(isRefund ? { receiver: partner } : { source: partner }),
  };
}

const monthSeconds = 2_592_000;
const dearestSubscriptionStars = 10_000;

/**
 * Checks an invoice in Stars (Bot API sendInvoice): currency XTR, no provider, exactly one price, title 1-32 and description 1-255
 * characters, payload 1-128 bytes; a subscription runs 30 days and costs at most 10,000 Stars. Refuses with 400.
 */
function checkedInvoice(params: InvoiceParams, period: number | undefined): StarInvoice {
  const { title, description, payload, currency, prices, provider_token: provider = '' } = params;
  const refuseUnless = (holds: boolean, reason: string): void => {
    if (!holds) throw badRequest(`simulator: ${reason}`);
  };
  const between = (length: number, max: number): boolean => length >= 1 && length <= max;
  refuseUnless(currency === 'XTR' && provider === '', 'only invoices in Stars (XTR) are played');
  refuseUnless(between(codePoints(title), 32), 'an invoice title has 1-32 characters');
  refuseUnless(between(codePoints(description), 255), 'an invoice description has 1-255 characters');
  refuseUnless(between(Buffer.byteLength(payload), 128), 'an invoice payload has 1-128 bytes');
  const [price] = prices;
  if (price === undefined || prices.length > 1 || price.amount < 1) {
    throw badRequest('STARS_INVOICE_INVALID');
  }
  if (period !== undefined && period !== monthSeconds) throw badRequest('SUBSCRIPTION_PERIOD_INVALID');
  refuseUnless(
    period === undefined || price.amount <= dearestSubscriptionStars,
    'a subscription costs at most 10000 Stars',
  );
  return { payload, totalStars: price.amount, subscriptionSeconds: period };
}
