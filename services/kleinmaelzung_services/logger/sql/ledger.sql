-- name: find_entries
-- Newest first, those before number $7; with $9 also what a gateway guessed and an agent knew better: of a command that it
-- saw, its own record says what became of it.
SELECT
    number,
    (extract(epoch FROM time) * 1000000)::bigint AS time,
    agent, instrument, username, origin, command, name, arguments, result, reason, values,
    bytes_out, bytes_in, took_us,
    (extract(epoch FROM received) * 1000000)::bigint AS received,
    noted_by, epoch, frame, record,
    (extract(epoch FROM logged) * 1000000)::bigint AS logged,
    previous, hash, superseded_by
FROM ledger
CROSS JOIN LATERAL (
    SELECT max(told.number) AS superseded_by
    FROM ledger AS told
    WHERE ledger.epoch IS NULL AND ledger.result IN ('lost', 'expired', 'offline') AND told.epoch IS NOT NULL
        AND (told.command, told.username) = (ledger.command, ledger.username)
        AND (told.agent, told.instrument, told.origin) = (ledger.agent, ledger.instrument, ledger.origin)
) AS known
WHERE ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR instrument = $2)
    AND ($3::text IS NULL OR username = $3) AND ($4::text IS NULL OR result = $4)
    AND ($5::timestamptz IS NULL OR time >= $5) AND ($6::timestamptz IS NULL OR time <= $6)
    AND ($7::bigint IS NULL OR number < $7)
    AND ($9::boolean OR superseded_by IS NULL)
ORDER BY number DESC
LIMIT $8

-- name: find_chain
-- In their order, those behind number $1, each with the bytes of the frame it came in where these are still stored.
SELECT
    number,
    (extract(epoch FROM time) * 1000000)::bigint AS time,
    agent, instrument, username, origin, command, name, arguments, result, reason, values,
    bytes_out, bytes_in, took_us,
    (extract(epoch FROM received) * 1000000)::bigint AS received,
    noted_by, epoch, frame, record,
    (extract(epoch FROM logged) * 1000000)::bigint AS logged,
    previous, hash,
    (
        SELECT frames.payload
        FROM instruments
        JOIN streams ON streams.instrument = instruments.id
        JOIN frames ON frames.stream = streams.id
        WHERE instruments.agent = ledger.agent AND instruments.name = ledger.instrument
            AND streams.epoch = ledger.epoch AND frames.number = ledger.frame
        LIMIT 1
    ) AS payload
FROM ledger
WHERE $1::bigint IS NULL OR number > $1
ORDER BY number
LIMIT $2

-- name: find_head
SELECT number, hash FROM ledger_head

-- name: find_not_noted
-- A command that a frame told of and the ledger has not. EXCEPT reads each table once, however little the server knows of
-- them: NOT EXISTS took more than 20 s for 100 000 commands in a new database.
SELECT agent, instrument, epoch, frame, record
FROM (
    SELECT instruments.agent, instruments.name AS instrument, streams.epoch, records.number AS frame,
        records.index AS record
    FROM records
    JOIN streams ON streams.id = records.stream
    JOIN instruments ON instruments.id = streams.instrument
    WHERE records.kind = 'command'
    EXCEPT
    SELECT agent, instrument, epoch, frame, record FROM ledger WHERE epoch IS NOT NULL
) AS not_noted
ORDER BY agent, instrument, epoch, frame, record
LIMIT 1
