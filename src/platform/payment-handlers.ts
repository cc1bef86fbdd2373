import type { Platform } from './ids.ts';
import type {
  Entitlement,
  EntitlementSnapshot,
  Payment,
  PreCheckout,
  Refund,
  SubscriptionChange,
} from './payment.ts';

/** Who is told of a payment. */
export interface PaymentReader {
  /** IETF language tag that the platform reports, if any. */
  readonly locale: string | null;
  /** Nobody told of it when it happened: it was found when the platform's account was read. */
  readonly isFoundLater: boolean;
}

/**
 * What the core does with what platforms tell of money. All of it may come more than once, and in any order: each thing is
 * taken down once. All reject with `StoreUnavailable` when nothing is stored; then the same has to be handed over again.
 */
export interface PaymentHandlers {
  /** Whether anything is sold: where nothing is, no platform's shop has to be looked after. */
  readonly sells: boolean;
  /** Resolves with why an invoice must not be paid now, in the payer's language; null where it may be. Changes nothing. */
  onPreCheckout(query: PreCheckout, reader: PaymentReader): Promise<string | null>;
  /** Somebody has paid. Resolves when that is stored, with what the payer is told; empty where they were told before. */
  onPayment(payment: Payment, reader: PaymentReader): Promise<string>;
  /** A payment was given back. Resolves as above. */
  onRefund(refund: Refund, reader: PaymentReader): Promise<string>;
  /** A subscription goes on, is not renewed, or could not be charged. Resolves as above. */
  onSubscription(change: SubscriptionChange, reader: PaymentReader): Promise<string>;
  /** All that the platform's account told is handed over: what it must not charge for any more is stopped there. */
  onAccountRead(platform: Platform): Promise<void>;
  /** The platform's shop has sold something, changed it or taken it back. */
  onEntitlement(entitlement: Entitlement): Promise<void>;
  /** All that the platform's shop has sold and that has not ended. */
  onEntitlements(platform: Platform, snapshot: EntitlementSnapshot): Promise<void>;
}
