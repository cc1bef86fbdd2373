import { formatMoment } from './duration.ts';

const date = formatMoment;
const yours = (of: string): string => (of === 'guild' ? 'your community has' : 'you have');

/** Why an invoice can't be paid, as the end of a sentence. */
const REFUSALS: Record<string, string> = {
  plans_off: 'plans are not sold here any more',
  unknown_offer: 'it is none that I have made',
  plan_gone: 'that plan is not sold any more, or not at that price',
  not_for_sale: 'that plan is not sold',
  wrong_payer: 'it was made for somebody else',
  wrong_currency: 'it is in a currency that I don’t take',
  wrong_amount: 'its amount is not what the plan costs',
  already_subscribed: 'that plan is already paid for',
  has_better: 'there is a better plan already',
};

/** Paying for plans: invoices, payments, refunds, renewals. */
export const enPayments = {
  'checkout.refused': (p: { reason: string; endsAtMs: number }) =>
    `This can’t be paid: ${REFUSALS[p.reason] ?? 'it is not on offer'}${p.endsAtMs < 0 ? '' : `, until ${date(p.endsAtMs)}`}. Nothing was charged; /plan shows what there is.`,
  'checkout.unavailable': () =>
    'I can’t take payments at this moment. Nothing was charged; please try again in a few minutes.',
  'payment.credited': (p: { plan: string; endsAtMs: number; of: string }) =>
    `Thank you! From now on ${yours(p.of)} the plan **${p.plan}**. It is renewed on ${date(p.endsAtMs)}, unless you end it with /plan cancel.`,
  'payment.renewed': (p: { plan: string; endsAtMs: number; of: string }) =>
    `The plan **${p.plan}** that ${yours(p.of)} was renewed until ${date(p.endsAtMs)}.`,
  'payment.unassigned': (p: { reason: string }) =>
    `Your payment arrived, but nothing can follow from it: ${REFUSALS[p.reason] ?? 'it fits nothing on offer'}. It is on record; /paysupport says how to get it back.`,
  'payment.refunded': (p: { plan: string; plans: string }) =>
    `Your payment for the plan **${p.plan}** was given back.${p.plans === 'ended' ? ' The plan has ended with it.' : ''}`,
  'subscription.cancelled': (p: { plan: string; endsAtMs: number }) =>
    `The plan **${p.plan}** will not be renewed.${p.endsAtMs < 0 ? '' : ` It lasts until ${date(p.endsAtMs)}.`}`,
  'subscription.active': (p: { plan: string; endsAtMs: number }) =>
    `The plan **${p.plan}** will be renewed again.${p.endsAtMs < 0 ? '' : ` The next time is ${date(p.endsAtMs)}.`}`,
  'subscription.failed': (p: { plan: string; endsAtMs: number }) =>
    `The plan **${p.plan}** could not be renewed: there were too few Stars.${p.endsAtMs < 0 ? '' : ` It lasts until ${date(p.endsAtMs)}, and goes on when the payment succeeds before.`}`,
} as const;
