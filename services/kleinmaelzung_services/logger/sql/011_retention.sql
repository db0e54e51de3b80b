-- What retention removed is a gap with that reason: whoever rolls up or draws a minute asks whether its samples are gone.
CREATE INDEX gap_records_removed ON gap_records (instrument, since) WHERE reason = 'removed by retention';
