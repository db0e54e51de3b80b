"""A service's own tables: connections to write by, the tables made and kept up to date, and whether all is well.

Who writes much at a time, as the logger, has its own way; this is a connection for each thing that is to be noted.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Never

import asyncpg

from kleinmaelzung_services import migrate
from kleinmaelzung_services.presence import Health
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 3.0
CHECK_EVERY_S: Final = 5.0
WAITS: Final = Waits(first_s=0.2, longest_s=5.0)
_SERVER_SETTINGS: Final = {
    "jit": "off",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    # A service that was frozen with a lock held must not stop another one.
    "idle_in_transaction_session_timeout": "10s",
}
# What a migration finds is not ours or not allowed: waiting does not help.
_SCHEMA_ERRORS: Final = (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError)
_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Unavailable(Exception):
    """Nothing can be written now; the same may succeed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of one service: `what` is kept in them, such as "batches"; `probe` reads one of them."""

    dsn: str = field(repr=False)  # it may hold a password
    part: migrate.Part
    what: str
    probe: str

    async def prepare(self) -> migrate.Installation:
        """Bring them up to date. Raises migrate.SchemaError, or Unavailable."""
        async with self.connection() as connection:
            try:
                return await migrate.migrate(connection, self.part)
            except _SCHEMA_ERRORS as error:
                sentence = f"the tables of {self.what} cannot be made: {error}; they need the right to create them"
                raise migrate.SchemaError(sentence) from error

    async def check(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.connection() as connection:
            await connection.execute(self.probe)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Raises Unavailable, also for what goes wrong within."""
        with _unavailable():
            connection = await asyncpg.connect(
                self.dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings={**_SERVER_SETTINGS, "application_name": f"kleinmaelzung-{self.what}"},
            )
            try:
                yield connection
                await connection.close(timeout=CLOSE_TIMEOUT_S)
            finally:
                connection.terminate()  # where it was not closed in order; this waits for nobody


class Keeper:
    """Sees to a service's tables as long as it runs. `installation` is what is written to, for people."""

    def __init__(self, tables: Tables, health: Health) -> None:
        self.installation = ""
        self.prepared = asyncio.Event()  # the tables are there, whatever becomes of the database later
        self._tables = tables
        self._health = health

    async def run(self) -> Never:
        """Raises migrate.SchemaError."""
        failures = 0
        while True:
            try:
                self.installation = str(await self._tables.prepare())
                self.prepared.set()
                failures = 0
                while True:
                    self._health.set("")
                    await asyncio.sleep(CHECK_EVERY_S)
                    await self._tables.check()
            except Unavailable as error:
                logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "%s", error)
                self._health.set(str(error))
            failures += 1
            await asyncio.sleep(WAITS.after(failures))


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except asyncpg.DiskFullError as error:
        raise Unavailable(f"database: its disk is full: {error}") from error
    except _ERRORS as error:
        raise Unavailable(f"database: {error}" if str(error) else "database: it does not answer") from error
