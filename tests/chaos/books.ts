import type { Database } from '../../src/store/database.ts';
import type { Storage } from '../support/process.ts';
import type { Evidence, TurnRecord } from './evidence.ts';

type Books = Pick<Evidence, 'turns' | 'holds' | 'wrongCounters' | 'ownFailures'>;

/** Reads what the database holds at the end. */
export function readBooks(storage: Storage): Promise<Books> {
  return storage.read(async (sql) => ({
    turns: await readTurns(sql),
    holds: await readHolds(sql),
    wrongCounters: await readWrongCounters(sql),
    ownFailures: await readOwnFailures(sql),
  }));
}

async function readTurns(sql: Database['sql']): Promise<readonly TurnRecord[]> {
  const ms = (column: string) => sql`(extract(epoch from ${sql(column)}) * 1000)::float8`;
  const rows = await sql<(Omit<TurnRecord, 'answer'> & { text: string | null; partial: boolean | null })[]>`
    select t.id, t.origin_key as "originKey", t.state, t.conversation_id as "conversationId", a.text, a.partial,
      coalesce(to_jsonb(t) ->> 'merged_into', to_jsonb(t) ->> 'superseded_by') as "succeededBy",
      (t.notice is not null or t.refusal is not null) as "hasNotice", t.delivered_at is not null as "isDelivered",
      t.unreachable, t.epoch, ${ms('admitted_at')} as "admittedAtMs", ${ms('started_at')} as "startedAtMs",
      ${ms('generated_at')} as "generatedAtMs", ${ms('delivered_at')} as "deliveredAtMs",
      coalesce((select jsonb_agg(r.platform_message_id order by r.index) from reply_parts r
        where r.turn_id = t.id and r.platform_message_id is not null), '[]') as parts
    from turns t left join messages a on a.id = t.answer_message_id order by t.seq`;
  return rows.map(({ text, partial, ...turn }) => ({
    ...turn,
    answer: text === null ? null : { text, isPartial: partial === true },
  }));
}

async function readHolds(sql: Database['sql']): Promise<number> {
  const [row] = await sql<{ holds: number }[]>`select count(*)::int as holds from quota_holds`;
  return row?.holds ?? 0;
}

/** Without those of the model service, which are ordered. */
async function readOwnFailures(sql: Database['sql']): Promise<readonly string[]> {
  const rows = await sql<{ failure: string }[]>`
    select area || ' ' || coalesce(origin_key, '') || ': ' || left(message, 300) as failure from errors
    where area not like 'completion.%' order by at`;
  return rows.map(({ failure }) => failure);
}

/** Counters of a window hold the usage since its start, whenever that was. */
async function readWrongCounters(sql: Database['sql']): Promise<readonly string[]> {
  const rows = await sql<{ detail: string }[]>`
    select 'subject ' || q.kind || ' ' || q.subject_id || ', ' || c.win || ': counted ' || c.requests || ' requests and '
      || c.tokens || ' tokens, used ' || u.requests || ' and ' || u.tokens as detail
    from quota_subjects q
    cross join lateral (values
      ('hour', q.hour_start, q.requests_hour, q.tokens_hour, q.cost_hour),
      ('day', q.day_start, q.requests_day, q.tokens_day, q.cost_day),
      ('month', q.month_start, q.requests_month, q.tokens_month, q.cost_month)
    ) c(win, start, requests, tokens, cost)
    cross join lateral (
      select coalesce(sum(u.requests), 0) as requests, coalesce(sum(u.prompt_tokens + u.completion_tokens), 0) as tokens,
        coalesce(sum(u.cost_nano_usd), 0) as cost
      from usage u
      where u.at >= c.start and case q.kind when 5 then u.guild_id = q.guild_id and u.user_id = q.user_id
        when 4 then u.guild_id = q.guild_id and u.channel = q.channel when 2 then u.user_id = q.subject_id
        when 1 then u.guild_id = q.subject_id else true end
    ) u
    where c.start > '-infinity' and (c.cost <> u.cost or (q.kind > 0 and (c.requests <> u.requests or c.tokens <> u.tokens)))`;
  return rows.map(({ detail }) => detail);
}
