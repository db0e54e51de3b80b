"""Records of alarms as rows of alarm_records. Pure: placed frames in, tuples out.

What is no record of an alarm, whatever it says of itself, makes no row: it stays in `records` as it came.
"""

from collections.abc import Iterable
from typing import Any

from kleinmaelzung_services.logger.rows import PlacedFrame, moment
from kleinmaelzung_wire import alarms
from kleinmaelzung_wire.alarms import Record
from kleinmaelzung_wire.codec import WireError


def alarm_rows(placed: Iterable[PlacedFrame]) -> list[tuple[Any, ...]]:
    """In the order of the columns of the query add_alarms."""
    return [
        (frame.stream, frame.entry.number, index, frame.instrument, *_columns(record))
        for frame in placed
        for index, told in enumerate(frame.entry.frame.records)
        if told["kind"] == alarms.KIND and (record := _record(told)) is not None
    ]


def _record(told: dict[str, Any]) -> Record | None:
    try:
        return Record.from_record(told)
    except WireError:
        return None


def _columns(record: Record) -> tuple[Any, ...]:
    alarm, known = record.alarm, record.alarm.acknowledged
    happened = alarm.id, record.event, moment(record.time), record.reason
    what = alarm.channel, alarm.kind, alarm.level, moment(alarm.since), alarm.value, alarm.limit
    by = (None, None, None) if known is None else (moment(known.time), known.user, known.note)
    return (*happened, *what, alarm.unit, alarm.cause, alarm.detail, *by)
