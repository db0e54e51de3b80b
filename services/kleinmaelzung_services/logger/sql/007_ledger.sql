-- Every command and what became of it, in an order that cannot be changed unnoticed: each entry's hash covers its
-- contents and the hash before it (docs/decisions/0009, which says how to verify it without this software).

CREATE TABLE ledger (
    number bigint PRIMARY KEY,         -- 1, 2, 3 ... without a hole
    time timestamptz NOT NULL,         -- when it was known what became of it
    agent text NOT NULL,
    instrument text NOT NULL,
    username text NOT NULL,            -- not "user", which is SQL's word for who is connected to the database
    origin text NOT NULL,              -- the client session, where it is known
    command text NOT NULL,             -- the command's id
    name text NOT NULL,
    arguments json NOT NULL,           -- json, not jsonb: the hash covers the text
    result text NOT NULL,
    reason text NOT NULL,
    values json NOT NULL,
    bytes_out bytea NOT NULL,
    bytes_in bytea NOT NULL,
    took_us bigint NOT NULL,
    received timestamptz,              -- by whoever noted it
    noted_by text NOT NULL,            -- agent, or the service that noted what no agent saw
    epoch bigint,                      -- the run, the number and the place in it of the frame that told it
    frame bigint,
    record smallint,
    logged timestamptz NOT NULL,       -- when it came to the logger
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX ledger_instrument ON ledger (agent, instrument, number);
CREATE INDEX ledger_username ON ledger (username, number);
CREATE UNIQUE INDEX ledger_frame ON ledger (agent, instrument, epoch, frame, record) WHERE epoch IS NOT NULL;
CREATE UNIQUE INDEX ledger_noted ON ledger (agent, instrument, username, command, result) WHERE epoch IS NULL;

-- The newest entry. Its row is locked by whoever adds one, so the chain has no forks.
CREATE TABLE ledger_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    number bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO ledger_head (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the ledger is only added to; what was wrong is put right by a further entry',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_ledger();
CREATE TRIGGER ledger_has_a_head BEFORE DELETE OR TRUNCATE ON ledger_head
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_ledger();
