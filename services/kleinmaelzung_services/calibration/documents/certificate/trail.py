"""What a record says about time: who did what when, in the order of time. Pure.

The audit trail of a certificate is made of it (ISO/IEC 17025:2017, 7.5); nothing is issued before its last event.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kleinmaelzung_services.calibration.records.record import Record, Series
from kleinmaelzung_services.calibration.templates.lines import Path

What = Literal[
    "ticked", "deviation", "started", "finished", "as left started", "as left finished", "reading", "adjusted",
    "operator", "reviewer", "approver",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`text` is what was ticked, deviated from or adjusted, as it was written; of a person it is the function."""

    at: datetime
    what: What
    by: str = ""
    text: str = ""
    path: Path


def of(record: Record) -> list[Event]:
    """All but the readings, the earliest first."""
    return sorted(_events(record), key=lambda event: event.at)


def last(record: Record) -> Event:
    """The latest of all, readings too."""
    return max([*_events(record), *_readings(record)], key=lambda event: event.at)


def series_of(record: Record) -> list[tuple[str, Series]]:
    """As found and, where there is one, as left, each with its key."""
    both = [("as_found", record.as_found), ("as_left", record.as_left)]
    return [(key, series) for key, series in both if series is not None]


def _events(record: Record) -> Iterator[Event]:
    for index, tick in enumerate(record.preparations):
        yield Event(at=tick.at, what="ticked", by=tick.by, text=tick.check, path=("preparations", index, "at"))
    for index, one in enumerate(record.deviations):
        yield Event(at=one.at, what="deviation", by=one.by, text=one.text, path=("deviations", index, "at"))
    yield Event(at=record.as_found.started, what="started", path=("as_found", "started"))
    yield Event(at=record.as_found.finished, what="finished", path=("as_found", "finished"))
    if done := record.adjustment:
        text = "\n".join(filter(None, (done.text, _changed(done.before, done.after))))
        yield Event(at=done.at, what="adjusted", by=done.by, text=text, path=("adjustment", "at"))
    if record.as_left:
        yield Event(at=record.as_left.started, what="as left started", path=("as_left", "started"))
        yield Event(at=record.as_left.finished, what="as left finished", path=("as_left", "finished"))
    for index, person in enumerate(record.people):
        if person.at:
            path: Path = ("people", index, "at")
            yield Event(at=person.at, what=person.role, by=person.name, text=person.function, path=path)


def _changed(before: str, after: str) -> str:
    return f"{before or '-'} \N{RIGHTWARDS ARROW} {after or '-'}" if before or after else ""


def _readings(record: Record) -> Iterator[Event]:
    for key, series in series_of(record):
        for at, run in enumerate(series.tests):
            for index, reading in enumerate(run.readings):
                path = (key, "tests", at, "readings", index, "at")
                yield Event(at=reading.at, what="reading", by=reading.by, path=path)
