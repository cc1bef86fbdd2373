-- Notes where a message stands on its path whenever it gets a parent: how many messages come before it, and how many
-- estimated tokens. Rows that are older than these columns count as nothing.
CREATE FUNCTION stand_message_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.messages_before := 0;
  NEW.tokens_before := 0;
  IF NEW.parent_id IS NOT NULL THEN
    SELECT coalesce(m.messages_before, 0) + l.taken, coalesce(m.tokens_before, 0) + l.taken * m.est_tokens
    INTO NEW.messages_before, NEW.tokens_before
    FROM messages m CROSS JOIN LATERAL (SELECT (m.deleted_at IS NULL)::int AS taken) l WHERE m.id = NEW.parent_id;
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER messages_stand BEFORE INSERT OR UPDATE OF parent_id ON messages
FOR EACH ROW EXECUTE FUNCTION stand_message_v1();
--> statement-breakpoint
-- Those behind a message move with it when something above them goes or comes. What stands so far down that it does not move has
-- left that behind long since.
CREATE FUNCTION shift_behind_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH RECURSIVE behind AS (
    SELECT m.id FROM messages m WHERE m.parent_id = NEW.id
    UNION ALL
    SELECT m.id FROM behind b JOIN messages m ON m.parent_id = b.id
  )
  UPDATE messages m SET messages_before = m.messages_before + NEW.messages_before - coalesce(OLD.messages_before, 0),
    tokens_before = m.tokens_before + NEW.tokens_before - coalesce(OLD.tokens_before, 0)
  WHERE m.id IN (SELECT b.id FROM behind b LIMIT 200);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER messages_shift AFTER UPDATE OF parent_id ON messages
FOR EACH ROW WHEN ((OLD.messages_before, OLD.tokens_before) IS DISTINCT FROM (NEW.messages_before, NEW.tokens_before))
EXECUTE FUNCTION shift_behind_v1();
--> statement-breakpoint
-- Where a window begins on a path: `p_end` is all there is before the question, `p_room` the most that fits, and the edge moves
-- on by whole steps, so that the beginning stays for as long as a step lasts.
CREATE FUNCTION window_edge_v1(p_end bigint, p_room bigint, p_step bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(0, (p_end - p_room + p_step - 1) / p_step) * p_step
$$;
--> statement-breakpoint
-- The history that ends at a leaf, before a question of so many tokens: the newest messages from an edge on that moves by half
-- of the limits, and never more than the limits allow, or than can have `p_ceiling` tokens (null is no such limit). Oldest
-- first. A message across the edge belongs to it where it is long and fits. Follows parents only, so the cost depends on the
-- limits and not on the conversation. `ceiling` is the sum of ⌈UTF-8 bytes / 3⌉: no tokenizer needs more.
CREATE FUNCTION conversation_window_v3(p_leaf uuid, p_limits jsonb, p_question int, p_ceiling bigint, OUT messages jsonb,
  OUT ceiling bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- What there is room for before the question.
  v_messages bigint := (p_limits ->> 'maxMessages')::bigint - 1;
  v_tokens bigint := (p_limits ->> 'maxTokens')::bigint - p_question;
  v_token_step bigint := greatest(1, (p_limits ->> 'maxTokens')::bigint / 2);
  -- Where it begins: behind so many messages, and so many tokens.
  v_after_messages bigint;
  v_after_tokens bigint;
BEGIN
  SELECT window_edge_v1(coalesce(m.messages_before, 0) + l.taken, v_messages, greatest(1, (v_messages + 1) / 2)),
    window_edge_v1(coalesce(m.tokens_before, 0) + l.taken * m.est_tokens, v_tokens, v_token_step)
  INTO v_after_messages, v_after_tokens
  FROM messages m CROSS JOIN LATERAL (SELECT (m.deleted_at IS NULL)::int AS taken) l WHERE m.id = p_leaf;

  WITH RECURSIVE walk AS (
    SELECT m.id, m.parent_id, m.deleted_at IS NULL AS live, 1 AS steps, l.taken, (l.taken * m.est_tokens)::bigint AS tokens,
      (l.taken * ((octet_length(m.text) + 2) / 3))::bigint AS ceiling, l.inside
    FROM messages m
    CROSS JOIN LATERAL (
      SELECT (m.deleted_at IS NULL)::int AS taken, coalesce(m.messages_before, 0) >= v_after_messages
        AND (coalesce(m.tokens_before, 0) >= v_after_tokens
          OR (m.est_tokens > v_token_step / 4 AND m.tokens_before + m.est_tokens > v_after_tokens)) AS inside
    ) l
    WHERE m.id = p_leaf
    UNION ALL
    SELECT m.id, m.parent_id, m.deleted_at IS NULL, w.steps + 1, w.taken + l.taken, w.tokens + l.taken * m.est_tokens,
      w.ceiling + l.taken * ((octet_length(m.text) + 2) / 3), l.inside
    FROM walk w JOIN messages m ON m.id = w.parent_id
    CROSS JOIN LATERAL (
      SELECT (m.deleted_at IS NULL)::int AS taken, coalesce(m.messages_before, 0) >= v_after_messages
        AND (coalesce(m.tokens_before, 0) >= v_after_tokens
          OR (m.est_tokens > v_token_step / 4 AND m.tokens_before + m.est_tokens > v_after_tokens)) AS inside
    ) l
    -- Deleted messages take no place, but a long run of them must not be walked for ever.
    WHERE w.inside AND w.taken < v_messages AND w.tokens < v_tokens AND w.steps < 4 * v_messages
      AND (p_ceiling IS NULL OR w.ceiling < p_ceiling)
  )
  SELECT
    coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'text', m.text,
      'authorName', CASE WHEN m.role = 'user' THEN u.name END) ORDER BY w.steps DESC), '[]'),
    coalesce(sum((octet_length(m.text) + 2) / 3), 0)
  INTO conversation_window_v3.messages, conversation_window_v3.ceiling
  FROM walk w
  JOIN messages m ON m.id = w.id
  LEFT JOIN users u ON u.id = m.user_id
  WHERE w.live AND w.inside AND w.taken <= v_messages AND w.tokens <= v_tokens AND (p_ceiling IS NULL OR w.ceiling <= p_ceiling);
