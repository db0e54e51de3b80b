-- Notes on instruments' time lines. Nothing here is ever changed: a note that was wrong is withdrawn, and both stay.

CREATE TABLE note_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent text NOT NULL,
    instrument text NOT NULL,
    time timestamptz NOT NULL,                    -- when it was so
    until timestamptz CHECK (until > time),       -- NULL: it is of a moment
    text text NOT NULL,
    username text NOT NULL,
    noted timestamptz NOT NULL,                   -- when somebody said so
    request text NOT NULL,                        -- the caller's id of it: sent again, it is done once
    UNIQUE (username, request)
);
CREATE INDEX note_records_instrument ON note_records (agent, instrument, time, id);
CREATE INDEX note_records_time ON note_records (time, id);

CREATE TABLE note_withdrawals (
    note bigint PRIMARY KEY REFERENCES note_records,
    time timestamptz NOT NULL,
    username text NOT NULL,
    reason text NOT NULL,
    request text NOT NULL,
    UNIQUE (username, request)
);

CREATE FUNCTION refuse_change_of_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is only added to; a note that was wrong is withdrawn',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER note_records_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON note_records
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_notes();
CREATE TRIGGER note_withdrawals_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON note_withdrawals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_notes();

-- For people, SQL tools and Grafana.
CREATE VIEW notes AS
SELECT
    note_records.id AS number,
    note_records.agent,
    note_records.instrument,
    note_records.time,
    note_records.until,
    note_records.text,
    note_records.username,
    note_records.noted,
    note_withdrawals.time AS withdrawn,
    note_withdrawals.username AS withdrawn_by,
    note_withdrawals.reason AS withdrawn_because
FROM note_records
LEFT JOIN note_withdrawals ON note_withdrawals.note = note_records.id;
