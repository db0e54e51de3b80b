-- The views for people have the plain names: readings, latest, gaps, completeness; and the table ledger as it is.

ALTER TABLE gaps RENAME TO gap_records;
ALTER INDEX gaps_instrument RENAME TO gap_records_instrument;
ALTER INDEX gaps_in_time RENAME TO gap_records_in_time;
ALTER VIEW known_gaps RENAME TO gaps;

-- The newest sample of each channel and unit: one look into the index samples_channel_time for each, however many there are.
CREATE VIEW latest AS
SELECT
    newest.time,
    instruments.agent,
    instruments.name AS instrument,
    channels.name AS channel,
    newest.value,
    newest.text,
    channels.unit,
    coalesce(newest.quality, 'good') AS quality
FROM channels
JOIN instruments ON instruments.id = channels.instrument
CROSS JOIN LATERAL (
    SELECT time, value, text, quality
    FROM samples
    WHERE samples.channel = channels.id
    ORDER BY time DESC
    LIMIT 1
) AS newest;
