"""What an act does to a run: the run, what is asked, who asks and what the shell found in; new events or a refusal out.

Pure. decide() is for what people ask; captured() and gave_up() are for what becomes of a step that waits. Events are
given in the order in which they are written, all of them at once. Every sentence of a refusal says what was found, the
rule, and what to do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records.record import UnitText
from kleinmaelzung_services.calibration.runs import events, steps, typed
from kleinmaelzung_services.calibration.runs.events import Signal, What
from kleinmaelzung_services.calibration.runs.permitting import Refused, Who, check
from kleinmaelzung_services.calibration.runs.run import Run, StepRun
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID
from kleinmaelzung_wire.runs import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the shell found out, or did, for an act.

    `conflicts` are sentences about what stands in its way: who holds the instrument, a sensor that is lost. Where
    `commanded`, `calculated` or `issued` is missing, its act is only checked and gives no event: so it is asked before
    the work, and again behind it. `data_sha256` is that of the record made of the run as it is now, "" where none was.
    """

    conflicts: tuple[str, ...] = ()
    data_sha256: str = ""
    commanded: events.Commanded | None = None
    calculated: events.Calculated | None = None
    issued: events.Issued | None = None


NOTHING: Final = Found()
# Of how many spans a value may lie outside of the range: how wrong it is must be told (a balance shows Max + 9 e), but
# a digit too many is a slip.
_BEYOND: Final = 0.1
# What changes how an instrument measures has its place between as found and as left.
_ADJUSTING: Final = ("adjust", "calibrat")


def decide(run: Run, act: str, wire: Fields, who: Who, found: Found = NOTHING) -> list[What]:
    """What happens when somebody asks for an act. Raises Refused, and WireError for arguments that are wrong."""
    return _DECIDE[check(run, act, who)](run, wire, who, found)


def captured(run: Run, step: int, attempt: int, signals: Sequence[Signal]) -> list[What]:
    """The waiting step is stable. Raises Refused where it waits no more."""
    waiting = _waiting(run, step, attempt)
    wanted = {(one.what, one.role) for one in waiting.wanted}
    if len(signals) != len(wanted) or {(one.what, one.role) for one in signals} != wanted:
        asked = ", ".join(sorted(f"{what} {role}".strip() for what, role in wanted))
        raise Refused(sockets.CONFLICT, f"{steps.told(waiting.step)} captures {asked}, each once: place it again")
    return [events.Captured(step=step, attempt=attempt, signals=tuple(signals))]


def gave_up(run: Run, step: int, attempt: int, reason: str) -> list[What]:
    """The waiting step did not become stable. Raises Refused where it waits no more."""
    _waiting(run, step, attempt)
    told = typed.printable(reason) or "it did not become stable in time"
    return [events.GaveUp(step=step, attempt=attempt, reason=told)]


def _waiting(run: Run, number: int, attempt: int) -> StepRun:
    waiting, step = run.waiting, run.series.step(number) if run.series else None
    if step is None or waiting is None or (waiting.step, waiting.attempt) != (number, attempt):
        sentence = f"step {number} does not wait in attempt {attempt} any more: place it again"
        raise Refused(sockets.CONFLICT, sentence)
    return step


def _text(wire: Fields, key: str, *, default: str | None = None) -> str:
    """Raises WireError."""
    if default is None and wire.get(key) is None:
        raise WireError(f"{key} is missing: say it in a few words, they stand in the record")
    return typed.line(wire.text(key, default=default), key, may_be_empty=default is not None)


def _step(run: Run, wire: Fields) -> StepRun:
    """Raises Refused, WireError."""
    number = wire.integer("step")
    found = run.series.step(number) if run.series else None
    if found is None:
        last = len(run.series.steps) if run.series else 0
        raise WireError(f"step is {number}, and the template has steps 1 to {last}: name one of them")
    return found


def _first_open(run: Run, wire: Fields) -> StepRun:
    step, next_ = _step(run, wire), run.next
    if next_ is not None and step.step.number != next_.step.number:
        what = "is done already" if step.is_done else "is open"
        rule = f"steps are made in the template's order, and {steps.told(next_.step)} is next"
        remedy = "strike it out to measure it again" if step.has_reading else "make that one first"
        raise Refused(sockets.CONFLICT, f"{steps.told(step.step)} {what}: {rule}; {remedy}")
    return step


