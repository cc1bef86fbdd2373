import type { ExperienceStore, ModelExperience } from '../completion/ports.ts';
import type { Sql } from './connection.ts';
import { reach } from './failure.ts';

/**
 * What the attempts of the last days, and what readers thought of their answers, tell of OpenRouter's models: elsewhere the
 * same id is another thing. However many there were, only the newest are read.
 */
export function createExperienceStore(sql: Sql): ExperienceStore {
  return {
    recent: (blamed) =>
      reach(
        () => sql<ModelExperience[]>`
          select model_asked as model, count(*)::int as calls,
            (count(*) filter (where failure is not null))::int as failures,
            (count(*) filter (where asked_again))::int as "askedAgain",
            avg(first_token_ms)::float8 as "firstTokenMs"
          from (
            select a.model_asked, a.index, a.failure, a.first_token_ms,
              a.outcome <> 'failed' and exists (
                select from turns t join turns r on r.reply_of = coalesce(t.reply_of, t.id)
                where t.id = a.turn_id and r.cause = 'regenerate' and r.seq > t.seq
              ) as asked_again
            from (
              -- Where others answer nearly everything, those in question are not searched for through days.
              select * from attempts order by started_at desc limit ${MOST_READ}
            ) a
            where a.provider = 'openrouter' and a.started_at > now() - interval '3 days' and a.outcome in ('answered', 'partial', 'failed')
            order by a.started_at desc limit ${MOST_ATTEMPTS}
          ) newest
          -- Late in a turn little of its time is left.
          where failure is null or (${JSON.stringify(blamed)}::text::jsonb ? failure and (failure <> 'timeout' or index = 0))
          group by model_asked`,
      ),
  };
}

const MOST_ATTEMPTS = 2000;
const MOST_READ = 10_000;
