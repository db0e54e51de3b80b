"""The schema: a service's numbered sql/ files -> a database that is as new as this software, whichever edition it is.

A file is `NNN_title.sql`, or `NNN_title.<edition>[+<edition>].sql` for some editions only. What was applied is
recorded with a hash, in a table of each service's own: none waits for another, and all may share one database. The
edition is looked up when the first migration runs and stays: tables that hold data do not become hypertables by
themselves.
"""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, Protocol, get_args

logger = logging.getLogger(__name__)

Edition = Literal["plain", "apache", "community"]

OLDEST_SERVER: Final = 150_000  # server_version_num of PostgreSQL 15
TIMEOUT_S: Final = 300.0  # for one statement: a later migration may rewrite a table, another logger may be at it
_LOCK: Final = 5020791361734380  # any number that nobody else locks
_FILE = re.compile(r"(\d{3})_([a-z_]+)(?:\.([a-z+]+))?\.sql\Z")

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS {table} (
    number int PRIMARY KEY,
    title text NOT NULL,
    hash text NOT NULL,
    edition text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
)
"""

# The library must be preloaded (then its settings exist), the extension installed or ours to create.
_DETECT: Final = """
SELECT
    current_setting('server_version') AS server,
    current_setting('server_version_num')::int AS server_number,
    (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS installed,
    EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb%') AS preloaded,
    EXISTS (
        SELECT FROM pg_available_extensions AS available
        JOIN pg_available_extension_versions AS version
            ON version.name = available.name AND version.version = available.default_version
        WHERE available.name = 'timescaledb' AND (
            NOT version.superuser
            OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
            OR version.trusted AND has_database_privilege(current_database(), 'CREATE')
        )
    ) AS creatable
"""


class SchemaError(Exception):
    """The database cannot be used with this software; waiting does not help."""


class Database(Protocol):
    """What is needed of a connection."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str: ...

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    def transaction(self) -> AbstractAsyncContextManager[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One service's share of the database: the package whose sql/ has the files, and where it is recorded."""

    package: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    number: int
    title: str
    editions: frozenset[str]
    sql: str

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    number: int
    hash: str
    edition: Edition


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the database is: `edition` decides the schema, the versions are for people."""

    edition: Edition
    server: str
    extension: str | None

    def __str__(self) -> str:
        extension = f" with TimescaleDB {self.extension}" if self.extension else ""
        return f"PostgreSQL {self.server}{extension} ({self.edition})"


def read_migrations(package: str) -> list[Migration]:
    """The files of a package's sql/, in their order."""
    found = [_migration(file.name, file.read_text("utf-8")) for file in _sql_files(package) if _FILE.match(file.name)]
    return sorted(found, key=lambda migration: migration.number)


def _sql_files(package: str) -> Iterable[Any]:
    return (resources.files(package) / "sql").iterdir()


def _migration(name: str, sql: str) -> Migration:
    match = _FILE.match(name)
    assert match is not None
    editions = match[3].split("+") if match[3] else get_args(Edition)
    return Migration(number=int(match[1]), title=match[2], editions=frozenset(editions), sql=sql)


def pending(known: Sequence[Migration], applied: Sequence[Applied], edition: Edition) -> list[Migration]:
    """The migrations this database still needs. Raises SchemaError where it is not one of ours or newer than we."""
    hashes = {migration.number: migration.hash for migration in known}
    newest = max(hashes)
    for done in applied:
        if done.number > newest:
            raise SchemaError(
                f"the database has schema version {max(row.number for row in applied)}, this software knows"
                f" up to {newest}: update the software"
            )
        if hashes.get(done.number) != done.hash:
            raise SchemaError(
                f"migration {done.number:03} was applied to the database with another content than this"
                " software has: it was written by another build"
            )
    numbers = {done.number for done in applied}
    return [step for step in known if edition in step.editions and step.number not in numbers]


async def migrate(database: Database, part: Part) -> Installation:
    """Bring one service's tables up to date, in one transaction: all or nothing. Raises SchemaError."""
    async with database.transaction():
        await database.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        # Two loggers that start at once: the second waits here and then finds everything done.
        await database.execute("SELECT pg_advisory_xact_lock($1)", _LOCK, timeout=TIMEOUT_S)
        await database.execute(_TABLE.format(table=part.table))
        rows = await database.fetch(f"SELECT number, hash, edition FROM {part.table} ORDER BY number")  # noqa: S608
        applied = [Applied(number=row["number"], hash=row["hash"], edition=row["edition"]) for row in rows]
        installation = await _detect(database, applied[0].edition if applied else None)
        for step in pending(read_migrations(part.package), applied, installation.edition):
            logger.info("migration %03d %s (%s)", step.number, step.title, installation.edition)
            await database.execute(step.sql, timeout=TIMEOUT_S)
            await database.execute(
                f"INSERT INTO {part.table} (number, title, hash, edition) VALUES ($1, $2, $3, $4)",  # noqa: S608
                *(step.number, step.title, step.hash, installation.edition),
            )
    return installation


async def _detect(database: Database, recorded: Edition | None) -> Installation:
    [found] = await database.fetch(_DETECT)
    if found["server_number"] < OLDEST_SERVER:
        raise SchemaError(f"the database is PostgreSQL {found['server']}, needed is 15 or newer")
    extension = found["installed"]
    if recorded is None and extension is None and found["preloaded"] and found["creatable"]:
        await database.execute("CREATE EXTENSION timescaledb", timeout=TIMEOUT_S)
        [found] = await database.fetch(_DETECT)
        extension = found["installed"]
    edition = recorded or await _edition(database, extension)
    return Installation(edition=edition, server=found["server"], extension=extension)


async def _edition(database: Database, extension: str | None) -> Edition:
    if extension is None:
        return "plain"
    [found] = await database.fetch("SELECT current_setting('timescaledb.license', true) AS license")
    return "community" if found["license"] == "timescale" else "apache"
