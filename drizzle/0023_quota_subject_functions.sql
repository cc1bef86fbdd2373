-- Channels and members have quotas too. A channel's row (kind 4) and a member's (kind 5) exist while an allowance applies to them,
-- are made with all that was used and is held by then, and change only under the lock of their guild's row (kind 1), which every
-- turn in a guild takes first: where there is none, nothing more is locked.
-- 
-- What is in force of allowances and of those until a moment that stand in their place.
CREATE FUNCTION limits_at_v1(p_limits jsonb, p_temporary jsonb, p_at timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_temporary = '{}' THEN p_limits ELSE p_limits || coalesce((
    SELECT jsonb_object_agg(t.key, t.value -> 'limit') FROM jsonb_each(p_temporary) t
    WHERE (t.value ->> 'untilMs')::numeric > epoch_ms_v1(p_at)), '{}') END
$$;
--> statement-breakpoint
-- The limit in force for a subject; null is none. What the operator decided replaces the default, what the subject's own side
-- decided can only lower it. For channels and members the guild's admins decide alone: the default of a member comes from them.
CREATE FUNCTION quota_limit_v2(p_subject quota_subjects, p_defaults jsonb, p_key text, p_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT least(
    (CASE WHEN (p_subject.temporary #>> ARRAY[p_key, 'untilMs'])::numeric > epoch_ms_v1(p_at) THEN p_subject.temporary #>> ARRAY[p_key, 'limit']
      WHEN p_subject.limits ? p_key THEN p_subject.limits ->> p_key
      WHEN p_subject.kind < 4 THEN p_defaults ->> p_key END)::numeric::bigint,
    (CASE WHEN (p_subject.own_temporary #>> ARRAY[p_key, 'untilMs'])::numeric > epoch_ms_v1(p_at) THEN p_subject.own_temporary #>> ARRAY[p_key, 'limit']
      WHEN p_subject.own ? p_key THEN p_subject.own ->> p_key
      WHEN p_subject.kind > 3 THEN p_defaults ->> p_key END)::numeric::bigint)
$$;
--> statement-breakpoint
-- As before, with channels and members.
CREATE OR REPLACE FUNCTION quota_subject_name_v1(p_kind smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind WHEN 0 THEN 'instance' WHEN 1 THEN 'guild' WHEN 4 THEN 'channel' WHEN 5 THEN 'member' ELSE 'user' END
$$;
--> statement-breakpoint
-- What a channel used is counted anew where its first limit is set. Here, because schema files know no index of partitions.
CREATE INDEX usage_channel_at ON usage (guild_id, channel, at) WHERE channel IS NOT NULL;
--> statement-breakpoint
-- Which row counts for a channel of a guild, and which for a person within one; null in private.
CREATE FUNCTION channel_subject_v1(p_guild uuid, p_channel text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT md5(p_guild::text || ' ' || p_channel)::uuid
$$;
--> statement-breakpoint
CREATE FUNCTION member_subject_v1(p_guild uuid, p_user uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT md5(p_guild::text || ' ' || p_user::text)::uuid
$$;
--> statement-breakpoint
-- As before, with the columns that came since.
CREATE OR REPLACE FUNCTION blank_subject_v1(p_kind smallint, p_time_zone text) RETURNS quota_subjects LANGUAGE sql IMMUTABLE AS $$
  SELECT ROW (p_kind, '00000000-0000-0000-0000-000000000000'::uuid, '{}'::jsonb, p_time_zone, '-infinity'::timestamptz,
    '-infinity'::timestamptz, '-infinity'::timestamptz, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb,
    NULL::uuid, NULL::uuid, NULL::text, '[]'::jsonb)::quota_subjects
$$;
--> statement-breakpoint
-- As before, with the limits of all who decide.
CREATE OR REPLACE FUNCTION subject_standings_v1(p_subject quota_subjects, p_at timestamptz, p_defaults jsonb)
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
  CROSS JOIN LATERAL quota_limit_v2(p_subject, p_defaults -> n.name, v.metric || '_' || v.win, p_at) l(lim)
  WHERE l.lim IS NOT NULL
$$;
--> statement-breakpoint
-- As its predecessor, with the channel and the member.
CREATE FUNCTION quota_standings_v2(p_instance boolean, p_guild uuid, p_user uuid, p_channel text, p_at timestamptz, p_defaults jsonb)
RETURNS TABLE (subject text, metric text, win text, lim bigint, used bigint, held bigint, resets_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT t.* FROM quota_subjects s CROSS JOIN LATERAL subject_standings_v1(s, p_at, p_defaults) t
  WHERE (s.kind = 0 AND p_instance) OR (s.kind = 1 AND s.subject_id = p_guild) OR (s.kind = 2 AND s.subject_id = p_user)
    OR (s.kind = 4 AND s.subject_id = channel_subject_v1(p_guild, p_channel))
    OR (s.kind = 5 AND s.subject_id = member_subject_v1(p_guild, p_user))
$$;
--> statement-breakpoint
-- As its predecessor, with the channel and the member, and for what makes images.
CREATE FUNCTION quota_grant_v2(p_guild uuid, p_user uuid, p_channel text, p_at timestamptz, p_defaults jsonb, p_prompt bigint,
  p_completion int, p_images int, OUT completion int, OUT refusal jsonb)
LANGUAGE sql STABLE AS $$
  SELECT
    greatest(0, least(p_completion, min(s.lim - s.used - s.held - p_prompt) FILTER (WHERE s.metric = 'tokens')))::int,
    (array_agg(quota_refusal_v1(s.subject, s.metric, s.win, s.lim, s.used + s.held, s.resets_at) ORDER BY s.resets_at DESC, s.subject)
      FILTER (WHERE s.used + s.held + CASE s.metric WHEN 'requests' THEN 1 WHEN 'images' THEN p_images
        ELSE p_prompt + least(256, p_completion) END > s.lim))[1]
  FROM quota_standings_v2(false, p_guild, p_user, p_channel, p_at, p_defaults) s
  WHERE s.metric IN ('requests', 'tokens') OR (s.metric = 'images' AND p_images > 0)
$$;
--> statement-breakpoint
-- What a guild's rules say to a member with these roles, by key: of several roles the most generous, without one of them what holds
-- for every member.
CREATE FUNCTION member_rules_v1(p_guild uuid, p_roles jsonb, p_at timestamptz)
RETURNS TABLE (key text, lim jsonb, role text, until_ms bigint) LANGUAGE sql STABLE AS $$
  SELECT DISTINCT ON (l.key) l.key, l.value, nullif(r.role, ''), CASE
    WHEN (r.temporary #>> ARRAY[l.key, 'untilMs'])::numeric > epoch_ms_v1(p_at) THEN (r.temporary #>> ARRAY[l.key, 'untilMs'])::bigint END
  FROM quota_rules r CROSS JOIN LATERAL jsonb_each(limits_at_v1(r.limits, r.temporary, p_at)) l
  WHERE r.guild_id = p_guild AND (r.kind = 'members' OR p_roles ? r.role)
  ORDER BY l.key, r.kind DESC, l.value = 'null' DESC, l.value DESC, r.role
$$;
--> statement-breakpoint
-- The default allowances of an admission, by subject. Roles that a caller does not tell are those that the member was last seen with.
CREATE FUNCTION admission_defaults_v1(p jsonb, p_guild guilds, p_user users, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT (p -> 'defaults') || CASE WHEN p_guild.id IS NULL THEN '{}'
    WHEN NOT EXISTS (SELECT FROM quota_rules r WHERE r.guild_id = p_guild.id) THEN '{"member": {}}'
    ELSE jsonb_build_object('member', coalesce((
    SELECT jsonb_object_agg(m.key, m.lim) FROM member_rules_v1(p_guild.id, coalesce(p #> '{envelope,author,roles}', (
      SELECT s.roles FROM quota_subjects s WHERE s.kind = 5 AND s.subject_id = member_subject_v1(p_guild.id, p_user.id)), '[]'), p_at) m), '{}')) END
$$;
--> statement-breakpoint
-- A subject with windows that are open at a moment, in its time zone, and in them all usage on record.
CREATE FUNCTION counted_subject_v1(p_subject quota_subjects, p_at timestamptz) RETURNS quota_subjects LANGUAGE plpgsql STABLE AS $$
BEGIN
  p_subject.hour_start := date_trunc('hour', p_at, p_subject.time_zone);
  p_subject.day_start := date_trunc('day', p_at, p_subject.time_zone);
  p_subject.month_start := date_trunc('month', p_at, p_subject.time_zone);
  SELECT coalesce(sum(u.requests) FILTER (WHERE u.at >= p_subject.hour_start), 0), coalesce(sum(u.requests) FILTER (WHERE u.at >= p_subject.day_start), 0),
    coalesce(sum(u.requests), 0), coalesce(sum(u.tokens) FILTER (WHERE u.at >= p_subject.hour_start), 0),
    coalesce(sum(u.tokens) FILTER (WHERE u.at >= p_subject.day_start), 0), coalesce(sum(u.tokens), 0),
    coalesce(sum(u.cost) FILTER (WHERE u.at >= p_subject.hour_start), 0), coalesce(sum(u.cost) FILTER (WHERE u.at >= p_subject.day_start), 0),
    coalesce(sum(u.cost), 0), coalesce(sum(u.images) FILTER (WHERE u.at >= p_subject.hour_start), 0),
    coalesce(sum(u.images) FILTER (WHERE u.at >= p_subject.day_start), 0), coalesce(sum(u.images), 0)
  INTO p_subject.requests_hour, p_subject.requests_day, p_subject.requests_month, p_subject.tokens_hour, p_subject.tokens_day,
    p_subject.tokens_month, p_subject.cost_hour, p_subject.cost_day, p_subject.cost_month, p_subject.images_hour,
    p_subject.images_day, p_subject.images_month
  FROM (
    -- One branch for each index.
    SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens AS tokens,
      CASE WHEN money_counts_v1(p_subject.kind, u.payer) THEN u.cost_nano_usd ELSE 0 END AS cost, u.images
    FROM usage u
    WHERE p_subject.kind = 1 AND u.guild_id = p_subject.subject_id AND u.at >= p_subject.month_start
    UNION ALL
    SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens,
      CASE WHEN money_counts_v1(p_subject.kind, u.payer) THEN u.cost_nano_usd ELSE 0 END, u.images
    FROM usage u
    WHERE p_subject.kind = 4 AND u.guild_id = p_subject.guild_id AND u.channel = p_subject.channel AND u.at >= p_subject.month_start
    UNION ALL
    SELECT u.at, u.requests, u.prompt_tokens::bigint + u.completion_tokens,
      CASE WHEN money_counts_v1(p_subject.kind, u.payer) THEN u.cost_nano_usd ELSE 0 END, u.images
    FROM usage u
    WHERE p_subject.kind IN (2, 5) AND u.user_id = CASE p_subject.kind WHEN 2 THEN p_subject.subject_id ELSE p_subject.user_id END
      AND (p_subject.kind = 2 OR u.guild_id = p_subject.guild_id) AND u.at >= p_subject.month_start
    UNION ALL -- The instance accounts for money alone, in UTC: the hourly sums are as exact as the details.
    SELECT h.hour, 0, 0, h.cost_nano_usd, 0 FROM usage_hourly h
    WHERE p_subject.kind = 0 AND h.payer = 'operator' AND h.hour >= p_subject.month_start
  ) u;
  RETURN p_subject;
END $$;
--> statement-breakpoint
-- Writes windows and counters of a subject, whose lock the caller holds.
CREATE FUNCTION store_counters_v1(p_subject quota_subjects) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE quota_subjects q SET (time_zone, hour_start, day_start, month_start, requests_hour, requests_day, requests_month, tokens_hour,
    tokens_day, tokens_month, cost_hour, cost_day, cost_month, images_hour, images_day, images_month) =
    ROW (p_subject.time_zone, p_subject.hour_start, p_subject.day_start, p_subject.month_start, p_subject.requests_hour,
      p_subject.requests_day, p_subject.requests_month, p_subject.tokens_hour, p_subject.tokens_day, p_subject.tokens_month,
      p_subject.cost_hour, p_subject.cost_day, p_subject.cost_month, p_subject.images_hour, p_subject.images_day, p_subject.images_month)
  WHERE q.kind = p_subject.kind AND q.subject_id = p_subject.subject_id
$$;
--> statement-breakpoint
-- The time zone that a guild's windows have at a moment. Where it has moved, they keep the one before until its month has ended:
-- none opens early, and what is used up stays so.
CREATE FUNCTION quota_zone_v1(p_guild uuid, p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((
    SELECT s.value ->> 'timeZone' FROM settings s
    WHERE s.scope = 'guild' AND s.subject_id = g.id AND s.key = 'time_zone_before' AND (s.value ->> 'untilMs')::numeric > epoch_ms_v1(p_at)), g.time_zone)
  FROM guilds g WHERE g.id = p_guild
$$;
--> statement-breakpoint
-- The row of a channel or of a member, or what it would be, with all that was used by then.
CREATE FUNCTION subject_within_v1(p_kind smallint, p_guild uuid, p_user uuid, p_channel text, p_at timestamptz) RETURNS quota_subjects
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_id uuid := CASE p_kind WHEN 4 THEN channel_subject_v1(p_guild, p_channel) ELSE member_subject_v1(p_guild, p_user) END;
  v_subject quota_subjects;
BEGIN
  SELECT * INTO v_subject FROM quota_subjects s WHERE s.kind = p_kind AND s.subject_id = v_id;
  IF NOT FOUND THEN
    v_subject := blank_subject_v1(p_kind, quota_zone_v1(p_guild, p_at));
    v_subject.subject_id := v_id;
    v_subject.guild_id := p_guild;
    v_subject.user_id := CASE p_kind WHEN 5 THEN p_user END;
    v_subject.channel := CASE p_kind WHEN 4 THEN p_channel END;
    v_subject := counted_subject_v1(v_subject, p_at);
  END IF;
  RETURN v_subject;
END $$;
--> statement-breakpoint
-- Makes the row of a channel or of a member, as `subject_within_v1` told it under the guild's lock, which the caller has. What its
-- unfinished turns hold of the guild is held of it too: nobody ends one meanwhile.
CREATE FUNCTION open_subject_v1(p_subject quota_subjects) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO quota_subjects SELECT p_subject.* ON CONFLICT DO NOTHING;
  IF FOUND THEN
    INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, payer, requests, tokens, images, nano_usd, reserved_at, expires_at)
    SELECT h.turn_id, h.epoch, h.attempt, p_subject.kind, p_subject.subject_id, h.payer, h.requests, h.tokens, h.images, h.nano_usd, h.reserved_at, h.expires_at
    FROM quota_holds h JOIN turns t ON t.id = h.turn_id
    WHERE h.kind = 1 AND h.subject_id = p_subject.guild_id
      AND CASE p_subject.kind WHEN 4 THEN t.channel = p_subject.channel ELSE t.user_id = p_subject.user_id END;
  END IF;
END $$;
--> statement-breakpoint
-- Takes away the row of a channel or of a member for which nothing is set.
CREATE FUNCTION close_subject_v1(p_kind smallint, p_subject uuid) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  DELETE FROM quota_subjects s WHERE s.kind = p_kind AND s.subject_id = p_subject
    AND s.limits = '{}' AND s.own = '{}' AND s.temporary = '{}' AND s.own_temporary = '{}';
  IF FOUND THEN
    DELETE FROM quota_holds h WHERE h.kind = p_kind AND h.subject_id = p_subject;
  END IF;
END $$;
--> statement-breakpoint
-- As its predecessor, with the channel and the member, which need no lock beyond the guild's. Where a guild has moved to
-- another time zone, its windows are opened anew once that counts.
CREATE FUNCTION lock_quota_subjects_v2(p jsonb, p_instance boolean, p_guild uuid, p_user uuid, p_channel text) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_latest timestamptz := lock_quota_subjects_v1(p_instance, p_guild, p_user);
  v_subject quota_subjects;
  v_zone text;
BEGIN
  IF p_guild IS NULL THEN
    RETURN v_latest;
  END IF;
  v_zone := quota_zone_v1(p_guild, greatest(store_now_v1(p), v_latest));
  FOR v_subject IN
    SELECT * FROM quota_subjects s
    WHERE (s.kind = 1 AND s.subject_id = p_guild AND s.time_zone <> v_zone)
      OR (s.kind = 4 AND s.subject_id = channel_subject_v1(p_guild, p_channel))
      OR (s.kind = 5 AND s.subject_id = member_subject_v1(p_guild, p_user))
  LOOP
    v_latest := greatest(v_latest, v_subject.hour_start, v_subject.day_start, v_subject.month_start);
    IF v_subject.time_zone <> v_zone THEN
      v_subject.time_zone := v_zone;
      PERFORM store_counters_v1(counted_subject_v1(v_subject, greatest(store_now_v1(p), v_latest)));
    END IF;
  END LOOP;
  RETURN v_latest;
END $$;
--> statement-breakpoint
-- Begins an admission: locks its subjects and tells what applies in it, with the moment that it is booked at. A member has a
-- counter from the moment on at which an allowance applies.
CREATE FUNCTION enter_quotas_v1(p jsonb, p_guild guilds, p_user users, p_channel text, OUT at timestamptz, OUT request jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_roles jsonb := p #> '{envelope,author,roles}';
  v_member quota_subjects;
BEGIN
  at := lock_quota_subjects_v2(p, false, p_guild.id, p_user.id, p_channel);
  at := greatest(store_now_v1(p), at);
  -- Who is forgotten while this waits for the locks is made known anew, when it is tried again.
  IF NOT EXISTS (SELECT FROM users u WHERE u.id = p_user.id) THEN
    RAISE EXCEPTION 'who asks has just been forgotten' USING ERRCODE = 'serialization_failure';
  END IF;
  request := jsonb_set(p, '{defaults}', admission_defaults_v1(p, p_guild, p_user, at));
  IF p_guild.id IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO v_member FROM quota_subjects s WHERE s.kind = 5 AND s.subject_id = member_subject_v1(p_guild.id, p_user.id);
  IF NOT FOUND AND request #> '{defaults,member}' <> '{}' THEN
    v_member := subject_within_v1(5::smallint, p_guild.id, p_user.id, NULL, at);
    PERFORM open_subject_v1(v_member);
  ELSIF v_member.subject_id IS NOT NULL AND request #> '{defaults,member}' = '{}' THEN
    PERFORM close_subject_v1(5::smallint, v_member.subject_id);
  END IF;
  IF v_member.roles <> v_roles THEN
    UPDATE quota_subjects s SET roles = v_roles WHERE s.kind = 5 AND s.subject_id = v_member.subject_id;
  END IF;
END $$;
--> statement-breakpoint
-- Whom a turn counts for, beside the instance.
CREATE FUNCTION turn_subjects_v1(p_guild uuid, p_user uuid, p_channel text) RETURNS TABLE (kind smallint, subject_id uuid)
LANGUAGE sql STABLE AS $$
  SELECT s.kind, s.subject_id FROM quota_subjects s
  WHERE (s.kind = 1 AND s.subject_id = p_guild) OR (s.kind = 2 AND s.subject_id = p_user)
    OR (s.kind = 4 AND s.subject_id = channel_subject_v1(p_guild, p_channel))
    OR (s.kind = 5 AND s.subject_id = member_subject_v1(p_guild, p_user))
$$;
--> statement-breakpoint
-- As before, with the channel and the member, and with images.
CREATE OR REPLACE FUNCTION store_turn_v1(p jsonb, p_draft turns, p_prompt bigint, OUT turn turns, OUT ahead int, OUT refusal jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ahead record;
  v_grant record;
  v_prompt bigint;
  v_runs boolean;
  v_images int := coalesce((p #>> '{hold,images}')::int, 0);
BEGIN
  -- A turn that waits will see the questions and answers before it as well: they count as they may become.
  SELECT count(*) AS turns, coalesce(sum(questions_ceiling_v1(t) + t.max_completion_tokens), 0) AS tokens INTO v_ahead
  FROM turns t
  WHERE t.conversation_id = p_draft.conversation_id AND t.state IN ('queued', 'running');
  ahead := v_ahead.turns;
  v_runs := ahead = 0;
  v_prompt := (p_prompt + v_ahead.tokens) * readings_v1(p_draft) + (p #>> '{hold,systemTokens}')::int
    + CASE WHEN readings_v1(p_draft) > 1 THEN coalesce((p #>> '{hold,searchTokens}')::bigint, 0) ELSE 0 END;
  SELECT * INTO v_grant FROM quota_grant_v2(p_draft.guild_id, p_draft.user_id, p_draft.channel, p_draft.charged_at, p -> 'defaults', v_prompt,
    (p #>> '{hold,maxCompletionTokens}')::int, v_images);
  refusal := v_grant.refusal;
  IF refusal IS NOT NULL THEN
    RETURN;
  END IF;
  INSERT INTO turns (id, origin_key, cause, platform, place, state, conversation_id, user_id, guild_id, reply_target, settings,
    reported_locale, question_message_id, first_question_id, reply_of, parent_message_id, parent_turn_id, max_completion_tokens,
    cost_defaults, epoch, lease_owner, lease_until, admitted_at, charged_at, started_at, payer, channel)
  VALUES (p_draft.id, p_draft.origin_key, p_draft.cause, p_draft.platform, p_draft.place,
    CASE WHEN v_runs THEN 'running' ELSE 'queued' END, p_draft.conversation_id, p_draft.user_id, p_draft.guild_id,
    p_draft.reply_target, p_draft.settings || coalesce(p -> 'planSettings', '{}'), p_draft.reported_locale, p_draft.question_message_id, p_draft.first_question_id,
    p_draft.reply_of, p_draft.parent_message_id, p_draft.parent_turn_id, v_grant.completion, cost_defaults_v1(p -> 'defaults'),
    v_runs::int, CASE WHEN v_runs THEN p ->> 'instance' END,
    CASE WHEN v_runs THEN p_draft.admitted_at + millis_v1(p ->> 'leaseMs') END, p_draft.admitted_at, p_draft.charged_at,
    CASE WHEN v_runs THEN p_draft.admitted_at END,
    CASE WHEN (p ->> 'servesKeys')::boolean THEN payer_v1(p_draft.guild_id, p_draft.user_id) ELSE 'operator' END, p_draft.channel)
  ON CONFLICT (origin_key) DO NOTHING
  RETURNING * INTO turn;
  IF turn.id IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, payer, requests, tokens, images, reserved_at, expires_at)
  SELECT turn.id, 0, -1, s.kind, s.subject_id, turn.payer, 1, v_prompt + v_grant.completion, v_images, turn.charged_at, turn.charged_at + interval '1 hour'
  FROM turn_subjects_v1(turn.guild_id, turn.user_id, turn.channel) s;
  IF v_runs THEN
    INSERT INTO reply_parts (turn_id, index, place, intended_at) VALUES (reply_id_v1(turn), 0, turn.place, turn.admitted_at)
    ON CONFLICT DO NOTHING;
  END IF;
END $$;
--> statement-breakpoint
-- As before, with the channel and the member.
CREATE OR REPLACE FUNCTION has_room_v1(p jsonb, p_turn turns, p_tokens bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (
    SELECT 1 FROM quota_standings_v2(false, p_turn.guild_id, p_turn.user_id, p_turn.channel, p_turn.charged_at, p -> 'defaults') s
    WHERE s.metric = 'tokens' AND s.used + s.held + p_tokens * readings_v1(p_turn) > s.lim)
$$;
--> statement-breakpoint
-- As before, for the quotas of the channel and of the member too.
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

  SELECT q.at, q.request INTO v_at, p FROM enter_quotas_v1(p, v_guild, v_user, v_envelope ->> 'channel') q;
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
  v_draft.channel := v_envelope ->> 'channel';
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
  -- A CASE, because AND reads the quotas for nothing where there is no burst.
  IF (CASE WHEN v_burst.state = 'queued' THEN has_room_v1(p, v_burst, (octet_length(p ->> 'text') + 2) / 3) ELSE false END) THEN
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
-- As before, with the channel; a caller of an older release does not tell it.
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
  v_draft.channel := coalesce(p #>> '{envelope,channel}', p_root.channel);
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
-- As before, for the quotas of the channel and of the member too.
CREATE OR REPLACE FUNCTION repeat_turn_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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

  SELECT q.at, q.request INTO v_at, p FROM enter_quotas_v1(p, v_guild, v_user, coalesce(v_envelope ->> 'channel', v_root.channel)) q;
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
-- As before, for the quotas of the channel and of the member too.
CREATE OR REPLACE FUNCTION edit_message_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
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

  SELECT * INTO v_root FROM turns t WHERE t.id = (v_edited.message).turn_id;
  SELECT q.at, q.request INTO v_at, p FROM enter_quotas_v1(p, v_guild, v_user, coalesce(v_envelope ->> 'channel', v_root.channel)) q;
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
-- As before, with the channel and the member.
CREATE OR REPLACE FUNCTION hold_cost_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
  v_amount bigint := nano_usd_v1(p ->> 'nanoUsd');
  v_held bigint;
  v_attempt smallint := (p ->> 'attempt')::smallint;
  v_at timestamptz;
  v_refusal jsonb;
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid;
  v_at := lock_quota_subjects_v2(p, v_turn.payer = 'operator', v_turn.guild_id, v_turn.user_id, v_turn.channel);
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
  FROM quota_standings_v2(v_turn.payer = 'operator', v_turn.guild_id, v_turn.user_id, v_turn.channel, v_at, v_turn.cost_defaults) s
  WHERE s.metric = 'cost' AND v_turn.payer <> 'user' AND s.used + s.held + v_amount - coalesce(v_held, 0) > s.lim
  ORDER BY s.resets_at DESC, s.subject LIMIT 1;
  IF FOUND THEN
    RETURN jsonb_build_object('kind', 'refused', 'refusal', v_refusal);
  END IF;

  INSERT INTO quota_holds (turn_id, epoch, attempt, kind, subject_id, payer, nano_usd, reserved_at, expires_at)
  SELECT v_turn.id, v_turn.epoch, v_attempt, s.kind, s.subject_id, v_turn.payer, v_amount, v_at, v_at + interval '1 hour'
  FROM (
    VALUES (0::smallint, '00000000-0000-0000-0000-000000000000'::uuid), (3::smallint, v_turn.user_id)
    UNION ALL SELECT * FROM turn_subjects_v1(v_turn.guild_id, v_turn.user_id, v_turn.channel)
  ) s(kind, subject_id)
  WHERE s.subject_id IS NOT NULL AND (CASE s.kind WHEN 3 THEN v_turn.payer = 'user' ELSE money_counts_v1(s.kind, v_turn.payer) END)
  ON CONFLICT (turn_id, epoch, attempt, kind, subject_id) DO UPDATE SET nano_usd = excluded.nano_usd,
    reserved_at = excluded.reserved_at, expires_at = excluded.expires_at;
  RETURN jsonb_build_object('kind', 'held');
END $$;
--> statement-breakpoint
-- As before, with images, what was written to caches, and the channel and the member. The caller holds the lock of the guild.
CREATE OR REPLACE FUNCTION book_turn_v2(p_turn turns, p_attempts jsonb, p_now timestamptz) RETURNS void
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
      token_count_v1(a.usage ->> 'cacheWriteTokens') AS cache_write_tokens, token_count_v1(a.usage ->> 'images') AS images,
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
      1, NULL::int, 0, 0, 0, 0, 0, 0, h.nano_usd, 'estimated', true, false
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
      prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd, is_free, source,
      recorded_at, channel)
    SELECT at, p_turn.id, epoch, attempt, p_turn.guild_id, p_turn.user_id, p_turn.payer, provider, model_asked, model_used,
      requests, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd, is_free,
      source, p_now, p_turn.channel
    FROM tried WHERE took
  ), summed AS (
    INSERT INTO usage_hourly AS u (hour, guild_id, user_id, model, provider, payer, requests, answered, failed, attempts,
      attempt_failures, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd,
      first_token_ms_sum, first_token_count)
    SELECT date_trunc('hour', at, 'UTC'), p_turn.guild_id, p_turn.user_id, model, provider, p_turn.payer, sum(requests),
      sum((is_last AND p_turn.state = 'generated')::int), sum((is_last AND p_turn.state IN ('failed', 'interrupted'))::int),
      sum(tries), sum(failures), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens),
      sum(cache_write_tokens), sum(images), sum(cost_nano_usd), coalesce(sum(first_token_ms), 0), count(first_token_ms)
    FROM (
      SELECT at, coalesce(model_used, model_asked) AS model, provider, requests, is_last, 1 AS tries, failures, prompt_tokens,
        completion_tokens, cached_tokens, reasoning_tokens, cache_write_tokens, images, cost_nano_usd, first_token_ms
      FROM tried
      UNION ALL
      SELECT p_turn.charged_at, '', '', 0, true, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL
      WHERE p_turn.state IN ('failed', 'interrupted') AND NOT EXISTS (SELECT 1 FROM tried WHERE is_told)
    ) t
    GROUP BY 1, model, provider
    ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET
      requests = u.requests + excluded.requests, answered = u.answered + excluded.answered, failed = u.failed + excluded.failed,
      attempts = u.attempts + excluded.attempts, attempt_failures = u.attempt_failures + excluded.attempt_failures,
      prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = u.completion_tokens + excluded.completion_tokens,
      cached_tokens = u.cached_tokens + excluded.cached_tokens, reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
      cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens, images = u.images + excluded.images,
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
        r.images_hour + b.images_hour, r.images_day + b.images_day, r.images_month + b.images_month
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
          coalesce(sum(c.cost) FILTER (WHERE c.at >= r.month_start), 0) AS cost_month,
          coalesce(sum(c.images) FILTER (WHERE c.at >= r.hour_start), 0) AS images_hour,
          coalesce(sum(c.images) FILTER (WHERE c.at >= r.day_start), 0) AS images_day,
          coalesce(sum(c.images) FILTER (WHERE c.at >= r.month_start), 0) AS images_month
        FROM (
          -- The instance keeps account of money alone: its row would be locked by every message otherwise.
          SELECT t.at, CASE WHEN q.kind > 0 THEN t.requests ELSE 0 END AS requests,
            CASE WHEN q.kind > 0 THEN t.prompt_tokens::bigint + t.completion_tokens ELSE 0 END AS tokens,
            CASE WHEN money_counts_v1(q.kind, p_turn.payer) THEN t.cost_nano_usd ELSE 0 END AS cost,
            CASE WHEN q.kind > 0 THEN t.images ELSE 0 END AS images
          FROM tried t WHERE t.took
        ) c
      ) b
    )
    WHERE ((q.kind = 0 AND p_turn.payer = 'operator' AND EXISTS (SELECT 1 FROM tried WHERE cost_nano_usd > 0))
        OR (q.kind = 1 AND q.subject_id = p_turn.guild_id) OR (q.kind = 2 AND q.subject_id = p_turn.user_id)
        OR (q.kind = 4 AND q.subject_id = channel_subject_v1(p_turn.guild_id, p_turn.channel))
        OR (q.kind = 5 AND q.subject_id = member_subject_v1(p_turn.guild_id, p_turn.user_id)))
      AND EXISTS (SELECT 1 FROM tried WHERE took)
  )
  DELETE FROM quota_holds WHERE turn_id = p_turn.id;
END $$;
--> statement-breakpoint
-- As before, with channels and members, under the locks of their guilds, by the clock as it is once those are had. Where a guild has moved
-- to another time zone, windows are opened anew in it once that counts.
CREATE OR REPLACE FUNCTION rebuild_counters_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_at timestamptz;
  v_key record;
  v_kinds smallint[];
  v_ids uuid[];
  v_old quota_subjects;
  v_new quota_subjects;
  v_differences jsonb := '[]';
BEGIN
  SELECT coalesce(array_agg(s.kind ORDER BY s.kind, s.subject_id), '{}'), coalesce(array_agg(s.subject_id ORDER BY s.kind, s.subject_id), '{}')
  INTO v_kinds, v_ids FROM (
    SELECT s.kind, s.subject_id FROM quota_subjects s
    WHERE (s.kind, s.subject_id) > ((p #>> '{after,kind}')::smallint, (p #>> '{after,subjectId}')::uuid)
    ORDER BY s.kind, s.subject_id LIMIT (p ->> 'limit')::int
  ) s;
  PERFORM 1 FROM quota_subjects s
  WHERE (s.kind, s.subject_id) IN (SELECT k.kind, k.id FROM unnest(v_kinds, v_ids) k(kind, id)
    UNION SELECT 1::smallint, w.guild_id FROM unnest(v_kinds, v_ids) k(kind, id)
      JOIN quota_subjects w ON w.kind = k.kind AND w.subject_id = k.id WHERE k.kind > 3)
  ORDER BY s.kind, s.subject_id FOR NO KEY UPDATE;
  v_now := store_now_v1(p);
  FOR v_key IN SELECT k.kind, k.id FROM unnest(v_kinds, v_ids) k(kind, id) LOOP
    SELECT * INTO v_old FROM quota_subjects s WHERE s.kind = v_key.kind AND s.subject_id = v_key.id;
    CONTINUE WHEN NOT FOUND;
    -- No window opens a second time where the clock has gone back.
    v_at := greatest(v_now, v_old.hour_start, v_old.day_start, v_old.month_start);
    v_new := v_old;
    v_new.time_zone := coalesce(quota_zone_v1(CASE WHEN v_old.kind = 1 THEN v_old.subject_id ELSE v_old.guild_id END, v_at), v_old.time_zone);
    v_new := counted_subject_v1(v_new, v_at);
    v_old := quota_rolled_v1(v_old, v_at);
    CONTINUE WHEN v_new = v_old;
    PERFORM store_counters_v1(v_new);
    CONTINUE WHEN v_new.time_zone <> v_old.time_zone;
    v_differences := v_differences || jsonb_build_object('subject', quota_subject_name_v1(v_new.kind), 'subjectId', v_new.subject_id,
      'changes', (SELECT jsonb_object_agg(n.key, jsonb_build_array(o.value, n.value))
        FROM jsonb_each(to_jsonb(v_new)) n JOIN jsonb_each(to_jsonb(v_old)) o USING (key) WHERE n.value <> o.value));
  END LOOP;
  RETURN jsonb_build_object('differences', v_differences, 'next', CASE WHEN cardinality(v_ids) = (p ->> 'limit')::int THEN
    jsonb_build_object('kind', v_kinds[cardinality(v_kinds)], 'subjectId', v_ids[cardinality(v_ids)]) END);
END $$;
--> statement-breakpoint
-- Keeps the rows of a guild's channels and members as they are.
CREATE FUNCTION lock_guild_v1(p_guild uuid) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT FROM quota_subjects s WHERE s.kind = 1 AND s.subject_id = p_guild FOR NO KEY UPDATE
$$;
--> statement-breakpoint
-- As before; what ends without being booked lets its holds go under the lock of its guild.
CREATE OR REPLACE FUNCTION request_cancel_v2(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_turn turns;
  v_waited jsonb := '[]';
BEGIN
  PERFORM lock_guild_v1((present_turn_v1((p ->> 'turnId')::uuid)).guild_id);
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
-- As before; what ends without being booked lets its holds go under the lock of its guild.
CREATE OR REPLACE FUNCTION delete_messages_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_message messages;
  v_root turns;
  v_newest turns;
  v_turn turns;
  v_cancel jsonb := '[]';
  v_deliver jsonb := '[]';
BEGIN
  PERFORM lock_guild_v1(g.guild_id) FROM (
    SELECT DISTINCT c.guild_id FROM messages m JOIN jsonb_array_elements_text(p -> 'messages') d(id) ON m.platform_message_id = d.id
    JOIN conversations c ON c.id = m.conversation_id WHERE c.guild_id IS NOT NULL ORDER BY c.guild_id
  ) g;
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
      UPDATE messages SET text = '', search = NULL, est_tokens = 0 WHERE parent_id = v_message.id AND role = 'assistant';
    END IF;
    UPDATE messages SET deleted_at = v_now, text = '', search = NULL, est_tokens = 0 WHERE id = v_message.id;
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
-- As before, with what counted for them within guilds, and with what they did with limits.
CREATE OR REPLACE FUNCTION forget_user_v1(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user uuid := (SELECT u.id FROM users u WHERE u.platform_user_id = p ->> 'user');
  v_guilds uuid[];
  v_money boolean;
  v_turn turns;
  v_chats text[];
BEGIN
  IF v_user IS NULL THEN
    -- Who was never heard may have tried something.
    RETURN forget_record_v1(p ->> 'user');
  END IF;
  INSERT INTO quota_subjects (kind, subject_id, time_zone) VALUES (2, v_user, 'UTC') ON CONFLICT DO NOTHING;
  SELECT coalesce(array_agg(DISTINCT t.guild_id) FILTER (WHERE t.guild_id IS NOT NULL), '{}'), coalesce(bool_or(t.payer = 'operator' AND h.id IS NOT NULL), false)
  INTO v_guilds, v_money
  FROM turns t LEFT JOIN quota_holds h ON h.turn_id = t.id AND h.kind = 0 WHERE t.user_id = v_user AND t.state IN ('queued', 'running');
  PERFORM 1 FROM quota_subjects s
  WHERE (s.kind = 0 AND v_money) OR (s.kind = 1 AND s.subject_id = ANY (v_guilds)) OR (s.kind = 2 AND s.subject_id = v_user)
  ORDER BY s.kind, s.subject_id FOR NO KEY UPDATE;
  -- Nothing of theirs is admitted or held from here on. What has just been makes it begin anew: locks are taken in one order.
  IF EXISTS (SELECT 1 FROM turns t LEFT JOIN quota_holds h ON h.turn_id = t.id AND h.kind = 0
    WHERE t.user_id = v_user AND t.state IN ('queued', 'running') AND ((t.guild_id IS NOT NULL AND t.guild_id <> ALL (v_guilds)) OR (h.id IS NOT NULL AND NOT v_money))) THEN
    RAISE EXCEPTION 'who is to be forgotten has just asked something' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM 1 FROM conversations c
  WHERE c.id IN (SELECT t.conversation_id FROM turns t WHERE t.user_id = v_user AND t.state IN ('queued', 'running'))
  ORDER BY c.id FOR NO KEY UPDATE;
  FOR v_turn IN
    SELECT * FROM turns t WHERE t.user_id = v_user AND t.state IN ('queued', 'running') ORDER BY t.seq FOR NO KEY UPDATE
  LOOP
    UPDATE turns SET state = 'cancelled', generated_at = v_now WHERE id = v_turn.id RETURNING * INTO v_turn;
    PERFORM book_turn_v2(v_turn, '[]', v_now);
  END LOOP;
  UPDATE turns SET delivered_at = coalesce(delivered_at, v_now), lease_owner = NULL, lease_until = NULL, reported_locale = NULL,
    reply_target = '{}', notice = NULL
  WHERE user_id = v_user;
  UPDATE messages SET text = '', search = NULL, est_tokens = 0, platform_message_id = NULL, deleted_at = v_now
  WHERE id IN (SELECT t.answer_message_id FROM turns t WHERE t.user_id = v_user
    UNION SELECT a.id FROM messages q JOIN messages a ON a.parent_id = q.id WHERE q.user_id = v_user AND a.role = 'assistant');
  UPDATE messages SET text = '', est_tokens = 0, platform_message_id = NULL, deleted_at = v_now WHERE user_id = v_user;
  UPDATE usage SET user_id = NULL WHERE user_id = v_user;
  WITH gone AS (DELETE FROM usage_hourly WHERE user_id = v_user RETURNING *)
  INSERT INTO usage_hourly AS u (hour, guild_id, user_id, model, provider, payer, requests, answered, failed, attempts, attempt_failures,
    prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count,
    cache_write_tokens)
  SELECT hour, guild_id, NULL, model, provider, payer, requests, answered, failed, attempts, attempt_failures, prompt_tokens,
    completion_tokens, cached_tokens, reasoning_tokens, images, cost_nano_usd, first_token_ms_sum, first_token_count, cache_write_tokens FROM gone
  ON CONFLICT (hour, guild_id, user_id, model, provider, payer) DO UPDATE SET requests = u.requests + excluded.requests,
    answered = u.answered + excluded.answered, failed = u.failed + excluded.failed, attempts = u.attempts + excluded.attempts,
    attempt_failures = u.attempt_failures + excluded.attempt_failures, prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = u.completion_tokens + excluded.completion_tokens, cached_tokens = u.cached_tokens + excluded.cached_tokens,
    reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens, images = u.images + excluded.images,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd, first_token_ms_sum = u.first_token_ms_sum + excluded.first_token_ms_sum,
    first_token_count = u.first_token_count + excluded.first_token_count, cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens;
  -- In private, the chat stands for the person. A command of theirs that comes once more finds nothing to change.
  v_chats := ARRAY (
    SELECT event_chat_v1(c.place) FROM conversations c WHERE c.user_id = v_user
    UNION SELECT event_chat_v1(t.place) FROM turns t WHERE t.user_id = v_user AND t.guild_id IS NULL);
  UPDATE errors SET origin_key = NULL WHERE event_chat_v1(origin_key) = ANY (v_chats) OR is_chat_of_v1(origin_key, p ->> 'user');
  DELETE FROM command_outcomes WHERE event_chat_v1(origin_key) = ANY (v_chats) OR is_chat_of_v1(origin_key, p ->> 'user');
  DELETE FROM turns WHERE user_id = v_user AND guild_id IS NULL;
  DELETE FROM conversations WHERE user_id = v_user;
  UPDATE audit SET actor = CASE actor WHEN p ->> 'user' THEN '' ELSE actor END, subject = CASE subject WHEN p ->> 'user' THEN '' ELSE subject END,
    details = details - 'last4' - 'replacedLast4'
  WHERE (action LIKE 'key.%' OR action LIKE 'quota.%') AND p ->> 'user' IN (actor, subject);
  UPDATE provider_keys SET given_by = '' WHERE given_by = p ->> 'user';
  DELETE FROM settings WHERE scope = 'user' AND subject_id = v_user;
  DELETE FROM quota_subjects WHERE kind = 2 AND subject_id = v_user;
  DELETE FROM quota_subjects WHERE user_id = v_user;
  DELETE FROM users WHERE id = v_user;
  RETURN true;
END $$;
--> statement-breakpoint
-- Whose word a limit of a subject is, and until when: `rule` is what a guild says to its members. `p_defaults` are the subject's.
CREATE FUNCTION quota_word_v1(p_subject quota_subjects, p_defaults jsonb, p_key text, p_at timestamptz)
RETURNS TABLE (by text, until_ms bigint) LANGUAGE sql STABLE AS $$
  SELECT CASE
      WHEN d.is_own THEN CASE p_subject.kind WHEN 2 THEN 'self' ELSE 'admins' END
      WHEN s.base ? p_key THEN 'operator'
      WHEN p_subject.kind = 5 THEN 'rule'
      ELSE 'default'
    END,
    (SELECT t.until_ms FROM (SELECT (CASE WHEN d.is_own THEN p_subject.own_temporary ELSE p_subject.temporary END
      #>> ARRAY[p_key, 'untilMs'])::bigint AS until_ms) t WHERE t.until_ms > epoch_ms_v1(p_at))
  FROM (SELECT limits_at_v1(p_subject.limits, p_subject.temporary, p_at) AS base, limits_at_v1(p_subject.own, p_subject.own_temporary, p_at) AS own) s
  CROSS JOIN LATERAL (SELECT (s.own ->> p_key)::numeric AS own,
    (CASE WHEN s.base ? p_key THEN s.base ->> p_key WHEN p_subject.kind < 4 THEN p_defaults ->> p_key END)::numeric AS base) v
  CROSS JOIN LATERAL (SELECT coalesce(v.own <= coalesce(v.base, v.own), false) AS is_own) d
$$;
--> statement-breakpoint
-- Every limit in force for a subject, with whose word it is. `p_roles` are those of a member.
CREATE FUNCTION quotas_in_force_v1(p_subject quota_subjects, p_defaults jsonb, p_roles jsonb, p_at timestamptz) RETURNS SETOF jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('subject', t.subject, 'metric', t.metric, 'window', t.win, 'limit', t.lim, 'used', t.used, 'held', t.held,
    'resetsAtMs', epoch_ms_v1(t.resets_at), 'by', CASE w.by WHEN 'rule' THEN 'admins' ELSE w.by END, 'role', r.role,
    'untilMs', coalesce(w.until_ms, r.until_ms))
  FROM subject_standings_v1(p_subject, p_at, p_defaults) t
  CROSS JOIN LATERAL quota_word_v1(p_subject, p_defaults -> t.subject, t.metric || '_' || t.win, p_at) w
  LEFT JOIN member_rules_v1(p_subject.guild_id, p_roles, p_at) r ON w.by = 'rule' AND r.key = t.metric || '_' || t.win
$$;
--> statement-breakpoint
-- The row of whom limits are asked about, or what it would be; its kind is null for roles and for all members, who have none.
CREATE FUNCTION quota_target_v1(p jsonb, p_at timestamptz, OUT guild guilds, OUT person users, OUT subject quota_subjects, OUT is_counted boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_kind smallint := CASE p #>> '{target,kind}' WHEN 'instance' THEN 0 WHEN 'guild' THEN 1 WHEN 'user' THEN 2 WHEN 'channel' THEN 4
    WHEN 'member' THEN 5 END;
BEGIN
  SELECT * INTO guild FROM guilds g WHERE g.platform_guild_id = p #>> '{target,guild}';
  SELECT * INTO person FROM users u WHERE u.platform_user_id = p #>> '{target,user}';
  SELECT * INTO subject FROM quota_subjects s WHERE s.kind = v_kind AND s.subject_id = CASE v_kind
    WHEN 0 THEN '00000000-0000-0000-0000-000000000000' WHEN 1 THEN guild.id WHEN 2 THEN person.id
    WHEN 4 THEN channel_subject_v1(guild.id, p #>> '{target,channel}') ELSE member_subject_v1(guild.id, person.id) END;
  is_counted := FOUND;
  IF is_counted OR v_kind IS NULL THEN
    RETURN;
  ELSIF v_kind < 4 THEN
    subject := blank_subject_v1(v_kind, coalesce(CASE v_kind WHEN 1 THEN quota_zone_v1(guild.id, p_at) END, 'UTC'));
    subject.subject_id := coalesce(CASE v_kind WHEN 1 THEN guild.id ELSE person.id END, subject.subject_id);
  ELSIF guild.id IS NOT NULL THEN
    subject := subject_within_v1(v_kind, guild.id, person.id, p #>> '{target,channel}', p_at);
  END IF;
END $$;
--> statement-breakpoint
-- What one side has set, end-dated entries that have ended left out.
CREATE FUNCTION quota_settings_v1(p_limits jsonb, p_temporary jsonb, p_by text, p_at timestamptz) RETURNS SETOF jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('key', l.key, 'limit', l.value, 'by', p_by, 'untilMs', NULL) FROM jsonb_each(p_limits) l
  UNION ALL
  SELECT jsonb_build_object('key', t.key, 'by', p_by) || t.value FROM jsonb_each(p_temporary) t
  WHERE (t.value ->> 'untilMs')::numeric > epoch_ms_v1(p_at)
$$;
--> statement-breakpoint
-- What is set for a target, and what is in force and used where it has counters.
CREATE FUNCTION show_quota_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz := store_now_v1(p);
  v_target record;
  v_subject quota_subjects;
  v_rule quota_rules;
  v_own text := CASE p #>> '{target,kind}' WHEN 'user' THEN 'self' ELSE 'admins' END;
BEGIN
  SELECT * INTO v_target FROM quota_target_v1(p, v_at);
  v_subject := v_target.subject;
  IF v_subject.kind IS NULL THEN
    SELECT * INTO v_rule FROM quota_rules r WHERE r.guild_id = (v_target.guild).id AND r.kind = p #>> '{target,kind}'
      AND r.role = coalesce(p #>> '{target,role}', '');
    RETURN jsonb_build_object('inForce', '[]'::jsonb,
      'set', (SELECT coalesce(jsonb_agg(s), '[]') FROM quota_settings_v1(v_rule.limits, v_rule.temporary, 'admins', v_at) s));
  END IF;
  v_at := greatest(v_at, v_subject.hour_start, v_subject.day_start, v_subject.month_start);
  RETURN jsonb_build_object(
    'inForce', (SELECT coalesce(jsonb_agg(f), '[]') FROM quotas_in_force_v1(v_subject,
      admission_defaults_v1(p, v_target.guild, v_target.person, v_at), v_subject.roles, v_at) f),
    'set', (SELECT coalesce(jsonb_agg(s), '[]') FROM (
      SELECT quota_settings_v1(v_subject.limits, v_subject.temporary, 'operator', v_at)
      UNION ALL SELECT quota_settings_v1(v_subject.own, v_subject.own_temporary, v_own, v_at)) s(s)));
END $$;
--> statement-breakpoint
-- Every limit that a turn of an author would meet in a place.
CREATE FUNCTION applying_quotas_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz := store_now_v1(p);
  v_guild text := p #>> '{envelope,guild,id}';
  v_user text := p #>> '{envelope,author,id}';
  v_target jsonb;
  v_found record;
  v_subject quota_subjects;
  v_from timestamptz;
  v_in_force jsonb := '[]';
BEGIN
  FOR v_target IN SELECT t FROM jsonb_array_elements(jsonb_build_array('{"kind": "instance"}'::jsonb,
    jsonb_build_object('kind', 'guild', 'guild', v_guild), jsonb_build_object('kind', 'user', 'user', v_user),
    jsonb_build_object('kind', 'channel', 'guild', v_guild, 'channel', p #>> '{envelope,channel}'),
    jsonb_build_object('kind', 'member', 'guild', v_guild, 'user', v_user))) t
  LOOP
    -- A channel without a row has no limits; a member may have some before there is one.
    CONTINUE WHEN v_target ->> 'kind' IN ('guild', 'member') AND v_guild IS NULL;
    CONTINUE WHEN v_target ->> 'kind' = 'channel' AND NOT EXISTS (
      SELECT FROM guilds g JOIN quota_subjects s ON s.kind = 4 AND s.subject_id = channel_subject_v1(g.id, v_target ->> 'channel')
      WHERE g.platform_guild_id = v_guild);
    SELECT * INTO v_found FROM quota_target_v1(jsonb_build_object('target', v_target), v_at);
    v_subject := v_found.subject;
    CONTINUE WHEN v_subject.kind IS NULL;
    v_from := greatest(v_at, v_subject.hour_start, v_subject.day_start, v_subject.month_start);
    v_in_force := v_in_force || (SELECT coalesce(jsonb_agg(f), '[]') FROM quotas_in_force_v1(v_subject,
      admission_defaults_v1(p, v_found.guild, v_found.person, v_from), p #> '{envelope,author,roles}', v_from) f);
  END LOOP;
  RETURN v_in_force;
END $$;
--> statement-breakpoint
-- The counters of a target beside what usage sums up to, and what is held of it now.
CREATE FUNCTION explain_quota_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz := store_now_v1(p);
  v_target record;
  v_subject quota_subjects;
  v_counted jsonb;
  v_defaults jsonb;
BEGIN
  SELECT * INTO v_target FROM quota_target_v1(p, v_at);
  v_subject := v_target.subject;
  IF v_subject.kind IS NULL OR (v_subject.kind > 3 AND NOT v_target.is_counted) THEN
    RETURN '{"counters": [], "holds": []}';
  END IF;
  v_at := greatest(v_at, v_subject.hour_start, v_subject.day_start, v_subject.month_start);
  v_subject := quota_rolled_v1(v_subject, v_at);
  v_counted := to_jsonb(counted_subject_v1(v_subject, v_at));
  v_defaults := admission_defaults_v1(p, v_target.guild, v_target.person, v_at) -> quota_subject_name_v1(v_subject.kind);
  RETURN jsonb_build_object(
    'counters', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('metric', m.metric, 'window', w.win, 'used', c.used, 'rebuilt', c.rebuilt,
        'difference', c.used - c.rebuilt, 'limit', l.lim,
        'resetsAtMs', epoch_ms_v1(quota_window_end_v1(w.win, w.start, v_subject.time_zone))) ORDER BY m.position, w.position), '[]')
      FROM (VALUES (1, 'requests'), (2, 'tokens'), (3, 'cost'), (4, 'images')) m(position, metric)
      CROSS JOIN (VALUES (1, 'hour', v_subject.hour_start), (2, 'day', v_subject.day_start), (3, 'month', v_subject.month_start)) w(position, win, start)
      CROSS JOIN LATERAL (SELECT m.metric || '_' || w.win AS key) k
      CROSS JOIN LATERAL (SELECT (to_jsonb(v_subject) ->> k.key)::bigint AS used, (v_counted ->> k.key)::bigint AS rebuilt) c
      CROSS JOIN LATERAL (SELECT quota_limit_v2(v_subject, v_defaults, k.key, v_at) AS lim) l
      WHERE l.lim IS NOT NULL OR c.used <> 0 OR c.rebuilt <> 0),
    'holds', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('turn', h.turn_id, 'state', t.state, 'sinceMs', epoch_ms_v1(h.reserved_at),
        'requests', h.requests, 'tokens', h.tokens, 'images', h.images, 'nanoUsd', h.nano_usd) ORDER BY h.reserved_at, h.id), '[]')
      FROM quota_holds h LEFT JOIN turns t ON t.id = h.turn_id
      WHERE h.kind = v_subject.kind AND h.subject_id = v_subject.subject_id AND (h.turn_id IS NOT NULL OR h.expires_at > v_at)));
END $$;
--> statement-breakpoint
-- What one side has set, `{"limits": …, "temporary": …}`, with a change. What has ended is left out.
CREATE FUNCTION changed_limits_v1(p_set jsonb, p jsonb, p_at timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN (p ->> 'isClearing')::boolean AND p ->> 'key' IS NULL THEN '{"limits": {}, "temporary": {}}'
    WHEN (p ->> 'isClearing')::boolean THEN jsonb_build_object('limits', (p_set -> 'limits') - (p ->> 'key'), 'temporary', l.live - (p ->> 'key'))
    WHEN p ->> 'untilMs' IS NULL THEN jsonb_build_object('limits', (p_set -> 'limits') || jsonb_build_object(p ->> 'key', p -> 'limit'), 'temporary', l.live)
    ELSE jsonb_build_object('limits', p_set -> 'limits', 'temporary', l.live
      || jsonb_build_object(p ->> 'key', jsonb_build_object('limit', p -> 'limit', 'untilMs', p -> 'untilMs')))
  END
  FROM (SELECT coalesce(jsonb_object_agg(t.key, t.value) FILTER (WHERE (t.value ->> 'untilMs')::numeric > epoch_ms_v1(p_at)), '{}') AS live
    FROM jsonb_each(p_set -> 'temporary') t) l
$$;
--> statement-breakpoint
-- Writes what one side has set for a subject, whose lock the caller holds. A channel or a member gets its row with the first limit, and a channel loses it with the last.
CREATE FUNCTION store_limits_v1(p jsonb, p_subject quota_subjects, p_set jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_subject.kind > 3 THEN
    PERFORM open_subject_v1(p_subject);
  END IF;
  UPDATE quota_subjects s SET
    limits = CASE p ->> 'by' WHEN 'operator' THEN p_set -> 'limits' ELSE s.limits END,
    temporary = CASE p ->> 'by' WHEN 'operator' THEN p_set -> 'temporary' ELSE s.temporary END,
    own = CASE p ->> 'by' WHEN 'operator' THEN s.own ELSE p_set -> 'limits' END,
    own_temporary = CASE p ->> 'by' WHEN 'operator' THEN s.own_temporary ELSE p_set -> 'temporary' END
  WHERE s.kind = p_subject.kind AND s.subject_id = p_subject.subject_id;
  IF p_subject.kind = 4 THEN
    PERFORM close_subject_v1(p_subject.kind, p_subject.subject_id);
  END IF;
END $$;
--> statement-breakpoint
-- Writes what a guild says to its members, or to those with a role.
CREATE FUNCTION store_rule_v1(p_guild uuid, p_kind text, p_role text, p_set jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_set = '{"limits": {}, "temporary": {}}' THEN
    DELETE FROM quota_rules r WHERE r.guild_id = p_guild AND r.kind = p_kind AND r.role = p_role;
  ELSE
    INSERT INTO quota_rules (guild_id, kind, role, limits, temporary)
    VALUES (p_guild, p_kind, p_role, p_set -> 'limits', p_set -> 'temporary')
    ON CONFLICT (guild_id, kind, role) DO UPDATE SET limits = excluded.limits, temporary = excluded.temporary;
  END IF;
END $$;
--> statement-breakpoint
-- Sets a limit, or clears one or all (`isClearing`), on one side: `by` is who decides, which the caller has checked. On record
-- with before and after. Repeating the origin key changes nothing and tells the same.
CREATE FUNCTION change_quota_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_to jsonb := p -> 'target';
  v_guild uuid;
  v_person uuid;
  v_target record;
  v_subject quota_subjects;
  v_before jsonb;
  v_after jsonb;
  v_outcome jsonb := (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
BEGIN
  IF v_outcome IS NOT NULL THEN
    RETURN v_outcome;
  END IF;
  PERFORM known_user_v1(p -> 'author', v_now);
  PERFORM known_guild_v2(p -> 'guild', v_now);
  SELECT g.id INTO v_guild FROM guilds g WHERE g.platform_guild_id = v_to ->> 'guild';
  SELECT u.id INTO v_person FROM users u WHERE u.platform_user_id = v_to ->> 'user';
  IF (v_to ? 'guild' AND v_guild IS NULL) OR (v_to ? 'user' AND v_person IS NULL) THEN
    RETURN '{"kind": "unknown"}';
  END IF;
  v_at := greatest(v_now, lock_quota_subjects_v2(p, v_to ->> 'kind' = 'instance', v_guild, v_person, v_to ->> 'channel'));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  SELECT * INTO v_target FROM quota_target_v1(p, v_at);
  v_subject := v_target.subject;
  v_before := CASE WHEN v_subject.kind IS NULL THEN coalesce((
      SELECT jsonb_build_object('limits', r.limits, 'temporary', r.temporary) FROM quota_rules r
      WHERE r.guild_id = (v_target.guild).id AND r.kind = v_to ->> 'kind' AND r.role = coalesce(v_to ->> 'role', '')), '{"limits": {}, "temporary": {}}')
    WHEN p ->> 'by' = 'operator' THEN jsonb_build_object('limits', v_subject.limits, 'temporary', v_subject.temporary)
    ELSE jsonb_build_object('limits', v_subject.own, 'temporary', v_subject.own_temporary) END;
  v_after := changed_limits_v1(v_before, p, v_at);
  IF v_after <> v_before THEN
    IF v_subject.kind IS NULL THEN
      PERFORM store_rule_v1((v_target.guild).id, v_to ->> 'kind', coalesce(v_to ->> 'role', ''), v_after);
    ELSE
      PERFORM store_limits_v1(p, v_subject, v_after);
      IF p ->> 'by' = 'operator' THEN
        v_subject.limits := v_after -> 'limits';
        v_subject.temporary := v_after -> 'temporary';
      ELSE
        v_subject.own := v_after -> 'limits';
        v_subject.own_temporary := v_after -> 'temporary';
      END IF;
    END IF;
    INSERT INTO audit (at, actor, action, subject, guild, before, after, details)
    VALUES (v_now, p #>> '{author,id}', CASE WHEN (p ->> 'isClearing')::boolean THEN 'quota.clear' ELSE 'quota.set' END,
      coalesce(v_to ->> 'user', v_to ->> 'role', v_to ->> 'channel', v_to ->> 'guild', 'instance'), v_to ->> 'guild', v_before, v_after,
      jsonb_build_object('for', v_to ->> 'kind', 'by', p ->> 'by', 'key', p -> 'key'));
  END IF;
  v_outcome := jsonb_build_object('kind', CASE WHEN v_after = v_before THEN 'unchanged' ELSE 'changed' END, 'inForce',
    quota_limit_v2(v_subject, admission_defaults_v1(p, v_target.guild, v_target.person, v_at) -> quota_subject_name_v1(v_subject.kind), p ->> 'key', v_at));
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', v_outcome, v_now);
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- Writes down that something was tried that was not allowed; once for an origin key.
CREATE FUNCTION refuse_quota_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES ((p ->> 'originKey') || ':refused', '{}', v_now) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    INSERT INTO audit (at, actor, action, subject, guild, details)
    VALUES (v_now, p #>> '{author,id}', (p ->> 'action') || '.refused', p ->> 'subject', p #>> '{guild,id}', jsonb_build_object('why', p ->> 'why'));
  END IF;
END $$;
--> statement-breakpoint
-- Sets a guild's time zone, by a name that the database knows, in any case of letters. Where anything was used in the running month
-- of its quotas, their windows are in it only from that month's end on (`limitsFromMs`). A second change within 30 days is for
-- operators (`isOperator`); attempts of others are on record. Repeating the origin key changes nothing and tells the same.
CREATE FUNCTION set_time_zone_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_at timestamptz;
  v_guild guilds;
  v_subject quota_subjects;
  v_before text;
  v_zone text;
  v_next timestamptz;
  v_until_ms bigint;
  v_outcome jsonb := (SELECT c.outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey');
BEGIN
  IF v_outcome IS NOT NULL THEN
    RETURN v_outcome;
  END IF;
  SELECT n.name INTO v_zone FROM pg_timezone_names n
  WHERE lower(n.name) = lower(p ->> 'timeZone') AND n.name !~ '^(posix|right)/|^(Factory|localtime|posixrules)$' ORDER BY n.name LIMIT 1;
  IF v_zone IS NULL THEN
    RETURN '{"kind": "unknown"}';
  END IF;
  v_guild := known_guild_v2(p -> 'guild', v_now);
  v_at := greatest(v_now, lock_quota_subjects_v2(p, false, v_guild.id, NULL, NULL));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  SELECT * INTO v_guild FROM guilds g WHERE g.id = v_guild.id;
  SELECT s.updated_at + interval '720 hours' INTO v_next FROM settings s
  WHERE s.scope = 'guild' AND s.subject_id = v_guild.id AND s.key = 'time_zone_before';
  IF v_guild.time_zone = v_zone THEN
    v_outcome := jsonb_build_object('kind', 'unchanged', 'timeZone', v_zone);
  ELSIF v_next > v_now AND NOT coalesce((p ->> 'isOperator')::boolean, false) THEN
    v_outcome := jsonb_build_object('kind', 'too_soon', 'fromMs', epoch_ms_v1(v_next));
    INSERT INTO audit (at, actor, action, subject, guild, before, details)
    VALUES (v_now, p #>> '{author,id}', 'set time_zone.refused', v_guild.platform_guild_id, v_guild.platform_guild_id,
      to_jsonb(v_guild.time_zone), jsonb_build_object('why', 'too_soon', 'timeZone', v_zone));
  ELSE
    SELECT r.* INTO v_subject FROM quota_subjects s CROSS JOIN LATERAL quota_rolled_v1(s, v_at) r WHERE s.kind = 1 AND s.subject_id = v_guild.id;
    v_before := v_subject.time_zone;
    IF (v_subject.requests_month, v_subject.tokens_month, v_subject.cost_month, v_subject.images_month) <> (0, 0, 0, 0) THEN
      v_until_ms := epoch_ms_v1(quota_window_end_v1('month', v_subject.month_start, v_before));
    END IF;
    UPDATE guilds SET time_zone = v_zone WHERE id = v_guild.id;
    INSERT INTO settings (scope, subject_id, key, value, updated_at, updated_by)
    VALUES ('guild', v_guild.id, 'time_zone_before', jsonb_build_object('timeZone', v_before, 'untilMs', coalesce(v_until_ms, 0)), v_now, p #>> '{author,id}')
    ON CONFLICT (scope, subject_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by;
    PERFORM lock_quota_subjects_v2(p, false, v_guild.id, NULL, NULL);
    INSERT INTO audit (at, actor, action, subject, guild, before, after, details)
    VALUES (v_now, p #>> '{author,id}', 'set time_zone', v_guild.platform_guild_id, v_guild.platform_guild_id, to_jsonb(v_guild.time_zone), to_jsonb(v_zone),
      jsonb_build_object('limitsFromMs', v_until_ms));
    v_outcome := jsonb_build_object('kind', 'changed', 'timeZone', v_zone, 'limitsFromMs', v_until_ms);
  END IF;
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', v_outcome, v_now);
  RETURN v_outcome;
END $$;