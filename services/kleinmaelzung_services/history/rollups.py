"""Each minute's samples rolled up in one row, by one history service at a time (docs/decisions/0011).

    samples --> roll up what is older than LAG, hour by hour --> rollups
            --> and again each minute of which a logger says that something came late

Loggers read `promised` in the transaction that writes samples, and name the minutes before it in the same transaction.
So first `promised` is moved, which waits for those that saw the old one; then what they wrote is there to be rolled up.
"""

import asyncio
import contextlib
import logging
import time
from datetime import datetime, timedelta
from typing import Any, Final, Never

import asyncpg

from kleinmaelzung_services import lookup
from kleinmaelzung_services.lookup import to_datetime

logger = logging.getLogger(__name__)

LAG: Final = timedelta(minutes=2)
STEP: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
MAX_LATE: Final = 20_000  # minutes that came late, in one transaction
EVERY_S: Final = 30.0
RETRY_S: Final = 60.0
CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 120.0
_SERVER_SETTINGS: Final = {
    "application_name": "kleinmaelzung-rollups",
    "jit": "off",
    "statement_timeout": "100s",
    "lock_timeout": "5s",  # a logger that is frozen holds `promised`: then later
    "idle_in_transaction_session_timeout": "20s",
    "enable_bitmapscan": "off",  # see streams.py
}
_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def keep(dsn: str, queries: dict[str, str]) -> Never:
    """Roll up for ever. Where that is not possible history is read from the samples, and is slower."""
    failures = 0
    while True:
        try:
            connection = await asyncpg.connect(
                dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=_SERVER_SETTINGS
            )
            try:
                while True:
                    await asyncio.sleep(await Rollups(connection, queries).step())
                    failures = 0
            finally:
                connection.terminate()
        except _ERRORS as error:
            logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "no rollups: %s", error)
        failures += 1
        await asyncio.sleep(RETRY_S)


def end_of_step(rolled: datetime, next_sample: datetime | None, now: datetime) -> datetime:
    """Up to when to roll up, from the end of what is: an hour from the next sample, and never what is too new."""
    newest = _minute(now - LAG)
    return newest if next_sample is None else min(newest, _minute(next_sample) + STEP)


def _minute(moment: datetime) -> datetime:
    epoch = to_datetime(0)
    return epoch + (moment - epoch) // MINUTE * MINUTE


class Rollups:
    """The rollups of one database, by a connection of its own."""

    def __init__(self, connection: Any, queries: dict[str, str]) -> None:
        self._connection = connection
        # With what is agreed with the logger's retention.
        self._queries = {**queries, **lookup.read_queries("kleinmaelzung_services.logger", "turns.sql")}

    async def step(self, now: datetime | None = None) -> float:
        """Do a part of what is to do; returns after how many seconds to go on."""
        [turn] = await self._run("take_turn")  # held as long as the connection
        if not turn["is_ours"]:
            return EVERY_S
        started = time.monotonic()
        is_behind = await self._roll_up(now or to_datetime(time.time_ns() // 1000))
        has_more = await self._roll_up_late()
        # The logger writes to the same database: never more than half of the time.
        return time.monotonic() - started if is_behind or has_more else EVERY_S

    async def _roll_up(self, now: datetime) -> bool:
        state = {row["name"]: row["until"] for row in await self._run("find_state")}
        rolled = state["rolled"]
        [found] = await self._run("find_next", rolled)
        end = max(end_of_step(rolled, found["time"], now), state["promised"])
        if end <= rolled:
            return False
        await self._run("promise", end)
        async with self._connection.transaction(isolation="repeatable_read"):
            await self._run("roll_up", rolled, end)
            await self._run("set_rolled", end)
        is_behind: bool = end < _minute(now - LAG)
        return is_behind

    async def _roll_up_late(self) -> bool:
        [turn] = await self._run("take_late_turn")
        if not turn["is_ours"]:  # retention removes something: whether a minute's samples are gone is not settled
            return False
        try:
            async with self._connection.transaction(isolation="repeatable_read"):
                [found] = await self._run("roll_up_late", MAX_LATE)
        finally:
            if not self._connection.is_closed():
                await self._run("leave_late_turn")
        return bool(found["late"] == MAX_LATE)

    async def _run(self, query: str, *arguments: Any) -> list[Any]:
        found: list[Any] = await self._connection.fetch(self._queries[query], *arguments)
        return found


@contextlib.asynccontextmanager
async def opened(dsn: str, queries: dict[str, str]) -> Any:
    """Rollups by a connection as long as the context lasts."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, server_settings=_SERVER_SETTINGS)
    try:
        yield Rollups(connection, queries)
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_S)
