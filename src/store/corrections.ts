import type { Corrections, OpenEstimate } from '../conversation/correction-ports.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';

type Corrected =
  | { readonly kind: 'corrected'; readonly differenceNanoUsd: string }
  | { readonly kind: 'known' };

/** `now` replaces the database's clock, for tests. */
export function createCorrections(sql: Sql, now?: () => number): Corrections {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    due: async (limit) =>
      (await callFunction(sql, 'due_corrections_v1', { limit, ...clock() })) as {
        due: readonly OpenEstimate[];
        givenUp: number;
      },
    async correct({ turnId, epoch, attempt }, told) {
      const request = { turnId, epoch, attempt, ...told, ...clock() };
      const corrected = (await callFunction(sql, 'correct_usage_v1', request)) as Corrected;
      return corrected.kind === 'known'
        ? corrected
        : { ...corrected, differenceNanoUsd: BigInt(corrected.differenceNanoUsd) };
    },
  };
}
