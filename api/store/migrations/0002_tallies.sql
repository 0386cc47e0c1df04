-- Counters of leads, so that nobody counts ten million rows once a second.
-- One row a quarter of an hour of received_at, and one ('-infinity') for all leads ever, for each of the transactions
-- that write at once: writers never wait for one another's row. A trigger keeps them exact whoever writes or deletes.

CREATE TABLE tallies (
    bucket         timestamptz NOT NULL,
    shard          smallint NOT NULL,
    leads          bigint NOT NULL,
    last_stored_at timestamptz,
    PRIMARY KEY (bucket, shard)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION tally_leads() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    mine integer := 0;
BEGIN
    -- The first shard that no other transaction writes to; 1952541804 is "tall".
    WHILE mine < 63 AND NOT pg_try_advisory_xact_lock(1952541804, mine) LOOP
        mine := mine + 1;
    END LOOP;
    INSERT INTO tallies AS t (bucket, shard, leads, last_stored_at)
    SELECT bucket, mine, sign * count(*), CASE WHEN sign = 1 THEN max(stored_at) END
    FROM (
        SELECT '-infinity'::timestamptz AS bucket, stored_at FROM changed
        UNION ALL
        SELECT date_bin('15 minutes', received_at, '2000-01-01 00:00:00Z'), stored_at FROM changed
    ) AS each
    GROUP BY bucket
    ORDER BY bucket
    ON CONFLICT (bucket, shard) DO UPDATE
    SET leads = t.leads + excluded.leads,
        last_stored_at = greatest(t.last_stored_at, excluded.last_stored_at);
    RETURN NULL;
END
$$;

CREATE FUNCTION tally_none() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tallies;
    RETURN NULL;
END
$$;

CREATE TRIGGER leads_inserted AFTER INSERT ON leads
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_leads();
CREATE TRIGGER leads_deleted AFTER DELETE ON leads
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_leads();
CREATE TRIGGER leads_truncated AFTER TRUNCATE ON leads
    FOR EACH STATEMENT EXECUTE FUNCTION tally_none();
