-- name: take_turn
SELECT pg_try_advisory_lock(5020791361734382) AS is_ours

-- name: find_state
SELECT name, until FROM rollups_until

-- name: find_next
-- The first sample from $1 on.
SELECT min(next.time) AS time
FROM channels
CROSS JOIN LATERAL (
    SELECT time FROM samples WHERE samples.channel = channels.id AND time >= $1 ORDER BY time LIMIT 1
) AS next

-- name: promise
-- Waits for loggers that hold the row.
UPDATE rollups_until SET until = $1 WHERE name = 'promised' AND until < $1

-- name: roll_up
INSERT INTO rollups (channel, minute, count, min, max, total)
SELECT channels.id, taken.minute, taken.count, taken.min, taken.max, taken.total
FROM channels
CROSS JOIN LATERAL (
    SELECT date_bin('1 minute', time, 'epoch') AS minute, count(*) AS count, min(value) AS min, max(value) AS max,
        coalesce(sum(value) FILTER (WHERE abs(value) < 1e290), 0) AS total
    FROM samples
    WHERE samples.channel = channels.id AND time >= $1 AND time < $2 AND value IS NOT NULL
    GROUP BY 1
) AS taken
ON CONFLICT (channel, minute) DO UPDATE
SET count = excluded.count, min = excluded.min, max = excluded.max, total = excluded.total

-- name: set_rolled
UPDATE rollups_until SET until = $1 WHERE name = 'rolled'

-- name: roll_up_late
-- What is deleted is what this transaction sees, and it sees the samples that came with it. A minute whose samples retention
-- removed is not counted anew: what came late is added to it, and goes at once, so that it is added once.
WITH taken AS (
    DELETE FROM rollups_late
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM rollups_late LIMIT $1))
    RETURNING channel, minute
), late AS MATERIALIZED (
    SELECT taken.channel, taken.minute, EXISTS (
        SELECT
        FROM channels
        JOIN gap_records ON gap_records.instrument = channels.instrument
        WHERE channels.id = taken.channel AND gap_records.reason = 'removed by retention'
            AND gap_records.since < taken.minute + INTERVAL '1 minute' AND gap_records.until >= taken.minute
    ) AS is_gone
    FROM (SELECT DISTINCT channel, minute FROM taken) AS taken
), found AS (
    SELECT late.channel, late.minute, late.is_gone, counted.*
    FROM late
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(value) AS min, max(value) AS max,
            coalesce(sum(value) FILTER (WHERE abs(value) < 1e290), 0) AS total
        FROM samples
        WHERE samples.channel = late.channel AND time >= late.minute AND time < late.minute + INTERVAL '1 minute'
            AND value IS NOT NULL
    ) AS counted
    WHERE counted.count > 0
), made AS (
    INSERT INTO rollups (channel, minute, count, min, max, total)
    SELECT channel, minute, count, min, max, total FROM found WHERE NOT is_gone
    ON CONFLICT (channel, minute) DO UPDATE
    SET count = excluded.count, min = excluded.min, max = excluded.max, total = excluded.total
), added AS (
    INSERT INTO rollups (channel, minute, count, min, max, total)
    SELECT channel, minute, count, min, max, total FROM found WHERE is_gone
    ON CONFLICT (channel, minute) DO UPDATE
    SET count = rollups.count + excluded.count, min = least(rollups.min, excluded.min),
        max = greatest(rollups.max, excluded.max), total = rollups.total + excluded.total
), removed AS (
    DELETE FROM samples
    USING late
    WHERE late.is_gone AND samples.channel = late.channel
        AND samples.time >= late.minute AND samples.time < late.minute + INTERVAL '1 minute'
)
SELECT count(*) AS late FROM taken
