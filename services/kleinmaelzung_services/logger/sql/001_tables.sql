-- What the logger writes. Names and units by reference; the views in 005_views.sql are for people.
-- frames and samples have no foreign keys: the transaction that writes them holds the stream's row, and a check for
-- each of a million rows an hour would tell nothing new.

CREATE TABLE instruments (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent text NOT NULL,
    name text NOT NULL,
    UNIQUE (agent, name)
);

-- The unit belongs to the key: what changes its unit is another series (docs/decisions/0001).
CREATE TABLE channels (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument int NOT NULL REFERENCES instruments,
    name text NOT NULL,
    unit text NOT NULL,
    UNIQUE (instrument, name, unit)
);

-- One row for each start of an agent and each of its instruments. `received` is what makes a repeat harmless, and it
-- outlives the frames when retention removes them. `quarantined` are numbers that came but could not be stored.
CREATE TABLE streams (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument int NOT NULL REFERENCES instruments,
    epoch bigint NOT NULL,
    received int8multirange NOT NULL DEFAULT '{}',
    quarantined int8multirange NOT NULL DEFAULT '{}',
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    UNIQUE (instrument, epoch)
) WITH (fillfactor = 50);  -- updated with each batch: room for the new version on the same page

-- Every frame's bytes as they came. The key holds the time because a hypertable's must.
CREATE TABLE frames (
    stream int NOT NULL,
    number bigint NOT NULL,
    time timestamptz NOT NULL,         -- of the first sample
    received timestamptz NOT NULL,
    synchronised boolean NOT NULL,     -- the agent's clock
    clock_error_us bigint,
    via text NOT NULL,                 -- data (live) or backfill
    payload bytea NOT NULL,
    PRIMARY KEY (stream, number, time)
);

-- A number has `value`; a text has `text`; a boolean has both (1 and 'true'); nil has neither. Integers beyond 2^53
-- are exact in frames.payload only. No key of its own: rows are written with their frame, in its transaction, once.
CREATE TABLE samples (
    time timestamptz NOT NULL,
    value double precision,
    number bigint NOT NULL,            -- with `stream`: the frame it came in
    channel int NOT NULL,
    stream int NOT NULL,
    index smallint NOT NULL,           -- within the frame
    quality text,                      -- null is good
    text text
);
CREATE INDEX samples_channel_time ON samples (channel, time);

-- What happened to an instrument instead of samples: gaps, and later the ledger of commands. From the frames' `r`.
CREATE TABLE records (
    stream int NOT NULL REFERENCES streams,
    number bigint NOT NULL,
    index smallint NOT NULL,
    time timestamptz NOT NULL,
    kind text NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (stream, number, index)
);
CREATE INDEX records_kind_time ON records (kind, time);

-- Why something is missing: numbers of an epoch, or a time in which nothing was taken. Told by a frame's record of
-- kind "gap" (then stream, number, index name it), or found by another part.
CREATE TABLE gaps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument int NOT NULL REFERENCES instruments,
    epoch bigint,
    first_number bigint,
    last_number bigint,
    since timestamptz,
    until timestamptz,
    reason text NOT NULL,
    noted timestamptz NOT NULL DEFAULT now(),
    stream int,
    number bigint,
    index smallint,
    UNIQUE (stream, number, index)
);
CREATE INDEX gaps_instrument ON gaps (instrument, epoch);

-- Everything else that passed: commands, replies, states, descriptions, agents' status.
CREATE TABLE traffic (
    received timestamptz NOT NULL,
    retained boolean NOT NULL,         -- found at the broker when subscribing, sent at an unknown earlier time
    topic text NOT NULL,
    payload bytea NOT NULL,
    response_topic text,
    correlation bytea
);
CREATE INDEX traffic_topic_received ON traffic (topic, received);

-- What could not be stored as what it claims to be. The same bytes again only count: garbage cannot fill the disk.
CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received timestamptz NOT NULL,
    last_received timestamptz NOT NULL,
    times_seen bigint NOT NULL DEFAULT 1,
    topic text NOT NULL,
    reason text NOT NULL,              -- undecodable, time, conflict, refused
    detail text NOT NULL,
    stream int,
    number bigint,
    payload bytea NOT NULL,
    digest bytea GENERATED ALWAYS AS (sha256(payload)) STORED,
    UNIQUE (topic, reason, digest)
);
