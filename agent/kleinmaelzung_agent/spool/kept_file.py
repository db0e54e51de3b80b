"""The file of frames that are kept after they were logged, in case that the server loses them. Blocking.

frames --add()--> SQLite --read(stream, numbers)--> frames        too old, or too many bytes: the oldest go

It holds copies: what happens to it is no loss, so it may lose its last second when the power goes, and a damaged one is
made anew.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kleinmaelzung_agent.recording import number_ranges
from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import schema, spool_rows
from kleinmaelzung_agent.spool.spool_held import Stream, by_stream, merged
from kleinmaelzung_agent.spool.spool_rows import COLUMNS, SIZE

logger = logging.getLogger(__name__)

FILE_NAME: Final = "kept.sqlite"
_SUFFIXES: Final = ("", "-wal", "-shm")
_SWEEP: Final = 2000  # frames that go in one transaction


class KeptFile:
    """One connection, one thread. `numbers` is what it holds."""

    def __init__(self, path: Path, *, keep_s: float, limit_bytes: int) -> None:
        self.numbers: dict[Stream, Numbers] = {}
        self.bytes = 0
        self._keep_us, self._limit = int(keep_s * 1e6), limit_bytes
        self._connection = _connect(path)
        try:
            self._measure()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def add(self, frames: Sequence[NumberedFrame]) -> int:
        """Returns how many are new. Raises sqlite3.Error, and then has none of them."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            new = [frame for frame in frames if spool_rows.insert(self._connection, frame)]
            gone = self._sweep(frames[-1].time_us if frames else 0, sum(map(spool_rows.size_of, new)))
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self.bytes += sum(map(spool_rows.size_of, new)) - sum(size for *_, size in gone)
        for name, epoch, first, last in merged(frame.key for frame in new):
            self.numbers[name, epoch] = number_ranges.joined([*self.numbers.get((name, epoch), []), (first, last)])
        for name, epoch, first, last in merged((name, epoch, number) for name, epoch, number, _ in gone):
            self.numbers[name, epoch] = number_ranges.without(self.numbers.get((name, epoch), []), [(first, last)])
            if not self.numbers[name, epoch]:
                del self.numbers[name, epoch]
        return len(new)

    def read(self, stream: Stream, first: int, last: int, count: int) -> list[NumberedFrame]:
        """The first of these that are there and as they were written."""
        which = "instrument = ? AND epoch = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT ?"
        statement = f"SELECT {COLUMNS} FROM frames WHERE {which}"  # noqa: S608
        rows = self._connection.execute(statement, (*stream, first, last, count)).fetchall()
        return [entry.frame for row in rows if (entry := spool_rows.spooled(row))]

    def _sweep(self, now_us: int, added: int) -> list[tuple[str, int, int, int]]:
        """Delete what is too old, and as much as is too much; by their names and sizes."""
        surplus = self.bytes + added - self._limit
        before_us = now_us - self._keep_us
        going: list[int] = []
        statement = f"SELECT id, time_us, {SIZE} FROM frames ORDER BY id LIMIT ?"  # noqa: S608
        for id_, time_us, size in self._connection.execute(statement, (_SWEEP,)):
            if surplus <= 0 and not (now_us and time_us < before_us):
                break
            going.append(id_)
            surplus -= size
        if not going:
            return []
        gone = f"DELETE FROM frames WHERE id <= ? RETURNING instrument, epoch, number, {SIZE}"  # noqa: S608
        return self._connection.execute(gone, (going[-1],)).fetchall()

    def _measure(self) -> None:
        (self.bytes,) = self._connection.execute(f"SELECT coalesce(sum({SIZE}), 0) FROM frames").fetchone()  # noqa: S608
        self.numbers = by_stream(spool_rows.names(self._connection))


def remove(directory: Path) -> None:
    """Whatever was kept; on a disk that does not allow it it stays."""
    with contextlib.suppress(OSError):
        for suffix in _SUFFIXES:
            (directory / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = schema.connect(path)
    except sqlite3.Error as error:
        if not schema.is_damage(error):
            raise
        logger.warning("%s is damaged (%s) and is made anew: what it kept was logged once", path, error)
        remove(path.parent)
        connection = schema.connect(path)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
