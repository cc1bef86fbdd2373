-- Several turns may write one reply, one after the other: a regenerated or changed answer takes the place of the one
-- before. The reply belongs to the turn that began it; its parts are kept under that turn's id.
CREATE FUNCTION reply_id_v1(p_turn turns) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(p_turn.reply_of, p_turn.id)
$$;
--> statement-breakpoint
-- The turn that has the say about a message now.
CREATE FUNCTION present_turn_v1(p_turn uuid) RETURNS turns LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_turn turns;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = p_turn;
  WHILE coalesce(v_turn.merged_into, v_turn.superseded_by) IS NOT NULL LOOP
    SELECT * INTO v_turn FROM turns WHERE id = coalesce(v_turn.merged_into, v_turn.superseded_by);
  END LOOP;
  RETURN v_turn;
END $$;
--> statement-breakpoint
-- The answer that shows in a reply, of the turn that the reply belongs to.
CREATE FUNCTION shown_answer_v1(p_root turns) RETURNS messages LANGUAGE sql STABLE AS $$
  SELECT m FROM messages m
  WHERE m.id = coalesce(p_root.selected_answer_id, p_root.answer_message_id) AND m.deleted_at IS NULL
$$;
--> statement-breakpoint
-- Which version of the answers to a question shows, counted from 1, and how many there are.
CREATE FUNCTION versions_v1(p_question uuid, p_shown uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('index', coalesce(max(v.place) FILTER (WHERE v.id = p_shown), count(*)), 'count', count(*))
  FROM (
    SELECT m.id, row_number() OVER (ORDER BY t.seq) AS place FROM messages m JOIN turns t ON t.id = m.turn_id
    WHERE m.parent_id = p_question AND m.role = 'assistant' AND m.deleted_at IS NULL
  ) v
$$;
--> statement-breakpoint
-- The turn of the conversation whose reply has to be complete before this one shows; null when there is none.
CREATE FUNCTION predecessor_v1(p_turn turns) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT t.id FROM turns t
  WHERE t.conversation_id = p_turn.conversation_id AND t.delivered_at IS NULL AND t.seq < p_turn.seq AND t.state <> 'queued'
  ORDER BY t.seq DESC LIMIT 1
$$;
--> statement-breakpoint
-- As its predecessor, but continues from the version that shows of an answer.
CREATE FUNCTION parent_message_v2(p_message uuid, p_turn uuid, p_head uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(p_message, (
    SELECT coalesce((shown_answer_v1(t)).id, (present_turn_v1(t.id)).question_message_id) FROM turns t WHERE t.id = p_turn), p_head)
$$;
--> statement-breakpoint
-- The most tokens that the questions of a turn can have: its last, its first, and what was put to them while it waited.
CREATE FUNCTION questions_ceiling_v1(p_turn turns) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum((octet_length(q.text) + 2) / 3), 0) FROM messages q
  WHERE q.id IN (
    SELECT p_turn.question_message_id
    UNION SELECT p_turn.first_question_id
    UNION SELECT m.question_message_id FROM turns m WHERE m.merged_into = p_turn.id AND m.started_at IS NULL)
$$;
--> statement-breakpoint
-- As its predecessor, but no more than what can have `p_ceiling` tokens; null is no such limit.
CREATE FUNCTION conversation_window_v2(p_leaf uuid, p_max_messages int, p_max_tokens int, p_ceiling bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE walk AS (
    SELECT m.id, m.parent_id, m.deleted_at IS NULL AS live, 1 AS steps, l.taken, l.taken * m.est_tokens AS tokens,
      (l.taken * ((octet_length(m.text) + 2) / 3))::bigint AS ceiling
    FROM messages m CROSS JOIN LATERAL (SELECT (m.deleted_at IS NULL)::int AS taken) l WHERE m.id = p_leaf
    UNION ALL
    SELECT m.id, m.parent_id, m.deleted_at IS NULL, w.steps + 1, w.taken + l.taken, w.tokens + l.taken * m.est_tokens,
      w.ceiling + l.taken * ((octet_length(m.text) + 2) / 3)
    FROM walk w JOIN messages m ON m.id = w.parent_id
    CROSS JOIN LATERAL (SELECT (m.deleted_at IS NULL)::int AS taken) l
    WHERE w.taken < p_max_messages AND w.tokens < p_max_tokens AND w.steps < 4 * p_max_messages
      AND (p_ceiling IS NULL OR w.ceiling < p_ceiling)
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'text', m.text,
    'authorName', CASE WHEN m.role = 'user' THEN u.name END) ORDER BY w.steps DESC), '[]')
  FROM walk w
  JOIN messages m ON m.id = w.id
  LEFT JOIN users u ON u.id = m.user_id
  WHERE w.live AND w.taken <= p_max_messages AND w.tokens <= p_max_tokens AND (p_ceiling IS NULL OR w.ceiling <= p_ceiling)
