import type { Message, RefundedPayment, SuccessfulPayment, Update, User } from 'grammy/types';
import { userId } from '../../platform/ids.ts';
import type { Payment, PreCheckout, Refund, SubscriptionChange } from '../../platform/payment.ts';
import type { Address } from './address.ts';

/** What an update tells of money, and to whom it is answered. */
export type MoneyEvent =
  | {
      readonly kind: 'checkout';
      readonly queryId: string;
      readonly query: PreCheckout;
      readonly payer: Payer;
    }
  | { readonly kind: 'payment'; readonly payment: Payment; readonly payer: Payer }
  | { readonly kind: 'refund'; readonly refund: Refund; readonly payer: Payer }
  | { readonly kind: 'subscription'; readonly change: SubscriptionChange; readonly payer: Payer };

export interface Payer {
  /** Where they are told of it. */
  readonly address: Address;
  readonly locale: string | null;
}

/** Reads what an update tells of money; null where it tells of none. `receivedAtMs` dates what Telegram does not. */
export function decodeMoney(update: Update, receivedAtMs: number): MoneyEvent | null {
  const { message, pre_checkout_query: query, subscription } = update;
  if (query !== undefined) {
    const asked = { ...invoiceOf(query), payer: userId('telegram', query.from.id) };
    return { kind: 'checkout', queryId: query.id, query: asked, payer: inPrivate(query.from) };
  }
  if (subscription !== undefined) {
    const { user, invoice_payload: payload } = subscription;
    const state = subscription.state === 'canceled' ? ('cancelled' as const) : subscription.state;
    const change = { payer: userId('telegram', user.id), payload, state, atMs: receivedAtMs };
    return { kind: 'subscription', change, payer: inPrivate(user) };
  }
  if (message?.successful_payment !== undefined) return decodePayment(message, message.successful_payment);
  if (message?.refunded_payment !== undefined) return decodeRefund(message, message.refunded_payment);
  return null;
}

function decodePayment(message: Message, paid: SuccessfulPayment): MoneyEvent | null {
  const { from, chat } = message;
  if (from === undefined) return null;
  const expiresAt = paid.subscription_expiration_date;
  const payment = {
    ...invoiceOf(paid),
    payer: userId('telegram', from.id),
    chargeId: paid.telegram_payment_charge_id,
    paidAtMs: message.date * 1000,
    expiresAtMs: expiresAt === undefined ? null : expiresAt * 1000,
    isRenewal: paid.is_recurring === true && paid.is_first_recurring !== true,
  };
  const address = { chatId: chat.id, isPrivate: chat.type === 'private', replyToId: null, topicId: null };
  return { kind: 'payment', payment, payer: { address, locale: from.language_code ?? null } };
}

/** It is not told who speaks in this message: in private it is about whose chat it is. */
function decodeRefund(message: Message, refunded: RefundedPayment): MoneyEvent | null {
  const { from, chat } = message;
  const payerId = chat.type === 'private' ? chat.id : from?.id;
  if (payerId === undefined) return null;
  const refund = {
    payer: userId('telegram', payerId),
    chargeId: refunded.telegram_payment_charge_id,
    atMs: message.date * 1000,
  };
  const locale = from?.id === payerId ? (from.language_code ?? null) : null;
  return { kind: 'refund', refund, payer: { address: privateChat(payerId), locale } };
}

function invoiceOf(sold: { currency: string; total_amount: number; invoice_payload: string }) {
  return { payload: sold.invoice_payload, currency: sold.currency, amount: sold.total_amount };
}

function inPrivate({ id, language_code: locale }: User): Payer {
  return { address: privateChat(id), locale: locale ?? null };
}

/** A private chat has its person's id (Bot API Chat). */
export function privateChat(userId: number): Address {
  return { chatId: userId, isPrivate: true, replyToId: null, topicId: null };
}
