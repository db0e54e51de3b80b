"""A run as it is now: what folding.py makes of its events. Frozen, and nothing else is stored of it.

What was captured stays for good: a struck reading keeps its signals and says why.
"""

from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.runs.events import (
    Aborted,
    Adjusted,
    Answered,
    Calculated,
    Commanded,
    Created,
    Event,
    Issued,
    Reviewed,
    Signal,
    Struck,
    Ticked,
    Typed,
)
from kleinmaelzung_services.calibration.runs.steps import Source, Step
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire.runs import Phase, RunState

CLOSED: Final[frozenset[RunState]] = frozenset({"issued", "aborted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read at a step; not whole while something of its sources is still missing.

    `by` placed or typed it last, and `at_us` is when it was captured or typed last. `attempt` is 0 where nothing was
    captured. `struck` says that it does not count.
    """

    attempt: int = 0
    at_us: int
    by: str
    signals: tuple[Signal, ...] = ()
    typed: Event[Typed] | None = None
    struck: Event[Struck] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """A step with everything that was read at it, struck readings first. `reason` is why the last wait was given up."""

    step: Step
    attempts: int = 0
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    is_left_out: bool = False

    @property
    def reading(self) -> Reading | None:
        """The one that counts, or is begun."""
        last = self.readings[-1] if self.readings else None
        return last if last and not last.struck else None

    @property
    def wanted(self) -> tuple[Source, ...]:
        """The streams that are still to be captured; a value that was typed in stands for the instrument's own."""
        reading = self.reading
        if reading is None:
            return self.step.sources
        there = {(one.what, one.role) for one in reading.signals}
        left = (one for one in self.step.sources if (one.what, one.role) not in there)
        return tuple(one for one in left if one.what == "standard" or not reading.typed)

    @property
    def is_typing_wanted(self) -> bool:
        return bool(self.step.typed) and (self.reading is None or self.reading.typed is None)

    @property
    def has_reading(self) -> bool:
        """Whether a whole reading counts."""
        return self.reading is not None and not self.wanted and not self.is_typing_wanted

    @property
    def is_done(self) -> bool:
        return self.has_reading or self.is_left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The step that waits until it is stable, since it was placed."""

    step: int
    attempt: int
    since_us: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One phase: as found, or as left. `finished_us` is when its last reading was made, None while there is none."""

    phase: Phase
    started_us: int
    steps: tuple[StepRun, ...]

    @property
    def next(self) -> StepRun | None:
        """The first open step."""
        return next((one for one in self.steps if not one.is_done), None)

    @property
    def finished_us(self) -> int | None:
        made = [one.reading.at_us for one in self.steps if one.reading and one.has_reading]
        return max(made, default=None)

    def step(self, number: int) -> StepRun | None:
        return self.steps[number - 1] if 1 <= number <= len(self.steps) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """From the method, said by somebody or made by what was skipped or struck. `test` as in record.Deviation."""

    text: str
    by: str
    at_us: int
    test: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`head` is the number of its newest entry in the log. `operators` are all who had a hand in the data, in order.

    `calculated` and `reviewed` are those that hold; `rejected` is the review that was not approved, until the next.
    """

    name: str
    template: Template
    created: Event[Created]
    head: int
    state: RunState = "created"
    phase: Phase = "as_found"
    is_paused: bool = False
    waiting: Waiting | None = None
    as_found: Series | None = None
    as_left: Series | None = None
    ticks: tuple[Event[Ticked], ...] = ()
    answers: tuple[Event[Answered], ...] = ()
    commands: tuple[Event[Commanded], ...] = ()
    deviations: tuple[Deviation, ...] = ()
    adjustment: Event[Adjusted] | None = None
    operators: tuple[str, ...] = ()
    calculated: Event[Calculated] | None = None
    reviewed: Event[Reviewed] | None = None
    rejected: Event[Reviewed] | None = None
    issued: Event[Issued] | None = None
    aborted: Event[Aborted] | None = None

    @property
    def instrument(self) -> str:
        return self.created.what.item.id

    @property
    def next(self) -> StepRun | None:
        """The first open step of the phase it is in."""
        return self.series.next if self.series else None

    @property
    def is_open(self) -> bool:
        return self.state not in CLOSED

    @property
    def series(self) -> Series | None:
        """That of the phase it is in."""
        return self.as_left if self.phase == "as_left" else self.as_found

    @property
    def is_measured(self) -> bool:
        """Whether every step of the phase is done, so that it can be calculated."""
        is_measuring = self.state in ("measuring", "measured")
        return is_measuring and self.series is not None and self.next is None and self.waiting is None
