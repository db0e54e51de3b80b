"""Alarms: what is active at an instrument now, and the record of what became of each.

    <agent>/<instrument>/alarm, retained     {v: 1, alarms: [ALARM, ...], left_out}         none: an empty list
    a frame's record                         {kind: "alarm", event, time, reason, alarm: ALARM}
    ALARM   {id, channel, kind, level, since, value, limit, unit, cause, detail, acknowledged: {user, time, note} | nil}

`event` is raised, level (another one), acknowledged or cleared. `kind` is what is wrong: the value is too high or low,
rises or falls too fast, or nothing good came (silence: `limit` is in s, `value` nil, `channel` empty where it is the
whole instrument). `cause` is the same for all that one thing has caused, such as "port /dev/ttyUSB0 lost"; `detail` is
a sentence. A value is the one that raised it or changed its level. Times are in µs since 1970.

    {request: "alarms", instrument: "pi-1/+", active, from, to, after, limit}               all but two may be left out
    {alarms: [{number, instrument, alarm: ALARM, highest, cleared, reason}, ...], more}

Asked of a logger: each alarm once, newest first, as its newest record has it; `highest` is the highest level it had,
`cleared` when it ended (nil: it has not). With `more`, `after` asks for the next page: the last one's number.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from kleinmaelzung_wire import codec, frames, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID

KIND: Final = "alarm"  # of a record
REQUEST: Final = "alarms"
ACKNOWLEDGE: Final = "_acknowledge"
ALL: Final = "all"
MAX_NOTE: Final = 200
MAX_DETAIL: Final = 200
MAX_LISTED: Final = 64  # in one message; the worst come first

Kind = Literal["high", "low", "rise", "fall", "silence"]
Level = Literal["warning", "alarm"]
Happening = Literal["raised", "level", "acknowledged", "cleared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    user: str
    time: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One that is active, or was."""

    id: str
    channel: str
    kind: Kind
    level: Level
    since: int
    value: float | None = None
    limit: float
    unit: str = ""
    cause: str = ""
    detail: str = ""
    acknowledged: Acknowledged | None = None

    def to_map(self) -> dict[str, Any]:
        known = self.acknowledged
        acknowledged = None if known is None else {"user": known.user, "time": known.time, "note": known.note}
        plain = {key: getattr(self, key) for key in _PLAIN}
        return {**plain, "value": self.value, "limit": self.limit, "acknowledged": acknowledged}

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """Raises WireError."""
        wire = Fields(value, KIND)
        channel = wire.text("channel")
        return cls(
            id=topics.check_name(wire.text("id"), "alarm"),
            channel=topics.check_name(channel, "channel") if channel else "",
            kind=codec.one_of(wire.text("kind"), Kind, "alarm.kind"),
            level=codec.one_of(wire.text("level"), Level, "alarm.level"),
            since=_time(wire, "since"),
            value=_number(wire, "value"),
            limit=_limit(wire),
            unit=_plain(wire.text("unit", default="", longest=frames.MAX_UNIT)),
            cause=_plain(wire.text("cause", default="", longest=MAX_DETAIL)),
            detail=_plain(wire.text("detail", default="", longest=MAX_DETAIL)),
            acknowledged=_acknowledged(wire.get("acknowledged")),
        )


_PLAIN: Final = ("id", "channel", "kind", "level", "since", "unit", "cause", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlarms:
    """What is active at an instrument: `<agent>/<instrument>/alarm`. `left_out` had no room."""

    alarms: list[Alarm] = field(default_factory=list)
    left_out: int = 0

    @classmethod
    def of(cls, alarms: Iterable[Alarm]) -> Self:
        """As many as one message takes: alarms before warnings, not acknowledged ones before others."""
        found = sorted(alarms, key=_urgency)
        return cls(alarms=found[:MAX_LISTED], left_out=max(0, len(found) - MAX_LISTED))

    def encode(self) -> bytes:
        return codec.pack_versioned({"alarms": [one.to_map() for one in self.alarms], "left_out": self.left_out})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "alarms")
        return cls(
            alarms=[Alarm.from_map(one) for one in wire.list("alarms")],
            left_out=wire.integer("left_out", minimum=0, default=0),
        )


def _urgency(alarm: Alarm) -> tuple[bool, bool, int, str]:
    return alarm.level != "alarm", alarm.acknowledged is not None, alarm.since, alarm.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What happened to an alarm, and it as it was afterwards. `reason`: why it was cleared, where not by a value."""

    event: Happening
    time: int
    alarm: Alarm
    reason: str = ""

    def to_record(self) -> dict[str, Any]:
        named = {"kind": KIND, "event": self.event, "time": self.time, "reason": self.reason[:MAX_DETAIL]}
        return {**named, "alarm": self.alarm.to_map()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Raises WireError."""
        wire = Fields(dict(record), "record")
        return cls(
            event=codec.one_of(wire.text("event"), Happening, "record.event"),
            time=_time(wire, "time"),
            alarm=Alarm.from_map(wire.map("alarm")),
            reason=_plain(wire.text("reason", default="", longest=MAX_DETAIL)),
        )


def check_note(note: str) -> str:
    """Return what somebody notes with an acknowledgement, or raise WireError."""
    if len(note) > MAX_NOTE or (note and not note.isprintable()):
        raise WireError(f"a note of {len(note)} characters: expected at most {MAX_NOTE}, printable, in one line")
    return note


def _acknowledged(value: Any) -> Acknowledged | None:
    if value is None:
        return None
    wire = Fields(value, "acknowledged")
    note = _plain(wire.text("note", default="", longest=MAX_NOTE))
    return Acknowledged(user=_plain(wire.text("user", longest=MAX_ID)), time=_time(wire, "time"), note=note)


def _time(wire: Fields, key: str) -> int:
    return wire.integer(key, minimum=0, maximum=frames.MAX_TIME_US)


def _number(wire: Fields, key: str) -> float | None:
    value = wire.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise WireError(f"alarm.{key} is {value!r:.40}, expected a number or nil")
    return float(value)


def _limit(wire: Fields) -> float:
    limit = _number(wire, "limit")
    if limit is None:
        raise WireError("alarm.limit is missing")
    return limit


def _plain(text: str) -> str:
    return text.replace("\x00", "\ufffd")  # PostgreSQL's text holds no NUL
