import { setTimeout as sleep } from 'node:timers/promises';
import { announce } from './people.ts';
import { postMessage } from './messages.ts';
import type { Simulation } from './simulation.ts';
import { userObject } from './world.ts';
import type { SimUser } from './world.ts';

/** Something the bot sells for Stars, by message or by link. */
export interface StarInvoice {
  readonly payload: string;
  readonly totalStars: number;
  /** 2,592,000 (30 days) for a subscription. */
  readonly subscriptionSeconds: number | undefined;
}

/** The bot's answer to a payment about to be made, or what the person is told when it gave none in time. */
export interface CheckoutAnswer {
  readonly ok: boolean;
  readonly errorMessage: string | undefined;
}

/** One payment that was made. */
export interface StarCharge {
  readonly id: string;
  readonly user: SimUser;
  readonly invoice: StarInvoice;
  /** Null for what is bought once. */
  readonly subscription: StarSubscription | null;
  isRefunded: boolean;
}

/** What a person pays for each month, until somebody ends it. */
export interface StarSubscription {
  /** The charge that began it, and that names it to the bot. */
  readonly firstCharge: string;
  readonly reference: string;
  readonly user: SimUser;
  readonly invoice: StarInvoice;
  state: 'active' | 'canceled' | 'canceled_by_bot' | 'failed';
  /** Seconds since 1970. */
  paidUntil: number;
}

/** One line of the bot's account of Stars. */
export interface StarMovement {
  readonly charge: StarCharge;
  readonly isRefund: boolean;
  /** Seconds since 1970. */
  readonly date: number;
}

export interface Ledger {
  /** Invoices by link, or by `chat:message`. */
  readonly invoices: Map<string, StarInvoice>;
  /** By their ids. */
  readonly charges: Map<string, StarCharge>;
  /** Oldest first. */
  readonly movements: StarMovement[];
  nextNumber(): number;
  clear(): void;
}

export function createLedger(): Ledger {
  const invoices = new Map<string, StarInvoice>();
  const charges = new Map<string, StarCharge>();
  const movements: StarMovement[] = [];
  let last = 0;
  return {
    invoices,
    charges,
    movements,
    nextNumber: () => ++last,
    clear() {
      invoices.clear();
      charges.clear();
      movements.length = 0;
    },
  };
}

/**
 * A person pays an invoice, named by its link or `chat:message`. The bot is asked first (`pre_checkout_query`); if it agrees, the private
 * chat gets the `successful_payment` message. Resolves with the bot's answer, or after the time it has with `BOT_PRECHECKOUT_TIMEOUT`.
 * Throws when there is no such invoice, and when the person has a subscription by it already.
 */
export async function pay(simulation: Simulation, user: SimUser, reference: string): Promise<CheckoutAnswer> {
  const invoice = simulation.ledger.invoices.get(reference);
  if (invoice === undefined) throw new Error(`There is no invoice ${reference}.`);
  if (runningSubscription(simulation, user, reference) !== undefined) {
    throw new Error('SUBSCRIPTION_ALREADY_ACTIVE');
  }
  const query = simulation.checkouts.open();
  simulation.updates.push('pre_checkout_query', {
    id: query.id,
    from: userObject(user),
    ...amountOf(invoice),
  });
  const answer = await Promise.race([query.answer, patienceOf(simulation)]);
  if (!answer.ok) return answer;
  charge(simulation, { user, reference, invoice, before: undefined });
  return answer;
}

/** Telegram takes the next month's Stars of the subscription that a charge belongs to. The bot is not asked. Returns the new charge's id. */
export function renew(simulation: Simulation, chargeId: string): string {
  const before = subscriptionOf(simulation, chargeId);
  if (before.state !== 'active') throw new Error(`The subscription of ${chargeId} is not renewed any more.`);
  return charge(simulation, { ...before, before });
}

/** The person has too few Stars for the next month. */
export function failRenewal(simulation: Simulation, chargeId: string): void {
  changeState(simulation, subscriptionOf(simulation, chargeId), 'failed');
}

