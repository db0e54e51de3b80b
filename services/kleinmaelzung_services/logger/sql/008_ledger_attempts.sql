-- What no agent saw is the same entry again only where it is the same attempt: a caller may send one id twice, and be
-- refused twice.
DROP INDEX ledger_noted;
CREATE UNIQUE INDEX ledger_noted ON ledger (agent, instrument, username, command, result, received)
WHERE epoch IS NULL;

-- Finds what an agent recorded of a command that a gateway noted too.
CREATE INDEX ledger_command ON ledger (command, username) WHERE epoch IS NOT NULL;
