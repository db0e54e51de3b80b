"""What is older than it is to be kept is removed, by one logger at a time (docs/decisions/0017).

    samples, frames --> a gap "removed by retention" for each run of numbers --> deleted, an hour at a time
                        all three in one transaction                             or a whole chunk dropped

Nothing goes that is not rolled up, and nothing of the times in which an instrument belonged to a batch. The ledger,
gaps, batches and certificates are never touched.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Never

import asyncpg

from kleinmaelzung_services import lookup
from kleinmaelzung_services.keeping import Keeping, show
from kleinmaelzung_services.lookup import to_datetime, to_time_us

logger = logging.getLogger(__name__)

STEP: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
ROLLUPS_STEP: Final = timedelta(days=7)
ROWS: Final = 20_000  # of traffic, in one transaction
EVERY_S: Final = 3600.0
RETRY_S: Final = 60.0
THOROUGH_S: Final = 86_400.0
BEHIND: Final = timedelta(hours=1)
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(3000, 1, 1, tzinfo=UTC)
# A frame's first sample may have been taken before a batch began, and the last one after it ended.
MARGIN: Final = timedelta(minutes=1)
CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 320.0
_SERVER_SETTINGS: Final = {
    "application_name": "kleinmaelzung-retention",
    "jit": "off",
    "statement_timeout": "300s",
    "lock_timeout": "5s",  # who exports an old time holds its chunk: then later
    "idle_in_transaction_session_timeout": "20s",
}
_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_HYPERTABLES: Final = ("frames", "samples")  # in the order in which the logger writes to them: so nobody dead-locks

Span = tuple[datetime, datetime]
Free = tuple[int, datetime, datetime]  # of an instrument: a time that may go


@dataclass(slots=True)
class Removed:
    """What was done since the start, for the status."""

    frames: int = 0
    until: datetime | None = None  # up to where nothing is left but what is kept on purpose
    waits_for: str = ""

    def figures(self) -> dict[str, Any]:
        until = None if self.until is None else to_time_us(self.until)
        return {"removed_frames": self.frames, "removed_until": until, "retention_waits_for": self.waits_for}


async def keep(dsn: str, keeping: Keeping, removed: Removed) -> Never:
    """Remove what is too old, for ever. Where that is not possible the database grows, and nothing else suffers."""
    queries = read_queries()
    logger.info("%s", keeping)
    failures = 0
    while True:
        try:
            async with opened(dsn, queries, keeping, removed) as sweeper:
                while True:
                    await sweeper.sweep(to_datetime(time.time_ns() // 1000))
                    failures = 0
                    await asyncio.sleep(EVERY_S)
        except _ERRORS as error:
            logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "nothing is removed: %s", error)
            removed.waits_for = f"database: {error}"
        failures += 1
        await asyncio.sleep(RETRY_S)


def read_queries() -> dict[str, str]:
    return {**lookup.read_queries(__package__, "retention.sql"), **lookup.read_queries(__package__, "turns.sql")}


def kept_of(batches: Iterable[tuple[int, datetime, datetime | None]]) -> dict[int, list[Span]]:
    """Whole minutes of each instrument in which it belonged to a batch."""
    kept: dict[int, list[Span]] = {}
    for instrument, began, ended in batches:
        until = END if ended is None else _minute(ended + MARGIN) + MINUTE
        kept.setdefault(instrument, []).append((_minute(began - MARGIN), until))
    return {instrument: sorted(spans) for instrument, spans in kept.items()}


def free_of(
    instruments: Iterable[int], kept: Mapping[int, Sequence[Span]], since: datetime, until: datetime
) -> list[Free]:
    """What of a time may go, of each instrument."""
    found: list[Free] = []
    for instrument in instruments:
        begin = since
        for kept_since, kept_until in kept.get(instrument, ()):
            if begin < min(kept_since, until):
                found.append((instrument, begin, min(kept_since, until)))
            begin = max(begin, kept_until)
        if begin < until:
            found.append((instrument, begin, until))
    return found


def is_kept(kept: Mapping[int, Sequence[Span]], since: datetime, until: datetime) -> bool:
    """Whether any instrument has something in a time that must stay."""
    return any(begin < until and end > since for spans in kept.values() for begin, end in spans)


def _minute(moment: datetime) -> datetime:
    return BEGINNING + (moment - BEGINNING) // MINUTE * MINUTE


@dataclass(slots=True)
class Sweeper:
    """Removes from one database, by a connection of its own; made by opened()."""

    connection: Any
    queries: dict[str, str]
    keeping: Keeping
    removed: Removed
    edition: str
    _instruments: list[int] = field(default_factory=list)
    _kept: dict[int, list[Span]] = field(default_factory=dict)
    _thorough_at: float = -THOROUGH_S

    async def sweep(self, now: datetime) -> None:
        """Remove all that is too old now, in as many transactions as that takes."""
        [turn] = await self._run("take_turn")  # held as long as the connection
        if not turn["is_ours"]:
            return
        self._instruments = [row["id"] for row in await self._run("find_instruments")]
        [found] = await self._run("has_batches")
        rows = await self._run("find_batches") if found["has_batches"] else []
        self._kept = kept_of((row["instrument"], row["began"], row["ended"]) for row in rows)
        if self.keeping.raw is not None:
            await self._remove_raw(_minute(now - self.keeping.raw))
        if self.keeping.rollups is not None:
            await self._remove_rollups(_minute(now - self.keeping.rollups))
        if self.keeping.compress_after is not None:
            await self._compress(now - self.keeping.compress_after)

    # Samples and frames

    async def _remove_raw(self, before: datetime) -> None:
        [rolled] = await self._run("find_rolled")
        until, frames = min(before, rolled["until"]), self.removed.frames
        self._wait_for_rollups(before, rolled["until"])
        is_thorough = time.monotonic() - self._thorough_at >= THOROUGH_S
        if self.edition == "plain":
            is_done = await self._remove_span(BEGINNING, until, is_thorough=is_thorough)
        else:
            is_done = await self._remove_chunks(until, is_thorough=is_thorough)
        await self._remove_traffic(before)
        if is_done:
            self._thorough_at = time.monotonic() if is_thorough else self._thorough_at
            self.removed.until = until
        if self.removed.frames > frames and self.keeping.raw is not None:
            sentence = "removed %d frames older than %s: samples are kept for %s"
            logger.info(sentence, self.removed.frames - frames, until.isoformat(), show(self.keeping.raw))

    def _wait_for_rollups(self, before: datetime, rolled: datetime) -> None:
        is_behind = bool(self._instruments) and rolled < before - BEHIND
        sentence = f"minutes are rolled up to {rolled.isoformat()} only: is a history service running?"
        if is_behind and not self.removed.waits_for:
            logger.warning("nothing newer is removed: %s", sentence)
        self.removed.waits_for = sentence if is_behind else ""

    async def _remove_span(self, since: datetime, until: datetime, *, is_thorough: bool) -> bool:
        """Whether all that may go is gone. Thoroughly: also frames that hold no samples, which are sought for."""
        while since < until:
            free = free_of(self._instruments, self._kept, since, until)
            found = (await self._run("find_next", *_columns(free)))[0]["time"] if free else None
            if found is None and not (free and is_thorough):
                return True
            end = until if found is None else min(until, _minute(found) + STEP)
            begin = since if is_thorough or found is None else max(since, _minute(found))
            started = time.monotonic()
            if not await self._remove(begin, end):
                return False
            await _rest(started)
            since = end
        return True

    async def _remove(self, since: datetime, until: datetime) -> bool:
        """Whether it went: not where something came late that is not rolled up yet."""
        free = free_of(self._instruments, self._kept, since, until)
        async with self._alone():
            if await self._is_late(since, until):
                return False
            [noted] = await self._run("note_removed", *_columns(free), since, until)
            await self._run("remove_samples", *_columns(free), since, until)
            await self._run("remove_frames", *_columns(free), since, until)
        self.removed.frames += noted["frames"]
        return True

    async def _remove_chunks(self, before: datetime, *, is_thorough: bool) -> bool:
        """Chunks that end by then: as a whole where nothing in them is kept."""
        chunks: dict[Span, list[str]] = {}
        for table in _HYPERTABLES:
            for row in await self._run("find_chunks", table, before):
                chunks.setdefault((row["since"], row["until"]), []).append(row["name"])
        is_done = True
        for (since, until), names in sorted(chunks.items()):
            if is_kept(self._kept, since, until):
                is_done &= await self._remove_span(since, until, is_thorough=is_thorough)
            else:
                is_done &= await self._drop(names, since, until)
        return is_done

    async def _drop(self, names: Sequence[str], since: datetime, until: datetime) -> bool:
        started = time.monotonic()
        free = free_of(self._instruments, {}, since, until)
        # Locked before anything is seen: what a logger writes meanwhile waits, and makes a chunk of its own.
        locks = [f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE" for name in names]
        async with self._alone(*locks):
            if await self._is_late(since, until):
                return False
            [noted] = await self._run("note_removed", *_columns(free), since, until)
            for table in _HYPERTABLES:
                await self._run("drop_chunks", table, since, until)
        self.removed.frames += noted["frames"]
        await _rest(started)
        return True

    async def _is_late(self, since: datetime, until: datetime) -> bool:
        [found] = await self._run("is_late", since, until)
        return bool(found["is_late"])

    async def _remove_traffic(self, before: datetime) -> None:
        if self.edition != "plain":
            await self._run("drop_chunks", "traffic", BEGINNING, before)
            return
        while True:
            started = time.monotonic()
            [found] = await self._run("remove_traffic", before, ROWS)
            if found["rows"] < ROWS:
                return
            await _rest(started)

    # What is left of them

    async def _remove_rollups(self, before: datetime) -> None:
        while free := free_of(self._instruments, self._kept, BEGINNING, before):
            [found] = await self._run("find_first_rollup", *_columns(free))
            if found["time"] is None:
                return
            started = time.monotonic()
            until = min(before, found["time"] + ROLLUPS_STEP)
            going = free_of(self._instruments, self._kept, found["time"], until)
            await self._run("remove_rollups", *_columns(going))
            await _rest(started)

    async def _compress(self, before: datetime) -> None:
        if self.edition != "community":
            return
        for table in (*_HYPERTABLES, "traffic"):
            while True:
                started = time.monotonic()
                if not await self._run("compress_chunks", table, before):
                    break
                await _rest(started)

    @contextlib.asynccontextmanager
    async def _alone(self, *locks: str) -> AsyncIterator[None]:
        """In one transaction, while no late minute is rolled up."""
        await self._run("await_late_turn")
        try:
            async with self.connection.transaction(isolation="repeatable_read"):
                for lock in locks:
                    await self.connection.execute(lock)
                yield
        finally:
            if not self.connection.is_closed():
                await self._run("leave_late_turn")

    async def _run(self, query: str, *arguments: Any) -> list[Any]:
        found: list[Any] = await self.connection.fetch(self.queries[query], *arguments)
        return found


@contextlib.asynccontextmanager
async def opened(
    dsn: str, queries: dict[str, str], keeping: Keeping, removed: Removed | None = None
) -> AsyncIterator[Sweeper]:
    """A sweeper as long as the context lasts."""
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=_SERVER_SETTINGS
    )
    try:
        [found] = await connection.fetch(queries["find_edition"])
        yield Sweeper(connection, queries, keeping, removed or Removed(), found["edition"])
        await connection.close(timeout=CONNECT_TIMEOUT_S)
    finally:
        connection.terminate()


def _columns(free: Iterable[Free]) -> tuple[list[int], list[datetime], list[datetime]]:
    """Rows as the arrays that unnest() takes."""
    rows = list(free)
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


async def _rest(started: float) -> None:
    """The logger writes to the same database: never more than half of the time."""
    await asyncio.sleep(time.monotonic() - started)
