-- name: take_turn
SELECT pg_try_advisory_lock(5020791361734383) AS is_ours

-- name: find_edition
SELECT edition FROM migrations ORDER BY number LIMIT 1

-- name: find_instruments
SELECT id, agent, name FROM instruments ORDER BY id

-- name: has_batches
SELECT to_regclass('batches') IS NOT NULL AS has_batches

-- name: find_batches
SELECT instruments.id AS instrument, batches.began, batches.ended
FROM batches
JOIN instruments ON instruments.agent = batches.agent AND instruments.name = batches.instrument

-- name: find_rolled
SELECT until FROM rollups_until WHERE name = 'rolled'

-- name: find_next
-- The first sample that may go, of free times of instruments.
SELECT min(next.time) AS time
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until)
JOIN channels ON channels.instrument = free.instrument
CROSS JOIN LATERAL (
    SELECT time
    FROM samples
    WHERE samples.channel = channels.id AND time >= free.since AND time < free.until
    ORDER BY time
    LIMIT 1
) AS next

-- name: is_late
-- Whether something came late in a time and is not rolled up yet.
SELECT EXISTS (SELECT FROM rollups_late WHERE minute >= $1 AND minute < $2) AS is_late

-- name: note_removed
-- What is about to go as gaps: numbers in a row of a run, and their time, joined to what went before. It reaches to the
-- last sample, for a frame's time is its first one's. Gives how many frames these are.
WITH free AS (
    SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until)
), going AS (
    SELECT
        free.instrument, free.since AS part, streams.epoch, frames.number, frames.time,
        frames.number - row_number() OVER (PARTITION BY frames.stream, free.since ORDER BY frames.number) AS island
    FROM free
    JOIN streams ON streams.instrument = free.instrument
    JOIN frames ON frames.stream = streams.id AND frames.time >= free.since AND frames.time < free.until
    WHERE frames.time >= $4 AND frames.time < $5
), islands AS (
    SELECT instrument, part, epoch, min(number) AS first, max(number) AS last, min(time) AS since, max(time) AS until,
        count(*) AS frames
    FROM going
    GROUP BY instrument, part, epoch, island
), ends AS (
    SELECT free.instrument, free.since AS part, max(newest.time) AS until
    FROM free
    JOIN channels ON channels.instrument = free.instrument
    CROSS JOIN LATERAL (
        SELECT time
        FROM samples
        WHERE samples.channel = channels.id AND time >= free.since AND time < free.until
        ORDER BY time DESC
        LIMIT 1
    ) AS newest
    GROUP BY 1, 2
), gone AS (
    SELECT islands.instrument, epoch, first, last, islands.since, frames,
        CASE WHEN islands.until = max(islands.until) OVER (PARTITION BY instrument, part)
            THEN greatest(islands.until, ends.until) ELSE islands.until END AS until
    FROM islands
    LEFT JOIN ends USING (instrument, part)
), before AS (
    DELETE FROM gap_records
    USING (SELECT instrument, epoch, min(first) AS first, max(last) AS last FROM gone GROUP BY 1, 2) AS touched
    WHERE gap_records.reason = 'removed by retention' AND gap_records.instrument = touched.instrument
        AND gap_records.epoch = touched.epoch
        AND gap_records.last_number >= touched.first - 1 AND gap_records.first_number <= touched.last + 1
    RETURNING gap_records.instrument, gap_records.epoch, first_number AS first, last_number AS last, since, until
), parts AS (
    SELECT instrument, epoch, first, last, since, until FROM gone
    UNION ALL
    SELECT * FROM before
), joined AS (
    SELECT instrument, epoch, unnest(range_agg(int8range(first, last, '[]'))) AS numbers FROM parts GROUP BY 1, 2
), noted AS (
    INSERT INTO gap_records (instrument, epoch, first_number, last_number, since, until, reason)
    SELECT joined.instrument, joined.epoch, lower(numbers), upper(numbers) - 1,
        min(parts.since), max(parts.until), 'removed by retention'
    FROM joined
    JOIN parts ON parts.instrument = joined.instrument AND parts.epoch = joined.epoch AND numbers @> parts.first
    GROUP BY joined.instrument, joined.epoch, numbers
)
SELECT coalesce(sum(frames), 0)::bigint AS frames FROM gone

-- name: remove_samples
DELETE FROM samples
USING unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until), channels
WHERE channels.instrument = free.instrument AND samples.channel = channels.id
    AND samples.time >= free.since AND samples.time < free.until AND samples.time >= $4 AND samples.time < $5

-- name: remove_frames
DELETE FROM frames
USING unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until), streams
WHERE streams.instrument = free.instrument AND frames.stream = streams.id
    AND frames.time >= free.since AND frames.time < free.until AND frames.time >= $4 AND frames.time < $5

-- name: remove_traffic
WITH gone AS (
    DELETE FROM traffic
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM traffic WHERE received < $1 LIMIT $2))
    RETURNING 1
)
SELECT count(*) AS rows FROM gone

-- name: find_first_rollup
SELECT min(next.minute) AS time
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until)
JOIN channels ON channels.instrument = free.instrument
CROSS JOIN LATERAL (
    SELECT minute
    FROM rollups
    WHERE rollups.channel = channels.id AND minute >= free.since AND minute < free.until
    ORDER BY minute
    LIMIT 1
) AS next

-- name: remove_rollups
DELETE FROM rollups
USING unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS free (instrument, since, until), channels
WHERE channels.instrument = free.instrument AND rollups.channel = channels.id
    AND rollups.minute >= free.since AND rollups.minute < free.until

-- name: find_chunks
-- A hypertable's chunks that end by then, the oldest first.
SELECT format('%I.%I', chunk_schema, chunk_name) AS name, range_start AS since, range_end AS until
FROM timescaledb_information.chunks
WHERE hypertable_schema = current_schema() AND hypertable_name = $1 AND range_end <= $2
ORDER BY range_start

-- name: drop_chunks
SELECT drop_chunks($1::text::regclass, older_than => $3::timestamptz, newer_than => $2::timestamptz)

-- name: compress_chunks
-- The community edition only. One chunk at a time: it is locked meanwhile.
SELECT compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass, true)
FROM timescaledb_information.chunks
WHERE hypertable_schema = current_schema() AND hypertable_name = $1 AND range_end <= $2 AND NOT is_compressed
ORDER BY range_start
LIMIT 1
