-- The free pool: one row for each account that pays, from which every attempt on a free model takes a place first. Its row is
-- locked after quota subjects, conversation and turn.

-- What may start in a minute: the allowance but for a tenth, which is left for whoever else uses the account.
CREATE FUNCTION free_places_v1(p jsonb) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(1, floor(least((p ->> 'perMinute')::numeric, 1000000) * 0.9))::int
$$;
--> statement-breakpoint
CREATE FUNCTION free_count_v1(p_minute int[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum(n), 0)::int FROM unnest(p_minute) n
$$;
--> statement-breakpoint
-- Counters whose last second was `p_from`, at the second `p_to`. Where the clock has gone back, all that was taken counts as now.
CREATE FUNCTION free_minute_v1(p_minute int[], p_from bigint, p_to bigint) RETURNS int[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_minute IS NULL OR p_to = p_from THEN p_minute
    WHEN p_to < p_from THEN array_fill(0, ARRAY[60]) || free_count_v1(p_minute)
    WHEN p_to - p_from >= 61 THEN array_fill(0, ARRAY[61])
    ELSE p_minute[(p_to - p_from)::int + 1 : 61] || array_fill(0, ARRAY[(p_to - p_from)::int])
  END
$$;
--> statement-breakpoint
CREATE FUNCTION free_day_ends_v1(p_day date) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT (p_day + 1)::timestamp AT TIME ZONE 'UTC'
$$;
--> statement-breakpoint
-- A pool as it is at a moment. A clock that goes back reopens no day.
CREATE FUNCTION free_pool_at_v1(p_pool free_pools, p_at timestamptz) RETURNS free_pools LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_second bigint := floor(extract(epoch FROM p_at))::bigint;
  v_day date := (p_at AT TIME ZONE 'UTC')::date;
BEGIN
  p_pool.minute := free_minute_v1(p_pool.minute, p_pool.second, v_second);
  p_pool.second := v_second;
  IF v_day > p_pool.day THEN
    p_pool.day := v_day;
    p_pool.day_used := 0;
    p_pool.background_used := 0;
  END IF;
  RETURN p_pool;
END $$;
--> statement-breakpoint
-- The row of a pool, locked and as it is at a moment; made where there is none.
CREATE FUNCTION lock_free_pool_v1(p jsonb, OUT pool free_pools, OUT at timestamptz) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO free_pools (payer, provider, day)
  SELECT p ->> 'payer', p ->> 'provider', (store_now_v1(p) AT TIME ZONE 'UTC')::date
  WHERE NOT EXISTS (SELECT 1 FROM free_pools f WHERE f.payer = p ->> 'payer' AND f.provider = p ->> 'provider')
  ON CONFLICT DO NOTHING;
  SELECT f.* INTO pool FROM free_pools f WHERE f.payer = p ->> 'payer' AND f.provider = p ->> 'provider' FOR NO KEY UPDATE;
  at := store_now_v1(p);
  pool := free_pool_at_v1(pool, at);
END $$;
--> statement-breakpoint
CREATE FUNCTION keep_free_pool_v1(p_pool free_pools) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE free_pools SET day = p_pool.day, day_used = p_pool.day_used, background_used = p_pool.background_used,
    day_limit = p_pool.day_limit, day_limit_read_at = p_pool.day_limit_read_at, minute = p_pool.minute, second = p_pool.second,
    minute_rest_until = p_pool.minute_rest_until, day_rest_until = p_pool.day_rest_until, last_subject = p_pool.last_subject,
    last_at = p_pool.last_at, before_at = p_pool.before_at
  WHERE payer = p_pool.payer AND provider = p_pool.provider
$$;
--> statement-breakpoint
-- What one of those who share a pool has taken of its day and of its minute.
CREATE FUNCTION free_share_at_v1(p_pool free_pools, p_subject text) RETURNS free_pool_shares LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_share free_pool_shares;
BEGIN
  SELECT * INTO v_share FROM free_pool_shares s
  WHERE s.payer = p_pool.payer AND s.provider = p_pool.provider AND s.subject = p_subject;
  v_share.minute := coalesce(free_minute_v1(v_share.minute, v_share.second, p_pool.second), array_fill(0, ARRAY[61]));
  v_share.used := CASE v_share.day WHEN p_pool.day THEN v_share.used ELSE 0 END;
  RETURN v_share;
END $$;
--> statement-breakpoint
-- How much of what is left one may take that has `p_own` of it: no more than is then left for others. The last place can't be
-- halved: it is for who has none.
CREATE FUNCTION free_half_v1(p_left int, p_own int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_left = 1 AND p_own = 0 THEN 1 WHEN p_left IS NOT NULL THEN greatest(0, (p_left - p_own) / 2) END
$$;
--> statement-breakpoint
-- Whether somebody else has asked since then.
CREATE FUNCTION free_others_v1(p_pool free_pools, p_subject text, p_since timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(CASE p_pool.last_subject WHEN p_subject THEN p_pool.before_at ELSE p_pool.last_at END >= p_since, false)
$$;
--> statement-breakpoint
-- What one may still take of a day; null where nobody knows how much there is.
CREATE FUNCTION free_day_room_v1(p_pool free_pools, p_share free_pool_shares, p_subject text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN free_others_v1(p_pool, p_subject, free_day_ends_v1(p_pool.day - 1))
    THEN free_half_v1(p_pool.day_limit - p_pool.day_used, p_share.used) ELSE p_pool.day_limit - p_pool.day_used END
$$;
--> statement-breakpoint
CREATE FUNCTION free_refusal_v1(p_reason text, p_is_share boolean, p_retry_at timestamptz, p_at timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('granted', 0, 'reason', p_reason, 'isShare', p_is_share, 'waitMs',
    greatest(1, ceil(extract(epoch FROM p_retry_at - p_at) * 1000))::bigint)
$$;
--> statement-breakpoint
-- Why nobody gets a place of a pool; null where there is one. With the minute goes in how many milliseconds how many are free.
CREATE FUNCTION free_spent_v1(p_pool free_pools, p_places int, p_at timestamptz) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_over int := free_count_v1(p_pool.minute) - p_places;
BEGIN
  IF p_pool.day_rest_until > p_at THEN
    RETURN free_refusal_v1('day', false, p_pool.day_rest_until, p_at);
  ELSIF p_pool.day_used >= p_pool.day_limit THEN
    RETURN free_refusal_v1('day', false, free_day_ends_v1(p_pool.day), p_at);
  -- Longer than that no minute rests, unless the clock has gone back.
  ELSIF p_pool.minute_rest_until > p_at AND p_pool.minute_rest_until <= p_at + interval '2 minutes' THEN
    RETURN free_refusal_v1('rest', false, p_pool.minute_rest_until, p_at);
  ELSIF v_over < 0 THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT free_refusal_v1('minute', false, min(f.at), p_at)
      || jsonb_build_object('frees', jsonb_agg(jsonb_build_array(ceil(extract(epoch FROM f.at - p_at) * 1000)::bigint, f.n) ORDER BY f.at))
    FROM (
      -- An allowance that became smaller: what is over it frees nothing.
      SELECT to_timestamp(p_pool.second + m.i) AS at, least(m.n, sum(m.n) OVER (ORDER BY m.i) - v_over)::int AS n
      FROM unnest(p_pool.minute) WITH ORDINALITY m(n, i) WHERE m.n > 0
    ) f WHERE f.n > 0);
END $$;
--> statement-breakpoint
-- When one who has too much of the minute gets a place again.
CREATE FUNCTION free_share_frees_v1(p_pool free_pools, p_share free_pool_shares, p_places int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT to_timestamp(p_pool.second + min(i)) FROM generate_series(1, 61) i
  WHERE free_half_v1(p_places - free_count_v1(p_pool.minute[i + 1 : 61]), free_count_v1(p_share.minute[i + 1 : 61])) > 0
$$;
--> statement-breakpoint
-- Takes places for one call: `{payer, provider, subject, wanted, perMinute, isBackground}`, at most `wanted` and at least one, or
-- none, and then tells why and when there is one. While others are there, nobody takes more of the day, or of the minute, than
-- is then left. Where the minute is spent, nothing is locked.
CREATE FUNCTION take_free_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_subject text := p ->> 'subject';
  v_places int := free_places_v1(p);
  v_now timestamptz := store_now_v1(p);
  v_locked record;
  v_pool free_pools;
  v_share free_pool_shares;
  v_refusal jsonb;
  v_day int;
  v_minute int;
  v_background int;
  v_granted int;
BEGIN
  SELECT * INTO v_pool FROM free_pools f WHERE f.payer = p ->> 'payer' AND f.provider = p ->> 'provider';
  v_refusal := free_spent_v1(free_pool_at_v1(v_pool, v_now), v_places, v_now);
  -- Where the clock has gone back, the row has to learn of it.
  IF v_refusal IS NOT NULL AND v_pool.second <= extract(epoch FROM v_now) THEN
    RETURN v_refusal;
  END IF;
  v_locked := lock_free_pool_v1(p);
  v_pool := v_locked.pool;
  v_now := v_locked.at;
  v_refusal := free_spent_v1(v_pool, v_places, v_now);
  IF v_refusal IS NOT NULL THEN
    PERFORM keep_free_pool_v1(v_pool);
    RETURN v_refusal;
  END IF;

  v_share := free_share_at_v1(v_pool, v_subject);
  v_minute := v_places - free_count_v1(v_pool.minute);
  IF free_others_v1(v_pool, v_subject, v_now - interval '10 minutes') THEN
    v_minute := free_half_v1(v_minute, free_count_v1(v_share.minute));
  END IF;
  v_day := free_day_room_v1(v_pool, v_share, v_subject);
  IF (p ->> 'isBackground')::boolean THEN
    v_background := CASE WHEN v_pool.day_limit > 50 THEN v_pool.day_limit / 10 - v_pool.background_used ELSE 0 END;
  END IF;
  v_granted := greatest(0, least(greatest(1, (p ->> 'wanted')::int), v_minute, v_day, v_background));
  IF v_pool.last_subject IS DISTINCT FROM v_subject THEN
    v_pool.before_at := v_pool.last_at;
    v_pool.last_subject := v_subject;
  END IF;
  v_pool.last_at := v_now;

  IF v_granted > 0 THEN
    v_pool.minute[61] := v_pool.minute[61] + v_granted;
    v_pool.day_used := v_pool.day_used + v_granted;
    v_pool.background_used := v_pool.background_used + CASE WHEN v_background IS NULL THEN 0 ELSE v_granted END;
    v_share.minute[61] := v_share.minute[61] + v_granted;
    INSERT INTO free_pool_shares (payer, provider, subject, day, used, minute, second, last_at)
    VALUES (v_pool.payer, v_pool.provider, v_subject, v_pool.day, v_granted, v_share.minute, v_pool.second, v_now)
    ON CONFLICT (payer, provider, subject) DO UPDATE SET day = excluded.day, used = v_share.used + v_granted,
      minute = excluded.minute, second = excluded.second, last_at = excluded.last_at;
  END IF;
  PERFORM keep_free_pool_v1(v_pool);
  RETURN CASE
    WHEN v_granted > 0 THEN jsonb_build_object('granted', v_granted, 'second', v_pool.second, 'day', v_pool.day)
    WHEN v_day <= 0 THEN free_refusal_v1('day', true, free_day_ends_v1(v_pool.day), v_now)
    WHEN v_background <= 0 THEN free_refusal_v1('day', true, free_day_ends_v1(v_pool.day), v_now)
    ELSE free_refusal_v1('minute', true, free_share_frees_v1(v_pool, v_share, v_places), v_now)
  END;
END $$;
--> statement-breakpoint
-- Places that nobody used after all: `{payer, provider, subject, granted, second, day}`.
CREATE FUNCTION give_back_free_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := (p ->> 'granted')::int;
  v_locked record;
  v_pool free_pools;
  v_share free_pool_shares;
  v_index bigint;
BEGIN
  v_locked := lock_free_pool_v1(p);
  v_pool := v_locked.pool;
  v_share := free_share_at_v1(v_pool, p ->> 'subject');
  -- What left the minute tells nothing any more; neither where the clock has gone back meanwhile.
  v_index := 61 - (v_pool.second - (p ->> 'second')::bigint);
  IF v_index BETWEEN 1 AND 61 THEN
    v_pool.minute[v_index] := greatest(0, v_pool.minute[v_index] - v_count);
    v_share.minute[v_index] := greatest(0, v_share.minute[v_index] - v_count);
  END IF;
  IF v_pool.day = (p ->> 'day')::date THEN
    v_pool.day_used := greatest(0, v_pool.day_used - v_count);
    v_share.used := greatest(0, v_share.used - v_count);
  END IF;
  PERFORM keep_free_pool_v1(v_pool);
  UPDATE free_pool_shares s SET day = v_pool.day, used = v_share.used, minute = v_share.minute, second = v_pool.second
  WHERE s.payer = v_pool.payer AND s.provider = v_pool.provider AND s.subject = p ->> 'subject';
END $$;
--> statement-breakpoint
-- What the provider tells of an account: `{payer, provider, kind}` and, for `told`, `used` and `limit` of the day; for a refusal,
-- `day` or `minute`, in how many milliseconds (`waitMs`) it serves again.
CREATE FUNCTION correct_free_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_locked record;
  v_pool free_pools;
  v_until timestamptz;
BEGIN
  v_locked := lock_free_pool_v1(p);
  v_pool := v_locked.pool;
  v_now := v_locked.at;
  v_until := v_now + millis_v1(p ->> 'waitMs');
  IF p ->> 'kind' = 'told' THEN
    -- More than there was when it refused: credits were bought.
    IF (p ->> 'limit')::int > greatest(coalesce(v_pool.day_limit, 0), (p ->> 'used')::int) THEN
      v_pool.day_rest_until := NULL;
    END IF;
    v_pool.day_limit := (p ->> 'limit')::int;
    v_pool.day_limit_read_at := v_now;
    -- What was told around midnight may be of the day before.
    IF v_now - free_day_ends_v1(v_pool.day - 1) > interval '1 minute' THEN
      v_pool.day_used := greatest(v_pool.day_used, (p ->> 'used')::int);
    END IF;
  ELSIF p ->> 'kind' = 'day' THEN
    v_pool.day_rest_until := greatest(v_pool.day_rest_until, least(v_until, v_now + interval '24 hours'));
  ELSE
    v_pool.minute_rest_until := greatest(CASE WHEN v_pool.minute_rest_until <= v_now + interval '2 minutes' THEN v_pool.minute_rest_until END,
      least(v_until, v_now + interval '2 minutes'));
  END IF;
  PERFORM keep_free_pool_v1(v_pool);
END $$;
--> statement-breakpoint
-- What is left of the pool that pays for a person, or for them in a guild: `{user, guild, perMinute}`. Null where nothing was
-- ever taken from it.
CREATE FUNCTION free_left_v1(p jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_places int := free_places_v1(p);
  v_user uuid := (SELECT u.id FROM users u WHERE u.platform_user_id = p ->> 'user');
  v_guild uuid := (SELECT g.id FROM guilds g WHERE g.platform_guild_id = p ->> 'guild');
  v_payer text := payer_v1(v_guild, v_user);
  v_subject text := coalesce(v_guild, v_user);
  v_pool free_pools;
  v_share free_pool_shares;
  v_spent jsonb;
  v_resting boolean;
BEGIN
  SELECT * INTO v_pool FROM free_pools f WHERE f.provider = 'openrouter' AND f.payer = CASE v_payer
    WHEN 'user' THEN key_of_v1(NULL, v_user, 'openrouter')::text WHEN 'guild' THEN key_of_v1(v_guild, NULL, 'openrouter')::text
    ELSE 'operator' END;
  IF v_pool.payer IS NULL THEN
    RETURN NULL;
  END IF;
  v_pool := free_pool_at_v1(v_pool, v_now);
  v_share := free_share_at_v1(v_pool, v_subject);
  v_spent := free_spent_v1(v_pool, v_places, v_now);
  v_resting := v_pool.day_rest_until > v_now;
  RETURN jsonb_build_object('payer', v_payer, 'pool', v_pool.payer,
    'minute', jsonb_build_object('limit', v_places,
      'left', CASE WHEN v_spent IS NULL THEN v_places - free_count_v1(v_pool.minute) ELSE 0 END,
      'nextAtMs', CASE WHEN v_spent ->> 'reason' IN ('minute', 'rest') THEN epoch_ms_v1(v_now) + (v_spent ->> 'waitMs')::bigint END),
    'day', CASE WHEN v_pool.day_limit IS NOT NULL OR v_resting THEN jsonb_build_object('limit', v_pool.day_limit,
      'left', CASE WHEN v_resting THEN 0 ELSE greatest(0, v_pool.day_limit - v_pool.day_used) END,
      'ownLeft', CASE WHEN v_resting THEN 0 ELSE greatest(0, free_day_room_v1(v_pool, v_share, v_subject)) END,
      'resetsAtMs', epoch_ms_v1(CASE WHEN v_resting THEN v_pool.day_rest_until ELSE free_day_ends_v1(v_pool.day) END)) END);
END $$;
--> statement-breakpoint
-- Removes shares of former days, and pools of keys that nobody uses any more, at most `limit` of each. Tells whether there are more.
CREATE FUNCTION forget_free_v1(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_before date := (store_now_v1(p) AT TIME ZONE 'UTC')::date - 1;
  v_limit int := (p ->> 'limit')::int;
  v_shares int;
  v_pools int;
BEGIN
  DELETE FROM free_pool_shares WHERE ctid = ANY (ARRAY (
    SELECT s.ctid FROM free_pool_shares s WHERE s.day < v_before LIMIT v_limit));
  GET DIAGNOSTICS v_shares = ROW_COUNT;
  DELETE FROM free_pools WHERE ctid = ANY (ARRAY (
    SELECT f.ctid FROM free_pools f WHERE f.day < v_before AND f.payer <> 'operator' LIMIT v_limit));
  GET DIAGNOSTICS v_pools = ROW_COUNT;
  RETURN greatest(v_shares, v_pools) = v_limit;
END $$;
--> statement-breakpoint
-- As `admit_v3`; a turn that runs, and will ask a free model first, gets its place with it, or is told why there is none.
-- `freePool`: the allowance a minute, and which provider the operator's turns ask first; null for none.
CREATE FUNCTION admit_v4(p jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_verdict jsonb := admit_v3(p);
  v_turn jsonb := v_verdict -> 'turn';
  v_model text := v_turn #>> '{settings,model}';
  v_place jsonb;
BEGIN
  v_place := jsonb_build_object(
    'payer', CASE v_turn ->> 'payer' WHEN 'operator' THEN 'operator' ELSE v_turn #>> '{ownKey,id}' END,
    'provider', CASE v_turn ->> 'payer' WHEN 'operator' THEN p #>> '{freePool,operators}' ELSE 'openrouter' END,
    'subject', coalesce(v_turn #>> '{guild,internalId}', v_turn #>> '{author,internalId}'));
  IF v_verdict ->> 'kind' IS DISTINCT FROM 'run' OR p #>> '{freePool,perMinute}' IS NULL OR v_place ->> 'payer' IS NULL
    OR v_place ->> 'provider' IS NULL OR v_model NOT LIKE '%free' THEN
    RETURN v_verdict;
  END IF;
  RETURN jsonb_set(v_verdict, '{turn,freePlace}', v_place || take_free_v1(v_place || jsonb_build_object('wanted', 1,
    'perMinute', p #> '{freePool,perMinute}', 'isBackground', false, 'nowMs', p -> 'nowMs')));
END $$;
