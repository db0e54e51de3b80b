-- How chunks are compressed once somebody asks for it; when that happens is configuration, not schema.

ALTER TABLE frames SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'stream', timescaledb.compress_orderby = 'number, time'
);
ALTER TABLE samples SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'channel', timescaledb.compress_orderby = 'time'
);
ALTER TABLE traffic SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'topic', timescaledb.compress_orderby = 'received'
);
