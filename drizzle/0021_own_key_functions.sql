-- Keys of people and guilds, and who pays. A caller says with `servesKeys` that it can open keys: one of an older release
-- doesn't, its turns are the operator's, and turns that others pay for are left to newer processes.

-- Who pays for a turn: the person, else the guild, else the operator. A key that was refused still is the payer's: nobody else
-- pays in its place.
CREATE FUNCTION payer_v1(p_guild uuid, p_user uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM provider_keys k WHERE k.user_id = p_user AND k.provider = 'openrouter') THEN 'user'
    WHEN EXISTS (SELECT 1 FROM provider_keys k WHERE k.guild_id = p_guild AND k.provider = 'openrouter') THEN 'guild'
    ELSE 'operator'
  END
$$;
--> statement-breakpoint
-- Whether what a payer spends counts in the money of a quota subject: the instance's is the operator's own, and what people pay
-- themselves counts nowhere.
CREATE FUNCTION money_counts_v1(p_kind smallint, p_payer text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_payer = 'operator' OR (p_payer = 'guild' AND p_kind > 0)
$$;
--> statement-breakpoint
-- The key that a person, or a guild, has for a provider. Each has an index of its own, which a condition on both would not use.
CREATE FUNCTION key_of_v1(p_guild uuid, p_user uuid, p_provider text) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_guild IS NULL THEN (SELECT k.id FROM provider_keys k WHERE k.user_id = p_user AND k.provider = p_provider)
    ELSE (SELECT k.id FROM provider_keys k WHERE k.guild_id = p_guild AND k.provider = p_provider) END
$$;
--> statement-breakpoint
-- The sealed key that a turn is paid with; null where its payer has none any more.
CREATE FUNCTION own_key_v1(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', k.id, 'scope', k.scope, 'provider', k.provider, 'sealed', k.sealed, 'state', k.state,
    'revision', k.revision)
  FROM provider_keys k
  WHERE k.id = CASE p_turn.payer WHEN 'user' THEN (SELECT key_of_v1(NULL, p_turn.user_id, 'openrouter'))
    WHEN 'guild' THEN (SELECT key_of_v1(p_turn.guild_id, NULL, 'openrouter')) END
$$;
--> statement-breakpoint
-- As before, and says who pays. What searches the web reads its prompt more than once.
CREATE OR REPLACE FUNCTION store_turn_v1(p jsonb, p_draft turns, p_prompt bigint, OUT turn turns, OUT ahead int, OUT refusal jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ahead record;
  v_grant record;
  v_prompt bigint;
  v_runs boolean;
BEGIN
  -- A turn that waits will see the questions and answers before it as well: they count as they may become.
  SELECT count(*) AS turns, coalesce(sum(questions_ceiling_v1(t) + t.max_completion_tokens), 0) AS tokens INTO v_ahead
  FROM turns t
  WHERE t.conversation_id = p_draft.conversation_id AND t.state IN ('queued', 'running');
  ahead := v_ahead.turns;
  v_runs := ahead = 0;
  v_prompt := (p_prompt + v_ahead.tokens) * readings_v1(p_draft) + (p #>> '{hold,systemTokens}')::int
    + CASE WHEN readings_v1(p_draft) > 1 THEN coalesce((p #>> '{hold,searchTokens}')::bigint, 0) ELSE 0 END;
  SELECT * INTO v_grant FROM quota_grant_v1(p_draft.guild_id, p_draft.user_id, p_draft.charged_at, p -> 'defaults', v_prompt,
    (p #>> '{hold,maxCompletionTokens}')::int);
  refusal := v_grant.refusal;
  IF refusal IS NOT NULL THEN
    RETURN;
  END IF;
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, first_question_id, reply_of, parent_message_id, parent_turn_id, max_completion_tokens,
    cost_defaults, epoch, lease_owner, lease_until, admitted_at, charged_at, started_at, payer)
  VALUES (p_draft.id, p_draft.origin_key, p_draft.cause, p_draft.platform, p_draft.place,
    CASE WHEN v_runs THEN 'running' ELSE 'queued' END, p_draft.conversation_id, p_draft.user_id, p_draft.guild_id,
    p_draft.reply_target, p_draft.settings, p_draft.reported_locale, p_draft.question_message_id, p_draft.first_question_id,
    p_draft.reply_of, p_draft.parent_message_id, p_draft.parent_turn_id, v_grant.completion, cost_defaults_v1(p -> 'defaults'),
    v_runs::int, CASE WHEN v_runs THEN p ->> 'instance' END,
    CASE WHEN v_runs THEN p_draft.admitted_at + millis_v1(p ->> 'leaseMs') END, p_draft.admitted_at, p_draft.charged_at,
    CASE WHEN v_runs THEN p_draft.admitted_at END,
    CASE WHEN (p ->> 'servesKeys')::boolean THEN payer_v1(p_draft.guild_id, p_draft.user_id) ELSE 'operator' END)
  ON CONFLICT (origin_key) DO NOTHING
  RETURNING * INTO turn;
  IF turn.id IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, payer, requests, tokens, reserved_at, expires_at)
  SELECT turn.id, 0, -1, s.kind, s.subject_id, turn.payer, 1, v_prompt + v_grant.completion, turn.charged_at, turn.charged_at + interval '1 hour'
  FROM (VALUES (1::smallint, turn.guild_id), (2::smallint, turn.user_id)) s(kind, subject_id) WHERE s.subject_id IS NOT NULL;
  IF v_runs THEN
    INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (reply_id_v1(turn), 0, turn.place, turn.admitted_at)
    ON CONFLICT DO NOTHING;
  END IF;
END $$;
--> statement-breakpoint
-- As before, with the key that it is paid with, and with what searches gave to the answer that showed before. `p_waited`: where the messages that waited for this turn can be marked as waiting no more.
CREATE OR REPLACE FUNCTION runnable_turn_v2(p_turn turns, p_window jsonb, p_parts jsonb, p_waited jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT runnable_turn_v1(p_turn, p_window, p_parts) || jsonb_build_object('replyOf', p_turn.reply_of,
    'after', predecessor_v1(p_turn), 'waited', p_waited, 'ownKey', own_key_v1(p_turn),
    'lost', CASE WHEN p_turn.epoch > 1 THEN lost_attempts_v1(p_turn) ELSE '[]' END,
    'previous', (
      SELECT jsonb_build_object('text', m.text, 'isPartial', m.partial, 'search', m.search)
      FROM turns r CROSS JOIN LATERAL shown_answer_v1(r) m
      WHERE r.id = p_turn.reply_of AND m.id IS NOT NULL AND p_turn.cause IN ('regenerate', 'continue')))
$$;
--> statement-breakpoint
-- As before, with who pays. A generation that was noted of an attempt before it ended is not its own where another one ended with it.
CREATE OR REPLACE FUNCTION record_attempts_v2(p_turn uuid, p_epoch int, p_attempts jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, payer, provider, model_asked, model_used, generation_id, outcome, failure, http_status,
    is_free, started_at, first_token_ms, duration_ms, usage)
  SELECT p_turn, coalesce(a.epoch, p_epoch), a.index, (SELECT t.payer FROM turns t WHERE t.id = p_turn), a.provider, a."modelAsked", a."modelUsed", a."generationId", a.outcome, a.failure, a."httpStatus",
    a."isFree", to_timestamp(a."startedAtMs" / 1000), a."firstTokenMs", a."durationMs", a.usage
  FROM jsonb_to_recordset(p_attempts) AS a(index int, provider text, "modelAsked" text, "modelUsed" text, "generationId" text,
    outcome text, failure text, "httpStatus" int, "isFree" boolean, "startedAtMs" double precision, "firstTokenMs" int,
    "durationMs" int, usage jsonb, epoch int)
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET provider = excluded.provider, model_asked = excluded.model_asked,
    model_used = excluded.model_used, generation_id = coalesce(excluded.generation_id,
      (SELECT attempts.generation_id WHERE NOT p_attempts @> jsonb_build_array(jsonb_build_object('generationId', attempts.generation_id)))),
    outcome = excluded.outcome, failure = excluded.failure, http_status = excluded.http_status, is_free = excluded.is_free,
    started_at = excluded.started_at, first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
    usage = excluded.usage
$$;
--> statement-breakpoint
-- As before, with who pays.
CREATE OR REPLACE FUNCTION attempt_started_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, payer, model_asked, generation_id, started_at)
  SELECT t.id, t.epoch, (p ->> 'index')::int, t.payer, p ->> 'model', p ->> 'generationId', store_now_v1(p)
  FROM turns t WHERE t.id = (p ->> 'turnId')::uuid AND t.epoch = (p ->> 'epoch')::int AND t.state = 'running'
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET generation_id = excluded.generation_id
$$;
--> statement-breakpoint
-- As its predecessor, with the provider that is asked: without it nobody can tell later whom to ask, or whose money went.
CREATE FUNCTION attempt_started_v2(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, payer, provider, model_asked, generation_id, started_at)
  SELECT t.id, t.epoch, (p ->> 'index')::int, t.payer, p ->> 'provider', p ->> 'model', p ->> 'generationId', store_now_v1(p)
  FROM turns t WHERE t.id = (p ->> 'turnId')::uuid AND t.epoch = (p ->> 'epoch')::int AND t.state = 'running'
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET generation_id = excluded.generation_id
$$;
--> statement-breakpoint
-- As before, but money counts only where it is somebody else's.
CREATE OR REPLACE FUNCTION book_turn_v2(p_turn turns, p_attempts jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  WITH told AS (
    SELECT coalesce(a.epoch, p_turn.epoch) AS epoch, a.index AS attempt, coalesce(h.reserved_at, p_turn.charged_at) AS at,
      a.provider, a."modelAsked" AS model_asked, a."modelUsed" AS model_used, coalesce(a."isFree", false) AS is_free,
      (a.outcome = 'failed')::int AS failures, a."firstTokenMs" AS first_token_ms,
      token_count_v1(a.usage ->> 'promptTokens') AS prompt_tokens,
      token_count_v1(a.usage ->> 'completionTokens') AS completion_tokens,
      token_count_v1(a.usage ->> 'cachedTokens') AS cached_tokens,
      token_count_v1(a.usage ->> 'reasoningTokens') AS reasoning_tokens,
      nano_usd_v1(a.usage ->> 'costNanoUsd') AS cost_nano_usd,
      coalesce(a.usage ->> 'source', 'estimated') AS source,
      a.outcome IN ('answered', 'partial') OR jsonb_typeof(a.usage) = 'object' AS took,
      coalesce(a.epoch, p_turn.epoch) = p_turn.epoch AS is_told
    FROM jsonb_to_recordset(p_attempts) AS a(index int, provider text, "modelAsked" text, "modelUsed" text,
      "isFree" boolean, outcome text, "firstTokenMs" int, usage jsonb, epoch int)
    LEFT JOIN LATERAL (
      SELECT max(h.reserved_at) AS reserved_at FROM quota_holds h
      WHERE h.turn_id = p_turn.id AND h.epoch = coalesce(a.epoch, p_turn.epoch) AND h.attempt = a.index
    ) h ON true
  ), lost AS (
    SELECT DISTINCT ON (h.epoch, h.attempt) h.epoch, h.attempt::int, h.reserved_at,
      coalesce(a.provider, 'unknown'), coalesce(a.model_asked, 'unknown'), NULL::text, false,
      1, NULL::int, 0, 0, 0, 0, h.nano_usd, 'estimated', true, false
    FROM quota_holds h
    LEFT JOIN attempts a ON a.turn_id = h.turn_id AND a.epoch = h.epoch AND a.index = h.attempt
    WHERE h.turn_id = p_turn.id AND h.attempt >= 0
      AND NOT EXISTS (SELECT 1 FROM told t WHERE t.epoch = h.epoch AND t.attempt = h.attempt)
  ), tried AS MATERIALIZED (
    SELECT t.*, coalesce(is_told AND took AND attempt = max(attempt) FILTER (WHERE is_told AND took) OVER (), false)::int AS requests,
      coalesce(is_told AND attempt = max(attempt) FILTER (WHERE is_told) OVER (), false) AS is_last
    FROM (SELECT * FROM told UNION ALL SELECT * FROM lost) t
  ), booked AS (
    INSERT INTO usage (at, turn_id, epoch, attempt, guild_id, user_id, payer, provider, model_asked, model_used, requests,
      prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd, is_free, source, recorded_at)
    SELECT at, p_turn.id, epoch, attempt, p_turn.guild_id, p_turn.user_id, p_turn.payer, provider, model_asked, model_used,
      requests, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd, is_free, source, p_now
    FROM tried WHERE took
  ), summed AS (
    INSERT INTO usage_hourly AS u (hour, guild_id, user_id, model, provider, payer, requests, answered, failed, attempts,
      attempt_failures, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd,
      first_token_ms_sum, first_token_count)
    SELECT date_trunc('hour', at, 'UTC'), p_turn.guild_id, p_turn.user_id, model, provider, p_turn.payer, sum(requests),
      sum((is_last AND p_turn.state = 'generated')::int), sum((is_last AND p_turn.state IN ('failed', 'interrupted'))::int),
      sum(tries), sum(failures), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens),
      sum(cost_nano_usd), coalesce(sum(first_token_ms), 0), count(first_token_ms)
    FROM (
      SELECT at, coalesce(model_used, model_asked) AS model, provider, requests, is_last, 1 AS tries, failures, prompt_tokens,
        completion_tokens, cached_tokens, reasoning_tokens, cost_nano_usd, first_token_ms
      FROM tried
      UNION ALL
      SELECT p_turn.charged_at, '', '', 0, true, 0, 0, 0, 0, 0, 0, 0, NULL
      WHERE p_turn.state IN ('failed', 'interrupted') AND NOT EXISTS (SELECT 1 FROM tried WHERE is_told)
    ) t
    GROUP BY 1, model, provider
    ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET
      requests = u.requests + excluded.requests, answered = u.answered + excluded.answered, failed = u.failed + excluded.failed,
      attempts = u.attempts + excluded.attempts, attempt_failures = u.attempt_failures + excluded.attempt_failures,
      prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = u.completion_tokens + excluded.completion_tokens,
      cached_tokens = u.cached_tokens + excluded.cached_tokens, reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
      cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd,
      first_token_ms_sum = u.first_token_ms_sum + excluded.first_token_ms_sum,
      first_token_count = u.first_token_count + excluded.first_token_count
  ), counted AS (
    UPDATE quota_subjects q
    SET (hour_start, day_start, month_start, requests_hour, requests_day, requests_month, tokens_hour, tokens_day,
        tokens_month, cost_hour, cost_day, cost_month, images_hour, images_day, images_month) = (
      SELECT r.hour_start, r.day_start, r.month_start,
        r.requests_hour + b.requests_hour, r.requests_day + b.requests_day, r.requests_month + b.requests_month,
        r.tokens_hour + b.tokens_hour, r.tokens_day + b.tokens_day, r.tokens_month + b.tokens_month,
        r.cost_hour + b.cost_hour, r.cost_day + b.cost_day, r.cost_month + b.cost_month,
        r.images_hour, r.images_day, r.images_month
      FROM quota_rolled_v1(q, greatest(p_now, (SELECT max(t.at) FROM tried t WHERE t.took))) r
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(c.requests) FILTER (WHERE c.at >= r.hour_start), 0) AS requests_hour,
          coalesce(sum(c.requests) FILTER (WHERE c.at >= r.day_start), 0) AS requests_day,
          coalesce(sum(c.requests) FILTER (WHERE c.at >= r.month_start), 0) AS requests_month,
          coalesce(sum(c.tokens) FILTER (WHERE c.at >= r.hour_start), 0) AS tokens_hour,
          coalesce(sum(c.tokens) FILTER (WHERE c.at >= r.day_start), 0) AS tokens_day,
          coalesce(sum(c.tokens) FILTER (WHERE c.at >= r.month_start), 0) AS tokens_month,
          coalesce(sum(c.cost) FILTER (WHERE c.at >= r.hour_start), 0) AS cost_hour,
          coalesce(sum(c.cost) FILTER (WHERE c.at >= r.day_start), 0) AS cost_day,
          coalesce(sum(c.cost) FILTER (WHERE c.at >= r.month_start), 0) AS cost_month
        FROM (
          -- The instance keeps account of money alone: its row would be locked by every message otherwise.
          SELECT t.at, CASE WHEN q.kind > 0 THEN t.requests ELSE 0 END AS requests,
            CASE WHEN q.kind > 0 THEN t.prompt_tokens::bigint + t.completion_tokens ELSE 0 END AS tokens,
            CASE WHEN money_counts_v1(q.kind, p_turn.payer) THEN t.cost_nano_usd ELSE 0 END AS cost
          FROM tried t WHERE t.took
        ) c
      ) b
    )
    WHERE ((q.kind = 0 AND p_turn.payer = 'operator' AND EXISTS (SELECT 1 FROM tried WHERE cost_nano_usd > 0))
        OR (q.kind = 1 AND q.subject_id = p_turn.guild_id) OR (q.kind = 2 AND q.subject_id = p_turn.user_id))
      AND EXISTS (SELECT 1 FROM tried WHERE took)
  )
  DELETE FROM quota_holds WHERE turn_id = p_turn.id;
END $$;
--> statement-breakpoint
-- As before. A person's own money is held too, against no limit: what a lost attempt took is estimated by it.
CREATE OR REPLACE FUNCTION hold_cost_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
  v_amount bigint := nano_usd_v1(p ->> 'nanoUsd');
  v_held bigint;
  v_attempt smallint := (p ->> 'attempt')::smallint;
  v_at timestamptz;
  v_refusal jsonb;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid;
  v_at := lock_quota_subjects_v1(v_turn.payer = 'operator', v_turn.guild_id, v_turn.user_id);
  SELECT * INTO v_turn FROM turns WHERE id = v_turn.id FOR NO KEY UPDATE;
  IF v_turn.state IS DISTINCT FROM 'running' OR v_turn.epoch <> (p ->> 'epoch')::int THEN
    RETURN jsonb_build_object('kind', 'not_running');
  END IF;
  SELECT max(nano_usd) INTO v_held FROM quota_holds WHERE turn_id = v_turn.id AND epoch = v_turn.epoch AND attempt = v_attempt;
  IF v_amount <= v_held THEN
    RETURN jsonb_build_object('kind', 'held');
  END IF;

  v_at := greatest(store_now_v1(p), v_at, v_turn.charged_at);
  SELECT quota_refusal_v1(s.subject, s.metric, s.win, s.lim, s.used + s.held, s.resets_at) INTO v_refusal
  FROM quota_standings_v1(v_turn.payer = 'operator', v_turn.guild_id, v_turn.user_id, v_at, v_turn.cost_defaults) s
  WHERE s.metric = 'cost' AND v_turn.payer <> 'user' AND s.used + s.held + v_amount - coalesce(v_held, 0) > s.lim
  ORDER BY s.resets_at DESC, s.subject LIMIT 1;
  IF FOUND THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_refusal);
  END IF;

  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, payer, nano_usd, reserved_at, expires_at)
  SELECT v_turn.id, v_turn.epoch, v_attempt, s.kind, s.subject_id, v_turn.payer, v_amount, v_at, v_at + interval '1 hour'
  FROM (VALUES (0::smallint, '00000000-0000-0000-0000-000000000000'::uuid), (1::smallint, v_turn.guild_id), (2::smallint, v_turn.user_id),
    (3::smallint, v_turn.user_id)) s(kind, subject_id)
  WHERE s.subject_id IS NOT NULL AND (CASE s.kind WHEN 3 THEN v_turn.payer = 'user' ELSE money_counts_v1(s.kind, v_turn.payer) END)
  ON CONFLICT (turn_id, epoch, attempt, kind, subject_id) DO UPDATE SET nano_usd = excluded.nano_usd,
    reserved_at = excluded.reserved_at, expires_at = excluded.expires_at;
  RETURN jsonb_build_object('kind', 'held');
END $$;
--> statement-breakpoint
-- Writes down what was done with a key, without its value.
CREATE FUNCTION audit_key_v1(p_actor text, p_action text, p_key provider_keys, p_details jsonb, p_now timestamptz) RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO audit (at, actor, action, subject, guild, details)
  SELECT p_now, coalesce(p_actor, 'system'), p_action, coalesce(g.platform_guild_id, u.platform_user_id, ''), g.platform_guild_id,
    jsonb_build_object('key', p_key.id, 'provider', p_key.provider, 'last4', p_key.last4) || p_details
  FROM (VALUES (1)) one(n) LEFT JOIN guilds g ON g.id = p_key.guild_id LEFT JOIN users u ON u.id = p_key.user_id
$$;
--> statement-breakpoint
-- The first use of a key is on record; later ones are noted once a day.
CREATE FUNCTION note_key_use_v1(p_turn turns, p_now timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_id uuid := (own_key_v1(p_turn) ->> 'id')::uuid;
  v_key provider_keys;
BEGIN
  SELECT * INTO v_key FROM provider_keys k WHERE k.id = v_id
    AND (k.used_at IS NULL OR k.used_at < p_now - interval '1 day');
  IF v_key.id IS NULL THEN
    RETURN;
  END IF;
  UPDATE provider_keys SET used_at = p_now WHERE id = v_key.id AND used_at IS NOT DISTINCT FROM v_key.used_at;
  IF FOUND AND v_key.used_at IS NULL THEN
    PERFORM audit_key_v1((SELECT u.platform_user_id FROM users u WHERE u.id = p_turn.user_id), 'key.first_use', v_key, '{}', p_now);
  END IF;
END $$;
--> statement-breakpoint
-- As before; who else's money was spent needs no lock of the operator's. What an older release can't run is left.
CREATE OR REPLACE FUNCTION settle_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_turn turns;
  v_next turns;
  v_fate text;
  v_answer jsonb := nullif(p -> 'answer', 'null');
  v_money boolean;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid;
  v_money := v_turn.payer = 'operator' AND (EXISTS (SELECT 1 FROM quota_holds WHERE turn_id = v_turn.id AND attempt >= 0)
    OR EXISTS (SELECT 1 FROM jsonb_array_elements(p -> 'attempts') a WHERE nano_usd_v1(a #>> '{usage,costNanoUsd}') > 0));
  PERFORM lock_quota_subjects_v1(v_money, v_turn.guild_id, v_turn.user_id);
  PERFORM 1 FROM conversations WHERE id = v_turn.conversation_id FOR NO KEY UPDATE;
  SELECT * INTO v_turn FROM turns WHERE id = v_turn.id FOR NO KEY UPDATE;
  -- Whoever claimed the turn since, to run or only to deliver it, has the say.
  IF v_turn.id IS NULL OR v_turn.epoch <> (p ->> 'epoch')::int THEN
    RETURN jsonb_build_object('kind', 'lease_lost');
  END IF;
  v_fate := turn_fate_v1(v_turn);
  IF v_turn.state <> 'running' THEN
    RETURN jsonb_build_object('kind', 'already_settled', 'state', v_turn.state, 'fate', v_fate);
  END IF;
  v_now := store_now_v1(p);
  IF v_fate IS NOT NULL THEN
    v_answer := NULL;
  END IF;
  IF v_answer IS NOT NULL THEN
    PERFORM store_answer_v1(v_turn, v_answer, v_now);
  END IF;
  PERFORM record_attempts_v2(v_turn.id, v_turn.epoch, p -> 'attempts');
  UPDATE turns SET state = CASE v_fate WHEN 'retracted' THEN 'cancelled' ELSE coalesce(v_fate, p ->> 'state') END,
    notice = CASE WHEN v_fate IS NULL THEN nullif(p -> 'notice', 'null') END, generated_at = v_now,
    answer_message_id = (v_answer ->> 'messageId')::uuid, lease_until = v_now + millis_v1(p ->> 'leaseMs')
  WHERE id = v_turn.id RETURNING * INTO v_turn;
  PERFORM book_turn_v2(v_turn, p -> 'attempts', v_now);
  IF v_turn.payer <> 'operator' AND jsonb_array_length(p -> 'attempts') > 0 THEN
    PERFORM note_key_use_v1(v_turn, v_now);
  END IF;

  SELECT * INTO v_next FROM turns
  WHERE conversation_id = v_turn.conversation_id AND state = 'queued' ORDER BY seq LIMIT 1 FOR NO KEY UPDATE;
  RETURN jsonb_build_object('kind', 'settled', 'fate', v_fate,
    'versions', (
      SELECT versions_v1(v_turn.question_message_id, coalesce(v_turn.answer_message_id, m.id))
      FROM turns r LEFT JOIN LATERAL shown_answer_v1(r) m ON true WHERE r.id = reply_id_v1(v_turn)),
    'next', CASE WHEN v_next.id IS NOT NULL AND (v_next.payer = 'operator' OR (p ->> 'servesKeys')::boolean) THEN begin_turn_v2(v_next, p, v_now) END);
END $$;
--> statement-breakpoint
-- As before, but leaves what an older release can't run to newer processes.
CREATE OR REPLACE FUNCTION claim_work_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_cutoff timestamptz := v_now - millis_v1(p ->> 'maxAgeMs');
  v_delivery_cutoff timestamptz := v_now - millis_v1(p ->> 'deliveryMaxAgeMs');
  v_limit int := (p ->> 'limit')::int;
  v_take_over boolean := coalesce((p ->> 'takeOver')::boolean, false);
  v_found uuid[];
  v_ending uuid[];
  v_id uuid;
  v_turn turns;
  v_fate text;
  v_run jsonb := '[]';
  v_deliver jsonb := '[]';
BEGIN
  SELECT coalesce(array_agg(c.id ORDER BY c.seq), '{}') INTO v_found FROM (
    (SELECT t.id, t.seq FROM turns t
    WHERE t.delivered_at IS NULL AND (t.lease_until < v_now OR (v_take_over AND t.lease_owner <> p ->> 'instance'))
      AND t.state IN ('running', 'generated', 'refused', 'failed', 'cancelled', 'interrupted', 'merged', 'superseded')
      AND t.platform IN (SELECT jsonb_array_elements_text(p -> 'platforms'))
      AND (t.payer = 'operator' OR t.state <> 'running' OR (p ->> 'servesKeys')::boolean)
      AND t.id NOT IN (SELECT h.id::uuid FROM jsonb_array_elements_text(p -> 'held') h(id))
    ORDER BY t.seq LIMIT v_limit)
    UNION ALL
    (SELECT t.id, t.seq FROM turns t
    WHERE t.state = 'queued' AND t.platform IN (SELECT jsonb_array_elements_text(p -> 'platforms'))
      AND (t.payer = 'operator' OR (p ->> 'servesKeys')::boolean)
      AND NOT has_predecessor_v1(t)
    ORDER BY t.seq LIMIT v_limit)
  ) c;
  SELECT coalesce(array_agg(t.id), '{}') INTO v_ending FROM turns t
  WHERE t.id = ANY (v_found) AND t.state IN ('queued', 'running') AND (t.admitted_at < v_cutoff OR t.cancel_requested_at IS NOT NULL);

  -- Not worth an answer any more: these let their holds go, so their subjects are locked, all in one order. The instance
  -- too: whether there is money to book is known for certain only under the locks.
  IF cardinality(v_ending) > 0 THEN
    PERFORM 1 FROM quota_subjects s
    WHERE s.kind = 0
      OR (s.kind = 1 AND s.subject_id IN (SELECT t.guild_id FROM turns t WHERE t.id = ANY (v_ending)))
      OR (s.kind = 2 AND s.subject_id IN (SELECT t.user_id FROM turns t WHERE t.id = ANY (v_ending)))
    ORDER BY s.kind, s.subject_id FOR NO KEY UPDATE;
  END IF;

  FOREACH v_id IN ARRAY v_found LOOP
    SELECT * INTO v_turn FROM turns t
    WHERE t.id = v_id AND t.delivered_at IS NULL
      AND (t.state = 'queued' OR t.lease_until < v_now OR (v_take_over AND t.lease_owner <> p ->> 'instance'))
    FOR NO KEY UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;

    IF v_turn.state = 'queued' AND NOT v_id = ANY (v_ending) THEN
      PERFORM 1 FROM conversations c WHERE c.id = v_turn.conversation_id FOR NO KEY UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND OR has_predecessor_v1(v_turn);
      v_run := v_run || begin_turn_v2(v_turn, p, v_now);
      CONTINUE;
    END IF;
    -- What nobody waits for any more is given up; a refusal, which is about the moment, much sooner than an answer.
    IF (v_turn.generated_at IS NOT NULL AND greatest(v_turn.generated_at, v_turn.retracted_at) < v_delivery_cutoff) OR (v_turn.state = 'refused' AND v_turn.admitted_at < v_cutoff) THEN
      PERFORM mark_delivered_v2(p || jsonb_build_object('turnId', v_id, 'epoch', v_turn.epoch, 'retracted', true, 'unreachable', 'given up'));
      CONTINUE;
    END IF;

    UPDATE turns SET epoch = epoch + 1, lease_owner = p ->> 'instance', lease_until = v_now + millis_v1(p ->> 'leaseMs'),
      postponed_until = NULL
    WHERE id = v_id RETURNING * INTO v_turn;
    IF v_turn.state = 'running' AND NOT v_id = ANY (v_ending) THEN
      -- Who had begun it may have ended before it could take the marks away.
      v_run := v_run || runnable_turn_v2(v_turn, turn_window_v2(v_turn, p -> 'window'), reply_parts_v1(reply_id_v1(v_turn)),
        waited_v1(v_turn));
      CONTINUE;
    END IF;
    IF v_turn.state IN ('queued', 'running') THEN
      v_fate := turn_fate_v1(v_turn);
      UPDATE turns SET generated_at = v_now,
        state = CASE WHEN v_fate IN ('superseded', 'merged') THEN v_fate WHEN cancel_requested_at IS NULL THEN 'interrupted'
          ELSE 'cancelled' END,
        notice = CASE WHEN v_fate IS NOT NULL THEN NULL WHEN cancel_requested_at IS NULL THEN p -> 'interruptedNotice'
          ELSE '{"key": "turn.cancelled", "params": {}}' END
      WHERE id = v_id RETURNING * INTO v_turn;
      PERFORM book_turn_v2(v_turn, '[]', v_now);
    END IF;
    -- Its reply is another turn's: there is nothing to show. Whoever waits for it waits for the one before it, too.
    IF v_turn.state IN ('merged', 'superseded') AND v_turn.retracted_at IS NULL THEN
      CONTINUE WHEN predecessor_v1(v_turn) IS NOT NULL;
      PERFORM mark_delivered_v2(jsonb_build_object('turnId', v_id, 'epoch', v_turn.epoch, 'retracted', true) || jsonb_strip_nulls(jsonb_build_object('nowMs', p -> 'nowMs')));
      CONTINUE;
    END IF;
    v_deliver := v_deliver || deliverable_turn_v2(v_turn);
  END LOOP;
  RETURN jsonb_build_object('run', v_run, 'deliver', v_deliver);
END $$;
--> statement-breakpoint
-- As before, with the money that counts by who paid.
CREATE OR REPLACE FUNCTION rebuild_counters_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_old quota_subjects;
  v_new quota_subjects;
  v_page int := 0;
  v_differences jsonb := '[]';
BEGIN
  FOR v_old IN
    SELECT * FROM quota_subjects s
    WHERE (s.kind, s.subject_id) > ((p #>> '{after,kind}')::smallint, (p #>> '{after,subjectId}')::uuid)
    ORDER BY s.kind, s.subject_id LIMIT (p ->> 'limit')::int FOR NO KEY UPDATE
  LOOP
    v_page := v_page + 1;
    v_new := v_old;
    v_new.hour_start := date_trunc('hour', v_now, v_old.time_zone);
    v_new.day_start := date_trunc('day', v_now, v_old.time_zone);
    v_new.month_start := date_trunc('month', v_now, v_old.time_zone);
    SELECT coalesce(sum(u.requests) FILTER (WHERE u.at >= v_new.hour_start), 0), coalesce(sum(u.requests) FILTER (WHERE u.at >= v_new.day_start), 0),
      coalesce(sum(u.requests), 0), coalesce(sum(u.tokens) FILTER (WHERE u.at >= v_new.hour_start), 0),
      coalesce(sum(u.tokens) FILTER (WHERE u.at >= v_new.day_start), 0), coalesce(sum(u.tokens), 0),
      coalesce(sum(u.cost) FILTER (WHERE u.at >= v_new.hour_start), 0), coalesce(sum(u.cost) FILTER (WHERE u.at >= v_new.day_start), 0),
      coalesce(sum(u.cost), 0), coalesce(sum(u.images) FILTER (WHERE u.at >= v_new.hour_start), 0),
      coalesce(sum(u.images) FILTER (WHERE u.at >= v_new.day_start), 0), coalesce(sum(u.images), 0)
    INTO v_new.requests_hour, v_new.requests_day, v_new.requests_month, v_new.tokens_hour, v_new.tokens_day, v_new.tokens_month,
      v_new.cost_hour, v_new.cost_day, v_new.cost_month, v_new.images_hour, v_new.images_day, v_new.images_month
    FROM (
      SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens AS tokens,
        CASE WHEN money_counts_v1(1::smallint, u.payer) THEN u.cost_nano_usd ELSE 0 END AS cost, u.images
      FROM usage u WHERE v_old.kind = 1 AND u.guild_id = v_old.subject_id AND u.at >= v_new.month_start
      UNION ALL
      SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens,
        CASE WHEN money_counts_v1(2::smallint, u.payer) THEN u.cost_nano_usd ELSE 0 END, u.images
      FROM usage u WHERE v_old.kind = 2 AND u.user_id = v_old.subject_id AND u.at >= v_new.month_start
      UNION ALL -- The instance accounts for money alone, in UTC: the hourly sums are as exact as the details.
      SELECT h.hour, 0, 0, h.cost_nano_usd, 0 FROM usage_hourly h WHERE v_old.kind = 0 AND h.payer = 'operator' AND h.hour >= v_new.month_start
    ) u;
    SELECT quota_rolled_v1.* INTO v_old FROM quota_rolled_v1(v_old, v_now);
    CONTINUE WHEN v_new = v_old;
    UPDATE quota_subjects q SET (hour_start, day_start, month_start, requests_hour, requests_day, requests_month, tokens_hour,
      tokens_day, tokens_month, cost_hour, cost_day, cost_month, images_hour, images_day, images_month) =
      ROW (v_new.hour_start, v_new.day_start, v_new.month_start, v_new.requests_hour, v_new.requests_day, v_new.requests_month,
        v_new.tokens_hour, v_new.tokens_day, v_new.tokens_month, v_new.cost_hour, v_new.cost_day, v_new.cost_month,
        v_new.images_hour, v_new.images_day, v_new.images_month)
    WHERE q.kind = v_new.kind AND q.subject_id = v_new.subject_id;
    v_differences := v_differences || jsonb_build_object('subject', quota_subject_name_v1(v_new.kind), 'subjectId', v_new.subject_id,
      'changes', (SELECT jsonb_object_agg(n.key, jsonb_build_array(o.value, n.value))
        FROM jsonb_each(to_jsonb(v_new)) n JOIN jsonb_each(to_jsonb(v_old)) o USING (key) WHERE n.value <> o.value));
  END LOOP;
  RETURN jsonb_build_object('differences', v_differences,
    'next', CASE WHEN v_page = (p ->> 'limit')::int THEN jsonb_build_object('kind', v_new.kind, 'subjectId', v_new.subject_id) END);
END $$;
--> statement-breakpoint
-- As before, and forgets how keys were asked for.
CREATE OR REPLACE FUNCTION housekeeping_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_page int := (p ->> 'limit')::int;
  v_holds int;
  v_outcomes int;
  v_errors int;
  v_requests int;
  v_sealed int;
BEGIN
  PERFORM ensure_usage_partitions_v1(p);
  DELETE FROM quota_holds WHERE id IN (
    SELECT h.id FROM quota_holds h WHERE h.turn_id IS NULL AND h.expires_at < v_now LIMIT v_page);
  GET DIAGNOSTICS v_holds = ROW_COUNT;
  DELETE FROM command_outcomes WHERE origin_key IN (
    SELECT c.origin_key FROM command_outcomes c WHERE c.at < v_now - interval '30 days' LIMIT v_page);
  GET DIAGNOSTICS v_outcomes = ROW_COUNT;
  DELETE FROM key_requests WHERE id IN (
    SELECT r.id FROM key_requests r WHERE r.expires_at < v_now - interval '1 day' LIMIT v_page);
  GET DIAGNOSTICS v_requests = ROW_COUNT;
  -- What nobody can take any more keeps no secret.
  UPDATE key_requests SET sealed = NULL WHERE id IN (
    SELECT r.id FROM key_requests r WHERE r.expires_at <= v_now AND r.sealed IS NOT NULL LIMIT v_page);
  GET DIAGNOSTICS v_sealed = ROW_COUNT;
  DELETE FROM errors WHERE id IN (SELECT e.id FROM errors e WHERE e.at < v_now - interval '90 days' LIMIT v_page);
  GET DIAGNOSTICS v_errors = ROW_COUNT;
  RETURN jsonb_build_object('isDone', greatest(v_holds, v_outcomes, v_errors, v_requests, v_sealed) < v_page,
    'strayUsage', EXISTS (SELECT 1 FROM usage_default));
END $$;
--> statement-breakpoint
-- What came of giving a key, as it is told: what is kept names nobody, so that a person who is forgotten stands in none.
CREATE FUNCTION key_outcome_v1(p_outcome jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_outcome #>> '{replaced,givenBy}' IS NULL THEN p_outcome ELSE jsonb_set(p_outcome, '{replaced,givenBy}', coalesce(
    (SELECT to_jsonb(u.name) FROM users u WHERE u.id = (p_outcome #>> '{replaced,givenBy}')::uuid), 'null')) END
$$;
--> statement-breakpoint
-- Keeps the key of a person, or of a guild, in the place of the one before: the last one wins. Repeating the origin key changes
-- nothing and tells the same.
CREATE FUNCTION set_provider_key_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user users := known_user_v1(p -> 'author', v_now);
  v_guild guilds := known_guild_v2(p -> 'guild', v_now);
  v_old provider_keys;
  v_new provider_keys;
  v_outcome jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('provider key ' || coalesce(v_guild.id, v_user.id), 0));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN key_outcome_v1(v_outcome);
  END IF;
  DELETE FROM provider_keys k WHERE k.id = (SELECT key_of_v1(v_guild.id, v_user.id, p #>> '{key,provider}')) RETURNING * INTO v_old;
  INSERT INTO provider_keys (id, scope, user_id, guild_id, provider, sealed, last4, fingerprint, given_by, created_at, checked_at)
  VALUES ((p #>> '{key,id}')::uuid, CASE WHEN v_guild.id IS NULL THEN 'user' ELSE 'guild' END,
    CASE WHEN v_guild.id IS NULL THEN v_user.id END, v_guild.id, p #>> '{key,provider}', p #>> '{key,sealed}', p #>> '{key,last4}',
    p #>> '{key,fingerprint}', p #>> '{author,id}', v_now, v_now)
  RETURNING * INTO v_new;
  v_outcome := jsonb_build_object('kind', 'kept', 'guild', nullif(p -> 'guild', 'null'), 'last4', v_new.last4, 'replaced', CASE WHEN v_old.id IS NOT NULL THEN
    jsonb_build_object('last4', v_old.last4, 'isSame', v_old.fingerprint = v_new.fingerprint, 'givenBy',
      (SELECT u.id FROM users u WHERE u.platform_user_id = v_old.given_by AND v_old.given_by <> v_new.given_by)) END);
  PERFORM audit_key_v1(v_new.given_by, CASE WHEN v_old.id IS NULL THEN 'key.add' ELSE 'key.replace' END, v_new,
    jsonb_build_object('by', p ->> 'by') || CASE WHEN v_old.id IS NULL THEN '{}' ELSE
      jsonb_build_object('replaced', v_old.id, 'replacedLast4', v_old.last4) END, v_now);
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', v_outcome, v_now);
  RETURN key_outcome_v1(v_outcome);
END $$;
--> statement-breakpoint
-- Forgets the key of a person or of a guild. Repeating the origin key changes nothing and tells the same.
CREATE FUNCTION remove_provider_key_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user users := known_user_v1(p -> 'author', v_now);
  v_guild guilds := known_guild_v2(p -> 'guild', v_now);
  v_old provider_keys;
  v_outcome jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('provider key ' || coalesce(v_guild.id, v_user.id), 0));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  DELETE FROM provider_keys k WHERE k.id = (SELECT key_of_v1(v_guild.id, v_user.id, p ->> 'provider')) RETURNING * INTO v_old;
  v_outcome := CASE WHEN v_old.id IS NULL THEN '{"kind": "none"}' ELSE
    jsonb_build_object('kind', 'removed', 'last4', v_old.last4) END;
  IF v_old.id IS NOT NULL THEN
    PERFORM audit_key_v1(p #>> '{author,id}', 'key.remove', v_old, '{}', v_now);
  END IF;
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', v_outcome, v_now);
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Notes what became known of a key: `refused` by the provider, `accepted`, or `unreadable` here. On record once each time it
-- begins. A refusal of what was replaced or found good since is nothing: being found good makes another revision.
CREATE FUNCTION mark_provider_key_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_key provider_keys;
BEGIN
  SELECT * INTO v_key FROM provider_keys k WHERE k.id = (p ->> 'id')::uuid FOR NO KEY UPDATE;
  IF v_key.id IS NULL THEN
    RETURN;
  ELSIF p ->> 'as' = 'refused' AND v_key.state = 'valid' AND v_key.revision = (p ->> 'revision')::int THEN
    UPDATE provider_keys SET state = 'invalid', checked_at = v_now WHERE id = v_key.id;
    PERFORM audit_key_v1(p ->> 'actor', 'key.refused', v_key, '{}', v_now);
  ELSIF p ->> 'as' = 'accepted' THEN
    UPDATE provider_keys SET state = 'valid', checked_at = v_now, unreadable_since = NULL, revision = revision + 1
    WHERE id = v_key.id;
    IF v_key.state = 'invalid' THEN
      PERFORM audit_key_v1(p ->> 'actor', 'key.accepted', v_key, '{}', v_now);
    END IF;
  ELSIF p ->> 'as' = 'unreadable' AND v_key.unreadable_since IS NULL THEN
    UPDATE provider_keys SET unreadable_since = v_now WHERE id = v_key.id;
    PERFORM audit_key_v1(p ->> 'actor', 'key.unreadable', v_key, '{}', v_now);
  END IF;
END $$;
--> statement-breakpoint
-- A person is about to give a key; an earlier way of the same kind is over.
CREATE FUNCTION ask_key_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user users := known_user_v1(p -> 'author', v_now);
  v_guild guilds := known_guild_v2(p -> 'guild', v_now);
BEGIN
  UPDATE key_requests SET expires_at = v_now, sealed = NULL WHERE asked_by = v_user.id AND kind = p ->> 'kind' AND used_at IS NULL AND expires_at > v_now;
  INSERT INTO key_requests (id, kind, asked_by, guild_id, sealed, created_at, expires_at)
  VALUES ((p ->> 'id')::uuid, p ->> 'kind', v_user.id, v_guild.id, p ->> 'sealed', v_now, v_now + millis_v1(p ->> 'forMs'));
END $$;
--> statement-breakpoint
-- Takes what a person has begun: by its id, else the newest of its kind. Each is taken once; an event that comes again takes
-- again what it took, unless that has ended.
CREATE FUNCTION take_key_request_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_event text := (p ->> 'originKey') || ':key';
  v_before uuid := (SELECT (c.outcome ->> 'request')::uuid FROM command_outcomes c WHERE c.origin_key = v_event);
  v_request key_requests;
BEGIN
  SELECT r.* INTO v_request FROM key_requests r JOIN users u ON u.id = r.asked_by
  WHERE r.kind = p ->> 'kind' AND CASE WHEN v_before IS NOT NULL THEN r.id = v_before
    WHEN p ->> 'id' IS NOT NULL THEN r.id = (p ->> 'id')::uuid ELSE u.platform_user_id = p ->> 'user' END
  ORDER BY r.created_at DESC, r.expires_at DESC LIMIT 1 FOR NO KEY UPDATE OF r;
  IF v_request.id IS NULL THEN
    RETURN '{"kind": "none"}';
  ELSIF v_before IS NOT NULL AND (v_request.kind = 'message' OR v_request.sealed IS NOT NULL) THEN
    NULL;
  ELSIF v_request.used_at IS NOT NULL THEN
    RETURN '{"kind": "used"}';
  ELSIF v_request.expires_at <= v_now THEN
    RETURN '{"kind": "expired"}';
  END IF;
  IF v_event IS NOT NULL THEN
    INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (v_event, jsonb_build_object('request', v_request.id), v_now)
    ON CONFLICT DO NOTHING;
  END IF;
  UPDATE key_requests SET used_at = v_now WHERE id = v_request.id;
  RETURN (SELECT jsonb_build_object('kind', 'taken', 'id', v_request.id, 'sealed', v_request.sealed,
      'author', jsonb_build_object('id', u.platform_user_id, 'name', u.name, 'locale', u.reported_locale),
      'guild', CASE WHEN g.id IS NOT NULL THEN jsonb_build_object('id', g.platform_guild_id, 'name', g.name) END)
    FROM users u LEFT JOIN guilds g ON g.id = v_request.guild_id WHERE u.id = v_request.asked_by);
END $$;
--> statement-breakpoint
-- Nothing came of what was taken, for no fault of the person's: it may be taken again. Else its secret is forgotten.
CREATE FUNCTION end_key_request_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE key_requests SET used_at = CASE WHEN (p ->> 'again')::boolean THEN NULL ELSE used_at END,
    sealed = CASE WHEN (p ->> 'again')::boolean THEN sealed END
  WHERE id = (p ->> 'id')::uuid
$$;
--> statement-breakpoint
-- As before, for all readings of what is added.
CREATE OR REPLACE FUNCTION has_room_v1(p jsonb, p_turn turns, p_tokens bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (
    SELECT 1 FROM quota_standings_v1(false, p_turn.guild_id, p_turn.user_id, p_turn.charged_at, p -> 'defaults') s
    WHERE s.metric = 'tokens' AND s.used + s.held + p_tokens * readings_v1(p_turn) > s.lim)
$$;
--> statement-breakpoint
-- As before, for all readings of what is added.
CREATE OR REPLACE FUNCTION hold_more_v1(p_turn uuid, p_tokens bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE quota_holds h SET tokens = greatest(0, h.tokens + p_tokens * readings_v1(t)) FROM turns t
  WHERE h.turn_id = p_turn AND h.attempt = -1 AND t.id = p_turn
$$;
--> statement-breakpoint
-- As before; what was found for an answer goes with it.
CREATE OR REPLACE FUNCTION delete_messages_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_message messages;
  v_root turns;
  v_newest turns;
  v_turn turns;
  v_cancel jsonb := '[]';
  v_deliver jsonb := '[]';
BEGIN
  FOR v_message IN
    SELECT m.* FROM messages m JOIN jsonb_array_elements_text(p -> 'messages') d(id) ON m.platform_message_id = d.id
    WHERE m.role = 'user' AND m.deleted_at IS NULL ORDER BY m.conversation_id, m.id
  LOOP
    PERFORM 1 FROM conversations c WHERE c.id = v_message.conversation_id FOR NO KEY UPDATE;
    SELECT * INTO v_message FROM messages m WHERE m.id = v_message.id;
    CONTINUE WHEN v_message.deleted_at IS NOT NULL;
    SELECT r.* INTO v_root FROM turns r WHERE r.id = reply_id_v1(present_turn_v1(v_message.turn_id));
    v_newest := newest_of_reply_v1(v_root.id);
    -- One of several that are answered together: the others still are.
    IF v_newest.first_question_id <> v_newest.question_message_id THEN
      PERFORM leave_questions_v1(v_message, v_root);
    ELSE
      PERFORM drop_answers_v1(v_message.id, v_root, v_now);
      UPDATE messages SET text = '', search = NULL, est_tokens = 0 WHERE parent_id = v_message.id AND role = 'assistant';
    END IF;
    UPDATE messages SET deleted_at = v_now, text = '', search = NULL, est_tokens = 0 WHERE id = v_message.id;
    UPDATE messages SET parent_id = v_message.parent_id WHERE parent_id = v_message.id AND role = 'user';
    UPDATE conversations SET head_message_id = v_message.parent_id WHERE id = v_message.conversation_id AND head_message_id = v_message.id;
    CONTINUE WHEN v_newest.first_question_id <> v_newest.question_message_id;

    FOR v_turn IN
      SELECT * FROM turns t WHERE t.id = v_root.id OR t.reply_of = v_root.id ORDER BY t.seq DESC FOR NO KEY UPDATE
    LOOP
      IF v_turn.state = 'queued' THEN
        UPDATE turns SET state = 'cancelled', cancel_requested_at = v_now, generated_at = v_now, delivered_at = v_now WHERE id = v_turn.id;
        DELETE FROM quota_holds WHERE turn_id = v_turn.id;
        CONTINUE;
      END IF;
      EXIT WHEN v_turn.retracted_at IS NOT NULL;
      UPDATE turns SET retracted_at = v_now,
        cancel_requested_at = CASE state WHEN 'running' THEN coalesce(cancel_requested_at, v_now) ELSE cancel_requested_at END
      WHERE id = v_turn.id;
      IF v_turn.state = 'running' THEN
        v_cancel := v_cancel || to_jsonb(v_turn.id);
      ELSIF v_turn.delivered_at IS NOT NULL THEN -- Else whoever delivers it finds out when that is done.
        UPDATE turns SET delivered_at = NULL, state = CASE state WHEN 'delivered' THEN 'generated' ELSE state END,
          epoch = epoch + 1, lease_owner = p ->> 'instance', lease_until = v_now + millis_v1(p ->> 'leaseMs')
        WHERE id = v_turn.id RETURNING * INTO v_turn;
        v_deliver := v_deliver || deliverable_turn_v2(v_turn);
      END IF;
      EXIT;
    END LOOP;
  END LOOP;
  RETURN jsonb_build_object('cancel', v_cancel, 'deliver', v_deliver);
END $$;
--> statement-breakpoint
-- As before. What was found for a person is as much theirs as what was answered, by whomever it was asked for again; what they
-- did with keys stays on record without them; and what runs for them is booked by what is held for it, before its end is noted.
CREATE OR REPLACE FUNCTION forget_user_v1(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user uuid := (SELECT u.id FROM users u WHERE u.platform_user_id = p ->> 'user');
  v_guilds uuid[];
  v_money boolean;
  v_turn turns;
  v_chats text[];
BEGIN
  IF v_user IS NULL THEN
    RETURN false;
  END IF;
  INSERT INTO quota_subjects (kind, subject_id, time_zone) VALUES (2, v_user, 'UTC') ON CONFLICT DO NOTHING;
  SELECT coalesce(array_agg(DISTINCT t.guild_id) FILTER (WHERE t.guild_id IS NOT NULL), '{}'), coalesce(bool_or(t.payer = 'operator' AND h.id IS NOT NULL), false)
  INTO v_guilds, v_money
  FROM turns t LEFT JOIN quota_holds h ON h.turn_id = t.id AND h.kind = 0 WHERE t.user_id = v_user AND t.state IN ('queued', 'running');
  PERFORM 1 FROM quota_subjects s
  WHERE (s.kind = 0 AND v_money) OR (s.kind = 1 AND s.subject_id = ANY (v_guilds)) OR (s.kind = 2 AND s.subject_id = v_user)
  ORDER BY s.kind, s.subject_id FOR NO KEY UPDATE;
  -- Nothing of theirs is admitted or held from here on. What has just been makes it begin anew: locks are taken in one order.
  IF EXISTS (SELECT 1 FROM turns t LEFT JOIN quota_holds h ON h.turn_id = t.id AND h.kind = 0
    WHERE t.user_id = v_user AND t.state IN ('queued', 'running') AND ((t.guild_id IS NOT NULL AND t.guild_id <> ALL (v_guilds)) OR (h.id IS NOT NULL AND NOT v_money))) THEN
    RAISE EXCEPTION 'who is to be forgotten has just asked something' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM 1 FROM conversations c
  WHERE c.id IN (SELECT t.conversation_id FROM turns t WHERE t.user_id = v_user AND t.state IN ('queued', 'running'))
  ORDER BY c.id FOR NO KEY UPDATE;
  FOR v_turn IN
    SELECT * FROM turns t WHERE t.user_id = v_user AND t.state IN ('queued', 'running') ORDER BY t.seq FOR NO KEY UPDATE
  LOOP
    UPDATE turns SET state = 'cancelled', generated_at = v_now WHERE id = v_turn.id RETURNING * INTO v_turn;
    PERFORM book_turn_v2(v_turn, '[]', v_now);
  END LOOP;
  UPDATE turns SET delivered_at = coalesce(delivered_at, v_now), lease_owner = NULL, lease_until = NULL, reported_locale = NULL,
    reply_target = '{}', notice = NULL
  WHERE user_id = v_user;
  UPDATE messages SET text = '', search = NULL, est_tokens = 0, platform_message_id = NULL, deleted_at = v_now
  WHERE id IN (SELECT t.answer_message_id FROM turns t WHERE t.user_id = v_user
    UNION SELECT a.id FROM messages q JOIN messages a ON a.parent_id = q.id WHERE q.user_id = v_user AND a.role = 'assistant');
  UPDATE messages SET text = '', est_tokens = 0, platform_message_id = NULL, deleted_at = v_now WHERE user_id = v_user;
  UPDATE usage SET user_id = NULL WHERE user_id = v_user;
  WITH gone AS (DELETE FROM usage_hourly WHERE user_id = v_user RETURNING *)
  INSERT INTO usage_hourly AS u (hour, guild_id, user_id, model, provider, payer, requests, answered, failed, attempts, attempt_failures,
    prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count)
  SELECT hour, guild_id, NULL, model, provider, payer, requests, answered, failed, attempts, attempt_failures, prompt_tokens,
    completion_tokens, cached_tokens, reasoning_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count FROM gone
  ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET requests = u.requests + excluded.requests,
    answered = u.answered + excluded.answered, failed = u.failed + excluded.failed, attempts = u.attempts + excluded.attempts,
    attempt_failures = u.attempt_failures + excluded.attempt_failures, prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = u.completion_tokens + excluded.completion_tokens, cached_tokens = u.cached_tokens + excluded.cached_tokens,
    reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens, images = u.images + excluded.images,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd, first_token_ms_sum = u.first_token_ms_sum + excluded.first_token_ms_sum,
    first_token_count = u.first_token_count + excluded.first_token_count;
  -- In private, the chat stands for the person. A command of theirs that comes once more finds nothing to change.
  v_chats := ARRAY (
    SELECT event_chat_v1(c.place) FROM conversations c WHERE c.user_id = v_user
    UNION SELECT event_chat_v1(t.place) FROM turns t WHERE t.user_id = v_user AND t.guild_id IS NULL);
  UPDATE errors SET origin_key = NULL WHERE event_chat_v1(origin_key) = ANY (v_chats) OR is_chat_of_v1(origin_key, p ->> 'user');
  DELETE FROM command_outcomes WHERE event_chat_v1(origin_key) = ANY (v_chats) OR is_chat_of_v1(origin_key, p ->> 'user');
  DELETE FROM turns WHERE user_id = v_user AND guild_id IS NULL;
  DELETE FROM conversations WHERE user_id = v_user;
  UPDATE audit SET actor = CASE actor WHEN p ->> 'user' THEN '' ELSE actor END, subject = CASE subject WHEN p ->> 'user' THEN '' ELSE subject END,
    details = details - 'last4' - 'replacedLast4'
  WHERE action LIKE 'key.%' AND p ->> 'user' IN (actor, subject);
  UPDATE provider_keys SET given_by = '' WHERE given_by = p ->> 'user';
  DELETE FROM settings WHERE scope = 'user' AND subject_id = v_user;
  DELETE FROM quota_subjects WHERE kind = 2 AND subject_id = v_user;
  DELETE FROM users WHERE id = v_user;
  RETURN true;
END $$;