def _tick(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    check, undone = wire.text("check"), wire.boolean("undone", default=False)
    if check not in (known := steps.checks(run.template)):
        raise WireError(f'"{check:.80}" is no check of the template: tick one of its {len(known)}, by its text')
    ticked = {one.what.check: one.user for one in run.ticks}
    if check in ticked and not undone:
        raise Refused(sockets.CONFLICT, f'"{check}" is ticked by {ticked[check]} already: take it back with undone')
    if check not in ticked and undone:
        raise Refused(sockets.CONFLICT, f'"{check}" is not ticked: there is nothing to take back')
    return [events.Ticked(check=check, undone=undone)]


def _answer(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    name = wire.text("name")
    asked = {one.name: one for one in steps.questions(run.template)}
    if name not in asked:
        raise WireError(f"the template does not ask {name!r:.40}, but {', '.join(asked) or 'nothing'}")
    question = asked[name]
    unit = typed.unit(wire.text("unit", default=question.unit.symbol), question.unit)
    value = _number(wire, "value")
    own = units.convert(value, unit, question.unit)
    if (question.low is not None and own < question.low) or (question.high is not None and own > question.high):
        low, high = ("open" if each is None else f"{each:g}" for each in (question.low, question.high))
        rule = f"the template permits {low} to {high} {question.unit.symbol}"
        raise WireError(f"{name} is {own:g} {question.unit.symbol}, {rule}: check what was read")
    return [events.Answered(name=name, value=value, unit=UnitText(unit.symbol))]


def _begin(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    ticked, answered = {one.what.check for one in run.ticks}, {one.what.name for one in run.answers}
    unticked = [
        f'"{one}" is not ticked: do it, then tick it' for one in steps.checks(run.template) if one not in ticked
    ]
    open_ = [
        f"{one.name} is not answered ({one.meaning}): answer it in {one.unit.symbol}"
        for one in steps.questions(run.template)
        if one.name not in answered
    ]
    if mistakes := [*unticked, *open_, *found.conflicts]:
        raise Refused(sockets.CONFLICT, *mistakes)
    return [events.Began(phase="as_left" if run.state == "adjusting" else "as_found")]


def _place(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    step = _first_open(run, wire)
    if not step.wanted:
        rule = (
            "the template reads it from no stream" if not step.step.sources else "what is read from streams is captured"
        )
        raise Refused(sockets.CONFLICT, f"{steps.told(step.step)} is typed in: {rule}; type what the instrument shows")
    _refuse_conflicts(found)
    return [events.Placed(step=step.step.number, attempt=step.attempts + 1)]


def _lift(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    assert run.waiting is not None  # else it is forbidden
    return [events.Lifted(step=run.waiting.step)]


def _type(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    step = _first_open(run, wire)
    reason = _text(wire, "reason")
    own = [one.what for one in step.step.sources if one.what != "standard"]
    if len(own) > 1:
        rule = f"the template captures {' and '.join(own)} of the instrument together"
        raise Refused(sockets.CONFLICT, f"{steps.told(step.step)} cannot be typed in: {rule}; place it")
    if step.reading and (step.reading.typed or any(one.what != "standard" for one in step.reading.signals)):
        raise Refused(sockets.CONFLICT, f"{steps.told(step.step)} has a value already: strike it out to type another")
    if type(wire.get("value")) is not str:
        raise WireError("value is no text: send it as it was typed, so that nobody else decides what a comma means")
    value, what = _number(wire, "value"), step.step.own
    unit = _check_typed(run, step, what, value, wire.text("unit"))
    return [
        events.Typed(
            step=step.step.number,
            what=what,
            text=wire.text("value").strip(),
            value=value,
            unit=UnitText(unit.symbol),
            reason=reason,
        )
    ]


def _check_typed(run: Run, step: StepRun, what: Literal["indication", "raw"], value: float, unit: str) -> units.Unit:
    """The unit of what was typed. Raises WireError, also for a value that the instrument cannot show."""
    measurand = steps.measurand_of(run.template, step.step)
    display = measurand.display
    if what == "raw" and display.raw is not None:
        return typed.unit(unit, display.raw.unit)
    known = typed.unit(unit, measurand.unit)
    shown, beyond = units.convert(value, known, measurand.unit), _BEYOND * display.span
    low = min(display.low, 0.0) if step.step.what == "zero" else display.low
    if not low - beyond <= shown <= display.high + beyond:
        symbol = measurand.unit.symbol
        rule = f"the instrument shows {low:g} to {display.high:g} {symbol}"
        raise WireError(f"{shown:g} {symbol} is typed in, and {rule}: check the value and its unit")
    return known


def _strike(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    step, reason = _step(run, wire), _text(wire, "reason")
    if step.reading is None:
        raise Refused(sockets.CONFLICT, f"{steps.told(step.step)} has no reading: there is nothing to strike out")
    return [events.Struck(step=step.step.number, reason=reason, out_of_order=_is_out_of_order(run, step))]


def _is_out_of_order(run: Run, step: StepRun) -> bool:
    """Whether a later placement of its test counts already: then it is measured again against the template's order."""
    if run.series is None:
        return False
    later = (one for one in run.series.steps if one.step.number > step.step.number and one.step.test == step.step.test)
    return any(one.reading is not None and one.step.slot != step.step.slot for one in later)


def _skip(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    test, reason = wire.integer("test"), _text(wire, "reason")
    if not 0 <= test < (count := len(run.template.tests)):
        raise WireError(f"test is {test}, and the template has {count} tests, counted from 0: name one of them")
    if run.series is None or all(one.is_done for one in run.series.steps if one.step.test == test):
        sentence = f"{steps.title(run.template, test)} has no open step: there is nothing to skip; strike what is wrong"
        raise Refused(sockets.CONFLICT, sentence)
    return [events.Skipped(test=test, reason=reason)]


def _deviate(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    return [events.Deviated(text=_text(wire, "text"))]


def _command(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    name, _ = wire.text("name", longest=MAX_ID), wire.map("arguments", default={})
    if run.state != "adjusting" and name.startswith(_ADJUSTING):
        rule = "what changes how it measures is done between as found and as left"
        raise Refused(sockets.CONFLICT, f"{name} is a command that adjusts: {rule}; measure as found, then adjust")
    _refuse_conflicts(found)
    return [] if found.commanded is None else [found.commanded]


def commanded(wire: Fields, result: str, reason: str, values: Mapping[str, Any]) -> events.Commanded:
    """The event of a command that was sent, for Found: what the instrument answered."""
    name, arguments = wire.text("name", longest=MAX_ID), wire.map("arguments", default={})
    return events.Commanded(
        name=name, result=result, reason=typed.printable(reason), arguments=_json(arguments), values=_json(dict(values))
    )


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it: bytes become hexadecimal digits, a number that is none becomes null."""
    found: dict[str, Any] = codec.from_json(codec.to_json(dict(values)))
    return found


def _measure_again(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    return [events.MeasureAgain(reason=_text(wire, "reason"))]


def _adjust(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    before, after = _text(wire, "before", default=""), _text(wire, "after", default="")
    return [events.Adjusted(text=_text(wire, "text"), before=before, after=after)]


def _calculate(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    _refuse_conflicts(found)
    return [] if found.calculated is None else [found.calculated]


def _review(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    assert run.calculated is not None  # else it is forbidden
    approve = wire.boolean("approve")
    text = _text(wire, "text", default="") if approve else _text(wire, "text")
    check_reviewer(run, who.user)
    data_sha256 = run.calculated.what.data_sha256
    _check_same(run, data_sha256, wire.text("data_sha256", default=""), "what was looked at")
    _check_same(run, data_sha256, found.data_sha256, "the record as it is now")
    _refuse_conflicts(found)
    return [events.Reviewed(approve=approve, data_sha256=data_sha256, text=text)]


def check_reviewer(run: Run, user: str) -> None:
    """Raise Refused for one who had a hand in the data, unless the laboratory lets them review."""
    if run.created.what.reviewer == "another" and user in run.operators:
        rule = f"the laboratory asks for somebody else than those who made the run ({', '.join(run.operators)})"
        raise Refused(sockets.NOT_PERMITTED, f"{user} made this run: {rule}; let another person sign in and review it")


def _issue(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    assert run.reviewed is not None  # else it is forbidden
    _check_same(run, run.reviewed.what.data_sha256, found.data_sha256, "the record as it is now")
    _refuse_conflicts(found)
    return [] if found.issued is None else [found.issued]


def _check_same(run: Run, calculated: str, other: str, what: str) -> None:
    """Raise Refused where the data are not those that were calculated and reviewed."""
    if other and other != calculated:
        rule = f"{what} has the hash {other:.12}, calculated was {calculated:.12}: the data changed since"
        raise Refused(sockets.CONFLICT, f"run {run.name}: {rule}; measure_again, calculate and review it anew")


def _pause(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    """A step that waits is lifted: what stood on it before the pause is to be placed again after it."""
    paused = events.Paused(reason=_text(wire, "reason"))
    return [events.Lifted(step=run.waiting.step), paused] if run.waiting else [paused]


def _resume(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    _refuse_conflicts(found)
    return [events.Resumed()]


def _abort(run: Run, wire: Fields, who: Who, found: Found) -> list[What]:
    return [events.Aborted(reason=_text(wire, "reason"))]


def _refuse_conflicts(found: Found) -> None:
    if found.conflicts:
        raise Refused(sockets.CONFLICT, *found.conflicts)


def _number(wire: Fields, key: str) -> float:
    """Raises WireError."""
    value = wire.get(key)
    decimal = codec.one_of(wire.text("decimal", default="point"), Literal["point", "comma"], "decimal")
    text = repr(value) if type(value) in (int, float) else wire.text(key)
    return typed.number(text, is_comma_decimal=decimal == "comma")


_DECIDE: Final[Mapping[Act, Callable[[Run, Fields, Who, Found], list[What]]]] = {
    "tick": _tick,
    "answer": _answer,
    "begin": _begin,
    "place": _place,
    "lift": _lift,
    "type": _type,
    "strike": _strike,
    "skip": _skip,
    "deviate": _deviate,
    "command": _command,
    "measure_again": _measure_again,
    "adjust": _adjust,
    "calculate": _calculate,
    "review": _review,
    "issue": _issue,
    "pause": _pause,
    "resume": _resume,
    "abort": _abort,
}
