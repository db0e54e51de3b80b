-- name: find_instruments
SELECT known.id, known.agent, known.name
FROM unnest($1::text[], $2::text[]) AS wanted (agent, name)
JOIN instruments AS known USING (agent, name)

-- name: add_instruments
INSERT INTO instruments (agent, name)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING

-- name: find_channels
SELECT known.id, known.instrument, known.name, known.unit
FROM unnest($1::int[], $2::text[], $3::text[]) AS wanted (instrument, name, unit)
JOIN channels AS known USING (instrument, name, unit)

-- name: add_channels
INSERT INTO channels (instrument, name, unit)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING

-- name: find_streams
SELECT known.id, known.instrument, known.epoch
FROM unnest($1::int[], $2::bigint[]) AS wanted (instrument, epoch)
JOIN streams AS known USING (instrument, epoch)

-- name: add_streams
INSERT INTO streams (instrument, epoch)
SELECT * FROM unnest($1::int[], $2::bigint[])
ON CONFLICT DO NOTHING

-- name: lock_streams
-- In the order of ids, so that two loggers wait for each other and never dead-lock. Gives what is already known of the
-- numbers that are offered.
WITH locked AS MATERIALIZED (
    SELECT id, received + quarantined AS known FROM streams WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE
), offered AS (
    SELECT stream, range_agg(int8range(first, last, '[]')) AS numbers
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS run (stream, first, last)
    GROUP BY stream
)
SELECT locked.id, locked.known * offered.numbers AS known
FROM locked
JOIN offered ON offered.stream = locked.id

-- name: find_same
-- Positions of repeats that are stored with the same bytes. The bounds of time spare the other chunks.
SELECT offered.position
FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::bytea[])
    WITH ORDINALITY AS offered (stream, number, time, payload, position)
JOIN frames USING (stream, number, time)
WHERE frames.payload = offered.payload AND frames.time BETWEEN $5::timestamptz AND $6::timestamptz

-- name: find_stored
-- Of repeats that are not the same: positions of those whose number is stored with other bytes. The rest is gone
-- from `frames` by retention, or never got there (quarantine).
SELECT DISTINCT offered.position
FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS offered (stream, number, position)
JOIN frames USING (stream, number)

-- name: list_stored
-- Of an agent's instruments: numbers that came, or are known to be lost, of runs $2 and of those heard of in the last $3 s.
WITH told AS (
    SELECT gap_records.instrument, epoch, range_agg(int8range(first_number, last_number, '[]')) AS numbers
    FROM gap_records
    JOIN instruments ON instruments.id = gap_records.instrument
    WHERE agent = $1 AND epoch IS NOT NULL AND first_number <= last_number
    GROUP BY gap_records.instrument, epoch
)
SELECT instruments.name, streams.epoch, received + quarantined + coalesce(told.numbers, '{}') AS numbers
FROM instruments
JOIN streams ON streams.instrument = instruments.id
LEFT JOIN told ON told.instrument = instruments.id AND told.epoch = streams.epoch
WHERE agent = $1 AND (streams.epoch = ANY($2::bigint[]) OR last_seen >= now() - make_interval(secs => $3))
ORDER BY last_seen DESC
LIMIT $4

-- name: update_streams
UPDATE streams
SET
    received = streams.received + added.received,
    quarantined = streams.quarantined + added.quarantined - (streams.received + added.received),
    last_seen = now()
FROM (
    SELECT
        stream,
        coalesce(range_agg(int8range(first, last, '[]')) FILTER (WHERE NOT quarantined), '{}') AS received,
        coalesce(range_agg(int8range(first, last, '[]')) FILTER (WHERE quarantined), '{}') AS quarantined
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::boolean[]) AS run (stream, first, last, quarantined)
    GROUP BY stream
) AS added
WHERE streams.id = added.stream

-- name: add_records
INSERT INTO records (stream, number, index, time, kind, record)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::text[], $6::jsonb[])
ON CONFLICT DO NOTHING

-- name: add_gaps
-- A gap in time that is known already learns when it ended; the first word stays. A record that is stored is left alone.
INSERT INTO gap_records (
    stream, number, index, instrument, epoch, first_number, last_number, since, until, reason, detail
)
SELECT told.*
FROM unnest(
    $1::int[], $2::bigint[], $3::smallint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[]
) AS told (stream, number, index, instrument, epoch, first_number, last_number, since, until, reason, detail)
WHERE NOT EXISTS (
    SELECT FROM gap_records AS known
    WHERE known.stream = told.stream AND known.number = told.number AND known.index = told.index
)
ON CONFLICT (instrument, reason, since) WHERE since IS NOT NULL AND first_number IS NULL AND last_number IS NULL
DO UPDATE SET
    until = coalesce(gap_records.until, excluded.until),
    epoch = coalesce(gap_records.epoch, excluded.epoch),
    detail = coalesce(nullif(gap_records.detail, ''), excluded.detail)

