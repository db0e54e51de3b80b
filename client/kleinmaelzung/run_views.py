"""A calibration run as a service tells of it: maps in, frozen dataclasses out. Pure."""

from dataclasses import dataclass
from typing import Any, Self

from kleinmaelzung.run_steps import RunStep, number
from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.runs import Phase, RunState

OVER = ("issued", "aborted")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTemplate:
    """By what a run is led. A list of runs comes without SHA-256, language and kind of instrument."""

    id: str
    version: int
    title: str
    sha256: str = ""
    language: str = ""
    instrument_type: str = ""

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "template")
        return cls(
            id=wire.text("id"),
            version=wire.integer("version"),
            title=wire.text("title"),
            sha256=wire.text("sha256", default=""),
            language=wire.text("language", default=""),
            instrument_type=wire.text("instrument_type", default=""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in a list: `captured` of `steps` have a value. `created` in µs since 1970 UTC."""

    run: str
    instrument: str
    state: RunState
    phase: Phase
    is_paused: bool
    head: int
    created: int
    by: str
    template: RunTemplate
    certificate: str
    captured: int
    steps: int

    @property
    def is_open(self) -> bool:
        return self.state not in OVER

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "run")
        return cls(**_summary(wire), steps=wire.integer("steps"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStandard:
    """A reference standard of a run; read live where it has an `instrument` and `channel`. `due` is a date."""

    role: str
    name: str
    position: str
    description: str
    certificate: dict[str, Any]
    instrument: str
    channel: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "standard")
        return cls(
            role=wire.text("role"),
            name=wire.text("name"),
            position=wire.text("position"),
            description=wire.text("description"),
            certificate=wire.map("certificate"),
            instrument=wire.text("instrument"),
            channel=wire.text("channel"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSensor:
    """What a room's condition is read from, and between which limits in `unit` it must stay."""

    name: str
    instrument: str
    channel: str
    unit: str
    low: float | None
    high: float | None
    is_required: bool

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "sensor")
        return cls(
            name=wire.text("name"),
            instrument=wire.text("instrument"),
            channel=wire.text("channel"),
            unit=wire.text("unit"),
            low=number(wire, "low"),
            high=number(wire, "high"),
            is_required=wire.boolean("is_required"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheck:
    """A preparation: ticked by `by` (empty: not yet) at `at`, µs since 1970 UTC."""

    check: str
    by: str
    at: int | None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "check")
        return cls(check=wire.text("check"), by=wire.text("by"), at=wire.optional_integer("at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuestion:
    """What the operator reads or knows; `value` in `unit` is None until it is answered."""

    name: str
    unit: str
    meaning: str
    low: float | None
    high: float | None
    value: float | None
    by: str
    at: int | None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "question")
        return cls(
            name=wire.text("name"),
            unit=wire.text("unit"),
            meaning=wire.text("meaning"),
            low=number(wire, "low"),
            high=number(wire, "high"),
            value=number(wire, "value"),
            by=wire.text("by"),
            at=wire.optional_integer("at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTest:
    """A test of the template, counted from 0; `kind` is such as "points" or "repeatability"."""

    test: int
    kind: str
    title: str
    measurand: str
    unit: str
    error_unit: str
    is_skipped: bool

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "test")
        return cls(
            test=wire.integer("test"),
            kind=wire.text("kind"),
            title=wire.text("title"),
            measurand=wire.text("measurand"),
            unit=wire.text("unit"),
            error_unit=wire.text("error_unit"),
            is_skipped=wire.boolean("is_skipped"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """What `by` said at `at` (µs since 1970 UTC): a deviation from the method (of a `test`, or of all), or a review."""

    text: str
    by: str
    at: int | None
    test: int | None = None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "note")
        return cls(
            text=wire.text("text"),
            by=wire.text("by"),
            at=wire.optional_integer("at"),
            test=wire.optional_integer("test"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What was adjusted between as found and as left, and its parameter before and after."""

    text: str
    before: str
    after: str
    by: str
    at: int | None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "adjustment")
        return cls(
            text=wire.text("text"),
            before=wire.text("before"),
            after=wire.text("after"),
            by=wire.text("by"),
            at=wire.optional_integer("at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRun:
    """A run as it is. Times in µs since 1970 UTC.

    `head` counts what has happened. `steps` are those of this `phase`, in their order; `next` is the number of the one
    to place now. `acts` is what its state permits, `missing` what is still to be done before it can go on. `channels`
    has what the instrument calls the template's channels. `item`, `customer` and `place` are as the register and the
    run's beginning have them. `results` is None until they are calculated, then {"verdict", "data_sha256", "as_found",
    "as_left"}; each series has "measurands" as `kleinmaelzung calibration record check --json` tells them.
    """

    run: str
    instrument: str
    state: RunState
    phase: Phase
    is_paused: bool
    head: int
    created: int
    by: str
    template: RunTemplate
    certificate: str
    captured: int
    item: dict[str, Any]
    customer: dict[str, Any] | None
    place: dict[str, Any] | None
    condition: str
    received: str
    review: str
    standards: tuple[RunStandard, ...]
    channels: dict[str, Any]
    sensors: tuple[RunSensor, ...]
    checks: tuple[RunCheck, ...]
    questions: tuple[RunQuestion, ...]
    tests: tuple[RunTest, ...]
    steps: tuple[RunStep, ...]
    as_found: tuple[RunStep, ...]
    next: int | None
    acts: tuple[str, ...]
    missing: tuple[str, ...]
    deviations: tuple[RunNote, ...]
    adjustment: Adjustment | None
    results: dict[str, Any] | None
    reviewed: RunNote | None

    @property
    def is_open(self) -> bool:
        return self.state not in OVER

    def step(self, number: int | None) -> RunStep | None:
        """The step of this phase that has this number."""
        return next((step for step in self.steps if step.step == number), None)

    def test(self, number: int) -> RunTest | None:
        """The test that a step belongs to."""
        return next((test for test in self.tests if test.test == number), None)

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "run")
        return cls(
            **_summary(wire),
            item=wire.map("item"),
            customer=_map(wire, "customer"),
            place=_map(wire, "place"),
            condition=_text(wire, "condition"),
            received=_text(wire, "received"),
            review=wire.text("review"),
            standards=tuple(RunStandard.from_map(one) for one in wire.list("standards")),
            channels=wire.map("channels", default={}),
            sensors=tuple(RunSensor.from_map(one) for one in wire.list("sensors")),
            checks=tuple(RunCheck.from_map(one) for one in wire.list("checks")),
            questions=tuple(RunQuestion.from_map(one) for one in wire.list("questions")),
            tests=tuple(RunTest.from_map(one) for one in wire.list("tests")),
            steps=tuple(RunStep.from_map(one) for one in wire.list("steps")),
            as_found=tuple(RunStep.from_map(one) for one in wire.list("as_found")),
            next=wire.optional_integer("next"),
            acts=_texts(wire, "acts"),
            missing=_texts(wire, "missing"),
            deviations=tuple(RunNote.from_map(one) for one in wire.list("deviations")),
            adjustment=None if wire.get("adjustment") is None else Adjustment.from_map(wire.get("adjustment")),
            results=_map(wire, "results"),
            reviewed=None if wire.get("reviewed") is None else RunNote.from_map(wire.get("reviewed")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """What happened in a run: entry `number` of the laboratory's log, whose `hash` covers all before it."""

    number: int
    time: int
    user: str
    kind: str
    details: dict[str, Any]
    hash: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "event")
        return cls(
            number=wire.integer("number"),
            time=wire.integer("time"),
            user=wire.text("user"),
            kind=wire.text("kind"),
            details=wire.map("details"),
            hash=wire.text("hash"),
        )


def _summary(wire: Fields) -> dict[str, Any]:
    topics.split_full_name(wire.text("instrument"))
    return {
        "run": wire.text("run"),
        "instrument": wire.text("instrument"),
        "state": codec.one_of(wire.text("state"), RunState, "run.state"),
        "phase": codec.one_of(wire.text("phase"), Phase, "run.phase"),
        "is_paused": wire.boolean("is_paused"),
        "head": wire.integer("head"),
        "created": wire.integer("created"),
        "by": wire.text("by"),
        "template": RunTemplate.from_map(wire.get("template")),
        "certificate": wire.text("certificate"),
        "captured": wire.integer("captured"),
    }


def _map(wire: Fields, key: str) -> dict[str, Any] | None:
    return None if wire.get(key) is None else wire.map(key)


def _text(wire: Fields, key: str) -> str:
    return "" if wire.get(key) is None else wire.text(key)


def _texts(wire: Fields, key: str) -> tuple[str, ...]:
    found = wire.list(key)
    for one in found:
        if not isinstance(one, str):
            raise WireError(f"run.{key} has {one!r:.40}, expected texts")
    return tuple(found)
