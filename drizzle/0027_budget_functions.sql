-- The limits of money that a turn's attempts count in; none where its author pays for them. Subjects without such a limit, which
-- are most, are not looked at any closer.
CREATE FUNCTION turn_standings_v1(p_turn turns, p_at timestamptz)
RETURNS TABLE (kind smallint, subject_id uuid, subject text, win text, lim bigint, used bigint, held bigint, resets_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_subject quota_subjects;
BEGIN
  IF p_turn.payer = 'user' THEN
    RETURN;
  END IF;
  FOR v_subject IN
    SELECT q.* FROM (VALUES (0::smallint, CASE p_turn.payer WHEN 'operator' THEN '00000000-0000-0000-0000-000000000000'::uuid END),
      (1::smallint, p_turn.guild_id), (2::smallint, p_turn.user_id), (4::smallint, channel_subject_v1(p_turn.guild_id, p_turn.channel)),
      (5::smallint, member_subject_v1(p_turn.guild_id, p_turn.user_id))) k(kind, subject_id)
    JOIN quota_subjects q ON q.kind = k.kind AND q.subject_id = k.subject_id
    WHERE (q.limits || q.temporary || q.own || q.own_temporary || coalesce(p_turn.cost_defaults -> quota_subject_name_v1(q.kind), '{}'))
      ?| ARRAY['cost_hour', 'cost_day', 'cost_month']
  LOOP
    RETURN QUERY SELECT v_subject.kind, v_subject.subject_id, s.subject, s.win, s.lim, s.used, s.held, s.resets_at
    FROM subject_standings_v1(v_subject, p_at, p_turn.cost_defaults) s WHERE s.metric = 'cost';
  END LOOP;
END $$;
--> statement-breakpoint
-- The limit of money that a turn is nearest to, of all that its attempts count in; null where there is none. Null too for one
-- that its author pays for: nobody's budget is spent.
CREATE FUNCTION turn_budget_v1(p_turn turns) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('subject', s.subject, 'window', s.win, 'limitNanoUsd', s.lim, 'usedNanoUsd', s.used + s.held,
      'resetsAtMs', epoch_ms_v1(s.resets_at))
    FROM turn_standings_v1(p_turn, greatest(p_turn.charged_at, p_turn.started_at)) s
    ORDER BY CASE WHEN s.lim > 0 THEN (s.used + s.held)::numeric / s.lim ELSE 1 END DESC, s.resets_at DESC, s.subject LIMIT 1);
