import type { Books, CounterPlace } from '../usage/audit-ports.ts';
import type { Sql } from './connection.ts';
import { callFunction, storableJson } from './document.ts';
import { reach } from './failure.ts';

interface Page {
  readonly differences: readonly object[];
  readonly next: CounterPlace | null;
}

/** Few, because a page's subjects admit nothing while a month of their usage is read. */
const PAGE_SUBJECTS = 3;
const BEFORE_ALL: CounterPlace = { kind: -1, subjectId: '00000000-0000-0000-0000-000000000000' };

/** `now` replaces the database's clock, for tests. */
export function createBooks(sql: Sql, now?: () => number): Books {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  return {
    auditHour: async (hourMs) => (await callFunction(sql, 'audit_hour_v1', { hourMs, ...clock() })) as number,
    auditDay: async (dayMs) => (await callFunction(sql, 'audit_day_v1', { dayMs, ...clock() })) as number,
    async auditCounters(after) {
      const request = { after: after ?? BEFORE_ALL, limit: PAGE_SUBJECTS, ...clock() };
      const { differences, next } = (await callFunction(sql, 'audit_counters_v1', request)) as Page;
      return { wrong: differences.length, next };
    },
    async operatorsDay() {
      const moment = storableJson(clock());
      const rows = await reach(
        () => sql<{ booked: string; held: string }[]>`
          select (select coalesce(sum(h.cost_nano_usd), 0)::text from usage_hourly h
              where h.hour >= date_trunc('day', store_now_v1(${moment}::text::jsonb), 'UTC')
                and h.payer = 'operator' and h.provider = 'openrouter') as booked,
            (select coalesce(sum(q.nano_usd), 0)::text from quota_holds q where q.kind = 0 and q.turn_id is not null) as held`,
      );
      const [day = { booked: '0', held: '0' }] = rows;
      return { bookedNanoUsd: BigInt(day.booked), heldNanoUsd: BigInt(day.held) };
    },
    async noteDrift(drift) {
      const details = storableJson(drift);
      await reach(
        () => sql`
          insert into audit (actor, action, subject, details)
          values ('system', 'books.drift', 'instance', ${details}::text::jsonb)`,
      );
    },
  };
}
