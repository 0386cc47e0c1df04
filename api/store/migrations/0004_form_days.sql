-- Leads per form and day (UTC), so that nobody counts ten million rows to draw a table of them.
-- Rows are only added, each a difference: writers never wait for one another, and the sum is exact whoever writes or
-- deletes. Writer.tidy puts the rows of a form and day together.

CREATE TABLE form_days (
    day     date NOT NULL,
    form_id text COLLATE "C" NOT NULL,
    leads   bigint NOT NULL
);
CREATE INDEX form_days_day ON form_days (day, form_id) INCLUDE (leads);
CREATE INDEX form_days_form ON form_days (form_id, day) INCLUDE (leads);

CREATE FUNCTION count_form_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO form_days (day, form_id, leads)
    SELECT (received_at AT TIME ZONE 'UTC')::date AS day, form_id,
           CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*)
    FROM changed GROUP BY 1, 2;
    RETURN NULL;
END
$$;

CREATE FUNCTION move_form_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO form_days (day, form_id, leads)
    VALUES ((old.received_at AT TIME ZONE 'UTC')::date, old.form_id, -1),
           ((new.received_at AT TIME ZONE 'UTC')::date, new.form_id, 1);
    RETURN NULL;
END
$$;

CREATE FUNCTION count_no_form_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE form_days;
    RETURN NULL;
END
$$;

CREATE TRIGGER form_days_inserted AFTER INSERT ON leads
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_form_days();
CREATE TRIGGER form_days_deleted AFTER DELETE ON leads
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_form_days();
-- A partial lead that is completed may turn out to be another form's.
CREATE TRIGGER form_days_moved AFTER UPDATE OF form_id, received_at ON leads
    FOR EACH ROW WHEN (old.form_id <> new.form_id OR old.received_at <> new.received_at)
    EXECUTE FUNCTION move_form_day();
CREATE TRIGGER form_days_truncated AFTER TRUNCATE ON leads
    FOR EACH STATEMENT EXECUTE FUNCTION count_no_form_days();

INSERT INTO form_days (day, form_id, leads)
SELECT (received_at AT TIME ZONE 'UTC')::date, form_id, count(*) FROM leads GROUP BY 1, 2;