END $$;
--> statement-breakpoint
-- As before, with the budget that it is nearest to.
CREATE OR REPLACE FUNCTION runnable_turn_v2(p_turn turns, p_window jsonb, p_parts jsonb, p_waited jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT runnable_turn_v1(p_turn, p_window, p_parts) || jsonb_build_object('replyOf', p_turn.reply_of,
    'after', predecessor_v1(p_turn), 'waited', p_waited, 'ownKey', own_key_v1(p_turn), 'budget', turn_budget_v1(p_turn),
    'lost', CASE WHEN p_turn.epoch > 1 THEN lost_attempts_v1(p_turn) ELSE '[]' END,
    'previous', (
      SELECT jsonb_build_object('text', m.text, 'isPartial', m.partial, 'search', m.search)
      FROM turns r CROSS JOIN LATERAL shown_answer_v1(r) m
      WHERE r.id = p_turn.reply_of AND m.id IS NOT NULL AND p_turn.cause IN ('regenerate', 'continue')))
$$;
--> statement-breakpoint
-- As before, and with what stands below whatever shows.
CREATE OR REPLACE FUNCTION deliverable_turn_v2(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT deliverable_turn_v1(p_turn) || jsonb_build_object('replyOf', p_turn.reply_of, 'after', predecessor_v1(p_turn),
    -- It may not have begun, or who began it may have ended before the marks were away.
    'waited', waited_v1(p_turn),
    'parts', reply_parts_v1(reply_id_v1(p_turn)), 'isRetracted', p_turn.retracted_at IS NOT NULL,
    'remarks', coalesce(p_turn.remarks, '[]'),
    -- What showed before is shown again where nothing better came.
    'answer', coalesce(own.text, shown.text), 'isPartial', coalesce(own.partial, shown.partial, false),
    'search', CASE WHEN own.id IS NOT NULL THEN own.search ELSE shown.search END,
    'versions', versions_v1(p_turn.question_message_id, coalesce(own.id, shown.id)))
  FROM turns r
  LEFT JOIN messages own ON own.id = p_turn.answer_message_id AND own.deleted_at IS NULL
  LEFT JOIN LATERAL shown_answer_v1(r) shown ON p_turn.cause IN ('regenerate', 'continue')
  WHERE r.id = reply_id_v1(p_turn)
$$;
--> statement-breakpoint
-- Notes which thresholds the budgets of a settled turn have passed, each once for its amount and window, and returns what there
-- is to tell: of each budget the highest of the new ones. `p_exhausted`: the one that pays for no call any more, as the turn
-- found out. A person's own is told to them in private. The caller holds the locks of what it has booked; of
-- what only refused to pay, such as the instance's, it may hold none: that figure is the moment's, and the table's key alone sees
-- to it that each threshold is told once.
CREATE FUNCTION budget_alerts_v1(p_turn turns, p_exhausted jsonb, p_now timestamptz) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  WITH passed AS (
    SELECT s.*, t.threshold
    FROM turn_standings_v1(p_turn, greatest(p_now, p_turn.charged_at)) s
    CROSS JOIN (VALUES (50::smallint), (80::smallint), (100::smallint)) t(threshold)
    WHERE s.win IN ('day', 'month') AND s.lim > 0 AND (s.kind < 2 OR (s.kind = 2 AND p_turn.guild_id IS NULL))
      AND (s.used::numeric * 100 >= s.lim::numeric * t.threshold
        OR (s.subject = p_exhausted ->> 'subject' AND s.win = p_exhausted ->> 'window'))
  ), told AS (
    INSERT INTO budget_alerts (kind, subject_id, "window", window_end, threshold, limit_nano_usd, at, user_id)
    SELECT p.kind, p.subject_id, p.win, p.resets_at, p.threshold, p.lim, p_now, CASE WHEN p.kind = 2 THEN p.subject_id END
    FROM passed p
    ON CONFLICT DO NOTHING
    RETURNING kind, "window" AS win, threshold
  ), forgotten AS (
    DELETE FROM budget_alerts b USING (SELECT DISTINCT p.kind, p.subject_id FROM passed p) p
    WHERE b.kind = p.kind AND b.subject_id = p.subject_id AND b.window_end < p_now - interval '1 year'
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('subject', h.subject, 'window', h.win, 'threshold', h.threshold,
    'limitNanoUsd', h.lim, 'spentNanoUsd', h.used) ORDER BY h.kind, h.win), '[]')
  FROM (
    SELECT DISTINCT ON (p.kind, p.win) p.* FROM passed p JOIN told t USING (kind, win, threshold)
    ORDER BY p.kind, p.win, p.threshold DESC
  ) h
$$;
--> statement-breakpoint
-- Adds what the attempts of a turn spared to its guild's day, or in private to its author's.
CREATE FUNCTION add_savings_v1(p_turn uuid, p_attempts jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO savings AS s (day, guild_id, user_id, spared_nano_usd)
  SELECT date_trunc('day', t.charged_at, 'UTC'), t.guild_id, CASE WHEN t.guild_id IS NULL THEN t.user_id END, a.nano_usd
  FROM turns t CROSS JOIN (
    SELECT sum((a #>> '{usage,spared,nanoUsd}')::bigint) AS nano_usd FROM jsonb_array_elements(p_attempts) a) a
  WHERE t.id = p_turn AND a.nano_usd <> 0 AND coalesce(t.guild_id, t.user_id) IS NOT NULL
  ON CONFLICT (guild_id, user_id, day) DO UPDATE SET spared_nano_usd = s.spared_nano_usd + excluded.spared_nano_usd
$$;
--> statement-breakpoint
-- As settle_v2, and tells what stands below whatever shows: the turn's own remarks and, once, how much of a budget is spent.
-- What is known of the operator's is for the operator alone.
CREATE FUNCTION settle_v3(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn_id uuid := (p ->> 'turnId')::uuid;
  v_turn turns;
  v_settled jsonb;
  v_alerts jsonb := '[]';
  v_remarks jsonb := coalesce(nullif(p -> 'remarks', 'null'), '[]');
  v_money boolean := nullif(p -> 'exhausted', 'null') IS NOT NULL
    OR EXISTS (SELECT 1 FROM quota_holds h WHERE h.turn_id = v_turn_id AND h.attempt >= 0 AND h.kind <> 3)
    OR EXISTS (SELECT 1 FROM jsonb_array_elements(p -> 'attempts') a WHERE nano_usd_v1(a #>> '{usage,costNanoUsd}') > 0);
BEGIN
  v_settled := settle_v2(p);
  IF v_settled ->> 'kind' = 'lease_lost' THEN
    RETURN v_settled;
  ELSIF v_settled ->> 'kind' = 'already_settled' THEN
    RETURN v_settled || coalesce((SELECT jsonb_build_object('remarks', t.remarks) FROM turns t
      WHERE t.id = v_turn_id AND t.remarks IS NOT NULL), '{}');
  END IF;
  -- Nothing shows of a turn that others have decided about; whoever spends next is told.
  IF v_money AND v_settled ->> 'fate' IS NULL THEN
    SELECT * INTO v_turn FROM turns t WHERE t.id = v_turn_id;
    v_alerts := budget_alerts_v1(v_turn, nullif(p -> 'exhausted', 'null'), store_now_v1(p));
    v_remarks := v_remarks || (
      SELECT coalesce(jsonb_agg(jsonb_build_object('key', 'remark.alert', 'params', a - 'spentNanoUsd')), '[]')
      FROM jsonb_array_elements(v_alerts) a WHERE a ->> 'subject' <> 'instance');
  END IF;
  PERFORM add_savings_v1(v_turn_id, p -> 'attempts');
  IF jsonb_array_length(v_remarks) > 0 THEN
    UPDATE turns SET remarks = v_remarks WHERE id = v_turn_id;
  END IF;
  RETURN v_settled || jsonb_build_object('remarks', v_remarks, 'alerts', (
    SELECT coalesce(jsonb_agg(a - 'subject'), '[]') FROM jsonb_array_elements(v_alerts) a WHERE a ->> 'subject' = 'instance'));
END $$;
--> statement-breakpoint
-- What of a budget is spent, held and told in its present windows, and who limits it: a guild's, or without one the instance's.
CREATE FUNCTION budget_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_guild guilds;
  v_subject quota_subjects;
  v_own quota_subjects;
  v_defaults jsonb;
BEGIN
  SELECT * INTO v_guild FROM guilds g WHERE g.platform_guild_id = p ->> 'guild';
  SELECT * INTO v_subject FROM quota_subjects s WHERE (p ->> 'guild' IS NULL AND s.kind = 0) OR (s.kind = 1 AND s.subject_id = v_guild.id);
  IF v_subject.kind IS NULL THEN
    v_subject := blank_subject_v1((p ->> 'guild' IS NOT NULL)::int::smallint, coalesce(quota_zone_v1(v_guild.id, v_now), 'UTC'));
  END IF;
  v_subject := quota_rolled_v1(v_subject, v_now);
  v_defaults := admission_defaults_v1(p, v_guild, NULL, v_now) -> quota_subject_name_v1(v_subject.kind);
  v_own := v_subject;
  v_own.limits := '{}';
  v_own.temporary := '{}';
  RETURN (
    SELECT jsonb_agg(jsonb_build_object('window', w.win, 'limitNanoUsd', l.lim, 'ownNanoUsd', quota_limit_v2(v_own, '{}', w.key, v_now),
      'spentNanoUsd', w.used, 'startedAtMs', epoch_ms_v1(w.start), 'resetsAtMs', epoch_ms_v1(w.ends),
      'heldNanoUsd', (
        SELECT coalesce(sum(h.nano_usd), 0) FROM quota_holds h
        WHERE h.kind = v_subject.kind AND h.subject_id = v_subject.subject_id AND (h.turn_id IS NOT NULL OR h.expires_at > v_now)),
      'firstSpentAtMs', CASE v_subject.kind WHEN 1 THEN (
          SELECT epoch_ms_v1(h.hour) FROM usage_hourly h
          WHERE h.guild_id = v_subject.subject_id AND h.hour > w.start - interval '1 hour' AND h.cost_nano_usd > 0 AND h.payer <> 'user'
          ORDER BY h.hour LIMIT 1)
        ELSE (
          SELECT epoch_ms_v1(h.hour) FROM usage_hourly h
          WHERE h.hour > w.start - interval '1 hour' AND h.cost_nano_usd > 0 AND h.payer = 'operator' ORDER BY h.hour LIMIT 1) END,
      'told', (
        SELECT coalesce(jsonb_agg(b.threshold ORDER BY b.threshold), '[]') FROM budget_alerts b
        WHERE b.kind = v_subject.kind AND b.subject_id = v_subject.subject_id AND b."window" = w.win AND b.window_end = w.ends
          AND b.limit_nano_usd = l.lim)) ORDER BY w.win)
    FROM (VALUES ('day', 'cost_day', v_subject.day_start, v_subject.cost_day), ('month', 'cost_month', v_subject.month_start, v_subject.cost_month))
      v(win, key, start, used)
    CROSS JOIN LATERAL (SELECT v.win, v.key, v.start, v.used, quota_window_end_v1(v.win, v.start, v_subject.time_zone) AS ends) w
    CROSS JOIN LATERAL quota_limit_v2(v_subject, v_defaults, w.key, v_now) l(lim));
END $$;
--> statement-breakpoint
-- What a guild's admins let it spend: of each window that is given, null removes. Once per origin key; on record.
CREATE FUNCTION set_budget_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_guild guilds;
  v_before jsonb;
  v_after jsonb;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  v_guild := known_guild_v2(p -> 'guild', v_now);
  PERFORM lock_quota_subjects_v1(false, v_guild.id, NULL);
  SELECT s.own INTO v_before FROM quota_subjects s WHERE s.kind = 1 AND s.subject_id = v_guild.id;
  v_after := (v_before - ARRAY (SELECT jsonb_object_keys(p -> 'limits'))) || jsonb_strip_nulls(p -> 'limits');
  -- What was to hold for a while only must not stand in the way of it.
  UPDATE quota_subjects SET own = v_after, own_temporary = own_temporary - ARRAY (SELECT jsonb_object_keys(p -> 'limits'))
  WHERE kind = 1 AND subject_id = v_guild.id;
  INSERT INTO audit (at, actor, action, subject, guild, before, after)
  VALUES (v_now, p #>> '{author,id}', 'budget.set', v_guild.platform_guild_id, v_guild.platform_guild_id,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(v_before) b WHERE b.key IN ('cost_day', 'cost_month')),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(v_after) a WHERE a.key IN ('cost_day', 'cost_month')));
END $$;
--> statement-breakpoint
-- As before, and whether cheaper models may answer easy questions; null where the person has not said.
CREATE OR REPLACE FUNCTION turn_settings_v1(p_guild uuid, p_user uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  WITH chosen AS (
    SELECT s.scope, s.key, s.value FROM settings s
    WHERE s.key IN ('model', 'locale', 'fallback', 'temperature', 'max_tokens', 'optimise', 'allowed_models', 'allow_search')
      AND ((s.scope = 'user' AND s.subject_id = p_user) OR (s.scope = 'guild' AND s.subject_id = p_guild))
  ), own AS (
    SELECT DISTINCT ON (c.key) c.key, c.scope, c.value FROM chosen c
    WHERE c.key IN ('model', 'locale') ORDER BY c.key, c.scope DESC
  )
  SELECT jsonb_build_object('model', NULL, 'locale', NULL) || coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM own o), '{}')
    || jsonb_build_object(
      'isOwnModel', EXISTS (SELECT 1 FROM own o WHERE o.key = 'model' AND o.scope = 'user'),
      'allowsFallback', coalesce((SELECT c.value = 'true' FROM chosen c WHERE c.scope = 'user' AND c.key = 'fallback'), false),
      'temperature', (SELECT c.value FROM chosen c WHERE c.scope = 'user' AND c.key = 'temperature'),
      'maxTokens', (SELECT c.value FROM chosen c WHERE c.scope = 'user' AND c.key = 'max_tokens'),
      'optimises', (SELECT c.value FROM chosen c WHERE c.scope = 'user' AND c.key = 'optimise'),
      'allowedModels', (SELECT c.value FROM chosen c WHERE c.scope = 'guild' AND c.key = 'allowed_models'),
      'allowsSearch', coalesce((SELECT c.value = 'true' FROM chosen c WHERE c.scope = 'guild' AND c.key = 'allow_search'), false))
$$;
