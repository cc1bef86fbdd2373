-- Counters can always be made anew from usage. Works on a page of subjects after `after`, at most `limit` of them, and
-- returns what differed and where the next page begins. A subject's windows are opened anew in its present time zone.
CREATE FUNCTION rebuild_counters_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
      SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens AS tokens, u.cost_nano_usd AS cost, u.images
      FROM usage u WHERE v_old.kind = 1 AND u.guild_id = v_old.subject_id AND u.at >= v_new.month_start
      UNION ALL
      SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens, u.cost_nano_usd, u.images
      FROM usage u WHERE v_old.kind = 2 AND u.user_id = v_old.subject_id AND u.at >= v_new.month_start
      UNION ALL -- The instance accounts for money alone, in UTC: the hourly sums are as exact as the details.
      SELECT h.hour, 0, 0, h.cost_nano_usd, 0 FROM usage_hourly h WHERE v_old.kind = 0 AND h.hour >= v_new.month_start
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
-- Platform, bot and chat: what the key of an event and a place begin with.
CREATE FUNCTION event_chat_v1(p_key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT array_to_string((string_to_array(p_key, ':'))[1:3], ':')
$$;
--> statement-breakpoint
-- Whether an event is of the chat that bears the person's own id, as private chats of some platforms do.
CREATE FUNCTION is_chat_of_v1(p_key text, p_user text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT split_part(p_key, ':', 1) || ':' || split_part(p_key, ':', 3) = p_user
$$;
--> statement-breakpoint
-- Forgets a person: their words, name, settings and unfinished turns. What was used stays in the sums, without them.
CREATE FUNCTION forget_user_v1(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user uuid := (SELECT u.id FROM users u WHERE u.platform_user_id = p ->> 'user');
  v_chats text[];
BEGIN
  IF v_user IS NULL THEN
    RETURN false;
  END IF;
  PERFORM lock_quota_subjects_v1(false, NULL, v_user);
  DELETE FROM quota_holds WHERE turn_id IN (SELECT t.id FROM turns t WHERE t.user_id = v_user AND t.state IN ('queued', 'running'));
  UPDATE turns SET state = 'cancelled', generated_at = v_now WHERE user_id = v_user AND state IN ('queued', 'running');
  UPDATE turns SET delivered_at = coalesce(delivered_at, v_now), lease_owner = NULL, lease_until = NULL, reported_locale = NULL,
    reply_target = '{}', notice = NULL
  WHERE user_id = v_user;
  UPDATE messages SET text = '', est_tokens = 0, platform_message_id = NULL, deleted_at = v_now
  WHERE user_id = v_user OR id IN (SELECT t.answer_message_id FROM turns t WHERE t.user_id = v_user);
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
  DELETE FROM settings WHERE scope = 'user' AND subject_id = v_user;
  DELETE FROM quota_subjects WHERE kind = 2 AND subject_id = v_user;
  DELETE FROM users WHERE id = v_user;
  RETURN true;
END $$;
--> statement-breakpoint
-- Daily: partitions for the months to come, and what nobody needs any more. A page of each at a time.
CREATE FUNCTION housekeeping_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_page int := (p ->> 'limit')::int;
  v_holds int;
  v_outcomes int;
  v_errors int;
BEGIN
  PERFORM ensure_usage_partitions_v1(p);
  DELETE FROM quota_holds WHERE id IN (
    SELECT h.id FROM quota_holds h WHERE h.turn_id IS NULL AND h.expires_at < v_now LIMIT v_page);
  GET DIAGNOSTICS v_holds = ROW_COUNT;
  DELETE FROM command_outcomes WHERE origin_key IN (
    SELECT c.origin_key FROM command_outcomes c WHERE c.at < v_now - interval '30 days' LIMIT v_page);
  GET DIAGNOSTICS v_outcomes = ROW_COUNT;
  DELETE FROM errors WHERE id IN (SELECT e.id FROM errors e WHERE e.at < v_now - interval '90 days' LIMIT v_page);
  GET DIAGNOSTICS v_errors = ROW_COUNT;
  RETURN jsonb_build_object('isDone', greatest(v_holds, v_outcomes, v_errors) < v_page,
    'strayUsage', EXISTS (SELECT 1 FROM usage_default));
END $$;
--> statement-breakpoint
-- A subject that has used nothing yet.
CREATE FUNCTION blank_subject_v1(p_kind smallint, p_time_zone text) RETURNS quota_subjects LANGUAGE sql IMMUTABLE AS $$
  SELECT ROW (p_kind, '00000000-0000-0000-0000-000000000000'::uuid, '{}'::jsonb, p_time_zone, '-infinity'::timestamptz,
    '-infinity'::timestamptz, '-infinity'::timestamptz, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)::quota_subjects
$$;
