-- What was used so far, by day.
INSERT INTO usage_daily (day, guild_id, user_id, model, provider, payer,
  requests, answered, failed, attempts, attempt_failures, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens,
  cache_write_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count)
SELECT date_trunc('day', hour, 'UTC'), guild_id, user_id, model, provider, payer,
  sum(requests), sum(answered), sum(failed), sum(attempts), sum(attempt_failures), sum(prompt_tokens), sum(completion_tokens),
  sum(cached_tokens), sum(reasoning_tokens), sum(cache_write_tokens), sum(images), sum(cost_nano_usd), sum(first_token_ms_sum),
  sum(first_token_count)
FROM usage_hourly GROUP BY 1, 2, 3, 4, 5, 6;
--> statement-breakpoint
-- Keeps the days equal to the sum of their hours, whoever writes those.
CREATE FUNCTION sum_day_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_hour usage_hourly := coalesce(NEW, OLD);
BEGIN
  INSERT INTO usage_daily AS d (day, guild_id, user_id, model, provider, payer,
    requests, answered, failed, attempts, attempt_failures, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens,
    cache_write_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count)
  VALUES (date_trunc('day', v_hour.hour, 'UTC'), v_hour.guild_id, v_hour.user_id, v_hour.model, v_hour.provider, v_hour.payer,
    coalesce(NEW.requests, 0) - coalesce(OLD.requests, 0), coalesce(NEW.answered, 0) - coalesce(OLD.answered, 0),
    coalesce(NEW.failed, 0) - coalesce(OLD.failed, 0), coalesce(NEW.attempts, 0) - coalesce(OLD.attempts, 0),
    coalesce(NEW.attempt_failures, 0) - coalesce(OLD.attempt_failures, 0),
    coalesce(NEW.prompt_tokens, 0) - coalesce(OLD.prompt_tokens, 0),
    coalesce(NEW.completion_tokens, 0) - coalesce(OLD.completion_tokens, 0),
    coalesce(NEW.cached_tokens, 0) - coalesce(OLD.cached_tokens, 0),
    coalesce(NEW.reasoning_tokens, 0) - coalesce(OLD.reasoning_tokens, 0),
    coalesce(NEW.cache_write_tokens, 0) - coalesce(OLD.cache_write_tokens, 0),
    coalesce(NEW.images, 0) - coalesce(OLD.images, 0), coalesce(NEW.cost_nano_usd, 0) - coalesce(OLD.cost_nano_usd, 0),
    coalesce(NEW.first_token_ms_sum, 0) - coalesce(OLD.first_token_ms_sum, 0),
    coalesce(NEW.first_token_count, 0) - coalesce(OLD.first_token_count, 0))
  ON CONFLICT (day, guild_id, user_id, model, provider, payer) DO UPDATE SET
    requests = d.requests + excluded.requests, answered = d.answered + excluded.answered, failed = d.failed + excluded.failed,
    attempts = d.attempts + excluded.attempts, attempt_failures = d.attempt_failures + excluded.attempt_failures,
    prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = d.completion_tokens + excluded.completion_tokens,
    cached_tokens = d.cached_tokens + excluded.cached_tokens,
    reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
    cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens, images = d.images + excluded.images,
    cost_nano_usd = d.cost_nano_usd + excluded.cost_nano_usd,
    first_token_ms_sum = d.first_token_ms_sum + excluded.first_token_ms_sum,
    first_token_count = d.first_token_count + excluded.first_token_count;
  -- Of somebody who is forgotten nothing is left.
  IF TG_OP = 'DELETE' THEN
    DELETE FROM usage_daily d
    WHERE d.day = date_trunc('day', OLD.hour, 'UTC') AND d.guild_id IS NOT DISTINCT FROM OLD.guild_id
      AND d.user_id IS NOT DISTINCT FROM OLD.user_id AND d.model = OLD.model AND d.provider = OLD.provider AND d.payer = OLD.payer
      AND d.requests = 0 AND d.attempts = 0 AND d.answered = 0 AND d.failed = 0 AND d.prompt_tokens = 0 AND d.completion_tokens = 0;
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER usage_hourly_summed AFTER INSERT OR UPDATE OR DELETE ON usage_hourly FOR EACH ROW EXECUTE FUNCTION sum_day_v1();
--> statement-breakpoint
-- What was booked so far, by conversation.
INSERT INTO conversation_usage (user_id, hour, conversation_id, requests, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost_nano_usd)
SELECT u.user_id, date_trunc('hour', u.at, 'UTC'), t.conversation_id, sum(u.requests), sum(u.prompt_tokens), sum(u.completion_tokens),
  sum(u.cached_tokens), sum(u.cache_write_tokens), sum(u.reasoning_tokens), sum(u.cost_nano_usd)