$$;
--> statement-breakpoint
-- The window of a turn that was admitted: its question, whatever its size, and before it what still fits. What is said
-- there may have become longer since, so it is cut to what the turn holds.
CREATE FUNCTION turn_window_v2(p_turn turns, p_limits jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT conversation_window_v2(q.parent_id, (p_limits ->> 'maxMessages')::int - 1, (p_limits ->> 'maxTokens')::int - q.est_tokens,
      (SELECT min(h.tokens) FROM quota_holds h WHERE h.turn_id = p_turn.id AND h.attempt = -1) - p_turn.max_completion_tokens
        - coalesce((p_limits ->> 'systemTokens')::int, 0) - (octet_length(q.text) + 2) / 3 - CASE p_turn.cause
          WHEN 'continue' THEN (SELECT (octet_length((shown_answer_v1(r)).text) + 2) / 3 FROM turns r WHERE r.id = p_turn.reply_of)
          ELSE 0 END)
    || jsonb_build_object('role', 'user', 'text', q.text, 'authorName', u.name)
  FROM messages q LEFT JOIN users u ON u.id = q.user_id
  WHERE q.id = p_turn.question_message_id
$$;
--> statement-breakpoint
-- Attempts of processes that are gone, which nobody has told the end of.
CREATE FUNCTION lost_attempts_v1(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('index', a.index, 'epoch', a.epoch, 'model', a.model_asked,
    'generationId', a.generation_id, 'startedAtMs', epoch_ms_v1(a.started_at), 'heldNanoUsd', (
      SELECT max(h.nano_usd)::text FROM quota_holds h WHERE h.turn_id = a.turn_id AND h.epoch = a.epoch AND h.attempt = a.index
    )) ORDER BY a.epoch, a.index), '[]')
  FROM attempts a WHERE a.turn_id = p_turn.id AND a.epoch < p_turn.epoch AND a.outcome IS NULL
