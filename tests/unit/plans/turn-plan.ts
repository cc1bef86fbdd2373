import type { PlanFeature, TurnPlan } from '../../../src/plans/ports.ts';

/** A plan with these features and no others. */
export function turnPlan(...features: readonly PlanFeature[]): TurnPlan {
  const has = (feature: PlanFeature): boolean => features.includes(feature);
  return {
    plan: 'test',
    name: 'Test',
    version: 1,
    from: 'user',
    ratePerMinute: 50,
    maxContextTokens: 4000,
    isFirstInQueue: false,
    features: {
      advanced_models: has('advanced_models'),
      web_search: has('web_search'),
      prompt_caching: has('prompt_caching'),
      image_generation: has('image_generation'),
      pdf: has('pdf'),
      audio: has('audio'),
    },
  };
}
