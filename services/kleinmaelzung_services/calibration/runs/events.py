"""What can happen in a run, one dataclass for each kind: as a log keeps it, (kind, details) in and out. Pure.

Times are in µs since 1970 UTC. Steps count from 1, in the order of steps.py; tests count from 0, as in the template.
The entry of the log says when it happened and who did it; what the service does by itself is done by who asked for it.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, Literal, TypeVar

from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import (
    FrameRange,
    Item,
    Party,
    Place,
    TemplateName,
    UnitText,
    UsedStandard,
)
from kleinmaelzung_wire.runs import Phase


class EventError(ValueError):
    """This is no entry of a run, or a damaged one; the text says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStandard:
    """A standard as the register had it when the run was created. `instrument` reads it live, "" where nothing does."""

    used: UsedStandard
    instrument: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChannel:
    """What the template calls `name` is the instrument's `channel`."""

    name: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSensor:
    """Which stream tells a condition of the room; `unit` is that of the stream."""

    name: Literal["temperature", "humidity", "pressure"]
    instrument: str
    channel: str
    unit: UnitText


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """Everything that a run is about, copied: what register and template say later changes nothing here.

    `item.id` is the instrument, `<agent>/<instrument>`. The file of the template is kept by its sha256. `condition`
    and the date of receipt are in `item`. `language` is the template's.
    A channel of the template that is not in `channels` has the same name at the instrument.
    """

    template: TemplateName
    title: str
    item: Item
    interval_months: int | None = None
    is_simulated: bool
    laboratory: Party
    reviewer: Literal["another", "same"]
    customer: Party
    place: Place
    standards: tuple[RunStandard, ...]
    sensors: tuple[RoomSensor, ...]
    channels: tuple[RunChannel, ...] = ()

    def channel(self, name: str) -> str:
        """The instrument's channel that the template calls `name`."""
        return next((one.channel for one in self.channels if one.name == name), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    check: str
    undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    name: str
    value: float
    unit: UnitText


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The step waits from now on. `attempt` counts from 1, for each step of a phase."""

    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one stream said in the window: `what` is how the record calls it, `role` that of a standard, else "".

    `quality` has each word once that the stream said of samples that are not good. `sha256` is over the payloads of
    the frames, one after the other, in the order of `frames`.
    """

    what: Literal["indication", "raw", "standard"]
    role: str = ""
    instrument: str
    channel: str
    unit: UnitText
    times_us: tuple[int, ...]
    values: tuple[float, ...]
    quality: tuple[str, ...] = ()
    frames: tuple[FrameRange, ...]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    step: int
    attempt: int
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """It did not become stable in time, or cannot be captured; the step is open again."""

    step: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """`text` is what was typed, `value` what it means. `what` says whether it is the indication or the raw signal."""

    step: int
    what: Literal["indication", "raw"]
    text: str
    value: float
    unit: UnitText
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """What the step has does not count; with a reading its zero, with a zero its reading. It is open again.

    `out_of_order`: a later step of its test counts already, so that measuring it again is a deviation.
    """

    step: int
    reason: str
    out_of_order: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Its open steps stay out."""

    test: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviated:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """What the instrument was told, and what it answered: as in messages.Reply. None is an empty map."""

    name: str
    result: str
    reason: str = ""
    arguments: Mapping[str, Any] | None = None
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureAgain:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculated:
    """`data_sha256` is that of the record's JSON. `results` is what `calibration record --json` calls `found`."""

    data_sha256: str
    verdict: str
    results: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Not approved, it is measured as before, and `text` says why."""

    approve: bool
    data_sha256: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """`sha256` is that of the PDF."""

    certificate: str
    revision: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    reason: str


What = (
    Created
    | Ticked
    | Answered
    | Began
    | Placed
    | Lifted
    | Captured
    | GaveUp
    | Typed
    | Struck
    | Skipped
    | Deviated
    | Commanded
    | MeasureAgain
    | Adjusted
    | Calculated
    | Reviewed
    | Issued
    | Paused
    | Resumed
    | Aborted
)
W_co = TypeVar("W_co", bound=What, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[W_co]):
    """An entry of the log: its number there, when it was written, and who did `what`."""

    number: int
    time_us: int
    user: str
    what: W_co


KINDS: Final[Mapping[str, type[What]]] = {
    "created": Created,
    "ticked": Ticked,
    "answered": Answered,
    "began": Began,
    "placed": Placed,
    "lifted": Lifted,
    "captured": Captured,
    "gave_up": GaveUp,
    "typed": Typed,
    "struck": Struck,
    "skipped": Skipped,
    "deviated": Deviated,
    "commanded": Commanded,
    "measure_again": MeasureAgain,
    "adjusted": Adjusted,
    "calculated": Calculated,
    "reviewed": Reviewed,
    "issued": Issued,
    "paused": Paused,
    "resumed": Resumed,
    "aborted": Aborted,
}
CLOSING: Final = frozenset({"issued", "aborted"})  # nothing follows them

_NAMES: Final = {kind: name for name, kind in KINDS.items()}
# Maps whose content others define.
_MAPS: Final[Mapping[type[What], tuple[str, ...]]] = {Commanded: ("arguments", "values"), Calculated: ("results",)}
_DEEPEST: Final = 20


def encode(what: What) -> tuple[str, dict[str, Any]]:
    """Kind and details, ready for JSON. Raises EventError for what decode() would not take: it is never written."""
    kind, details = _NAMES[type(what)], _plain(what)
    decode(kind, details)
    return kind, details


def decode(kind: str, details: Any) -> What:
    """Strict: each key known and there, each value of its type. Raises EventError."""
    if kind not in KINDS:
        raise EventError(f"{kind!r:.40} is no kind of entry of a run, expected one of {', '.join(KINDS)}")
    if not isinstance(details, dict):
        raise EventError(f"{kind}: its details are no map")
    made, notes = KINDS[kind], record_json.Notes()
    maps: dict[str, Any] = {name: _map(details[name], (kind, name)) for name in _MAPS.get(made, ()) if name in details}
    plain = {key: each for key, each in details.items() if key not in maps}
    if (found := record_json.read(made, plain, (kind,), notes)) is None:
        raise EventError("; ".join(map(str, notes.mistakes[:3])))
    return dataclasses.replace(found, **maps)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _map(value: Any, path: tuple[str, ...]) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise EventError(f"{'.'.join(path)}: expected a map")
    _check_json(value, path, _DEEPEST)
    return value


def _check_json(value: Any, path: tuple[str, ...], left: int) -> None:
    """Raise EventError for what JSON would change or not take: the hash of an entry is of what was written."""
    where = ".".join(path)
    if left == 0:
        raise EventError(f"{where}: nested too deeply")
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise EventError(f"{where}: the key {key!r:.40} is no text")
            _check_json(each, (*path, key), left - 1)
    elif isinstance(value, list):
        for each in value:
            _check_json(each, path, left - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise EventError(f"{where}: {value} is no number of JSON")
    elif value is not None and type(value) not in (str, int, float, bool):
        raise EventError(f"{where}: {type(value).__name__} is none of JSON")
