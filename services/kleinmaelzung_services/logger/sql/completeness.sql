-- name: page
-- The instruments of one answer, in an order that does not depend on the server's language.
SELECT id, agent, name
FROM instruments
WHERE ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR name = $2)
    AND ($3::text IS NULL OR (agent COLLATE "C", name COLLATE "C") > ($3, $4))
ORDER BY agent COLLATE "C", name COLLATE "C"
LIMIT $5

-- name: find_runs
-- Each start of an agent, those with holes and then the newest first, with its instrument's sums. Numbers count up from 1,
-- so whatever is below the last one that came, or that the agent says is gone, and did not come is missing. A run of
-- which nothing came at all is known by what the agent says is gone.
WITH told AS (
    SELECT instrument, epoch, range_agg(int8range(first_number, last_number, '[]')) AS numbers, min(noted) AS noted
    FROM gap_records
    WHERE instrument = ANY($1::int[]) AND epoch IS NOT NULL AND first_number <= last_number
    GROUP BY instrument, epoch
), wanted AS (
    SELECT id, instrument, epoch, received, quarantined, first_seen, last_seen
    FROM streams
    WHERE instrument = ANY($1::int[])
), known AS (
    SELECT
        instrument,
        epoch,
        wanted.id AS stream,
        coalesce(wanted.received, '{}') AS received,
        coalesce(wanted.quarantined, '{}') AS quarantined,
        coalesce(told.numbers, '{}') AS told,
        coalesce(least(oldest.time, removed.since), wanted.first_seen, told.noted) AS since,
        coalesce(greatest(newest.time, removed.until), wanted.last_seen, told.noted) AS until
    FROM wanted
    FULL JOIN told USING (instrument, epoch)
    LEFT JOIN LATERAL (
        SELECT time FROM frames WHERE frames.stream = wanted.id ORDER BY number LIMIT 1
    ) AS oldest ON true
    LEFT JOIN LATERAL (
        SELECT time FROM frames WHERE frames.stream = wanted.id ORDER BY number DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN LATERAL (
        SELECT min(gap_records.since) AS since, max(gap_records.until) AS until
        FROM gap_records
        WHERE reason = 'removed by retention' AND gap_records.instrument = wanted.instrument
            AND gap_records.epoch = wanted.epoch
    ) AS removed ON true
), runs AS (
    SELECT
        known.*,
        lower(received + quarantined) AS first,
        coalesce(upper(received + quarantined + told) - 1, 0) AS last,
        CASE WHEN isempty(received + quarantined + told) THEN '{}'
            ELSE int8multirange(int8range(1, upper(received + quarantined + told))) - received - quarantined
        END AS missing
    FROM known
    WHERE ($2::timestamptz IS NULL OR until >= $2) AND ($3::timestamptz IS NULL OR since <= $3)
), counted AS (
    SELECT
        instrument,
        epoch,
        first,
        last,
        since,
        until,
        (SELECT coalesce(sum(upper(run) - lower(run)), 0) FROM unnest(received) AS run) AS received,
        (SELECT coalesce(sum(upper(run) - lower(run)), 0) FROM unnest(quarantined) AS run) AS quarantined,
        (SELECT coalesce(sum(upper(run) - lower(run)), 0) FROM unnest(missing) AS run) AS missing,
        (SELECT coalesce(sum(upper(run) - lower(run)), 0) FROM unnest(missing * told) AS run) AS explained,
        (SELECT count(*) FROM quarantine WHERE quarantine.stream = runs.stream AND reason = 'conflict') AS conflicts
    FROM runs
)
SELECT
    instrument,
    epoch,
    first,
    last,
    received::bigint,
    quarantined::bigint,
    missing::bigint,
    conflicts,
    (extract(epoch FROM since) * 1000000)::bigint AS since,
    (extract(epoch FROM until) * 1000000)::bigint AS until,
    count(*) OVER of_instrument AS runs,
    least(sum(last) OVER of_instrument, 9223372036854775807)::bigint AS all_expected,
    least(sum(received) OVER of_instrument, 9223372036854775807)::bigint AS all_received,
    least(sum(quarantined) OVER of_instrument, 9223372036854775807)::bigint AS all_quarantined,
    least(sum(missing) OVER of_instrument, 9223372036854775807)::bigint AS all_missing,
    least(sum(explained) OVER of_instrument, 9223372036854775807)::bigint AS all_explained,
    least(sum(conflicts) OVER of_instrument, 9223372036854775807)::bigint AS all_conflicts,
    row_number() OVER (
        PARTITION BY instrument ORDER BY missing + quarantined = 0, counted.since DESC, epoch
    ) AS place
FROM counted
WINDOW of_instrument AS (PARTITION BY instrument)
ORDER BY place, instrument
LIMIT $4

-- name: find_ranges
-- What is missing or in quarantine of these runs, which come newest first. Of two reasons for one number the one that was
-- told first counts.
WITH wanted AS (
    SELECT wanted.instrument, wanted.epoch, wanted.position, streams.id AS stream,
        coalesce(streams.received, '{}') AS received, coalesce(streams.quarantined, '{}') AS quarantined
    FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS wanted (instrument, epoch, position)
    LEFT JOIN streams USING (instrument, epoch)
), told AS (
    SELECT instrument, epoch, reason, detail, min(gap_records.id) AS id,
        range_agg(int8range(first_number, last_number, '[]')) AS numbers
    FROM gap_records
    JOIN wanted USING (instrument, epoch)
    WHERE first_number <= last_number
    GROUP BY instrument, epoch, reason, detail
), reasons AS (
    SELECT
        instrument,
        epoch,
        reason,
        detail,
        numbers - coalesce(range_agg(numbers) OVER earlier, '{}') AS numbers
    FROM told
    WINDOW earlier AS (
        PARTITION BY instrument, epoch ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
), explained AS (
    SELECT instrument, epoch, range_agg(numbers) AS numbers FROM told GROUP BY instrument, epoch
), runs AS (
    SELECT wanted.*, coalesce(explained.numbers, '{}') AS told,
        CASE WHEN isempty(received + quarantined + coalesce(explained.numbers, '{}')) THEN '{}'
            ELSE int8multirange(int8range(1, upper(received + quarantined + coalesce(explained.numbers, '{}'))))
                - received - quarantined
        END AS missing
    FROM wanted
    LEFT JOIN explained USING (instrument, epoch)
), ranges AS (
    SELECT instrument, epoch, position, 'missing' AS kind, reason, detail, part.numbers
    FROM runs
    JOIN reasons USING (instrument, epoch)
    CROSS JOIN LATERAL unnest(runs.missing * reasons.numbers) AS part (numbers)
    UNION ALL
    SELECT instrument, epoch, position, 'missing', '', '', part.numbers
    FROM runs
    CROSS JOIN LATERAL unnest(missing - told) AS part (numbers)
    UNION ALL
    SELECT instrument, epoch, position, 'quarantined', coalesce(kept.reason, ''), coalesce(kept.detail, ''),
        part.numbers
    FROM runs
    CROSS JOIN LATERAL unnest(quarantined) AS part (numbers)
    LEFT JOIN LATERAL (
        SELECT reason, detail
        FROM quarantine
        WHERE quarantine.stream = runs.stream AND reason <> 'conflict'
            AND number BETWEEN lower(part.numbers) AND upper(part.numbers) - 1
        ORDER BY number
        LIMIT 1
    ) AS kept ON true
)
SELECT
    instrument,
    position,
    kind,
    reason,
    detail,
    lower(numbers) AS first,
    upper(numbers) - 1 AS last,
    count(*) OVER (PARTITION BY instrument) AS ranges,
    row_number() OVER (PARTITION BY instrument ORDER BY position, lower(numbers) DESC) AS place
FROM ranges
ORDER BY place, instrument
LIMIT $3

-- name: find_gaps
-- Times in which nothing was taken, newest first; numbers that are gone are ranges. What was removed on purpose did come, so
-- it is a time too.
SELECT
    instruments.id AS instrument,
    gaps.reason,
    CASE WHEN gaps.reason = 'removed by retention'
        THEN format('frames %s to %s; what is left of them are the minutes', gaps.first_number, gaps.last_number)
        ELSE gaps.detail END AS detail,
    (extract(epoch FROM gaps.since) * 1000000)::bigint AS since,
    (extract(epoch FROM gaps.until) * 1000000)::bigint AS until,
    count(*) OVER (PARTITION BY instruments.id) AS gaps,
    row_number() OVER (
        PARTITION BY instruments.id ORDER BY coalesce(gaps.since, gaps.noted) DESC
    ) AS place
FROM instruments
JOIN gaps ON gaps.agent = instruments.agent AND gaps.instrument = instruments.name
WHERE instruments.id = ANY($1::int[])
    AND (
        gaps.reason = 'removed by retention'
        OR NOT coalesce(gaps.epoch IS NOT NULL AND gaps.first_number <= gaps.last_number, false)
    )
    AND ($2::timestamptz IS NULL OR gaps.until IS NULL OR gaps.until >= $2)
    AND ($3::timestamptz IS NULL OR gaps.since IS NULL OR gaps.since <= $3)
ORDER BY place, instrument
LIMIT $4
