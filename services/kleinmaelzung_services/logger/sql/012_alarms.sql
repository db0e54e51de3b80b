-- What became of alarms, as agents told it: each was raised, perhaps changed its level or was acknowledged, and cleared.
-- A row for each record, never changed; each has the whole alarm, so that one that was lost leaves no hole in the others.
CREATE TABLE alarm_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream int NOT NULL REFERENCES streams,
    number bigint NOT NULL,            -- with `stream` and `index`: the frame and the place in it that told it
    index smallint NOT NULL,
    instrument int NOT NULL REFERENCES instruments,
    alarm text NOT NULL,               -- the alarm's id, the agent's own
    event text NOT NULL,               -- raised, level, acknowledged, cleared
    time timestamptz NOT NULL,
    reason text NOT NULL,              -- why it was cleared, where not by a value
    channel text NOT NULL,             -- empty: the whole instrument
    kind text NOT NULL,                -- high, low, rise, fall, silence
    level text NOT NULL,               -- warning, alarm
    since timestamptz NOT NULL,
    value double precision,
    limit_value double precision NOT NULL,
    unit text NOT NULL,
    cause text NOT NULL,               -- the same for all that one thing has caused
    detail text NOT NULL,
    acknowledged timestamptz,
    username text,
    note text,
    UNIQUE (stream, number, index)
);
CREATE INDEX alarm_records_alarm ON alarm_records (instrument, alarm);

-- Each alarm once, as its newest record has it. Records may come in any order; nothing happens to one that has cleared.
CREATE VIEW alarms AS
SELECT
    whole.number,
    instruments.agent,
    instruments.name AS instrument,
    newest.channel,
    newest.kind,
    newest.level,
    CASE WHEN whole.was_alarm THEN 'alarm' ELSE 'warning' END AS highest,
    newest.since,
    CASE WHEN newest.event = 'cleared' THEN newest.time END AS cleared,
    newest.reason,
    newest.value,
    newest.limit_value,
    newest.unit,
    newest.cause,
    newest.detail,
    newest.acknowledged,
    newest.username AS acknowledged_by,
    newest.note,
    newest.alarm AS id
FROM (
    SELECT instrument, alarm, min(id) AS number, bool_or(level = 'alarm') AS was_alarm
    FROM alarm_records
    GROUP BY instrument, alarm
) AS whole
JOIN instruments ON instruments.id = whole.instrument
CROSS JOIN LATERAL (
    SELECT *
    FROM alarm_records
    WHERE alarm_records.instrument = whole.instrument AND alarm_records.alarm = whole.alarm
    ORDER BY alarm_records.event = 'cleared' DESC, alarm_records.time DESC, alarm_records.id DESC
    LIMIT 1
) AS newest;
