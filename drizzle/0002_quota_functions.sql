-- Quotas. Counters hold settled use only; what unfinished turns may still use are rows of quota_holds. A check sums
-- both after it holds the row locks of its subjects: in a VOLATILE function each statement sees what was committed
-- before it began, so a check sees the holds of everyone it waited for. One single statement would not.
-- Locks are always taken in this order: quota subjects by (kind, id), the conversation, the turn.

-- The database's clock; a test may bring its own.
CREATE FUNCTION store_now_v1(p jsonb) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(to_timestamp((p ->> 'nowMs')::double precision / 1000), clock_timestamp())
$$;
--> statement-breakpoint
CREATE FUNCTION epoch_ms_v1(p_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(extract(epoch FROM p_at) * 1000)::bigint
$$;
--> statement-breakpoint
CREATE FUNCTION millis_v1(p_ms text) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
  SELECT make_interval(secs => p_ms::double precision / 1000)
$$;
--> statement-breakpoint
-- Figures of a provider are whatever it sends. They are cut to what the books can carry for ever, so that one absurd
-- answer can't keep its turn from being settled: 2^31 - 1 tokens, and a million dollars for one attempt.
CREATE FUNCTION token_count_v1(p_tokens text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT least(greatest(coalesce(p_tokens::numeric, 0), 0), 2147483647)::integer
$$;
--> statement-breakpoint
CREATE FUNCTION nano_usd_v1(p_nano_usd text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(greatest(coalesce(p_nano_usd::numeric, 0), 0), 1000000 * 1e9)::bigint
$$;
--> statement-breakpoint
-- The subject as it stands at a moment: windows that have ended start again at zero. Calendar windows in the
-- subject's time zone. A clock that goes back never reopens a window.
CREATE FUNCTION quota_rolled_v1(p_subject quota_subjects, p_at timestamptz) RETURNS quota_subjects
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_start timestamptz;
BEGIN
  v_start := date_trunc('hour', p_at, p_subject.time_zone);
  IF v_start > p_subject.hour_start THEN
    p_subject.hour_start := v_start;
    p_subject.requests_hour := 0; p_subject.tokens_hour := 0; p_subject.cost_hour := 0; p_subject.images_hour := 0;
  END IF;
  v_start := date_trunc('day', p_at, p_subject.time_zone);
  IF v_start > p_subject.day_start THEN
    p_subject.day_start := v_start;
    p_subject.requests_day := 0; p_subject.tokens_day := 0; p_subject.cost_day := 0; p_subject.images_day := 0;
  END IF;
  v_start := date_trunc('month', p_at, p_subject.time_zone);
  IF v_start > p_subject.month_start THEN
    p_subject.month_start := v_start;
    p_subject.requests_month := 0; p_subject.tokens_month := 0; p_subject.cost_month := 0; p_subject.images_month := 0;
  END IF;
  RETURN p_subject;
END $$;
--> statement-breakpoint
CREATE FUNCTION quota_window_end_v1(p_window text, p_start timestamptz, p_time_zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT CASE p_window
    WHEN 'hour' THEN p_start + interval '1 hour'
    WHEN 'day' THEN ((p_start AT TIME ZONE p_time_zone) + interval '1 day') AT TIME ZONE p_time_zone
    ELSE ((p_start AT TIME ZONE p_time_zone) + interval '1 month') AT TIME ZONE p_time_zone
  END
$$;
--> statement-breakpoint
-- An override counts when it is there, also when it is null (unlimited); else the default; null is no limit.
CREATE FUNCTION quota_limit_v1(p_overrides jsonb, p_defaults jsonb, p_key text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE WHEN p_overrides ? p_key THEN p_overrides ->> p_key ELSE p_defaults ->> p_key END)::numeric::bigint
$$;
--> statement-breakpoint
CREATE FUNCTION quota_subject_name_v1(p_kind smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind WHEN 0 THEN 'instance' WHEN 1 THEN 'guild' ELSE 'user' END
$$;
--> statement-breakpoint
-- Every limit in force for one subject: settled use, live holds, and when the window ends.
CREATE FUNCTION subject_standings_v1(p_subject quota_subjects, p_at timestamptz, p_defaults jsonb)
RETURNS TABLE (subject text, metric text, win text, lim bigint, used bigint, held bigint, resets_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT n.name, v.metric, v.win, l.lim, v.used, v.held, quota_window_end_v1(v.win, v.start, p_subject.time_zone)
  FROM quota_subject_name_v1(p_subject.kind) n(name)
  CROSS JOIN LATERAL quota_rolled_v1(p_subject, p_at) r
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(h.requests), 0)::bigint AS requests, coalesce(sum(h.tokens), 0)::bigint AS tokens,
      coalesce(sum(h.nano_usd), 0)::bigint AS cost, coalesce(sum(h.images), 0)::bigint AS images
    FROM quota_holds h
    WHERE h.kind = p_subject.kind AND h.subject_id = p_subject.subject_id AND (h.turn_id IS NOT NULL OR h.expires_at > p_at)
  ) h
  CROSS JOIN LATERAL (VALUES
    ('requests', 'hour', r.requests_hour, h.requests, r.hour_start),
    ('requests', 'day', r.requests_day, h.requests, r.day_start),
    ('requests', 'month', r.requests_month, h.requests, r.month_start),
    ('tokens', 'hour', r.tokens_hour, h.tokens, r.hour_start),
    ('tokens', 'day', r.tokens_day, h.tokens, r.day_start),
    ('tokens', 'month', r.tokens_month, h.tokens, r.month_start),
    ('cost', 'hour', r.cost_hour, h.cost, r.hour_start),
    ('cost', 'day', r.cost_day, h.cost, r.day_start),
    ('cost', 'month', r.cost_month, h.cost, r.month_start),
    ('images', 'hour', r.images_hour, h.images, r.hour_start),
    ('images', 'day', r.images_day, h.images, r.day_start),
    ('images', 'month', r.images_month, h.images, r.month_start)
  ) v(metric, win, used, held, start)
  CROSS JOIN LATERAL quota_limit_v1(p_subject.limits, p_defaults -> n.name, v.metric || '_' || v.win) l(lim)
  WHERE l.lim IS NOT NULL
$$;
--> statement-breakpoint
CREATE FUNCTION quota_standings_v1(p_instance boolean, p_guild uuid, p_user uuid, p_at timestamptz, p_defaults jsonb)
RETURNS TABLE (subject text, metric text, win text, lim bigint, used bigint, held bigint, resets_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT t.* FROM quota_subjects s CROSS JOIN LATERAL subject_standings_v1(s, p_at, p_defaults) t
  WHERE (s.kind = 0 AND p_instance) OR (s.kind = 1 AND s.subject_id = p_guild) OR (s.kind = 2 AND s.subject_id = p_user)
$$;
--> statement-breakpoint
CREATE FUNCTION quota_refusal_v1(p_subject text, p_metric text, p_window text, p_limit bigint, p_used bigint, p_resets_at timestamptz)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('reason', 'quota', 'subject', p_subject, 'metric', p_metric, 'window', p_window,
    'limit', p_limit, 'used', p_used, 'resetsAtMs', epoch_ms_v1(p_resets_at))
$$;
--> statement-breakpoint
-- Locks the subjects, made with no overrides where they are missing. Returns the latest start of any of their
-- windows: nothing may be booked before it. Missing rows are made before any lock is held, so that waiting for
-- another transaction that makes the same row can't close a circle.
CREATE FUNCTION lock_quota_subjects_v1(p_instance boolean, p_guild uuid, p_user uuid) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_latest timestamptz;
BEGIN
  INSERT INTO quota_subjects (kind, subject_id, time_zone)
  SELECT w.kind, w.subject_id, w.time_zone
  FROM (
    SELECT 1::smallint AS kind, g.id AS subject_id, g.time_zone FROM guilds g WHERE g.id = p_guild
    UNION ALL SELECT 2::smallint, p_user, 'UTC' WHERE p_user IS NOT NULL
  ) w
  WHERE NOT EXISTS (SELECT 1 FROM quota_subjects s WHERE s.kind = w.kind AND s.subject_id = w.subject_id)
  ORDER BY w.kind
  ON CONFLICT DO NOTHING;

  PERFORM 1 FROM quota_subjects s
  WHERE (s.kind = 0 AND p_instance) OR (s.kind = 1 AND s.subject_id = p_guild) OR (s.kind = 2 AND s.subject_id = p_user)
  ORDER BY s.kind, s.subject_id
  FOR NO KEY UPDATE;

  SELECT max(greatest(s.hour_start, s.day_start, s.month_start)) INTO v_latest FROM quota_subjects s
  WHERE (s.kind = 0 AND p_instance) OR (s.kind = 1 AND s.subject_id = p_guild) OR (s.kind = 2 AND s.subject_id = p_user);
  RETURN v_latest;
END $$;
--> statement-breakpoint
-- Books what a turn took and lets its holds go. The caller holds the locks of the subjects (of the instance, when
-- there is money) and of the turn, and has checked the turn's state.
-- A request counts when an attempt answered or used something; otherwise the turn is free of charge. Money held by an
-- attempt that nobody reports, as when its process died, is booked as if it had been spent: the provider may have served it. What a row counts for
-- is decided by the moment of its reservation; a window that has ended meanwhile is left as it is.
CREATE FUNCTION book_turn_v1(p_turn turns, p_attempts jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  WITH told AS (
    SELECT p_turn.epoch AS epoch, a.index AS attempt, coalesce(h.reserved_at, p_turn.charged_at) AS at,
      a.provider, a."modelAsked" AS model_asked, a."modelUsed" AS model_used, coalesce(a."isFree", false) AS is_free,
      (a.outcome = 'failed')::int AS failures, a."firstTokenMs" AS first_token_ms,
      token_count_v1(a.usage ->> 'promptTokens') AS prompt_tokens,
      token_count_v1(a.usage ->> 'completionTokens') AS completion_tokens,
      token_count_v1(a.usage ->> 'cachedTokens') AS cached_tokens,
      token_count_v1(a.usage ->> 'reasoningTokens') AS reasoning_tokens,
      nano_usd_v1(a.usage ->> 'costNanoUsd') AS cost_nano_usd,
      coalesce(a.usage ->> 'source', 'estimated') AS source,
      a.outcome IN ('answered', 'partial') OR jsonb_typeof(a.usage) = 'object' AS took,
      true AS is_told
    FROM jsonb_to_recordset(p_attempts) AS a(index int, provider text, "modelAsked" text, "modelUsed" text,
      "isFree" boolean, outcome text, "firstTokenMs" int, usage jsonb)
    LEFT JOIN LATERAL (
      SELECT max(h.reserved_at) AS reserved_at FROM quota_holds h
      WHERE h.turn_id = p_turn.id AND h.epoch = p_turn.epoch AND h.attempt = a.index
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
-- Holds money for one attempt of a running turn. Asking again for the same attempt raises its hold to the larger amount:
-- the difference is checked, and the whole is booked in the window that it was checked against.
CREATE FUNCTION hold_cost_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
  v_amount bigint := nano_usd_v1(p ->> 'nanoUsd');
  v_held bigint;
  v_attempt smallint := (p ->> 'attempt')::smallint;
  v_at timestamptz;
  v_refusal jsonb;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid;
  v_at := lock_quota_subjects_v1(true, v_turn.guild_id, v_turn.user_id);
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
  FROM quota_standings_v1(true, v_turn.guild_id, v_turn.user_id, v_at, v_turn.cost_defaults) s
  WHERE s.metric = 'cost' AND s.used + s.held + v_amount - coalesce(v_held, 0) > s.lim
  ORDER BY s.resets_at DESC, s.subject LIMIT 1;
  IF FOUND THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_refusal);
  END IF;

  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, nano_usd, reserved_at, expires_at)
  SELECT v_turn.id, v_turn.epoch, v_attempt, s.kind, s.subject_id, v_amount, v_at, v_at + interval '1 hour'
  FROM (VALUES (0::smallint, '00000000-0000-0000-0000-000000000000'::uuid), (1::smallint, v_turn.guild_id), (2::smallint, v_turn.user_id)) s(kind, subject_id)
  WHERE s.subject_id IS NOT NULL
  ON CONFLICT (turn_id, epoch, attempt, kind, subject_id) DO UPDATE SET nano_usd = excluded.nano_usd,
    reserved_at = excluded.reserved_at, expires_at = excluded.expires_at;
  RETURN jsonb_build_object('kind', 'held');
END $$;
