import type { BudgetStanding } from './budget.ts';

/**
 * Why an attempt, or a whole chain, gave no (complete) answer, in our own words. `detail` is for the
 * log: at most 300 characters, never message text, never a key.
 */
export type CompletionFailure = { readonly httpStatus: number | null; readonly detail: string } & (
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'no_credits' }
  /** The balance is enough for an answer of at most so many tokens, 256 or more. */
  | { readonly kind: 'cannot_afford'; readonly affordableTokens: number }
  /** The key of who pays in the operator's place can't be used. */
  | {
      readonly kind: 'own_key';
      readonly payer: 'guild' | 'user';
      readonly why: 'removed' | 'refused' | 'spent' | 'unreadable' | 'privacy' | 'free_spent';
      /** When free answers begin again, where they are spent. */
      readonly resetsAtMs?: number;
    }
  | { readonly kind: 'key_limit' }
  | { readonly kind: 'budget_spent'; readonly budget: BudgetStanding }
  | { readonly kind: 'model_not_found' }
  /** `byPrivacySettings`: the account's data policy excludes the model; only the operator can change that. */
  | { readonly kind: 'no_endpoint'; readonly byPrivacySettings?: true }
  /** `isOurs`: others who ask us took what there was, and nobody was refused by the provider. */
  | { readonly kind: 'free_minute_spent'; readonly resetsAtMs: number; readonly isOurs?: boolean }
  /** `isShare`: what is left is for others who share the account. */
  | { readonly kind: 'free_day_spent'; readonly resetsAtMs: number; readonly isShare?: boolean }
  | { readonly kind: 'rate_limited'; readonly retryAfterMs: number | null }
  | { readonly kind: 'in_flight_budget'; readonly retryAfterMs: number | null }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'moderated' }
  | { readonly kind: 'context_too_long' }
  | { readonly kind: 'invalid_request' }
  | { readonly kind: 'timeout'; readonly stage: 'connect' | 'first_token' | 'idle' | 'whole' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'empty_answer' }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'upstream_error' }
  /** The service's own search of the web failed. */
  | { readonly kind: 'search_failed' }
  /** No model that may answer can search the web. */
  | { readonly kind: 'search_unsupported' }
  /** A search costs money, and none may be spent: the operator's, or the guild's, or the plan has none. */
  | { readonly kind: 'search_not_allowed'; readonly by?: 'operator' | 'guild' | 'plan' }
  /** Every candidate is resting or excluded; the earliest is back at `retryAtMs`, if known. */
  | { readonly kind: 'no_candidate'; readonly retryAtMs: number | null }
);

/**
 * Failures that tell something about the model that was asked: another one might not have had them. Not those of a service
 * that is out of reach, for then all its models are.
 */
export const OF_THE_MODEL: readonly CompletionFailure['kind'][] = [
  'model_not_found',
  'no_endpoint',
  'rate_limited',
  'timeout',
  'overloaded',
  'empty_answer',
  'truncated',
  'upstream_error',
];
