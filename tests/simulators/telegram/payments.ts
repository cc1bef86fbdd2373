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

/** The bot's answer to a payment about to be made. */
export interface CheckoutAnswer {
  readonly ok: boolean;
  readonly errorMessage: string | undefined;
}

export interface Ledger {
  /** Invoices by link, or by `chat:message`. */
  readonly invoices: Map<string, StarInvoice>;
  /** Payers by charge id; a refund removes the charge. */
  readonly charges: Map<string, number>;
  nextNumber(): number;
  clear(): void;
}

export function createLedger(): Ledger {
  const invoices = new Map<string, StarInvoice>();
  const charges = new Map<string, number>();
  let last = 0;
  return {
    invoices,
    charges,
    nextNumber: () => ++last,
    clear() {
      invoices.clear();
      charges.clear();
    },
  };
}

/**
 * A person pays an invoice, named by its link or `chat:message`. The bot is asked first (`pre_checkout_query`); if it agrees, the private
 * chat gets the `successful_payment` message. Resolves with the bot's answer; throws when there is no such invoice.
 */
export async function pay(simulation: Simulation, user: SimUser, reference: string): Promise<CheckoutAnswer> {
  const { ledger, world } = simulation;
  const invoice = ledger.invoices.get(reference);
  if (invoice === undefined) throw new Error(`There is no invoice ${reference}.`);
  const amount = {
    currency: 'XTR',
    total_amount: invoice.totalStars,
    invoice_payload: invoice.payload,
  };
  const query = simulation.checkouts.open();
  simulation.updates.push('pre_checkout_query', { id: query.id, from: userObject(user), ...amount });
  const answer = await query.answer;
  if (!answer.ok) return answer;
  const charge = `stxSIM${ledger.nextNumber()}`;
  ledger.charges.set(charge, user.id);
  const payment = {
    ...amount,
    telegram_payment_charge_id: charge,
    provider_payment_charge_id: '',
    ...subscription(simulation, invoice),
  };
  const service = { successful_payment: payment };
  announce(simulation, postMessage(world, world.privateChat(user), user, { service }));
  return answer;
}

function subscription(simulation: Simulation, { subscriptionSeconds }: StarInvoice): object {
  if (subscriptionSeconds === undefined) return {};
  const until = Math.floor(simulation.now() / 1000) + subscriptionSeconds;
  return { subscription_expiration_date: until, is_recurring: true, is_first_recurring: true };
}
