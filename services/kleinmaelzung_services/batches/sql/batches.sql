-- name: lock
-- One writer at a time: two that start the same batch at the same moment do so one behind the other.
SELECT pg_advisory_xact_lock(5020791361734390)

-- name: find_request
-- What came of a request that was sent before.
SELECT
    batch_records.id, batch_names.name, batch_names.same, kind,
    (extract(epoch FROM batch_records.time) * 1000000)::bigint AS time,
    (extract(epoch FROM batch_records.noted) * 1000000)::bigint AS noted,
    username, stage, text,
    ARRAY(
        SELECT agent || '/' || instrument FROM batch_instruments WHERE record = batch_records.id ORDER BY 1
    ) AS instruments
FROM batch_records
JOIN batch_names ON batch_names.id = batch_records.batch
WHERE username = $1 AND request = $2

-- name: find_batch
SELECT
    id, name, begun_by,
    (extract(epoch FROM began) * 1000000)::bigint AS began,
    (extract(epoch FROM ended) * 1000000)::bigint AS ended,
    (extract(epoch FROM stage_since) * 1000000)::bigint AS stage_since,
    stage,
    (SELECT count(*) FROM batch_records WHERE batch_records.batch = batch_states.id) AS records,
    ARRAY(
        SELECT agent || '/' || instrument FROM batch_instruments WHERE batch_instruments.batch = batch_states.id
        ORDER BY agent COLLATE "C", instrument COLLATE "C"
    ) AS instruments
FROM batch_states
WHERE same = $1

-- name: add_batch
INSERT INTO batch_names (name, same, began, begun_by) VALUES ($1, $2, $3, $4) RETURNING id

-- name: add_record
INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id

-- name: add_instruments
INSERT INTO batch_instruments (batch, agent, instrument, record)
SELECT $1, agent, instrument, $2 FROM unnest($3::text[], $4::text[]) AS added (agent, instrument)

-- name: find_batches
-- Those that have an instrument under the pattern, with only these; those that began last come first.
SELECT
    id, name, begun_by, stage,
    (extract(epoch FROM began) * 1000000)::bigint AS began,
    (extract(epoch FROM ended) * 1000000)::bigint AS ended,
    ARRAY(
        SELECT agent || '/' || instrument FROM batch_instruments
        WHERE batch_instruments.batch = batch_states.id
            AND ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR instrument = $2)
        ORDER BY agent COLLATE "C", instrument COLLATE "C"
    ) AS instruments
FROM batch_states
WHERE EXISTS (
        SELECT FROM batch_instruments
        WHERE batch_instruments.batch = batch_states.id
            AND ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR instrument = $2)
    )
    AND ($3::text IS NULL OR same = $3)
    AND (NOT $4::boolean OR ended IS NULL)
    AND ($5::bigint IS NULL OR (began, id) < (SELECT known.began, known.id FROM batch_names AS known WHERE known.id = $5))
ORDER BY began DESC, id DESC
LIMIT $6

-- name: find_events
-- What was noted of a batch, in the order in which it was.
SELECT
    id, kind, username, stage, text,
    (extract(epoch FROM time) * 1000000)::bigint AS time,
    (extract(epoch FROM noted) * 1000000)::bigint AS noted,
    ARRAY(
        SELECT agent || '/' || instrument FROM batch_instruments
        WHERE batch_instruments.batch = $1 AND batch_instruments.record = batch_records.id
            AND ($3::text IS NULL OR agent = $3) AND ($4::text IS NULL OR instrument = $4)
        ORDER BY agent COLLATE "C", instrument COLLATE "C"
    ) AS instruments
FROM batch_records
WHERE batch = $1 AND ($2::bigint IS NULL OR id > $2)
ORDER BY id
LIMIT $5
