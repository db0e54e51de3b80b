-- name: find_instrument
SELECT id FROM instruments WHERE agent = $1 AND name = $2

-- name: find_channels
SELECT id, name, unit FROM channels WHERE instrument = $1 ORDER BY name, id

-- name: find_first
-- When the first sample of these channels was taken, also where only its minute is left.
SELECT min(first.time) AS time
FROM unnest($1::int[]) AS wanted (channel)
CROSS JOIN LATERAL (
    (SELECT time FROM samples WHERE samples.channel = wanted.channel ORDER BY time LIMIT 1)
    UNION ALL
    (SELECT minute FROM rollups WHERE rollups.channel = wanted.channel ORDER BY minute LIMIT 1)
) AS first

-- name: find_samples
-- Of channels that have samples in a time: how many, but no more than $4, and what these are. Null and text in a boolean's
-- row tell what a value is (001_tables.sql). Of times whose samples are removed the minutes tell; only of numbers there are.
WITH gone AS (
    SELECT channels.id AS channel, gap_records.since, gap_records.until
    FROM channels
    JOIN gap_records ON gap_records.instrument = channels.instrument
    WHERE channels.id = ANY($1::int[]) AND gap_records.reason = 'removed by retention'
        AND gap_records.since < $3 AND gap_records.until >= $2
), found AS (
    SELECT
        wanted.channel,
        count(*) AS samples,
        coalesce(bool_or(found.value IS NOT NULL AND found.text IS NULL), false) AS has_numbers,
        coalesce(bool_or(found.value IS NOT NULL AND found.text IS NOT NULL), false) AS has_booleans,
        coalesce(bool_or(found.value IS NULL AND found.text IS NOT NULL), false) AS has_texts
    FROM unnest($1::int[]) AS wanted (channel)
    CROSS JOIN LATERAL (
        SELECT value, text
        FROM samples
        WHERE samples.channel = wanted.channel AND time >= $2 AND time < $3
        ORDER BY time
        LIMIT $4
    ) AS found
    GROUP BY wanted.channel
    UNION ALL
    SELECT gone.channel, sum(left_over.count), true, false, false
    FROM gone
    CROSS JOIN LATERAL (
        SELECT count
        FROM rollups
        WHERE rollups.channel = gone.channel AND minute > greatest(gone.since, $2) - INTERVAL '1 minute'
            AND minute <= gone.until AND minute < $3
        ORDER BY minute
        LIMIT $4
    ) AS left_over
    GROUP BY gone.channel
)
SELECT
    channel,
    least(sum(samples), $4)::bigint AS samples,
    bool_or(has_numbers) AS has_numbers,
    bool_or(has_booleans) AS has_booleans,
    bool_or(has_texts) AS has_texts
FROM found
GROUP BY channel

-- name: find_runs
-- Runs that may have frames in a time, in their order: `time` of a frame is its first sample's, and no frame spans a day.
SELECT
    streams.id, streams.epoch, streams.received,
    first.number AS first, first.time AS since, last.number AS last, last.time AS until
FROM streams
CROSS JOIN LATERAL (
    SELECT number, time FROM frames WHERE stream = streams.id ORDER BY number LIMIT 1
) AS first
CROSS JOIN LATERAL (
    SELECT number, time FROM frames WHERE stream = streams.id ORDER BY number DESC LIMIT 1
) AS last
WHERE streams.instrument = $1 AND first.time < $3 AND last.time > $2::timestamptz - INTERVAL '24 hours'
ORDER BY first.time, streams.id

-- name: find_last
-- The last frame of run $1 that begins before $2, among numbers from $3, which does, to $4: by halves, for within a run time
-- grows with the number. No column tells it, and reading all frames up to there would take a second per million.
WITH RECURSIVE search (low, high) AS (
    SELECT $3::bigint, $4::bigint
    UNION ALL
    SELECT
        CASE WHEN probe.time < $2 THEN probe.number ELSE search.low END,
        CASE WHEN probe.time < $2 THEN search.high ELSE middle.number - 1 END
    FROM search
    CROSS JOIN LATERAL (SELECT search.low + (search.high - search.low + 1) / 2 AS number) AS middle
    LEFT JOIN LATERAL (
        SELECT frames.number, frames.time
        FROM frames
        WHERE stream = $1 AND frames.number BETWEEN middle.number AND search.high
        ORDER BY frames.number
        LIMIT 1
    ) AS probe ON true
    WHERE search.low < search.high
)
SELECT frames.number, frames.time
FROM frames
WHERE stream = $1 AND number = (SELECT max(low) FROM search)

-- name: find_epochs
SELECT id, epoch, received FROM streams WHERE instrument = $1 AND epoch = ANY($2::bigint[])

