"""The database: entries in, committed rows and what may be acknowledged out.

One transaction per batch: lock the streams, find the numbers that are new, COPY their frames and samples, chain what
became of commands to the ledger, note the numbers, commit. A number is noted in the transaction that stores its frame,
so a repeat never stores anything.
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from kleinmaelzung_services import chain, lookup, migrate
from kleinmaelzung_services.logger import alarm_rows, batch, ledger, rows
from kleinmaelzung_services.logger.batch import (
    Arrival,
    Entry,
    FrameEntry,
    QuarantineEntry,
    RefusedEntry,
    StreamKey,
    TrafficEntry,
)
from kleinmaelzung_services.logger.names import Names
from kleinmaelzung_services.logger.rows import PlacedFrame
from kleinmaelzung_wire import failpoints
from kleinmaelzung_wire.messages import LoggedRanges

logger = logging.getLogger(__name__)

PART: Final = migrate.Part(package="kleinmaelzung_services.logger", table="migrations")
CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 15.0  # a batch takes 50 ms; a frozen server is noticed after this
CHECK_TIMEOUT_S: Final = 3.0
CLOSE_TIMEOUT_S: Final = 3.0
MAX_REMEMBERED: Final = 100_000  # hours of boots
MAX_TOLD: Final = 50_000  # runs of one agent's instruments
MAX_TOPIC: Final = 500  # a stranger's may be 64 kB; ours have at most 110 characters

_SERVER_SETTINGS: Final = {
    "application_name": "kleinmaelzung-logger",
    "jit": "off",
    "statement_timeout": "15s",
    "lock_timeout": "10s",
    # A logger that was frozen with a stream locked must not stop the other one.
    "idle_in_transaction_session_timeout": "20s",
}

# The row is wrong, not the database: a full disk (53100), memory that is short (53200), an error of input or output
# (58030), a dead-lock or a lost connection is none of these.
_DATA_ERRORS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,  # too long for an index
    struct.error,  # beyond a column's range
    OverflowError,
    UnicodeError,
)
# What a migration finds is not ours or not allowed: waiting does not help.
_SCHEMA_ERRORS: Final = (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError)
_ALL_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection that the server ends sometimes gives
    OSError,
    TimeoutError,
)

Position = tuple[int, int]  # id of a stream, number


class StoreUnavailable(Exception):
    """Nothing can be written now; the same entries may succeed later."""


@dataclass(slots=True)
class Written:
    """What one batch did. `numbered` and `noted` may be acknowledged: they are committed."""

    frames: int = 0
    samples: int = 0
    repeats: int = 0
    conflicts: int = 0
    quarantined: int = 0
    numbered: list[tuple[StreamKey, int]] = field(default_factory=list)
    noted: list[Entry] = field(default_factory=list)  # records of commands that no agent saw

    def __iadd__(self, other: "Written") -> "Written":
        self.frames += other.frames
        self.samples += other.samples
        self.repeats += other.repeats
        self.conflicts += other.conflicts
        self.quarantined += other.quarantined
        self.numbered += other.numbered
        self.noted += other.noted
        return self


@contextlib.asynccontextmanager
async def open_store(dsn: str) -> AsyncIterator["Store"]:
    """Hold one connection for writing, its schema up to date.

    Raises:
        migrate.SchemaError: this database cannot be used with this software.
        StoreUnavailable: it is not there, at first or later.
    """
    with _unavailable():
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=_SERVER_SETTINGS,
        )
    try:
        with _unavailable():
            installation = await _migrate(connection)
        yield Store(connection, installation)
    finally:
        await _close(connection)


async def _migrate(connection: Any) -> migrate.Installation:
    try:
        return await migrate.migrate(connection, PART)
    except _SCHEMA_ERRORS as error:
        raise migrate.SchemaError(
            f"its tables cannot be made: {error}; the logger needs a database of its own, and the right to create in it"
        ) from error


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=CLOSE_TIMEOUT_S)
    except _ALL_ERRORS as error:
        logger.debug("closing the connection to the database: %s", error)
        connection.terminate()


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except asyncpg.DiskFullError as error:
        raise StoreUnavailable(f"database: its disk is full: {error}") from error
    except _ALL_ERRORS as error:
        sentence = str(error) or "it does not answer" if isinstance(error, TimeoutError) else str(error)
        raise StoreUnavailable(f"database: {sentence}") from error


class Store:
    """One open connection; made by open_store(). One caller at a time."""

    def __init__(self, connection: Any, installation: migrate.Installation) -> None:
        self.installation = installation
        self._connection = connection
        self._queries = lookup.read_queries(__package__, "queries.sql")
        self._names = Names(self._queries)
        self._referenced: set[tuple[int, int]] = set()  # boots and hours that have a row of clock_references

    async def check(self) -> None:
        """Raise StoreUnavailable if the database does not answer."""
        with _unavailable():
            await self._connection.execute("SELECT 1", timeout=CHECK_TIMEOUT_S)

    async def write(self, entries: Sequence[Entry]) -> Written:
        """Store the entries and commit. What the database does not take goes to quarantine by itself.

        Raises StoreUnavailable: nothing of this call may be acknowledged, though some of it may be committed.
        """
        with _unavailable():
            return await self._write_or_divide(entries)

    async def list_stored(self, agent: str, epochs: Sequence[int], reaches_s: float) -> list[LoggedRanges]:
        """What it has, and knows to be lost, of an agent's runs: of these, and of those heard of so lately.

        Raises StoreUnavailable.
        """
        with _unavailable():
            rows = await self._run("list_stored", agent, epochs, reaches_s, MAX_TOLD)
        return [
            LoggedRanges(
                instrument=row["name"],
                epoch=row["epoch"],
                ranges=[(run.lower, run.upper - 1) for run in row["numbers"]],
            )
            for row in rows
        ]

    async def _write_or_divide(self, entries: Sequence[Entry]) -> Written:
        try:
            return await self._write(entries)
        except _DATA_ERRORS as error:
            if len(entries) > 1:
                written = Written()
                for half in batch.halves(entries):
                    written += await self._write_or_divide(half)
                return written
            [entry] = entries
            if isinstance(entry, QuarantineEntry):
                raise
            logger.warning("quarantined a message of %s: %s", entry.arrival.topic, error)
            return await self._write([batch.refuse(entry, str(error))])

    async def _write(self, entries: Sequence[Entry]) -> Written:
        frames = [entry for entry in entries if isinstance(entry, FrameEntry)]
        refused = [entry for entry in entries if isinstance(entry, QuarantineEntry)]
        noted = [entry for entry in entries if isinstance(entry, RefusedEntry)]
        traffic = [entry.arrival for entry in entries if isinstance(entry, TrafficEntry | RefusedEntry)]
        numbered = batch.numbered(entries)
        placed = await self._names.place(self._connection, {stream for stream, _ in numbered}, frames)
        async with self._connection.transaction():
            known = await self._lock_streams(numbered)
            new, repeats = _split(placed, known)
            await self._add_frames(new)
            references = await self._add_references(new)
            conflicts = await self._find_conflicts(repeats)
            await self._add_quarantine([*refused, *(batch.conflict(frame.entry) for frame in conflicts)])
            await self._add_traffic(traffic)
            await self._add_to_ledger(_commands(new, noted))
            await self._note_numbers(new, refused)
            failpoints.reach("logger.before_commit")
        failpoints.reach("logger.after_commit")
        self._referenced |= references.keys()
        return Written(
            frames=len(new),
            samples=sum(frame.samples for frame in new),
            repeats=len(repeats) - len(conflicts),
            conflicts=len(conflicts),
            quarantined=len(refused),
            numbered=numbered,
            noted=[entry for entry in entries if isinstance(entry, RefusedEntry | QuarantineEntry)],
        )

    async def _run(self, query: str, *arguments: Any) -> list[Any]:
        found: list[Any] = await self._connection.fetch(self._queries[query], *arguments)
        return found

    async def _lock_streams(self, numbered: Sequence[tuple[StreamKey, int]]) -> set[Position]:
        """Hold the streams until the commit; the numbers of these that are known."""
        if not numbered:
            return set()
        runs = _runs(self._names, numbered)
        locked = await self._run("lock_streams", *_columns(runs))
        if len(locked) < len({stream for stream, _, _ in runs}):
            # Somebody emptied the tables under us. A new connection forgets the ids, and makes the rows again.
            raise asyncpg.InterfaceError("rows of streams have vanished")
        return {(row["id"], number) for row in locked for run in row["known"] for number in range(run.lower, run.upper)}

    async def _add_frames(self, new: Sequence[PlacedFrame]) -> None:
        if not new:
            return
        await self._copy("frames", rows.FRAME_COLUMNS, rows.copy_frames(new))
        if any(frame.samples for frame in new):
            await self._copy("samples", rows.SAMPLE_COLUMNS, rows.copy_samples(new))
            await self._note_late(new)
        if records := rows.record_rows(new):
            await self._run("add_records", *_columns(records))
        if gaps := rows.gap_rows(new):
            await self._run("add_gaps", *_columns(gaps))
        if alarms := alarm_rows.alarm_rows(new):
            await self._run("add_alarms", *_columns(alarms))

    async def _note_late(self, new: Sequence[PlacedFrame]) -> None:
        """Name the minutes that may be rolled up already (docs/decisions/0011)."""
        [promise] = await self._run("lock_promise")
        if late := rows.late_minutes(new, promise["until"]):
            await self._run("add_late", *_columns(late))

    async def _add_references(self, new: Sequence[PlacedFrame]) -> dict[tuple[int, int], Any]:
        if len(self._referenced) > MAX_REMEMBERED:
            self._referenced.clear()
        found = {key: row for key, row in rows.reference_rows(new).items() if key not in self._referenced}
        if found:  # sorted, so that two loggers do not dead-lock
            await self._run("add_references", *_columns(row for _, row in sorted(found.items())))
        return found

    async def _copy(self, table: str, columns: Sequence[str], pieces: Iterable[bytes]) -> None:
        await self._connection.copy_to_table(table, columns=columns, format="binary", source=_handed(pieces))

    async def _find_conflicts(self, repeats: Sequence[PlacedFrame]) -> list[PlacedFrame]:
        """Repeats whose number is stored with other bytes: a frame's bytes are final, so somebody is wrong."""
        if not repeats:
            return []
        times = [rows.moment(frame.entry.frame.times[0]) for frame in repeats]
        places = _columns((frame.stream, frame.entry.number) for frame in repeats)
        payloads = [frame.entry.payload for frame in repeats]
        same = await self._run("find_same", *places, times, payloads, min(times), max(times))
        others = _without(repeats, same)
        if not others:
            return []
        stored = await self._run("find_stored", *_columns((frame.stream, frame.entry.number) for frame in others))
        return [others[row["position"] - 1] for row in stored]

    async def _add_quarantine(self, entries: Sequence[QuarantineEntry]) -> None:
        # Sorted, so that two loggers that are sent the same garbage do not dead-lock.
        found = sorted(entries, key=lambda entry: (entry.arrival.topic, entry.reason, entry.payload))
        if found:
            await self._connection.executemany(self._queries["add_quarantine"], map(self._quarantine_row, found))

    def _quarantine_row(self, entry: QuarantineEntry) -> tuple[Any, ...]:
        arrival = entry.arrival
        stream = None if entry.stream is None else self._names.stream(entry.stream)
        received = rows.moment(arrival.received_us)
        return received, arrival.topic[:MAX_TOPIC], entry.reason, entry.detail, stream, entry.number, entry.payload

    async def _add_traffic(self, arrivals: Sequence[Arrival]) -> None:
        if arrivals:
            await self._run("lock_traffic")
            await self._run("add_traffic", *_columns(map(_traffic_row, arrivals)))

    async def _add_to_ledger(self, commands: Sequence[ledger.Entry]) -> None:
        """Nothing is asked of the database where no command was."""
        if not commands:
            return
        head = await self._run("lock_ledger")
        if not head:
            raise asyncpg.InterfaceError("the row of ledger_head was removed: nothing can be added to the ledger")
        keys = [(one.agent, one.instrument, one.epoch, one.frame, one.record) for one in commands]
        names = [(one.username, one.command, one.result, _moment(one.received)) for one in commands]
        known = {row["position"] - 1 for row in await self._run("find_noted", *_columns(keys), *_columns(names))}
        new = [one for position, one in enumerate(commands) if position not in known]
        if new:
            made, newest = ledger.chained(chain.Link(*head[0]), new)
            await self._run("add_to_ledger", *_columns(made), *newest)

    async def _note_numbers(self, new: Sequence[PlacedFrame], refused: Sequence[QuarantineEntry]) -> None:
        runs = [
            (*run, is_quarantined)
            for numbered, is_quarantined in (
                ([(frame.entry.stream, frame.entry.number) for frame in new], False),
                (batch.numbered(refused), True),
            )
            for run in _runs(self._names, numbered)
        ]
        if runs:
            await self._run("update_streams", *_columns(runs))


