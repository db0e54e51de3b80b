"""The spool's file: frames in SQLite that are not yet known to be logged. Blocking; used by one thread.

    Change (frames to keep, ranges that are logged) --commit(), one transaction-> Outcome (what is held, what had to go)

A file that is damaged is moved aside and a new one begun. `lock()` keeps a second agent away from the directory.
"""

import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from kleinmaelzung_agent.recorder import NumberedFrame

FILE_NAME: Final = "spool.sqlite"
SPOOL_FULL: Final = "spool full"
SPOOL_CORRUPT: Final = "spool corrupt"

# AUTOINCREMENT: without it an emptied table starts at 1 again, and an id would mean two frames.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    is_record INTEGER NOT NULL,
    UNIQUE (instrument, epoch, number)
);
-- What had to be given up, until a frame that says so is itself in safety.
CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_ROW_BYTES = 100  # what a row and its place in the index take beside the payload

Stream = tuple[str, int]  # instrument, epoch


class SpoolError(Exception):
    """The spool cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Frames that were given up: `id` is the file's own, until the gap is announced."""

    id: int
    instrument: str
    epoch: int
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Spooled:
    """A frame with its place in the file: smaller is older."""

    id: int
    frame: NumberedFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction does: `logged` holds (instrument, epoch, first, last)."""

    frames: Sequence[NumberedFrame] = ()
    logged: Sequence[tuple[str, int, int, int]] = ()
    announced: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the file holds now."""

    last_id: int = 0
    streams: frozenset[Stream] = frozenset()
    count: int = 0
    gaps: list[Gap] = field(default_factory=list)  # new ones, to be announced


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold the directory for this process. Raises SpoolError where another agent does."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (directory / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise SpoolError(f"the data directory {directory} cannot be used: {error.strerror}") from error
    with file:
        _take(file, directory)
        yield


