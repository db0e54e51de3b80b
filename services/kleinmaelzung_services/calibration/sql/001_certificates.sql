-- Certificates as they were issued: the files, and a register that is only added to. Each entry's hash covers its
-- contents and the hash before it (docs/decisions/0009 says how to verify such a chain without this software).

CREATE TABLE certificate_files (
    sha256 bytea PRIMARY KEY,
    pdf bytea NOT NULL CHECK (sha256(pdf) = sha256)
);

CREATE TABLE certificate_register (
    number bigint PRIMARY KEY,         -- 1, 2, 3 ... without a hole
    time timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('issued')),
    certificate text NOT NULL,         -- the certificate's own number
    revision int NOT NULL,
    username text NOT NULL,            -- not "user", which is SQL's word for who is connected to the database
    item text NOT NULL,                -- the instrument, as the record names it
    pdf bytea NOT NULL REFERENCES certificate_files,   -- SHA-256 of the file
    data bytea NOT NULL,               -- SHA-256 of record.json
    details json NOT NULL,             -- json, not jsonb: the hash covers the text
    request text NOT NULL,             -- the caller's id of it: sent again, it is done once
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (certificate, revision),
    UNIQUE (username, request)
);
CREATE INDEX certificate_register_pdf ON certificate_register (pdf);

CREATE FUNCTION refuse_change_of_certificates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what was issued stays; what was wrong is put right by a further revision',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER certificate_files_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_files
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_certificates();
CREATE TRIGGER certificate_register_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_register
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_certificates();

-- For people, SQL tools and Grafana: what holds of each certificate, with what it says in short.
CREATE VIEW certificates AS
SELECT DISTINCT ON (certificate)
    certificate,
    revision,
    time AS issued,
    username AS issued_by,
    item,
    details ->> 'verdict' AS verdict,
    encode(pdf, 'hex') AS sha256
FROM certificate_register
ORDER BY certificate, revision DESC;
