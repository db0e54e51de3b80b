-- name: find_frames
-- Frames of one run of an instrument's agent, by number. Their time is asked for, too: it spares the other chunks.
SELECT frames.number, frames.payload
FROM instruments
JOIN streams ON streams.instrument = instruments.id
JOIN frames ON frames.stream = streams.id
WHERE instruments.agent = $1 AND instruments.name = $2 AND streams.epoch = $3
    AND frames.number BETWEEN $4 AND $5 AND frames.time BETWEEN $6 AND $7
ORDER BY frames.number

-- name: count_samples
SELECT count(*) AS samples
FROM instruments
JOIN channels ON channels.instrument = instruments.id
JOIN samples ON samples.channel = channels.id
WHERE instruments.agent = $1 AND instruments.name = $2 AND channels.name = $3 AND samples.time BETWEEN $4 AND $5

-- name: find_samples
-- What a channel showed from $4 to $5.
SELECT samples.time, samples.value, samples.quality, channels.unit
FROM instruments
JOIN channels ON channels.instrument = instruments.id
JOIN samples ON samples.channel = channels.id
WHERE instruments.agent = $1 AND instruments.name = $2 AND channels.name = $3 AND samples.time BETWEEN $4 AND $5
ORDER BY samples.time

-- name: find_extremes
-- The same, where that would be too many: of each second and unit the lowest and the highest of the good ones.
SELECT time, value, NULL AS quality, unit
FROM (
    SELECT
        samples.time, samples.value, channels.unit,
        row_number() OVER (PARTITION BY date_trunc('second', samples.time), channels.unit ORDER BY samples.value) AS low,
        row_number() OVER (PARTITION BY date_trunc('second', samples.time), channels.unit ORDER BY samples.value DESC) AS high
    FROM instruments
    JOIN channels ON channels.instrument = instruments.id
    JOIN samples ON samples.channel = channels.id
    WHERE instruments.agent = $1 AND instruments.name = $2 AND channels.name = $3 AND samples.time BETWEEN $4 AND $5
        AND samples.value IS NOT NULL AND samples.quality IS NULL
) AS ranked
WHERE low = 1 OR high = 1
ORDER BY time

-- name: check
SELECT FROM frames, samples, streams, channels, instruments LIMIT 0
