import type { BudgetStanding } from '../completion/budget.ts';
import { OF_THE_MODEL, type CompletionFailure } from '../completion/failure.ts';
import type { CompletionOutcome } from '../completion/completion.ts';
import type { SearchReport } from '../completion/sources.ts';
import type { Notice } from '../i18n/translate.ts';
import { isGranted } from '../plans/entitlements.ts';
import { isStrict, type Refusal, type RunnableTurn } from './turn.ts';

/** What a turn ends with: the text that stays, and the sentence under it or in its place. */
export interface Conclusion {
  readonly state: 'generated' | 'failed' | 'cancelled';
  readonly answer: {
    readonly text: string;
    readonly model: string;
    readonly partial: boolean;
    readonly search: SearchReport | null;
  } | null;
  /** The text that shows: the answer, or what showed before where there is none. */
  readonly shown: string | null;
  readonly isPartial: boolean;
  /** Of the text that shows. */
  readonly search: SearchReport | null;
  readonly notice: Notice | null;
  /** Stand below whatever shows. */
  readonly remarks?: readonly Notice[];
  /** Pays for no call any more, as the turn found out. */
  readonly exhausted?: Pick<BudgetStanding, 'subject' | 'window'> | null;
}

type Ended = Pick<Conclusion, 'state' | 'answer' | 'notice'>;

/** Puts the end of a turn together with what its reply showed before. */
export function withPrevious(
  ended: Ended,
  { cause, previous }: Pick<RunnableTurn, 'cause' | 'previous'>,
): Conclusion {
  const { answer } = ended;
  if (answer === null) {
    const { text = null, isPartial = false, search = null } = previous ?? {};
    return { ...ended, shown: text, isPartial, search };
  }
  const begun = cause === 'continue' && previous?.isPartial === true ? previous : null;
  const search = answer.search ?? begun?.search ?? null;
  const whole = { ...answer, text: (begun?.text ?? '') + answer.text, search };
  return { ...ended, answer: whole, shown: whole.text, isPartial: whole.partial, search };
}

export function conclude(
  outcome: CompletionOutcome,
  errorId: string,
  nowMs: number,
  turn: Pick<RunnableTurn, 'settings' | 'payer'>,
): Ended {
  switch (outcome.kind) {
    case 'answered': {
      const { text, model, finish, search } = outcome;
      const notice: Record<typeof finish, Notice | null> = {
        stop: null,
        length: { key: 'answer.cut_by_length' },
        filtered: { key: 'answer.filtered' },
      };
      return {
        state: 'generated',
        answer: { text, model, partial: finish !== 'stop', search },
        notice: notice[finish],
      };
    }
    case 'partial':
      return {
        state: 'generated',
        answer: { text: outcome.text, model: outcome.model, partial: true, search: outcome.search },
        notice: { key: 'answer.partial' },
      };
    case 'cancelled':
      return outcome.text.trim() === '' || outcome.model === null
        ? { state: 'cancelled', answer: null, notice: { key: 'turn.cancelled' } }
        : {
            state: 'cancelled',
            answer: { text: outcome.text, model: outcome.model, partial: true, search: outcome.search },
            notice: { key: 'answer.stopped' },
          };
    case 'failed':
      return {
        state: 'failed',
        answer: null,
        notice: choiceNotice(outcome, errorId, nowMs, turn) ?? failureNotice(outcome.failure, errorId, nowMs),
      };
  }
}

/** What is to be said where it was a person's or a guild's choice that left no other model; null where it was not. */
function choiceNotice(
  { failure, attempts }: CompletionOutcome & { kind: 'failed' },
  errorId: string,
  nowMs: number,
  turn: Pick<RunnableTurn, 'settings' | 'payer'>,
): Notice | null {
  const { settings } = turn;
  // A search costs on any model.
  if (failure.kind === 'budget_spent' && isStrict(settings) && settings.search !== true) {
    const params = { ...budgetParams(failure.budget, nowMs), model: settings.model ?? '' };
    return { key: 'failure.budget_chosen', params };
  }
  if (failure.kind !== 'no_candidate' && !OF_THE_MODEL.includes(failure.kind)) return null;
  const model = settings.model ?? '';
  const isNone = failure.kind === 'no_candidate' && failure.retryAtMs === null && attempts.length === 0;
  if (isStrict(settings)) {
    return isNone
      ? neverAsked(model, turn)
      : { key: 'failure.chosen_model', params: { model, errorId, waitMs: waitOf(failure, nowMs) } };
  }
  return isNone && (settings.allowedModels ?? null) !== null ? { key: 'failure.none_allowed' } : null;
}

/** Nobody asks the chosen model here. */
function neverAsked(model: string, { settings, payer }: Pick<RunnableTurn, 'settings' | 'payer'>): Notice {
  const { plan } = settings;
  return plan === undefined || isGranted('advanced_models', { plan, payer })
    ? { key: 'failure.chosen_not_here', params: { model } }
    : { key: 'failure.chosen_not_in_plan', params: { model, plan: plan.name } };
}

const budgetParams = ({ subject, window, limitNanoUsd, resetsAtMs }: BudgetStanding, nowMs: number) => ({
  subject,
  window,
  limitNanoUsd,
  waitMs: resetsAtMs - nowMs,
});

/** Until it may be tried again; 0 where nobody knows. */
function waitOf(failure: CompletionFailure, nowMs: number): number {
  if (failure.kind === 'rate_limited') return failure.retryAfterMs ?? 0;
  return failure.kind === 'no_candidate' ? Math.max(0, (failure.retryAtMs ?? nowMs) - nowMs) : 0;
}

