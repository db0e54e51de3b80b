"""The spool's file: frames in SQLite that are not yet known to be logged. Blocking; used by one thread.

    Change (frames to keep, ranges that are logged) --commit(), one transaction-> Outcome (what is held, what had to go)

Raises sqlite3.Error where the disk does not allow it, schema.DamagedError where the file is not what was written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import schema, spool_rows
from kleinmaelzung_agent.spool.schema import DamagedError
from kleinmaelzung_agent.spool.spool_held import (
    ENDED,
    EPOCH,
    INSTRUMENT,
    LAST,
    SINCE,
    Change,
    Held,
    Limits,
    Loss,
    Outcome,
    PreviousRun,
    Range,
    Spooled,
    Stream,
    lost,
)
from kleinmaelzung_agent.spool.spool_rows import COLUMNS, SIZE, Row
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

FILE_NAME: Final = "spool.sqlite"
_SWEEP_BYTES: Final = 4 * 1024 * 1024  # given up in one transaction; the next goes on
_NEWEST: Final = 200  # frames in which the newest time is looked for: several instruments, one commit


class SpoolFile:
    """One connection, one thread. Frames of the instruments in `keep_all` are never given up."""

    def __init__(self, path: Path, limits: Limits, keep_all: frozenset[str] = frozenset()) -> None:
        self._limits, self._keep_all = limits, keep_all
        self.held: dict[Stream, Held] = {}
        self._was_full = False
        self._connection = schema.connect(path)
        try:
            self.last_id, self.last_loss_id = self._sequence("frames"), self._sequence("gaps")
            self._measure()
            self._losses = list(spool_rows.losses(self._connection))  # of an earlier run that could not announce them
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def keep_all(self, names: frozenset[str]) -> Outcome:
        """From now on give up nothing of these instruments."""
        self._keep_all = names
        self._measure()
        return self.outcome()

    def outcome(self) -> Outcome:
        """What is held, and the losses that no outcome has told yet."""
        (last_id,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM frames").fetchone()
        self.last_id = max(self.last_id, last_id)
        losses, self._losses = self._losses, []
        held, was_full = self.held.values(), self._was_full
        self._was_full = False
        return Outcome(
            last_id=last_id,
            streams=frozenset(self.held),
            count=sum(stream.count for stream in held),
            bytes=sum(stream.bytes for stream in held),
            was_full=was_full,
            losses=losses,
        )

    def commit(self, change: Change) -> Outcome:
        """Do it all or nothing. Raises sqlite3.Error."""
        with self._transaction():
            for entry in change.logged:
                self._delete_range(*entry)
            self._connection.executemany("DELETE FROM gaps WHERE id = ?", [(id_,) for id_ in change.announced])
            for frame in change.frames:
                self._insert(frame)
            for instrument, gap in change.lost:
                self._lose(instrument, gap)
            self._remember(change.facts)
            if change.now_us:
                self._drop_old(change.now_us)
            self._make_room()
        return self.outcome()

    def read(self, *, after: int, until: int, count: int) -> tuple[list[Spooled], Outcome | None]:
        """The oldest frames with after < id <= until. Damaged ones are set aside, with a gap in the outcome."""
        # Not "id <= until": a damaged id would end the search, and hide what is behind it.
        statement = f"SELECT {COLUMNS} FROM frames WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
        rows = self._connection.execute(statement, (after, count)).fetchall()
        found = [spool_rows.spooled(row) for row in rows]
        wanted = [entry for entry in found if entry and entry.id <= until]
        if all(found):
            return wanted, None
        with self._transaction():
            self._give_up([row for row, entry in zip(rows, found, strict=True) if not entry], gaps.SPOOL_CORRUPT)
        return wanted, self.outcome()

    def names(self) -> list[Range]:
        """Of all frames that it holds, numbers in a row together."""
        return spool_rows.names(self._connection)

    def checkpoint(self) -> None:
        """Move what was committed into the main file, and give the room of the log beside it back."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def facts(self) -> dict[str, int]:
        rows = self._connection.execute("SELECT name, value, crc FROM facts").fetchall()
        for name, value, crc in rows:
            if schema.fact_checksum(name, value) != crc:
                raise DamagedError(f"the fact {name} is not as it was written")
        return {name: value for name, value, _ in rows}

    def previous(self) -> PreviousRun | None:
        """The run that wrote last, unless none ever did."""
        facts = self.facts()
        epoch, ended = facts.get(EPOCH, 0), facts.get(ENDED, 0)
        if not epoch:
            return None
        named = [name for name, value in facts.items() if name.startswith(INSTRUMENT) and value == epoch]
        names = frozenset(name.removeprefix(INSTRUMENT) for name in named)
        return PreviousRun(
            epoch=epoch,
            since_us=facts.get(SINCE, 0),
            last_known_us=ended or max(facts.get(SINCE, 0), self._newest_us(epoch)),
            is_clean=ended > 0,
            instruments=names,
            last={name: facts[LAST + name] for name in names if ended and LAST + name in facts},
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        held, losses = dict(self.held), list(self._losses)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self.held, self._losses = held, losses
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _insert(self, frame: NumberedFrame) -> None:
        if spool_rows.insert(self._connection, frame):
            stream = frame.instrument, frame.epoch
            is_kept = frame.is_record or frame.instrument in self._keep_all
            held = self.held.get(stream, Held())
            self.held[stream] = held.with_frame(spool_rows.size_of(frame), is_kept=is_kept, time_us=frame.time_us)

    def _delete_range(self, instrument: str, epoch: int, first: int, last: int) -> None:
        if (instrument, epoch) in self.held:
            which = "instrument = ? AND epoch = ? AND number BETWEEN ? AND ?"
            self._delete(which, (instrument, epoch, first, last))

    def _delete(self, which: str, values: Sequence[object]) -> None:
        statement = f"DELETE FROM frames WHERE {which} RETURNING instrument, epoch, {SIZE}, is_record"  # noqa: S608
        for instrument, epoch, size, is_record in self._connection.execute(statement, values).fetchall():
            is_kept = bool(is_record) or instrument in self._keep_all
            left = self.held.get((instrument, epoch), Held()).without_frame(size, is_kept=is_kept)
            self.held[instrument, epoch] = left
            if left.count <= 0:
                del self.held[instrument, epoch]

    def _remember(self, facts: Mapping[str, int]) -> None:
        # Not INSERT OR REPLACE, which deletes first.
        statement = (
            "INSERT INTO facts (name, value, crc) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value, crc = excluded.crc"
        )
        for name, value in facts.items():
            self._connection.execute(statement, (name, value, schema.fact_checksum(name, value)))

    def _drop_old(self, now_us: int) -> None:
        before_us, room = now_us - int(self._limits.age_s * 1e6), _SWEEP_BYTES
        going: list[Row] = []
        for row in self._droppable():
            time_us = row[6]
            if time_us >= before_us or room <= 0:
                break
            if time_us:
                going.append(row)
                room -= spool_rows.row_size(row)
        self._give_up(going, gaps.SPOOL_AGE)

    def _make_room(self) -> None:
        surplus = sum(held.bytes for held in self.held.values()) - self._limits.bytes
        # A little more than needed, so that a full spool is not swept at each commit. And where all but a little is
        # kept in any case, that little may stay until it is worth a gap: what tells of a gap is never given up.
        self._was_full = surplus >= 0
        step = self._limits.bytes // 100
        droppable = sum(held.bytes - held.kept_bytes for held in self.held.values())
        if surplus <= 0 or droppable < step:
            return
        surplus = min(surplus + step, _SWEEP_BYTES)
        going: list[Row] = []
        for row in self._droppable():
            going.append(row)
            surplus -= spool_rows.row_size(row)
            if surplus <= 0:
                break
        self._give_up(going, gaps.SPOOL_FULL)

    def _droppable(self) -> Iterable[Row]:
        # A record of an earlier gap stays: without it that hole would have no reason.
        marks = ", ".join("?" * len(self._keep_all))
        statement = f"SELECT {COLUMNS} FROM frames WHERE NOT is_record AND instrument NOT IN ({marks}) ORDER BY id"  # noqa: S608
        return self._connection.execute(statement, sorted(self._keep_all))

    def _give_up(self, going: Sequence[Row], reason: str) -> None:
        """Delete rows, and write down that they are gone."""
        damaged = [row for row in going if not spool_rows.spooled(row)]
        ids = {row[0] for row in damaged}
        self._set_aside(damaged)
        self._write_down([row[1:4] for row in damaged], gaps.SPOOL_CORRUPT)
        self._write_down([row[1:4] for row in going if row[0] not in ids], reason)
        for row in going:
            self._delete("id = ?", row[:1])

    def _write_down(self, names: Iterable[tuple[str, int, int]], reason: str) -> None:
        for instrument, gap in lost(names, reason):
            self._lose(instrument, gap)

    def _lose(self, instrument: str, gap: Gap) -> None:
        loss = spool_rows.insert_loss(self._connection, Loss(0, instrument, gap))
        self.last_loss_id = max(self.last_loss_id, loss.id)
        self._losses.append(loss)

    def _set_aside(self, damaged: Sequence[Row]) -> None:
        """Keep what a damaged row holds. Raises DamagedError where not even its name can be trusted."""
        if not damaged:
            return
        for row in damaged:
            which = "id = ? AND instrument = ? AND epoch = ? AND number = ?"
            index = "frames INDEXED BY sqlite_autoindex_frames_1"  # its name is there once more, untouched
            if not self._connection.execute(f"SELECT 1 FROM {index} WHERE {which}", row[:4]).fetchone():  # noqa: S608
                raise DamagedError(f"the row {row[0]} is not as it was written")
        columns = "id, instrument, epoch, number, payload, size, crc, is_record"
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS damaged AS SELECT {columns} FROM frames WHERE 0")  # noqa: S608
        copy = f"INSERT INTO damaged ({columns}) SELECT {columns} FROM frames WHERE id = ?"  # noqa: S608
        self._connection.executemany(copy, [row[:1] for row in damaged])

    def _newest_us(self, epoch: int) -> int:
        statement = f"SELECT {COLUMNS} FROM frames WHERE epoch = ? ORDER BY id DESC LIMIT {_NEWEST}"  # noqa: S608
        found = [spool_rows.spooled(row) for row in self._connection.execute(statement, (epoch,))]
        return max((entry.frame.time_us for entry in found if entry), default=0)

    def _sequence(self, table: str) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return int(row[0]) if row else 0

    def _measure(self) -> None:
        kept = " OR ".join(["is_record", *["instrument = ?"] * len(self._keep_all)])
        statement = (
            f"SELECT instrument, epoch, count(*), sum({SIZE}), sum(iif({kept}, {SIZE}, 0)),"  # noqa: S608
            " coalesce(min(nullif(time_us, 0)), 0), max(time_us) FROM frames GROUP BY 1, 2"
        )
        rows = self._connection.execute(statement, sorted(self._keep_all)).fetchall()
        self.held = {(instrument, epoch): Held(*numbers) for instrument, epoch, *numbers in rows}


__all__ = ["FILE_NAME", "SpoolFile", "Spooled"]
