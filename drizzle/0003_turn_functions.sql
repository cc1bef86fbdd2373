-- Turns: admission, settling, claiming. Each public function takes one JSON document and returns one; times in them
-- are milliseconds since 1970. For the order of locks see the quota functions.

-- Who writes. Costs no write unless the name, the language or the day of the last visit changed.
CREATE FUNCTION known_user_v1(p_author jsonb, p_now timestamptz) RETURNS users LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_user users;
BEGIN
  SELECT * INTO v_user FROM users WHERE platform_user_id = p_author ->> 'id';
  IF NOT FOUND OR v_user.name <> p_author ->> 'name' OR v_user.last_seen_at < p_now - interval '1 day'
    OR coalesce(p_author ->> 'locale', v_user.reported_locale) IS DISTINCT FROM v_user.reported_locale THEN
    INSERT INTO users (platform_user_id, name, reported_locale, created_at, last_seen_at)
    VALUES (p_author ->> 'id', p_author ->> 'name', p_author ->> 'locale', p_now, p_now)
    ON CONFLICT (platform_user_id) DO UPDATE SET name = excluded.name, last_seen_at = excluded.last_seen_at,
      reported_locale = coalesce(excluded.reported_locale, users.reported_locale)
    RETURNING * INTO v_user;
  END IF;
  RETURN v_user;
END $$;
--> statement-breakpoint
CREATE FUNCTION known_guild_v1(p_guild jsonb, p_now timestamptz) RETURNS guilds LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_guild guilds;
BEGIN
  IF p_guild ->> 'id' IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT * INTO v_guild FROM guilds WHERE platform_guild_id = p_guild ->> 'id';
  IF NOT FOUND OR v_guild.name <> p_guild ->> 'name' THEN
    INSERT INTO guilds (platform_guild_id, name, created_at) VALUES (p_guild ->> 'id', p_guild ->> 'name', p_now)
    ON CONFLICT (platform_guild_id) DO UPDATE SET name = excluded.name
    RETURNING * INTO v_guild;
  END IF;
  RETURN v_guild;
