#!/bin/sh
# Runs once, when the database is made: the role that the services use, which owns the database and is no superuser.
set -eu
password=$(cat /run/secrets/database)
# By \set from a variable of the environment: neither the process list nor the log shows it.
ROLE_PASSWORD=$password psql -v ON_ERROR_STOP=1 -qX --username "${POSTGRES_USER:-postgres}" --dbname kleinmaelzung <<'SQL'
\getenv password ROLE_PASSWORD
CREATE ROLE kleinmaelzung LOGIN PASSWORD :'password';
ALTER DATABASE kleinmaelzung OWNER TO kleinmaelzung;
ALTER SCHEMA public OWNER TO kleinmaelzung;
SQL
