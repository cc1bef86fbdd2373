import type { Notice } from '../i18n/translate.ts';
import {
  PLAN_FEATURES,
  type Entitlements,
  type Plan,
  type PlanView,
  type Subscription,
} from '../plans/ports.ts';
import { lines } from './command.ts';

type Say = (notice: Notice) => string;

/** Stands for no limit, no price and no end where a sentence takes a number. */
const NONE = -1;

/** What somebody has where they ask; the guild's own plan in detail only for those who manage it. */
export function viewWords(view: PlanView, managesGuild: boolean, say: Say): string {
  const { entitlements, planName, from, used, resetsAtMs } = view;
  const { limits } = entitlements;
  const ofGuild = managesGuild ? view.guild : [];
  const usedOf = (metric: 'requests' | 'tokens' | 'images'): string =>
    `- ${say({ key: 'plan.used', params: { metric, used: used[metric], limit: limits[`${metric}_month`] ?? NONE } })}`;
  return lines(
    say({ key: 'plan.title', params: { plan: planName, from } }),
    ...[...view.own, ...ofGuild].map((subscription) => `- ${subscriptionWords(subscription, say)}`),
    usedOf('requests'),
    usedOf('tokens'),
    usedOf('images'),
    `- ${say({ key: 'plan.rate', params: { perMinute: entitlements.ratePerMinute } })}`,
    `- ${say({ key: 'plan.context', params: { tokens: entitlements.maxContextTokens } })}`,
    `- ${say({ key: 'plan.presets', params: { presets: numberOf(entitlements.presets) } })}`,
    `- ${featureWords(entitlements, say)}`,
    say({ key: 'plan.resets', params: { atMs: resetsAtMs } }),
    '',
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
  const { limits, ratePerMinute, maxContextTokens, presets, name, priceUsdCents, telegramStars } = plan;
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
        images: limits.images_month ?? NONE,
        perMinute: ratePerMinute,
        context: maxContextTokens,
        presets: numberOf(presets),
      },
    })}`,
    `- ${featureWords(plan, say)}`,
  );
}

function featureWords({ features, isFirstInQueue }: Entitlements, say: Say): string {
  const names: readonly string[] = [
    ...PLAN_FEATURES.filter((feature) => features[feature]),
    ...(isFirstInQueue ? ['first_in_queue'] : []),
  ];
  const words = names.map((feature) => say({ key: 'plan.feature', params: { feature } }));
  return say({ key: 'plan.has', params: { features: words.length === 0 ? '–' : words.join(', ') } });
}

/** What the store tells as so much is no limit. */
const numberOf = (value: number): number => (value >= 1e9 ? NONE : value);
