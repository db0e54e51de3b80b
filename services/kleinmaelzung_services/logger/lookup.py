"""Reading the logger's database for somebody's question: a connection of its own, so that writing never waits for it.

In: named queries of a file in sql/. Out: rows, all from one moment. Read-only, and bounded in time at both ends.
"""

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import datetime
from importlib import resources
from typing import Any, Final

import asyncpg

from kleinmaelzung_services.logger import rows
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 30.0  # for a server that is frozen; one that works keeps its own limit
CLOSE_TIMEOUT_S: Final = 3.0
_SERVER_SETTINGS: Final = {
    "application_name": "kleinmaelzung-lookup",
    "jit": "off",
    "default_transaction_read_only": "on",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


class LookupFailed(Exception):
    """The database does not answer, or not in time; the sentence says what it said."""


class Lookup:
    """One moment of the database; made by open_lookup()."""

    def __init__(self, connection: Any, queries: dict[str, str]) -> None:
        self._connection = connection
        self._queries = queries

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        found: list[Any] = await self._connection.fetch(self._queries[query], *arguments)
        return found


def instruments(wire: Fields) -> tuple[str | None, str | None]:
    """Names of agent and instrument of a request's `instrument`; None stands for any. Raises WireError."""
    pattern = wire.text("instrument", default=f"{topics.ANY}/{topics.ANY}")
    agent, slash, name = pattern.partition("/")
    if not slash:
        raise WireError(f"{pattern!r:.60} is no instrument: expected <agent>/<instrument>, + stands for any name")
    return (
        None if agent == topics.ANY else topics.check_name(agent, "agent"),
        None if name == topics.ANY else topics.check_name(name, "instrument"),
    )


def moment(wire: Fields, key: str) -> datetime | None:
    """A request's time (µs since 1970 UTC), if it has one. Raises WireError."""
    if wire.get(key) is None:
        return None
    return rows.moment(wire.integer(key, minimum=MIN_TIME_US, maximum=MAX_TIME_US))


def read_queries(file: str) -> dict[str, str]:
    """The queries of a file in sql/, by name."""
    text = (resources.files(__package__) / "sql" / file).read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@contextlib.asynccontextmanager
async def open_lookup(dsn: str, queries: dict[str, str]) -> AsyncIterator[Lookup]:
    """Connect, and see the database as it is at the first query until the end. Raises LookupFailed."""
    try:
        connection = await asyncpg.connect(
            dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=_SERVER_SETTINGS
        )
        try:
            # Nothing is to be rolled back, and a rollback would wait for a server that is frozen.
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Lookup(connection, queries)
            await connection.close(timeout=CLOSE_TIMEOUT_S)
        finally:
            connection.terminate()  # where it was not closed in order; this waits for nobody
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise LookupFailed(str(error) or "it does not answer") from error
