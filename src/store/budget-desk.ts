import type { BudgetDesk, BudgetInForce } from '../limits/budget-desk.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import type { DefaultQuotas } from './usage-reader.ts';

/** Budgets, one round trip each. `now` replaces the database's clock, for tests. */
export function createBudgetDesk(sql: Sql, defaults: DefaultQuotas, now?: () => number): BudgetDesk {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    show: async (guild) =>
      (await callFunction(sql, 'budget_v1', { guild, defaults, ...clock() })) as readonly BudgetInForce[],
    async set({ originKey, author, guild }, { day, month }) {
      const limits = { cost_day: day, cost_month: month };
      await callFunction(sql, 'set_budget_v1', { originKey, author, guild, limits, ...clock() });
    },
    async refuse({ originKey, author, guild }, action) {
      await callFunction(sql, 'refuse_budget_v1', { originKey, author, guild, action, ...clock() });
    },
  };
}
