-- As its predecessor. What is too old to be answered is told once in ten minutes for a place.
CREATE FUNCTION refuse_turn_v3(p jsonb, p_guild uuid, p_user uuid, p_refusal jsonb, p_settings jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_place text := p -> 'envelope' ->> 'place';
  v_verdict jsonb;
  v_is_told boolean := false;
BEGIN
  IF p_refusal ->> 'reason' = 'too_old' THEN
    -- One at a time for a place, or two would be the first.
    PERFORM pg_advisory_xact_lock(hashtextextended(v_place, 0));
    v_is_told := EXISTS (SELECT 1 FROM turns t
      WHERE t.place = v_place AND t.refusal ->> 'reason' = 'too_old' AND t.admitted_at > p_now - interval '10 minutes');
  END IF;
  v_verdict := refuse_turn_v2(p, p_guild, p_user, p_refusal, p_settings, p_now);
  IF v_verdict ->> 'kind' <> 'refused' THEN
    RETURN v_verdict;
  ELSIF v_is_told THEN
    PERFORM mark_delivered_v2(jsonb_build_object('turnId', v_verdict ->> 'turnId', 'epoch', 1, 'retracted', true)
      || jsonb_strip_nulls(jsonb_build_object('nowMs', p -> 'nowMs')));
  END IF;
  RETURN v_verdict || jsonb_build_object('isTold', v_is_told);
END $$;
--> statement-breakpoint
-- Stores a turn that the quotas allow, with its holds: running when its conversation is idle, else queued. `p_draft` holds
-- what is known of it; the caller holds the locks of the subjects and of the conversation. `p_prompt` is the most tokens
-- that the prompt can have, without the turns ahead. The state is null where the quotas refuse, or where the same event was
-- refused meanwhile, which takes no locks.
CREATE FUNCTION store_turn_v1(p jsonb, p_draft turns, p_prompt bigint, OUT turn turns, OUT ahead int, OUT refusal jsonb)
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
  v_prompt := p_prompt + v_ahead.tokens + (p #>> '{hold,systemTokens}')::int;
  SELECT * INTO v_grant FROM quota_grant_v1(p_draft.guild_id, p_draft.user_id, p_draft.charged_at, p -> 'defaults', v_prompt,
    (p #>> '{hold,maxCompletionTokens}')::int);
  refusal := v_grant.refusal;
  IF refusal IS NOT NULL THEN
    RETURN;
  END IF;
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, first_question_id, reply_of, parent_message_id, parent_turn_id, max_completion_tokens,
    cost_defaults, epoch, lease_owner, lease_until, admitted_at, charged_at, started_at)
  VALUES (p_draft.id, p_draft.origin_key, p_draft.cause, p_draft.platform, p_draft.place,
    CASE WHEN v_runs THEN 'running' ELSE 'queued' END, p_draft.conversation_id, p_draft.user_id, p_draft.guild_id,
    p_draft.reply_target, p_draft.settings, p_draft.reported_locale, p_draft.question_message_id, p_draft.first_question_id,
    p_draft.reply_of, p_draft.parent_message_id, p_draft.parent_turn_id, v_grant.completion, cost_defaults_v1(p -> 'defaults'),
    v_runs::int, CASE WHEN v_runs THEN p ->> 'instance' END,
    CASE WHEN v_runs THEN p_draft.admitted_at + millis_v1(p ->> 'leaseMs') END, p_draft.admitted_at, p_draft.charged_at,
    CASE WHEN v_runs THEN p_draft.admitted_at END)
  ON CONFLICT (origin_key) DO NOTHING
  RETURNING * INTO turn;
  IF turn.id IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, requests, tokens, reserved_at, expires_at)
  SELECT turn.id, 0, -1, s.kind, s.subject_id, 1, v_prompt + v_grant.completion, turn.charged_at, turn.charged_at + interval '1 hour'
  FROM (VALUES (1::smallint, turn.guild_id), (2::smallint, turn.user_id)) s(kind, subject_id) WHERE s.subject_id IS NOT NULL;
  IF v_runs THEN
    INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (reply_id_v1(turn), 0, turn.place, turn.admitted_at)
    ON CONFLICT DO NOTHING;
  END IF;
END $$;
--> statement-breakpoint
-- Whether the token quotas have room for more in a turn that is admitted: in the windows of its admission, for there it is
-- booked. The caller holds the locks of its subjects.
CREATE FUNCTION has_room_v1(p jsonb, p_turn turns, p_tokens bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (
    SELECT 1 FROM quota_standings_v1(false, p_turn.guild_id, p_turn.user_id, p_turn.charged_at, p -> 'defaults') s
    WHERE s.metric = 'tokens' AND s.used + s.held + p_tokens > s.lim)
$$;
--> statement-breakpoint
-- Raises what a queued turn may take of the prompt.
CREATE FUNCTION hold_more_v1(p_turn uuid, p_tokens bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE quota_holds SET tokens = greatest(0, tokens + p_tokens) WHERE turn_id = p_turn AND attempt = -1
$$;
--> statement-breakpoint
-- The turn that a message continues, when it comes right behind another one of the same person: as pieces of one paste
-- do, or several short lines. It must be the newest of the conversation and still wait, or have shown nothing (`unshown`).
CREATE FUNCTION burst_turn_v1(p jsonb, p_conversation uuid, p_user uuid, p_parent_message uuid, p_parent_turn uuid,
  p_now timestamptz) RETURNS turns
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
BEGIN
  IF p ->> 'cause' <> 'message' THEN
    RETURN NULL;
  END IF;
  SELECT * INTO v_turn FROM turns t
  WHERE t.conversation_id = p_conversation AND t.state IN ('queued', 'running') ORDER BY t.seq DESC LIMIT 1;
  -- Who cancels it locks nothing else: it stays as it is only under its own lock.
  SELECT * INTO v_turn FROM turns t WHERE t.id = v_turn.id AND t.state IN ('queued', 'running') FOR NO KEY UPDATE;
  IF v_turn.cause = 'message' AND v_turn.user_id = p_user AND v_turn.cancel_requested_at IS NULL
    AND v_turn.parent_message_id IS NOT DISTINCT FROM p_parent_message
    AND v_turn.parent_turn_id IS NOT DISTINCT FROM p_parent_turn
    AND (v_turn.state = 'queued' OR p -> 'unshown' ? v_turn.id::text)
    AND EXISTS (SELECT 1 FROM messages m WHERE m.id = v_turn.question_message_id
      AND m.created_at > p_now - millis_v1(p ->> 'burstMs')) THEN
    RETURN v_turn;
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Puts a message to those of a turn that waits: one answer for all. Null where the same message was refused meanwhile.
CREATE FUNCTION merge_message_v1(p jsonb, p_draft turns, p_into turns, p_question uuid) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, max_completion_tokens, merged_into, admitted_at, charged_at, generated_at, delivered_at)
  VALUES (p_draft.id, p_draft.origin_key, p_draft.cause, p_draft.platform, p_draft.place, 'merged', p_draft.conversation_id,
    p_draft.user_id, p_draft.guild_id, p_draft.reply_target, p_draft.settings, p_draft.reported_locale, p_question, 0, p_into.id,
    p_draft.admitted_at, p_draft.charged_at, p_draft.admitted_at, p_draft.admitted_at)
  ON CONFLICT (origin_key) DO NOTHING;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  INSERT INTO messages (id, conversation_id, parent_id, role, user_id, turn_id, platform_message_id, text, est_tokens, created_at)
  VALUES (p_question, p_draft.conversation_id, p_into.question_message_id, 'user', p_draft.user_id, p_draft.id,
    free_platform_message_v1(p -> 'envelope' ->> 'messageId'), p ->> 'text', (p ->> 'estTokens')::int, p_draft.admitted_at);
  UPDATE turns SET question_message_id = p_question, first_question_id = coalesce(first_question_id, question_message_id)
  WHERE id = p_into.id;
  PERFORM hold_more_v1(p_into.id, (octet_length(p ->> 'text') + 2) / 3);
  RETURN jsonb_build_object('kind', 'merged', 'turnId', p_draft.id, 'into', p_into.id);
END $$;
--> statement-breakpoint
-- Decides whether a turn runs, and stores the decision with all that belongs to it.
CREATE FUNCTION admit_v3(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
  v_draft.settings := v_settings || jsonb_build_object('opensThread', v_found.opens_thread);
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
  SELECT * INTO v_window FROM conversation_window_v1(v_parent, (p #>> '{window,maxMessages}')::int - 1,
    (p #>> '{window,maxTokens}')::int - (p ->> 'estTokens')::int);
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
-- The newest turn that writes, or wrote, a reply.
CREATE FUNCTION newest_of_reply_v1(p_reply uuid) RETURNS turns LANGUAGE sql STABLE AS $$
  SELECT t FROM turns t WHERE t.id = p_reply OR t.reply_of = p_reply ORDER BY t.seq DESC LIMIT 1
$$;
--> statement-breakpoint
-- Whether a person may decide about a turn: its asker, an admin of its guild, or an operator.
CREATE FUNCTION may_decide_v1(p_by jsonb, p_turn turns) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT (p_by ->> 'isOperator')::boolean
    OR EXISTS (SELECT 1 FROM users u WHERE u.id = p_turn.user_id AND u.platform_user_id = p_by ->> 'user')
    OR EXISTS (SELECT 1 FROM guilds g WHERE g.id = p_turn.guild_id AND g.platform_guild_id = p_by ->> 'adminOf')
$$;
--> statement-breakpoint
-- A turn that writes the reply of an earlier one anew, from the same question: what they have in common.
CREATE FUNCTION repeated_turn_v1(p jsonb, p_root turns, p_newest turns, p_user users, p_guild guilds, p_now timestamptz, p_at timestamptz)
RETURNS turns LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_draft turns;
BEGIN
  v_draft.id := (p ->> 'turnId')::uuid;
  v_draft.origin_key := p -> 'envelope' ->> 'originKey';
  v_draft.cause := p ->> 'cause';
  v_draft.platform := p_root.platform;
  v_draft.place := p_root.place;
  v_draft.conversation_id := p_root.conversation_id;
  v_draft.user_id := p_user.id;
  v_draft.guild_id := p_guild.id;
  v_draft.reply_target := p_root.reply_target;
  v_draft.settings := turn_settings_v1(p_guild.id, p_user.id) || jsonb_build_object('opensThread', p_root.settings -> 'opensThread');
  v_draft.reported_locale := p_user.reported_locale;
  v_draft.question_message_id := p_newest.question_message_id;
  v_draft.first_question_id := p_newest.first_question_id;
  v_draft.reply_of := p_root.id;
  v_draft.parent_message_id := p_root.parent_message_id;
  v_draft.parent_turn_id := p_root.parent_turn_id;
  v_draft.admitted_at := p_now;
  v_draft.charged_at := p_at;
  RETURN v_draft;
END $$;
--> statement-breakpoint
-- The most tokens that the prompt of a repeated turn can have.
CREATE FUNCTION repeated_prompt_v1(p jsonb, p_draft turns) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (octet_length(q.text) + 2) / 3 + w.ceiling + CASE WHEN is_unplaced_v1(p_draft) THEN before.ceiling ELSE 0 END
  FROM messages q
  JOIN conversations c ON c.id = q.conversation_id
  CROSS JOIN LATERAL (SELECT (p #>> '{window,maxMessages}')::int - 1 AS messages, (p #>> '{window,maxTokens}')::int - q.est_tokens AS tokens) l
  CROSS JOIN LATERAL conversation_window_v1(q.parent_id, l.messages, l.tokens) w
  CROSS JOIN LATERAL conversation_window_v1(
    parent_message_v2(p_draft.parent_message_id, p_draft.parent_turn_id, c.head_message_id), l.messages, l.tokens) before
  WHERE q.id = p_draft.question_message_id
$$;
--> statement-breakpoint
-- What the caller does with a repeated turn that was stored; its question gets its place if it begins.
CREATE FUNCTION repeated_verdict_v1(p jsonb, p_turn turns, p_ahead int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_turn.state = 'queued' THEN
    RETURN jsonb_build_object('kind', 'queued', 'turnId', p_turn.id, 'ahead', p_ahead, 'settings', p_turn.settings,
      'absorbs', NULL);
  END IF;
  PERFORM place_question_v1(p_turn);
  RETURN jsonb_build_object('kind', 'run', 'turn', runnable_turn_v2(p_turn, turn_window_v2(p_turn, p -> 'window'),
    reply_parts_v1(reply_id_v1(p_turn)), '[]'));
END $$;
--> statement-breakpoint
-- Whether something of a reply is still to be shown.
CREATE FUNCTION is_reply_open_v1(p_reply uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM turns t WHERE (t.id = p_reply OR t.reply_of = p_reply) AND t.delivered_at IS NULL)
$$;
--> statement-breakpoint
-- Answers a question again, or continues its answer, in the reply that is there.
CREATE FUNCTION repeat_turn_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_envelope jsonb := p -> 'envelope';
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_root turns;
  v_newest turns;
  v_user users;
  v_guild guilds;
  v_draft turns;
  v_stored record;
  v_verdict jsonb;
BEGIN
  v_verdict := known_turn_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  SELECT r.* INTO v_root FROM turns t JOIN turns r ON r.id = reply_id_v1(present_turn_v1(t.id)) WHERE t.id = (p ->> 'target')::uuid;
  IF v_root.conversation_id IS NULL THEN
    RETURN jsonb_build_object('kind', 'gone');
  ELSIF NOT may_decide_v1(p -> 'by', v_root) THEN
    RETURN jsonb_build_object('kind', 'not_yours');
  END IF;
  v_user := known_user_v1(v_envelope -> 'author', v_now);
  v_guild := known_guild_v2(v_envelope -> 'guild', v_now);
  -- Who presses elsewhere what was made for another guild would have that one's words at this one's cost.
  IF v_guild.id IS DISTINCT FROM v_root.guild_id THEN
    RETURN jsonb_build_object('kind', 'gone');
  END IF;
  v_verdict := coalesce(forbidden_v1(v_user, v_guild, p ->> 'access'), nullif(p -> 'refusal', 'null'));
  IF v_verdict IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_verdict);
  END IF;

  v_at := lock_quota_subjects_v1(false, v_guild.id, v_user.id);
  PERFORM 1 FROM conversations c WHERE c.id = v_root.conversation_id FOR NO KEY UPDATE;
  v_verdict := known_turn_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  v_now := store_now_v1(p);
  v_at := greatest(v_now, v_at);
  v_newest := newest_of_reply_v1(v_root.id);
  IF is_reply_open_v1(v_root.id) THEN
    RETURN jsonb_build_object('kind', 'busy');
  ELSIF NOT EXISTS (SELECT 1 FROM messages q WHERE q.id = v_newest.question_message_id AND q.deleted_at IS NULL) THEN
    RETURN jsonb_build_object('kind', 'gone');
  END IF;
  v_draft := repeated_turn_v1(p, v_root, v_newest, v_user, v_guild, v_now, v_at);
  SELECT * INTO v_stored FROM store_turn_v1(p, v_draft, repeated_prompt_v1(p, v_draft) + CASE v_draft.cause
    WHEN 'continue' THEN coalesce((octet_length((shown_answer_v1(v_root)).text) + 2) / 3, 0) ELSE 0 END);
  IF v_stored.refusal IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_stored.refusal);
  END IF;
  IF (v_stored.turn).id IS NULL THEN
    RETURN known_turn_v1(v_envelope ->> 'originKey');
  END IF;
  RETURN repeated_verdict_v1(p, v_stored.turn, v_stored.ahead);
END $$;
--> statement-breakpoint
-- The message that a person has changed to `text`, and why nothing follows from that: it is none of ours, the same, or was
-- changed too often or too late. Null when something does.
CREATE FUNCTION edited_message_v1(p jsonb, p_now timestamptz, OUT message messages, OUT reason text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT m.* INTO message FROM messages m JOIN users u ON u.id = m.user_id
  WHERE m.platform_message_id = p #>> '{envelope,messageId}' AND m.deleted_at IS NULL AND u.platform_user_id = p #>> '{envelope,author,id}';
  reason := CASE
    WHEN message.id IS NULL THEN 'unknown'
    WHEN message.text = p ->> 'text' THEN 'unchanged'
    WHEN message.edits >= 5 OR message.created_at < p_now - interval '15 minutes' THEN 'too_late'
  END;
END $$;
--> statement-breakpoint
-- A change that was taken before: by a turn of its own, or by one that waited.
CREATE FUNCTION known_edit_v1(p_origin_key text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(known_turn_v1(p_origin_key), (
    SELECT jsonb_build_object('kind', 'duplicate', 'turnId', t.id, 'state', t.state)
    FROM command_outcomes c JOIN turns t ON t.id = (c.outcome ->> 'turnId')::uuid WHERE c.origin_key = p_origin_key))
$$;
--> statement-breakpoint
-- A person has changed a message: its turn is run anew if the text differs, at most 5 times and within a quarter of an hour.
CREATE FUNCTION edit_message_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_envelope jsonb := p -> 'envelope';
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_edited record;
  v_message messages;
  v_present turns;
  v_root turns;
  v_newest turns;
  v_user users;
  v_guild guilds;
  v_draft turns;
  v_stored record;
  v_more bigint;
  v_verdict jsonb;
BEGIN
  v_verdict := known_edit_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  SELECT * INTO v_edited FROM edited_message_v1(p, v_now);
  IF v_edited.reason IS NOT NULL THEN
    RETURN jsonb_build_object('kind', v_edited.reason);
  END IF;
  v_user := known_user_v1(v_envelope -> 'author', v_now);
  v_guild := known_guild_v2(v_envelope -> 'guild', v_now);
  -- Not every event tells the person's language; the last one that did counts.
  v_envelope := jsonb_set(v_envelope, '{author,locale}', coalesce(to_jsonb(v_user.reported_locale), 'null'));
  p := jsonb_set(p, '{envelope}', v_envelope);
  v_verdict := coalesce(forbidden_v1(v_user, v_guild, p ->> 'access'), nullif(p -> 'refusal', 'null'));
  IF v_verdict IS NOT NULL THEN
    RETURN refuse_turn_v3(p, v_guild.id, v_user.id, v_verdict, turn_settings_v1(v_guild.id, v_user.id) || '{"opensThread": false}', v_now);
  END IF;

  v_at := lock_quota_subjects_v1(false, v_guild.id, v_user.id);
  PERFORM 1 FROM conversations c WHERE c.id = (v_edited.message).conversation_id FOR NO KEY UPDATE;
  -- The same change, or another one, may have been taken while this waited for the locks.
  v_verdict := known_edit_v1(v_envelope ->> 'originKey');
  IF v_verdict IS NOT NULL THEN
    RETURN v_verdict;
  END IF;
  v_now := store_now_v1(p);
  v_at := greatest(v_now, v_at);
  SELECT * INTO v_edited FROM edited_message_v1(p, v_now);
  IF v_edited.reason IS NOT NULL THEN
    RETURN jsonb_build_object('kind', v_edited.reason);
  END IF;
  v_message := v_edited.message;
  v_present := present_turn_v1(v_message.turn_id);
  SELECT * INTO v_root FROM turns t WHERE t.id = reply_id_v1(v_present);
  v_newest := newest_of_reply_v1(v_root.id);
  SELECT * INTO v_newest FROM turns t WHERE t.id = v_newest.id FOR NO KEY UPDATE;
  IF v_root.id IS NULL OR v_newest.retracted_at IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'unknown');
  END IF;
  v_more := (octet_length(p ->> 'text') + 2) / 3 - (octet_length(v_message.text) + 2) / 3;

  -- It reads its question when it starts. One that answers the old text once more has to go.
  IF v_newest.state = 'queued' AND v_newest.cause NOT IN ('regenerate', 'continue') AND v_newest.user_id = v_user.id
    AND has_room_v1(p, v_newest, v_more) THEN
    INSERT INTO command_outcomes (origin_key, outcome, at)
    VALUES (v_envelope ->> 'originKey', jsonb_build_object('turnId', v_newest.id), v_now) ON CONFLICT DO NOTHING;
    UPDATE messages SET text = p ->> 'text', est_tokens = (p ->> 'estTokens')::int, edits = edits + 1 WHERE id = v_message.id;
    PERFORM hold_more_v1(v_newest.id, v_more);
    RETURN jsonb_build_object('kind', 'revised', 'turnId', v_newest.id);
  END IF;
  v_draft := repeated_turn_v1(p, v_root, v_newest, v_user, v_guild, v_now, v_at);
  SELECT * INTO v_stored FROM store_turn_v1(p, v_draft, repeated_prompt_v1(p, v_draft) + greatest(v_more, 0));
  IF v_stored.refusal IS NOT NULL THEN
    RETURN refuse_turn_v3(p, v_guild.id, v_user.id, v_stored.refusal, v_draft.settings, v_now);
  END IF;
  IF (v_stored.turn).id IS NULL THEN
    RETURN known_turn_v1(v_envelope ->> 'originKey');
  END IF;
  UPDATE messages SET text = p ->> 'text', est_tokens = (p ->> 'estTokens')::int, edits = edits + 1 WHERE id = v_message.id;
  PERFORM drop_answers_v1(v_draft.question_message_id, v_root, v_now);
  IF v_newest.state IN ('queued', 'running') THEN
    UPDATE turns SET superseded_by = v_draft.id, cancel_requested_at = v_now WHERE id = v_newest.id;
  END IF;
  IF v_newest.state = 'queued' THEN -- Nothing of it shows, and its successor goes in its stead.
    UPDATE turns SET state = 'superseded', generated_at = v_now, delivered_at = v_now WHERE id = v_newest.id;
    DELETE FROM quota_holds WHERE turn_id = v_newest.id;
  END IF;
  RETURN repeated_verdict_v1(p, v_stored.turn, v_stored.ahead)
    || jsonb_build_object('supersedes', CASE v_newest.state WHEN 'running' THEN v_newest.id END);
END $$;
--> statement-breakpoint
-- The answers to a question are none any more: what followed them follows the question.
CREATE FUNCTION drop_answers_v1(p_question uuid, p_root turns, p_now timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_answers uuid[];
BEGIN
  SELECT array_agg(m.id) INTO v_answers FROM messages m WHERE m.parent_id = p_question AND m.role = 'assistant' AND m.deleted_at IS NULL;
  IF v_answers IS NULL THEN
    RETURN;
  END IF;
  UPDATE messages SET deleted_at = p_now WHERE id = ANY (v_answers);
  UPDATE messages SET parent_id = p_question WHERE parent_id = ANY (v_answers);
  UPDATE conversations SET head_message_id = p_question WHERE id = p_root.conversation_id AND head_message_id = ANY (v_answers);
  UPDATE turns SET selected_answer_id = NULL WHERE id = p_root.id;
END $$;
--> statement-breakpoint
-- Takes a message out of those that the turns of a reply answer together: its neighbours take its place, and the answers
-- to all of them.
CREATE FUNCTION leave_questions_v1(p_message messages, p_root turns) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_after uuid := (SELECT m.id FROM messages m
    WHERE m.parent_id = p_message.id AND m.role = 'user' AND m.deleted_at IS NULL
      AND reply_id_v1(present_turn_v1(m.turn_id)) = p_root.id LIMIT 1);
BEGIN
  UPDATE messages SET parent_id = p_message.parent_id WHERE parent_id = p_message.id AND role = 'assistant';
  UPDATE turns SET
    question_message_id = CASE question_message_id WHEN p_message.id THEN coalesce(v_after, p_message.parent_id) ELSE question_message_id END,
    first_question_id = CASE first_question_id WHEN p_message.id THEN v_after ELSE first_question_id END
  WHERE (id = p_root.id OR reply_of = p_root.id) AND p_message.id IN (question_message_id, first_question_id);
END $$;
--> statement-breakpoint
-- People have deleted messages: their turns end, and what was answered goes with them. What followed stays. Returns the
-- turns to be stopped, and the replies to be taken away by the caller.
CREATE FUNCTION delete_messages_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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
      UPDATE messages SET text = '', est_tokens = 0 WHERE parent_id = v_message.id AND role = 'assistant';
    END IF;
    UPDATE messages SET deleted_at = v_now, text = '', est_tokens = 0 WHERE id = v_message.id;
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
-- Shows another version of an answer: `step` is 1 or -1, and after the last comes the first. Its turn is delivered once more.
CREATE FUNCTION select_version_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_root turns;
  v_newest turns;
  v_turn turns;
  v_versions uuid[];
  v_shown uuid;
  v_next uuid;
  v_refusal jsonb;
BEGIN
  SELECT r.* INTO v_root FROM turns t JOIN turns r ON r.id = reply_id_v1(present_turn_v1(t.id)) WHERE t.id = (p ->> 'target')::uuid;
  IF v_root.conversation_id IS NULL THEN
    RETURN jsonb_build_object('kind', 'gone');
  ELSIF NOT may_decide_v1(p -> 'by', v_root) THEN
    RETURN jsonb_build_object('kind', 'not_yours');
  END IF;
  v_refusal := coalesce(forbidden_v1((SELECT u FROM users u WHERE u.platform_user_id = p #>> '{by,user}'),
    (SELECT g FROM guilds g WHERE g.id = v_root.guild_id), p ->> 'access'), nullif(p -> 'refusal', 'null'));
  IF v_refusal IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_refusal);
  END IF;
  PERFORM 1 FROM conversations c WHERE c.id = v_root.conversation_id FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey') THEN
    RETURN jsonb_build_object('kind', 'duplicate');
  END IF;
  SELECT * INTO v_root FROM turns t WHERE t.id = v_root.id FOR NO KEY UPDATE;
  v_newest := newest_of_reply_v1(v_root.id);
  IF is_reply_open_v1(v_root.id) THEN
    RETURN jsonb_build_object('kind', 'busy');
  END IF;
  SELECT array_agg(m.id ORDER BY t.seq) INTO v_versions FROM messages m JOIN turns t ON t.id = m.turn_id
  WHERE m.parent_id = v_newest.question_message_id AND m.role = 'assistant' AND m.deleted_at IS NULL;
  IF coalesce(cardinality(v_versions), 0) < 2 THEN
    RETURN jsonb_build_object('kind', 'gone');
  END IF;
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('kind', 'duplicate');
  END IF;
  v_shown := (shown_answer_v1(v_root)).id;
  v_next := v_versions[(coalesce(array_position(v_versions, v_shown), 1) - 1 + (p ->> 'step')::int + cardinality(v_versions))
    % cardinality(v_versions) + 1];
  UPDATE turns SET selected_answer_id = v_next WHERE id = v_root.id;
  UPDATE conversations SET head_message_id = v_next WHERE id = v_root.conversation_id AND head_message_id = ANY (v_versions);
  -- Its age as something to be shown counts from now.
  UPDATE turns SET delivered_at = NULL, state = CASE state WHEN 'delivered' THEN 'generated' ELSE state END, epoch = epoch + 1,
    generated_at = v_now, lease_owner = p ->> 'instance', lease_until = v_now + millis_v1(p ->> 'leaseMs')
  WHERE id = (SELECT m.turn_id FROM messages m WHERE m.id = v_next) RETURNING * INTO v_turn;
  RETURN jsonb_build_object('kind', 'selected', 'turn', deliverable_turn_v2(v_turn));
END $$;
--> statement-breakpoint
-- A running turn, or the one that answers its message now, is asked to stop, by its author, an admin of its guild or an operator; a queued one ends here, with nothing left to show.
CREATE FUNCTION request_cancel_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_turn turns;
  v_waited jsonb := '[]';
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (present_turn_v1((p ->> 'turnId')::uuid)).id FOR NO KEY UPDATE;
  IF v_turn.id IS NULL OR v_turn.state NOT IN ('queued', 'running') THEN
    RETURN jsonb_build_object('kind', 'not_running');
  END IF;
  -- Who asked may stop an answer that somebody else had written again.
  IF NOT EXISTS (SELECT 1 FROM turns t WHERE t.id IN (v_turn.id, v_turn.reply_of) AND may_decide_v1(p -> 'by', t)) THEN
    RETURN jsonb_build_object('kind', 'not_yours');
  END IF;
  UPDATE turns SET cancel_requested_at = coalesce(cancel_requested_at, v_now) WHERE id = v_turn.id;
  IF v_turn.state = 'queued' THEN
    -- Where the turn before has left something of an answer that nobody will end, the next sweep says so in its place.
    UPDATE turns SET state = 'cancelled', generated_at = v_now, notice = '{"key": "turn.cancelled", "params": {}}',
      delivered_at = CASE WHEN reply_of IS NOT NULL AND cause IN ('message', 'edit') THEN NULL ELSE v_now END,
      lease_until = CASE WHEN reply_of IS NOT NULL AND cause IN ('message', 'edit') THEN v_now - interval '1 millisecond' END
    WHERE id = v_turn.id;
    DELETE FROM quota_holds WHERE turn_id = v_turn.id;
    v_waited := waited_v1(v_turn);
  END IF;
  RETURN jsonb_build_object('kind', 'cancelling', 'turnId', v_turn.id, 'waited', v_waited);
END $$;
--> statement-breakpoint
-- Forgets the encrypted part of addresses when it is of no use any more, as the address itself tells: one that was copied
-- to a later turn ends with the first. What does not tell its end is over. At most `limit` at once; returns how many there
-- were. What is left is no older than a token lives, so the index on sealed addresses is all that is read.
CREATE FUNCTION forget_sealed_v2(p jsonb) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now jsonb := to_jsonb(epoch_ms_v1(store_now_v1(p)));
  v_count int;
BEGIN
  UPDATE turns SET reply_target = reply_target - 'sealed'
  WHERE id IN (
    SELECT t.id FROM turns t
    WHERE t.reply_target ? 'sealed' AND coalesce(t.reply_target -> 'expiresAtMs', 'null') <= v_now
    ORDER BY t.admitted_at LIMIT (p ->> 'limit')::int FOR NO KEY UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