def _take(file: IO[str], directory: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read(20).strip() or "unknown"
        raise SpoolError(f"the data directory {directory} is in use by another agent (process {holder})") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


class SpoolFile:
    """One connection, one thread. `limit_bytes` bounds the frames; beyond it the oldest go."""

    def __init__(self, path: Path, *, limit_bytes: int, now: datetime) -> None:
        self.trouble = ""
        self._limit_bytes = limit_bytes
        self._sizes: dict[Stream, list[int]] = {}  # count and bytes
        try:
            self._connection = _open(path)
        except sqlite3.OperationalError as error:  # no right, no room: nothing is known about its contents
            raise SpoolError(f"the spool {path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            aside = move_aside(path, now)
            self.trouble = f"the spool was damaged ({error}) and was moved aside to {aside.name}"
            self._connection = _open(path)
        self._measure()

    def close(self) -> None:
        self._connection.close()

    def outcome(self, gaps: list[Gap]) -> Outcome:
        (last_id,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM frames").fetchone()
        count = sum(count for count, _ in self._sizes.values())
        return Outcome(last_id=last_id, streams=frozenset(self._sizes), count=count, gaps=gaps)

    def commit(self, change: Change) -> Outcome:
        """Do it all or nothing. Raises sqlite3.Error."""
        try:
            with self._transaction():
                for entry in change.logged:
                    self._delete(*entry)
                self._connection.executemany("DELETE FROM gaps WHERE id = ?", [(id_,) for id_ in change.announced])
                self._insert(change.frames)
                gaps = self._make_room()
        except sqlite3.Error:
            self._measure()
            raise
        return self.outcome(gaps)

    def read(self, *, after: int, until: int, count: int) -> tuple[list[Spooled], Outcome | None]:
        """The oldest frames with after < id <= until. Damaged ones are set aside, with a gap in the outcome."""
        rows = self._connection.execute(
            "SELECT id, instrument, epoch, number, payload, crc FROM frames"
            " WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (after, until, count),
        ).fetchall()
        sound = [_spooled(row) for row in rows if zlib.crc32(row[4]) == row[5]]
        if len(sound) == len(rows):
            return sound, None
        return sound, self._set_aside([row[:4] for row in rows if zlib.crc32(row[4]) != row[5]])

    def gaps(self) -> list[Gap]:
        """Gaps that an earlier run had no time to announce."""
        rows = self._connection.execute("SELECT id, instrument, epoch, first, last, reason FROM gaps ORDER BY id")
        return [_gap(*row) for row in rows]

    def remember(self, name: str, value: int) -> None:
        with self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> int:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _insert(self, frames: Sequence[NumberedFrame]) -> None:
        # A commit whose answer was lost to a cancelled task may be repeated: OR IGNORE.
        statement = (
            "INSERT OR IGNORE INTO frames (instrument, epoch, number, payload, size, crc, is_record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        for frame in frames:
            size = len(frame.payload) + _ROW_BYTES
            row = (*frame.key, frame.payload, size, zlib.crc32(frame.payload), frame.is_record)
            if self._connection.execute(statement, row).rowcount:
                self._count((frame.instrument, frame.epoch), 1, size)

    def _delete(self, instrument: str, epoch: int, first: int, last: int) -> None:
        if (instrument, epoch) not in self._sizes:
            return
        sizes = self._connection.execute(
            "DELETE FROM frames WHERE instrument = ? AND epoch = ? AND number BETWEEN ? AND ? RETURNING size",
            (instrument, epoch, first, last),
        ).fetchall()
        self._count((instrument, epoch), -len(sizes), -sum(size for (size,) in sizes))

    def _make_room(self) -> list[Gap]:
        held = sum(size for _, size in self._sizes.values())
        if held <= self._limit_bytes:
            return []
        # A little more than needed, so that a full spool is not swept at each commit.
        surplus = held - self._limit_bytes + self._limit_bytes // 100
        # A record of an earlier gap stays: without it that hole would have no reason.
        oldest = "SELECT id, instrument, epoch, number, size FROM frames WHERE NOT is_record ORDER BY id"
        going: list[tuple[int, str, int, int]] = []
        for row in self._connection.execute(oldest):
            going.append(row[:4])
            surplus -= row[4]
            if surplus <= 0:
                break
        return self._give_up(going, SPOOL_FULL)

    def _give_up(self, going: list[tuple[int, str, int, int]], reason: str) -> list[Gap]:
        """Delete frames, given as (id, instrument, epoch, number), and write down that they are gone."""
        gaps: list[Gap] = []
        for instrument, epoch, first, last in merged(entry[1:] for entry in going):
            cursor = self._connection.execute(
                "INSERT INTO gaps (instrument, epoch, first, last, reason) VALUES (?, ?, ?, ?, ?)",
                (instrument, epoch, first, last, reason),
            )
            gaps.append(_gap(cursor.lastrowid or 0, instrument, epoch, first, last, reason))
            self._delete(instrument, epoch, first, last)
        return gaps

    def _set_aside(self, damaged: list[tuple[int, str, int, int]]) -> Outcome:
        with self._transaction():
            self._connection.execute("CREATE TABLE IF NOT EXISTS damaged AS SELECT * FROM frames WHERE 0")
            self._connection.executemany(
                "INSERT INTO damaged SELECT * FROM frames WHERE id = ?", [row[:1] for row in damaged]
            )
            gaps = self._give_up(damaged, SPOOL_CORRUPT)
        return self.outcome(gaps)

    def _count(self, stream: Stream, count: int, size: int) -> None:
        sizes = self._sizes.setdefault(stream, [0, 0])
        sizes[0] += count
        sizes[1] += size
        if sizes[0] == 0:
            del self._sizes[stream]

    def _measure(self) -> None:
        rows = self._connection.execute("SELECT instrument, epoch, count(*), sum(size) FROM frames GROUP BY 1, 2")
        self._sizes = {(instrument, epoch): [count, size] for instrument, epoch, count, size in rows}


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL may take a commit back when the power goes
        connection.execute("PRAGMA journal_size_limit = 16777216")
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def move_aside(path: Path, now: datetime) -> Path:
    """Rename the file and what SQLite keeps beside it; returns the new name."""
    aside = path.with_name(f"{path.stem}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}")
    for ending in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + ending))
    return aside


def merged(names: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int, int]]:
    """Names of frames as ranges: (instrument, epoch, first, last)."""
    ranges: list[tuple[str, int, int, int]] = []
    for instrument, epoch, number in sorted(names):
        if ranges and ranges[-1][:2] == (instrument, epoch) and ranges[-1][3] == number - 1:
            ranges[-1] = (instrument, epoch, ranges[-1][2], number)
        else:
            ranges.append((instrument, epoch, number, number))
    return ranges


def _spooled(row: tuple[int, str, int, int, bytes, int]) -> Spooled:
    id_, instrument, epoch, number, payload, _ = row
    return Spooled(id_, NumberedFrame(instrument=instrument, epoch=epoch, number=number, payload=payload))


def _gap(id_: int, instrument: str, epoch: int, first: int, last: int, reason: str) -> Gap:
    return Gap(id=id_, instrument=instrument, epoch=epoch, first=first, last=last, reason=reason)
