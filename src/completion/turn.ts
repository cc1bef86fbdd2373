import type { AttemptRecord } from './attempt.ts';
import type { BudgetStanding } from './budget.ts';
import type { Candidate } from './candidates.ts';
import type { CompletionListener, CompletionOutcome, CompletionRequest } from './completion.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreeClaim } from './free-places.ts';
import type { CallEnd } from './model-client.ts';
import { estimatePromptTokens } from './token-estimate.ts';
import type { SearchReport } from './sources.ts';

/** One request on its way through the chain. */
export interface Turn {
  readonly request: CompletionRequest;
  readonly listener: CompletionListener;
  readonly signal: AbortSignal;
  /** Estimated. */
  readonly promptTokens: number;
  /** What its attempts are compared with; null for none. */
  readonly baseline: Candidate | null;
  readonly attempts: AttemptRecord[];
  /** Under way: what attempts took that ended without a word of it. Each puts what it learns into its attempt. */
  readonly inquiries: Promise<void>[];
  untried: readonly Candidate[];
  /** For the first visible text, epoch ms. */
  deadlineMs: number;
  text: string;
  /** What came of the searches, where some were wanted. */
  search: SearchReport | null;
  /** Who was asked last. */
  last: Candidate | null;
  /** Whom a budget paid for no more, the last of them, and which budget. */
  refused: { readonly candidate: Candidate; readonly budget: BudgetStanding } | null;
  /** What stood in the way last. */
  failure: CompletionFailure | null;
  hasRetried: boolean;
  /** The place that came with the admission, as long as nobody used it. */
  place: FreeClaim | null;
  /** What was taken for the call that is next. */
  taken: FreeClaim | null;
  /** Who is asked once more before all others, perhaps for a shorter answer. */
  again: { readonly candidate: Candidate; readonly maxTokens: number } | null;
}

export function newTurn(
  given: Pick<Turn, 'request' | 'listener' | 'signal' | 'untried' | 'deadlineMs' | 'baseline'>,
): Turn {
  const promptTokens = estimatePromptTokens(given.request.messages);
  return {
    ...given,
    promptTokens,
    attempts: [],
    inquiries: [],
    text: '',
    search: null,
    last: null,
    refused: null,
    failure: null,
    hasRetried: false,
    place: given.request.free?.place ?? null,
    taken: null,
    again: null,
  };
}

/** Waiting on our own side takes nothing from the time that models have. Rejects as `wait` does. */
export async function offTheClock<T>(turn: Turn, now: () => number, wait: () => Promise<T>): Promise<T> {
  const fromMs = now();
  try {
    return await wait();
  } finally {
    turn.deadlineMs += now() - fromMs;
  }
}

export function answered(
  turn: Turn,
  end: CallEnd & { kind: 'ended' },
  candidate: Candidate,
): CompletionOutcome {
  const { text, search, attempts } = turn;
  const model = end.modelUsed ?? candidate.id;
  return { kind: 'answered', text, model, finish: end.finish, search, attempts };
}

export function partial(
  { text, search, attempts }: Turn,
  model: string,
  failure: CompletionFailure,
): CompletionOutcome {
  return { kind: 'partial', text, model, failure, search, attempts };
}

export function cancelled({ text, search, attempts }: Turn, model: string | null): CompletionOutcome {
  return { kind: 'cancelled', text, model, search, attempts };
}

export function failed({ attempts, failure }: Turn): CompletionOutcome {
  const none: CompletionFailure = {
    kind: 'no_candidate',
    httpStatus: null,
    detail: 'no model could be asked',
    retryAtMs: null,
  };
  return { kind: 'failed', failure: failure ?? none, attempts };
}