async def _handed(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)  # lets it go out before the next is made


def _columns(found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows as the arrays that unnest() takes."""
    return list(zip(*found, strict=True))


def _runs(names: Names, numbered: Iterable[tuple[StreamKey, int]]) -> list[tuple[int, int, int]]:
    """Ids of streams with their runs of numbers."""
    return [
        (names.stream(stream), first, last)
        for stream, numbers in batch.group(numbered).items()
        for first, last in batch.merge(numbers)
    ]


def _commands(new: Iterable[PlacedFrame], noted: Iterable[RefusedEntry]) -> list[ledger.Entry]:
    """What became of commands, each once."""
    refused = (
        ledger.of_refused(entry.agent, entry.instrument, entry.record, entry.service, entry.arrival.received_us)
        for entry in noted
    )
    found: dict[Any, ledger.Entry] = {}
    for command in (*ledger.of_frames(new), *refused):
        found.setdefault(command.key, command)
    return list(found.values())


def _moment(time_us: int | None) -> Any:
    return None if time_us is None else rows.moment(time_us)


def _traffic_row(arrival: Arrival) -> tuple[Any, ...]:
    received = rows.moment(arrival.received_us)
    return received, arrival.retained, arrival.topic, arrival.payload, arrival.response_topic, arrival.correlation


def _split(frames: Iterable[PlacedFrame], known: set[Position]) -> tuple[list[PlacedFrame], list[PlacedFrame]]:
    """New frames and repeats; of two with one number in the same batch the first is new."""
    new: dict[Position, PlacedFrame] = {}
    repeats = []
    for frame in frames:
        position = frame.stream, frame.entry.number
        if position in known or position in new:
            repeats.append(frame)
        else:
            new[position] = frame
    return list(new.values()), repeats


def _without(frames: Sequence[PlacedFrame], found: Iterable[Any]) -> list[PlacedFrame]:
    positions = {row["position"] for row in found}
    return [frame for position, frame in enumerate(frames, start=1) if position not in positions]
