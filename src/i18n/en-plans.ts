import { formatCount, formatMoment, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const count = (value: number): string => formatCount('en', value);
/** Stands for a number that no limit is. */
const most = (value: number): string => (value < 0 ? 'unlimited' : count(value));

const FEATURES: Record<string, string> = {
  advanced_models: 'paid models',
  web_search: 'web search',
  prompt_caching: 'prompt caching',
  first_in_queue: 'first in the queue',
};
const METRICS: Record<string, string> = { requests: 'Messages', tokens: 'Tokens' };
const CHANGES_REFUSED: Record<string, string> = {
  unknown_plan: 'There is no such plan; `/plan list` names them.',
  unknown_subject: 'I have never met them: they have to write to me once before.',
  nothing_to_end: 'There is nothing to end: they have no plan beside what everybody has.',
  plan_is_free: 'That is what everybody has anyway.',
  in_the_past: 'That moment is over already.',
  unchanged: 'It is like that already.',
  free_stays_free: 'The plan that everybody has costs nothing and is always there.',
};
const OFFERS_REFUSED: Record<string, string> = {
  plan_gone: 'This plan is not offered any more.',
  not_for_sale: 'This plan can’t be bought here. Ask whoever runs this bot for it.',
  already_subscribed: 'You have this plan already, and it renews itself.',
  has_better: 'You have a better plan now. Take this one when that has ended.',
};

/** Plans: what they give, what somebody has, and buying them. */
export const enPlans = {
  'refusal.over_context': (p: { plan: string; maxTokens: number }) =>
    `Your message is longer than the plan **${p.plan}** takes: about ${count(p.maxTokens)} tokens. Please shorten it, or look at \`/plan list\`.`,
  'failure.search_not_in_plan': () =>
    'Your plan does not include searching the web. Ask without it, or look at `/plan list`.',
  'failure.chosen_not_in_plan': (p: { model: string; plan: string }) =>
    `\`${p.model}\` costs money, and the plan **${p.plan}** has free models only. Choose another one with \`/model use\`, or look at \`/plan list\`.`,
  'plan.title': (p: { plan: string; from: string }) =>
    p.from === 'guild'
      ? `**Your plan here: ${p.plan}**, because this community has it`
      : `**Your plan: ${p.plan}**`,
  'plan.used': (p: { metric: string; used: number; limit: number }) =>
    p.limit < 0
      ? `${METRICS[p.metric] ?? p.metric} this month: ${count(p.used)}, unlimited`
      : `${METRICS[p.metric] ?? p.metric} this month: ${count(p.used)} of ${count(p.limit)}`,
  'plan.resets': (p: { atMs: number }) => `The month begins anew on ${formatMoment(p.atMs)}.`,
  'plan.rate': (p: { perMinute: number }) => `Messages a minute: ${count(p.perMinute)}`,
  'plan.context': (p: { tokens: number }) =>
    `A question and its history: at most ${count(p.tokens)} tokens, and no more than my operator lets me read`,
  'plan.has': (p: { features: string }) => `With: ${p.features}`,
  'plan.feature': (p: { feature: string }) => FEATURES[p.feature] ?? p.feature,
  'plan.until': (p: {
    plan: string;
    whose: string;
    source: string;
    status: string;
    atMs: number;
    isRetired: number;
  }) => {
    const whose = p.whose === 'guild' ? 'This community: ' : '';
    const paid = { grant: 'a gift', stars: 'paid with Stars', shop: 'bought on Discord' }[p.source] ?? '';
    if (p.atMs < 0)
      return `${whose}**${p.plan}**, ${paid}${p.source === 'shop' ? ', renews itself' : ', without an end'}`;
    const at = formatMoment(p.atMs);
    if (p.status === 'past_due')
      return `${whose}**${p.plan}**, ${paid}; the renewal failed, ends on ${at} unless it is paid`;
    const isRenewed = p.status === 'active' && p.isRetired === 0;
    const retired = p.isRetired === 1 ? ' (no longer offered; the free plan follows)' : '';
    return `${whose}**${p.plan}**, ${paid}, ${isRenewed ? 'renews' : 'ends'} on ${at}${retired}`;
  },
  'plan.how': () => '`/plan list` shows all plans; `/plan subscribe` takes one.',
  'plan.how_cancel': () => '`/plan cancel` ends the renewal.',
  'plan.choose': (p: { plan: string }) => `Take ${p.plan}`,
  'plan.list_title': () => '**Plans**',
  'plan.price': (p: { plan: string; usdCents: number; stars: number }) => {
    if (p.usdCents === 0) return `**${p.plan}**: costs nothing`;
    const prices = [
      ...(p.usdCents < 0 ? [] : [formatUsd('en', p.usdCents * 1e7)]),
      ...(p.stars < 0 ? [] : [`${count(p.stars)} Stars`]),
    ];
    return prices.length === 0 ? `**${p.plan}**` : `**${p.plan}**, ${prices.join(' or ')} a month`;
  },
  'plan.gives': (p: { requests: number; tokens: number; perMinute: number; context: number }) =>
    `${most(p.requests)} messages and ${most(p.tokens)} tokens a month; ${count(p.perMinute)} messages a minute; a question and its history of at most ${count(p.context)} tokens, and no more than my operator lets me read`,
  'plan.unknown': (p: { written: string; known: string }) =>
    `I have no plan called ${p.written}. There are: ${p.known}.`,
  'plan.is_free': () => 'That is what everybody has. To end a plan there is `/plan cancel`.',
  'plan.not_offered': (p: { reason: string; endsAtMs: number }) =>
    `${OFFERS_REFUSED[p.reason] ?? 'This plan can’t be bought now.'}${p.endsAtMs < 0 ? '' : ` Yours lasts until ${formatMoment(p.endsAtMs)}.`}`,
  'plan.invoice': (p: { plan: string; stars: number; replaces: string }) =>
    `${p.replaces === '' ? '' : `**${p.replaces}** ends as soon as this is paid; what is left of it is neither given back nor counted.\n`}**${p.plan}** costs ${count(p.stars)} Stars for 30 days and renews itself until you end it with \`/plan cancel\`. Only you can pay here:`,
  'plan.pay': (p: { stars: number }) => `Pay ${count(p.stars)} Stars`,
  'plan.invoice_title': (p: { plan: string }) => `${p.plan} for 30 days`.slice(0, 32),
  'plan.invoice_description': (p: { plan: string; whose: string; requests: number }) =>
    `The plan ${p.plan} ${p.whose === 'guild' ? 'for your community' : 'for you'}: ${most(p.requests)} messages a month. Renews itself every 30 days.`,
  'plan.shop': (p: { plan: string }) => `**${p.plan}** is sold by Discord:`,
  'plan.not_here': () =>
    'Plans can’t be bought here. Ask whoever runs this bot, or do it on Telegram or Discord.',
  'plan.desk_unreachable': () => 'The payment service can’t be reached now. Please try again in a minute.',
  'plan.desk_refused': () =>
    'The payment service refused that. Whoever runs this bot can help: `/paysupport`.',
  'plan.cancelled': (p: { plan: string; endsAtMs: number }) =>
    `**${p.plan}** is not renewed any more. It lasts until ${formatMoment(p.endsAtMs)}.`,
  'plan.already_cancelled': (p: { plan: string; endsAtMs: number }) =>
    `**${p.plan}** is not renewed anyway. It lasts until ${formatMoment(p.endsAtMs)}.`,
  'plan.cancel_shop': () =>
    'This plan was bought on Discord: end it there, in the user settings under *Subscriptions*, or as a server’s owner in the server settings.',
  'plan.cancel_given': () => 'This plan was a gift: it costs nothing and is not renewed.',
  'plan.nothing_to_cancel': () => 'There is no plan to end: what you have is free.',
  'plan.anonymous': () =>
    'You write as the group, and only a person can pay. Please turn off *Remain anonymous* for a moment, or let another admin do it.',
  'plan.where_server': () => 'A community’s plan is looked after in that community.',
  'plan.granted': (p: { subject: string; plan: string; version: number; endsAtMs: number }) =>
    `\`${p.subject}\` has **${p.plan}** (version ${p.version}) now, ${p.endsAtMs < 0 ? 'without an end' : `until ${formatMoment(p.endsAtMs)}`}.`,
  'plan.revoked': (p: { subject: string }) => `\`${p.subject}\` has no plan of their own any more.`,
  'plan.sku_set': (p: { sku: string; plan: string }) => `\`${p.sku}\` is **${p.plan}** from now on.`,
  'plan.edited': (p: {
    plan: string;
    version: number;
    field: string;
    before: string;
    after: string;
    isFree: number;
  }) =>
    `**${p.plan}** has a version ${p.version}: \`${p.field}\` is ${p.after}, it was ${p.before}. ${p.isFree === 1 ? 'That holds at once for everybody who has no other plan.' : 'Whoever has an older version keeps it as long as it is renewed.'}`,
  'plan.change_refused': (p: { reason: string }) =>
    `${CHANGES_REFUSED[p.reason] ?? 'That can’t be done.'} Nothing was changed.`,
  'plan.subject_wrong': () =>
    'Name whom you mean as `user:telegram:42`, `guild:discord:7`, `me`, or `here` for this community. Nothing was changed.',
  'plan.value_wrong': (p: { field: string; allowed: string }) =>
    `\`${p.field}\` takes ${p.allowed}. Nothing was changed.`,
  'plan.allowed_switch': () => 'on or off',
  'plan.allowed_number': (p: { least: number; most: number; isOptional: number }) =>
    `a whole number from ${count(p.least)} to ${count(p.most)}${p.isOptional === 1 ? ', or none' : ''}`,
  'plan.sku_wrong': () => 'The id of a SKU is a number, as Discord shows it. Nothing was changed.',
  'plan.payment_unknown': () => 'I know no such payment. Nothing was given back.',
  'plan.refund_done': (p: { amount: number; currency: string; payer: string }) =>
    `${count(p.amount)} ${p.currency} were given back to \`${p.payer}\`. What they paid for has ended.`,
  'plan.refund_goes_on': (p: { amount: number; currency: string; payer: string }) =>
    `${count(p.amount)} ${p.currency} were given back to \`${p.payer}\`, but the payment service did not stop the next charge. Use \`/plan refund\` once more, or \`/plan revoke\`.`,
  'plan.refund_known': () => 'That payment was given back before.',
  'plan.value': (p: { value: string }) =>
    ({ true: 'on', false: 'off', null: 'none' })[p.value] ?? count(Number(p.value)),
  'paysupport.how': () =>
    'Something wrong with a payment? Write to whoever runs this bot, and name the payment by its id below. They can give it back; Telegram’s own support can’t help with it.',
  'paysupport.none': () => 'I know of no payment of yours.',
  'paysupport.title': (p: { payments: number }) => `**${plural(p.payments, 'payment', 'payments')}**`,
  'paysupport.payment': (p: {
    id: string;
    plan: string;
    amount: number;
    currency: string;
    state: string;
    atMs: number;
  }) => {
    const state = { refunded: ', given back', unassigned: ', without effect' }[p.state] ?? '';
    return `\`${p.id}\`: ${count(p.amount)} ${p.currency}${p.plan === '' ? '' : ` for ${p.plan}`}, ${formatMoment(p.atMs)}${state}`;
  },
  'command.plan.description': () => 'Your plan, the others, and taking one',
  'command.plan.show.description': () => 'The plan that you have, and what is left of it',
  'command.plan.list.description': () => 'All plans, what they give and cost',
  'command.plan.subscribe.description': () => 'Take a plan',
  'command.plan.cancel.description': () => 'End the renewal of a plan',
  'command.plan.grant.description': () => 'Give somebody a plan (for operators)',
  'command.plan.revoke.description': () => 'End somebody’s plan at once (for operators)',
  'command.plan.edit.description': () => 'Make a new version of a plan (for operators)',
  'command.plan.sku.description': () => 'Sell a plan as a SKU of Discord (for operators)',
  'command.plan.refund.description': () => 'Give a payment back (for operators)',
  'command.paysupport.description': () => 'Help with payments, and yours so far',
  'option.plan': () => 'name of the plan',
  'option.sku': () => 'id of the SKU',
  'option.field': () => 'what to change',
  'option.value': () => 'a whole number, none, on or off',
  'option.payment': () => 'id of the payment',
  'option.whose': () => 'for whom: me or server',
} as const;