END $$;
--> statement-breakpoint
-- As before, and the history begins at an edge. What is held is for all readings of it.
CREATE OR REPLACE FUNCTION turn_window_v2(p_turn turns, p_limits jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT (conversation_window_v3(q.parent_id, p_limits, q.est_tokens,
      ((SELECT min(h.tokens) FROM quota_holds h WHERE h.turn_id = p_turn.id AND h.attempt = -1) - p_turn.max_completion_tokens
          - coalesce((p_limits ->> 'systemTokens')::int, 0)
          - CASE WHEN n.readings > 1 THEN coalesce((p_limits ->> 'searchTokens')::int, 0) ELSE 0 END) / n.readings
        - (octet_length(q.text) + 2) / 3 - CASE p_turn.cause
          WHEN 'continue' THEN (SELECT (octet_length((shown_answer_v1(r)).text) + 2) / 3 FROM turns r WHERE r.id = p_turn.reply_of)
          ELSE 0 END)).messages
    || jsonb_build_object('role', 'user', 'text', q.text, 'authorName', u.name)
  FROM messages q LEFT JOIN users u ON u.id = q.user_id CROSS JOIN readings_v1(p_turn) n(readings)
  WHERE q.id = p_turn.question_message_id
$$;
--> statement-breakpoint
-- As before, with the history from `conversation_window_v3`.
CREATE OR REPLACE FUNCTION repeated_prompt_v1(p jsonb, p_draft turns) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (octet_length(q.text) + 2) / 3 + w.ceiling + CASE WHEN is_unplaced_v1(p_draft) THEN before.ceiling ELSE 0 END
  FROM messages q
  JOIN conversations c ON c.id = q.conversation_id
  CROSS JOIN LATERAL conversation_window_v3(q.parent_id, p -> 'window', q.est_tokens, NULL) w
  CROSS JOIN LATERAL conversation_window_v3(
    parent_message_v2(p_draft.parent_message_id, p_draft.parent_turn_id, c.head_message_id), p -> 'window', q.est_tokens, NULL) before
  WHERE q.id = p_draft.question_message_id
$$;
--> statement-breakpoint
-- As before, and tells those behind the question where they stand.
CREATE OR REPLACE FUNCTION place_question_v1(p_turn turns) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_is_unplaced boolean := is_unplaced_v1(p_turn);
  v_follower uuid;
BEGIN
  IF v_is_unplaced THEN
    UPDATE messages SET parent_id = parent_message_v2(p_turn.parent_message_id, p_turn.parent_turn_id,
      (SELECT c.head_message_id FROM conversations c WHERE c.id = p_turn.conversation_id))
    WHERE id = coalesce(p_turn.first_question_id, p_turn.question_message_id);
    -- Those that are answered together with it follow it, each from where the one before stands now.
    FOR v_follower IN
      WITH RECURSIVE asked AS (
        SELECT m.id, m.parent_id, 0 AS steps FROM messages m WHERE m.id = p_turn.question_message_id
        UNION ALL
        SELECT m.id, m.parent_id, a.steps + 1 FROM asked a JOIN messages m ON m.id = a.parent_id WHERE a.id <> p_turn.first_question_id
      )
      SELECT a.id FROM asked a WHERE a.id <> p_turn.first_question_id ORDER BY a.steps DESC
    LOOP
      UPDATE messages SET parent_id = parent_id WHERE id = v_follower;
    END LOOP;
  END IF;
  -- What answers a message again leaves the conversation where it is; other messages came since.
  IF v_is_unplaced OR p_turn.cause = 'message' THEN
    UPDATE conversations SET head_message_id = p_turn.question_message_id WHERE id = p_turn.conversation_id;
  END IF;
END $$;
--> statement-breakpoint
-- As before, with the history from `conversation_window_v3`. Where the answer is to search the web, the turn's settings say so to
-- whoever runs it.
CREATE OR REPLACE FUNCTION admit_v3(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_envelope jsonb := p -> 'envelope';
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_user users;
  v_guild guilds;
  v_found record;
  v_conversation conversations;
  v_burst turns;
  v_draft turns;
  v_stored record;
  v_settings jsonb;
  v_window record;
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
    RETURN refuse_turn_v3(p, v_guild.id, v_user.id, v_verdict, v_settings, v_now);
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
  v_draft.id := (p ->> 'turnId')::uuid;
  v_draft.origin_key := v_envelope ->> 'originKey';
  v_draft.cause := p ->> 'cause';
  v_draft.platform := v_envelope ->> 'platform';
  v_draft.place := v_found.place;
  v_draft.user_id := v_user.id;
  v_draft.guild_id := v_guild.id;
  v_draft.reply_target := v_envelope -> 'replyTarget';
  v_draft.settings := v_settings || jsonb_build_object('opensThread', v_found.opens_thread)
    || CASE WHEN (p ->> 'search')::boolean THEN '{"search": true}' ELSE '{}' END::jsonb;
  v_draft.reported_locale := v_envelope -> 'author' ->> 'locale';
  v_draft.parent_message_id := v_found.parent_message_id;
  v_draft.parent_turn_id := v_found.parent_turn_id;
  v_draft.admitted_at := v_now;
  v_draft.charged_at := v_at;
  v_draft.conversation_id := v_conversation.id;

  v_burst := burst_turn_v1(p, v_conversation.id, v_user.id, v_found.parent_message_id, v_found.parent_turn_id, v_now);
  IF v_burst.state = 'queued' AND has_room_v1(p, v_burst, (octet_length(p ->> 'text') + 2) / 3) THEN
    RETURN coalesce(merge_message_v1(p, v_draft, v_burst, v_question), known_turn_v1(v_draft.origin_key));
  ELSIF v_burst.state = 'running' THEN -- This turn will answer both messages, in the reply that was begun for the first.
    v_draft.reply_of := reply_id_v1(v_burst);
    v_draft.first_question_id := coalesce(v_burst.first_question_id, v_burst.question_message_id);
    v_draft.reply_target := v_burst.reply_target;
    v_draft.settings := v_burst.settings;
  END IF;

  v_parent := CASE v_burst.state WHEN 'running' THEN v_burst.question_message_id
    ELSE parent_message_v2(v_found.parent_message_id, v_found.parent_turn_id, v_conversation.head_message_id) END;
  SELECT * INTO v_window FROM conversation_window_v3(v_parent, p -> 'window', (p ->> 'estTokens')::int, NULL);
  -- Made before the turn that refers to it; of no harm when that is refused after all.
  IF v_conversation.id IS NULL THEN
    INSERT INTO conversations (place, place_key, guild_id, user_id, style, created_at)
    VALUES (v_found.place, v_found.place_key, v_guild.id, CASE v_found.style WHEN 'private' THEN v_user.id END, v_found.style, v_now)
    RETURNING * INTO v_conversation;
    v_draft.conversation_id := v_conversation.id;
  END IF;
  v_draft.question_message_id := v_question;
  SELECT * INTO v_stored FROM store_turn_v1(p, v_draft, (octet_length(p ->> 'text') + 2) / 3 + v_window.ceiling);
  IF v_stored.refusal IS NOT NULL THEN
    DELETE FROM conversations c WHERE c.id = v_conversation.id AND v_found.conversation_id IS NULL;
    RETURN refuse_turn_v3(p, v_guild.id, v_user.id, v_stored.refusal, v_settings, v_now);
  END IF;
  v_draft := v_stored.turn;
  IF v_draft.id IS NULL THEN
    DELETE FROM conversations c WHERE c.id = v_conversation.id AND v_found.conversation_id IS NULL;
    RETURN known_turn_v1(v_envelope ->> 'originKey');
  END IF;
  INSERT INTO messages (id, conversation_id, parent_id, role, user_id, turn_id, platform_message_id, text, est_tokens, created_at)
  VALUES (v_question, v_conversation.id, CASE WHEN v_draft.state = 'running' OR v_burst.state = 'running' THEN v_parent END, 'user', v_user.id, v_draft.id,
    free_platform_message_v1(v_envelope ->> 'messageId'), p ->> 'text', (p ->> 'estTokens')::int, v_now);
  IF v_burst.state = 'running' THEN
    UPDATE turns SET merged_into = v_draft.id, cancel_requested_at = v_now WHERE id = v_burst.id;
  END IF;
  IF v_draft.state = 'queued' THEN
    RETURN jsonb_build_object('kind', 'queued', 'turnId', v_draft.id, 'ahead', v_stored.ahead, 'settings', v_draft.settings,
      'absorbs', CASE v_burst.state WHEN 'running' THEN v_burst.id END);
  END IF;
  UPDATE conversations SET head_message_id = v_question WHERE id = v_conversation.id;
  RETURN jsonb_build_object('kind', 'run', 'turn', runnable_turn_v2(v_draft,
    v_window.messages || jsonb_build_object('role', 'user', 'text', p ->> 'text', 'authorName', v_user.name), '[]', '[]'));
END $$;
--> statement-breakpoint
-- An amount of money that may be below zero.
CREATE FUNCTION signed_nano_usd_v1(p_nano_usd text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(greatest(coalesce(p_nano_usd::numeric, 0), -1000000 * 1e9), 1000000 * 1e9)::bigint
$$;
--> statement-breakpoint
-- Keeps a conversation's sums over its attempts. Whoever writes what an attempt used holds the lock of the conversation.
CREATE FUNCTION sum_caching_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) -> 'usage' END;
BEGIN
  UPDATE conversations c SET
    prompt_tokens = c.prompt_tokens + token_count_v1(NEW.usage ->> 'promptTokens') - token_count_v1(v_before ->> 'promptTokens'),
    cached_tokens = c.cached_tokens + token_count_v1(NEW.usage ->> 'cachedTokens') - token_count_v1(v_before ->> 'cachedTokens'),
    cache_write_tokens = c.cache_write_tokens + token_count_v1(NEW.usage ->> 'cacheWriteTokens')
      - token_count_v1(v_before ->> 'cacheWriteTokens'),
    saved_nano_usd = c.saved_nano_usd + signed_nano_usd_v1(NEW.usage ->> 'savedNanoUsd') - signed_nano_usd_v1(v_before ->> 'savedNanoUsd')
  FROM turns t WHERE t.id = NEW.turn_id AND c.id = t.conversation_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER attempts_summed AFTER INSERT OR UPDATE OF usage ON attempts
FOR EACH ROW WHEN (jsonb_typeof(NEW.usage) = 'object') EXECUTE FUNCTION sum_caching_v1();
