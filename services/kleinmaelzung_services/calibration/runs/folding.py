"""What a run is after its events: the entries of the log in, in its order; a Run out. Pure.

acting.py makes events that fit. One that does not was not written by this program, or is damaged.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from kleinmaelzung_services.calibration.runs import steps
from kleinmaelzung_services.calibration.runs.events import (
    Aborted,
    Adjusted,
    Answered,
    Began,
    Calculated,
    Captured,
    Commanded,
    Created,
    Deviated,
    Event,
    GaveUp,
    Issued,
    Lifted,
    MeasureAgain,
    Paused,
    Placed,
    Resumed,
    Reviewed,
    Skipped,
    Struck,
    Ticked,
    Typed,
    What,
)
from kleinmaelzung_services.calibration.runs.run import Deviation, Reading, Run, Series, StepRun, Waiting
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire.runs import Phase, RunState


class RunError(ValueError):
    """An event that cannot follow what happened before: the log was not written by this program, or is damaged."""


_RECORDING: Final[frozenset[RunState]] = frozenset({"created", "measuring", "measured", "adjusting"})
_MEASURING: Final[frozenset[RunState]] = frozenset({"measuring"})
# In which states an event may come; whatever is not here, in any that is open.
_STATES: Final[dict[type[What], frozenset[RunState]]] = {
    Ticked: frozenset({"created"}),
    Answered: _RECORDING,
    Began: frozenset({"created", "adjusting"}),
    Placed: _MEASURING,
    Lifted: _MEASURING,
    Captured: _MEASURING,
    GaveUp: _MEASURING,
    Typed: _MEASURING,
    Struck: frozenset({"measuring", "measured"}),
    Skipped: _MEASURING,
    Deviated: _RECORDING,
    Commanded: _RECORDING,
    MeasureAgain: frozenset({"measured", "calculated", "reviewed"}),
    Adjusted: frozenset({"measuring", "measured"}),
    Calculated: frozenset({"measuring", "measured"}),
    Reviewed: frozenset({"calculated"}),
    Issued: frozenset({"reviewed"}),
    Paused: _RECORDING,
    Resumed: _RECORDING,
}
_WHILE_PAUSED: Final = (Resumed, Aborted, Deviated)
_Known = TypeVar("_Known", bound=What)
# Whoever did one of these has a hand in the data, and is no other person who could review it.
_BY_OPERATORS: Final = (Created, Ticked, Answered, Began, Placed, Typed, Struck, Skipped, Deviated, Commanded, Adjusted)


def fold(name: str, template: Template, events: Sequence[Event[What]]) -> Run:
    """The run after all its events, the first of which is `created`. Raises RunError."""
    if not events:
        raise RunError(f"run {name} has no entry")
    first, *others = events
    run = _begin(name, template, first)
    for event in others:
        run = follow(run, event)
    return run


def follow(run: Run, event: Event[What]) -> Run:
    """The run after one more event. Raises RunError."""
    what = event.what
    if not run.is_open or run.state not in _STATES.get(type(what), frozenset({run.state})):
        raise _no(event, f"a run that is {run.state} has none")
    if run.is_paused and not isinstance(what, _WHILE_PAUSED):
        raise _no(event, "the run is paused")
    if event.number <= run.head:
        raise _no(event, f"it comes after entry {run.head}")
    followed = _of_steps(run, event) or _of_people(run, event) or _of_states(run, event)
    if followed is None:
        raise _no(event, "it is only the first")
    if isinstance(what, _BY_OPERATORS) and event.user not in run.operators:
        followed = replace(followed, operators=(*run.operators, event.user))
    return replace(followed, head=event.number)


def _begin(name: str, template: Template, event: Event[What]) -> Run:
    what = event.what
    if not isinstance(what, Created):
        raise RunError(f"run {name} begins with entry {event.number}, which is not that it was created")
    if (what.template.id, what.template.version, what.template.sha256) != (
        template.id,
        template.version,
        template.sha256,
    ):
        raise RunError(f"run {name} is of the template {what.template.id} {what.template.version}, not of this one")
    created = Event(number=event.number, time_us=event.time_us, user=event.user, what=what)
    return Run(name=name, template=template, created=created, head=event.number, operators=(event.user,))


def _no(event: Event[What], why: str) -> RunError:
    return RunError(f"entry {event.number} ({type(event.what).__name__.lower()}) does not fit: {why}")


def _as(event: Event[What], what: _Known) -> Event[_Known]:
    """The same event, of which it is known what it is."""
    return Event(number=event.number, time_us=event.time_us, user=event.user, what=what)


def _of_states(run: Run, event: Event[What]) -> Run | None:
    match event.what:
        case Began(phase=phase):
            return _began(run, event, phase)
        case MeasureAgain():
            return replace(run, state="measuring", calculated=None, reviewed=None)
        case Adjusted() as what:
            if run.phase != "as_found" or not run.is_measured:
                raise _no(event, "it comes once, when everything was measured as found")
            return replace(run, state="adjusting", adjustment=_as(event, what))
        case Calculated() as what:
            if not run.is_measured:
                raise _no(event, "not everything is measured")
            return replace(run, state="calculated", calculated=_as(event, what), rejected=None)
        case Reviewed() as what:
            return _reviewed(run, _as(event, what))
        case Issued() as what:
            return replace(run, state="issued", issued=_as(event, what))
        case Paused() | Resumed():
            is_paused = isinstance(event.what, Paused)
            if run.is_paused == is_paused or run.waiting:
                raise _no(event, "it is so already, or a step waits")
            return replace(run, is_paused=is_paused)
        case Aborted() as what:
            return replace(run, state="aborted", waiting=None, aborted=_as(event, what))
    return None


def _of_people(run: Run, event: Event[What]) -> Run | None:
    """What is noted beside the readings."""
    match event.what:
        case Ticked() as what:
            others = tuple(one for one in run.ticks if one.what.check != what.check)
            return replace(run, ticks=others if what.undone else (*others, _as(event, what)))
        case Answered() as what:
            before = tuple(one for one in run.answers if one.what.name != what.name)
            return replace(run, answers=(*before, _as(event, what)))
        case Deviated(text=text):
            return _deviated(run, event, text, None)
        case Commanded() as what:
            return replace(run, commands=(*run.commands, _as(event, what)))
    return None


def _of_steps(run: Run, event: Event[What]) -> Run | None:
    match event.what:
        case Placed(step=step, attempt=attempt):
            return _placed(run, event, step, attempt)
        case Lifted(step=step):
            return replace(run, waiting=None) if _waits(run, event, step, None) else None
        case GaveUp(step=step, attempt=attempt, reason=reason):
            _waits(run, event, step, attempt)
            return _with_step(replace(run, waiting=None), replace(_step(run, event, step), reason=reason))
        case Captured() as what:
            return _captured(run, event, what)
        case Typed() as what:
            return _typed(run, _as(event, what))
        case Struck() as what:
            return _struck(run, _as(event, what))
        case Skipped() as what:
            return _skipped(run, event, what)
    return None


def _began(run: Run, event: Event[What], phase: Phase) -> Run:
    if phase != ("as_left" if run.state == "adjusting" else "as_found"):
        raise _no(event, f"a run that is {run.state} does not begin {phase}")
    made = tuple(StepRun(step=step) for step in steps.steps(run.template))
    series = Series(phase=phase, started_us=event.time_us, steps=made)
    return _with_series(replace(run, state="measuring", phase=phase), series)


def _reviewed(run: Run, event: Event[Reviewed]) -> Run:
    assert run.calculated is not None  # it is calculated
    if event.what.data_sha256 != run.calculated.what.data_sha256:
        raise _no(event, "other data were calculated")
    if event.what.approve:
        return replace(run, state="reviewed", reviewed=event)
    return replace(run, state="measured", calculated=None, rejected=event)


def _deviated(run: Run, event: Event[What], text: str, test: int | None) -> Run:
    new = Deviation(text=text, by=event.user, at_us=event.time_us, test=test)
    return replace(run, deviations=(*run.deviations, new))


def _placed(run: Run, event: Event[What], number: int, attempt: int) -> Run:
    step, open_ = _step(run, event, number), run.next
    if run.waiting or open_ is None or open_.step.number != number:
        raise _no(event, f"step {number} is not the first that is open, or one waits")
    if attempt != step.attempts + 1 or not step.wanted:
        raise _no(event, f"it is attempt {step.attempts + 1} of a step that is captured")
    waiting = Waiting(step=number, attempt=attempt, since_us=event.time_us, by=event.user)
    return _with_step(replace(run, waiting=waiting), replace(step, attempts=attempt, reason=""))


def _captured(run: Run, event: Event[What], what: Captured) -> Run:
    waiting = _waits(run, event, what.step, what.attempt)
    step = _step(run, event, what.step)
    if sorted((one.what, one.role) for one in what.signals) != sorted((one.what, one.role) for one in step.wanted):
        raise _no(event, f"step {what.step} has other signals")
    begun = step.reading or Reading(at_us=event.time_us, by=waiting.by)
    signals = (*begun.signals, *what.signals)
    made = replace(begun, attempt=what.attempt, at_us=event.time_us, by=waiting.by, signals=signals)
    return _measured(_with_step(replace(run, waiting=None), _with_reading(step, made)))


def _typed(run: Run, event: Event[Typed]) -> Run:
    step, open_ = _step(run, event, event.what.step), run.next
    if run.waiting or open_ is None or open_ is not step or (step.reading and step.reading.typed):
        raise _no(event, f"step {event.what.step} is not the first that is open, or one waits")
    begun = step.reading or Reading(at_us=event.time_us, by=event.user)
    made = replace(begun, at_us=event.time_us, by=event.user, typed=event)
    return _measured(_with_step(run, _with_reading(step, made)))


def _struck(run: Run, event: Event[Struck]) -> Run:
    step = _step(run, event, event.what.step)
    if run.waiting or step.reading is None:
        raise _no(event, f"step {event.what.step} has nothing to strike out, or one waits")
    assert run.series is not None  # it has the step
    all_steps = tuple(one.step for one in run.series.steps)
    for each in steps.pair(step.step, all_steps):
        other = _step(run, event, each.number)
        if other.reading is not None:
            struck = replace(other.reading, struck=event)
            run = _with_step(run, replace(other, readings=(*other.readings[:-1], struck)))
    if event.what.out_of_order:
        text = f"{steps.told(step.step)} was measured again after later ones: {event.what.reason}"
        run = _deviated(run, event, text, step.step.test)
    return _measured(replace(run, state="measuring"))


def _skipped(run: Run, event: Event[What], what: Skipped) -> Run:
    series = run.series
    if series is None or run.waiting or not any(one.step.test == what.test and not one.is_done for one in series.steps):
        raise _no(event, f"test {what.test} has no open step, or one waits")
    left = tuple(replace(one, is_left_out=True) if one.step.test == what.test else one for one in series.steps)
    text = f"{steps.title(run.template, what.test)} is not complete: {what.reason}"
    return _measured(_deviated(_with_series(run, replace(series, steps=left)), event, text, what.test))


def _waits(run: Run, event: Event[What], number: int, attempt: int | None) -> Waiting:
    waiting = run.waiting
    if waiting is None or waiting.step != number or attempt not in (None, waiting.attempt):
        raise _no(event, f"step {number} does not wait")
    return waiting


def _step(run: Run, event: Event[What], number: int) -> StepRun:
    found = run.series.step(number) if run.series else None
    if found is None:
        raise _no(event, f"there is no step {number}")
    return found


def _with_reading(step: StepRun, made: Reading) -> StepRun:
    before = step.readings[:-1] if step.reading else step.readings
    return replace(step, readings=(*before, made))


def _with_step(run: Run, step: StepRun) -> Run:
    assert run.series is not None  # it has the step
    before, after = run.series.steps[: step.step.number - 1], run.series.steps[step.step.number :]
    return _with_series(run, replace(run.series, steps=(*before, step, *after)))


def _with_series(run: Run, series: Series) -> Run:
    return replace(run, as_found=series) if series.phase == "as_found" else replace(run, as_left=series)


def _measured(run: Run) -> Run:
    """Nobody says that the last step is done: it follows."""
    return replace(run, state="measured") if run.is_measured else run