FROM usage u JOIN turns t ON t.id = u.turn_id JOIN users p ON p.id = u.user_id
WHERE t.conversation_id IS NOT NULL GROUP BY 1, 2, 3;
--> statement-breakpoint
-- Keeps a person's sums by conversation, and remembers estimates of which the provider may still tell the truth: the providers
-- beside OpenRouter tell nothing of a call afterwards. Whoever books holds the lock of the person.
CREATE FUNCTION usage_booked_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO conversation_usage AS c (user_id, hour, conversation_id, requests, prompt_tokens, completion_tokens, cached_tokens,
    cache_write_tokens, reasoning_tokens, cost_nano_usd)
  SELECT NEW.user_id, date_trunc('hour', NEW.at, 'UTC'), t.conversation_id, NEW.requests, NEW.prompt_tokens, NEW.completion_tokens,
    NEW.cached_tokens, NEW.cache_write_tokens, NEW.reasoning_tokens, NEW.cost_nano_usd
  FROM turns t WHERE t.id = NEW.turn_id AND t.conversation_id IS NOT NULL AND NEW.user_id IS NOT NULL
  ON CONFLICT (user_id, hour, conversation_id) DO UPDATE SET requests = c.requests + excluded.requests,
    prompt_tokens = c.prompt_tokens + excluded.prompt_tokens, completion_tokens = c.completion_tokens + excluded.completion_tokens,
    cached_tokens = c.cached_tokens + excluded.cached_tokens, cache_write_tokens = c.cache_write_tokens + excluded.cache_write_tokens,
    reasoning_tokens = c.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano_usd = c.cost_nano_usd + excluded.cost_nano_usd;
  IF NEW.kind = 'completion' AND NEW.source = 'estimated' THEN
    INSERT INTO corrections (turn_id, epoch, attempt, at, since, ask_at)
    SELECT NEW.turn_id, NEW.epoch, NEW.attempt, NEW.at, NEW.recorded_at, NEW.recorded_at + interval '1 minute'
    FROM attempts a
    WHERE a.turn_id = NEW.turn_id AND a.epoch = NEW.epoch AND a.index = NEW.attempt AND a.generation_id IS NOT NULL
      AND coalesce(a.provider, 'openrouter') = 'openrouter'
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER usage_booked AFTER INSERT ON usage FOR EACH ROW EXECUTE FUNCTION usage_booked_v1();
--> statement-breakpoint
-- A page of the estimates that are to be asked for now, each later than the time before; those of a day ago are given up.
CREATE FUNCTION due_corrections_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_given_up int;
  v_due jsonb;
