-- name: lock
-- One writer at a time: a request that is sent twice at once is done once.
SELECT pg_advisory_xact_lock(5020791361734392)

-- name: find_added
-- Which note came of a request that was sent before.
SELECT id AS number FROM note_records WHERE username = $1 AND request = $2

-- name: find_withdrawn
SELECT note AS number FROM note_withdrawals WHERE username = $1 AND request = $2

-- name: add_note
INSERT INTO note_records (agent, instrument, time, until, text, username, noted, request)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id

-- name: add_withdrawal
INSERT INTO note_withdrawals (note, time, username, reason, request) VALUES ($1, $2, $3, $4, $5)

-- name: find_notes
-- Those that touch the time, also at its ends; those of the latest time come first.
SELECT
    number, agent || '/' || instrument AS instrument, text, username, withdrawn_by, withdrawn_because,
    (extract(epoch FROM time) * 1000000)::bigint AS at,
    (extract(epoch FROM until) * 1000000)::bigint AS until,
    (extract(epoch FROM noted) * 1000000)::bigint AS noted,
    (extract(epoch FROM withdrawn) * 1000000)::bigint AS withdrawn
FROM notes
WHERE ($1::bigint IS NULL OR number = $1)
    AND ($2::text IS NULL OR agent = $2) AND ($3::text IS NULL OR instrument = $3)
    AND ($4::timestamptz IS NULL OR coalesce(until, time) >= $4) AND ($5::timestamptz IS NULL OR time <= $5)
    AND ($6::bigint IS NULL OR (time, number) < (SELECT known.time, known.id FROM note_records AS known WHERE known.id = $6))
ORDER BY time DESC, number DESC
LIMIT $7
