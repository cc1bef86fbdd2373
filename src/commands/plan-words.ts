import type { Notice } from '../i18n/translate.ts';
import { SERVED_FEATURES } from '../plans/entitlements.ts';
import type { Entitlements, Plan, PlanView, Subscription } from '../plans/ports.ts';
import { lines } from './command.ts';

type Say = (notice: Notice) => string;

/** Stands for no limit, no price and no end where a sentence takes a number. */
const NONE = -1;

/** What somebody has where they ask; the guild's own plan in detail only for those who manage it. */
export function viewWords(view: PlanView, managesGuild: boolean, say: Say): string {
  const { entitlements, planName, from, used, resetsAtMs } = view;
  const { limits } = entitlements;
  const ofGuild = managesGuild ? view.guild : [];
  const usedOf = (metric: 'requests' | 'tokens'): string =>
    `- ${say({ key: 'plan.used', params: { metric, used: used[metric], limit: limits[`${metric}_month`] ?? NONE } })}`;
  return lines(
    say({ key: 'plan.title', params: { plan: planName, from } }),
    ...[...view.own, ...ofGuild].map((subscription) => `- ${subscriptionWords(subscription, say)}`),
    usedOf('requests'),
    usedOf('tokens'),
    `- ${say({ key: 'plan.rate', params: { perMinute: entitlements.ratePerMinute } })}`,
    `- ${say({ key: 'plan.context', params: { tokens: entitlements.maxContextTokens } })}`,
    `- ${featureWords(entitlements, say)}`,
    '',
    say({ key: 'plan.resets', params: { atMs: resetsAtMs } }),
    say({ key: 'plan.how' }),
    ...([...view.own, ...ofGuild].some(({ status, charge }) => charge !== null && status !== 'cancelled')
      ? [say({ key: 'plan.how_cancel' })]
      : []),
  );
}

function subscriptionWords(subscription: Subscription, say: Say): string {
  const { planName, subject, source, status, isRetired } = subscription;
  const atMs = status === 'past_due' ? subscription.endsAtMs : subscription.periodEndsAtMs;
  const params = {
    plan: planName,
    whose: subject.kind,
    source,
    status,
    atMs: atMs ?? NONE,
    isRetired: Number(isRetired),
  };
  return say({ key: 'plan.until', params });
}

export function planWords(plan: Plan, say: Say): string {
  const { limits, ratePerMinute, maxContextTokens, name, priceUsdCents, telegramStars } = plan;
  return lines(
    say({
      key: 'plan.price',
      params: { plan: name, usdCents: priceUsdCents ?? NONE, stars: telegramStars ?? NONE },
    }),
    `- ${say({
      key: 'plan.gives',
      params: {
        requests: limits.requests_month ?? NONE,
        tokens: limits.tokens_month ?? NONE,
        perMinute: ratePerMinute,
        context: maxContextTokens,
      },
    })}`,
    `- ${featureWords(plan, say)}`,
  );
}

function featureWords({ features, isFirstInQueue }: Entitlements, say: Say): string {
  const names: readonly string[] = [
    ...SERVED_FEATURES.filter((feature) => features[feature]),
    ...(isFirstInQueue ? ['first_in_queue'] : []),
  ];
  const words = names.map((feature) => say({ key: 'plan.feature', params: { feature } }));
  return say({ key: 'plan.has', params: { features: words.length === 0 ? '–' : words.join(', ') } });
}
