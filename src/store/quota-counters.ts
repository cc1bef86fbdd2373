import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';

/** A counter that did not equal the usage of its window. */
export interface CounterDifference {
  readonly subject: 'instance' | 'guild' | 'user' | 'channel' | 'member';
  readonly subjectId: string;
  /** By counter: what it was, and what it is now. */
  readonly changes: Readonly<Record<string, readonly [before: unknown, after: unknown]>>;
}

export interface QuotaCounters {
  /**
   * Makes all counters anew from usage, a page of subjects at a time, and returns what differed.
   * Safe while turns run.
   * Rejects with `StoreUnavailable`; pages done by then stay done.
   */
  rebuild(): Promise<readonly CounterDifference[]>;
}

interface Page {
  readonly differences: readonly CounterDifference[];
  readonly next: { readonly kind: number; readonly subjectId: string } | null;
}

/** Small, because a page's subjects admit nothing while it is worked on. */
const PAGE_SUBJECTS = 10;
const BEFORE_ALL = { kind: -1, subjectId: '00000000-0000-0000-0000-000000000000' };

export function createQuotaCounters(sql: Sql, now?: () => number): QuotaCounters {
  return {
    async rebuild() {
      const differences: CounterDifference[] = [];
      let after: Page['next'] = BEFORE_ALL;
      while (after !== null) {
        const clock = now === undefined ? {} : { nowMs: now() };
        const page = (await callFunction(sql, 'rebuild_counters_v1', {
          after,
          limit: PAGE_SUBJECTS,
          ...clock,
        })) as Page;
        differences.push(...page.differences);
        after = page.next;
      }
      return differences;
    },
  };
}
