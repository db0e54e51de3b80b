"""A damaged spool file is moved aside, and what can still be read of it goes into a new one. Blocking.

    damaged file --sound rows, facts, gaps--> new file, with a gap for each frame that is known to be lost --> its place

The new file is whole before the damaged one is renamed, so that it may end at any point and be begun again.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.spool import schema, spool_rows
from kleinmaelzung_agent.spool.spool_held import Damage, Held, Loss, Stream
from kleinmaelzung_agent.spool.spool_rows import COLUMNS, Row
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

_BESIDE: Final = ("-wal", "-shm")
_PIECE: Final = 1000  # rows saved in one transaction


def replace(
    path: Path,
    *,
    reason: str,
    now: datetime,
    held: Mapping[Stream, Held],
    last_ids: tuple[int, int],
    make_room: Callable[[], None],
) -> Damage:
    """Put a new file in the place of a damaged one. `held` and `last_ids`: what was known of it, if anything was.

    Raises sqlite3.Error or OSError where the disk does not allow it; then the damaged file is still in its place.
    """
    aside, fresh = path.with_name(f"{path.stem}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}"), _fresh(path)
    _remove(fresh)
    try:
        with _reading(path) as old, contextlib.closing(schema.connect(fresh)) as new:
            rescue = _Rescue(old, new, make_room)
            rescue.save()
            why = " ".join(reason.split())[:100]
            detail = f"the spool was damaged ({why}) and was moved aside to {aside.name}; {rescue.report}"
            rescue.finish(held, last_ids, detail)
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(fresh)
        raise
    _move(path, aside)
    fresh.rename(path)
    whole_file.sync_directory(path.parent)
    return Damage(detail=detail, since_us=rescue.since_us, are_numbers_known=rescue.are_numbers_known)


def complete(path: Path, now: datetime) -> None:
    """End a replacement that was interrupted; also, no log of a file that is gone may be taken for the new file's."""
    if path.exists():
        return
    if any(path.with_name(path.name + ending).exists() for ending in _BESIDE):
        _move(path, path.with_name(f"{path.stem}.left-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}"))
    if _fresh(path).exists() and not any(_fresh(path).with_name(_fresh(path).name + e).exists() for e in _BESIDE):
        _fresh(path).rename(path)


