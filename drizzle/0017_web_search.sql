-- How often a turn reads its prompt: once more after each of the two searches that it may make. It makes none where it goes on
-- with a part of an answer that shows, for what was found stands in that.
CREATE FUNCTION readings_v1(p_turn turns) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_turn.settings -> 'search' = 'true' AND NOT (p_turn.cause = 'continue' AND EXISTS (
    SELECT 1 FROM turns r CROSS JOIN LATERAL shown_answer_v1(r) m WHERE r.id = p_turn.reply_of AND m.partial)) THEN 3 ELSE 1 END
$$;
--> statement-breakpoint
-- As before; who has their own answer written again wants it searched for again. Nobody else decides that money is spent.
CREATE OR REPLACE FUNCTION repeated_turn_v1(p jsonb, p_root turns, p_newest turns, p_user users, p_guild guilds, p_now timestamptz, p_at timestamptz)
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
  v_draft.settings := turn_settings_v1(p_guild.id, p_user.id) || jsonb_build_object('opensThread', p_root.settings -> 'opensThread')
    || jsonb_strip_nulls(jsonb_build_object('search', CASE WHEN p_user.id = p_root.user_id THEN p_root.settings -> 'search' END));
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
-- As before, and with what searches gave to the answer.
CREATE OR REPLACE FUNCTION store_answer_v1(p_turn turns, p_answer jsonb, p_now timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_answer uuid := (p_answer ->> 'messageId')::uuid;
  v_continued messages;
  v_is_first boolean;
BEGIN
  v_is_first := NOT EXISTS (SELECT 1 FROM messages m
    WHERE m.parent_id = p_turn.question_message_id AND m.role = 'assistant' AND m.deleted_at IS NULL);
  INSERT INTO messages (id, conversation_id, parent_id, role, turn_id, text, est_tokens, model, partial, search, created_at)
  VALUES (v_answer, p_turn.conversation_id, p_turn.question_message_id, 'assistant', p_turn.id, p_answer ->> 'text',
    (p_answer ->> 'estTokens')::int, p_answer ->> 'model', (p_answer ->> 'partial')::boolean, nullif(p_answer -> 'search', 'null'),
    p_now);
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
-- As before, and with what searches gave to the answer.
CREATE OR REPLACE FUNCTION deliverable_turn_v2(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT deliverable_turn_v1(p_turn) || jsonb_build_object('replyOf', p_turn.reply_of, 'after', predecessor_v1(p_turn),
    -- It may not have begun, or who began it may have ended before the marks were away.
    'waited', waited_v1(p_turn),
    'parts', reply_parts_v1(reply_id_v1(p_turn)), 'isRetracted', p_turn.retracted_at IS NOT NULL,
    -- What showed before is shown again where nothing better came.
    'answer', coalesce(own.text, shown.text), 'isPartial', coalesce(own.partial, shown.partial, false),
    'search', CASE WHEN own.id IS NOT NULL THEN own.search ELSE shown.search END,
    'versions', versions_v1(p_turn.question_message_id, coalesce(own.id, shown.id)))
  FROM turns r
  LEFT JOIN messages own ON own.id = p_turn.answer_message_id AND own.deleted_at IS NULL
  LEFT JOIN LATERAL shown_answer_v1(r) shown ON p_turn.cause IN ('regenerate', 'continue')
  WHERE r.id = reply_id_v1(p_turn)
$$;
