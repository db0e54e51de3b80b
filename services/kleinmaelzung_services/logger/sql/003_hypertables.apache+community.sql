-- Both editions of TimescaleDB. by_range needs 2.13. The indexes of 001 serve each chunk; no others are wanted.

SELECT create_hypertable('frames', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('samples', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('traffic', by_range('received', INTERVAL '7 days'), create_default_indexes => false);
