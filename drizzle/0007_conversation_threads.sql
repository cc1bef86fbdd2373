-- As its predecessor, but keeps the name of a guild that an event does not name.
CREATE FUNCTION known_guild_v2(p_guild jsonb, p_now timestamptz) RETURNS guilds LANGUAGE sql VOLATILE AS $$
  SELECT known_guild_v1(CASE p_guild ->> 'name'
    WHEN '' THEN p_guild || jsonb_build_object('name',
      coalesce((SELECT g.name FROM guilds g WHERE g.platform_guild_id = p_guild ->> 'id'), ''))
    ELSE p_guild
  END, p_now)
$$;
--> statement-breakpoint
-- Where a message belongs, and where its answer goes: the conversation of the message it answers, when that was said in the
-- same place; else that of the thread it stands in, of the thread that its answer opens, or the place's own. `place_key` names
-- the conversation to make when there is none.
CREATE FUNCTION find_conversation_v2(p jsonb, p_guild uuid, OUT conversation_id uuid, OUT place text, OUT place_key text,
  OUT style text, OUT opens_thread boolean, OUT parent_message_id uuid, OUT parent_turn_id uuid)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_place text := p -> 'envelope' ->> 'place';
  v_thread text := p -> 'envelope' ->> 'thread';
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
  ELSIF v_thread = 'here' THEN
    style := 'thread';
  ELSE
    SELECT s.value #>> '{}' INTO style FROM settings s
    WHERE s.scope = 'guild' AND s.subject_id = p_guild AND s.key = 'conversation_style';
    IF style IS NULL OR (style = 'thread' AND v_thread IS NULL) THEN
      style := 'chain';
    END IF;
  END IF;
  opens_thread := conversation_id IS NULL AND style = 'thread' AND v_thread <> 'here';
  place := CASE WHEN opens_thread THEN v_thread ELSE v_place END;
  place_key := CASE style
    WHEN 'chain' THEN v_place || '#' || coalesce(p -> 'envelope' ->> 'messageId', p ->> 'turnId')
    ELSE place
  END;
  IF conversation_id IS NULL THEN
    SELECT c.id INTO conversation_id FROM conversations c WHERE c.place_key = find_conversation_v2.place_key AND c.active;
  END IF;
END $$;
--> statement-breakpoint
-- As its predecessor, and tells the language that the person is known to read.
CREATE FUNCTION refuse_turn_v2(p jsonb, p_guild uuid, p_user uuid, p_refusal jsonb, p_settings jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
  WITH verdict AS MATERIALIZED (
    SELECT refuse_turn_v1(p, p_guild, p_user, p_refusal, p_settings, p_now) AS v
  )
  SELECT CASE v ->> 'kind'
    WHEN 'refused' THEN v || jsonb_build_object('reportedLocale', p -> 'envelope' -> 'author' -> 'locale')
    ELSE v
  END
  FROM verdict
$$;
--> statement-breakpoint
-- Decides whether a turn runs, and stores the decision with all that belongs to it.
CREATE FUNCTION admit_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
  v_guild := known_guild_v2(v_envelope -> 'guild', v_now);
  -- Not every event tells the person's language; the last one that did counts.
  v_envelope := jsonb_set(v_envelope, '{author,locale}', coalesce(to_jsonb(v_user.reported_locale), 'null'));
  p := jsonb_set(p, '{envelope}', v_envelope);
  v_settings := turn_settings_v1(v_guild.id, v_user.id) || '{"opensThread": false}';
  v_verdict := coalesce(forbidden_v1(v_user, v_guild, p ->> 'access'), nullif(p -> 'refusal', 'null'));
  IF v_verdict IS NOT NULL THEN
    IF v_verdict ->> 'reason' = 'approval_needed' THEN
      PERFORM ask_access_v1(v_guild.id, v_user.id, v_now);
    END IF;
    RETURN refuse_turn_v2(p, v_guild.id, v_user.id, v_verdict, v_settings, v_now);
  END IF;

  v_at := lock_quota_subjects_v1(false, v_guild.id, v_user.id);
  -- The same message may have been admitted while this waited for the locks.
  v_verdict := known_turn_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  v_now := store_now_v1(p);
  v_at := greatest(v_now, v_at);

  SELECT * INTO v_found FROM find_conversation_v2(p, v_guild.id);
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
    RETURN refuse_turn_v2(p, v_guild.id, v_user.id, v_grant.refusal, v_settings, v_now);
  END IF;

  v_settings := v_settings || jsonb_build_object('opensThread', v_found.opens_thread);
  IF v_conversation.id IS NULL THEN
    INSERT INTO conversations (place, place_key, guild_id, user_id, style, created_at)
    VALUES (v_found.place, v_found.place_key, v_guild.id, CASE v_found.style WHEN 'private' THEN v_user.id END,
      v_found.style, v_now)
    RETURNING * INTO v_conversation;
  END IF;
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, parent_message_id, parent_turn_id, max_completion_tokens, cost_defaults, epoch,
    lease_owner, lease_until, admitted_at, charged_at, started_at)
  SELECT (p ->> 'turnId')::uuid, v_envelope ->> 'originKey', p ->> 'cause', v_envelope ->> 'platform', v_found.place,
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
-- What a guild's admin sets. Once per origin key; recorded with who did it.
CREATE FUNCTION set_guild_setting_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_guild guilds;
  v_before jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  v_guild := known_guild_v2(p -> 'guild', v_now);
  SELECT s.value INTO v_before FROM settings s WHERE s.scope = 'guild' AND s.subject_id = v_guild.id AND s.key = p ->> 'key';
  INSERT INTO settings (scope, subject_id, key, value, updated_at, updated_by)
  VALUES ('guild', v_guild.id, p ->> 'key', p -> 'value', v_now, p ->> 'by')
  ON CONFLICT (scope, subject_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
    updated_by = excluded.updated_by;
  INSERT INTO audit (at, actor, action, subject, before, after)
  VALUES (v_now, p ->> 'by', 'set ' || (p ->> 'key'), v_guild.platform_guild_id, v_before, p -> 'value');
END $$;
--> statement-breakpoint
-- Forgets the encrypted part of addresses, which is of no use after a quarter of an hour: on the turns, at most `limit` of
-- them. Returns how many there were.
CREATE FUNCTION forget_sealed_v1(p jsonb) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int;
BEGIN
  UPDATE turns SET reply_target = reply_target - 'sealed'
  WHERE id IN (
    SELECT t.id FROM turns t
    WHERE t.reply_target ? 'sealed' AND t.admitted_at < store_now_v1(p) - millis_v1(p ->> 'maxAgeMs')
    ORDER BY t.admitted_at LIMIT (p ->> 'limit')::int FOR NO KEY UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