BEGIN
  DELETE FROM corrections c WHERE c.ask_at <= v_now AND c.since <= v_now - interval '1 day';
  GET DIAGNOSTICS v_given_up = ROW_COUNT;
  WITH page AS (
    SELECT c.turn_id, c.epoch, c.attempt FROM corrections c WHERE c.ask_at <= v_now
    ORDER BY c.ask_at LIMIT (p ->> 'limit')::int FOR UPDATE SKIP LOCKED
  ), asked AS (
    UPDATE corrections c
    SET tries = c.tries + 1, ask_at = v_now + least(interval '1 hour', interval '1 minute' * power(2, least(c.tries + 1, 10)))
    FROM page g WHERE c.turn_id = g.turn_id AND c.epoch = g.epoch AND c.attempt = g.attempt
    RETURNING c.*
  )
  SELECT jsonb_agg(jsonb_build_object('turnId', c.turn_id, 'epoch', c.epoch, 'attempt', c.attempt, 'model', a.model_asked,
    'provider', a.provider, 'generationId', a.generation_id, 'startedAtMs', epoch_ms_v1(a.started_at),
    'bookedNanoUsd', CASE WHEN NOT u.is_free THEN u.cost_nano_usd::text END, 'payer', u.payer,
    'subject', CASE u.payer WHEN 'guild' THEN g.platform_guild_id WHEN 'user' THEN m.platform_user_id END, 'ownKey', own_key_v1(t)))
  INTO v_due
  FROM asked c
  JOIN usage u ON u.turn_id = c.turn_id AND u.epoch = c.epoch AND u.attempt = c.attempt AND u.at = c.at AND u.kind = 'completion'
  JOIN attempts a ON a.turn_id = c.turn_id AND a.epoch = c.epoch AND a.index = c.attempt
  JOIN turns t ON t.id = c.turn_id
  LEFT JOIN guilds g ON g.id = t.guild_id
  LEFT JOIN users m ON m.id = t.user_id;
  RETURN jsonb_build_object('due', coalesce(v_due, '[]'), 'givenUp', v_given_up);
END $$;
--> statement-breakpoint
-- The quota subjects that count a row of usage. The instance keeps account of the operator's money alone.
CREATE FUNCTION usage_subjects_v1(p_usage usage) RETURNS TABLE (kind smallint, subject_id uuid) LANGUAGE sql STABLE AS $$
  SELECT 0::smallint, '00000000-0000-0000-0000-000000000000'::uuid WHERE p_usage.payer = 'operator'
  UNION ALL SELECT 1::smallint, p_usage.guild_id WHERE p_usage.guild_id IS NOT NULL
  UNION ALL SELECT 2::smallint, p_usage.user_id WHERE p_usage.user_id IS NOT NULL
  UNION ALL SELECT 4::smallint, channel_subject_v1(p_usage.guild_id, p_usage.channel) WHERE p_usage.channel IS NOT NULL
  UNION ALL SELECT 5::smallint, member_subject_v1(p_usage.guild_id, p_usage.user_id) WHERE p_usage.guild_id IS NOT NULL AND p_usage.user_id IS NOT NULL
$$;
--> statement-breakpoint
-- Adds what a row of usage says to the counters of its subjects, in those of their present windows that it falls into. The caller
-- holds the locks of the subjects.
CREATE FUNCTION count_usage_v1(p_usage usage, p_now timestamptz) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE quota_subjects q
  SET (hour_start, day_start, month_start, requests_hour, requests_day, requests_month, tokens_hour, tokens_day,
      tokens_month, cost_hour, cost_day, cost_month, images_hour, images_day, images_month) = (
    SELECT r.hour_start, r.day_start, r.month_start,
      greatest(0, r.requests_hour + d.requests * f.hour), greatest(0, r.requests_day + d.requests * f.day),
      greatest(0, r.requests_month + d.requests * f.month),
      greatest(0, r.tokens_hour + d.tokens * f.hour), greatest(0, r.tokens_day + d.tokens * f.day),
      greatest(0, r.tokens_month + d.tokens * f.month),
      greatest(0, r.cost_hour + d.cost * f.hour), greatest(0, r.cost_day + d.cost * f.day), greatest(0, r.cost_month + d.cost * f.month),
      greatest(0, r.images_hour + d.images * f.hour), greatest(0, r.images_day + d.images * f.day),
      greatest(0, r.images_month + d.images * f.month)
    FROM quota_rolled_v1(q, p_now) r
    CROSS JOIN LATERAL (
      SELECT (p_usage.at >= r.hour_start)::int AS hour, (p_usage.at >= r.day_start)::int AS day, (p_usage.at >= r.month_start)::int AS month
    ) f
    CROSS JOIN LATERAL (
      SELECT CASE WHEN q.kind > 0 THEN p_usage.requests ELSE 0 END AS requests,
        CASE WHEN q.kind > 0 THEN p_usage.prompt_tokens::bigint + p_usage.completion_tokens ELSE 0 END AS tokens,
        CASE WHEN money_counts_v1(q.kind, p_usage.payer) THEN p_usage.cost_nano_usd ELSE 0 END AS cost,
        CASE WHEN q.kind > 0 THEN p_usage.images ELSE 0 END AS images
    ) d
  )
  FROM usage_subjects_v1(p_usage) s
  WHERE q.kind = s.kind AND q.subject_id = s.subject_id
