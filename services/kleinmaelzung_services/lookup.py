"""Reading the database for somebody's question: a connection of its own, so that writing never waits for it.

In: named queries of a file in a service's sql/. Out: rows, all from one moment. Read-only, and bounded in time at both
ends.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import asyncpg

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US
from kleinmaelzung_wire.requests import Request

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 30.0  # for a server that is frozen; one that works keeps its own limit
CLOSE_TIMEOUT_S: Final = 3.0
_EPOCH_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
SERVER_SETTINGS: Final = {
    "application_name": "kleinmaelzung-lookup",
    "jit": "off",
    "default_transaction_read_only": "on",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


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


def instruments(request: Request) -> tuple[str | None, str | None]:
    """Names of agent and instrument that a request is about; None stands for any. Raises WireError."""
    if request.instrument is None:
        raise WireError(f"{request.name} is about instruments: name them, as in pi-1/balance, pi-1/+ or +/+")
    agent, name = topics.split_pattern(request.instrument)
    return (None if agent == topics.ANY else agent, None if name == topics.ANY else name)


def moment(wire: Fields, key: str) -> datetime | None:
    """A request's time (µs since 1970 UTC), if it has one. Raises WireError."""
    if wire.get(key) is None:
        return None
    return to_datetime(wire.integer(key, minimum=MIN_TIME_US, maximum=MAX_TIME_US))


def to_datetime(time_us: int) -> datetime:
    """A time of the wire as the database takes it."""
    return _EPOCH_1970 + timedelta(microseconds=time_us)


def to_time_us(time: datetime) -> int:
    """The way back."""
    return (time - _EPOCH_1970) // timedelta(microseconds=1)


def read_queries(package: str, file: str) -> dict[str, str]:
    """The queries of a file in a package's sql/, by name."""
    text = (resources.files(package) / "sql" / file).read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@contextlib.asynccontextmanager
async def open_lookup(
    dsn: str, queries: dict[str, str], settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Lookup]:
    """Connect, and see the database as it is at the first query until the end. Raises LookupFailed.

    Whoever is cancelled within has its query cancelled at the server.
    """
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={**SERVER_SETTINGS, **settings},
        )
        try:
            # Nothing is to be rolled back, and a rollback would wait for a server that is frozen.
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Lookup(connection, queries)
            await connection.close(timeout=CLOSE_TIMEOUT_S)
        except asyncio.CancelledError:
            # A query under way is cancelled at the server before the connection ends: terminate() would let it run.
            with contextlib.suppress(*_ERRORS):
                await connection.close(timeout=CLOSE_TIMEOUT_S)
            raise
        finally:
            connection.terminate()  # where it was not closed in order; this waits for nobody
    except _ERRORS as error:
        raise LookupFailed(str(error) or "it does not answer") from error
