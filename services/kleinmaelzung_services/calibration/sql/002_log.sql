-- What happened in calibrations, and what is known of standards, instruments and the laboratory: a log that is only added
-- to. Each entry's hash covers its contents and the hash before it, as in certificate_register. And certificates that
-- are withdrawn, with the files that belong to one.

CREATE TABLE calibration_files (
    sha256 bytea PRIMARY KEY,
    content bytea NOT NULL CHECK (sha256(content) = sha256)
);

-- Files that are still on their way, in pieces: nothing of the record, it may be emptied at any time.
CREATE TABLE calibration_uploads (
    username text NOT NULL,
    sha256 bytea NOT NULL,             -- that the whole file is said to have
    start integer NOT NULL,            -- of the piece, in bytes
    total integer NOT NULL,            -- of the whole file
    content bytea NOT NULL,
    time timestamptz NOT NULL,
    PRIMARY KEY (username, sha256, start)
);

CREATE TABLE calibration_log (
    number bigint PRIMARY KEY,         -- 1, 2, 3 ... without a hole
    time timestamptz NOT NULL,
    subject text NOT NULL,             -- 'run:R-2026-0001', 'standard:WS-E2-01', 'item:pi-1/balance', 'laboratory'
    kind text NOT NULL,
    username text NOT NULL,
    details json NOT NULL,             -- json, not jsonb: the hash covers the text
    request text NOT NULL,             -- the caller's id of it: sent again, it is done once; '': no request, or its further entries
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX calibration_log_subject ON calibration_log (subject, number);
CREATE UNIQUE INDEX calibration_log_request ON calibration_log (username, request) WHERE request <> '';
CREATE INDEX calibration_log_created ON calibration_log (number) WHERE kind = 'created';
CREATE INDEX calibration_log_register ON calibration_log (subject, number) WHERE kind IN ('put', 'retired');

-- The log as programs read it: times in µs since 1970, as the hash covers them, also one that was edited to be none.
CREATE VIEW calibration_entries AS
SELECT
    number,
    CASE WHEN isfinite(time) THEN (extract(epoch FROM time) * 1000000)::bigint ELSE 9223372036854775807 END AS time_us,
    subject, kind, username, details, request, previous, hash
FROM calibration_log;

CREATE TABLE certificate_attachments (
    pdf bytea NOT NULL REFERENCES certificate_files,
    name text NOT NULL,                -- 'dcc.xml', 'record.json' and others; the entry's details have its SHA-256
    content bytea NOT NULL,
    PRIMARY KEY (pdf, name)
);

CREATE FUNCTION refuse_change_of_calibrations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what happened stays; what was wrong is put right by a further entry',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER calibration_files_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON calibration_files
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_calibrations();
CREATE TRIGGER calibration_log_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON calibration_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_calibrations();
CREATE TRIGGER certificate_attachments_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_attachments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_certificates();

-- A withdrawal is an entry about the revision that held until then.
ALTER TABLE certificate_register DROP CONSTRAINT certificate_register_kind_check;
ALTER TABLE certificate_register ADD CONSTRAINT certificate_register_kind_check CHECK (kind IN ('issued', 'withdrawn'));
ALTER TABLE certificate_register DROP CONSTRAINT certificate_register_certificate_revision_key;
CREATE UNIQUE INDEX certificate_register_issued ON certificate_register (certificate, revision) WHERE kind = 'issued';
CREATE UNIQUE INDEX certificate_register_withdrawn ON certificate_register (certificate) WHERE kind = 'withdrawn';
-- The head of the log that a certificate names: what is gone from the log before it is noticed.
CREATE INDEX certificate_register_log ON certificate_register (((details -> 'log' ->> 'number')::bigint))
WHERE kind = 'issued';

-- Each revision that was issued, with what is known of it now.
CREATE VIEW certificate_states AS
SELECT
    issued.*,
    CASE
        WHEN gone.number IS NOT NULL THEN 'withdrawn' WHEN later.number IS NOT NULL THEN 'superseded' ELSE 'valid'
    END AS state,
    later.number IS NOT NULL AS is_superseded,
    gone.time AS withdrawn,
    gone.username AS withdrawn_by,
    gone.details ->> 'reason' AS withdrawn_because
FROM certificate_register AS issued
LEFT JOIN certificate_register AS later
    ON later.kind = 'issued' AND later.certificate = issued.certificate AND later.revision = issued.revision + 1
LEFT JOIN certificate_register AS gone ON gone.kind = 'withdrawn' AND gone.certificate = issued.certificate
WHERE issued.kind = 'issued';

-- For people, as before, with what was withdrawn.
CREATE OR REPLACE VIEW certificates AS
SELECT DISTINCT ON (certificate)
    certificate,
    revision,
    time AS issued,
    username AS issued_by,
    item,
    details ->> 'verdict' AS verdict,
    encode(pdf, 'hex') AS sha256,
    details ->> 'serial' AS serial,
    details ->> 'run' AS run,
    withdrawn,
    withdrawn_by,
    withdrawn_because
FROM certificate_states
ORDER BY certificate, revision DESC;

-- The runs, as far as their entries tell it in short: "measuring" is also one that has measured everything.
CREATE VIEW calibration_runs AS
SELECT
    substr(first.subject, 5) AS run,
    first.details -> 'item' ->> 'id' AS instrument,
    first.details -> 'template' ->> 'id' AS template,
    coalesce(CASE step.kind
        WHEN 'created' THEN 'created'
        WHEN 'adjusted' THEN 'adjusting'
        WHEN 'calculated' THEN 'calculated'
        WHEN 'reviewed' THEN CASE WHEN (step.details ->> 'approve')::boolean THEN 'reviewed' ELSE 'measured' END
        WHEN 'issued' THEN 'issued'
        WHEN 'aborted' THEN 'aborted'
    END, 'measuring') AS state,
    first.time AS created,
    first.username AS created_by,
    last.time AS changed,
    certificate.certificate,
    certificate.revision,
    coalesce(certificate.verdict, calculated.verdict) AS verdict,
    certificate.withdrawn,
    first.number AS entry
FROM calibration_log AS first
CROSS JOIN LATERAL (
    SELECT time FROM calibration_log WHERE subject = first.subject ORDER BY number DESC LIMIT 1
) AS last
CROSS JOIN LATERAL (
    SELECT kind, details
    FROM calibration_log
    WHERE subject = first.subject
        AND kind IN ('created', 'began', 'measure_again', 'adjusted', 'calculated', 'reviewed', 'issued', 'aborted')
    ORDER BY number DESC
    LIMIT 1
) AS step
LEFT JOIN LATERAL (
    SELECT details ->> 'verdict' AS verdict
    FROM calibration_log
    WHERE subject = first.subject AND kind = 'calculated'
    ORDER BY number DESC
    LIMIT 1
) AS calculated ON true
LEFT JOIN LATERAL (
    SELECT told.certificate, told.revision, told.withdrawn, told.details ->> 'verdict' AS verdict
    FROM calibration_log AS issued
    JOIN certificate_states AS told ON told.certificate = issued.details ->> 'certificate'
    WHERE issued.subject = first.subject AND issued.kind = 'issued'
    ORDER BY told.revision DESC
    LIMIT 1
) AS certificate ON true
WHERE first.kind = 'created' AND starts_with(first.subject, 'run:');

-- The register as it is now: what was put last.
CREATE VIEW reference_standards AS
SELECT
    substr(put.subject, 10) AS standard,
    put.details -> 'content' ->> 'kind' AS kind,
    put.details -> 'content' ->> 'description' AS description,
    put.details -> 'content' ->> 'maker' AS maker,
    put.details -> 'content' ->> 'serial' AS serial,
    put.details -> 'content' ->> 'accuracy_class' AS accuracy_class,
    put.details -> 'content' ->> 'unit' AS unit,
    put.details -> 'content' -> 'certificate' ->> 'number' AS certificate,
    put.details -> 'content' -> 'certificate' ->> 'laboratory' AS laboratory,
    (put.details -> 'content' -> 'certificate' ->> 'calibrated')::date AS calibrated,
    (put.details -> 'content' -> 'certificate' ->> 'due')::date AS due,
    put.details -> 'content' -> 'certified' AS certified,
    put.details -> 'content' ->> 'location' AS location,
    last.kind = 'retired' AS is_retired,
    last.time AS changed,
    last.username AS changed_by
FROM (
    SELECT DISTINCT ON (subject) *
    FROM calibration_log
    WHERE kind IN ('put', 'retired') AND starts_with(subject, 'standard:')
    ORDER BY subject, number DESC
) AS last
CROSS JOIN LATERAL (
    SELECT subject, details
    FROM calibration_log
    WHERE subject = last.subject AND kind = 'put'
    ORDER BY number DESC
    LIMIT 1
) AS put;

CREATE VIEW calibrated_items AS
SELECT
    substr(put.subject, 6) AS instrument,
    put.details -> 'content' ->> 'instrument_type' AS instrument_type,
    put.details -> 'content' ->> 'maker' AS maker,
    put.details -> 'content' ->> 'model' AS model,
    put.details -> 'content' ->> 'serial' AS serial,
    put.details -> 'content' ->> 'asset' AS asset,
    put.details -> 'content' ->> 'firmware' AS firmware,
    put.details -> 'content' ->> 'location' AS location,
    put.details -> 'content' ->> 'owner' AS owner,
    (put.details -> 'content' ->> 'interval_months')::int AS interval_months,
    (put.details -> 'content' ->> 'is_simulated')::boolean AS is_simulated,
    newest.certificate,
    newest.calibrated,
    (newest.calibrated + coalesce(
        (put.details -> 'content' ->> 'interval_months')::int, newest.interval_months
    ) * INTERVAL '1 month')::date AS due,
    last.kind = 'retired' AS is_retired,
    last.time AS changed,
    last.username AS changed_by
FROM (
    SELECT DISTINCT ON (subject) *
    FROM calibration_log
    WHERE kind IN ('put', 'retired') AND starts_with(subject, 'item:')
    ORDER BY subject, number DESC
) AS last
CROSS JOIN LATERAL (
    SELECT subject, details
    FROM calibration_log
    WHERE subject = last.subject AND kind = 'put'
    ORDER BY number DESC
    LIMIT 1
) AS put
LEFT JOIN LATERAL (
    SELECT
        told.certificate,
        (told.details ->> 'performed')::date AS calibrated,
        (told.details ->> 'interval_months')::int AS interval_months
    FROM certificate_states AS told
    WHERE told.item = substr(put.subject, 6) AND told.state = 'valid' AND told.details ->> 'performed' IS NOT NULL
        AND ((told.details ->> 'specimen')::boolean IS NOT TRUE
            OR (put.details -> 'content' ->> 'is_simulated')::boolean)
    ORDER BY told.details ->> 'performed' DESC, told.number DESC
    LIMIT 1
) AS newest ON true;