-- name: count_frames
-- How many numbers of each part of a run have come, and are not removed.
SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint AS frames
FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS part (stream, first, last)
JOIN streams ON streams.id = part.stream
CROSS JOIN LATERAL unnest(
    streams.received * int8multirange(int8range(part.first, part.last, '[]')) - coalesce((
        SELECT range_agg(int8range(first_number, last_number, '[]'))
        FROM gap_records
        WHERE gap_records.reason = 'removed by retention' AND gap_records.instrument = streams.instrument
            AND gap_records.epoch = streams.epoch
    ), '{}')
) AS run

-- name: read_frames
-- In their order, until $7 bytes are full; one more says that it was not the last.
SELECT number, payload
FROM (
    SELECT number, payload, sum(octet_length(payload)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) AS size
    FROM frames
    WHERE stream = $1 AND number BETWEEN $2 AND $3 AND time BETWEEN $4 AND $5
    ORDER BY number
    LIMIT $6
) AS page
WHERE size - octet_length(payload) <= $7
ORDER BY number

-- name: read_buckets
SELECT channel, date_bin($4::interval, time, $5::timestamptz) AS bucket,
    count(value) AS count, min(value) AS min, max(value) AS max,
    coalesce(sum(value) FILTER (WHERE abs(value) < 1e290), 0) AS total
FROM samples
WHERE channel = ANY($1::int[]) AND time >= $2 AND time < $3
GROUP BY channel, bucket

-- name: find_rolled
SELECT until FROM rollups_until WHERE name = 'rolled'

-- name: read_rollups
-- As read_buckets, up to when all is rolled up: whole minutes from their rollups, from the samples those in which a bucket
-- ends or the time begins or ends, and those of which something came late. Of a minute whose samples are removed all counts
-- where it begins.
WITH gone AS (
    SELECT channels.id AS channel, gap_records.since, gap_records.until
    FROM channels
    JOIN gap_records ON gap_records.instrument = channels.instrument
    WHERE channels.id = ANY($1::int[]) AND gap_records.reason = 'removed by retention'
        AND gap_records.since < $3 AND gap_records.until > $2::timestamptz - INTERVAL '1 minute'
), late AS (
    SELECT DISTINCT channel, minute
    FROM rollups_late
    WHERE channel = ANY($1::int[]) AND minute > $2::timestamptz - INTERVAL '1 minute' AND minute < $3
), apart AS (
    SELECT channel, minute FROM late
    UNION
    SELECT channel, date_bin('1 minute', edge, 'epoch')
    FROM unnest($1::int[]) AS wanted (channel)
    CROSS JOIN (
        SELECT generate_series($2::timestamptz, $3::timestamptz, $4::interval) AS edge
        UNION
        SELECT $3
    ) AS edges
    WHERE edge > date_bin('1 minute', edge, 'epoch')
), rest AS (
    SELECT channel, minute
    FROM apart
    WHERE NOT EXISTS (
        SELECT
        FROM gone
        WHERE gone.channel = apart.channel
            AND gone.since < apart.minute + INTERVAL '1 minute' AND gone.until >= apart.minute
    )
), parts AS (
    -- Counted within: so each minute is looked up in the index, whatever the server believes of times.
    SELECT rest.channel, found.*
    FROM rest
    CROSS JOIN LATERAL (
        SELECT date_bin($4::interval, time, $5::timestamptz) AS bucket,
            count(value) AS count, min(value) AS min, max(value) AS max,
            coalesce(sum(value) FILTER (WHERE abs(value) < 1e290), 0) AS total
        FROM samples
        WHERE samples.channel = rest.channel
            AND time >= greatest(rest.minute, $2) AND time < least(rest.minute + INTERVAL '1 minute', $3)
        GROUP BY 1
    ) AS found
    UNION ALL
    SELECT channel, date_bin($4::interval, minute, $5::timestamptz) AS bucket,
        sum(count), min(min), max(max), sum(total)
    FROM rollups
    WHERE channel = ANY($1::int[]) AND minute >= $2 AND minute < $3
        AND NOT EXISTS (SELECT FROM rest WHERE rest.channel = rollups.channel AND rest.minute = rollups.minute)
    GROUP BY channel, bucket
)
SELECT channel, bucket, sum(count)::bigint AS count, min(min) AS min, max(max) AS max, sum(total) AS total
FROM parts
GROUP BY channel, bucket

-- name: read_gone
-- Minutes of buckets narrower than these, where the samples are removed: all counts where a minute begins.
SELECT rollups.channel, date_bin($4::interval, minute, $5::timestamptz) AS bucket,
    sum(count)::bigint AS count, min(min) AS min, max(max) AS max, sum(total) AS total
