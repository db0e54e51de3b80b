-- Times that can be put right afterwards, and gaps that end.

-- The first sample's moment on the clock that nobody sets: µs since the machine's boot, and which boot that was. One
-- column a statement: a hypertable with compression takes no more.
ALTER TABLE frames ADD COLUMN boot bigint;
ALTER TABLE frames ADD COLUMN since_boot_us bigint;

-- What the time was so long after a boot, from a frame taken with a synchronised clock: one an hour is enough, since a
-- machine's clocks drift apart by less than 0.4 s in it (100 ppm).
CREATE TABLE clock_references (
    boot bigint NOT NULL,
    hour bigint GENERATED ALWAYS AS (since_boot_us / 3600000000) STORED,
    since_boot_us bigint NOT NULL,
    time timestamptz NOT NULL,
    PRIMARY KEY (boot, hour)
);

ALTER TABLE gaps ADD COLUMN detail text NOT NULL DEFAULT '';

-- A gap in time has one row. The record that says how it ended, and the one that said it began, come in any order.
WITH doubled AS (
    SELECT instrument, reason, since, min(id) AS id, max(until) AS until
    FROM gaps
    WHERE since IS NOT NULL AND first_number IS NULL AND last_number IS NULL
    GROUP BY instrument, reason, since
    HAVING count(*) > 1
), ended AS (
    UPDATE gaps SET until = doubled.until FROM doubled WHERE gaps.id = doubled.id
)
DELETE FROM gaps
USING doubled
WHERE gaps.instrument = doubled.instrument AND gaps.reason = doubled.reason AND gaps.since = doubled.since
    AND gaps.first_number IS NULL AND gaps.last_number IS NULL AND gaps.id <> doubled.id;

CREATE UNIQUE INDEX gaps_in_time ON gaps (instrument, reason, since)
WHERE since IS NOT NULL AND first_number IS NULL AND last_number IS NULL;

CREATE INDEX quarantine_stream ON quarantine (stream, number) WHERE stream IS NOT NULL;

-- What is missing and why, as far as somebody said. A gap that lasts has no `until`; where the agent ended before it
-- could say more, the gap lasted until then. An agent that died knows only about when, so what came of that run counts.
CREATE VIEW known_gaps AS
SELECT
    instruments.agent,
    instruments.name AS instrument,
    gaps.reason,
    gaps.epoch,
    gaps.first_number,
    gaps.last_number,
    least(greatest(gaps.since, newest.time), gaps.until) AS since,
    coalesce(gaps.until, ended.since) AS until,
    gaps.detail,
    gaps.noted
FROM gaps
JOIN instruments ON instruments.id = gaps.instrument
LEFT JOIN streams AS died ON gaps.reason = 'agent died'
    AND died.instrument = gaps.instrument AND died.epoch = gaps.epoch
LEFT JOIN LATERAL (
    SELECT time FROM frames WHERE frames.stream = died.id ORDER BY number DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT min(ending.since) AS since
    FROM gaps AS ending
    WHERE ending.instrument = gaps.instrument AND ending.reason IN ('agent off', 'agent died')
        AND ending.since >= gaps.since AND ending.first_number IS NULL AND ending.last_number IS NULL
) AS ended ON gaps.until IS NULL AND gaps.first_number IS NULL AND gaps.reason NOT IN ('agent off', 'agent died')
UNION ALL
SELECT
    instruments.agent,
    instruments.name,
    'logger quarantine',
    streams.epoch,
    lower(run.numbers),
    upper(run.numbers) - 1,
    NULL,
    NULL,
    coalesce(kept.reasons, ''),
    coalesce(kept.received, streams.last_seen)
FROM streams
JOIN instruments ON instruments.id = streams.instrument
CROSS JOIN LATERAL unnest(streams.quarantined) AS run (numbers)
CROSS JOIN LATERAL (
    SELECT string_agg(DISTINCT quarantine.reason, ', ' ORDER BY quarantine.reason) AS reasons,
        min(quarantine.received) AS received
    FROM quarantine
    WHERE quarantine.stream = streams.id AND run.numbers @> quarantine.number
        AND quarantine.number BETWEEN lower(run.numbers) AND upper(run.numbers) - 1
) AS kept;

-- Numbers count up from 1, so everything below the last one that came, or of which the agent says that it is gone, and
-- that did not come is missing. A run of which nothing came is known by what the agent said.
CREATE OR REPLACE VIEW completeness AS
WITH told AS (
    SELECT instrument, epoch, range_agg(int8range(first_number, last_number, '[]')) AS numbers, min(noted) AS noted
    FROM gaps
    WHERE epoch IS NOT NULL AND first_number <= last_number
    GROUP BY instrument, epoch
), runs AS (
    SELECT
        instrument,
        epoch,
        coalesce(received, '{}') AS received,
        coalesce(quarantined, '{}') AS quarantined,
        coalesce(told.numbers, '{}') AS told,
        coalesce(first_seen, told.noted) AS first_seen,
        coalesce(last_seen, told.noted) AS last_seen
    FROM streams
    FULL JOIN told USING (instrument, epoch)
)
SELECT
    instruments.agent,
    instruments.name AS instrument,
    runs.epoch,
    lower(runs.received + runs.quarantined) AS first,
    upper(runs.received + runs.quarantined + runs.told) - 1 AS last,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(runs.received) AS run) AS received,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(runs.quarantined) AS run) AS quarantined,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(missing.numbers) AS run) AS missing,
    missing.numbers AS missing_numbers,
    runs.first_seen,
    runs.last_seen
FROM runs
JOIN instruments ON instruments.id = runs.instrument
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN isempty(runs.received + runs.quarantined + runs.told) THEN '{}'
        ELSE int8multirange(int8range(1, upper(runs.received + runs.quarantined + runs.told)))
            - runs.received - runs.quarantined
    END AS numbers
) AS missing;

-- As readings, with the time put right where the agent's clock was not: a machine without a battery starts in the past,
-- and what it took until it learned the time is shifted by what the clock was later found to be off. µs are counted as
-- integers: an interval of days would be an hour wrong where summer time begins. No frame spans a day; saying so spares
-- the other chunks.
CREATE VIEW corrected_readings AS
SELECT
    samples.time,
    instruments.agent,
    instruments.name AS instrument,
    channels.name AS channel,
    samples.value,
    samples.text,
    channels.unit,
    coalesce(samples.quality, 'good') AS quality,
    samples.time + coalesce(shift.us, 0) * INTERVAL '1 microsecond' AS corrected,
    frames.synchronised,
    shift.us IS NOT NULL AS is_corrected
FROM samples
JOIN channels ON channels.id = samples.channel
JOIN instruments ON instruments.id = channels.instrument
LEFT JOIN frames ON frames.stream = samples.stream AND frames.number = samples.number
    AND frames.time BETWEEN samples.time - INTERVAL '24 hours' AND samples.time + INTERVAL '24 hours'
LEFT JOIN LATERAL (
    SELECT
        (extract(epoch FROM reference.time) * 1000000)::bigint - reference.since_boot_us
        - (extract(epoch FROM frames.time) * 1000000)::bigint + frames.since_boot_us AS us
    FROM clock_references AS reference
    WHERE NOT frames.synchronised AND reference.boot = frames.boot
    ORDER BY abs(reference.since_boot_us - frames.since_boot_us)
    LIMIT 1
) AS shift ON true;