-- name: add_alarms
INSERT INTO alarm_records (
    stream, number, index, instrument, alarm, event, time, reason, channel, kind, level, since, value, limit_value,
    unit, cause, detail, acknowledged, username, note
)
SELECT * FROM unnest(
    $1::int[], $2::bigint[], $3::smallint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::double precision[], $14::double precision[],
    $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::text[], $20::text[]
)
ON CONFLICT DO NOTHING

-- name: add_references
INSERT INTO clock_references (boot, since_boot_us, time)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
ON CONFLICT DO NOTHING

-- name: lock_traffic
-- One writer at a time, so that two loggers see each other's rows before they add their own.
SELECT pg_advisory_xact_lock(5020791361734381)

-- name: add_traffic
-- The same bytes at nearly the same time came to two loggers. A retained message that the broker sends at every
-- subscription is news only if it differs from the last one of its topic.
INSERT INTO traffic (received, retained, topic, payload, response_topic, correlation)
SELECT new.*
FROM unnest($1::timestamptz[], $2::boolean[], $3::text[], $4::bytea[], $5::text[], $6::bytea[])
    AS new (received, retained, topic, payload, response_topic, correlation)
WHERE NOT EXISTS (
    SELECT FROM traffic AS old
    WHERE old.topic = new.topic AND old.payload = new.payload
        AND old.received BETWEEN new.received - INTERVAL '500 milliseconds' AND new.received + INTERVAL '500 milliseconds'
) AND (
    NOT new.retained OR new.payload IS DISTINCT FROM (
        SELECT old.payload FROM traffic AS old WHERE old.topic = new.topic ORDER BY old.received DESC LIMIT 1
    )
)

-- name: add_quarantine
INSERT INTO quarantine (received, last_received, topic, reason, detail, stream, number, payload)
VALUES ($1, $1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (topic, reason, digest) DO UPDATE
SET times_seen = quarantine.times_seen + 1,
    last_received = greatest(quarantine.last_received, excluded.last_received)

-- name: lock_ledger
-- The newest entry, held until the commit: taken last of all locks, by all loggers. Rows that somebody else put behind it
-- must not stop us: verifying tells them.
SELECT greatest(number, (SELECT max(ledger.number) FROM ledger)) AS number, hash FROM ledger_head FOR UPDATE

-- name: find_noted
-- Positions of what the ledger has already. A statement of its own, so that it sees what was added while we waited.
SELECT offered.position
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::smallint[])
    WITH ORDINALITY AS offered (agent, instrument, epoch, frame, record, position)
JOIN ledger USING (agent, instrument, epoch, frame, record)
UNION ALL
SELECT offered.position
FROM unnest($1::text[], $2::text[], $3::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
    WITH ORDINALITY AS offered (agent, instrument, epoch, username, command, result, received, position)
JOIN ledger USING (agent, instrument, username, command, result, received)
WHERE offered.epoch IS NULL AND ledger.epoch IS NULL

-- name: add_to_ledger
WITH moved AS (
    UPDATE ledger_head SET number = $24, hash = $25
)
INSERT INTO ledger (
    number, time, agent, instrument, username, origin, command, name, arguments, result, reason, values,
    bytes_out, bytes_in, took_us, received, noted_by, epoch, frame, record, logged, previous, hash
)
SELECT * FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::json[], $10::text[], $11::text[], $12::json[], $13::bytea[], $14::bytea[], $15::bigint[],
    $16::timestamptz[], $17::text[], $18::bigint[], $19::bigint[], $20::smallint[], $21::timestamptz[],
    $22::bytea[], $23::bytea[]
)

-- name: lock_promise
-- Up to when minutes may be rolled up already, held until the commit (docs/decisions/0011).
SELECT (extract(epoch FROM until) * 1000000)::bigint AS until FROM rollups_until WHERE name = 'promised' FOR SHARE

-- name: add_late
INSERT INTO rollups_late (channel, minute) SELECT * FROM unnest($1::int[], $2::timestamptz[])
