-- Notes a created part and returns true; false where the claim is over: the part is nobody's then, unless it is noted already,
-- for the answer to an earlier call may have been lost.
CREATE FUNCTION part_sent_v3(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_turn turns;
  v_index int := (p ->> 'index')::int;
  v_id text := p ->> 'platformMessageId';
BEGIN
  SELECT * INTO v_turn FROM turns WHERE id = (p ->> 'turnId')::uuid FOR SHARE;
  IF v_turn.epoch = (p ->> 'epoch')::int THEN
    INSERT INTO reply_parts (turn_id, index, place, platform_message_id, intended_at, sent_at)
    VALUES (reply_id_v1(v_turn), v_index, v_turn.place, v_id, store_now_v1(p), store_now_v1(p))
    ON CONFLICT (turn_id, index) DO UPDATE SET platform_message_id = excluded.platform_message_id, sent_at = excluded.sent_at;
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT 1 FROM reply_parts r WHERE r.turn_id = reply_id_v1(v_turn) AND r.platform_message_id = v_id);
END $$;
