-- name: lock
-- One writer at a time: the chain has no forks, and what was decided on what was read still holds when it is written.
SELECT pg_advisory_xact_lock(5020791361734393)

-- name: find_head
SELECT number, time_us, hash FROM calibration_entries ORDER BY number DESC LIMIT 1

-- name: find_request
-- All entries of a request: they have its time, and no other entry has.
SELECT told.*
FROM calibration_entries AS first
JOIN calibration_entries AS told
    ON told.subject = first.subject AND told.number >= first.number AND told.time_us = first.time_us
WHERE first.username = $1 AND first.request = $2 AND first.request <> ''
ORDER BY told.number

-- name: find_newest
SELECT coalesce(max(number), 0) FROM calibration_log WHERE subject = $1

-- name: find_newest_created
SELECT coalesce(max(number), 0) FROM calibration_log WHERE kind = 'created'

-- name: find_highest_run
-- The count of the newest run of a year.
SELECT max(substr(subject, length($1) + 1)::bigint)
FROM calibration_log
WHERE kind = 'created' AND starts_with(subject, $1) AND substr(subject, length($1) + 1) ~ '^[0-9]{1,15}$'

-- name: find_subject
SELECT * FROM calibration_entries WHERE subject = $1 AND number > $2 ORDER BY number

-- name: find_subject_back
SELECT * FROM calibration_entries WHERE subject = $1 AND ($2::bigint IS NULL OR number < $2) ORDER BY number DESC LIMIT $3

-- name: find_last
-- The newest entry of each subject that begins like this, the newest first.
SELECT *
FROM (
    SELECT DISTINCT ON (subject) * FROM calibration_entries WHERE starts_with(subject, $1) ORDER BY subject, number DESC
) AS last
WHERE $2::bigint IS NULL OR number < $2
ORDER BY number DESC
LIMIT $3

-- name: find_subjects
SELECT DISTINCT subject FROM calibration_log WHERE starts_with(subject, $1) ORDER BY subject

-- name: find_created
SELECT *
FROM calibration_entries
WHERE kind = 'created' AND ($1::bigint IS NULL OR number < $1)
ORDER BY number DESC
LIMIT $2

-- name: find_open_runs
SELECT subject
FROM calibration_log AS first
WHERE kind = 'created' AND NOT EXISTS (
    SELECT FROM calibration_log AS last
    WHERE last.subject = first.subject AND last.kind IN ('issued', 'aborted')
)
ORDER BY number

-- name: find_link
SELECT number, hash FROM calibration_log WHERE number = $1

-- name: find_chain
SELECT *
FROM calibration_entries
WHERE ($1::bigint IS NULL OR number > $1) AND ($2::bigint IS NULL OR number <= $2)
ORDER BY number
LIMIT $3

-- name: find_noted
-- What issued certificates say of the log.
SELECT
    certificate, revision, (details -> 'log' ->> 'number')::bigint AS number, details -> 'log' ->> 'hash' AS hash
FROM certificate_register
WHERE kind = 'issued' AND (details -> 'log' ->> 'number')::bigint > $1
ORDER BY number

-- name: add_entry
INSERT INTO calibration_log (number, time, subject, kind, username, details, request, previous, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: add_file
INSERT INTO calibration_files (sha256, content) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING

-- name: find_file
SELECT content FROM calibration_files WHERE sha256 = $1

-- name: find_file_piece
SELECT substring(content FROM $2::int + 1 FOR $3::int) AS content, length(content) AS total
FROM calibration_files
WHERE sha256 = $1
