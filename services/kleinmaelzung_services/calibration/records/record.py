"""What was observed in a calibration, and all that its certificate prints beside the numbers: frozen, complete.

record_json.py reads and writes it as JSON, record_check.py says whether it fits a template, calculating.py makes
Results of the two. Nothing here is computed; what was struck out stays, with its reason. Each value has its unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, NewType

SCHEMA: Final = "calibration-record/1"

UnitText = NewType("UnitText", str)  # what units.find() knows: "mg"
CountryCode = NewType("CountryCode", str)  # of ISO 3166-1, in capitals: "DE"

# Of a field that is not written where it is empty, so that records from before it came stay the same bytes.
LEFT_OUT: Final[Mapping[str, bool]] = {"left_out": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateName:
    """Which procedure was used (ISO/IEC 17025:2017, 7.2.1.1 and 7.8.2.1 f)."""

    id: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The laboratory, or the customer. An empty `country` is one that nobody named."""

    name: str
    address: str
    contact: str = ""
    country: CountryCode = CountryCode("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The instrument under calibration. `id` is its name in this system."""

    id: str
    instrument_type: str
    maker: str
    model: str
    serial: str
    asset: str = ""
    firmware: str = ""
    condition: str
    received: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    kind: Literal["permanent", "site", "customer", "mobile"]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    role: Literal["operator", "reviewer", "approver"]
    function: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`sha256` is that of the file that is kept of it."""

    number: str = ""
    laboratory: str = ""
    calibrated: date
    due: date
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What a certificate says from `low` to `high`, a weight at one place; all in the unit of its standard.

    The value is nominal + correction, or what is read + correction. Several weights of a set are one load here: their
    U are added, because one laboratory calibrated them with the same standards.
    """

    low: float
    high: float
    correction: float = 0.0
    U: float | None = None
    k: float | None = None
    mpe: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A further number of a standard: `drift_per_year`, `u_stability`."""

    name: str
    value: float
    unit: UnitText


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedStandard:
    """A standard as it was when it was used: what the register says later changes nothing here."""

    role: str
    id: str
    kind: str
    description: str
    maker: str = ""
    serial: str
    accuracy_class: str = ""
    position: str = ""
    unit: UnitText | None = None
    certificate: Certificate
    certified: tuple[Certified, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbientRange:
    """A condition of the room over the whole run, by `sensor`."""

    name: Literal["temperature", "humidity", "pressure"]
    unit: UnitText
    start: float
    end: float
    low: float
    high: float
    mean: float
    sensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the operator answered to an [[input]]."""

    name: str
    value: float
    unit: UnitText


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A check of [prepare], done."""

    check: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """From the method. `test` counts the template's tests from 0: one of which readings may be missing then."""

    text: str
    by: str
    at: datetime
    test: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRange:
    """The frames that a window was taken from, `first` to `last`: `instrument` is `<agent>/<instrument>`."""

    instrument: str
    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A captured piece of a live stream; `times_s` count from `at` of its reading, those of a zero are below 0.

    `quality` is what the stream said of samples in it that are not good, each word once; empty is good. `frames` are
    those that it was taken from, `sha256` is over their bytes, one after the other; both empty where nobody kept them.
    """

    kind: Literal["window"] = "window"
    device: str
    unit: UnitText
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    quality: tuple[str, ...] = ()
    frames: tuple[FrameRange, ...] = field(default=(), metadata=LEFT_OUT)
    sha256: str = field(default="", metadata=LEFT_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """A value that somebody typed in, and why."""

    kind: Literal["manual"] = "manual"
    unit: UnitText
    value: float
    reason: str


Signal = Window | Manual


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardSignal:
    """What a standard showed in the same window."""

    role: str
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One placement or approach. `struck` is why it does not count: another takes its place.

    `zero` is what the instrument showed right before, with nothing on it, where the template returns to zero. With an
    indication by formula it is the raw signal.
    """

    point: float
    direction: Literal["up", "down"] = "up"
    repeat: int = 1
    position: str = ""
    at: datetime
    by: str
    indication: Signal | None = None
    raw: Signal | None = None
    zero: Signal | None = None
    standards: tuple[StandardSignal, ...] = ()
    struck: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """The readings of one test, in the order in which they were made; `test` counts the template's from 0."""

    __test__ = False  # pytest takes what is called Test... for a test

    test: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """All tests once: as found, or as left."""

    started: datetime
    finished: datetime
    tests: tuple[TestRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What was changed between as found and as left."""

    text: str
    before: str = ""
    after: str = ""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`is_simulated` makes every document of it a specimen."""

    id: str
    is_simulated: bool
    template: TemplateName
    laboratory: Party
    customer: Party
    item: Item
    place: Place
    people: tuple[Person, ...]
    standards: tuple[UsedStandard, ...]
    environment: tuple[AmbientRange, ...] = ()
    answers: tuple[Answer, ...] = ()
    preparations: tuple[Tick, ...] = ()
    immersion_mm: float | None = None
    deviations: tuple[Deviation, ...] = ()
    from_customer: tuple[str, ...] = ()
    opinions: tuple[str, ...] = ()
    as_found: Series
    adjustment: Adjustment | None = None
    as_left: Series | None = None