$$;
--> statement-breakpoint
-- `p_waited`: where the messages that waited for this turn can be marked as waiting no more.
CREATE FUNCTION runnable_turn_v2(p_turn turns, p_window jsonb, p_parts jsonb, p_waited jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT runnable_turn_v1(p_turn, p_window, p_parts) || jsonb_build_object('replyOf', p_turn.reply_of,
    'after', predecessor_v1(p_turn), 'waited', p_waited,
    'lost', CASE WHEN p_turn.epoch > 1 THEN lost_attempts_v1(p_turn) ELSE '[]' END,
    'previous', (
      SELECT jsonb_build_object('text', m.text, 'isPartial', m.partial)
      FROM turns r CROSS JOIN LATERAL shown_answer_v1(r) m
      WHERE r.id = p_turn.reply_of AND m.id IS NOT NULL AND p_turn.cause IN ('regenerate', 'continue')))
$$;
--> statement-breakpoint
-- Where messages are marked as waiting for a turn, or may still be: its own unless it began, or was refused, as it was
-- admitted, those that were merged into it, and the one whose reply it took over before that was begun. Whoever is about to
-- begin a turn asks before.
CREATE FUNCTION waited_v1(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(t.reply_target ORDER BY t.seq), '[]') FROM turns t
  WHERE (t.id = p_turn.id AND t.cause = 'message' AND p_turn.started_at IS DISTINCT FROM p_turn.admitted_at
      AND p_turn.state <> 'refused')
    OR (t.merged_into = p_turn.id AND t.started_at IS NULL)
    OR (t.id = p_turn.reply_of AND t.cause = 'message' AND t.started_at IS NULL)
$$;
--> statement-breakpoint
CREATE FUNCTION deliverable_turn_v2(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT deliverable_turn_v1(p_turn) || jsonb_build_object('replyOf', p_turn.reply_of, 'after', predecessor_v1(p_turn),
    -- It may not have begun, or who began it may have ended before the marks were away.
    'waited', waited_v1(p_turn),
    'parts', reply_parts_v1(reply_id_v1(p_turn)), 'isRetracted', p_turn.retracted_at IS NOT NULL,
    -- What showed before is shown again where nothing better came.
    'answer', coalesce(own.text, shown.text), 'isPartial', coalesce(own.partial, shown.partial, false),
    'versions', versions_v1(p_turn.question_message_id, coalesce(own.id, shown.id)))
  FROM turns r
  LEFT JOIN messages own ON own.id = p_turn.answer_message_id AND own.deleted_at IS NULL
  LEFT JOIN LATERAL shown_answer_v1(r) shown ON p_turn.cause IN ('regenerate', 'continue')
  WHERE r.id = reply_id_v1(p_turn)
$$;
--> statement-breakpoint
-- Whether no turn of the reply has begun yet: then its question has no place in the conversation.
CREATE FUNCTION is_unplaced_v1(p_turn turns) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_turn.reply_of IS NULL OR NOT EXISTS (
    SELECT 1 FROM turns t
    WHERE (t.id = p_turn.reply_of OR t.reply_of = p_turn.reply_of) AND t.id <> p_turn.id AND t.started_at IS NOT NULL)
$$;
--> statement-breakpoint
-- Puts the question of a turn that begins into its conversation. The caller holds the lock of the conversation.
CREATE FUNCTION place_question_v1(p_turn turns) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_is_unplaced boolean := is_unplaced_v1(p_turn);
BEGIN
  IF v_is_unplaced THEN
    UPDATE messages SET parent_id = parent_message_v2(p_turn.parent_message_id, p_turn.parent_turn_id,
      (SELECT c.head_message_id FROM conversations c WHERE c.id = p_turn.conversation_id))
    WHERE id = coalesce(p_turn.first_question_id, p_turn.question_message_id);
  END IF;
  -- What answers a message again leaves the conversation where it is; other messages came since.
  IF v_is_unplaced OR p_turn.cause = 'message' THEN
    UPDATE conversations SET head_message_id = p_turn.question_message_id WHERE id = p_turn.conversation_id;
  END IF;
END $$;
--> statement-breakpoint
-- A queued turn begins to run. The caller holds the locks of its conversation and of the turn.
CREATE FUNCTION begin_turn_v2(p_turn turns, p jsonb, p_now timestamptz) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
  v_waited jsonb := waited_v1(p_turn);
BEGIN
  PERFORM place_question_v1(p_turn);
  UPDATE turns SET state = 'running', epoch = epoch + 1, started_at = p_now, lease_owner = p ->> 'instance',
    lease_until = p_now + millis_v1(p ->> 'leaseMs')
  WHERE id = p_turn.id RETURNING * INTO v_turn;
  INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (reply_id_v1(v_turn), 0, v_turn.place, p_now)
  ON CONFLICT DO NOTHING;
  RETURN runnable_turn_v2(v_turn, turn_window_v2(v_turn, p -> 'window'), reply_parts_v1(reply_id_v1(v_turn)), v_waited);
END $$;
--> statement-breakpoint
-- As its predecessor; an attempt may belong to an earlier claim of the turn, whose process was lost, and is then
-- counted for what it used but not as the turn's request.
CREATE FUNCTION book_turn_v2(p_turn turns, p_attempts jsonb, p_now timestamptz) RETURNS void
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
            CASE WHEN q.kind > 0 THEN t.prompt_tokens::bigint + t.completion_tokens ELSE 0 END AS tokens, t.cost_nano_usd AS cost
          FROM tried t WHERE t.took
        ) c
      ) b
    )
    WHERE ((q.kind = 0 AND EXISTS (SELECT 1 FROM tried WHERE cost_nano_usd > 0))
        OR (q.kind = 1 AND q.subject_id = p_turn.guild_id) OR (q.kind = 2 AND q.subject_id = p_turn.user_id))
      AND EXISTS (SELECT 1 FROM tried WHERE took)
  )
  DELETE FROM quota_holds WHERE turn_id = p_turn.id;
END $$;
--> statement-breakpoint
CREATE FUNCTION record_attempts_v2(p_turn uuid, p_epoch int, p_attempts jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, provider, model_asked, model_used, generation_id, outcome, failure, http_status,
    is_free, started_at, first_token_ms, duration_ms, usage)
  SELECT p_turn, coalesce(a.epoch, p_epoch), a.index, a.provider, a."modelAsked", a."modelUsed", a."generationId", a.outcome, a.failure, a."httpStatus",
    a."isFree", to_timestamp(a."startedAtMs" / 1000), a."firstTokenMs", a."durationMs", a.usage
  FROM jsonb_to_recordset(p_attempts) AS a(index int, provider text, "modelAsked" text, "modelUsed" text, "generationId" text,
    outcome text, failure text, "httpStatus" int, "isFree" boolean, "startedAtMs" double precision, "firstTokenMs" int,
    "durationMs" int, usage jsonb, epoch int)
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET provider = excluded.provider, model_asked = excluded.model_asked,
    model_used = excluded.model_used, generation_id = coalesce(excluded.generation_id, attempts.generation_id),
    outcome = excluded.outcome, failure = excluded.failure, http_status = excluded.http_status, is_free = excluded.is_free,
    started_at = excluded.started_at, first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
    usage = excluded.usage
