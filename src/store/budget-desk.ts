import type { BudgetDesk, BudgetInForce } from '../limits/budget-desk.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';
import type { DefaultQuotas } from './usage-reader.ts';

/** Budgets, one round trip each. `now` replaces the database's clock, for tests. */
export function createBudgetDesk(sql: Sql, defaults: DefaultQuotas, now?: () => number): BudgetDesk {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    show: async (guild) =>
      (await callFunction(sql, 'budget_v1', { guild, defaults, ...clock() })) as readonly BudgetInForce[],
    async spared(author, guild, days) {
      const rows = await reach(
        () => sql<{ spared: string }[]>`
          select coalesce(sum(s.spared_nano_usd), 0)::text as spared from savings s
          where s.day > store_now_v1(${JSON.stringify(clock())}::text::jsonb) - make_interval(days => ${days})
            and case when ${guild?.id ?? null}::text is null
              then s.user_id = (select u.id from users u where u.platform_user_id = ${author.id})
              else s.guild_id = (select g.id from guilds g where g.platform_guild_id = ${guild?.id ?? null}) end`,
      );
      return BigInt(rows[0]?.spared ?? 0);
    },
    async set({ originKey, author, guild }, { day, month }) {
      const limits = { cost_day: day, cost_month: month };
      await callFunction(sql, 'set_budget_v1', { originKey, author, guild, limits, ...clock() });
    },
  };
}