$$;
--> statement-breakpoint
-- Books the difference between an estimate and what the provider tells of it, in the window of the estimate: a row of usage of
-- its own, which all sums and counters follow. Once for each attempt.
CREATE FUNCTION correct_usage_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn uuid := (p ->> 'turnId')::uuid;
  v_epoch int := (p ->> 'epoch')::int;
  v_attempt int := (p ->> 'attempt')::int;
  v_told jsonb := p -> 'usage';
  v_now timestamptz;
  v_usage usage;
  v_difference usage;
BEGIN
  SELECT u.* INTO v_usage FROM corrections c
  JOIN usage u ON u.turn_id = c.turn_id AND u.epoch = c.epoch AND u.attempt = c.attempt AND u.at = c.at AND u.kind = 'completion'
  WHERE c.turn_id = v_turn AND c.epoch = v_epoch AND c.attempt = v_attempt;
  IF v_usage.id IS NULL THEN
    RETURN '{"kind": "known"}';
  END IF;
  PERFORM 1 FROM quota_subjects q JOIN usage_subjects_v1(v_usage) s USING (kind, subject_id)
  ORDER BY q.kind, q.subject_id FOR NO KEY UPDATE OF q;
  PERFORM 1 FROM conversations c JOIN turns t ON t.conversation_id = c.id WHERE t.id = v_turn FOR NO KEY UPDATE OF c;
  DELETE FROM corrections c WHERE c.turn_id = v_turn AND c.epoch = v_epoch AND c.attempt = v_attempt;
  IF NOT FOUND THEN
    RETURN '{"kind": "known"}';
  END IF;
  -- Its person may have been forgotten meanwhile.
  SELECT u.* INTO v_usage FROM usage u WHERE u.at = v_usage.at AND u.id = v_usage.id;
  v_now := store_now_v1(p);
  v_difference := v_usage;
  v_difference.id := gen_random_uuid();
  v_difference.kind := 'adjustment';
  v_difference.requests := 0;
  v_difference.prompt_tokens := token_count_v1(v_told ->> 'promptTokens') - v_usage.prompt_tokens;
  v_difference.completion_tokens := token_count_v1(v_told ->> 'completionTokens') - v_usage.completion_tokens;
  v_difference.cached_tokens := token_count_v1(v_told ->> 'cachedTokens') - v_usage.cached_tokens;
  v_difference.reasoning_tokens := token_count_v1(v_told ->> 'reasoningTokens') - v_usage.reasoning_tokens;
  -- What a provider does not tell afterwards stays as it was.
  v_difference.cache_write_tokens := CASE WHEN v_told ? 'cacheWriteTokens'
    THEN token_count_v1(v_told ->> 'cacheWriteTokens') - v_usage.cache_write_tokens ELSE 0 END;
  v_difference.images := 0;
  v_difference.cost_nano_usd := nano_usd_v1(v_told ->> 'costNanoUsd') - v_usage.cost_nano_usd;
  v_difference.source := 'reported';
  v_difference.recorded_at := v_now;
  INSERT INTO usage SELECT v_difference.*;
  INSERT INTO usage_hourly AS h (hour, guild_id, user_id, model, provider, payer, prompt_tokens, completion_tokens, cached_tokens,
    reasoning_tokens, cache_write_tokens, cost_nano_usd)
  VALUES (date_trunc('hour', v_usage.at, 'UTC'), v_usage.guild_id, v_usage.user_id, coalesce(v_usage.model_used, v_usage.model_asked),
    v_usage.provider, v_usage.payer, v_difference.prompt_tokens, v_difference.completion_tokens, v_difference.cached_tokens,
    v_difference.reasoning_tokens, v_difference.cache_write_tokens, v_difference.cost_nano_usd)
  ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET
    prompt_tokens = h.prompt_tokens + excluded.prompt_tokens, completion_tokens = h.completion_tokens + excluded.completion_tokens,
    cached_tokens = h.cached_tokens + excluded.cached_tokens, reasoning_tokens = h.reasoning_tokens + excluded.reasoning_tokens,
    cache_write_tokens = h.cache_write_tokens + excluded.cache_write_tokens, cost_nano_usd = h.cost_nano_usd + excluded.cost_nano_usd;
  PERFORM count_usage_v1(v_difference, v_now);
  UPDATE attempts SET usage = coalesce(usage, '{}') || v_told, model_used = coalesce(model_used, p ->> 'modelUsed')
  WHERE turn_id = v_turn AND epoch = v_epoch AND index = v_attempt;
  RETURN jsonb_build_object('kind', 'corrected', 'differenceNanoUsd', v_difference.cost_nano_usd::text);
