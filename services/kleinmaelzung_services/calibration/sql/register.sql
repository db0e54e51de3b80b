-- name: find_page
-- Entries of the register whose subject begins like this, as they are now, by name; of instruments those of an agent and
-- with a name, NULL for any.
SELECT last.*, put.number AS put, put.details AS put_details
FROM (
    SELECT DISTINCT ON (subject) *
    FROM calibration_entries
    WHERE kind IN ('put', 'retired') AND starts_with(subject, $1)
        AND ($4::text IS NULL OR split_part(substr(subject, length($1) + 1), '/', 1) = $4)
        AND ($5::text IS NULL OR split_part(substr(subject, length($1) + 1), '/', 2) = $5)
    ORDER BY subject, number DESC
) AS last
CROSS JOIN LATERAL (
    SELECT number, details
    FROM calibration_log
    WHERE subject = last.subject AND kind = 'put'
    ORDER BY number DESC
    LIMIT 1
) AS put
WHERE $2::text IS NULL OR last.subject > $2 COLLATE "C"
ORDER BY last.subject COLLATE "C"
LIMIT $3

-- name: find_performed
-- When instruments were calibrated last, as far as it holds, and for how long by the template: specimens only of those
-- that are simulated.
SELECT DISTINCT ON (item)
    item, details ->> 'performed' AS performed, (details ->> 'interval_months')::int AS interval_months
FROM certificate_states
JOIN unnest($1::text[], $2::boolean[]) AS asked (name, is_simulated) ON asked.name = item
WHERE state = 'valid' AND details ->> 'performed' IS NOT NULL
    AND (asked.is_simulated OR (details ->> 'specimen')::boolean IS NOT TRUE)
ORDER BY item, details ->> 'performed' DESC, number DESC

-- name: find_used
-- What a standard was used for between $2 and $3: runs, and certificates of records that were sent in.
SELECT *
FROM (
    SELECT
        run, coalesce(certificate, '') AS certificate, revision, instrument, created AS time,
        state, coalesce(verdict, '') AS verdict, withdrawn IS NOT NULL AS is_withdrawn, created AS since,
        changed AS until
    FROM calibration_runs
    JOIN calibration_log ON calibration_log.number = calibration_runs.entry
    WHERE EXISTS (
        SELECT FROM json_array_elements(details -> 'standards') AS used WHERE used -> 'used' ->> 'id' = $1
    )
    UNION ALL
    SELECT
        '', certificate, revision, item, time, 'issued', details ->> 'verdict', withdrawn IS NOT NULL,
        (details ->> 'performed')::date, time
    FROM certificate_states
    WHERE NOT is_superseded AND details ->> 'run' IS NULL
        AND EXISTS (SELECT FROM json_array_elements_text(details -> 'standards') AS used WHERE used = $1)
) AS used
WHERE ($2::timestamptz IS NULL OR until >= $2) AND ($3::timestamptz IS NULL OR since <= $3)
    AND ($6::text IS NULL OR split_part(instrument, '/', 1) = $6)
    AND ($7::text IS NULL OR split_part(instrument, '/', 2) = $7)
ORDER BY time DESC, run, certificate
OFFSET $4
LIMIT $5
