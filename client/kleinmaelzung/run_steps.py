"""The steps of a calibration run as a service tells of them: maps in, frozen dataclasses out. Pure."""

from dataclasses import dataclass
from typing import Any, Self

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.runs import StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a standard was at a step: `value` in `unit`, corrected by its certificate."""

    role: str
    value: float | None
    unit: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "reference")
        return cls(role=wire.text("role"), value=number(wire, "value"), unit=wire.text("unit"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedFrames:
    """The frames that a captured value came from, `first` to `last` of an `epoch`; SHA-256 of their bytes in order."""

    role: str
    instrument: str
    epoch: int
    first: int
    last: int
    sha256: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "frames")
        return cls(
            role=wire.text("role"),
            instrument=wire.text("instrument"),
            epoch=wire.integer("epoch"),
            first=wire.integer("first"),
            last=wire.integer("last"),
            sha256=wire.text("sha256"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A value that does not count: captured `at` (µs since 1970 UTC) by `by`, struck by `struck_by` for a `reason`."""

    value: float | None
    at: int | None
    by: str
    reason: str
    struck_by: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "struck")
        return cls(
            value=number(wire, "value"),
            at=wire.optional_integer("at"),
            by=wire.text("by"),
            reason=wire.text("reason"),
            struck_by=wire.text("struck_by"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """One placement: `what` is to be put on, "zero" or "reading" at `point`, and what was captured there.

    `value`, `spread` (largest less smallest) and `slope` (per second) are in `unit`. `error` and its limits `lower` and
    `upper` are in `error_unit`, and only to look at: the results are calculated from everything. `at` is in µs since
    1970 UTC, None where the step is open.
    """

    step: int
    test: int
    what: str
    point: float | None
    unit: str
    direction: str
    repeat: int
    position: str
    state: StepState
    value: float | None
    error: float | None
    error_unit: str
    lower: float | None
    upper: float | None
    samples: int | None
    spread: float | None
    slope: float | None
    at: int | None
    by: str
    reason: str
    references: tuple[Reference, ...]
    frames: tuple[UsedFrames, ...]
    struck: tuple[Struck, ...]

    @property
    def is_done(self) -> bool:
        """Whether it has a value."""
        return self.state in ("captured", "typed")

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "step")
        return cls(
            step=wire.integer("step"),
            test=wire.integer("test"),
            what=wire.text("what"),
            point=number(wire, "point"),
            unit=wire.text("unit"),
            direction=wire.text("direction"),
            repeat=wire.integer("repeat"),
            position=wire.text("position"),
            state=codec.one_of(wire.text("state"), StepState, "step.state"),
            value=number(wire, "value"),
            error=number(wire, "error"),
            error_unit=wire.text("error_unit"),
            lower=number(wire, "lower"),
            upper=number(wire, "upper"),
            samples=wire.optional_integer("samples"),
            spread=number(wire, "spread"),
            slope=number(wire, "slope"),
            at=wire.optional_integer("at"),
            by=wire.text("by"),
            reason=wire.text("reason"),
            references=tuple(Reference.from_map(one) for one in wire.list("references")),
            frames=tuple(UsedFrames.from_map(one) for one in wire.list("frames")),
            struck=tuple(Struck.from_map(one) for one in wire.list("struck")),
        )


def number(wire: Fields, key: str) -> float | None:
    """A number, or None where there is none. Raises WireError."""
    found = wire.get(key)
    if found is not None and type(found) not in (int, float):
        raise WireError(f"{key} is {found!r:.40}, expected a number")
    return None if found is None else float(found)
