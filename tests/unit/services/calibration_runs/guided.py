"""A run without a service: acts in, events appended as a log would, and the run as it is then."""

from collections.abc import Callable
from typing import Any

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records.record import FrameRange, UnitText
from kleinmaelzung_services.calibration.runs import acting, events, folding, steps
from kleinmaelzung_services.calibration.runs.acting import NOTHING, Found
from kleinmaelzung_services.calibration.runs.events import Created, Event, RoomSensor, RunStandard, Signal, What
from kleinmaelzung_services.calibration.runs.permitting import Who
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.runs.steps import Source, Step
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire.codec import Fields
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES

BALANCE = TEMPLATES["balance"]
HASH = "ab" * 32
START_US = 1_800_000_000_000_000


def created(template: Template, reviewer: Any = "another") -> Created:
    made = simulated.record(template)
    live = {one.role: one.channel for one in template.standards}
    return Created(
        template=made.template,
        title=template.title,
        item=made.item,
        is_simulated=False,
        laboratory=made.laboratory,
        reviewer=reviewer,
        customer=made.customer,
        place=made.place,
        standards=tuple(
            RunStandard(used=one, instrument=f"pi-1/{one.id}" if live[one.role] else "", channel=live[one.role])
            for one in made.standards
        ),
        sensors=tuple(
            RoomSensor(name=one.name, instrument="pi-1/room", channel=one.name, unit=one.unit)
            for one in made.environment
        ),
    )


def signal(source: Source, value: float, at_us: int) -> Signal:
    name = f"pi-1/{source.role or 'item'}"
    return Signal(
        what=source.what,
        role=source.role,
        instrument=name,
        channel=source.channel,
        unit=UnitText(source.unit.symbol),
        times_us=tuple(at_us + 100_000 * place for place in range(4)),
        values=tuple(value + 1e-6 * (place % 2) for place in range(4)),
        frames=(FrameRange(instrument=name, epoch=7, first=at_us % 1000 + 1, last=at_us % 1000 + 4),),
        sha256=HASH,
    )


class Guided:
    """Each event is written and read as the log does it, and the run is always that of all events."""

    def __init__(self, template: Template = BALANCE, by: str = "anna", reviewer: Any = "another") -> None:
        self.template = template
        self.events = list[Event[What]]()
        self.append([created(template, reviewer)], by)

    def append(self, whats: list[What], user: str) -> None:
        for what in whats:
            number = len(self.events) + 1
            read = events.decode(*events.encode(what))
            self.events.append(Event(number=number, time_us=START_US + number * 1_000_000, user=user, what=read))
        self.run: Run = folding.fold("R-2026-0001", self.template, self.events)

    def act(
        self, act: str, by: str = "anna", *, found: Found = NOTHING, role: str = "calibrator", **arguments: Any
    ) -> list[What]:
        whats = acting.decide(self.run, act, Fields(arguments, "act"), Who(user=by, role=role), found)
        self.append(whats, by)
        return whats

    def begin(self, by: str = "anna") -> "Guided":
        for check in steps.checks(self.template):
            self.act("tick", by, check=check)
        for one in steps.questions(self.template):
            value = one.low if one.low is not None else 0.0
            self.act("answer", by, name=one.name, value=value, unit=one.unit.symbol)
        self.act("begin", by)
        return self

    def capture(self, value: Callable[[Source], float] | None = None) -> None:
        """What waits becomes stable."""
        waiting, series = self.run.waiting, self.run.series
        assert waiting
        assert series
        step = series.steps[waiting.step - 1]
        at_us = START_US + len(self.events) * 1_000_000
        shown = value or (lambda source: _shown(step.step, source))
        signals = [signal(source, shown(source), at_us) for source in step.wanted]
        self.append(acting.captured(self.run, waiting.step, waiting.attempt, signals), waiting.by)

    def measure(self, upto: int | None = None, by: str = "anna") -> "Guided":
        """Every step, or those before a number."""
        while (step := self.run.next) is not None and (upto is None or step.step.number < upto):
            if step.wanted:
                self.act("place", by, step=step.step.number)
                self.capture()
            else:
                value = f"{step.step.point:g}"
                self.act("type", by, step=step.step.number, value=value, unit=step.step.unit.symbol, reason="no stream")
        return self

    def calculate(self, by: str = "anna") -> "Guided":
        results = {"as_found": {"verdict": "pass", "measurands": []}, "as_left": None}
        made = events.Calculated(data_sha256=HASH, verdict="pass", results=results)
        self.act("calculate", by, found=Found(calculated=made))
        return self

    def reviewed(self, by: str = "bert") -> "Guided":
        self.act("review", by, approve=True, text="looks well")
        return self


def _shown(step: Step, source: Source) -> float:
    """Of the same quantity the point, of another something that is usual."""
    if step.what == "zero":
        return 0.0
    return step.point if units.are_alike(source.unit, step.unit) else 5.0
