-- name: find_items
-- Every instrument of this system of which a certificate was issued.
SELECT DISTINCT item
FROM certificate_register
WHERE item ~ '^[a-z0-9][a-z0-9_-]{0,31}/[a-z0-9][a-z0-9_-]{0,31}$'
ORDER BY item

-- name: find_in_force
-- What holds of an instrument: the newest certificate that is valid; specimens only of those that are simulated. Nothing
-- of one that was taken out of the register.
SELECT told.*, own.interval_months, kept.content
FROM certificate_states AS told
LEFT JOIN calibrated_items AS own ON own.instrument = told.item
LEFT JOIN certificate_attachments AS kept ON kept.pdf = told.pdf AND kept.name = 'calibration.json'
WHERE told.item = $1 AND told.state = 'valid' AND own.is_retired IS NOT TRUE
    AND (own.is_simulated OR (told.details ->> 'specimen')::boolean IS NOT TRUE)
ORDER BY coalesce(told.details ->> 'performed', to_char(told.time AT TIME ZONE 'UTC', 'YYYY-MM-DD')) DESC, told.number DESC
LIMIT 1

-- name: find_past
-- All that was issued of an instrument, the newest first, by when it was measured.
SELECT told.*, kept.content
FROM certificate_states AS told
LEFT JOIN certificate_attachments AS kept ON kept.pdf = told.pdf AND kept.name = 'calibration.json'
WHERE told.item = $1
ORDER BY coalesce(told.details ->> 'performed', to_char(told.time AT TIME ZONE 'UTC', 'YYYY-MM-DD')) DESC, told.number DESC
LIMIT $2