/** A fair promise where the upstream names no time. */
const USUAL_WAIT_MS = 30_000;

type FailureKind = CompletionFailure['kind'];
type FailureSentence<Kind extends FailureKind> = (
  failure: Extract<CompletionFailure, { kind: Kind }>,
  errorId: string,
  nowMs: number,
) => Notice;

const unavailable = (_failure: unknown, errorId: string): Notice => ({
  key: 'failure.unavailable',
  params: { errorId },
});
const busy = (waitMs: number): Notice => ({ key: 'failure.rate_limited', params: { waitMs } });

/** What a person reads for each kind of failure: whose turn it is to act, and when to try again. */
const FAILURE_SENTENCES: { readonly [Kind in FailureKind]: FailureSentence<Kind> } = {
  unauthorized: (_failure, errorId) => ({ key: 'failure.unauthorized', params: { errorId } }),
  own_key({ payer, why, resetsAtMs }, _errorId, nowMs) {
    if (why === 'removed') return { key: 'failure.own_key_removed' };
    if (why === 'privacy') return { key: 'failure.own_key_privacy', params: { payer } };
    return why === 'free_spent'
      ? { key: 'failure.own_key_free_spent', params: { payer, waitMs: (resetsAtMs ?? nowMs) - nowMs } }
      : { key: 'failure.own_key', params: { payer, why } };
  },
  key_limit: (_failure, errorId) => ({ key: 'failure.no_credits', params: { errorId } }),
  no_credits: (_failure, errorId) => ({ key: 'failure.no_credits', params: { errorId } }),
  cannot_afford: (_failure, errorId) => ({ key: 'failure.no_credits', params: { errorId } }),
  budget_spent: ({ budget }, _errorId, nowMs) => ({
    key: 'failure.budget_spent',
    params: budgetParams(budget, nowMs),
  }),
  model_not_found: (_failure, errorId) => ({ key: 'failure.model_not_found', params: { errorId } }),
  no_endpoint: (_failure, errorId) => ({ key: 'failure.model_not_found', params: { errorId } }),
  free_day_spent: ({ resetsAtMs, isShare = false }, _errorId, nowMs) => ({
    key: isShare ? 'failure.free_share_spent' : 'failure.free_spent',
    params: { waitMs: resetsAtMs - nowMs },
  }),
  free_minute_spent: ({ resetsAtMs, isOurs = false }, _errorId, nowMs) =>
    isOurs ? { key: 'failure.free_busy', params: { waitMs: resetsAtMs - nowMs } } : busy(resetsAtMs - nowMs),
  rate_limited: ({ retryAfterMs }) => busy(retryAfterMs ?? USUAL_WAIT_MS),
  in_flight_budget: ({ retryAfterMs }) => busy(retryAfterMs ?? USUAL_WAIT_MS),
  no_candidate: ({ retryAtMs }, _errorId, nowMs) =>
    busy(retryAtMs === null ? USUAL_WAIT_MS : retryAtMs - nowMs),
  moderated: () => ({ key: 'failure.moderated' }),
  context_too_long: () => ({ key: 'failure.context_too_long' }),
  timeout: (_failure, errorId) => ({ key: 'failure.timeout', params: { errorId } }),
  search_failed: (_failure, errorId) => ({ key: 'failure.search', params: { errorId } }),
  search_unsupported: () => ({ key: 'failure.search_unsupported' }),
  search_not_allowed: ({ by = 'operator' }) => ({ key: SEARCH_NOT_ALLOWED[by] }),
  invalid_request: (_failure, errorId) => ({ key: 'failure.invalid_request', params: { errorId } }),
  overloaded: unavailable,
  unreachable: unavailable,
  empty_answer: unavailable,
  truncated: unavailable,
  upstream_error: unavailable,
};

const SEARCH_NOT_ALLOWED = {
  operator: 'failure.search_free_only',
  guild: 'failure.search_guild_pays',
  plan: 'failure.search_not_in_plan',
} as const;

function failureNotice(failure: CompletionFailure, errorId: string, nowMs: number): Notice {
  const sentence = FAILURE_SENTENCES[failure.kind] as FailureSentence<FailureKind>;
  return sentence(failure, errorId, nowMs);
}

/** What a refused person reads; null for one who is blocked and gets no answer at all. */
export function refusalNotice(refusal: Refusal, nowMs: number): Notice | null {
  switch (refusal.reason) {
    case 'blocked':
      return null;
    case 'stopped':
      return { key: 'refusal.stopped' };
    case 'access_denied':
      return { key: 'refusal.access_denied' };
    case 'approval_needed':
      return { key: 'refusal.approval_needed' };
    case 'empty_message':
      return { key: 'refusal.empty_message' };
    case 'text_withheld':
      return { key: 'refusal.text_withheld' };
    case 'too_old':
      return { key: 'refusal.too_old' };
    case 'message_too_long':
      return { key: 'refusal.message_too_long', params: { maxCharacters: refusal.maxCharacters } };
    case 'over_context':
      return { key: 'refusal.over_context', params: { plan: refusal.plan, maxTokens: refusal.maxTokens } };
    case 'rate_limited':
      return { key: 'refusal.rate_limited', params: { waitMs: refusal.retryAfterMs } };
    case 'quota': {
      const { subject, metric, window, limit, used } = refusal;
      const waitMs = refusal.resetsAtMs - nowMs;
      return { key: 'refusal.quota', params: { subject, metric, window, limit, used, waitMs } };
    }
  }
}
