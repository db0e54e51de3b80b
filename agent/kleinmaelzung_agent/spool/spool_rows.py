"""A frame as a row of the spool's file, and back: only what has the right checksum is a frame."""

import sqlite3
import zlib
from collections.abc import Iterable
from typing import Any, Final

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool.schema import checksum
from kleinmaelzung_agent.spool.spool_held import Loss, Range, Spooled
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.gaps import Gap

Row = tuple[Any, ...]  # the columns below: what a damaged file gives may have any type

COLUMNS: Final = "id, instrument, epoch, number, payload, crc, time_us, is_record"
_ROW_BYTES: Final = 100  # what a row and its place in the index take beside the payload
SIZE: Final = f"length(payload) + {_ROW_BYTES}"
_LOSS_COLUMNS: Final = "instrument, epoch, first, last, reason, since_us, until_us, detail"
_UNKNOWN: Final = 0  # a gap's number or time


def size_of(frame: NumberedFrame) -> int:
    return len(frame.payload) + _ROW_BYTES


def row_size(row: Row) -> int:
    return _ROW_BYTES + (len(row[4]) if isinstance(row[4], bytes) else 0)


def insert(connection: sqlite3.Connection, frame: NumberedFrame, id_: int | None = None) -> bool:
    """Returns whether it was not there yet: a commit whose answer was lost to a cancelled task may be repeated."""
    crc = checksum(*frame.key, frame.time_us, int(frame.is_record), frame.payload)
    row = (id_, *frame.key, frame.payload, crc, frame.time_us, int(frame.is_record), size_of(frame))
    statement = f"INSERT OR IGNORE INTO frames ({COLUMNS}, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    return connection.execute(statement, row).rowcount > 0


def spooled(row: Row) -> Spooled | None:
    """None where any of it is not as it was written."""
    id_, instrument, epoch, number, payload, crc, time_us, is_record = row
    if not isinstance(payload, bytes):
        return None
    is_sound = crc == checksum(instrument, epoch, number, time_us, is_record, payload)
    # Rows of version 0 have no time, and a checksum of the payload alone.
    if not is_sound and not (time_us == 0 and crc == zlib.crc32(payload)):
        return None
    frame = NumberedFrame(
        instrument=instrument,
        epoch=epoch,
        number=number,
        payload=payload,
        time_us=time_us,
        is_record=bool(is_record),
    )
    return Spooled(id_, frame)


def names(connection: sqlite3.Connection) -> list[Range]:
    """Of all frames, numbers in a row together. It reads an index only."""
    rows = connection.execute(
        "SELECT instrument, epoch, min(number), max(number) FROM ("
        " SELECT instrument, epoch, number, number - row_number() OVER"
        " (PARTITION BY instrument, epoch ORDER BY number) AS island FROM frames"
        ") GROUP BY instrument, epoch, island ORDER BY 1, 2, 3"
    )
    return [row for row in rows if is_name(*row[:3])]


def is_name(instrument: object, epoch: object, number: object) -> bool:
    """Whether this can be a frame's name at all."""
    return (
        isinstance(instrument, str)
        and "\ufffd" not in instrument
        and isinstance(epoch, int)
        and 0 < epoch <= frames.MAX_EPOCH
        and isinstance(number, int)
        and 0 < number <= frames.MAX_NUMBER
    )


def insert_loss(connection: sqlite3.Connection, loss: Loss) -> Loss:
    """Write down that something is lost; an id is given unless it has one."""
    gap = loss.gap
    numbers = [value or _UNKNOWN for value in (gap.epoch, gap.first, gap.last)]
    times = [value or _UNKNOWN for value in (gap.since, gap.until)]
    row = (loss.id or None, loss.instrument, *numbers, gap.reason, *times, gap.detail)
    statement = f"INSERT OR IGNORE INTO gaps (id, {_LOSS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    cursor = connection.execute(statement, row)
    return Loss(loss.id or cursor.lastrowid or 0, loss.instrument, gap)


def losses(connection: sqlite3.Connection) -> Iterable[Loss]:
    for row in connection.execute(f"SELECT id, {_LOSS_COLUMNS} FROM gaps ORDER BY id"):  # noqa: S608
        loss = _loss(row)
        if loss is not None:
            yield loss


def _loss(row: Row) -> Loss | None:
    id_, instrument, epoch, first, last, reason, since, until, detail = row
    texts, numbers = (instrument, reason, detail), (epoch, first, last, since, until)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        return None
    epoch, first, last, since, until = (number or None for number in numbers)
    gap = Gap(reason=reason, epoch=epoch, first=first, last=last, since=since, until=until, detail=detail)
    return Loss(id_, instrument, gap)
