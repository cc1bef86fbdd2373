import type { GuildId, Platform, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type {
  Entitlement,
  EntitlementSnapshot,
  Invoice,
  Payment,
  PlanSubject,
  PreCheckout,
  Refund,
  SubscriptionChange,
} from '../platform/payment.ts';
import type { QuotaLimits } from '../limits/quota.ts';

/** What a plan switches on, beside its numbers. */
export const PLAN_FEATURES = [
  'advanced_models',
  'web_search',
  'prompt_caching',
  'image_generation',
  'pdf',
  'audio',
] as const;
export type PlanFeature = (typeof PLAN_FEATURES)[number];

/** What somebody has by the plan that is in force for them. */
export interface Entitlements {
  readonly plan: string;
  readonly version: number;
  /** By month: requests, tokens, images. Absent: no limit of that kind; 0: blocked. */
  readonly limits: QuotaLimits;
  /** Messages a minute that one person may send. */
  readonly ratePerMinute: number;
  /** Tokens of history and answer together that a turn may read and write. */
  readonly maxContextTokens: number;
  /** Model configurations that a person may keep. */
  readonly presets: number;
  readonly features: Readonly<Record<PlanFeature, boolean>>;
  readonly isFirstInQueue: boolean;
}

/** What a turn keeps of the plan that it was admitted by. */
export interface TurnPlan extends Omit<Entitlements, 'limits' | 'presets'> {
  readonly name: string;
  /** Whose plan it is; `free` for what everybody has. */
  readonly from: PlanSubject['kind'] | 'free';
}

/** A plan as it is sold now. */
export interface Plan extends Entitlements {
  readonly name: string;
  /** Higher is better; 0 is the plan of whoever has none. */
  readonly position: number;
  /** A month; null where it has none in that currency and can't be bought so. */
  readonly priceUsdCents: number | null;
  readonly telegramStars: number | null;
  /** False: nobody new gets it. */
  readonly isOffered: boolean;
  readonly skus: readonly { readonly sku: string; readonly scope: PlanSubject['kind'] }[];
}

export type SubscriptionSource = 'grant' | 'stars' | 'shop';

/**
 * `cancelled`: in force until its period ends and not renewed. `past_due`: a renewal failed, in force until the grace
 * period ends. `ended` and `refunded` are history.
 */
export type SubscriptionStatus = 'active' | 'cancelled' | 'past_due' | 'ended' | 'refunded';

/** A subscription that is in force. */
export interface Subscription {
  readonly subject: PlanSubject;
  readonly plan: string;
  readonly planName: string;
  readonly version: number;
  readonly source: SubscriptionSource;
  readonly status: SubscriptionStatus;
  readonly startedAtMs: number;
  /** When it ends or is renewed; null: not as far as is known. */
  readonly periodEndsAtMs: number | null;
  /** Until when it lasts without a renewal; null as above. */
  readonly endsAtMs: number | null;
  /** The plan is not offered any more: nothing follows after the end. */
  readonly isRetired: boolean;
  /** Who pays for it, and by which first payment; null where nobody does, or the platform's shop keeps it. */
  readonly charge: Charge | null;
}

/** What somebody has, and what is in force of it. */
export interface PlanView {
  readonly entitlements: Entitlements;
  readonly planName: string;
  /** Whose plan it is that is in force: the better of the two. */
  readonly from: PlanSubject['kind'] | 'free';
  /** The person's own ones that are in force, the best first. */
  readonly own: readonly Subscription[];
  /** The guild's. */
  readonly guild: readonly Subscription[];
  /** Settled use of the person in this month (UTC). */
  readonly used: { readonly requests: number; readonly tokens: number; readonly images: number };
  /** When that begins anew. */
  readonly resetsAtMs: number;
}

/** A payment as its payer or an operator reads of it. */
export interface PaymentRecord {
  /** The first characters of our own id of it: enough to be told apart. */
  readonly shortId: string;
  readonly chargeId: string;
  readonly payer: UserId;
  readonly plan: string;
  readonly planName: string;
  readonly amount: number;
  readonly currency: string;
  /** `unassigned`: it was paid, and nothing follows from it, because it fits nothing that was offered. */
  readonly state: 'paid' | 'refunded' | 'unassigned';
  readonly paidAtMs: number;
}

/** Why an invoice must not be paid. `plan_gone` also for a version that is not sold any more at that price. */
export type CheckoutRefusal =
  | 'plans_off'
  | 'unknown_offer'
  | 'plan_gone'
  | 'not_for_sale'
  | 'wrong_payer'
  | 'wrong_currency'
  | 'wrong_amount'
  | 'already_subscribed'
  | 'has_better';

export type CheckoutVerdict =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'refused';
      readonly reason: CheckoutRefusal;
      /** When what they have ends; null where that is not why, or not known. */
      readonly endsAtMs: number | null;
    };

