-- name: database
-- `directory` is null where this role may not know it.
SELECT
    pg_database_size(current_database()) AS bytes,
    (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS directory,
    to_regclass('timescaledb_information.chunks') IS NOT NULL AS has_chunks

-- name: tables
-- What grows, with indexes and TOAST; a hypertable's chunks are its children.
SELECT
    wanted.name,
    pg_total_relation_size(wanted.name::regclass)
        + coalesce((SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = wanted.name::regclass), 0)::bigint
        AS bytes,
    pg_relation_size(wanted.name::regclass) / current_setting('block_size')::bigint AS pages,
    EXISTS (SELECT FROM pg_inherits WHERE inhparent = wanted.name::regclass) AS has_chunks
FROM unnest(ARRAY['frames', 'samples', 'traffic', 'records', 'rollups']) AS wanted (name)

-- name: chunks
-- What the chunks of the last days take, and of how many days they are.
SELECT
    coalesce(sum(pg_total_relation_size(format('%I.%I', chunk_schema, chunk_name)::regclass)), 0)::bigint AS bytes,
    extract(epoch FROM now() - min(range_start))::float / 86400 AS days
FROM timescaledb_information.chunks
WHERE hypertable_name = $1 AND range_end > now() - make_interval(secs => $2) AND range_start < now()

-- name: frames_share
-- Of a few thousand of all pages: how much was written lately, and since when there is anything.
SELECT count(*) FILTER (WHERE received > now() - make_interval(secs => $2))::float / nullif(count(*), 0) AS share
FROM frames TABLESAMPLE SYSTEM ($1)

-- name: samples_share
SELECT count(*) FILTER (WHERE time > now() - make_interval(secs => $2))::float / nullif(count(*), 0) AS share
FROM samples TABLESAMPLE SYSTEM ($1)

-- name: traffic_share
SELECT count(*) FILTER (WHERE received > now() - make_interval(secs => $2))::float / nullif(count(*), 0) AS share
FROM traffic TABLESAMPLE SYSTEM ($1)

-- name: records_share
SELECT count(*) FILTER (WHERE time > now() - make_interval(secs => $2))::float / nullif(count(*), 0) AS share
FROM records TABLESAMPLE SYSTEM ($1)

-- name: rollups_share
SELECT count(*) FILTER (WHERE minute > now() - make_interval(secs => $2))::float / nullif(count(*), 0) AS share
FROM rollups TABLESAMPLE SYSTEM ($1)

-- name: age
-- How long this database has been written to, in seconds; null before the first frame.
SELECT extract(epoch FROM now() - min(first_seen))::float AS age FROM streams