/** The person wants no further months of the subscription that a charge belongs to, or wants them again. */
export function setCanceled(simulation: Simulation, chargeId: string, isCanceled: boolean): void {
  const subscription = subscriptionOf(simulation, chargeId);
  if (subscription.state === 'canceled_by_bot') {
    throw new Error('The bot has cancelled this subscription; only it can allow it again.');
  }
  changeState(simulation, subscription, isCanceled ? 'canceled' : 'active');
}

/** Gives a charge's Stars back: the private chat gets the `refunded_payment` message. */
export function giveBack(simulation: Simulation, paid: StarCharge): void {
  const { world, ledger } = simulation;
  paid.isRefunded = true;
  ledger.movements.push({ charge: paid, isRefund: true, date: seconds(simulation) });
  const refund = { ...amountOf(paid.invoice), telegram_payment_charge_id: paid.id };
  const service = { refunded_payment: refund };
  announce(simulation, postMessage(world, world.privateChat(paid.user), paid.user, { service }));
}

interface Charging {
  readonly user: SimUser;
  readonly reference: string;
  readonly invoice: StarInvoice;
  /** The subscription that goes on by it. */
  readonly before: StarSubscription | undefined;
}

function charge(simulation: Simulation, { user, reference, invoice, before }: Charging): string {
  const { world, ledger } = simulation;
  const id = `stxSIM${ledger.nextNumber()}`;
  const subscription = before ?? newSubscription(simulation, id, { user, reference, invoice });
  if (subscription !== null && invoice.subscriptionSeconds !== undefined) {
    subscription.paidUntil += invoice.subscriptionSeconds;
  }
  const paid: StarCharge = { id, user, invoice, subscription, isRefunded: false };
  ledger.charges.set(id, paid);
  ledger.movements.push({ charge: paid, isRefund: false, date: seconds(simulation) });
  const recurring = subscription !== null && {
    subscription_expiration_date: subscription.paidUntil,
    is_recurring: true,
    ...(before === undefined ? { is_first_recurring: true } : {}),
  };
  const payment = {
    ...amountOf(invoice),
    telegram_payment_charge_id: id,
    provider_payment_charge_id: '',
    ...recurring,
  };
  const service = { successful_payment: payment };
  announce(simulation, postMessage(world, world.privateChat(user), user, { service }));
  return id;
}

function newSubscription(
  simulation: Simulation,
  firstCharge: string,
  { user, reference, invoice }: Omit<Charging, 'before'>,
): StarSubscription | null {
  if (invoice.subscriptionSeconds === undefined) return null;
  return { firstCharge, reference, user, invoice, state: 'active', paidUntil: seconds(simulation) };
}

function runningSubscription(
  simulation: Simulation,
  user: SimUser,
  reference: string,
): StarSubscription | undefined {
  return [...simulation.ledger.charges.values()]
    .map(({ subscription }) => subscription)
    .filter((subscription) => subscription !== null)
    .find(
      (subscription) =>
        subscription.reference === reference &&
        subscription.user.id === user.id &&
        subscription.paidUntil > seconds(simulation),
    );
}

function subscriptionOf({ ledger }: Simulation, chargeId: string): StarSubscription {
  const subscription = ledger.charges.get(chargeId)?.subscription;
  if (subscription === undefined || subscription === null)
    throw new Error(`${chargeId} is no subscription's charge.`);
  return subscription;
}

function changeState(
  simulation: Simulation,
  subscription: StarSubscription,
  state: 'active' | 'canceled' | 'failed',
): void {
  subscription.state = state;
  simulation.updates.push('subscription', {
    user: userObject(subscription.user),
    invoice_payload: subscription.invoice.payload,
    state,
  });
}

/** The person's client gives up when the bot has not answered. */
async function patienceOf({ options }: Simulation): Promise<CheckoutAnswer> {
  await sleep(options.checkoutDeadlineMs, undefined, { ref: false });
  return { ok: false, errorMessage: 'BOT_PRECHECKOUT_TIMEOUT' };
}

function amountOf(invoice: StarInvoice) {
  return { currency: 'XTR', total_amount: invoice.totalStars, invoice_payload: invoice.payload };
}

function seconds({ now }: Simulation): number {
  return Math.floor(now() / 1000);
}
