import { shareOf, type BudgetStanding } from '../completion/budget.ts';
import type { CompletionOutcome } from '../completion/completion.ts';
import type { Notice } from '../i18n/translate.ts';

/** What stands below an answer because of how it came about, each a line of its own. */
export function remarksOf(outcome: CompletionOutcome | null): readonly Notice[] {
  const { spared } = outcome ?? {};
  if (spared === undefined) return [];
  const { subject, window } = spared.budget;
  return spared.by === 'free'
    ? [{ key: 'remark.free', params: { subject, window } }]
    : [{ key: 'remark.cheaper', params: { subject, window, percent: percentOf(spared.budget) } }];
}

/** Below 0 where it is not told: others read along, and only a community's budget is theirs. */
function percentOf(budget: BudgetStanding): number {
  const isShared = budget.subject === 'guild' || budget.subject === 'channel';
  return isShared ? Math.min(99, Math.floor(100 * shareOf(budget))) : -1;
}
