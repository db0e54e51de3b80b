-- name: find_alarms
-- Newest first, those before number $6; with $3 only those that are active (or not), with $4 and $5 those that overlap.
SELECT
    number, agent, instrument, id, channel, kind, level, highest,
    (extract(epoch FROM since) * 1000000)::bigint AS since,
    (extract(epoch FROM cleared) * 1000000)::bigint AS cleared,
    reason, value, limit_value, unit, cause, detail,
    (extract(epoch FROM acknowledged) * 1000000)::bigint AS acknowledged,
    acknowledged_by, note
FROM alarms
WHERE ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR instrument = $2)
    AND ($3::boolean IS NULL OR (cleared IS NULL) = $3)
    AND ($4::timestamptz IS NULL OR cleared IS NULL OR cleared >= $4) AND ($5::timestamptz IS NULL OR since <= $5)
    AND ($6::bigint IS NULL OR number < $6)
ORDER BY number DESC
LIMIT $7
