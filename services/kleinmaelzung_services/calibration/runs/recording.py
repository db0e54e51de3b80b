"""The record of a run: what folding.py made of its events, and the room, in; a calibration record out. Pure.

record() is what is calculated and reviewed: the same events make the same bytes, and their hash is what a reviewer
approves. signed() adds who did, for the certificate. What was struck, and what was begun and left out, stays in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records.record import (
    Adjustment,
    AmbientRange,
    Answer,
    Deviation,
    Manual,
    Person,
    Reading,
    Record,
    Series,
    Signal,
    StandardSignal,
    TestRun,
    Tick,
    Window,
)
from kleinmaelzung_services.calibration.runs import events, run, steps
from kleinmaelzung_services.calibration.runs.run import Run, StepRun
from kleinmaelzung_services.calibration.runs.steps import Step

_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_WHOLE: Final = "not complete when the rest of its test was left out"


class NotMeasured(ValueError):
    """The run has no readings that could make a record."""


def record(of: Run, room: Sequence[AmbientRange] = ()) -> Record:
    """What was observed, with nobody's review. Raises NotMeasured before it began as found."""
    created = of.created.what
    as_found = _series(of.as_found) if of.as_found else None
    if as_found is None:
        raise NotMeasured(f"run {of.name} is {of.state}: nothing was measured yet")
    as_left = _series(of.as_left) if of.as_left else None
    return Record(
        id=of.name,
        is_simulated=created.is_simulated,
        template=created.template,
        laboratory=created.laboratory,
        customer=created.customer,
        item=created.item,
        place=created.place,
        people=tuple(Person(name=name, role="operator") for name in of.operators),
        standards=tuple(one.used for one in created.standards),
        environment=tuple(room),
        answers=tuple(_answers(of)),
        preparations=tuple(
            Tick(check=one.what.check, by=one.user, at=moment(one.time_us)) for one in of.ticks if not one.what.undone
        ),
        immersion_mm=_immersion(of),
        deviations=tuple(
            Deviation(text=one.text, by=one.by, at=moment(one.at_us), test=one.test) for one in of.deviations
        ),
        as_found=as_found,
        adjustment=_adjustment(of, as_found, as_left),
        as_left=as_left,
    )


def signed(found: Record, of: Run, approver: Person) -> Record:
    """The same with who reviewed it, and who approves it by issuing its certificate. Raises NotMeasured."""
    if of.reviewed is None:
        raise NotMeasured(f"run {of.name} is {of.state}: nobody has approved it in a review")
    reviewer = Person(name=of.reviewed.user, role="reviewer", at=moment(of.reviewed.time_us))
    return replace(found, people=(*found.people, reviewer, approver))


def span(of: Run) -> tuple[int, int]:
    """From when to when the record says it was measured, in µs: what the room was like is asked of this time.

    Raises NotMeasured.
    """
    found = record(of)
    series = [one for one in (found.as_found, found.as_left) if one]
    return _us(series[0].started), _us(series[-1].finished)


def moment(time_us: int) -> datetime:
    return _1970 + timedelta(microseconds=time_us)


def _us(at: datetime) -> int:
    return (at - _1970) // timedelta(microseconds=1)


def _answers(of: Run) -> Iterator[Answer]:
    for one in of.answers:
        if one.what.name != steps.IMMERSION:
            yield Answer(name=one.what.name, value=one.what.value, unit=one.what.unit)


def _immersion(of: Run) -> float | None:
    for one in of.answers:
        if one.what.name == steps.IMMERSION:
            return units.convert(one.what.value, units.find(one.what.unit), units.find("mm"))
    return None


