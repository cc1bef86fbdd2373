import type { Account, AccountRefusal } from './account.ts';
import type { Candidate } from './candidates.ts';
import type { Catalogue } from './catalogue.ts';
import type { Cooldowns } from './cooldowns.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreePlaces } from './free-places.ts';
import type { CompletionAlert } from './ports.ts';

/** What the turn does after a failed attempt, as long as no text is visible. */
export type NextStep =
  | { readonly kind: 'stop' }
  | { readonly kind: 'next' }
  /** Another provider first: this one is out of reach as a whole. */
  | { readonly kind: 'next_provider' }
  /** Only a model with a longer context can help. */
  | { readonly kind: 'next_larger' }
  /** Nothing tells against the same model if there is no other. */
  | { readonly kind: 'retry_if_last' }
  /** The same model can give an answer of this length; if not, a free one can. */
  | { readonly kind: 'shorter_or_free'; readonly maxTokens: number }
  /** The same model can serve us after this wait; without it, a free one. */
  | { readonly kind: 'wait_or_free'; readonly waitMs: number };

export interface ReactionParts {
  readonly cooldowns: Cooldowns;
  readonly account: Account;
  readonly places: Pick<FreePlaces, 'refused'>;
  readonly catalogue: Pick<Catalogue, 'refreshSoon'>;
  readonly onAlert: (alert: CompletionAlert) => void;
}

/** Draws the consequences of a failed attempt for the turns to come, and tells what this one does next. */
export function createReaction(
  parts: ReactionParts,
): (failure: CompletionFailure, candidate: Candidate) => NextStep {
  const { cooldowns, places, onAlert } = parts;
  const alert = (kind: CompletionAlert['kind'], { provider, id }: Candidate, { detail }: CompletionFailure) =>
    onAlert({ kind, detail: `${provider}, ${id}: ${detail}` });

  const accountRefused =
    (step: NextStep) =>
    (failure: AccountRefusal, candidate: Candidate): NextStep => {
      cooldowns.abandoned(candidate.id);
      const isNews = refuses(parts, failure, candidate.isFree);
      if (isNews) alert(failure.kind, candidate, failure);
      return step;
    };
  const { modelFailed, blameless } = verdicts(cooldowns);

  const reactions: Reactions = {
    unauthorized: accountRefused(next),
    no_credits: accountRefused(next),
    key_limit: accountRefused(next),
    free_day_spent: accountRefused(next),
    // The minute is over before anybody could look: no alert.
    free_minute_spent: (failure, { id }) => {
      cooldowns.abandoned(id);
      places.refused(failure);
      return next;
    },
    timeout: modelFailed(next),
    unreachable: modelFailed({ kind: 'next_provider' }),
    truncated: modelFailed(next),
    empty_answer: modelFailed(next),
    overloaded: modelFailed({ kind: 'retry_if_last' }),
    upstream_error: modelFailed({ kind: 'retry_if_last' }),
    context_too_long: blameless(() => ({ kind: 'next_larger' })),
    // The model is as good as before for whoever wants no search.
    search_unsupported: blameless(() => next),
    search_failed: blameless(() => stop),
    search_not_allowed: blameless(() => stop),
    // The request itself is refused: another model must not be the way around that.
    moderated: blameless(() => stop),
    invalid_request: blameless(() => stop),
    budget_spent: blameless(() => stop),
    no_candidate: blameless(() => stop),
    own_key: blameless(() => stop),
    cannot_afford: blameless(({ affordableTokens }) => ({
      kind: 'shorter_or_free',
      maxTokens: affordableTokens,
    })),
    in_flight_budget: blameless(({ retryAfterMs }) => ({
      kind: 'wait_or_free',
      waitMs: retryAfterMs ?? 1000,
    })),
    rate_limited: ({ retryAfterMs }, { id }) => {
      cooldowns.throttled(id, retryAfterMs);
      return next;
    },
    no_endpoint: (failure, candidate) => {
      cooldowns.unusable(candidate.id, noEndpointRestMs);
      if (failure.byPrivacySettings) alert('data_policy', candidate, failure);
      return next;
    },
    model_not_found: (failure, candidate) => {
      goneFrom(parts, candidate);
      alert('model_gone', candidate, failure);
      return next;
    },
  };
  return (failure, candidate) => {
    // The table holds for each kind the function for that kind, which the type system can't follow through a lookup.
    const reaction = reactions[failure.kind] as Reaction<CompletionFailure>;
    return reaction(failure, candidate);
  };
}

/** What is free has its allowance in the pool; a key that was said to cost can turn out to be on a free tier. */
function refuses({ account, places }: ReactionParts, failure: AccountRefusal, isFree: boolean): boolean {
  const isOfPool = failure.kind === 'free_day_spent' && isFree;
  return isOfPool ? places.refused(failure) : account.refused(failure, isFree);
}

/** Whether a failure tells against the model that was asked, whatever the turn does next. */
function verdicts(cooldowns: Cooldowns) {
  return {
    modelFailed:
      (step: NextStep) =>
      (_: CompletionFailure, { id }: Candidate): NextStep => {
        cooldowns.failed(id);
        return step;
      },
    blameless:
      <Failure>(step: (failure: Failure) => NextStep) =>
      (failure: Failure, { id }: Candidate): NextStep => {
        cooldowns.abandoned(id);
        return step(failure);
      },
  };
}

function goneFrom({ cooldowns, catalogue }: ReactionParts, { provider, id }: Candidate): void {
  // Elsewhere no list would tell that it is back.
  if (provider !== 'openrouter') return cooldowns.unusable(id, noEndpointRestMs);
  cooldowns.retire(id, 'refresh');
  catalogue.refreshSoon();
}

type Reaction<Failure> = (failure: Failure, candidate: Candidate) => NextStep;
type Reactions = {
  readonly [Kind in CompletionFailure['kind']]: Reaction<Extract<CompletionFailure, { kind: Kind }>>;
};

const stop: NextStep = { kind: 'stop' };
const next: NextStep = { kind: 'next' };

/** Settings and providers change slowly; a model that nobody serves is looked at again after this. */
const noEndpointRestMs = 600_000;