END $$;
--> statement-breakpoint
-- Why this person may not be served here at all; null when nothing stands against it.
CREATE FUNCTION forbidden_v1(p_user users, p_guild guilds, p_access text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (
      SELECT 1 FROM control_flags f
      WHERE f.scope = 'all' OR (f.scope = 'guild' AND f.subject = p_guild.platform_guild_id)
    ) THEN jsonb_build_object('reason', 'stopped')
    WHEN EXISTS (
      SELECT 1 FROM blocks b
      WHERE (b.subject_kind = 'user' AND b.subject = p_user.platform_user_id
          AND b.within_guild IN ('', coalesce(p_guild.platform_guild_id, '')))
        OR (b.subject_kind = 'guild' AND b.subject = p_guild.platform_guild_id)
    ) THEN jsonb_build_object('reason', 'blocked')
    WHEN p_access = 'denied' THEN jsonb_build_object('reason', 'access_denied')
    WHEN p_access = 'if_approved'
      AND CASE WHEN p_guild.id IS NULL THEN p_user.approved_at ELSE p_guild.approved_at END IS NULL
      THEN jsonb_build_object('reason', 'approval_needed')
  END
$$;
--> statement-breakpoint
-- Notes who waits for an approval: the guild, or in private the person. The first refusal counts.
CREATE FUNCTION ask_access_v1(p_guild uuid, p_user uuid, p_now timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE guilds SET access_asked_at = p_now WHERE id = p_guild AND access_asked_at IS NULL;
  UPDATE users SET access_asked_at = p_now WHERE p_guild IS NULL AND id = p_user AND access_asked_at IS NULL;
END $$;
--> statement-breakpoint
-- What user and guild have set, the user's choice first.
CREATE FUNCTION turn_settings_v1(p_guild uuid, p_user uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('model', NULL, 'locale', NULL) || coalesce(jsonb_object_agg(c.key, c.value), '{}')
  FROM (
    SELECT DISTINCT ON (s.key) s.key, s.value FROM settings s
    WHERE s.key IN ('model', 'locale')
      AND ((s.scope = 'user' AND s.subject_id = p_user) OR (s.scope = 'guild' AND s.subject_id = p_guild))
    ORDER BY s.key, s.scope DESC
  ) c
$$;
--> statement-breakpoint
-- Where a message belongs: the conversation of the message it answers, when that was said in the same place; else the
-- place's own. `place_key` names the conversation to make when there is none.
CREATE FUNCTION find_conversation_v1(p jsonb, p_guild uuid, OUT conversation_id uuid, OUT place_key text, OUT style text,
  OUT parent_message_id uuid, OUT parent_turn_id uuid)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_place text := p -> 'envelope' ->> 'place';
  v_reply text := p ->> 'repliesTo';
BEGIN
  IF v_reply IS NOT NULL THEN
    -- Parts carry the platform's bare id, the last segment of the qualified one.
    SELECT t.conversation_id, t.id INTO conversation_id, parent_turn_id
    FROM reply_parts r JOIN turns t ON t.id = r.turn_id
    WHERE r.place = v_place AND r.platform_message_id IN (v_reply, split_part(v_reply, ':', -1))
      AND t.conversation_id IS NOT NULL
    ORDER BY t.seq DESC LIMIT 1;
    IF NOT FOUND THEN
      SELECT m.conversation_id, m.id INTO conversation_id, parent_message_id
      FROM messages m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.platform_message_id = v_reply AND c.place = v_place;
    END IF;
  END IF;

  IF (p ->> 'isPrivate')::boolean THEN
    style := 'private';
  ELSE
    SELECT s.value #>> '{}' INTO style FROM settings s
    WHERE s.scope = 'guild' AND s.subject_id = p_guild AND s.key = 'conversation_style';
    style := coalesce(style, 'chain');
  END IF;
  place_key := CASE style
    WHEN 'chain' THEN v_place || '#' || coalesce(p -> 'envelope' ->> 'messageId', p ->> 'turnId')
    ELSE v_place
  END;
  IF conversation_id IS NULL THEN
    SELECT c.id INTO conversation_id FROM conversations c WHERE c.place_key = find_conversation_v1.place_key AND c.active;
  END IF;
END $$;
--> statement-breakpoint
-- The message that the next one continues from: the answered one, or the answer (failing that, the question) of the
-- answered turn, or the conversation's head.
CREATE FUNCTION parent_message_v1(p_message uuid, p_turn uuid, p_head uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(p_message, (SELECT coalesce(t.answer_message_id, t.question_message_id) FROM turns t WHERE t.id = p_turn), p_head)
$$;
--> statement-breakpoint
-- The history that ends at a leaf: newest messages while they fit both limits, oldest first. Follows parents only, so its
-- cost depends on the limits and not on the conversation. `ceiling` is the sum of ⌈UTF-8 bytes / 3⌉: no tokenizer needs more.
CREATE FUNCTION conversation_window_v1(p_leaf uuid, p_max_messages int, p_max_tokens int, OUT messages jsonb, OUT ceiling int)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE walk AS (
    SELECT m.id, m.parent_id, m.deleted_at IS NULL AS live, 1 AS steps, (m.deleted_at IS NULL)::int AS taken,
      CASE WHEN m.deleted_at IS NULL THEN m.est_tokens ELSE 0 END AS tokens
    FROM messages m WHERE m.id = p_leaf
    UNION ALL
    SELECT m.id, m.parent_id, m.deleted_at IS NULL, w.steps + 1, w.taken + (m.deleted_at IS NULL)::int,
      w.tokens + CASE WHEN m.deleted_at IS NULL THEN m.est_tokens ELSE 0 END
    FROM walk w JOIN messages m ON m.id = w.parent_id
    -- Deleted messages take no place, but a long run of them must not be walked for ever.
    WHERE w.taken < p_max_messages AND w.tokens < p_max_tokens AND w.steps < 4 * p_max_messages
  )
  SELECT
    coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'text', m.text,
      'authorName', CASE WHEN m.role = 'user' THEN u.name END) ORDER BY w.steps DESC), '[]'),
    coalesce(sum((octet_length(m.text) + 2) / 3), 0)::int
  FROM walk w
  JOIN messages m ON m.id = w.id
  LEFT JOIN users u ON u.id = m.user_id
  WHERE w.live AND w.taken <= p_max_messages AND w.tokens <= p_max_tokens
$$;
--> statement-breakpoint
-- The window of a turn: its question, whatever its size, and before it what still fits.
CREATE FUNCTION turn_window_v1(p_question uuid, p_limits jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT w.messages || jsonb_build_object('role', 'user', 'text', m.text, 'authorName', u.name)
  FROM messages m
  LEFT JOIN users u ON u.id = m.user_id
  CROSS JOIN LATERAL conversation_window_v1(m.parent_id, (p_limits ->> 'maxMessages')::int - 1,
    (p_limits ->> 'maxTokens')::int - m.est_tokens) w
  WHERE m.id = p_question
$$;
--> statement-breakpoint
CREATE FUNCTION reply_parts_v1(p_turn uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('index', r.index, 'platformMessageId', r.platform_message_id) ORDER BY r.index), '[]')
  FROM reply_parts r WHERE r.turn_id = p_turn
$$;
--> statement-breakpoint
CREATE FUNCTION runnable_turn_v1(p_turn turns, p_window jsonb, p_parts jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', p_turn.id, 'conversationId', p_turn.conversation_id, 'epoch', p_turn.epoch,
    'platform', p_turn.platform, 'originKey', p_turn.origin_key, 'place', p_turn.place, 'cause', p_turn.cause,
    'author', (SELECT jsonb_build_object('id', u.platform_user_id, 'internalId', u.id, 'name', u.name)
      FROM users u WHERE u.id = p_turn.user_id),
    'guild', (SELECT jsonb_build_object('id', g.platform_guild_id, 'internalId', g.id) FROM guilds g WHERE g.id = p_turn.guild_id),
    'payer', p_turn.payer, 'replyTarget', p_turn.reply_target, 'settings', p_turn.settings,
    'reportedLocale', p_turn.reported_locale, 'maxCompletionTokens', p_turn.max_completion_tokens,
    'window', p_window, 'parts', p_parts, 'admittedAtMs', epoch_ms_v1(p_turn.admitted_at))
$$;
--> statement-breakpoint
CREATE FUNCTION deliverable_turn_v1(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', p_turn.id, 'epoch', p_turn.epoch, 'platform', p_turn.platform,
    -- A refused turn belongs to no conversation and waits for nobody.
    'conversationId', coalesce(p_turn.conversation_id, p_turn.id),
    'replyTarget', p_turn.reply_target, 'settings', p_turn.settings, 'reportedLocale', p_turn.reported_locale,
    'state', p_turn.state, 'answer', (SELECT m.text FROM messages m WHERE m.id = p_turn.answer_message_id),
    'notice', p_turn.notice, 'refusal', p_turn.refusal, 'parts', reply_parts_v1(p_turn.id))
$$;
--> statement-breakpoint
-- A queued turn begins to run. The caller holds the locks of its conversation and of the turn.
CREATE FUNCTION begin_turn_v1(p_turn turns, p jsonb, p_now timestamptz) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
BEGIN
  UPDATE messages SET parent_id = parent_message_v1(p_turn.parent_message_id, p_turn.parent_turn_id,
    (SELECT c.head_message_id FROM conversations c WHERE c.id = p_turn.conversation_id))
  WHERE id = p_turn.question_message_id;
  UPDATE conversations SET head_message_id = p_turn.question_message_id WHERE id = p_turn.conversation_id;
  UPDATE turns SET state = 'running', epoch = epoch + 1, started_at = p_now, lease_owner = p ->> 'instance',
    lease_until = p_now + millis_v1(p ->> 'leaseMs')
  WHERE id = p_turn.id RETURNING * INTO v_turn;
  INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (v_turn.id, 0, v_turn.place, p_now);
  RETURN runnable_turn_v1(v_turn, turn_window_v1(v_turn.question_message_id, p -> 'window'), '[]');
END $$;
--> statement-breakpoint
CREATE FUNCTION known_turn_v1(p_origin_key text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('kind', 'duplicate', 'turnId', t.id, 'state', t.state) FROM turns t WHERE t.origin_key = p_origin_key
$$;
--> statement-breakpoint
-- Stores a refused turn: a redelivery of its message is then known, and its notice can be delivered after a crash.
CREATE FUNCTION refuse_turn_v1(p jsonb, p_guild uuid, p_user uuid, p_refusal jsonb, p_settings jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_envelope jsonb := p -> 'envelope';
BEGIN
  INSERT INTO turns (id, origin_key, cause, platform, place, state, user_id, guild_id, reply_target, settings, reported_locale,
    max_completion_tokens, epoch, lease_owner, lease_until, refusal, admitted_at, charged_at, generated_at)
  VALUES ((p ->> 'turnId')::uuid, v_envelope ->> 'originKey', p ->> 'cause', v_envelope ->> 'platform', v_envelope ->> 'place',
    'refused', p_user, p_guild, v_envelope -> 'replyTarget', p_settings, v_envelope -> 'author' ->> 'locale', 0, 1,
    p ->> 'instance', p_now + millis_v1(p ->> 'leaseMs'), p_refusal, p_now, p_now, p_now)
  ON CONFLICT (origin_key) DO NOTHING;
  IF NOT FOUND THEN
    RETURN known_turn_v1(v_envelope ->> 'originKey');
  END IF;
  RETURN jsonb_build_object('kind', 'refused', 'turnId', p ->> 'turnId', 'epoch', 1, 'refusal', p_refusal, 'settings', p_settings);
END $$;
--> statement-breakpoint
-- What the quotas leave for a turn: the answer's tokens, at most what is asked, or the refusal. An answer may shrink to
-- 256 tokens (or to what is asked, if less) before the turn is refused. Of several exhausted windows the last to end is told.
CREATE FUNCTION quota_grant_v1(p_guild uuid, p_user uuid, p_at timestamptz, p_defaults jsonb, p_prompt bigint, p_completion int,
  OUT completion int, OUT refusal jsonb)
LANGUAGE sql STABLE AS $$
  SELECT
    greatest(0, least(p_completion, min(s.lim - s.used - s.held - p_prompt) FILTER (WHERE s.metric = 'tokens')))::int,
    (array_agg(quota_refusal_v1(s.subject, s.metric, s.win, s.lim, s.used + s.held, s.resets_at) ORDER BY s.resets_at DESC, s.subject)
      FILTER (WHERE s.used + s.held + CASE s.metric WHEN 'requests' THEN 1 ELSE p_prompt + least(256, p_completion) END > s.lim))[1]
  FROM quota_standings_v1(false, p_guild, p_user, p_at, p_defaults) s
  WHERE s.metric IN ('requests', 'tokens')
$$;
--> statement-breakpoint
-- Decides whether a turn runs, and stores the decision with all that belongs to it.
CREATE FUNCTION admit_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_envelope jsonb := p -> 'envelope';
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_user users;
  v_guild guilds;
  v_found record;
  v_conversation conversations;
  v_turn turns;
  v_settings jsonb;
  v_window record;
  v_ahead record;
  v_grant record;
  v_prompt bigint;
  v_parent uuid;
  v_question uuid := gen_random_uuid();
  v_verdict jsonb;
BEGIN
  v_verdict := known_turn_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;

  v_user := known_user_v1(v_envelope -> 'author', v_now);
  v_guild := known_guild_v1(v_envelope -> 'guild', v_now);
  v_settings := turn_settings_v1(v_guild.id, v_user.id);
  v_verdict := coalesce(forbidden_v1(v_user, v_guild, p ->> 'access'), nullif(p -> 'refusal', 'null'));
  IF v_verdict IS NOT NULL THEN
    IF v_verdict ->> 'reason' = 'approval_needed' THEN
      PERFORM ask_access_v1(v_guild.id, v_user.id, v_now);
    END IF;
    RETURN refuse_turn_v1(p, v_guild.id, v_user.id, v_verdict, v_settings, v_now);
  END IF;

  v_at := lock_quota_subjects_v1(false, v_guild.id, v_user.id);
  -- The same message may have been admitted while this waited for the locks.
  v_verdict := known_turn_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  v_now := store_now_v1(p);
  v_at := greatest(v_now, v_at);

  SELECT * INTO v_found FROM find_conversation_v1(p, v_guild.id);
  SELECT * INTO v_conversation FROM conversations c WHERE c.id = v_found.conversation_id FOR NO KEY UPDATE;
  -- A turn that waits will see the questions and answers before it as well: they count as they may become.
  SELECT count(*) AS turns, coalesce(sum((octet_length(q.text) + 2) / 3 + t.max_completion_tokens), 0) AS tokens INTO v_ahead
  FROM turns t JOIN messages q ON q.id = t.question_message_id
  WHERE t.conversation_id = v_conversation.id AND t.state IN ('queued', 'running');
  v_parent := parent_message_v1(v_found.parent_message_id, v_found.parent_turn_id, v_conversation.head_message_id);
  SELECT * INTO v_window FROM conversation_window_v1(v_parent, (p #>> '{window,maxMessages}')::int - 1,
    (p #>> '{window,maxTokens}')::int - (p ->> 'estTokens')::int);
  v_prompt := (octet_length(p ->> 'text') + 2) / 3 + v_window.ceiling + v_ahead.tokens + (p #>> '{hold,systemTokens}')::int;

  SELECT * INTO v_grant FROM quota_grant_v1(v_guild.id, v_user.id, v_at, p -> 'defaults', v_prompt,
    (p #>> '{hold,maxCompletionTokens}')::int);
  IF v_grant.refusal IS NOT NULL THEN
    RETURN refuse_turn_v1(p, v_guild.id, v_user.id, v_grant.refusal, v_settings, v_now);
  END IF;

  IF v_conversation.id IS NULL THEN
    INSERT INTO conversations (place, place_key, guild_id, user_id, style, created_at)
    VALUES (v_envelope ->> 'place', v_found.place_key, v_guild.id, CASE v_found.style WHEN 'private' THEN v_user.id END,
      v_found.style, v_now)
    RETURNING * INTO v_conversation;
  END IF;
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, parent_message_id, parent_turn_id, max_completion_tokens, cost_defaults, epoch,
    lease_owner, lease_until, admitted_at, charged_at, started_at)
  SELECT (p ->> 'turnId')::uuid, v_envelope ->> 'originKey', p ->> 'cause', v_envelope ->> 'platform', v_envelope ->> 'place',
    CASE WHEN r.runs THEN 'running' ELSE 'queued' END, v_conversation.id, v_user.id, v_guild.id, v_envelope -> 'replyTarget',
    v_settings, v_envelope -> 'author' ->> 'locale', v_question, v_found.parent_message_id, v_found.parent_turn_id,
    v_grant.completion, cost_defaults_v1(p -> 'defaults'), r.runs::int, CASE WHEN r.runs THEN p ->> 'instance' END,
    CASE WHEN r.runs THEN v_now + millis_v1(p ->> 'leaseMs') END, v_now, v_at, CASE WHEN r.runs THEN v_now END
  FROM (SELECT v_ahead.turns = 0 AS runs) r
  ON CONFLICT (origin_key) DO NOTHING
  RETURNING * INTO v_turn;
  IF NOT FOUND THEN -- The same message was refused meanwhile, which takes no locks.
    RETURN known_turn_v1(v_envelope ->> 'originKey');
  END IF;
  INSERT INTO messages (id, conversation_id, parent_id, role, user_id, turn_id, platform_message_id, text, est_tokens, created_at)
  VALUES (v_question, v_conversation.id, CASE v_turn.state WHEN 'running' THEN v_parent END, 'user', v_user.id, v_turn.id,
    free_platform_message_v1(v_envelope ->> 'messageId'), p ->> 'text', (p ->> 'estTokens')::int, v_now);
  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, requests, tokens, reserved_at, expires_at)
  SELECT v_turn.id, 0, -1, s.kind, s.subject_id, 1, v_prompt + v_grant.completion, v_at, v_at + interval '1 hour'
  FROM (VALUES (1::smallint, v_guild.id), (2::smallint, v_user.id)) s(kind, subject_id) WHERE s.subject_id IS NOT NULL;

  IF v_turn.state = 'queued' THEN
    RETURN jsonb_build_object('kind', 'queued', 'turnId', v_turn.id, 'ahead', v_ahead.turns, 'settings', v_settings);
  END IF;
  UPDATE conversations SET head_message_id = v_question WHERE id = v_conversation.id;
  INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (v_turn.id, 0, v_turn.place, v_now);
  RETURN jsonb_build_object('kind', 'run', 'turn', runnable_turn_v1(v_turn,
    v_window.messages || jsonb_build_object('role', 'user', 'text', p ->> 'text', 'authorName', v_user.name), '[]'));
END $$;
--> statement-breakpoint
-- The default allowances of money, kept on the turn for the attempts to come.
CREATE FUNCTION cost_defaults_v1(p_defaults jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg(d.subject, d.limits)
  FROM (
    SELECT s.key AS subject, jsonb_object_agg(l.key, l.value) AS limits
    FROM jsonb_each(p_defaults) s CROSS JOIN LATERAL jsonb_each(s.value) l
    WHERE l.key IN ('cost_hour', 'cost_day', 'cost_month')
    GROUP BY s.key
  ) d
$$;
--> statement-breakpoint
-- A platform message belongs to one stored message. A second bot that hears the same message stores its copy without it.
CREATE FUNCTION free_platform_message_v1(p_message text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT p_message WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.platform_message_id = p_message)
$$;
--> statement-breakpoint
-- Ends a running turn and starts the next one of its conversation.
CREATE FUNCTION settle_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_turn turns;
  v_next turns;
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
  IF v_turn.state <> 'running' THEN
    RETURN jsonb_build_object('kind', 'already_settled', 'state', v_turn.state);
  END IF;
  v_now := store_now_v1(p);

  IF v_answer IS NOT NULL THEN
    INSERT INTO messages (id, conversation_id, parent_id, role, turn_id, text, est_tokens, model, partial, created_at)
    VALUES ((v_answer ->> 'messageId')::uuid, v_turn.conversation_id, v_turn.question_message_id, 'assistant', v_turn.id,
      v_answer ->> 'text', (v_answer ->> 'estTokens')::int, v_answer ->> 'model', (v_answer ->> 'partial')::boolean, v_now);
    UPDATE conversations SET head_message_id = (v_answer ->> 'messageId')::uuid
    WHERE id = v_turn.conversation_id AND head_message_id = v_turn.question_message_id;
  END IF;
  PERFORM record_attempts_v1(v_turn.id, v_turn.epoch, p -> 'attempts');
  UPDATE turns SET state = p ->> 'state', notice = nullif(p -> 'notice', 'null'), generated_at = v_now,
    answer_message_id = (v_answer ->> 'messageId')::uuid, lease_until = v_now + millis_v1(p ->> 'leaseMs')
  WHERE id = v_turn.id RETURNING * INTO v_turn;
  PERFORM book_turn_v1(v_turn, p -> 'attempts', v_now);

  SELECT * INTO v_next FROM turns
  WHERE conversation_id = v_turn.conversation_id AND state = 'queued' ORDER BY seq LIMIT 1 FOR NO KEY UPDATE;
  RETURN jsonb_build_object('kind', 'settled',
    'next', CASE WHEN v_next.id IS NOT NULL THEN begin_turn_v1(v_next, p, v_now) END);
END $$;
--> statement-breakpoint
CREATE FUNCTION record_attempts_v1(p_turn uuid, p_epoch int, p_attempts jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, provider, model_asked, model_used, generation_id, outcome, failure, http_status,
    is_free, started_at, first_token_ms, duration_ms, usage)
  SELECT p_turn, p_epoch, a.index, a.provider, a."modelAsked", a."modelUsed", a."generationId", a.outcome, a.failure, a."httpStatus",
    a."isFree", to_timestamp(a."startedAtMs" / 1000), a."firstTokenMs", a."durationMs", a.usage
  FROM jsonb_to_recordset(p_attempts) AS a(index int, provider text, "modelAsked" text, "modelUsed" text, "generationId" text,
    outcome text, failure text, "httpStatus" int, "isFree" boolean, "startedAtMs" double precision, "firstTokenMs" int,
    "durationMs" int, usage jsonb)
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET provider = excluded.provider, model_asked = excluded.model_asked,
    model_used = excluded.model_used, generation_id = coalesce(excluded.generation_id, attempts.generation_id),
    outcome = excluded.outcome, failure = excluded.failure, http_status = excluded.http_status, is_free = excluded.is_free,
    started_at = excluded.started_at, first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
    usage = excluded.usage
$$;
--> statement-breakpoint
-- Stores the generation's id while the attempt runs. Nothing for a writer whose claim is over.
CREATE FUNCTION attempt_started_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO attempts (turn_id, epoch, index, model_asked, generation_id, started_at)
  SELECT t.id, t.epoch, (p ->> 'index')::int, p ->> 'model', p ->> 'generationId', store_now_v1(p)
  FROM turns t WHERE t.id = (p ->> 'turnId')::uuid AND t.epoch = (p ->> 'epoch')::int AND t.state = 'running'
  ON CONFLICT (turn_id, epoch, index) DO UPDATE SET generation_id = excluded.generation_id
$$;
--> statement-breakpoint
-- Claims what nobody works on, in the order of admission: turns whose lease has run out, and queued turns whose
-- conversation is idle. Each kind has the whole limit, so that neither starves the other. Whoever holds a lock is at work:
-- its turns are skipped, not waited for. What the caller works on itself (`held`) is left alone, whatever its lease says.
CREATE FUNCTION claim_work_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
  v_run jsonb := '[]';
  v_deliver jsonb := '[]';
BEGIN
  SELECT coalesce(array_agg(c.id ORDER BY c.seq), '{}') INTO v_found FROM (
    (SELECT t.id, t.seq FROM turns t
    WHERE t.delivered_at IS NULL AND (t.lease_until < v_now OR (v_take_over AND t.lease_owner <> p ->> 'instance'))
      AND t.state IN ('running', 'generated', 'refused', 'failed', 'cancelled', 'interrupted')
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
      v_run := v_run || begin_turn_v1(v_turn, p, v_now);
      CONTINUE;
    END IF;
    -- What nobody waits for any more is given up; a refusal, which is about the moment, much sooner than an answer.
    IF v_turn.generated_at < v_delivery_cutoff OR (v_turn.state = 'refused' AND v_turn.admitted_at < v_cutoff) THEN
      PERFORM mark_delivered_v1(p || jsonb_build_object('turnId', v_id, 'epoch', v_turn.epoch, 'unreachable', 'given up'));
      CONTINUE;
    END IF;

    UPDATE turns SET epoch = epoch + 1, lease_owner = p ->> 'instance', lease_until = v_now + millis_v1(p ->> 'leaseMs')
    WHERE id = v_id RETURNING * INTO v_turn;
    IF v_turn.state = 'running' AND NOT v_id = ANY (v_ending) THEN
      v_run := v_run || runnable_turn_v1(v_turn, turn_window_v1(v_turn.question_message_id, p -> 'window'), reply_parts_v1(v_id));
      CONTINUE;
    END IF;
    IF v_turn.state IN ('queued', 'running') THEN
      UPDATE turns SET generated_at = v_now,
        state = CASE WHEN cancel_requested_at IS NULL THEN 'interrupted' ELSE 'cancelled' END,
        notice = CASE WHEN cancel_requested_at IS NULL THEN p -> 'interruptedNotice' ELSE '{"key": "turn.cancelled", "params": {}}' END
      WHERE id = v_id RETURNING * INTO v_turn;
      PERFORM book_turn_v1(v_turn, '[]', v_now);
    END IF;
    v_deliver := v_deliver || deliverable_turn_v1(v_turn);
  END LOOP;
  RETURN jsonb_build_object('run', v_run, 'deliver', v_deliver);
END $$;
--> statement-breakpoint
-- Whether another turn of the conversation runs, or waits in front of this one.
CREATE FUNCTION has_predecessor_v1(p_turn turns) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM turns t WHERE t.conversation_id = p_turn.conversation_id
      AND (t.state = 'running' OR (t.state = 'queued' AND t.seq < p_turn.seq)))
$$;
--> statement-breakpoint
-- Extends the leases of claims that are still good, never shortening one, and tells what became of the others. A turn
-- that is locked is being settled or claimed at this moment; it is left alone until the next time.
CREATE FUNCTION renew_leases_v1(p jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
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
    'lost', coalesce(jsonb_agg(a.id) FILTER (WHERE t.lease_owner IS DISTINCT FROM p ->> 'instance' OR t.epoch <> a.epoch
      OR t.delivered_at IS NOT NULL), '[]'),
    'cancelled', coalesce(jsonb_agg(a.id) FILTER (WHERE t.state = 'running' AND t.cancel_requested_at IS NOT NULL), '[]'),
    'stopped', coalesce(jsonb_agg(a.id) FILTER (WHERE t.state = 'running' AND EXISTS (
      SELECT 1 FROM control_flags f LEFT JOIN guilds g ON g.id = t.guild_id
      WHERE f.scope = 'all' OR (f.scope = 'guild' AND f.subject = g.platform_guild_id))), '[]'))
  FROM asked a LEFT JOIN turns t ON t.id = a.id
$$;
--> statement-breakpoint
CREATE FUNCTION mark_delivered_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE turns SET delivered_at = store_now_v1(p), state = CASE state WHEN 'generated' THEN 'delivered' ELSE state END,
    unreachable = p ->> 'unreachable', lease_owner = NULL, lease_until = NULL
  WHERE id = (p ->> 'turnId')::uuid AND epoch = (p ->> 'epoch')::int AND delivered_at IS NULL
    AND state IN ('generated', 'refused', 'failed', 'cancelled', 'interrupted')
$$;
--> statement-breakpoint
-- The platform takes the text only later: the lease keeps everybody away until then, for at least 15 s and at most a day.
CREATE FUNCTION postpone_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE turns SET lease_until = store_now_v1(p) + make_interval(secs =>
    least(greatest((p ->> 'retryAfterMs')::double precision / 1000, 15), 86400))
  WHERE id = (p ->> 'turnId')::uuid AND epoch = (p ->> 'epoch')::int AND delivered_at IS NULL
    AND state IN ('generated', 'refused', 'failed', 'cancelled', 'interrupted')
$$;
--> statement-breakpoint
-- A running turn is asked to stop, by its author, an admin of its guild or an operator; a queued one ends here, with nothing left to show.
CREATE FUNCTION request_cancel_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_turn turns;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid FOR NO KEY UPDATE;
  IF v_turn.id IS NULL OR v_turn.state NOT IN ('queued', 'running') THEN
    RETURN jsonb_build_object('kind', 'not_running');
  END IF;
  IF NOT (p #>> '{by,isOperator}')::boolean
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = v_turn.user_id AND u.platform_user_id = p #>> '{by,user}')
    AND NOT EXISTS (SELECT 1 FROM guilds g WHERE g.id = v_turn.guild_id AND g.platform_guild_id = p #>> '{by,adminOf}') THEN
    RETURN jsonb_build_object('kind', 'not_yours');
  END IF;
  UPDATE turns SET cancel_requested_at = coalesce(cancel_requested_at, v_now) WHERE id = v_turn.id;
  IF v_turn.state = 'queued' THEN
    UPDATE turns SET state = 'cancelled', generated_at = v_now, delivered_at = v_now WHERE id = v_turn.id;
    DELETE FROM quota_holds WHERE turn_id = v_turn.id;
  END IF;
  RETURN jsonb_build_object('kind', 'cancelling');
END $$;
--> statement-breakpoint
-- True while the claim is good: only then may the part be created. The lock keeps the claim good until the intent is
-- seen by whoever claims the turn next.
CREATE FUNCTION intend_part_v1(p jsonb) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  WITH claimed AS (
    SELECT t.id, t.place FROM turns t
    WHERE t.id = (p ->> 'turnId')::uuid AND t.epoch = (p ->> 'epoch')::int AND t.delivered_at IS NULL
    FOR SHARE
  ), intended AS (
    INSERT INTO reply_parts (turn_id, index, place, intended_at)
    SELECT c.id, (p ->> 'index')::int, c.place, store_now_v1(p) FROM claimed c
    ON CONFLICT (turn_id, index) DO NOTHING
  )
  SELECT EXISTS (SELECT 1 FROM claimed)
$$;
--> statement-breakpoint
-- The claim that is good has the say. One that is over still tells of a part that nobody else has made.
CREATE FUNCTION part_sent_v1(p jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  WITH claimed AS (
    SELECT t.id, t.place, t.epoch FROM turns t WHERE t.id = (p ->> 'turnId')::uuid FOR SHARE
  )
  INSERT INTO reply_parts AS r (turn_id, index, place, platform_message_id, intended_at, sent_at)
  SELECT c.id, (p ->> 'index')::int, c.place, p ->> 'platformMessageId', store_now_v1(p), store_now_v1(p) FROM claimed c
  ON CONFLICT (turn_id, index) DO UPDATE SET platform_message_id = excluded.platform_message_id, sent_at = excluded.sent_at
  WHERE r.platform_message_id IS NULL OR (SELECT c.epoch FROM claimed c) = (p ->> 'epoch')::int
$$;
--> statement-breakpoint
-- Closes the place's conversation; the next message there begins a new one. Once per origin key.
CREATE FUNCTION start_conversation_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', store_now_v1(p)) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE conversations SET active = false WHERE place_key = p ->> 'place' AND active;
  END IF;
END $$;
