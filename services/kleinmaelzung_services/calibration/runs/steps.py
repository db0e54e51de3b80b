"""The steps of a template, one after the other: a template in; numbered steps, checks and questions out. Pure.

A step is one placement or approach, and what is read at it. Where a test returns to zero, a step `zero` is before each
reading. What is asked for beforehand are checks to tick and questions to answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, cast

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import names, sequence
from kleinmaelzung_services.calibration.templates.template import (
    Measurand,
    Points,
    Repeatability,
    Standard,
    Template,
    Test,
    Uniformity,
)
from kleinmaelzung_services.calibration.units import Unit

# How deep a thermometer is immersed is asked like an [[input]]; it has a place of its own in the record.
IMMERSION: Final = "immersion_mm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A stream that is captured at a step. `what` and `role` are as in events.Signal; of a standard its role's stream.

    `is_judged`: it must be as steady as the template says; the others only good, alive and whole.
    """

    what: Literal["indication", "raw", "standard"]
    role: str = ""
    channel: str
    unit: Unit
    is_judged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`number` counts from 1. `typed` is what has no stream and is typed in, "" where nothing is.

    `record_s` is how long a uniformity test records, None where the template's window holds.
    """

    number: int
    test: int
    what: Literal["zero", "reading"]
    measurand: str
    point: float
    unit: Unit
    direction: Literal["up", "down"]
    repeat: int
    position: str
    sources: tuple[Source, ...]
    typed: Literal["", "indication"]
    record_s: float | None

    @property
    def slot(self) -> sequence.Slot:
        return self.point, self.direction, self.repeat, self.position

    @property
    def own(self) -> Literal["indication", "raw"]:
        """What the instrument itself shows at it: a raw signal where the indication is computed."""
        found = [one.what for one in self.sources if one.what != "standard"]
        return "raw" if found == ["raw"] and not self.typed else "indication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A number that the operator is asked for: an [[input]], or how deep it was immersed."""

    name: str
    unit: Unit
    meaning: str
    low: float | None = None
    high: float | None = None


def steps(template: Template) -> tuple[Step, ...]:
    """All steps of a phase, in the order in which they are made."""
    return tuple(_steps(template))


def checks(template: Template) -> tuple[str, ...]:
    """What is ticked before it begins; a preload is one of them."""
    preload, unit = template.preparation.preload, template.measurands[0].unit.symbol
    if preload is None:
        return template.preparation.checks
    times = "time" if preload.times == 1 else "times"
    return (*template.preparation.checks, f"preload {preload.load:g} {unit}, {preload.times} {times}")


def questions(template: Template) -> tuple[Question, ...]:
    """What is asked before it begins."""
    found = tuple(
        Question(name=one.name, unit=one.unit, meaning=one.meaning, low=one.low, high=one.high)
        for one in template.inputs
        if one.ask
    )
    immersion = template.measurands[0].display.immersion
    if immersion is None or immersion.used_mm is not None:
        return found
    meaning = "how deep it is immersed"
    return (*found, Question(name=IMMERSION, unit=units.find("mm"), meaning=meaning, low=immersion.min_mm))


def pair(step: Step, found: tuple[Step, ...]) -> tuple[Step, ...]:
    """A reading and its zero, which count together; a reading without one is alone."""
    return tuple(one for one in found if one.test == step.test and one.slot == step.slot)


def told(step: Step) -> str:
    """A step in a sentence: `step 4 (100 g up, no. 2)`."""
    place = f"{step.point:g} {step.unit.symbol} {step.direction}, no. {step.repeat}"
    zero = "zero before " if step.what == "zero" else ""
    return f"step {step.number} ({zero}{place}{', ' if step.position else ''}{step.position})"


def title(template: Template, test: int) -> str:
    """A test in a sentence: its own title, or `test 2 (points)`, counted from 1 for people."""
    found = template.tests[test]
    return found.title or f"test {test + 1} ({names.KINDS[type(found)]})"


def measurand_of(template: Template, step: Step) -> Measurand:
    return next(one for one in template.measurands if one.name == step.measurand)


def is_reference(template: Template, standard: Standard, measurand: Measurand) -> bool:
    """Whether it is the first standard of a measurand."""
    return next(one for one in template.standards if one.measurand in ("", measurand.name)) is standard


def live_standards(template: Template, measurand: Measurand) -> tuple[Standard, ...]:
    """The standards that are read in the same window."""
    return tuple(one for one in template.standards if one.channel and one.measurand in ("", measurand.name))


def _steps(template: Template) -> Iterator[Step]:
    number = 0
    for index, test in enumerate(template.tests):
        measurand = next(one for one in template.measurands if one.name == test.measurand)
        returns = isinstance(test, Points | Repeatability) and test.return_to_zero
        for slot in sequence.slots(test):
            if returns:
                number += 1
                yield _step(template, number, index, test, measurand, slot, "zero")
            number += 1
            yield _step(template, number, index, test, measurand, slot, "reading")


def _step(
    template: Template,
    number: int,
    index: int,
    test: Test,
    measurand: Measurand,
    slot: sequence.Slot,
    what: Literal["zero", "reading"],
) -> Step:
    point, direction, repeat, position = slot
    own = _own(measurand)
    standards = () if what == "zero" else tuple(_standards(template, measurand))
    zero = tuple(one for one in own if one.what == "indication") or own
    return Step(
        number=number,
        test=index,
        what=what,
        measurand=measurand.name,
        point=point,
        unit=measurand.unit,
        direction=cast(Literal["up", "down"], direction),  # a slot has no other
        repeat=repeat,
        position=position,
        sources=(*(zero if what == "zero" else own), *standards),
        typed="" if own else "indication",
        record_s=test.record_s if isinstance(test, Uniformity) else None,
    )


def _own(measurand: Measurand) -> tuple[Source, ...]:
    display = measurand.display
    found = []
    if display.channel:
        unit = display.channel.unit
        found.append(Source(what="indication", channel=display.channel.name, unit=unit, is_judged=True))
    if display.raw:
        found.append(Source(what="raw", channel=display.raw.name, unit=display.raw.unit, is_judged=True))
    return tuple(found)


def _standards(template: Template, measurand: Measurand) -> Iterator[Source]:
    for one in live_standards(template, measurand):
        is_judged = is_reference(template, one, measurand)
        unit = one.unit or measurand.unit
        yield Source(what="standard", role=one.role, channel=one.channel, unit=unit, is_judged=is_judged)
