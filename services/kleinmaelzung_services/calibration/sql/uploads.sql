-- name: lock
-- One piece at a time: of two that are sent at once none is lost, and no file is put together twice.
SELECT pg_advisory_xact_lock(5020791361734394)

-- name: remove_stale
DELETE FROM calibration_uploads
WHERE (username, sha256) IN (
    SELECT username, sha256 FROM calibration_uploads GROUP BY username, sha256 HAVING max(time) < $1
)

-- name: find_kept
SELECT length(content) AS total FROM calibration_files WHERE sha256 = $1

-- name: find_upload
-- How far a file has come, and how long it was said to be; NULL where nothing has.
SELECT coalesce(sum(length(content)), 0)::int AS have, min(total) AS total
FROM calibration_uploads
WHERE username = $1 AND sha256 = $2

-- name: remove_upload
DELETE FROM calibration_uploads WHERE username = $1 AND sha256 = $2

-- name: remove_older
-- All unfinished ones of a user but $2: the one that is sent now, and those that went on last.
DELETE FROM calibration_uploads
WHERE username = $1 AND sha256 NOT IN (
    SELECT sha256
    FROM calibration_uploads
    WHERE username = $1
    GROUP BY sha256
    ORDER BY sha256 = $3 DESC, max(time) DESC
    LIMIT $2
)

-- name: add_piece
INSERT INTO calibration_uploads (username, sha256, start, total, content, time) VALUES ($1, $2, $3, $4, $5, $6)

-- name: keep
-- Put it together, where it is what it was said to be.
WITH whole AS (
    SELECT string_agg(content, ''::bytea ORDER BY start) AS content
    FROM calibration_uploads
    WHERE username = $1 AND sha256 = $2
)
INSERT INTO calibration_files (sha256, content)
SELECT $2, content FROM whole WHERE sha256(content) = $2
ON CONFLICT (sha256) DO NOTHING
