"""What a GET below /history/ asks for: path and query in, a Query out, or a sentence for each mistake. Pure.

    /history/pi-1/balance.csv?from=2026-11-22T08:00:00Z&to=1h&channels=mass,state&points=2000

A time is ISO 8601 with an offset or Z, an integer of µs since 1970 UTC, or a span before now.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kleinmaelzung_gateway.wanted import Mistakes, NoFile, parameters
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_CHANNELS, MAX_TIME_US, MIN_TIME_US

ROOT: Final = "/history/"
PARAMETERS: Final = ("from", "to", "channels", "points")
EXAMPLES: Final = "2026-11-22T08:00:00+01:00, 1h or 7d before now, or µs since 1970"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of file is to whoever gets it."""

    media_type: str
    suffix: str


KINDS: Final = {
    "csv": Kind("text/csv; charset=utf-8; header=present", "csv"),
    "json": Kind("application/jsonl; charset=utf-8", "jsonl"),
    "parquet": Kind("application/vnd.apache.parquet", "parquet"),
}

_EPOCH_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"([0-9]{1,6}) ?(s|min|h|d|w)", re.ASCII)
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_POINTS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
# In a query + stands for a space: an offset that nobody wrote as %2B.
_LOST_PLUS: Final = re.compile(r"(.*[0-9][T ][0-9]{2}:?[0-9]{2}.*) ([0-9]{2}:?[0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A file that is asked for. `since` and `until` in µs, None where nothing was said."""

    agent: str
    name: str
    format: str
    since: int | None = None
    until: int | None = None
    channels: tuple[str, ...] | None = None
    points: int | None = None

    @property
    def instrument(self) -> str:
        return f"{self.agent}/{self.name}"

    @property
    def kind(self) -> Kind:
        return KINDS[self.format]

    @property
    def file_name(self) -> str:
        """Of checked names alone: it goes into a header."""
        return f"{self.agent}_{self.name}.{self.kind.suffix}"

    def arguments(self) -> dict[str, Any]:
        """As the history service takes them."""
        channels = None if self.channels is None else list(self.channels)
        asked = {"from": self.since, "to": self.until, "channels": channels, "points": self.points}
        return {**asked, "format": self.format}

    def command(self, since: int | None, until: int | None) -> str:
        """What gets the same on a command line, as a file of any size; of the time that the service found meant."""
        words = ["kleinmaelzung", "history", self.instrument]
        words += ["--from", moment(since)] if since is not None else []
        words += ["--to", moment(until)] if until is not None else []
        words += ["--channels", ",".join(self.channels)] if self.channels else []
        words += ["--points", str(self.points)] if self.points is not None else []
        words += ["--format", self.format] if self.format != "csv" else []
        return " ".join([*words, "-o", f"{self.name}.{self.kind.suffix}"])


def parse(path: str, now_us: int) -> Query:
    """From a request's path with its query. Raises NoFile, Mistakes."""
    where, _, query = path.partition("?")
    agent, name, format_name = _file(where.removeprefix(ROOT))
    given, mistakes = parameters(query, PARAMETERS)
    read = _Reader(given, now_us, mistakes)
    found = Query(
        agent=agent,
        name=name,
        format=format_name,
        since=read.time("from"),
        until=read.time("to"),
        channels=read.channels(),
        points=read.points(),
    )
    if found.since is not None and found.until is not None and found.since >= found.until:
        mistakes.append(f"from {moment(found.since)} is not before to {moment(found.until)}")
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _file(where: str) -> tuple[str, str, str]:
    instrument, _, format_name = where.partition(".")
    try:
        agent, name = topics.split_full_name(instrument)
    except WireError as error:
        raise NoFile(f"expected {ROOT}<agent>/<instrument>.csv: {error}") from error
    if format_name not in KINDS:
        raise NoFile(f"{format_name!r:.20} is no format of history: expected {', '.join(KINDS)}")
    return agent, name, format_name


@dataclass(slots=True)
class _Reader:
    """The parameters, and what is wrong with them."""

    given: dict[str, str]
    now_us: int
    mistakes: list[str]

    def time(self, key: str) -> int | None:
        if key not in self.given:
            return None
        try:
            return read_time(self.given[key], self.now_us)
        except ValueError as error:
            self.mistakes.append(f"{key}: {error}")
            return None

    def channels(self) -> tuple[str, ...] | None:
        if "channels" not in self.given:
            return None
        names = self.given["channels"].split(",")
        if len(names) > MAX_CHANNELS:
            self.mistakes.append(f"channels: {len(names)} names, allowed are {MAX_CHANNELS}; leave it out for all")
            return None
        for name in names:
            try:
                topics.check_name(name, "channel")
            except WireError as error:
                self.mistakes.append(f"channels: {error}")
        return tuple(dict.fromkeys(names))

    def points(self) -> int | None:
        text = self.given.get("points")
        if text is None:
            return None
        if not _POINTS.fullmatch(text):
            self.mistakes.append(f"points: {text!r:.40} is no number of points, expected one such as 2000")
            return None
        return int(text)


def read_time(text: str, now_us: int) -> int:
    """µs since 1970 UTC. Raises ValueError with a sentence."""
    time_us = _time(text, now_us)
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise ValueError(f"{text!r:.40} is not in the years 2001 to 2286")
    return time_us


def _time(text: str, now_us: int) -> int:
    if _INTEGER.fullmatch(text):
        return int(text)
    if span := _SPAN.fullmatch(text):
        return now_us - timedelta(**{_UNITS[span[2]]: int(span[1])}) // timedelta(microseconds=1)
    try:
        found = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
    except ValueError:
        raise ValueError(f"{text!r:.40} is no time, expected one such as {EXAMPLES}") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r:.40} has no offset: write {found.isoformat()}Z for UTC, or for example +01:00")
    return (found - _EPOCH_1970) // timedelta(microseconds=1)


def moment(time_us: int) -> str:
    """`2026-11-22T08:00:00.000123Z`"""
    return (_EPOCH_1970 + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
