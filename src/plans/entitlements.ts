import type { Payer } from '../completion/ports.ts';
import type { PlanFeature, TurnPlan } from './ports.ts';

/** Of what plans may switch on, what is there to be used; nothing else is promised to who buys one. */
export const SERVED_FEATURES = [
  'advanced_models',
  'web_search',
  'prompt_caching',
] as const satisfies readonly PlanFeature[];

/**
 * Whether a turn may use a feature. The one place that decides it. A plan bounds what the operator pays for: without plans
 * nothing is left out, and who pays with their own key has what they pay for.
 */
export function isGranted(
  feature: PlanFeature,
  { plan, payer }: { readonly plan?: TurnPlan | undefined; readonly payer: Payer },
): boolean {
  return plan === undefined || payer !== 'operator' || plan.features[feature];
}

/** What a plan is worth where better ones are served better; who has none has what everybody has. */
export function rankOf(plan: TurnPlan | undefined): 'free' | 'paid' | 'first' {
  if (plan === undefined || plan.from === 'free') return 'free';
  return plan.isFirstInQueue ? 'first' : 'paid';
}
