-- Plain PostgreSQL: rows arrive nearly in the order of time, so a few kB of BRIN find a day among years.

CREATE INDEX frames_time ON frames USING brin (time) WITH (autosummarize = on);
CREATE INDEX samples_time ON samples USING brin (time) WITH (autosummarize = on);
CREATE INDEX traffic_received ON traffic USING brin (received) WITH (autosummarize = on);