export type Offered =
  | (Invoice & { readonly kind: 'offered'; readonly plan: Plan })
  | (Extract<CheckoutVerdict, { kind: 'refused' }> & { readonly plan: Plan | null });

/** What the platform goes on charging for: who pays, and the first payment, which names the subscription there. */
export interface Charge {
  readonly payer: UserId;
  readonly chargeId: string;
}

/** A subscription that the platform renews by itself. */
export interface Renewing extends Charge {
  /** The payload of the invoice that began it. */
  readonly payload: string;
  /** The plan is not offered any more. */
  readonly isRetired: boolean;
}

export type PaymentOutcome =
  | {
      /** `known`: this payment was credited before, and nothing is to be told again. */
      readonly kind: 'credited' | 'known';
      readonly subject: PlanSubject;
      readonly plan: string;
      readonly planName: string;
      readonly isRenewal: boolean;
      readonly endsAtMs: number;
      /** First payments of subscriptions whose renewal is to be stopped: others took their place, or the plan is not sold any more. */
      readonly stopRenewal: readonly Charge[];
    }
  /** Recorded, and nothing follows from it: to be given back by an operator (`/plan refund`). */
  | {
      readonly kind: 'unassigned';
      readonly reason: CheckoutRefusal;
      readonly isKnown: boolean;
      readonly stopRenewal: readonly Charge[];
    };

export type RefundOutcome =
  | {
      readonly kind: 'refunded';
      readonly plan: string;
      readonly planName: string;
      /** When the plan is over by it; null where nothing changed, because what was paid for was over. */
      readonly endedAtMs: number | null;
      /** First payments of subscriptions that must not be charged again. */
      readonly stopRenewal: readonly Charge[];
    }
  | { readonly kind: 'known'; readonly stopRenewal: readonly Charge[] }
  | { readonly kind: 'unknown_payment' };

export type SubscriptionOutcome =
  | {
      readonly kind: 'changed' | 'unchanged';
      readonly plan: string;
      readonly planName: string;
      readonly status: SubscriptionStatus;
      readonly endsAtMs: number | null;
    }
  | { readonly kind: 'unknown' };

export type EntitlementOutcome =
  | {
      readonly kind: 'granted' | 'changed' | 'unchanged' | 'ended';
      readonly subject: PlanSubject;
      readonly plan: string;
    }
  /** The operator has mapped no plan to it (`/plan sku`); nothing follows from it. */
  | { readonly kind: 'unknown_sku'; readonly sku: string };

export interface ReconcileReport {
  readonly granted: number;
  readonly ended: number;
  readonly unchanged: number;
  readonly unknownSkus: readonly string[];
}

/** What was asked of the plans by a person, and how it went; a repeat of the event tells the same. */
export type PlanChangeOutcome =
  | {
      readonly kind: 'done';
      /** Null where it concerns nobody in particular. */
      readonly subject: PlanSubject | null;
      readonly plan: string;
      readonly planName: string;
      readonly version: number;
      readonly endsAtMs: number | null;
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'unknown_plan' | 'unknown_subject' | 'nothing_to_end' | 'plan_is_free' | 'in_the_past';
    };