$$;
--> statement-breakpoint
-- Stores an answer as the newest version of its question's answers.
CREATE FUNCTION store_answer_v1(p_turn turns, p_answer jsonb, p_now timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_answer uuid := (p_answer ->> 'messageId')::uuid;
  v_continued messages;
  v_is_first boolean;
BEGIN
  v_is_first := NOT EXISTS (SELECT 1 FROM messages m
    WHERE m.parent_id = p_turn.question_message_id AND m.role = 'assistant' AND m.deleted_at IS NULL);
  INSERT INTO messages (id, conversation_id, parent_id, role, turn_id, text, est_tokens, model, partial, created_at)
  VALUES (v_answer, p_turn.conversation_id, p_turn.question_message_id, 'assistant', p_turn.id, p_answer ->> 'text',
    (p_answer ->> 'estTokens')::int, p_answer ->> 'model', (p_answer ->> 'partial')::boolean, p_now);
  UPDATE conversations c SET head_message_id = v_answer
  WHERE c.id = p_turn.conversation_id AND (c.head_message_id = p_turn.question_message_id OR (p_turn.reply_of IS NOT NULL
    AND EXISTS (SELECT 1 FROM messages m WHERE m.id = c.head_message_id AND m.parent_id = p_turn.question_message_id AND m.role = 'assistant')));
  IF p_turn.reply_of IS NULL THEN
    RETURN;
  END IF;
  IF p_turn.cause = 'continue' THEN -- The whole answer takes the place of the part that it continues.
    SELECT m.* INTO v_continued FROM turns r CROSS JOIN LATERAL shown_answer_v1(r) m WHERE r.id = p_turn.reply_of AND m.partial;
    UPDATE messages SET deleted_at = p_now WHERE id = v_continued.id;
    UPDATE messages SET parent_id = v_answer WHERE parent_id = v_continued.id;
  END IF;
  IF v_is_first THEN -- What was said while the question had no answer follows it now.
    UPDATE messages SET parent_id = v_answer WHERE parent_id = p_turn.question_message_id AND role = 'user';
  END IF;
  UPDATE turns SET selected_answer_id = v_answer WHERE id = p_turn.reply_of;
END $$;
--> statement-breakpoint
-- Ends a running turn and starts the next one of its conversation. A turn that was merged, superseded or whose question
-- was deleted meanwhile ends as that: what it used is booked, what it answered is not kept.
CREATE FUNCTION settle_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_turn turns;
  v_next turns;
  v_fate text;
  v_answer jsonb := nullif(p -> 'answer', 'null');
  v_money boolean;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid;
  v_money := EXISTS (SELECT 1 FROM quota_holds WHERE turn_id = v_turn.id AND attempt >= 0)
    OR EXISTS (SELECT 1 FROM jsonb_array_elements(p -> 'attempts') a WHERE nano_usd_v1(a #>> '{usage,costNanoUsd}') > 0);
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

  SELECT * INTO v_next FROM turns
  WHERE conversation_id = v_turn.conversation_id AND state = 'queued' ORDER BY seq LIMIT 1 FOR NO KEY UPDATE;
  RETURN jsonb_build_object('kind', 'settled', 'fate', v_fate,
    'versions', (
      SELECT versions_v1(v_turn.question_message_id, coalesce(v_turn.answer_message_id, m.id))
      FROM turns r LEFT JOIN LATERAL shown_answer_v1(r) m ON true WHERE r.id = reply_id_v1(v_turn)),
    'next', CASE WHEN v_next.id IS NOT NULL THEN begin_turn_v2(v_next, p, v_now) END);
END $$;
--> statement-breakpoint
-- What was decided about a turn while it ran: that its reply is of no use, or not its own any more. Null when nothing was,
-- and where the turn that was to have the reply was cancelled before it began: nobody else would end what shows.
CREATE FUNCTION turn_fate_v1(p_turn turns) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_heir turns;
BEGIN
  IF p_turn.retracted_at IS NOT NULL THEN
    RETURN 'retracted';
  ELSIF coalesce(p_turn.superseded_by, p_turn.merged_into) IS NULL THEN
    RETURN NULL;
  END IF;
  v_heir := present_turn_v1(p_turn.id);
  RETURN CASE
    WHEN v_heir.state = 'cancelled' AND v_heir.started_at IS NULL THEN NULL
    WHEN p_turn.superseded_by IS NOT NULL THEN 'superseded'
    ELSE 'merged'
  END;
END $$;
--> statement-breakpoint
-- Claims what nobody works on, in the order of admission: turns whose lease has run out, and queued turns whose
-- conversation is idle. Each kind has the whole limit, so that neither starves the other. Whoever holds a lock is at work:
-- its turns are skipped, not waited for. What the caller works on itself (`held`) is left alone, whatever its lease says.
CREATE FUNCTION claim_work_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
      AND t.id NOT IN (SELECT h.id::uuid FROM jsonb_array_elements_text(p -> 'held') h(id))
    ORDER BY t.seq LIMIT v_limit)
    UNION ALL
    (SELECT t.id, t.seq FROM turns t
    WHERE t.state = 'queued' AND t.platform IN (SELECT jsonb_array_elements_text(p -> 'platforms'))
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
-- Extends the leases of claims that are still good, never shortening one, and tells what became of the others. A turn
-- that is locked is being settled or claimed at this moment; it is left alone until the next time.
CREATE FUNCTION renew_leases_v2(p jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  WITH asked AS (
    SELECT c.id, c.epoch FROM jsonb_to_recordset(p -> 'claims') AS c(id uuid, epoch int)
  ), mine AS (
    SELECT t.id FROM turns t JOIN asked a ON a.id = t.id AND a.epoch = t.epoch
    WHERE t.lease_owner = p ->> 'instance' AND t.delivered_at IS NULL
    FOR NO KEY UPDATE OF t SKIP LOCKED
  ), renewed AS (
    UPDATE turns t SET lease_until = greatest(t.lease_until, store_now_v1(p) + millis_v1(p ->> 'leaseMs'))
    FROM mine WHERE t.id = mine.id
  )
  SELECT jsonb_build_object(
    'renewed', (SELECT coalesce(jsonb_agg(m.id), '[]') FROM mine m),
    'lost', coalesce(jsonb_agg(a.id) FILTER (WHERE t.lease_owner IS DISTINCT FROM p ->> 'instance' OR t.epoch <> a.epoch
      OR t.delivered_at IS NOT NULL), '[]'),
    'cancelled', coalesce(jsonb_agg(a.id) FILTER (WHERE t.state = 'running' AND t.cancel_requested_at IS NOT NULL), '[]'),
    'stopped', coalesce(jsonb_agg(a.id) FILTER (WHERE t.state = 'running' AND EXISTS (
      SELECT 1 FROM control_flags f LEFT JOIN guilds g ON g.id = t.guild_id
      WHERE f.scope = 'all' OR (f.scope = 'guild' AND f.subject = g.platform_guild_id))), '[]'))
  FROM asked a LEFT JOIN turns t ON t.id = a.id
$$;
--> statement-breakpoint
-- Lets go of claims: whoever sweeps next takes them.
CREATE FUNCTION release_leases_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE turns t SET lease_until = store_now_v1(p) - interval '1 millisecond'
  FROM jsonb_to_recordset(p -> 'claims') AS c(id uuid, epoch int)
  WHERE t.id = c.id AND t.epoch = c.epoch AND t.lease_owner = p ->> 'instance' AND t.delivered_at IS NULL
$$;
--> statement-breakpoint
-- Nothing of the turn is on its way any more. Where the question was deleted and the reply was not taken away, whoever
-- sweeps next does that.
CREATE FUNCTION mark_delivered_v2(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid FOR NO KEY UPDATE;
  IF v_turn.epoch IS DISTINCT FROM (p ->> 'epoch')::int OR v_turn.delivered_at IS NOT NULL OR v_turn.state IN ('queued', 'running') THEN
    RETURN;
  END IF;
  IF v_turn.retracted_at IS NOT NULL AND NOT coalesce((p ->> 'retracted')::boolean, false) THEN
    UPDATE turns SET lease_until = store_now_v1(p) - interval '1 millisecond' WHERE id = v_turn.id;
    RETURN;
  END IF;
  UPDATE turns SET delivered_at = store_now_v1(p), state = CASE state WHEN 'generated' THEN 'delivered' ELSE state END,
    unreachable = p ->> 'unreachable', lease_owner = NULL, lease_until = NULL, postponed_until = NULL
  WHERE id = v_turn.id;
END $$;
--> statement-breakpoint
-- As its predecessor, and tells those who wait for this turn.
CREATE FUNCTION postpone_v2(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE turns SET (lease_until, postponed_until) = (SELECT l.until, l.until FROM (SELECT store_now_v1(p) + make_interval(secs =>
    least(greatest((p ->> 'retryAfterMs')::double precision / 1000, 15), 86400)) AS until) l)
  WHERE id = (p ->> 'turnId')::uuid AND epoch = (p ->> 'epoch')::int AND delivered_at IS NULL
    AND state NOT IN ('queued', 'running')
$$;
--> statement-breakpoint
-- Whether what a turn shows is complete, so that its successor may show.
CREATE FUNCTION shown_v1(p jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce((
    SELECT CASE
      WHEN t.postponed_until > store_now_v1(p) THEN jsonb_build_object('kind', 'postponed',
        'retryAfterMs', epoch_ms_v1(t.postponed_until) - epoch_ms_v1(store_now_v1(p)))
      ELSE '{"kind": "pending"}'
    END
    FROM turns t WHERE t.id = (p ->> 'turnId')::uuid AND t.delivered_at IS NULL), '{"kind": "shown"}')
$$;
--> statement-breakpoint
-- True while the claim is good: only then may the part be created. The lock keeps the claim good until the intent is
-- seen by whoever claims the turn next.
CREATE FUNCTION intend_part_v2(p jsonb) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  WITH claimed AS (
    SELECT reply_id_v1(t) AS reply, t.place FROM turns t
    WHERE t.id = (p ->> 'turnId')::uuid AND t.epoch = (p ->> 'epoch')::int AND t.delivered_at IS NULL
    FOR SHARE
  ), intended AS (
    INSERT INTO reply_parts (turn_id, index, place, intended_at)
    SELECT c.reply, (p ->> 'index')::int, c.place, store_now_v1(p) FROM claimed c
    ON CONFLICT (turn_id, index) DO NOTHING
  )
  SELECT EXISTS (SELECT 1 FROM claimed)
$$;
--> statement-breakpoint
-- The claim that is good has the say. One that is over still tells of a part that nobody else has made.
CREATE FUNCTION part_sent_v2(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  WITH claimed AS (
    SELECT reply_id_v1(t) AS reply, t.place, t.epoch FROM turns t WHERE t.id = (p ->> 'turnId')::uuid FOR SHARE
  )
  INSERT INTO reply_parts AS r (turn_id, index, place, platform_message_id, intended_at, sent_at)
  SELECT c.reply, (p ->> 'index')::int, c.place, p ->> 'platformMessageId', store_now_v1(p), store_now_v1(p) FROM claimed c
  ON CONFLICT (turn_id, index) DO UPDATE SET platform_message_id = excluded.platform_message_id, sent_at = excluded.sent_at
  WHERE r.platform_message_id IS NULL OR (SELECT c.epoch FROM claimed c) = (p ->> 'epoch')::int
$$;
--> statement-breakpoint
CREATE FUNCTION part_removed_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  DELETE FROM reply_parts r USING turns t
  WHERE t.id = (p ->> 'turnId')::uuid AND r.turn_id = reply_id_v1(t) AND r.platform_message_id = p ->> 'platformMessageId'
$$;
--> statement-breakpoint
CREATE FUNCTION turn_parts_v1(p jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT reply_parts_v1(reply_id_v1(t)) FROM turns t WHERE t.id = (p ->> 'turnId')::uuid
$$;
--> statement-breakpoint
-- Whether the asker is the one to do something until the given time: it was before, or nobody is, or nobody else can be.
CREATE FUNCTION lead_v1(p jsonb) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  WITH taken AS (
    INSERT INTO leads AS l (what, owner, until)
    VALUES (p ->> 'what', p ->> 'instance', store_now_v1(p) + millis_v1(p ->> 'holdMs'))
    ON CONFLICT (what) DO UPDATE SET owner = excluded.owner, until = excluded.until
    WHERE l.owner = excluded.owner OR l.until < store_now_v1(p) OR (p ->> 'isAlone')::boolean
    RETURNING 1
  )
  SELECT EXISTS (SELECT 1 FROM taken)
$$;
