-- Each minute's samples of a channel in one row, so that a year is drawn without reading all of it (docs/decisions/0011).
-- `total` is the sum of values below 1e290, so that it is never too large for a double.
CREATE TABLE rollups (
    channel int NOT NULL,
    minute timestamptz NOT NULL,
    count int NOT NULL,
    min double precision NOT NULL,
    max double precision NOT NULL,
    total double precision NOT NULL,
    PRIMARY KEY (channel, minute)
);

-- Minutes whose samples came when they were rolled up, or may have been. Only added to by loggers, so that they never wait.
CREATE TABLE rollups_late (
    channel int NOT NULL,
    minute timestamptz NOT NULL
);
CREATE INDEX rollups_late_channel_minute ON rollups_late (channel, minute);

-- Up to when minutes are rolled up, and up to when loggers say that something was late: `promised` is moved first, and
-- once it has moved whoever wrote without saying so has committed. A row each, for loggers lock the one and not the other.
CREATE TABLE rollups_until (
    name text PRIMARY KEY,
    until timestamptz NOT NULL
);
INSERT INTO rollups_until VALUES ('promised', '2000-01-01Z'), ('rolled', '2000-01-01Z');
