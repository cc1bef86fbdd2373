import type { AnswerStories, AnswerStory, StoryQuestion } from '../conversation/answer-story.ts';
import type { Sql } from './connection.ts';
import { reach } from './failure.ts';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;

/**
 * Reads how answers came about. Each way to an answer has an index of its own, so that no question costs more when more was
 * said. Rejects with `StoreUnavailable`.
 */
export function createStoryReader(sql: Sql): AnswerStories {
  return {
    async read(question) {
      const found = findTurn(sql, question);
      if (found === null) return null;
      const rows = await reach(() => selectStory(sql, found));
      return rows[0]?.story ?? null;
    },
  };
}

/** Selects the `id` of the turn that is meant; null where there can be none. */
function findTurn(sql: Sql, { target, place, guild, asker }: StoryQuestion) {
  switch (target.kind) {
    case 'turn':
      return UUID.test(target.turn)
        ? sql`
          select t.id from turns t where t.id = ${target.turn} and (t.place = ${place}
            or t.guild_id = (select g.id from guilds g where g.platform_guild_id = ${guild}))`
        : null;
    case 'message':
      // Parts carry the platform's bare id, the last segment of the qualified one.
      return sql`
        select coalesce((
          select r.turn_id from reply_parts r join turns t on t.id = r.turn_id
          where r.place = ${place} and r.platform_message_id in (${target.message}, split_part(${target.message}, ':', -1))
          order by t.seq desc limit 1
        ), (
          select m.turn_id from messages m join conversations c on c.id = m.conversation_id
          where m.platform_message_id = ${target.message} and c.place = ${place}
        )) as id`;
    case 'newest':
      return sql`
        select n.id from (
          (select t.id, t.seq from turns t
            where t.place = ${place} and t.state not in ('refused', 'merged', 'superseded')
              -- What others wait for is no answer yet; a place has a handful of such turns at most.
              and (t.state not in ('queued', 'running') or t.user_id = (select u.id from users u where u.platform_user_id = ${asker}))
            order by t.seq desc limit 1)
          union all
          (select t.id, t.seq from turns t
            where t.user_id = (select u.id from users u where u.platform_user_id = ${asker}) and t.place = ${place}
              and t.state = 'refused'
            order by t.seq desc limit 1)
        ) n order by n.seq desc limit 1`;
  }
}

const selectStory = (sql: Sql, found: NonNullable<ReturnType<typeof findTurn>>) => sql<
  { story: AnswerStory }[]
>`
  with root as materialized (
    select r.id from (${found}) f cross join lateral present_turn_v1(f.id) p join turns r on r.id = reply_id_v1(p)
  ), shown as materialized (
    select newest.id as newest_id, newest.state as newest_state, answer.turn_id, answer.model, answer.search
    from root join turns r on r.id = root.id cross join lateral newest_of_reply_v1(r.id) newest left join lateral shown_answer_v1(r) answer on true
  )
  select jsonb_build_object('state', t.state, 'cause', t.cause, 'settings', t.settings, 'payer', t.payer,
    'askedBy', (select u.platform_user_id from users u where u.id = t.user_id),
    'guild', (select g.platform_guild_id from guilds g where g.id = t.guild_id), 'refusal', t.refusal, 'notice', t.notice,
    'isGone', t.retracted_at is not null or (s.turn_id is null and t.state in ('generated', 'delivered')),
    'answer', case when s.turn_id is not null then jsonb_build_object('model', s.model, 'search', s.search) end,
    'attempts', (
      select coalesce(jsonb_agg(jsonb_build_object('modelAsked', a.model_asked, 'modelUsed', a.model_used, 'outcome', a.outcome,
        'failure', a.failure, 'startedAtMs', epoch_ms_v1(a.started_at), 'firstTokenMs', a.first_token_ms,
        'durationMs', a.duration_ms) order by a.epoch, a.index), '[]')
      from (select * from attempts a where a.turn_id = t.id order by a.epoch, a.index limit 40) a),
    'booked', (
      select jsonb_build_object('promptTokens', sum(u.prompt_tokens), 'completionTokens', sum(u.completion_tokens),
        'cachedTokens', sum(u.cached_tokens), 'reasoningTokens', sum(u.reasoning_tokens), 'costNanoUsd', sum(u.cost_nano_usd))
      from usage u
      -- A turn lasts no longer: the months that can have nothing of it are not looked at.
      where u.kind = 'completion' and u.turn_id = t.id and u.at >= t.charged_at and u.at < t.charged_at + interval '2 days' having count(*) > 0),
    'spared', (
      select jsonb_build_object('nanoUsd', sum((a.usage #>> '{spared,nanoUsd}')::bigint), 'against', min(a.usage #>> '{spared,against}'))
      from attempts a where a.turn_id = t.id and a.usage -> 'spared' is not null having count(*) > 0),
    'admittedAtMs', epoch_ms_v1(t.admitted_at),
    'later', case when s.newest_id <> t.id then s.newest_state end) as story
  from shown s join turns t on t.id = coalesce(s.turn_id, s.newest_id)`;
