-- For people, SQL tools and Grafana.

CREATE VIEW readings AS
SELECT
    samples.time,
    instruments.agent,
    instruments.name AS instrument,
    channels.name AS channel,
    samples.value,
    samples.text,
    channels.unit,
    coalesce(samples.quality, 'good') AS quality
FROM samples
JOIN channels ON channels.id = samples.channel
JOIN instruments ON instruments.id = channels.instrument;

-- Numbers count up from 1, so everything below the last one that did not come is missing.
CREATE VIEW completeness AS
SELECT
    instruments.agent,
    instruments.name AS instrument,
    streams.epoch,
    lower(known.numbers) AS first,
    upper(known.numbers) - 1 AS last,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(streams.received) AS run) AS received,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(streams.quarantined) AS run) AS quarantined,
    (SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(missing.numbers) AS run) AS missing,
    missing.numbers AS missing_numbers,
    streams.first_seen,
    streams.last_seen
FROM streams
JOIN instruments ON instruments.id = streams.instrument
CROSS JOIN LATERAL (SELECT streams.received + streams.quarantined AS numbers) AS known
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN isempty(known.numbers) THEN '{}'
        ELSE int8multirange(int8range(1, upper(known.numbers))) - known.numbers
    END AS numbers
) AS missing;
