import type { LabeledPrice } from '@grammyjs/types';
import type { StarInvoice } from '../payments.ts';
import { badRequest } from '../refusal.ts';
import { codePoints } from '../text.ts';
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

export const refundStarPayment: Method<{ user_id: number; telegram_payment_charge_id: string }> = (
  { ledger },
  { user_id, telegram_payment_charge_id },
) => {
  if (ledger.charges.get(telegram_payment_charge_id) !== user_id) throw badRequest('CHARGE_NOT_FOUND');
  ledger.charges.delete(telegram_payment_charge_id);
  return true;
};

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
    throw badRequest('simulator: an invoice in Stars has exactly one price of at least 1');
  }
  refuseUnless(period === undefined || period === monthSeconds, 'a subscription lasts 2592000 seconds');
  refuseUnless(
    period === undefined || price.amount <= dearestSubscriptionStars,
    'a subscription costs at most 10000 Stars',
  );
  return { payload, totalStars: price.amount, subscriptionSeconds: period };
}
