import type { Sql } from '../../src/store/connection.ts';

/** A broken promise, as seen in the database or by a worker. */
export interface Sighting {
  readonly invariant: string;
  readonly detail: string;
}

/**
 * Reads the promises in one statement, so in one snapshot. They are judged by the newest moment
 * that the database itself has recorded for a subject, never by a clock of the watcher's, and without the
 * functions under test.
 */
export async function observe(sql: Sql, limits: object): Promise<readonly Sighting[]> {
  const text = JSON.stringify(limits);
  return await sql<Sighting[]>`
    with subject as materialized (
      select s as row, s.kind, s.subject_id, s.time_zone, n.name,
        -- Of channels and members those whose limits stay below what was given.
        case when n.is_judged then ${text}::text::jsonb -> n.name end as lim,
        greatest(s.hour_start, s.day_start, s.month_start, (
          select max(h.reserved_at) from quota_holds h where h.kind = s.kind and h.subject_id = s.subject_id
        )) as newest
      from quota_subjects s
      left join guilds g on g.id = s.guild_id
      join lateral (values (0, 'instance', true), (1, 'guild', true), (2, 'user', true), (4, 'channel', s.channel like '%00'),
        (5, 'member', g.platform_guild_id in ('telegram:-1', 'telegram:-2'))) n(kind, name, is_judged) on n.kind = s.kind
    ), taken as materialized (
      select u.at, u.guild_id, u.user_id, u.channel, u.payer, u.requests, u.prompt_tokens + u.completion_tokens as tokens,
        u.cost_nano_usd as cost, u.images
      from usage u
    ), booked as materialized (
      select 0::smallint as kind, '00000000-0000-0000-0000-000000000000'::uuid as subject_id, u.at, 0 as requests,
        0 as tokens, case u.payer when 'operator' then u.cost else 0 end as cost, 0 as images from taken u
      union all
      select s.kind, s.subject_id, u.at, u.requests, u.tokens, case u.payer when 'user' then 0 else u.cost end, u.images
      from taken u
      join quota_subjects s on (s.kind = 1 and s.subject_id = u.guild_id) or (s.kind = 2 and s.subject_id = u.user_id)
        or (s.kind = 4 and s.guild_id = u.guild_id and s.channel = u.channel)
        or (s.kind = 5 and s.guild_id = u.guild_id and s.user_id = u.user_id)
    ), by_window as materialized (
      select s.kind, s.subject_id, w.win, date_trunc(w.win, b.at, s.time_zone) as start, sum(b.requests) as requests,
        sum(b.tokens) as tokens, sum(b.cost) as cost, sum(b.images) as images
      from booked b join subject s using (kind, subject_id)
      cross join (values ('hour'), ('day'), ('month')) w(win)
      group by 1, 2, 3, 4
    ), counters as (
      select s.kind, s.subject_id, s.name, c.* from subject s cross join lateral (values
        ('hour', (s.row).hour_start, (s.row).requests_hour, (s.row).tokens_hour, (s.row).cost_hour, (s.row).images_hour),
        ('day', (s.row).day_start, (s.row).requests_day, (s.row).tokens_day, (s.row).cost_day, (s.row).images_day),
        ('month', (s.row).month_start, (s.row).requests_month, (s.row).tokens_month, (s.row).cost_month, (s.row).images_month)
      ) c(win, start, requests, tokens, cost, images)
    )
    select 'I1 used + held within the limit' as invariant,
      s.name || ' ' || m.metric || ' ' || c.win || ': ' || m.used || ' + ' || m.held || ' of ' || (s.lim ->> (m.metric || '_' || c.win)) as detail
    from subject s
    join counters c using (kind, subject_id)
    cross join lateral (select date_trunc(c.win, s.newest, s.time_zone) > c.start as has_ended) w
    cross join lateral (
      select coalesce(sum(h.requests), 0) as requests, coalesce(sum(h.tokens), 0) as tokens, coalesce(sum(h.nano_usd), 0) as cost,
        coalesce(sum(h.images), 0) as images
      from quota_holds h where h.kind = s.kind and h.subject_id = s.subject_id
    ) h
    cross join lateral (values
      ('requests', case when w.has_ended then 0 else c.requests end, h.requests),
      ('tokens', case when w.has_ended then 0 else c.tokens end, h.tokens),
      ('cost', case when w.has_ended then 0 else c.cost end, h.cost),
      ('images', case when w.has_ended then 0 else c.images end, h.images)
    ) m(metric, used, held)
    where s.newest > '-infinity' and m.used + m.held > (s.lim ->> (m.metric || '_' || c.win))::bigint
    union all
    select 'I2 usage of a window within the limit', s.name || ' ' || m.metric || ' ' || w.win || ' ' || w.start || ': ' || m.used || ' of '
      || (s.lim ->> (m.metric || '_' || w.win))
    from by_window w
    join subject s using (kind, subject_id)
    cross join lateral (values ('requests', w.requests), ('tokens', w.tokens), ('cost', w.cost), ('images', w.images)) m(metric, used)
    where m.used > (s.lim ->> (m.metric || '_' || w.win))::bigint
    union all
    select 'I3 counter equals usage', c.name || ' ' || c.win || ' ' || c.start || ': counted '
      || c.requests || '/' || c.tokens || '/' || c.cost || '/' || c.images || ', used ' || b.requests || '/' || b.tokens || '/' || b.cost || '/' || b.images
    from counters c
    cross join lateral (
      select coalesce(sum(b.requests), 0) as requests, coalesce(sum(b.tokens), 0) as tokens, coalesce(sum(b.cost), 0) as cost,
        coalesce(sum(b.images), 0) as images
      from by_window b where b.kind = c.kind and b.subject_id = c.subject_id and b.win = c.win and b.start >= c.start
    ) b
    where c.start > '-infinity' and (c.requests, c.tokens, c.cost, c.images) is distinct from (b.requests, b.tokens, b.cost, b.images)
    union all
    -- Whom something is held for is held for in full, from the first moment on at which they are counted.
    select 'I23 channel and member are held for as their guild is', s.kind || ' of turn ' || t.id || ': ' || to_jsonb(h)::text
    from turns t
    join quota_subjects s on s.guild_id = t.guild_id and ((s.kind = 4 and s.channel = t.channel) or (s.kind = 5 and s.user_id = t.user_id))
    join quota_holds h on h.turn_id = t.id and h.kind = 1
    left join quota_holds o on o.turn_id = h.turn_id and o.epoch = h.epoch and o.attempt = h.attempt and o.kind = s.kind and o.subject_id = s.subject_id
    where (h.requests, h.tokens, h.nano_usd, h.images) is distinct from (o.requests, o.tokens, o.nano_usd, o.images)
    union all
    select 'I23 channel and member are held for as their guild is', 'left of turn ' || o.turn_id from quota_holds o
    where o.kind in (4, 5) and not exists (select 1 from quota_holds h where h.kind = 1 and h.turn_id = o.turn_id
      and h.epoch = o.epoch and h.attempt = o.attempt)
    union all
    select 'I24 usage is booked for the channel of its turn', 'turn ' || t.id from turns t
    where (t.guild_id is null) <> (t.channel is null) and t.state <> 'refused' and t.merged_into is null
      or exists (select 1 from usage u where u.turn_id = t.id and u.channel is distinct from t.channel)
    union all
    select 'I4 nothing negative', c.name || ' ' || c.win from counters c where least(c.requests, c.tokens, c.cost, c.images) < 0
    union all
    select 'I5 booked once', 'turn ' || u.turn_id from usage u group by u.turn_id
    having sum(u.requests) > 1 or count(*) <> count(distinct (u.epoch, u.attempt))
    union all
    select 'I5 admitted once', t.origin_key from turns t group by t.origin_key having count(*) > 1
    union all
    select 'I6 no hold outlives its turn', t.state || ' turn ' || t.id
    from quota_holds h join turns t on t.id = h.turn_id where t.state not in ('queued', 'running')
    union all
    select 'I6 every unfinished turn is held', t.state || ' turn ' || t.id from turns t
    where t.state in ('queued', 'running') and not exists (select 1 from quota_holds h where h.turn_id = t.id and h.attempt = -1)
    union all
    select 'I8 one at a time', 'conversation ' || t.conversation_id from turns t where t.state = 'running'
    group by t.conversation_id having count(*) > 1
    union all
    select 'I8 in order', 'turn ' || late.id || ' before ' || early.id
    from turns early join turns late on late.conversation_id = early.conversation_id and late.seq > early.seq
    where early.state = 'queued' and late.state in ('running', 'generated', 'delivered')
    union all
    select 'I13 whose message is another turn’s has an heir', t.state || ' turn ' || t.id
    from turns t where (t.state = 'merged' and t.merged_into is null) or (t.state = 'superseded' and t.superseded_by is null)
    union all
    select 'I14 nothing living follows what is deleted', 'message ' || m.id
    from messages m join messages p on p.id = m.parent_id where m.deleted_at is null and p.deleted_at is not null
    union all
    select 'I15 the version that shows is there', 'turn ' || t.id
    from turns t join messages m on m.id = t.selected_answer_id where m.deleted_at is not null
    union all
    select 'I21 what a turn took is paid by its payer', t.payer || ' turn ' || t.id
    from turns t where exists (select 1 from usage u where u.turn_id = t.id and u.payer <> t.payer)
      or exists (select 1 from attempts a where a.turn_id = t.id and a.payer <> t.payer)
      or exists (select 1 from quota_holds h where h.turn_id = t.id and h.payer <> t.payer)
    union all
    select 'I22 money is held where it counts', t.payer || ' turn ' || t.id || ' kind ' || h.kind
    from quota_holds h join turns t on t.id = h.turn_id
    where h.attempt >= 0 and not case t.payer when 'operator' then h.kind in (0, 1, 2, 4, 5) when 'guild' then h.kind in (1, 2, 4, 5) else h.kind = 3 end
    union all
    select 'I16 five changes at most', 'message ' || m.id from messages m where m.edits > 5
    union all
    select 'I10 hourly sums equal usage', coalesce(r.user_id, u.user_id)::text
    from (select user_id, sum(requests) as requests, sum(prompt_tokens + completion_tokens) as tokens, sum(cost_nano_usd) as cost
      from usage_hourly group by 1) r
    full join (select user_id, sum(requests) as requests, sum(prompt_tokens + completion_tokens) as tokens, sum(cost_nano_usd) as cost
      from usage group by 1) u using (user_id)
    where (coalesce(r.requests, 0), coalesce(r.tokens, 0), coalesce(r.cost, 0))
      is distinct from (coalesce(u.requests, 0), coalesce(u.tokens, 0), coalesce(u.cost, 0))`;
}

/** What must be so once everything has ended. */
export async function observeEnd(sql: Sql): Promise<readonly Sighting[]> {
  return await sql<Sighting[]>`
    with recursive hanging as (
      select m.id from messages m where m.parent_id is null
      union
      select m.id from hanging h join messages m on m.parent_id = h.id
    )
    select 'I17 every turn ends' as invariant, t.state || ' turn ' || t.id || ': ' || (to_jsonb(t) - 'settings' - 'cost_defaults' - 'reply_target') as detail
    from turns t where t.delivered_at is null or t.state in ('queued', 'running', 'generated')
    union all
    select 'I18 no hold is left', 'turn ' || h.turn_id from quota_holds h
    union all
    select 'I19 every message hangs on a beginning', 'message ' || m.id
    from messages m where not exists (select 1 from hanging h where h.id = m.id)
    union all
    select 'I20 the newest word of a conversation is there', 'conversation ' || c.id
    from conversations c join messages m on m.id = c.head_message_id where m.deleted_at is not null`;
}
