-- What those who manage a guild may know of a name: its own, and of people who have spoken there; operators, for whom no guild is
-- given, of everybody. Else nothing.
CREATE FUNCTION name_within_v1(p_id text, p_guild text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT u.name FROM users u
      WHERE u.platform_user_id = p_id AND (p_guild IS NULL
        OR EXISTS (SELECT 1 FROM turns t JOIN guilds g ON g.id = t.guild_id WHERE t.user_id = u.id AND g.platform_guild_id = p_guild)
        OR EXISTS (SELECT 1 FROM messages m JOIN conversations c ON c.id = m.conversation_id JOIN guilds g ON g.id = c.guild_id
          WHERE m.user_id = u.id AND g.platform_guild_id = p_guild))),
    (SELECT g.name FROM guilds g WHERE g.platform_guild_id = p_id AND (p_guild IS NULL OR p_guild = p_id)),
    '')
$$;
--> statement-breakpoint
-- Blocks somebody or takes that back. Once per origin key; recorded with who did it where it changes anything.
CREATE FUNCTION set_block_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_by text := p #>> '{author,id}';
  v_within text := coalesce(p ->> 'within', '');
  v_row blocks;
  v_outcome jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
  END IF;
  PERFORM known_user_v1(p -> 'author', v_now);
  IF (p ->> 'isBlocked')::boolean THEN
    INSERT INTO blocks (subject_kind, subject, within_guild, reason, set_by, set_at)
    VALUES (p ->> 'kind', p ->> 'subject', v_within, p ->> 'reason', v_by, v_now) ON CONFLICT DO NOTHING RETURNING * INTO v_row;
  ELSE
    DELETE FROM blocks b WHERE b.subject_kind = p ->> 'kind' AND b.subject = p ->> 'subject' AND b.within_guild = v_within RETURNING * INTO v_row;
  END IF;
  v_outcome := jsonb_build_object('changed', v_row.subject IS NOT NULL);
  IF v_row.subject IS NOT NULL THEN
    INSERT INTO audit (at, actor, action, subject, guild, before, after)
    VALUES (v_now, v_by, CASE WHEN (p ->> 'isBlocked')::boolean THEN 'block' ELSE 'unblock' END, v_row.subject,
      CASE v_row.subject_kind WHEN 'guild' THEN v_row.subject ELSE nullif(v_within, '') END,
      CASE WHEN NOT (p ->> 'isBlocked')::boolean THEN to_jsonb(v_row) END, CASE WHEN (p ->> 'isBlocked')::boolean THEN to_jsonb(v_row) END);
  END IF;
  UPDATE command_outcomes SET outcome = v_outcome WHERE origin_key = p ->> 'originKey';
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Lets a guild, or a person in private, be served. Once per origin key; recorded with who did it where it changes anything.
CREATE FUNCTION approve_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_guild text;
  v_outcome jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
  END IF;
  PERFORM known_user_v1(p -> 'author', v_now);
  UPDATE guilds SET approved_at = v_now WHERE platform_guild_id = p ->> 'id' AND approved_at IS NULL RETURNING platform_guild_id INTO v_guild;
  IF NOT FOUND THEN
    UPDATE users SET approved_at = v_now WHERE platform_user_id = p ->> 'id' AND approved_at IS NULL;
  END IF;
  IF FOUND THEN
    INSERT INTO audit (at, actor, action, subject, guild) VALUES (v_now, p #>> '{author,id}', 'approve', p ->> 'id', v_guild);
  END IF;
  v_outcome := jsonb_build_object('isKnown', EXISTS (SELECT 1 FROM guilds WHERE platform_guild_id = p ->> 'id')
    OR EXISTS (SELECT 1 FROM users WHERE platform_user_id = p ->> 'id'));
  UPDATE command_outcomes SET outcome = v_outcome WHERE origin_key = p ->> 'originKey';
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Takes an approval back, because the bot leaves: whoever wants it there again asks anew. Also of a guild where nobody has said anything.
CREATE FUNCTION leave_guild_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_guild guilds;
  v_outcome jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
  END IF;
  PERFORM known_user_v1(p -> 'author', v_now);
  SELECT * INTO v_guild FROM guilds WHERE platform_guild_id = p ->> 'guild' FOR NO KEY UPDATE;
  UPDATE guilds SET approved_at = NULL, access_asked_at = NULL WHERE id = v_guild.id;
  INSERT INTO audit (at, actor, action, subject, guild, details)
  VALUES (v_now, p #>> '{author,id}', 'guild.leave', p ->> 'guild', p ->> 'guild', jsonb_build_object('wasApproved', v_guild.approved_at IS NOT NULL));
  v_outcome := jsonb_build_object('isKnown', v_guild.id IS NOT NULL);
  UPDATE command_outcomes SET outcome = v_outcome WHERE origin_key = p ->> 'originKey';
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Keeps what somebody tells, at most `mostPerHour` of it an hour; of who is blocked nothing. Once per origin key.
CREATE FUNCTION report_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user users := known_user_v1(p #> '{envelope,author}', v_now);
  v_guild guilds := known_guild_v2(p #> '{envelope,guild}', v_now);
  v_outcome jsonb;
  v_turn uuid;
  v_oldest timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('report ' || v_user.id, 0));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p #>> '{envelope,originKey}';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  IF forbidden_v1(v_user, v_guild, 'granted') ->> 'reason' = 'blocked' THEN
    RETURN jsonb_build_object('kind', 'blocked');
  END IF;
  SELECT r.at INTO v_oldest FROM reports r WHERE r.user_id = v_user.id AND r.at > v_now - interval '1 hour'
  ORDER BY r.at DESC OFFSET (p ->> 'mostPerHour')::int - 1 LIMIT 1;
  IF FOUND THEN
    RETURN jsonb_build_object('kind', 'too_many', 'retryAfterMs', greatest(1, epoch_ms_v1(v_oldest + interval '1 hour') - epoch_ms_v1(v_now)));
  END IF;
  -- Parts carry the platform's bare id, the last segment of the qualified one.
  SELECT t.id INTO v_turn FROM turns t
  WHERE t.place = p #>> '{envelope,place}' AND t.id IN (
    SELECT r.turn_id FROM reply_parts r
    WHERE r.place = p #>> '{envelope,place}' AND r.platform_message_id = substring(p ->> 'message' FROM '[^:]+$')
    UNION ALL SELECT m.turn_id FROM messages m WHERE m.platform_message_id = p ->> 'message')
  LIMIT 1;
  INSERT INTO reports (id, at, user_id, guild_id, place, platform_message_id, turn_id, words)
  VALUES (p ->> 'id', v_now, v_user.id, v_guild.id, p #>> '{envelope,place}', p ->> 'message', v_turn, p ->> 'words');
  v_outcome := jsonb_build_object('kind', 'kept', 'id', p ->> 'id');
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p #>> '{envelope,originKey}', v_outcome, v_now);
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Ends a report of a guild, or any where none is named. Once per origin key; recorded with who did it.
CREATE FUNCTION end_report_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_by text := p #>> '{author,id}';
  v_report reports;
  v_guild text;
  v_outcome jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
  END IF;
  PERFORM known_user_v1(p -> 'author', v_now);
  SELECT r.* INTO v_report FROM reports r LEFT JOIN guilds g ON g.id = r.guild_id
  WHERE r.id = p ->> 'id' AND (p ->> 'guild' IS NULL OR g.platform_guild_id = p ->> 'guild') FOR NO KEY UPDATE OF r;
  v_outcome := jsonb_build_object('kind', CASE WHEN v_report.id IS NULL THEN 'unknown' WHEN v_report.done_at IS NOT NULL THEN 'over' ELSE 'done' END);
  IF v_outcome ->> 'kind' = 'done' THEN
    SELECT g.platform_guild_id INTO v_guild FROM guilds g WHERE g.id = v_report.guild_id;
    UPDATE reports SET done_at = v_now, done_by = v_by WHERE id = v_report.id;
    INSERT INTO audit (at, actor, action, subject, guild) VALUES (v_now, v_by, 'report.done', v_report.id, v_guild);
  END IF;
  UPDATE command_outcomes SET outcome = v_outcome WHERE origin_key = p ->> 'originKey';
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Records an attempt that was not allowed, once per origin key.
CREATE FUNCTION note_refused_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    INSERT INTO audit (at, actor, action, subject, guild, details)
    VALUES (v_now, p ->> 'by', 'refused', p ->> 'what', p ->> 'guild', jsonb_build_object('why', p ->> 'why'));
  END IF;
END $$;
--> statement-breakpoint
-- As before, and it names the guild that the entry concerns.
CREATE OR REPLACE FUNCTION set_guild_setting_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
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
  INSERT INTO audit (at, actor, action, subject, guild, before, after)
  VALUES (v_now, p ->> 'by', 'set ' || (p ->> 'key'), v_guild.platform_guild_id, v_guild.platform_guild_id, v_before, p -> 'value');
END $$;
--> statement-breakpoint
UPDATE audit SET guild = subject WHERE guild IS NULL AND action LIKE 'set %';
--> statement-breakpoint
-- Takes somebody off the record, whatever was done and whoever did it, and from what they decided; false where they were not on it.
-- That they are blocked outlives them: by their id alone, which nothing else tells any more.
CREATE FUNCTION forget_record_v1(p_id text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_quoted text := to_json(p_id)::text;
  v_found boolean;
BEGIN
  UPDATE audit SET actor = CASE actor WHEN p_id THEN '' ELSE actor END, subject = CASE subject WHEN p_id THEN '' ELSE subject END,
    before = replace(before::text, v_quoted, '""')::jsonb, after = replace(after::text, v_quoted, '""')::jsonb,
    details = replace(details::text, v_quoted, '""')::jsonb
  WHERE p_id IN (actor, subject) OR strpos(concat(before, after, details), v_quoted) > 0;
  v_found := FOUND;
  UPDATE blocks SET set_by = '' WHERE set_by = p_id;
  UPDATE control_flags SET set_by = '' WHERE set_by = p_id;
  UPDATE settings SET updated_by = NULL WHERE updated_by = p_id;
  UPDATE reports SET done_by = NULL WHERE done_by = p_id;
  RETURN v_found;
END $$;
--> statement-breakpoint
CREATE FUNCTION forget_actor_v1() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM forget_record_v1(OLD.platform_user_id);
  RETURN OLD;
END $$;
--> statement-breakpoint
-- By its name after the trigger of payments, which finds entries by their id.
CREATE TRIGGER users_forget_record BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION forget_actor_v1();
