-- As before, and with what the guild allows and how the person's choice is meant: `isOwnModel` where the model is theirs,
-- `allowsFallback` where another one may answer in its place, and what else they have chosen for their answers; `allowsSearch`
-- where the guild pays for searches of the web.
CREATE OR REPLACE FUNCTION turn_settings_v1(p_guild uuid, p_user uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  WITH chosen AS (
    SELECT s.scope, s.key, s.value FROM settings s
    WHERE s.key IN ('model', 'locale', 'fallback', 'temperature', 'max_tokens', 'allowed_models', 'allow_search')
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
      'allowedModels', (SELECT c.value FROM chosen c WHERE c.scope = 'guild' AND c.key = 'allowed_models'),
      'allowsSearch', coalesce((SELECT c.value = 'true' FROM chosen c WHERE c.scope = 'guild' AND c.key = 'allow_search'), false))
$$;
--> statement-breakpoint
-- Sets what a person has chosen for themselves; a value of null forgets it. Repeating the origin key changes nothing.
CREATE FUNCTION set_user_settings_v1(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := store_now_v1(p);
  v_user users;
BEGIN
  INSERT INTO command_outcomes (origin_key, outcome, at) VALUES (p ->> 'originKey', '{}', v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  v_user := known_user_v1(p -> 'author', v_now);
  DELETE FROM settings s USING jsonb_each(p -> 'values') v
  WHERE s.scope = 'user' AND s.subject_id = v_user.id AND s.key = v.key AND jsonb_typeof(v.value) = 'null';
  INSERT INTO settings (scope, subject_id, key, value, updated_at, updated_by)
  SELECT 'user', v_user.id, v.key, v.value, v_now, p #>> '{author,id}' FROM jsonb_each(p -> 'values') v
  WHERE jsonb_typeof(v.value) <> 'null'
  ON CONFLICT (scope, subject_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
    updated_by = excluded.updated_by;
END $$;