def _series(of: run.Series) -> Series:
    """It begins and ends with what was entered in the log, or with a reading whose own clock says another time."""
    readings = [one for step in of.steps for one in _readings(of, step)]
    times = [moment(of.started_us), *(one.at for _, one in readings)]
    finished = [*times, *(moment(one.reading.at_us) for one in of.steps if one.reading)]
    tests = dict.fromkeys(step.step.test for step in of.steps)
    made = {test: sorted((one for index, one in readings if index == test), key=lambda one: one.at) for test in tests}
    return Series(
        started=min(times),
        finished=max(finished),
        tests=tuple(TestRun(test=test, readings=tuple(found)) for test, found in made.items() if found),
    )


def _adjustment(of: Run, as_found: Series, as_left: Series | None) -> Adjustment | None:
    """Between the two series, also where an instrument's clock is a little ahead of the server's."""
    if of.adjustment is None:
        return None
    what, at = of.adjustment.what, max(moment(of.adjustment.time_us), as_found.finished)
    return Adjustment(
        text=what.text,
        before=what.before,
        after=what.after,
        by=of.adjustment.user,
        at=min(at, as_left.started) if as_left else at,
    )


def _readings(series: run.Series, step: StepRun) -> Iterator[tuple[int, Reading]]:
    """What was read at a step, struck ones too; a zero goes with its reading, or alone where none came of it."""
    pair = [series.steps[one.number - 1] for one in steps.pair(step.step, tuple(one.step for one in series.steps))]
    zero = next((one for one in pair if one.step.what == "zero"), None)
    shown = next((one for one in pair if one.step.what == "reading"), None)
    if step is not shown:
        return
    zeros = {_mark(one): one for one in zero.readings} if zero else {}
    for one in shown.readings:
        yield step.step.test, _reading(step.step, one, zeros.pop(_mark(one), None), is_whole=shown.has_reading)
    for left in zeros.values():
        yield step.step.test, _reading(step.step, None, left, is_whole=False)


def _mark(reading: run.Reading) -> int:
    """A reading and its zero are struck by the same entry; 0 are those that count."""
    return reading.struck.number if reading.struck else 0


def _reading(step: Step, shown: run.Reading | None, zero: run.Reading | None, *, is_whole: bool) -> Reading:
    begun = shown or zero
    assert begun is not None  # there is one of them at least
    at_us = _at(begun)
    own = _own(shown, at_us) if shown else {}
    before = _own(zero, at_us) if zero else {}
    struck = begun.struck.what.reason if begun.struck else "" if is_whole else _NOT_WHOLE
    return Reading(
        point=step.point,
        direction=step.direction,
        repeat=step.repeat,
        position=step.position,
        at=moment(at_us),
        by=begun.by,
        indication=own.get("indication"),
        raw=own.get("raw"),
        zero=next(iter(before.values()), None),
        standards=tuple(
            StandardSignal(role=one.role, signal=_window(one, at_us))
            for one in (shown.signals if shown else ())
            if one.what == "standard"
        ),
        struck=struck,
    )


def _at(reading: run.Reading) -> int:
    """When the instrument's own window began, or the value was typed in; else when that of a standard began."""
    own = sorted((one for one in reading.signals if one.what != "standard"), key=lambda one: one.what)
    if own:
        return own[0].times_us[0]
    if reading.typed:
        return reading.typed.time_us
    return min((one.times_us[0] for one in reading.signals), default=reading.at_us)


def _own(reading: run.Reading, at_us: int) -> dict[str, Signal]:
    """What the instrument itself showed, by what it is: captured, or typed in."""
    found: dict[str, Signal] = {one.what: _window(one, at_us) for one in reading.signals if one.what != "standard"}
    if reading.typed:
        what = reading.typed.what
        found[what.what] = Manual(unit=what.unit, value=what.value, reason=what.reason)
    return found


def _window(signal: events.Signal, at_us: int) -> Window:
    return Window(
        device=f"{signal.instrument}/{signal.channel}",
        unit=signal.unit,
        times_s=tuple((time - at_us) / 1e6 for time in signal.times_us),
        values=signal.values,
        quality=signal.quality,
        frames=signal.frames,
        sha256=signal.sha256,
    )