export type PlanEditOutcome =
  | {
      readonly kind: 'edited';
      readonly plan: string;
      readonly planName: string;
      readonly version: number;
      readonly before: PlanValue;
      readonly after: PlanValue;
    }
  | { readonly kind: 'refused'; readonly reason: 'unknown_plan' | 'unchanged' | 'free_stays_free' };

/** What of a plan an operator can set; numbers are whole and at least 0, null is no limit or no price. */
export type PlanField =
  | 'price_usd_cents'
  | 'stars'
  | 'is_offered'
  | 'requests_month'
  | 'tokens_month'
  | 'images_month'
  | 'rate_per_minute'
  | 'max_context_tokens'
  | 'presets'
  | 'first_in_queue'
  | PlanFeature;
export type PlanValue = number | boolean | null;

/**
 * Who has which plan, and why. Payments and what a platform sold come in as they are told, in any order and more than
 * once: each changes something once. Every method rejects with `StoreUnavailable`; nothing has happened then, or the same
 * call may be made again.
 */
export interface PlanLedger {
  /** What an invoice for the plan says, where the person may buy it now. */
  offer(buyer: UserId, subject: PlanSubject, plan: string): Promise<Offered>;
  /** Whether an invoice may be paid by this payer at this moment. Changes nothing. */
  checkout(query: PreCheckout): Promise<CheckoutVerdict>;
  /** Takes down a payment, once by its charge id, and credits what it is for. Money that came is never refused. */
  pay(payment: Payment): Promise<PaymentOutcome>;
  /** A payment was given back: what lies ahead of what it paid for is taken away. Once by the charge id. */
  refund(refund: Refund): Promise<RefundOutcome>;
  /** The platform tells that a subscription is not renewed, is again, or could not be charged. */
  subscriptionChanged(change: SubscriptionChange): Promise<SubscriptionOutcome>;
  /** The platform's shop tells of something sold, changed or taken back. */
  entitlement(entitlement: Entitlement): Promise<EntitlementOutcome>;
  /** Makes what the shop sold true as it told all of it: what was missed begins, what is not there any more ends. */
  reconcile(snapshot: EntitlementSnapshot): Promise<ReconcileReport>;

  /** An operator gives a plan, instead of what was given before; `untilMs` null for good. */
  grant(
    envelope: Envelope,
    subject: PlanSubject,
    plan: string,
    untilMs: number | null,
  ): Promise<PlanChangeOutcome>;
  /** An operator ends what a subject has, at once, whatever it came from. */
  revoke(envelope: Envelope, subject: PlanSubject): Promise<PlanChangeOutcome>;
  /** Notes that a subscription is not to be renewed, after the platform was told: it lasts until its period ends. */
  cancel(envelope: Envelope, subject: PlanSubject): Promise<PlanChangeOutcome>;
  /** Sells a plan by what the platform's shop calls it. */
  assignSku(
    envelope: Envelope,
    sku: string,
    plan: string,
    scope: PlanSubject['kind'],
  ): Promise<PlanChangeOutcome>;
  /** Makes a new version of a plan with one thing changed. Subscriptions keep the version that they began with. */
  edit(envelope: Envelope, plan: string, field: PlanField, value: PlanValue): Promise<PlanEditOutcome>;
  /** On record, once for an event: somebody was refused a change, such as `plan.cancel`. */
  refuse(envelope: Envelope, action: string, subject: PlanSubject): Promise<void>;

  /** What is in force for a person there, and what they have. */
  show(user: UserId, guild: GuildId | null): Promise<PlanView>;
  /** What a subject has itself that is in force, the best first. */
  subscriptions(subject: PlanSubject): Promise<readonly Subscription[]>;
  /** What a platform goes on charging for, whether plans are served or not. */
  renewing(platform: Platform): Promise<readonly Renewing[]>;
  /** The plans as they are now, the least first. */
  plans(): Promise<readonly Plan[]>;
  /** The payer's last ones, at most 20, the newest first. */
  payments(payer: UserId): Promise<readonly PaymentRecord[]>;
  /** By the charge id or a short id; null where there is none, or a short id fits several. */
  payment(id: string): Promise<PaymentRecord | null>;
}