END $$;
--> statement-breakpoint
-- Compares counters with usage, a page of subjects at a time; what differs is set right and put on record.
CREATE FUNCTION audit_counters_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_page jsonb := rebuild_counters_v1(p);
BEGIN
  INSERT INTO audit (at, actor, action, subject, guild, details)
  SELECT store_now_v1(p), 'system', 'books.counter', d ->> 'subject', g.platform_guild_id, d
  FROM jsonb_array_elements(v_page -> 'differences') d LEFT JOIN guilds g ON g.id = (d ->> 'subjectId')::uuid;
  RETURN v_page;
END $$;
--> statement-breakpoint
-- Compares the sums of one UTC hour with usage; what differs is set right by the difference and put on record. Returns how many did.
CREATE FUNCTION audit_hour_v1(p jsonb) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_hour timestamptz := to_timestamp((p ->> 'hourMs')::double precision / 1000);
  v_wrong int;
BEGIN
  -- Both sides from one snapshot: bookings that are made meanwhile move both, and stay.
  WITH both_sides AS (
    SELECT guild_id, user_id, coalesce(model_used, model_asked) AS model, provider, payer, requests, prompt_tokens, completion_tokens,
      cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd
    FROM usage WHERE at >= v_hour AND at < v_hour + interval '1 hour'
    UNION ALL
    SELECT guild_id, user_id, model, provider, payer, -requests, -prompt_tokens, -completion_tokens, -cached_tokens, -reasoning_tokens,
      -cache_write_tokens, -images, -cost_nano_usd
    FROM usage_hourly WHERE hour = v_hour
  ), wrong AS MATERIALIZED (
    SELECT guild_id, user_id, model, provider, payer, sum(requests) AS requests, sum(prompt_tokens) AS prompt_tokens,
      sum(completion_tokens) AS completion_tokens, sum(cached_tokens) AS cached_tokens, sum(reasoning_tokens) AS reasoning_tokens,
      sum(cache_write_tokens) AS cache_write_tokens, sum(images) AS images, sum(cost_nano_usd) AS cost_nano_usd
    FROM both_sides GROUP BY 1, 2, 3, 4, 5
    HAVING sum(requests) <> 0 OR sum(prompt_tokens) <> 0 OR sum(completion_tokens) <> 0 OR sum(cached_tokens) <> 0
      OR sum(reasoning_tokens) <> 0 OR sum(cache_write_tokens) <> 0 OR sum(images) <> 0 OR sum(cost_nano_usd) <> 0
  ), put_right AS (
    INSERT INTO usage_hourly AS h (hour, guild_id, user_id, model, provider, payer, requests, prompt_tokens, completion_tokens,
      cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd)
    SELECT v_hour, w.* FROM wrong w
    ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET requests = h.requests + excluded.requests,
      prompt_tokens = h.prompt_tokens + excluded.prompt_tokens, completion_tokens = h.completion_tokens + excluded.completion_tokens,
      cached_tokens = h.cached_tokens + excluded.cached_tokens, reasoning_tokens = h.reasoning_tokens + excluded.reasoning_tokens,
      cache_write_tokens = h.cache_write_tokens + excluded.cache_write_tokens, images = h.images + excluded.images, cost_nano_usd = h.cost_nano_usd + excluded.cost_nano_usd
  )
  INSERT INTO audit (at, actor, action, subject, guild, details)
  SELECT store_now_v1(p), 'system', 'books.hour', to_char(v_hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), g.platform_guild_id,
    to_jsonb(w) - 'user_id'
  FROM wrong w LEFT JOIN guilds g ON g.id = w.guild_id;
  GET DIAGNOSTICS v_wrong = ROW_COUNT;
  RETURN v_wrong;
