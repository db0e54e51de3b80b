-- Batches and what was noted of them. Nothing here is ever changed: what was wrong is put right by a further record.

CREATE TABLE batch_names (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    same text NOT NULL UNIQUE,         -- the name as it is compared: in small letters, without variants of characters
    began timestamptz NOT NULL,
    begun_by text NOT NULL
);
CREATE INDEX batch_names_began ON batch_names (began, id);

CREATE TABLE batch_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch bigint NOT NULL REFERENCES batch_names,
    kind text NOT NULL CHECK (kind IN ('started', 'added', 'stage', 'note', 'ended', 'reopened')),
    time timestamptz NOT NULL,         -- when it was so
    noted timestamptz NOT NULL,        -- when somebody said so
    username text NOT NULL,            -- not "user", which is SQL's word for who is connected to the database
    stage text NOT NULL,
    text text NOT NULL,
    request text NOT NULL,             -- the caller's id of it: sent again, it is done once
    UNIQUE (username, request)
);
CREATE INDEX batch_records_batch ON batch_records (batch, id);

CREATE TABLE batch_instruments (
    batch bigint NOT NULL REFERENCES batch_names,
    agent text NOT NULL,
    instrument text NOT NULL,
    record bigint NOT NULL REFERENCES batch_records,   -- which said that it belongs to the batch
    PRIMARY KEY (batch, agent, instrument)
);
CREATE INDEX batch_instruments_agent ON batch_instruments (agent, instrument, batch);

CREATE FUNCTION refuse_change_of_batches() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is only added to; what was wrong is put right by a further record',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER batch_names_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_names
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_batches();
CREATE TRIGGER batch_records_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_records
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_batches();
CREATE TRIGGER batch_instruments_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_instruments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_batches();

-- Whether a batch has ended says what was noted last; which stage it is in, what was marked for the latest time.
CREATE VIEW batch_states AS
SELECT
    batch_names.id,
    batch_names.name,
    batch_names.same,
    batch_names.began,
    batch_names.begun_by,
    CASE WHEN final.kind = 'ended' THEN final.time END AS ended,
    marked.stage,
    marked.time AS stage_since
FROM batch_names
LEFT JOIN LATERAL (
    SELECT kind, time
    FROM batch_records
    WHERE batch_records.batch = batch_names.id AND kind IN ('ended', 'reopened')
    ORDER BY id DESC
    LIMIT 1
) AS final ON true
LEFT JOIN LATERAL (
    SELECT stage, time
    FROM batch_records
    WHERE batch_records.batch = batch_names.id AND kind = 'stage'
    ORDER BY time DESC, id DESC
    LIMIT 1
) AS marked ON true;

-- For people, SQL tools and Grafana: each batch with each of its instruments, to join with readings.
CREATE VIEW batches AS
SELECT
    batch_states.name AS batch,
    batch_instruments.agent,
    batch_instruments.instrument,
    batch_states.began,
    batch_states.ended,
    batch_states.stage,
    batch_states.begun_by
FROM batch_states
JOIN batch_instruments ON batch_instruments.batch = batch_states.id;

CREATE VIEW batch_events AS
SELECT
    batch_names.name AS batch,
    batch_records.kind,
    batch_records.time,
    batch_records.stage,
    batch_records.text,
    batch_records.username,
    batch_records.noted
FROM batch_records
JOIN batch_names ON batch_names.id = batch_records.batch;
