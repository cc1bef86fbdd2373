-- Plans: who has which, and what follows for a turn. Whether something is in force is decided when it is read: no job has to run
-- for a plan to end. What is changed about a subject's plans is changed by one at a time (`lock_plan_v1`); nothing else is locked
-- meanwhile. Times in the documents are milliseconds since 1970.

INSERT INTO plans (code, version, is_current, name, position, price_usd_cents, telegram_stars) VALUES
  ('free', 1, true, 'Free', 0, 0, NULL),
  ('premium', 1, true, 'Premium', 1, 1999, 1000),
  ('unlimited', 1, true, 'Unlimited', 2, 9999, 5000),
  -- Dearer than the 10,000 Stars that a subscription may cost.
  ('enterprise', 1, true, 'Enterprise', 3, 49999, NULL);
--> statement-breakpoint
INSERT INTO plan_entitlements (plan, version, feature, kind, value)
SELECT p.code, 1, e.feature, e.kind, e.value
FROM (VALUES
  ('free', 100, 100000, 5, 5, 3, 4000, false, false),
  ('premium', 2000, 5000000, 100, 50, 20, 200000, true, false),
  ('unlimited', 10000, 50000000, 1000, 1000, 100, 1000000, true, true),
  -- Its rate is agreed with whoever has it: what stands here is where it begins.
  ('enterprise', 100000, 500000000, 10000, 1000, 500, 1000000, true, true)
) p(code, requests, tokens, images, rate, presets, context, has_features, is_first)
CROSS JOIN LATERAL (VALUES
  ('requests_month', 'limit', to_jsonb(p.requests)),
  ('tokens_month', 'limit', to_jsonb(p.tokens)),
  ('images_month', 'limit', to_jsonb(p.images)),
  ('rate_per_minute', 'limit', to_jsonb(p.rate)),
  ('presets', 'limit', to_jsonb(p.presets)),
  ('max_context_tokens', 'limit', to_jsonb(p.context)),
  ('web_search', 'boolean', to_jsonb(true)),
  ('advanced_models', 'boolean', to_jsonb(p.has_features)),
  ('prompt_caching', 'boolean', to_jsonb(p.has_features)),
  ('image_generation', 'boolean', to_jsonb(p.has_features)),
  ('pdf', 'boolean', to_jsonb(p.has_features)),
  ('audio', 'boolean', to_jsonb(p.has_features)),
  ('first_in_queue', 'boolean', to_jsonb(p.is_first))
) e(feature, kind, value);
--> statement-breakpoint
CREATE FUNCTION from_epoch_ms_v1(p_ms text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT to_timestamp(p_ms::double precision / 1000)
$$;
--> statement-breakpoint
-- What a version of a plan gives. A number that is no limit is left out of `limits`, and as large as can be elsewhere.
CREATE FUNCTION plan_entitlements_v1(p_plan text, p_version int) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('plan', p.code, 'version', p.version, 'name', p.name,
    'limits', jsonb_strip_nulls(jsonb_build_object('requests_month', f -> 'requests_month', 'tokens_month', f -> 'tokens_month',
      'images_month', f -> 'images_month')),
    'ratePerMinute', coalesce((f ->> 'rate_per_minute')::bigint, 1000000000),
    'maxContextTokens', coalesce((f ->> 'max_context_tokens')::bigint, 1000000000),
    'presets', coalesce((f ->> 'presets')::bigint, 1000000000),
    'features', (SELECT coalesce(jsonb_object_agg(e.feature, e.value), '{}') FROM plan_entitlements e
      WHERE e.plan = p.code AND e.version = p.version AND e.kind = 'boolean' AND e.feature <> 'first_in_queue'),
    'isFirstInQueue', coalesce((f ->> 'first_in_queue')::boolean, false))
  FROM plans p CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(e.feature, e.value), '{}') AS f FROM plan_entitlements e
    WHERE e.plan = p.code AND e.version = p.version
  ) e
  WHERE p.code = p_plan AND p.version = p_version
$$;
--> statement-breakpoint
-- When a subscription ends if nothing more is heard of it; null where it does not. What is renewed by itself has its grace.
CREATE FUNCTION subscription_end_v1(p_subscription subscriptions) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_subscription.status
    WHEN 'active' THEN coalesce(p_subscription.grace_until, p_subscription.period_end)
    WHEN 'past_due' THEN coalesce(p_subscription.grace_until, p_subscription.period_end)
    WHEN 'cancelled' THEN p_subscription.period_end
    ELSE coalesce(p_subscription.ended_at, '-infinity')
  END
