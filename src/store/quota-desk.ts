import type {
  QuotaChangeOutcome,
  QuotaDesk,
  QuotaExplanation,
  QuotaInForce,
  QuotaOverview,
} from '../limits/ports.ts';
import type { Sql } from './connection.ts';
import { callFunction, type DocumentFunction } from './document.ts';
import type { DefaultQuotas } from './usage-reader.ts';

/**
 * Limits and their counters, each call one function of the database. `defaults` are the allowances
 * of subjects that have none of their own; `now` replaces the database's clock, for tests.
 */
export function createQuotaDesk(sql: Sql, defaults: DefaultQuotas, now?: () => number): QuotaDesk {
  const call = (name: DocumentFunction, document: object): Promise<unknown> =>
    callFunction(sql, name, { ...document, defaults, ...(now !== undefined && { nowMs: now() }) });
  return {
    applying: async (envelope) => (await call('applying_quotas_v1', { envelope })) as readonly QuotaInForce[],
    show: async (target) => (await call('show_quota_v1', { target })) as QuotaOverview,
    set: async ({ asker, ...change }) =>
      (await call('change_quota_v1', { ...asker, ...change })) as QuotaChangeOutcome,
    clear: async ({ asker, ...clearing }) =>
      (await call('change_quota_v1', { ...asker, ...clearing, isClearing: true })) as QuotaChangeOutcome,
    explain: async (target) => (await call('explain_quota_v1', { target })) as QuotaExplanation,
    async refuse(asker, attempt) {
      await call('refuse_quota_v1', { ...asker, ...attempt });
    },
  };
}
