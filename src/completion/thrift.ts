import { shareOf, SPARING_FROM, type BudgetReport, type BudgetStanding } from './budget.ts';
import type { Candidate } from './candidates.ts';
import type { CompletionOutcome } from './completion.ts';
import { OF_THE_MODEL, type CompletionFailure } from './failure.ts';
import { usualPrice } from './ladder.ts';
import type { Turn } from './turn.ts';

export type Refused = NonNullable<Turn['refused']>;

/** Whether so much of a budget is used that cheaper models are asked first. */
export function isShort(budget: BudgetStanding | null): boolean {
  return budget !== null && shareOf(budget) >= SPARING_FROM;
}

export function budgetSpent({
  candidate,
  budget,
}: Refused): Extract<CompletionFailure, { kind: 'budget_spent' }> {
  return { kind: 'budget_spent', httpStatus: null, detail: `hold for ${candidate.id} refused`, budget };
}

/** Failures that another model might not have had: had there been money for one. */
const FOR_WANT_OF_MODELS: ReadonlySet<CompletionFailure['kind']> = new Set([
  ...OF_THE_MODEL,
  'no_candidate',
  'free_minute_spent',
  'free_day_spent',
  'unreachable',
]);

/**
 * An outcome with what a budget did to it. Where no model was left but those that it does not pay for, it is the reason.
 * `usual` tells who would have been asked first otherwise.
 */
export function withBudget(
  outcome: CompletionOutcome,
  turn: Turn,
  usual: () => Candidate | null,
): CompletionOutcome {
  const { refused, attempts, request } = turn;
  // One chosen model, or a search, may cost more than what is left, and others less.
  const isUsual = !request.isStrict && request.search !== true;
  const report: BudgetReport =
    refused !== null && isUsual && attempts.every(({ isFree }) => isFree)
      ? { exhausted: refused.budget }
      : {};
  if (outcome.kind !== 'failed') return { ...outcome, ...report, ...sparing(turn, usual) };
  const isWant = refused !== null && FOR_WANT_OF_MODELS.has(outcome.failure.kind);
  return { ...outcome, ...report, ...(isWant && { failure: budgetSpent(refused) }) };
}

function sparing({ request, refused, last }: Turn, usual: () => Candidate | null): BudgetReport {
  const { budget = null } = request;
  const because = refused?.budget ?? (isShort(budget) ? budget : null);
  if (because === null || last === null) return {};
  const instead = refused?.candidate ?? usual();
  if (instead === null || usualPrice(last) >= usualPrice(instead)) return {};
  const isUsedUp = refused !== null || shareOf(because) >= 1;
  return { spared: { by: last.isFree && isUsedUp ? 'free' : 'cheaper', budget: because } };
}
