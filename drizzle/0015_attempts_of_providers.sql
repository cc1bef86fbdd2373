-- Tells the provider that was asked; whoever does not know of it reads on as before.
CREATE OR REPLACE FUNCTION lost_attempts_v1(p_turn turns) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('index', a.index, 'epoch', a.epoch, 'provider', a.provider, 'model', a.model_asked,
    'generationId', a.generation_id, 'startedAtMs', epoch_ms_v1(a.started_at), 'heldNanoUsd', (
      SELECT max(h.nano_usd)::text FROM quota_holds h WHERE h.turn_id = a.turn_id AND h.epoch = a.epoch AND h.attempt = a.index
    )) ORDER BY a.epoch, a.index), '[]')
  FROM attempts a WHERE a.turn_id = p_turn.id AND a.epoch < p_turn.epoch AND a.outcome IS NULL
$$;
