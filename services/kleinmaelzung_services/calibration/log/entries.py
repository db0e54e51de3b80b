"""The log of calibrations: what happened in, entries of a chain of hashes out (chain.py). Pure.

A subject is what entries are about: a run ("run:R-2026-0001"), a standard, an instrument, the laboratory. What it is
now follows from its entries; nothing is ever changed or removed.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from kleinmaelzung_services import chain, lookup
from kleinmaelzung_services.chain import Link
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

WHAT: Final = "the log of calibrations"
RUN: Final = "run:"
STANDARD: Final = "standard:"
ITEM: Final = "item:"
LABORATORY: Final = "laboratory"
# What begins a run, and what ends one; the rest is between (runs/events.py).
CREATED: Final = "created"
ENDINGS: Final = frozenset({"issued", "aborted"})

CLOCKS_US: Final = 2_000_000  # two machines' clocks, kept by NTP, may differ by so much

_NONE: Final = Link()
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it, and not behind a backslash of the text

Row = Any  # of asyncpg: columns by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be written of a subject. `details` become JSON: texts, numbers, lists and maps."""

    kind: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened, as it is written. `time` in µs since 1970 UTC; `request` is the id of who asked for it, or ""."""

    number: int
    time: int
    subject: str
    kind: str
    user: str
    details: dict[str, Any]
    request: str
    hash: bytes


class Columns(NamedTuple):
    """The columns of the table between `number` and `previous`, which the hash covers."""

    time: int
    subject: str
    kind: str
    username: str
    details: str  # JSON
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest entry; number 0 where there is none."""

    link: Link = _NONE
    time: int = 0


class LogError(Exception):
    """It was not written; the sentence says why."""


class Moved(LogError):
    """Somebody else wrote first: read again, and decide anew."""


class ClockBehind(LogError):
    """This computer's clock shows an earlier time than the newest entry."""


class Again(LogError):
    """This request was done before: `entries` are what came of it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(f"{entries[0].user} asked for this before: it is entry {entries[0].number}")
        self.entries = tuple(entries)


class LogDamaged(LogError):
    """The log does not hold what was written into it: entry `number` is the first that is wrong."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            f"the log of calibrations was changed outside of this program: {why}. Nothing is issued on it:"
            " find out who did that, and put a backup back"
        )
        self.number = number


def of_row(row: Row) -> Entry:
    """An entry as it is stored."""
    return of_columns(row["number"], columns_of(row), row["hash"])


def of_columns(number: int, found: Columns, hash_: bytes) -> Entry:
    return Entry(
        number=number,
        time=found.time,
        subject=found.subject,
        kind=found.kind,
        user=found.username,
        details=json.loads(found.details),
        request=found.request,
        hash=hash_,
    )


def columns_of(row: Row) -> Columns:
    """Of a row with its time in µs, which a query makes: a time that was edited may be none that Python knows."""
    return Columns(row["time_us"], *(row[name] for name in Columns._fields[1:]))


def head_of(rows: Sequence[Row]) -> Head:
    if not rows:
        return Head()
    [row] = rows
    return Head(link=Link(row["number"], row["hash"]), time=row["time_us"])


def details(found: dict[str, Any]) -> str:
    """Raises ValueError for what no database can store, or no program read: NUL, half characters, NaN."""
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    text.encode()
    if _NUL.search(text):
        raise ValueError("a text of the log has a NUL in it")
    return text


def time_of(head: Head, now_us: int) -> int:
    """The time of what is written now: later than all before, so that the log tells one order. Raises ClockBehind."""
    if now_us < head.time - CLOCKS_US:
        sentence = (
            f"this computer's clock shows {shown(now_us)}, but the newest entry of the log is of {shown(head.time)}:"
            " put the clock right, and try again"
        )
        raise ClockBehind(sentence)
    return max(now_us, head.time + 1)


def rows_of(head: Head, written: Iterable[Columns]) -> list[tuple[Any, ...]]:
    """The rows of the table, behind the newest entry."""
    rows, last = list[tuple[Any, ...]](), head.link
    for one in written:
        new = chain.link(last, last.number + 1, one)
        rows.append((new.number, lookup.to_datetime(one.time), *one[1:], last.hash, new.hash))
        last = new
    return rows


def columns(subject: str, drafts: Sequence[Draft], *, user: str, request: str, time_us: int) -> list[Columns]:
    """All of one request have its time; the first has its id."""
    return [
        Columns(time_us, subject, one.kind, user, details(one.details), "" if place else request)
        for place, one in enumerate(drafts)
    ]


def damage(last: Link, row: Row) -> str:
    """What is wrong with the row behind a good entry; empty if nothing is."""
    return chain.damage(last, row["number"], columns_of(row), previous=row["previous"], hash_=row["hash"], what=WHAT)


def next_run(year: int, highest: int | None) -> str:
    """The number of a new run; `highest` is the count of the newest of that year."""
    return f"R-{year}-{(highest or 0) + 1:04}"


def year_of(time_us: int) -> int:
    return lookup.to_datetime(time_us).year


def shown(time_us: int) -> str:
    known = min(max(time_us, MIN_TIME_US), MAX_TIME_US)
    return f"{datetime.fromtimestamp(known // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
