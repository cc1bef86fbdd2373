import type { GuildId, UserId } from './ids.ts';

/** Whose plan something is about: a person's own, or a guild's. */
export type PlanSubject =
  | { readonly kind: 'user'; readonly id: UserId }
  | { readonly kind: 'guild'; readonly id: GuildId };

/** What an invoice says, as it goes out and as the platform brings it back. */
export interface Invoice {
  /** 1-128 bytes of ASCII, made by the ledger: names the plan, its version, whom it is for and who may pay. */
  readonly payload: string;
  /** `XTR` for Telegram's Stars. */
  readonly currency: string;
  /** In the smallest unit of the currency: whole Stars. */
  readonly amount: number;
}

/** An invoice before it is sent. */
export interface InvoiceOffer extends Invoice {
  readonly buyer: UserId;
  /** In the buyer's language; at most 32 characters. */
  readonly title: string;
  /** In the buyer's language; at most 255 characters. */
  readonly description: string;
}

/** Somebody is about to pay an invoice. */
export interface PreCheckout extends Invoice {
  readonly payer: UserId;
}

/** Somebody has paid an invoice, for the first time or again for the next period. */
export interface Payment extends Invoice {
  readonly payer: UserId;
  /** The platform's name of this payment; each period has its own. */
  readonly chargeId: string;
  readonly paidAtMs: number;
  /** When what was paid for ends; null where the platform does not tell: 30 days later then. */
  readonly expiresAtMs: number | null;
  /** The next period of a subscription that began earlier; null where the platform does not tell. */
  readonly isRenewal: boolean | null;
}

/** A payment was given back. */
export interface Refund {
  readonly payer: UserId;
  readonly chargeId: string;
  readonly atMs: number;
  /** The operator who did; absent where the platform tells of it. */
  readonly by?: UserId;
}

/** A subscription that the platform keeps goes on, is not to be renewed, or could not be charged. */
export interface SubscriptionChange {
  readonly payer: UserId;
  /** The payload of the invoice that began it. */
  readonly payload: string;
  readonly state: 'active' | 'cancelled' | 'failed';
  readonly atMs: number;
}

/** What a platform's shop sold, as the platform tells it (Discord's entitlement). */
export interface Entitlement {
  /** The platform's id of it. */
  readonly id: string;
  readonly sku: string;
  readonly subject: PlanSubject;
  /** Null where the platform tells none: from now on. */
  readonly startsAtMs: number | null;
  /** Null while it is renewed by itself. */
  readonly endsAtMs: number | null;
  readonly isDeleted: boolean;
}

/** All that a platform's shop has sold and that has not ended, as it was at a moment. */
export interface EntitlementSnapshot {
  readonly entitlements: readonly Entitlement[];
  /** When the platform was asked, at the latest: what began later is left alone. */
  readonly askedAtMs: number;
}

/** A call to the platform that takes payments. `refused`: and it will refuse again; `reason` is for the log. */
export type DeskOutcome =
  | { readonly kind: 'done' }
  /** It had been done before. */
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unreachable' };

export type InvoiceLink =
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unreachable' };

/** The platform's side of payments, where it takes any. Nothing here rejects. */
export interface PaymentDesk {
  /** Where the buyer pays; a subscription of 30 days that renews itself. */
  invoiceLink(offer: InvoiceOffer): Promise<InvoiceLink>;
  /** Gives one payment back. A subscription goes on all the same, unless it is cancelled. */
  refund(payment: { readonly payer: UserId; readonly chargeId: string }): Promise<DeskOutcome>;
  /** Stops the next charge of a subscription, named by its first payment; what is paid for lasts. */
  cancel(subscription: { readonly payer: UserId; readonly chargeId: string }): Promise<DeskOutcome>;
}