$$;
--> statement-breakpoint
-- Only a shop sells what begins later: a clock that goes back takes nothing from anybody.
CREATE FUNCTION in_force_v1(p_subscription subscriptions, p_at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_subscription.status IN ('active', 'cancelled', 'past_due')
    AND coalesce(subscription_end_v1(p_subscription) > p_at, true)
    AND (p_subscription.source <> 'shop' OR p_subscription.period_start <= p_at)
$$;
--> statement-breakpoint
-- The subscription that counts for a person, or for a guild: the best that is in force.
CREATE FUNCTION best_subscription_v1(p_guild uuid, p_user uuid, p_at timestamptz) RETURNS subscriptions LANGUAGE sql STABLE AS $$
  SELECT s.* FROM subscriptions s JOIN plans p ON p.code = s.plan AND p.version = s.version
  WHERE (s.user_id = p_user OR s.guild_id = p_guild) AND s.status IN ('active', 'cancelled', 'past_due') AND in_force_v1(s, p_at)
  ORDER BY p.position DESC, s.version DESC, (s.user_id IS NOT NULL) DESC, coalesce(subscription_end_v1(s), 'infinity') DESC LIMIT 1
$$;
--> statement-breakpoint
-- What somebody has where they write: by the better of their own plan and the guild's, else by the one that everybody has.
CREATE FUNCTION plan_of_v1(p_guild uuid, p_user uuid, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT plan_entitlements_v1(p.code, p.version)
    || jsonb_build_object('from', CASE WHEN s.user_id IS NOT NULL THEN 'user' WHEN s.guild_id IS NOT NULL THEN 'guild' ELSE 'free' END)
  FROM best_subscription_v1(p_guild, p_user, p_at) s
  JOIN plans p ON CASE WHEN s.id IS NULL THEN p.position = 0 AND p.is_current ELSE p.code = s.plan AND p.version = s.version END
  LIMIT 1
$$;
--> statement-breakpoint
-- The operator's allowances with those of plans in their place: of a person by their plan, of a guild by its own, if it has one.
-- Money is none of a plan's.
CREATE FUNCTION planned_defaults_v1(p_defaults jsonb, p_guild uuid, p_user uuid, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT p_defaults || jsonb_object_agg(d.subject, coalesce((
      SELECT jsonb_object_agg(l.key, l.value) FROM jsonb_each(p_defaults -> d.subject) l WHERE l.key LIKE 'cost\_%'), '{}') || d.limits)
  FROM (
    SELECT 'user' AS subject, plan_of_v1(p_guild, p_user, p_at) -> 'limits' AS limits
    UNION ALL
    SELECT 'guild', plan_entitlements_v1(s.plan, s.version) -> 'limits' FROM best_subscription_v1(p_guild, NULL, p_at) s WHERE s.id IS NOT NULL
  ) d
$$;
--> statement-breakpoint
-- How much of a conversation a plan lets a model read: history, instructions and answer together fit its context.
CREATE FUNCTION planned_window_v1(p_window jsonb, p_context bigint, p_completion bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_context IS NULL THEN p_window ELSE jsonb_set(p_window, '{maxTokens}', to_jsonb(least(
    (p_window ->> 'maxTokens')::bigint, greatest(0, p_context - p_completion - coalesce((p_window ->> 'systemTokens')::bigint, 0))))) END
$$;
--> statement-breakpoint
-- What is asked of an admission, with what the plans say: allowances, the room for history and answer, and the plan itself for the
-- turn's settings (`planSettings`). What alone fills more than the context is refused. An answer may take half of the context.
CREATE FUNCTION with_plan_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz := store_now_v1(p);
  v_user uuid := (SELECT u.id FROM users u WHERE u.platform_user_id = p #>> '{envelope,author,id}');
  v_guild uuid := (SELECT g.id FROM guilds g WHERE g.platform_guild_id = p #>> '{envelope,guild,id}');
  v_plan jsonb := plan_of_v1(v_guild, v_user, v_at);
  v_context bigint := (v_plan ->> 'maxContextTokens')::bigint;
  v_completion bigint := least((p #>> '{hold,maxCompletionTokens}')::bigint, greatest(1, v_context / 2));
  v_room bigint := v_context - v_completion - coalesce((p #>> '{window,systemTokens}')::bigint, 0);
BEGIN
  RETURN p || jsonb_build_object(
    'defaults', planned_defaults_v1(p -> 'defaults', v_guild, v_user, v_at),
    'hold', (p -> 'hold') || jsonb_build_object('maxCompletionTokens', v_completion),
    'window', planned_window_v1(p -> 'window', v_context, v_completion),
    'planSettings', jsonb_build_object('plan', v_plan - 'limits' - 'presets', 'isFirstInQueue', v_plan -> 'isFirstInQueue'),
    'refusal', coalesce(nullif(p -> 'refusal', 'null'), CASE WHEN (p ->> 'estTokens')::bigint > v_room THEN
      jsonb_build_object('reason', 'over_context', 'plan', v_plan ->> 'name', 'maxTokens', greatest(0, v_room)) END, 'null'));
END $$;
--> statement-breakpoint
-- As before, with what the plans say where a caller asks for it (`plansEnabled`).
CREATE OR REPLACE FUNCTION admission_defaults_v1(p jsonb, p_guild guilds, p_user users, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN (p ->> 'plansEnabled')::boolean THEN planned_defaults_v1(p -> 'defaults',
      coalesce(p_guild.id, (SELECT g.id FROM guilds g WHERE g.platform_guild_id = p #>> '{envelope,guild,id}')), p_user.id, p_at)
    ELSE p -> 'defaults' END || CASE WHEN p_guild.id IS NULL THEN '{}'
    WHEN NOT EXISTS (SELECT FROM quota_rules r WHERE r.guild_id = p_guild.id) THEN '{"member": {}}'
    ELSE jsonb_build_object('member', coalesce((
    SELECT jsonb_object_agg(m.key, m.lim) FROM member_rules_v1(p_guild.id, coalesce(p #> '{envelope,author,roles}', (
      SELECT s.roles FROM quota_subjects s WHERE s.kind = 5 AND s.subject_id = member_subject_v1(p_guild.id, p_user.id)), '[]'), p_at) m), '{}')) END
$$;
--> statement-breakpoint
-- As before, and no more than the plan of the turn lets a model read.
CREATE OR REPLACE FUNCTION turn_window_v2(p_turn turns, p_limits jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT (conversation_window_v3(q.parent_id,
      planned_window_v1(p_limits, (p_turn.settings #>> '{plan,maxContextTokens}')::bigint, p_turn.max_completion_tokens), q.est_tokens,
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
CREATE FUNCTION audit_plan_v1(p_actor text, p_action text, p_subject jsonb, p_before jsonb, p_after jsonb, p_details jsonb, p_at timestamptz)
RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO audit (at, actor, action, subject, guild, before, after, details)
  VALUES (p_at, p_actor, p_action, coalesce(p_subject ->> 'id', ''), CASE p_subject ->> 'kind' WHEN 'guild' THEN p_subject ->> 'id' END,
    p_before, p_after, p_details)
$$;
--> statement-breakpoint
-- One at a time changes what a subject has; what one of them began is seen by the next.
CREATE FUNCTION lock_plan_v1(p_subject jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('plan ' || (p_subject ->> 'kind') || ' ' || (p_subject ->> 'id'), 0))
$$;
--> statement-breakpoint
-- Our own id of a subject, `{"kind", "id"}` as the platform names it; null where nothing is known of it.
CREATE FUNCTION plan_subject_v1(p_subject jsonb) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT CASE p_subject ->> 'kind' WHEN 'user' THEN (SELECT u.id FROM users u WHERE u.platform_user_id = p_subject ->> 'id')
    ELSE (SELECT g.id FROM guilds g WHERE g.platform_guild_id = p_subject ->> 'id') END
$$;
--> statement-breakpoint
-- The same, made where nothing is known of it yet: its name comes with its first message.
CREATE FUNCTION known_plan_subject_v1(p_subject jsonb) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_subject ->> 'kind' = 'user' THEN
    INSERT INTO users (platform_user_id, name) VALUES (p_subject ->> 'id', '') ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO guilds (platform_guild_id, name) VALUES (p_subject ->> 'id', '') ON CONFLICT DO NOTHING;
  END IF;
  RETURN plan_subject_v1(p_subject);
END $$;
--> statement-breakpoint
CREATE FUNCTION subject_of_subscription_v1(p_subscription subscriptions) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_subscription.user_id IS NULL
    THEN jsonb_build_object('kind', 'guild', 'id', (SELECT g.platform_guild_id FROM guilds g WHERE g.id = p_subscription.guild_id))
    ELSE jsonb_build_object('kind', 'user', 'id', (SELECT u.platform_user_id FROM users u WHERE u.id = p_subscription.user_id)) END
$$;
--> statement-breakpoint
-- A subscription as it is told.
CREATE FUNCTION told_subscription_v1(p_subscription subscriptions) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('subject', subject_of_subscription_v1(p_subscription), 'plan', p_subscription.plan, 'planName', p.name,
    'version', p_subscription.version, 'source', p_subscription.source, 'status', p_subscription.status,
    'startedAtMs', epoch_ms_v1(p_subscription.started_at), 'periodEndsAtMs', epoch_ms_v1(p_subscription.period_end),
    'endsAtMs', epoch_ms_v1(subscription_end_v1(p_subscription)),
    'isRetired', NOT EXISTS (SELECT 1 FROM plans c WHERE c.code = p_subscription.plan AND c.is_current AND c.is_offered),
    'charge', CASE WHEN p_subscription.source = 'stars' THEN
      jsonb_build_object('payer', p_subscription.payer, 'chargeId', p_subscription.external_id) END)
  FROM plans p WHERE p.code = p_subscription.plan AND p.version = p_subscription.version
$$;
--> statement-breakpoint
-- What a subject has itself that is in force, the best first.
CREATE FUNCTION subscriptions_of_v1(p_subject jsonb, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(told_subscription_v1(s) ORDER BY p.position DESC, s.version DESC, s.started_at), '[]')
  FROM subscriptions s JOIN plans p ON p.code = s.plan AND p.version = s.version
  WHERE in_force_v1(s, p_at) AND CASE p_subject ->> 'kind' WHEN 'user' THEN s.user_id = plan_subject_v1(p_subject)
    ELSE s.guild_id = plan_subject_v1(p_subject) END
$$;
--> statement-breakpoint
-- What is in force for a person somewhere, what they and the guild have, and what of it is used in this month.
CREATE FUNCTION plan_view_v1(p jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('entitlements', e - 'from' - 'name', 'planName', e -> 'name', 'from', e -> 'from',
    'own', subscriptions_of_v1(jsonb_build_object('kind', 'user', 'id', p -> 'user'), a.now),
    'guild', subscriptions_of_v1(jsonb_build_object('kind', 'guild', 'id', p -> 'guild'), a.now),
    'used', coalesce((SELECT jsonb_build_object('requests', r.requests_month, 'tokens', r.tokens_month, 'images', r.images_month)
      FROM quota_subjects q CROSS JOIN LATERAL quota_rolled_v1(q, a.now) r WHERE q.kind = 2 AND q.subject_id = a.user_id),
      '{"requests": 0, "tokens": 0, "images": 0}'),
    'resetsAtMs', epoch_ms_v1(date_trunc('month', a.now, 'UTC') + interval '1 month'))
  FROM (SELECT store_now_v1(p) AS now, (SELECT u.id FROM users u WHERE u.platform_user_id = p ->> 'user') AS user_id,
    (SELECT g.id FROM guilds g WHERE g.platform_guild_id = p ->> 'guild') AS guild_id) a
  CROSS JOIN LATERAL plan_of_v1(a.guild_id, a.user_id, a.now) e
$$;
--> statement-breakpoint
-- The plans as they are now, the least first.
CREATE FUNCTION current_plans_v1() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(plan_entitlements_v1(p.code, p.version) || jsonb_build_object('position', p.position,
    'priceUsdCents', p.price_usd_cents, 'telegramStars', p.telegram_stars, 'isOffered', p.is_offered,
    'skus', (SELECT coalesce(jsonb_agg(jsonb_build_object('sku', k.sku, 'scope', k.scope) ORDER BY k.scope, k.sku), '[]')
      FROM discord_skus k WHERE k.plan = p.code)) ORDER BY p.position, p.code), '[]')
  FROM plans p WHERE p.is_current
$$;
--> statement-breakpoint
-- What stands in the payload of an invoice, `1|plan|version|user or guild|its id|who may pay`; null in what is none of ours.
CREATE FUNCTION invoice_v1(p_payload text, OUT plan plans, OUT subject jsonb, OUT payer text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_parts text[] := string_to_array(p_payload, '|');
BEGIN
  IF cardinality(v_parts) IS DISTINCT FROM 6 OR v_parts[1] <> '1' OR v_parts[3] !~ '^[0-9]{1,9}$' OR v_parts[4] NOT IN ('user', 'guild') THEN
    RETURN;
  END IF;
  SELECT * INTO plan FROM plans p WHERE p.code = v_parts[2] AND p.version = v_parts[3]::int;
  subject := jsonb_build_object('kind', v_parts[4], 'id', v_parts[5]);
  payer := v_parts[6];
END $$;
--> statement-breakpoint
-- Why money does not pay for what an invoice says, whenever it comes; null where it does.
CREATE FUNCTION payment_flaw_v1(p jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN (i.plan).code IS NULL OR (i.plan).telegram_stars IS NULL THEN 'unknown_offer'
    WHEN i.payer IS DISTINCT FROM p ->> 'payer' THEN 'wrong_payer'
    WHEN p ->> 'currency' IS DISTINCT FROM 'XTR' THEN 'wrong_currency'
    WHEN (p ->> 'amount')::numeric IS DISTINCT FROM (i.plan).telegram_stars THEN 'wrong_amount'
  END
  FROM invoice_v1(p ->> 'payload') i
$$;
--> statement-breakpoint
-- Whether an invoice may be paid now. Who has it already, or something better, would pay for nothing.
CREATE FUNCTION plan_checkout_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_flaw text := payment_flaw_v1(p);
  v_invoice record;
  v_had subscriptions;
  v_had_position smallint;
BEGIN
  IF v_flaw IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', v_flaw, 'endsAtMs', NULL);
  END IF;
  SELECT * INTO v_invoice FROM invoice_v1(p ->> 'payload');
  IF NOT (v_invoice.plan).is_current OR NOT (v_invoice.plan).is_offered THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', 'plan_gone', 'endsAtMs', NULL);
  END IF;
  v_had := CASE v_invoice.subject ->> 'kind' WHEN 'user' THEN best_subscription_v1(NULL, plan_subject_v1(v_invoice.subject), v_now)
    ELSE best_subscription_v1(plan_subject_v1(v_invoice.subject), NULL, v_now) END;
  SELECT c.position INTO v_had_position FROM plans c WHERE c.code = v_had.plan AND c.version = v_had.version;
  IF v_had.plan = (v_invoice.plan).code AND v_had.source <> 'grant' AND v_had.status = 'active' THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', 'already_subscribed', 'endsAtMs', epoch_ms_v1(v_had.period_end));
  ELSIF v_had_position > (v_invoice.plan).position THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', 'has_better', 'endsAtMs', epoch_ms_v1(subscription_end_v1(v_had)));
  END IF;
  RETURN '{"kind": "accepted"}';
END $$;
--> statement-breakpoint
-- What an invoice for a plan says now, or why there is none.
CREATE FUNCTION plan_offer_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_plan plans;
  v_invoice jsonb;
  v_verdict jsonb;
BEGIN
  SELECT * INTO v_plan FROM plans c WHERE c.code = p ->> 'plan' AND c.is_current;
  IF v_plan.code IS NULL OR NOT v_plan.is_offered THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', 'plan_gone', 'endsAtMs', NULL);
  ELSIF v_plan.telegram_stars IS NULL OR v_plan.position = 0 THEN
    RETURN jsonb_build_object('kind', 'refused', 'reason', 'not_for_sale', 'endsAtMs', NULL);
  END IF;
  v_invoice := jsonb_build_object('payload', concat_ws('|', '1', v_plan.code, v_plan.version, p #>> '{subject,kind}', p #>> '{subject,id}',
    p ->> 'buyer'), 'currency', 'XTR', 'amount', v_plan.telegram_stars);
  v_verdict := plan_checkout_v1(p || v_invoice || jsonb_build_object('payer', p -> 'buyer'));
  RETURN CASE v_verdict ->> 'kind' WHEN 'accepted' THEN v_invoice || '{"kind": "offered"}' ELSE v_verdict END;
END $$;
--> statement-breakpoint
-- Credits a payment that fits: to the subscription that is there, or a new one. `stop` names first payments whose renewal is to be
-- stopped, because another one took its place or the plan is not sold any more. Null where something better is in force.
CREATE FUNCTION credit_payment_v1(p jsonb, p_payment uuid, p_now timestamptz, OUT subscription subscriptions, OUT starts timestamptz,
  OUT stop jsonb) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_invoice record;
  v_subject uuid;
  v_paid timestamptz := from_epoch_ms_v1(p ->> 'paidAtMs');
  v_ends timestamptz := coalesce(from_epoch_ms_v1(p ->> 'expiresAtMs'), v_paid + interval '30 days');
  v_live subscriptions;
  v_is_renewal boolean := (p ->> 'isRenewal')::boolean;
BEGIN
  SELECT * INTO v_invoice FROM invoice_v1(p ->> 'payload');
  v_subject := known_plan_subject_v1(v_invoice.subject);
  stop := '[]';
  starts := v_paid;
  SELECT s.* INTO v_live FROM subscriptions s
  WHERE s.source = 'stars' AND (s.user_id = v_subject OR s.guild_id = v_subject) AND s.status IN ('active', 'cancelled', 'past_due')
  FOR UPDATE;
  IF v_live.plan <> (v_invoice.plan).code THEN
    IF in_force_v1(v_live, p_now) AND (v_is_renewal OR (SELECT c.position FROM plans c WHERE c.code = v_live.plan AND c.version = v_live.version)
      > (v_invoice.plan).position) THEN
      stop := jsonb_build_array(jsonb_build_object('payer', p -> 'payer', 'chargeId', coalesce(CASE WHEN v_is_renewal THEN (
        SELECT s.external_id FROM subscriptions s WHERE s.source = 'stars' AND s.payload = p ->> 'payload' AND s.payer = p ->> 'payer'
        ORDER BY s.started_at DESC LIMIT 1) END, p ->> 'chargeId')));
      RETURN;
    END IF;
    UPDATE subscriptions SET status = 'ended', ended_at = least(p_now, subscription_end_v1(v_live)), told_at = p_now WHERE id = v_live.id;
    stop := jsonb_build_array(jsonb_build_object('payer', v_live.payer, 'chargeId', v_live.external_id));
    v_live := NULL;
  END IF;

  IF v_live.id IS NULL THEN
    INSERT INTO subscriptions (user_id, guild_id, plan, version, source, status, started_at, period_start, period_end, grace_until,
      external_id, payer, payload, told_at)
    VALUES (CASE v_invoice.subject ->> 'kind' WHEN 'user' THEN v_subject END, CASE v_invoice.subject ->> 'kind' WHEN 'guild' THEN v_subject END,
      (v_invoice.plan).code, (v_invoice.plan).version, 'stars', 'active', v_paid, v_paid, v_ends, v_ends + interval '3 days',
      p ->> 'chargeId', p ->> 'payer', p ->> 'payload', p_now)
    RETURNING * INTO subscription;
  ELSIF v_is_renewal AND v_live.payload = p ->> 'payload' THEN
    starts := greatest(v_paid, v_live.period_end);
    v_ends := coalesce(from_epoch_ms_v1(p ->> 'expiresAtMs'), starts + interval '30 days');
    UPDATE subscriptions SET status = 'active', period_start = starts, period_end = greatest(period_end, v_ends),
      grace_until = greatest(period_end, v_ends) + interval '3 days', told_at = p_now
    WHERE id = v_live.id RETURNING * INTO subscription;
  ELSE -- Paid once more: both are credited, one after the other, and only one goes on.
    starts := greatest(v_paid, v_live.period_end);
    stop := jsonb_build_array(jsonb_build_object('payer', v_live.payer, 'chargeId', v_live.external_id));
    UPDATE subscriptions SET status = 'active', version = (v_invoice.plan).version, period_start = starts,
      period_end = starts + (v_ends - v_paid), grace_until = starts + (v_ends - v_paid) + interval '3 days',
      external_id = p ->> 'chargeId', payer = p ->> 'payer', payload = p ->> 'payload', told_at = p_now
    WHERE id = v_live.id RETURNING * INTO subscription;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM plans c WHERE c.code = subscription.plan AND c.is_current AND c.is_offered) THEN
    stop := stop || jsonb_build_object('payer', subscription.payer, 'chargeId', subscription.external_id);
  END IF;
END $$;
--> statement-breakpoint
-- Takes down a payment, once by its charge, and credits what it is for. What fits nothing stays on record, to be given back.
CREATE FUNCTION plan_pay_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_platform text := split_part(p ->> 'payer', ':', 1);
  v_flaw text := payment_flaw_v1(p);
  v_invoice record;
  v_payment payments;
  v_credit record;
  v_outcome jsonb;
BEGIN
  SELECT NULL::subscriptions AS subscription, NULL::timestamptz AS starts, '[]'::jsonb AS stop INTO v_credit;
  SELECT * INTO v_invoice FROM invoice_v1(p ->> 'payload');
  PERFORM lock_plan_v1(CASE WHEN v_flaw IS NULL THEN v_invoice.subject ELSE jsonb_build_object('kind', 'user', 'id', p -> 'payer') END);
  -- Where the platform does not tell, it is one if this invoice began a subscription that goes on. After a failed charge the same
  -- invoice can be paid anew, and nothing tells which it was: then the later payment is the one that can be stopped.
  p := p || jsonb_build_object('isRenewal', coalesce((p ->> 'isRenewal')::boolean, EXISTS (SELECT 1 FROM subscriptions s
    WHERE s.payload = p ->> 'payload' AND s.payer = p ->> 'payer' AND s.status = 'active')));
  SELECT * INTO v_payment FROM payments y WHERE y.platform = v_platform AND y.charge_id = p ->> 'chargeId';
  IF v_payment.id IS NULL THEN
    INSERT INTO payments (platform, charge_id, user_id, plan, version, amount, currency, state, is_renewal, paid_at, outcome)
    VALUES (v_platform, p ->> 'chargeId', known_plan_subject_v1(jsonb_build_object('kind', 'user', 'id', p -> 'payer')),
      (v_invoice.plan).code, (v_invoice.plan).version, (p ->> 'amount')::bigint, p ->> 'currency', 'unassigned',
      (p ->> 'isRenewal')::boolean, from_epoch_ms_v1(p ->> 'paidAtMs'), '{}')
    ON CONFLICT (platform, charge_id) DO NOTHING RETURNING * INTO v_payment;
    IF v_payment.id IS NULL THEN -- Another one was told of it at this moment, as something else.
      SELECT * INTO v_payment FROM payments y WHERE y.platform = v_platform AND y.charge_id = p ->> 'chargeId';
    END IF;
  END IF;
  IF v_payment.outcome <> '{}' THEN
    RETURN v_payment.outcome || CASE v_payment.outcome ->> 'kind' WHEN 'credited' THEN '{"kind": "known"}' ELSE '{"isKnown": true}' END::jsonb;
  END IF;

  IF v_flaw IS NULL THEN
    SELECT * INTO v_credit FROM credit_payment_v1(p, v_payment.id, v_now);
    v_flaw := CASE WHEN (v_credit.subscription).id IS NULL THEN 'has_better' END;
  END IF;
  v_outcome := CASE WHEN v_flaw IS NOT NULL THEN
      jsonb_build_object('kind', 'unassigned', 'reason', v_flaw, 'isKnown', false, 'stopRenewal', v_credit.stop)
    ELSE jsonb_build_object('kind', 'credited', 'subject', v_invoice.subject, 'plan', (v_invoice.plan).code, 'planName', (v_invoice.plan).name,
      'isRenewal', v_payment.is_renewal, 'endsAtMs', epoch_ms_v1((v_credit.subscription).period_end), 'stopRenewal', v_credit.stop) END;
  UPDATE payments SET outcome = v_outcome, state = CASE WHEN v_flaw IS NULL THEN 'paid' ELSE 'unassigned' END,
    subscription_id = (v_credit.subscription).id, period_start = CASE WHEN v_flaw IS NULL THEN v_credit.starts END,
    period_end = (v_credit.subscription).period_end
  WHERE id = v_payment.id;
  PERFORM audit_plan_v1(p ->> 'payer', CASE WHEN v_flaw IS NULL THEN 'plan.paid' ELSE 'plan.payment_unassigned' END,
    coalesce(v_invoice.subject, jsonb_build_object('kind', 'user', 'id', p -> 'payer')), NULL,
    jsonb_build_object('plan', (v_invoice.plan).code, 'version', (v_invoice.plan).version, 'amount', p -> 'amount', 'currency', p -> 'currency'),
    jsonb_strip_nulls(jsonb_build_object('payment', v_payment.id, 'reason', v_flaw, 'endsAtMs', v_outcome -> 'endsAtMs')), v_now);
  RETURN v_outcome;
END $$;
--> statement-breakpoint
-- The first payments by which the platform is told not to charge again, after a payment was given back: what goes on is left alone.
CREATE FUNCTION stopped_by_refund_v1(p_payment payments, p_payer text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('payer', c.payer, 'chargeId', c.charge)), '[]')
  FROM (
    SELECT s.payer, s.external_id AS charge FROM subscriptions s
    WHERE s.id = p_payment.subscription_id AND s.status NOT IN ('active', 'past_due')
    UNION ALL
    SELECT p_payer, p_payment.charge_id WHERE NOT p_payment.is_renewal AND NOT EXISTS (
      SELECT 1 FROM subscriptions s WHERE s.id = p_payment.subscription_id AND s.external_id = p_payment.charge_id)
  ) c WHERE c.payer IS NOT NULL
$$;
--> statement-breakpoint
-- A payment was given back: what lies ahead of the time that it paid for is taken away again, once.
CREATE FUNCTION plan_refund_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_payment payments;
  v_subscription subscriptions;
  v_ends timestamptz;
BEGIN
  SELECT y.* INTO v_payment FROM payments y LEFT JOIN users u ON u.id = y.user_id
  WHERE y.platform = split_part(p ->> 'payer', ':', 1) AND y.charge_id = p ->> 'chargeId' AND coalesce(u.platform_user_id = p ->> 'payer', true);
  IF v_payment.id IS NULL THEN
    RETURN '{"kind": "unknown_payment"}';
  END IF;
  SELECT * INTO v_subscription FROM subscriptions s WHERE s.id = v_payment.subscription_id;
  PERFORM lock_plan_v1(CASE WHEN v_subscription.id IS NULL THEN jsonb_build_object('kind', 'user', 'id', p -> 'payer')
    ELSE subject_of_subscription_v1(v_subscription) END);
  SELECT * INTO v_payment FROM payments y WHERE y.id = v_payment.id FOR UPDATE;
  IF v_payment.state = 'refunded' THEN
    RETURN jsonb_build_object('kind', 'known', 'stopRenewal', stopped_by_refund_v1(v_payment, p ->> 'payer'));
  END IF;
  UPDATE payments SET state = 'refunded', refunded_at = from_epoch_ms_v1(p ->> 'atMs') WHERE id = v_payment.id;
  SELECT * INTO v_subscription FROM subscriptions s WHERE s.id = v_payment.subscription_id AND s.status IN ('active', 'cancelled', 'past_due')
  FOR UPDATE;
  v_ends := v_subscription.period_end - greatest(interval '0', v_payment.period_end - greatest(v_payment.period_start, v_now));
  IF v_subscription.id IS NOT NULL AND v_ends > v_now AND v_payment.period_end <= v_now THEN
    v_subscription := NULL; -- Its time is over; what is paid now stays.
  ELSIF v_subscription.id IS NOT NULL AND v_ends > v_now AND EXISTS (
    SELECT 1 FROM payments y WHERE y.subscription_id = v_subscription.id AND y.state = 'paid') THEN
    -- Another payment carries it for a while.
    UPDATE subscriptions SET status = 'cancelled', period_end = v_ends, grace_until = NULL, told_at = v_now WHERE id = v_subscription.id;
  ELSIF v_subscription.id IS NOT NULL THEN
    UPDATE subscriptions SET status = 'refunded', ended_at = v_now, told_at = v_now WHERE id = v_subscription.id;
    v_ends := v_now;
  END IF;
  PERFORM audit_plan_v1(coalesce(p ->> 'by', p ->> 'payer'), 'plan.refunded', CASE WHEN v_subscription.id IS NULL THEN
      jsonb_build_object('kind', 'user', 'id', p -> 'payer') ELSE subject_of_subscription_v1(v_subscription) END,
    NULL, NULL, jsonb_build_object('payment', v_payment.id, 'amount', v_payment.amount, 'currency', v_payment.currency), v_now);
  RETURN jsonb_build_object('kind', 'refunded', 'plan', coalesce(v_payment.plan, ''), 'planName',
    coalesce((SELECT c.name FROM plans c WHERE c.code = v_payment.plan AND c.version = v_payment.version), ''),
    'endedAtMs', CASE WHEN v_subscription.id IS NOT NULL THEN epoch_ms_v1(v_ends) END,
    'stopRenewal', stopped_by_refund_v1(v_payment, p ->> 'payer'));
END $$;
--> statement-breakpoint
-- The platform tells that a subscription goes on, is not renewed, or could not be charged. What it told before that counts no more.
CREATE FUNCTION plan_subscription_changed_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_told timestamptz := from_epoch_ms_v1(p ->> 'atMs');
  v_status text := CASE p ->> 'state' WHEN 'cancelled' THEN 'cancelled' WHEN 'failed' THEN 'past_due' ELSE 'active' END;
  v_invoice record;
  v_subscription subscriptions;
  v_changes boolean;
BEGIN
  SELECT * INTO v_invoice FROM invoice_v1(p ->> 'payload');
  PERFORM lock_plan_v1(v_invoice.subject);
  SELECT s.* INTO v_subscription FROM subscriptions s
  WHERE s.source = 'stars' AND s.payload = p ->> 'payload' AND s.payer = p ->> 'payer'
    AND (s.user_id = plan_subject_v1(v_invoice.subject) OR s.guild_id = plan_subject_v1(v_invoice.subject))
  ORDER BY s.status IN ('active', 'cancelled', 'past_due') DESC, s.started_at DESC LIMIT 1 FOR UPDATE;
  IF v_subscription.id IS NULL THEN
    RETURN '{"kind": "unknown"}';
  END IF;
  v_changes := v_subscription.status IN ('active', 'cancelled', 'past_due') AND v_subscription.status <> v_status
    AND v_told >= date_trunc('second', v_subscription.told_at);
  IF v_changes THEN
    UPDATE subscriptions SET status = v_status, told_at = v_told,
      grace_until = CASE v_status WHEN 'cancelled' THEN NULL ELSE period_end + interval '3 days' END
    WHERE id = v_subscription.id RETURNING * INTO v_subscription;
    PERFORM audit_plan_v1(p ->> 'payer', 'plan.' || v_status, v_invoice.subject, NULL,
      jsonb_build_object('plan', v_subscription.plan, 'version', v_subscription.version), '{}', v_now);
  END IF;
  RETURN jsonb_build_object('kind', CASE WHEN v_changes THEN 'changed' ELSE 'unchanged' END, 'plan', v_subscription.plan, 'planName',
    (SELECT c.name FROM plans c WHERE c.code = v_subscription.plan AND c.version = v_subscription.version), 'status', v_subscription.status,
    'endsAtMs', epoch_ms_v1(subscription_end_v1(v_subscription)));
END $$;
--> statement-breakpoint
-- The platform's shop tells of something that it sold. What it took back does not begin again, unless it tells all that there is
-- (`askedAtMs`) and this is among it. What an operator ended never does.
CREATE FUNCTION plan_entitlement_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_plan plans;
  v_subject uuid;
  v_ends timestamptz := from_epoch_ms_v1(p ->> 'endsAtMs');
  v_old subscriptions;
  v_new subscriptions;
  v_is_live boolean;
  v_kind text;
BEGIN
  SELECT c.* INTO v_plan FROM discord_skus k JOIN plans c ON c.code = k.plan AND c.is_current WHERE k.sku = p ->> 'sku';
  PERFORM lock_plan_v1(p -> 'subject');
  SELECT * INTO v_old FROM subscriptions s WHERE s.source = 'shop' AND s.external_id = p ->> 'id' FOR UPDATE;
  IF v_plan.code IS NULL AND v_old.id IS NULL THEN
    RETURN jsonb_build_object('kind', 'unknown_sku', 'sku', p ->> 'sku');
  END IF;
  v_is_live := NOT (p ->> 'isDeleted')::boolean AND coalesce(v_ends > v_now, true);
  v_kind := 'unchanged';
  v_is_live := v_is_live AND v_old.payload IS DISTINCT FROM 'revoked';
  IF v_old.id IS NULL AND v_is_live THEN
    v_subject := known_plan_subject_v1(p -> 'subject');
    INSERT INTO subscriptions (user_id, guild_id, plan, version, source, status, started_at, period_start, period_end, external_id, told_at)
    VALUES (CASE p #>> '{subject,kind}' WHEN 'user' THEN v_subject END, CASE p #>> '{subject,kind}' WHEN 'guild' THEN v_subject END,
      v_plan.code, v_plan.version, 'shop', CASE WHEN v_ends IS NULL THEN 'active' ELSE 'cancelled' END, v_now,
      coalesce(from_epoch_ms_v1(p ->> 'startsAtMs'), v_now), v_ends, p ->> 'id', v_now)
    ON CONFLICT (source, external_id) DO NOTHING RETURNING * INTO v_new;
    v_kind := CASE WHEN v_new.id IS NULL THEN 'unchanged' ELSE 'granted' END;
  ELSIF v_old.status IN ('active', 'cancelled') AND NOT v_is_live THEN
    UPDATE subscriptions SET status = 'ended', ended_at = least(v_now, coalesce(v_ends, v_now)), period_end = v_ends, told_at = v_now
    WHERE id = v_old.id RETURNING * INTO v_new;
    v_kind := 'ended';
  ELSIF v_is_live AND (v_old.status IN ('active', 'cancelled') OR from_epoch_ms_v1(p ->> 'askedAtMs') > v_old.ended_at)
    AND (v_old.period_end IS DISTINCT FROM v_ends OR v_old.status = 'ended' OR v_old.plan IS DISTINCT FROM coalesce(v_plan.code, v_old.plan)) THEN
    UPDATE subscriptions SET status = CASE WHEN v_ends IS NULL THEN 'active' ELSE 'cancelled' END, period_end = v_ends, ended_at = NULL,
      told_at = v_now, plan = coalesce(v_plan.code, plan),
      version = CASE WHEN v_old.plan = v_plan.code OR v_plan.code IS NULL THEN version ELSE v_plan.version END
    WHERE id = v_old.id RETURNING * INTO v_new;
    v_kind := CASE v_old.status WHEN 'ended' THEN 'granted' ELSE 'changed' END;
  END IF;
  IF v_kind <> 'unchanged' THEN
    PERFORM audit_plan_v1('', 'plan.entitlement_' || v_kind, p -> 'subject',
      CASE WHEN v_old.id IS NOT NULL THEN jsonb_build_object('plan', v_old.plan, 'version', v_old.version) END,
      jsonb_build_object('plan', v_new.plan, 'version', v_new.version), jsonb_build_object('entitlement', p -> 'id', 'sku', p -> 'sku'), v_now);
  END IF;
  RETURN jsonb_build_object('kind', v_kind, 'subject', p -> 'subject', 'plan', coalesce(v_new.plan, v_old.plan, v_plan.code));
END $$;
--> statement-breakpoint
-- Ends what a shop sold and does not tell of any more, as it was asked at a moment. Returns how many.
CREATE FUNCTION plan_end_missing_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_asked timestamptz := from_epoch_ms_v1(p ->> 'askedAtMs');
  v_missing subscriptions;
  v_ended int := 0;
BEGIN
  FOR v_missing IN
    SELECT s.* FROM subscriptions s
    WHERE s.source = 'shop' AND s.status IN ('active', 'cancelled') AND s.told_at < v_asked AND NOT p -> 'known' ? s.external_id
    ORDER BY s.id FOR UPDATE
  LOOP
    UPDATE subscriptions SET status = 'ended', ended_at = v_now, told_at = v_now WHERE id = v_missing.id;
    PERFORM audit_plan_v1('', 'plan.entitlement_ended', subject_of_subscription_v1(v_missing),
      jsonb_build_object('plan', v_missing.plan, 'version', v_missing.version), NULL,
      jsonb_build_object('entitlement', v_missing.external_id, 'reason', 'missing'), v_now);
    v_ended := v_ended + 1;
  END LOOP;
  RETURN jsonb_build_object('ended', v_ended);
END $$;
--> statement-breakpoint
-- The outcome of an event that changed plans, kept for its repeat.
CREATE FUNCTION keep_plan_outcome_v1(p jsonb, p_outcome jsonb, p_now timestamptz) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', p_outcome, p_now) RETURNING outcome
$$;
--> statement-breakpoint
CREATE FUNCTION refused_plan_change_v1(p jsonb, p_action text, p_reason text, p_now timestamptz) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM audit_plan_v1(p #>> '{author,id}', p_action || '.refused', p -> 'subject', NULL, NULL,
    jsonb_strip_nulls(jsonb_build_object('reason', p_reason, 'plan', p -> 'plan', 'field', p -> 'field')), p_now);
  RETURN keep_plan_outcome_v1(p, jsonb_build_object('kind', 'refused', 'reason', p_reason), p_now);
END $$;
--> statement-breakpoint
-- What an operator does to a subject's plans, and a person to their own: `grant`, `revoke`, `cancel`. Once by the origin key.
CREATE FUNCTION change_plan_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_does text := p ->> 'does';
  v_until timestamptz := from_epoch_ms_v1(p ->> 'untilMs');
  v_subject uuid;
  v_plan plans;
  v_before jsonb;
  v_changed subscriptions;
  v_outcome jsonb;
BEGIN
  PERFORM lock_plan_v1(p -> 'subject');
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  IF p #>> '{subject,id}' = p #>> '{author,id}' THEN
    PERFORM known_user_v1(p -> 'author', v_now);
  END IF;
  v_subject := plan_subject_v1(p -> 'subject');
  SELECT * INTO v_plan FROM plans c WHERE c.code = p ->> 'plan' AND c.is_current;
  v_outcome := CASE
    WHEN v_subject IS NULL THEN '"unknown_subject"'
    WHEN v_does = 'grant' AND v_plan.code IS NULL THEN '"unknown_plan"'
    WHEN v_does = 'grant' AND v_plan.position = 0 THEN '"plan_is_free"'
    WHEN v_until <= v_now THEN '"in_the_past"'
  END;
  IF v_outcome IS NOT NULL THEN
    RETURN refused_plan_change_v1(p, 'plan.' || v_does, v_outcome #>> '{}', v_now);
  END IF;
  v_before := subscriptions_of_v1(p -> 'subject', v_now);
  IF v_before = '[]' AND v_does <> 'grant' THEN
    RETURN refused_plan_change_v1(p, 'plan.' || v_does, 'nothing_to_end', v_now);
  END IF;

  IF v_does = 'cancel' THEN
    UPDATE subscriptions SET status = 'cancelled', grace_until = NULL, told_at = v_now
    WHERE (user_id = v_subject OR guild_id = v_subject) AND source = 'stars' AND status IN ('active', 'past_due')
    RETURNING * INTO v_changed;
  ELSE
    WITH ended AS (
      -- What a shop goes on telling of does not begin again where an operator ended it: the mark is its payload.
      UPDATE subscriptions SET status = 'ended', ended_at = v_now, told_at = v_now,
        payload = CASE source WHEN 'shop' THEN 'revoked' ELSE payload END
      WHERE (user_id = v_subject OR guild_id = v_subject) AND status IN ('active', 'cancelled', 'past_due')
        AND (v_does = 'revoke' OR source = 'grant')
      RETURNING *
    )
    SELECT e.* INTO v_changed FROM ended e ORDER BY e.started_at DESC LIMIT 1;
  END IF;
  IF v_does = 'grant' THEN
    INSERT INTO subscriptions (user_id, guild_id, plan, version, source, status, started_at, period_start, period_end, told_at)
    VALUES (CASE p #>> '{subject,kind}' WHEN 'user' THEN v_subject END, CASE p #>> '{subject,kind}' WHEN 'guild' THEN v_subject END,
      v_plan.code, v_plan.version, 'grant', CASE WHEN v_until IS NULL THEN 'active' ELSE 'cancelled' END, v_now, v_now, v_until, v_now)
    RETURNING * INTO v_changed;
  ELSIF v_changed.id IS NULL THEN
    RETURN refused_plan_change_v1(p, 'plan.' || v_does, 'nothing_to_end', v_now);
  END IF;
  PERFORM audit_plan_v1(p #>> '{author,id}', 'plan.' || v_does, p -> 'subject', v_before, subscriptions_of_v1(p -> 'subject', v_now), '{}', v_now);
  RETURN keep_plan_outcome_v1(p, jsonb_build_object('kind', 'done', 'subject', p -> 'subject', 'plan', v_changed.plan, 'planName',
    (SELECT c.name FROM plans c WHERE c.code = v_changed.plan AND c.version = v_changed.version), 'version', v_changed.version,
    'endsAtMs', epoch_ms_v1(subscription_end_v1(v_changed))), v_now);
END $$;
--> statement-breakpoint
-- Sells a plan in the platform's shop by the name that it has there.
CREATE FUNCTION assign_sku_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_plan plans;
  v_before jsonb;
  v_outcome jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('plans', 0));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  SELECT * INTO v_plan FROM plans c WHERE c.code = p ->> 'plan' AND c.is_current;
  IF v_plan.code IS NULL OR v_plan.position = 0 THEN
    RETURN refused_plan_change_v1(p, 'plan.sku', CASE WHEN v_plan.code IS NULL THEN 'unknown_plan' ELSE 'plan_is_free' END, v_now);
  END IF;
  SELECT to_jsonb(k) INTO v_before FROM discord_skus k WHERE k.sku = p ->> 'sku';
  INSERT INTO discord_skus (sku, plan, scope, assigned_by, assigned_at)
  VALUES (p ->> 'sku', v_plan.code, p ->> 'scope', p #>> '{author,id}', v_now)
  ON CONFLICT (sku) DO UPDATE SET plan = excluded.plan, scope = excluded.scope, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at;
  PERFORM audit_plan_v1(p #>> '{author,id}', 'plan.sku', NULL, v_before,
    jsonb_build_object('sku', p -> 'sku', 'plan', v_plan.code, 'scope', p -> 'scope'), '{}', v_now);
  RETURN keep_plan_outcome_v1(p, jsonb_build_object('kind', 'done', 'subject', NULL, 'plan', v_plan.code,
    'planName', v_plan.name, 'version', v_plan.version, 'endsAtMs', NULL), v_now);
END $$;
--> statement-breakpoint
-- Makes a new version of a plan, in which one thing is another. Who has the old one keeps it as long as their subscription lasts;
-- what is given or bought from now on, and what everybody has, is the new one.
CREATE FUNCTION edit_plan_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_field text := p ->> 'field';
  v_old plans;
  v_new plans;
  v_before jsonb;
  v_outcome jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('plans', 0));
  SELECT c.outcome INTO v_outcome FROM command_outcomes c WHERE c.origin_key = p ->> 'originKey';
  IF FOUND THEN
    RETURN v_outcome;
  END IF;
  SELECT * INTO v_old FROM plans c WHERE c.code = p ->> 'plan' AND c.is_current;
  v_before := CASE v_field WHEN 'price_usd_cents' THEN to_jsonb(v_old.price_usd_cents) WHEN 'stars' THEN to_jsonb(v_old.telegram_stars)
    WHEN 'is_offered' THEN to_jsonb(v_old.is_offered)
    ELSE (SELECT e.value FROM plan_entitlements e WHERE e.plan = v_old.code AND e.version = v_old.version AND e.feature = v_field) END;
  v_outcome := CASE
    WHEN v_old.code IS NULL THEN '"unknown_plan"'
    WHEN v_old.position = 0 AND v_field IN ('is_offered', 'stars', 'price_usd_cents') THEN '"free_stays_free"'
    WHEN coalesce(v_before, 'null') = p -> 'value' THEN '"unchanged"'
  END;
  IF v_outcome IS NOT NULL THEN
    RETURN refused_plan_change_v1(p, 'plan.edit', v_outcome #>> '{}', v_now);
  END IF;
  UPDATE plans SET is_current = false WHERE code = v_old.code AND version = v_old.version;
  v_new := v_old;
  v_new.version := (SELECT max(c.version) + 1 FROM plans c WHERE c.code = v_old.code);
  v_new.created_at := v_now;
  v_new.created_by := p #>> '{author,id}';
  CASE v_field
    WHEN 'price_usd_cents' THEN v_new.price_usd_cents := (p ->> 'value')::int;
    WHEN 'stars' THEN v_new.telegram_stars := (p ->> 'value')::int;
    WHEN 'is_offered' THEN v_new.is_offered := (p ->> 'value')::boolean;
    ELSE NULL;
  END CASE;
  INSERT INTO plans SELECT v_new.*;
  INSERT INTO plan_entitlements (plan, version, feature, kind, value)
  SELECT e.plan, v_new.version, e.feature, e.kind, CASE e.feature WHEN v_field THEN p -> 'value' ELSE e.value END
  FROM plan_entitlements e WHERE e.plan = v_old.code AND e.version = v_old.version;
  PERFORM audit_plan_v1(p #>> '{author,id}', 'plan.edit', NULL, jsonb_build_object('plan', v_old.code, 'version', v_old.version, v_field, v_before),
    jsonb_build_object('plan', v_old.code, 'version', v_new.version, v_field, p -> 'value'), '{}', v_now);
  RETURN keep_plan_outcome_v1(p, jsonb_build_object('kind', 'edited', 'plan', v_old.code, 'planName', v_old.name, 'version', v_new.version,
    'before', coalesce(v_before, 'null'), 'after', p -> 'value'), v_now);
END $$;
--> statement-breakpoint
-- On record, once for an event: somebody was refused a change.
CREATE FUNCTION refuse_plan_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM audit_plan_v1(p #>> '{author,id}', p ->> 'action', p -> 'subject', NULL, NULL, '{"reason": "not_allowed"}', v_now);
  END IF;
END $$;
--> statement-breakpoint
-- Who is forgotten leaves no name with what they paid.
CREATE FUNCTION forget_payer_v1() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE payments SET outcome = outcome - 'subject' - 'stopRenewal', user_id = NULLIF(user_id, OLD.id),
    subscription_id = CASE WHEN subscription_id IN (SELECT s.id FROM subscriptions s WHERE s.user_id = OLD.id) THEN NULL ELSE subscription_id END
  WHERE user_id = OLD.id OR subscription_id IN (SELECT s.id FROM subscriptions s WHERE s.user_id = OLD.id);
  DELETE FROM subscriptions WHERE user_id = OLD.id;
  UPDATE subscriptions SET payer = NULL, payload = NULL
  WHERE payer = OLD.platform_user_id AND guild_id IS NOT NULL AND status NOT IN ('active', 'cancelled', 'past_due');
  UPDATE audit SET before = NULL, after = NULL WHERE action LIKE 'plan.%' AND OLD.platform_user_id IN (actor, subject);
  RETURN OLD;
END $$;
--> statement-breakpoint
CREATE TRIGGER users_forget_payer BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION forget_payer_v1();