class _Rescue:
    """One connection to read, one to write."""

    def __init__(self, old: sqlite3.Connection | None, new: sqlite3.Connection, make_room: Callable[[], None]) -> None:
        self.since_us: int | None = None
        self.are_numbers_known = False
        self._old, self._new, self._make_room = old, new, make_room
        self._lost: list[tuple[str, int, int, int]] = []
        self._lost_count = self._saved = self._written = 0
        self._is_full = False

    @property
    def report(self) -> str:
        lost = f"{self._lost_count} are lost" if self.are_numbers_known else "others may be lost"
        return f"{self._saved} frames were saved, {lost}"

    def save(self) -> None:
        """Read from the beginning, from the end, and then what the index names and neither way reached."""
        if self._old is None:
            return
        if not self._save_rows("ORDER BY id"):
            self._save_rows("ORDER BY id DESC", until_known=True)
        self.are_numbers_known = self._save_named()
        self._commit()

    def finish(self, held: Mapping[Stream, Held], last_ids: tuple[int, int], detail: str) -> None:
        """Take over facts and gaps, and write down what is lost."""
        self._new.execute("BEGIN IMMEDIATE")
        if self._old is not None:
            self._copy_facts()
            self._copy_losses()
        self._continue_ids(last_ids)
        for instrument, epoch, first, last in self._lost:
            self._lose(instrument, Gap(reason=gaps.SPOOL_CORRUPT, epoch=epoch, first=first, last=last, detail=detail))
        for instrument, gap in self._unaccounted(held, detail):
            self._lose(instrument, gap)
        self._new.execute("COMMIT")
        self._new.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # one file, which can be renamed

    def _save_rows(self, order: str, *, until_known: bool = False) -> bool:
        """Returns whether the end was reached."""
        try:
            for row in self._read(f"SELECT {COLUMNS} FROM frames {order}"):  # noqa: S608
                is_new = self._save(row)
                if until_known and not is_new:
                    break
                if not until_known and isinstance(row[6], int) and row[6] > 0:
                    self.since_us = row[6]
        except schema.DamagedError:
            return False
        return True

    def _save_named(self) -> bool:
        names = "SELECT instrument, epoch, number, id FROM frames INDEXED BY sqlite_autoindex_frames_1"
        try:
            for instrument, epoch, number, id_ in self._read(f"{names} ORDER BY instrument, epoch, number"):
                if (
                    not self._is_saved(id_)
                    and not self._save_one(id_)
                    and spool_rows.is_name(instrument, epoch, number)
                ):
                    self._note_lost(instrument, epoch, number)
        except schema.DamagedError:
            return False
        return True

    def _save_one(self, id_: int) -> bool:
        try:
            rows = list(self._read(f"SELECT {COLUMNS} FROM frames WHERE id = {int(id_)}"))  # noqa: S608
        except schema.DamagedError:
            return False
        return any(self._save(row) for row in rows)

    def _read(self, statement: str) -> Iterator[Row]:
        """Only what is wrong with the damaged file becomes a DamagedError: a full disk is another matter."""
        assert self._old is not None
        try:
            cursor = self._old.execute(statement)
            row = cursor.fetchone()
        except sqlite3.Error as error:
            raise schema.DamagedError(str(error)) from error
        while row is not None:
            yield row
            try:
                row = cursor.fetchone()
            except sqlite3.Error as error:
                raise schema.DamagedError(str(error)) from error

    def _save(self, row: Row) -> bool:
        entry = spool_rows.spooled(row)
        if entry is None or self._is_full:
            return False
        try:
            if not self._new.in_transaction:
                self._new.execute("BEGIN IMMEDIATE")
            is_new = spool_rows.insert(self._new, entry.frame, entry.id)
            self._written += is_new
            if self._written >= _PIECE:
                self._commit()
        except sqlite3.OperationalError as error:
            if not schema.lacks_room(error):
                raise
            self._stop()
            return False
        return is_new

    def _commit(self) -> None:
        if self._new.in_transaction:
            self._new.execute("COMMIT")
        self._saved, self._written = self._saved + self._written, 0

    def _stop(self) -> None:
        """The disk takes no more frames. What is left of them is in the file that is moved aside."""
        self._is_full = True
        self._written = 0
        if self._new.in_transaction:
            self._new.execute("ROLLBACK")
        self._make_room()
        self._new.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _is_saved(self, id_: object) -> bool:
        return self._new.execute("SELECT 1 FROM frames WHERE id = ?", (id_,)).fetchone() is not None

    def _note_lost(self, instrument: str, epoch: int, number: int) -> None:
        self._lost_count += 1
        if self._lost and self._lost[-1][:2] == (instrument, epoch) and self._lost[-1][3] == number - 1:
            self._lost[-1] = (instrument, epoch, self._lost[-1][2], number)
        else:
            self._lost.append((instrument, epoch, number, number))

    def _copy_facts(self) -> None:
        with contextlib.suppress(schema.DamagedError):
            for name, value, crc in self._read("SELECT name, value, crc FROM facts"):
                if crc == schema.fact_checksum(name, value):
                    self._new.execute(
                        "INSERT OR IGNORE INTO facts (name, value, crc) VALUES (?, ?, ?)", (name, value, crc)
                    )

    def _copy_losses(self) -> None:
        assert self._old is not None
        with contextlib.suppress(sqlite3.Error):
            for loss in list(spool_rows.losses(self._old)):
                spool_rows.insert_loss(self._new, loss)

    def _continue_ids(self, last_ids: tuple[int, int]) -> None:
        """An id must not mean two frames, not even where the newest are lost."""
        for table, known in zip(("frames", "gaps"), last_ids, strict=True):
            (last_id,) = self._new.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
            self._new.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            self._new.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, max(last_id, known)))

    def _unaccounted(self, held: Mapping[Stream, Held], detail: str) -> Iterator[tuple[str, Gap]]:
        """Where fewer frames are saved or named as lost than there were: their numbers are unknown, their times not."""
        for (instrument, epoch), before in held.items():
            which = "SELECT count(*) FROM frames WHERE instrument = ? AND epoch = ?"
            (found,) = self._new.execute(which, (instrument, epoch)).fetchone()
            found += sum(
                last - first + 1 for *stream, first, last in self._lost if tuple(stream) == (instrument, epoch)
            )
            if found < before.count:
                since, until = before.since_us or None, before.until_us or None
                yield instrument, Gap(reason=gaps.SPOOL_CORRUPT, since=since, until=until, detail=detail)

    def _lose(self, instrument: str, gap: Gap) -> None:
        spool_rows.insert_loss(self._new, Loss(0, instrument, gap))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    try:
        connection = schema.connect_to_read(path)
    except sqlite3.Error:
        yield None
        return
    with contextlib.closing(connection):
        yield connection


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.stem}.new{path.suffix}")


def _remove(path: Path) -> None:
    for ending in ("", *_BESIDE):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _move(path: Path, aside: Path) -> None:
    for ending in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