END $$;
--> statement-breakpoint
-- Compares the sums of one UTC day with those of its hours, as above.
CREATE FUNCTION audit_day_v1(p jsonb) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_day timestamptz := to_timestamp((p ->> 'dayMs')::double precision / 1000);
  v_wrong int;
BEGIN
  WITH both_sides AS (
    SELECT guild_id, user_id, model, provider, payer,
      requests, answered, failed, attempts, attempt_failures, prompt_tokens, completion_tokens, cached_tokens,
      reasoning_tokens, cache_write_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count
    FROM usage_hourly WHERE hour >= v_day AND hour < v_day + interval '1 day'
    UNION ALL
    SELECT guild_id, user_id, model, provider, payer,
      -requests, -answered, -failed, -attempts, -attempt_failures, -prompt_tokens, -completion_tokens, -cached_tokens,
      -reasoning_tokens, -cache_write_tokens, -images, -cost_nano_usd, -first_token_ms_sum, -first_token_count
    FROM usage_daily WHERE day = v_day
  ), wrong AS MATERIALIZED (
    SELECT guild_id, user_id, model, provider, payer,
      sum(requests) AS requests, sum(answered) AS answered, sum(failed) AS failed, sum(attempts) AS attempts,
      sum(attempt_failures) AS attempt_failures, sum(prompt_tokens) AS prompt_tokens,
      sum(completion_tokens) AS completion_tokens, sum(cached_tokens) AS cached_tokens,
      sum(reasoning_tokens) AS reasoning_tokens, sum(cache_write_tokens) AS cache_write_tokens, sum(images) AS images,
      sum(cost_nano_usd) AS cost_nano_usd, sum(first_token_ms_sum) AS first_token_ms_sum,
      sum(first_token_count) AS first_token_count
    FROM both_sides GROUP BY 1, 2, 3, 4, 5
    HAVING (sum(requests), sum(answered), sum(failed), sum(attempts), sum(attempt_failures), sum(prompt_tokens),
      sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cache_write_tokens), sum(images), sum(cost_nano_usd),
      sum(first_token_ms_sum), sum(first_token_count)) IS DISTINCT FROM (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  ), put_right AS (
    INSERT INTO usage_daily AS d (day, guild_id, user_id, model, provider, payer,
      requests, answered, failed, attempts, attempt_failures, prompt_tokens, completion_tokens, cached_tokens,
      reasoning_tokens, cache_write_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count)
    SELECT v_day, w.* FROM wrong w
    ON CONFLICT (day, guild_id, user_id, model, provider, payer) DO UPDATE SET
      requests = d.requests + excluded.requests, answered = d.answered + excluded.answered,
      failed = d.failed + excluded.failed, attempts = d.attempts + excluded.attempts,
      attempt_failures = d.attempt_failures + excluded.attempt_failures,
      prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = d.completion_tokens + excluded.completion_tokens,
      cached_tokens = d.cached_tokens + excluded.cached_tokens,
      reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
      cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens, images = d.images + excluded.images,
      cost_nano_usd = d.cost_nano_usd + excluded.cost_nano_usd,
      first_token_ms_sum = d.first_token_ms_sum + excluded.first_token_ms_sum,
      first_token_count = d.first_token_count + excluded.first_token_count
  )
  INSERT INTO audit (at, actor, action, subject, guild, details)
  SELECT store_now_v1(p), 'system', 'books.day', to_char(v_day AT TIME ZONE 'UTC', 'YYYY-MM-DD'), g.platform_guild_id,
    to_jsonb(w) - 'user_id'
  FROM wrong w LEFT JOIN guilds g ON g.id = w.guild_id;
  GET DIAGNOSTICS v_wrong = ROW_COUNT;
  RETURN v_wrong;
END $$;
