-- Parts of the schema that the schema files can't say. (`usage` is made PARTITION BY RANGE (at) in the migration before.)
ALTER TABLE "quota_subjects" SET (fillfactor = 50);
--> statement-breakpoint
INSERT INTO "quota_subjects" ("kind", "subject_id") VALUES (0, '00000000-0000-0000-0000-000000000000');
--> statement-breakpoint
-- The net under the monthly partitions; it has rows only while a partition was missing.
CREATE TABLE "usage_default" PARTITION OF "usage" DEFAULT;
--> statement-breakpoint
-- Makes the partitions of this month and of the next two (UTC), and moves rows there that had to wait in the
-- default one. Attaching takes a weaker lock on `usage` than creating in place: bookings go on meanwhile.
CREATE FUNCTION ensure_usage_partitions_v1(p jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_made integer := 0;
  v_first timestamptz;
  v_end timestamptz;
  v_name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ensure_usage_partitions'));
  FOR i IN 0..2 LOOP
    v_first := (date_trunc('month', store_now_v1(p) AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
    v_end := (date_trunc('month', store_now_v1(p) AT TIME ZONE 'UTC') + make_interval(months => i + 1)) AT TIME ZONE 'UTC';
    v_name := 'usage_' || to_char(v_first AT TIME ZONE 'UTC', 'YYYY_MM');
    CONTINUE WHEN to_regclass(v_name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE usage INCLUDING ALL)', v_name);
    EXECUTE format('WITH moved AS (DELETE FROM usage_default WHERE at >= %L AND at < %L RETURNING *)
      INSERT INTO %I SELECT * FROM moved', v_first, v_end, v_name);
    EXECUTE format('ALTER TABLE usage ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_name, v_first, v_end);
    v_made := v_made + 1;
  END LOOP;
  RETURN v_made;
END $$;
