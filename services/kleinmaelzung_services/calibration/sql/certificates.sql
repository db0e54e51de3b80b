-- name: lock
-- One writer at a time: two certificates do not get the same number, and the chain has no forks.
SELECT pg_advisory_xact_lock(5020791361734391)

-- name: wait_for_drawing
-- A slow machine draws for longer than a transaction may do nothing otherwise.
SET LOCAL idle_in_transaction_session_timeout = '2min'

-- name: find_request
SELECT * FROM certificate_register WHERE username = $1 AND request = $2

-- name: find_head
SELECT number, hash FROM certificate_register ORDER BY number DESC LIMIT 1

-- name: find_highest
-- The number after the prefix of those that consist of it and digits.
SELECT max(substr(certificate, length($1) + 1)::bigint) AS highest
FROM certificate_register
WHERE starts_with(certificate, $1) AND substr(certificate, length($1) + 1) ~ '^[0-9]{1,15}$'

-- name: find_certificate
-- All its revisions, the newest first.
SELECT * FROM certificate_states WHERE certificate = $1 ORDER BY revision DESC

-- name: find_entry
SELECT * FROM certificate_states WHERE number = $1

-- name: find_by_pdf
SELECT * FROM certificate_states WHERE pdf = $1 ORDER BY number LIMIT 1

-- name: find_page
-- Of instruments by agent and name, NULL for any; whoever may see any sees also those that are not of this system.
SELECT *
FROM certificate_states
WHERE ($1::text IS NULL OR split_part(item, '/', 1) = $1)
    AND ($2::text IS NULL OR split_part(item, '/', 2) = $2)
    AND ($3::bigint IS NULL OR number < $3)
    AND ($5::text IS NULL OR position(lower($5) IN lower(concat_ws(
        chr(10), certificate, item, details ->> 'verdict', details ->> 'serial', details ->> 'asset', details ->> 'model'
    ))) > 0)
    AND ($6::text IS NULL OR state = $6)
    AND ($7::timestamptz IS NULL OR time >= $7) AND ($8::timestamptz IS NULL OR time <= $8)
ORDER BY number DESC
LIMIT $4

-- name: find_chain
SELECT * FROM certificate_register WHERE $1::bigint IS NULL OR number > $1 ORDER BY number LIMIT $2

-- name: find_piece
SELECT substring(pdf FROM $2::int + 1 FOR $3::int) AS content, length(pdf) AS total
FROM certificate_files
WHERE sha256 = $1

-- name: find_pdf
SELECT pdf FROM certificate_files WHERE sha256 = $1

-- name: add_file
INSERT INTO certificate_files (sha256, pdf) VALUES ($1, $2)

-- name: find_attachment_piece
SELECT substring(content FROM $3::int + 1 FOR $4::int) AS content, length(content) AS total
FROM certificate_attachments
WHERE pdf = $1 AND name = $2

-- name: add_attachment
INSERT INTO certificate_attachments (pdf, name, content) VALUES ($1, $2, $3)

-- name: add_entry
INSERT INTO certificate_register (
    number, time, kind, certificate, revision, username, item, pdf, data, details, request, previous, hash
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: check
SELECT FROM certificate_register LIMIT 1