FROM (
    SELECT DISTINCT channels.id AS channel, generate_series(
        date_bin('1 minute', greatest(gap_records.since, $2), 'epoch'), least(gap_records.until, $3), INTERVAL '1 minute'
    ) AS minute
    FROM channels
    JOIN gap_records ON gap_records.instrument = channels.instrument
    WHERE channels.id = ANY($1::int[]) AND gap_records.reason = 'removed by retention'
        AND gap_records.since < $3 AND gap_records.until >= $2
) AS gone
JOIN rollups USING (channel, minute)
WHERE minute >= $2 AND minute < $3
GROUP BY rollups.channel, bucket

-- name: count_texts
SELECT channel, date_bin($4::interval, time, $5::timestamptz) AS bucket, count(text) AS count
FROM samples
WHERE channel = ANY($1::int[]) AND time >= $2 AND time < $3 AND value IS NULL
GROUP BY channel, bucket
HAVING count(text) > 0

-- name: find_gaps
-- What is missing in a time, newest first: times in which nothing was taken, numbers that are gone and why, and numbers of
-- these runs that did not come and nobody said why. Numbers lie between the frames beside them.
WITH told AS (
    SELECT reason, detail, epoch, first_number, last_number, since, until, noted
    FROM gaps
    WHERE agent = $2 AND instrument = $3
), runs AS (
    SELECT streams.id, streams.epoch,
        int8multirange(int8range(greatest(part.first, 1), part.last, '[]')) - streams.received AS missing
    FROM unnest($6::int[], $7::bigint[], $8::bigint[]) AS part (stream, first, last)
    JOIN streams ON streams.id = part.stream
), unexplained AS (
    SELECT runs.epoch, hole.numbers
    FROM runs
    CROSS JOIN LATERAL unnest(runs.missing - coalesce((
        SELECT range_agg(int8range(told.first_number, told.last_number, '[]'))
        FROM told
        WHERE told.epoch = runs.epoch AND told.first_number <= told.last_number
    ), '{}')) AS hole (numbers)
), all_gaps AS (
    SELECT * FROM told
    UNION ALL
    SELECT '', '', epoch, lower(numbers), upper(numbers) - 1, NULL, NULL, now() FROM unexplained
), placed AS (
    SELECT
        all_gaps.reason, all_gaps.detail, all_gaps.epoch, all_gaps.first_number AS first, all_gaps.last_number AS last,
        CASE WHEN in_numbers THEN coalesce(before.time, after.time, all_gaps.noted) ELSE all_gaps.since END AS since,
        CASE WHEN in_numbers THEN coalesce(after.time, all_gaps.noted) ELSE all_gaps.until END AS until
    FROM all_gaps
    CROSS JOIN LATERAL (
        SELECT all_gaps.since IS NULL AND all_gaps.epoch IS NOT NULL AND all_gaps.first_number IS NOT NULL AS in_numbers
    ) AS kind
    LEFT JOIN streams ON in_numbers AND streams.instrument = $1 AND streams.epoch = all_gaps.epoch
    LEFT JOIN LATERAL (
        SELECT time FROM frames
        WHERE frames.stream = streams.id AND frames.number < all_gaps.first_number
        ORDER BY frames.number DESC LIMIT 1
    ) AS before ON true
    LEFT JOIN LATERAL (
        SELECT time FROM frames
        WHERE frames.stream = streams.id AND frames.number > all_gaps.last_number
        ORDER BY frames.number LIMIT 1
    ) AS after ON true
)
SELECT
    reason, detail, epoch, first, last,
    (extract(epoch FROM since) * 1000000)::bigint AS since,
    (extract(epoch FROM until) * 1000000)::bigint AS until,
    count(*) OVER () AS gaps
FROM placed
WHERE (since IS NULL OR since < $5) AND (until IS NULL OR until >= $4)
ORDER BY since DESC NULLS LAST, first DESC
LIMIT $9

-- name: find_latest
-- The newest value of each channel, instrument by instrument, behind $3 and $4.
SELECT
    page.agent, page.name AS instrument, channels.name AS channel, channels.unit,
    (extract(epoch FROM newest.time) * 1000000)::bigint AS time,
    newest.value, newest.text, newest.quality
FROM (
    SELECT id, agent, name
    FROM instruments
    WHERE ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR name = $2)
        AND ($3::text IS NULL OR (agent, name) > ($3, $4))
    ORDER BY agent, name
    LIMIT $5
) AS page
LEFT JOIN channels ON channels.instrument = page.id
LEFT JOIN LATERAL (
    SELECT time, value, text, quality
    FROM samples
    WHERE samples.channel = channels.id
    ORDER BY time DESC
    LIMIT 1
) AS newest ON true
ORDER BY page.agent, page.name, channels.name, channels.unit

-- name: check
-- Fails where the tables and views are not there yet, or are of an earlier version.
SELECT gaps.agent FROM gaps, channels, streams, frames, samples, rollups_until LIMIT 0
