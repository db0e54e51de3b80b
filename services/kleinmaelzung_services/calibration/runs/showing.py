"""What a step shows while a run is measured: its value, its error and its reference, to be seen and not to be printed.

The results are calculated from the record; here an error is told only where it is plain: indication less reference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import verdicts
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.engine.window import WindowStatistics
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_standards
from kleinmaelzung_services.calibration.runs import steps
from kleinmaelzung_services.calibration.runs.events import RunStandard, Signal
from kleinmaelzung_services.calibration.runs.run import Reading, Run, Series, StepRun
from kleinmaelzung_services.calibration.runs.steps import Step
from kleinmaelzung_services.calibration.templates.template import Measurand, Points, Standard
from kleinmaelzung_services.calibration.units import Unit
from kleinmaelzung_wire.runs import StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a standard was at a step, with the correction of its certificate."""

    role: str
    value: float
    unit: Unit


def step(run: Run, series: Series, one: StepRun) -> dict[str, Any]:
    """A step as the view has it."""
    measurand, reading = steps.measurand_of(run.template, one.step), one.reading
    unit = unit_of(measurand, one.step)
    found = list(references(run, one.step, reading))
    window_, lower, upper = _window(reading), *_limits(run, measurand, one.step)
    return {
        "step": one.step.number,
        "test": one.step.test,
        "what": one.step.what,
        "point": one.step.point,
        "unit": unit.symbol,
        "direction": one.step.direction,
        "repeat": one.step.repeat,
        "position": one.step.position,
        "state": state(run, series, one),
        "value": None if reading is None else value(reading, one.step, unit),
        "error": error(run, series, one),
        "error_unit": measurand.error_unit.symbol,
        "lower": lower,
        "upper": upper,
        "samples": window_.n if window_ else 0,
        "spread": window_.range if window_ else None,
        "slope": window_.slope if window_ else None,
        "at": reading.at_us if reading else None,
        "by": reading.by if reading else "",
        "reason": reading.typed.what.reason if reading and reading.typed else one.reason,
        "references": [{"role": each.role, "value": each.value, "unit": each.unit.symbol} for each in found],
        "frames": [frame for signal in (reading.signals if reading else ()) for frame in _frames(signal)],
        "struck": [_struck(each, one.step, unit) for each in one.readings if each.struck],
    }


def state(run: Run, series: Series, one: StepRun) -> StepState:
    if run.waiting and run.waiting.step == one.step.number and series.phase == run.phase:
        return "waiting"
    if one.reading and one.has_reading:
        return "typed" if one.reading.typed else "captured"
    return "left out" if one.is_left_out else "open"


def unit_of(measurand: Measurand, step: Step) -> Unit:
    """In which the value of a step is told: a raw signal where the indication is computed from it."""
    raw = measurand.display.raw
    return raw.unit if step.own == "raw" and raw else measurand.unit


def value(reading: Reading, step: Step, unit: Unit) -> float | None:
    """What the instrument showed: typed in, or the mean of its window; None where that is still missing."""
    if reading.typed:
        return units.convert(reading.typed.what.value, units.find(reading.typed.what.unit), unit)
    own = next((one for one in reading.signals if one.what == step.own), None)
    return None if own is None else _mean(own, unit)


def error(run: Run, series: Series, one: StepRun) -> float | None:
    """In error_unit, signed as the template's direction says; None where it is not a plain difference."""
    measurand, reading = steps.measurand_of(run.template, one.step), one.reading
    is_plain = measurand.reference is None and one.step.own == "indication" and one.step.what == "reading"
    if reading is None or not one.has_reading or not is_plain:
        return None
    shown, zero = value(reading, one.step, measurand.unit), _zero(series, one, measurand.unit)
    standard = next(each for each in run.template.standards if steps.is_reference(run.template, each, measurand))
    found = next((each for each in references(run, one.step, reading) if each.role == standard.role), None)
    if shown is None or zero is None or found is None or not units.are_alike(found.unit, measurand.unit):
        return None
    difference = shown - zero - units.convert(found.value, found.unit, measurand.unit)
    signed = difference if measurand.direction == "error" else -difference
    return units.convert_difference(signed, measurand.unit, measurand.error_unit)


def references(run: Run, step: Step, reading: Reading | None) -> Iterator[Reference]:
    """What the standards were: as read live, or by their nominal value where they are the reference."""
    measurand = steps.measurand_of(run.template, step)
    for standard in run.template.standards:
        if standard.measurand not in ("", measurand.name) or step.what == "zero":
            continue
        mine, unit = standard_at(run, standard, step), standard.unit or measurand.unit
        signal = next((one for one in (reading.signals if reading else ()) if one.role == standard.role), None)
        if mine is None:
            continue
        if signal is not None:
            yield from _corrected(standard, mine, _mean(signal, unit), unit)
        elif _is_nominal(run, standard, measurand):
            yield from _corrected(standard, mine, units.convert(step.point, measurand.unit, unit), unit)


def _is_nominal(run: Run, standard: Standard, measurand: Measurand) -> bool:
    """Whether the point itself says what this standard is, as the weight on a balance."""
    is_alike = units.are_alike(standard.unit or measurand.unit, measurand.unit)
    return not standard.channel and is_alike and steps.is_reference(run.template, standard, measurand)


def standard_at(run: Run, standard: Standard, step: Step) -> RunStandard | None:
    """The standard of a role at a step: at each position one of its own, at none the first, as it is calculated."""
    mine = [one for one in run.created.what.standards if one.used.role == standard.role]
    if len(mine) == 1 or not step.position:
        return mine[0] if mine else None
    return next((one for one in mine if one.used.position == step.position), None)


def _corrected(standard: Standard, mine: RunStandard, found: float, unit: Unit) -> Iterator[Reference]:
    own = units.find(mine.used.unit) if mine.used.unit else unit
    there = units.convert(found, unit, own)
    certified = record_standards.certified_at(mine.used, there)
    if certified is not None:
        correction = units.convert_difference(certified.correction, own, unit)
        yield Reference(role=standard.role, value=found + correction, unit=unit)
    elif record_standards.is_nothing(standard, mine.used, there):
        yield Reference(role=standard.role, value=found, unit=unit)


def _zero(series: Series, one: StepRun, unit: Unit) -> float | None:
    """What is taken off: the zero before it, or nothing; None where the zero is missing."""
    pair = steps.pair(one.step, tuple(each.step for each in series.steps))
    if len(pair) == 1:
        return 0.0
    zero = series.steps[pair[0].number - 1]
    return value(zero.reading, zero.step, unit) if zero.reading and zero.has_reading else None


def _limits(run: Run, measurand: Measurand, step: Step) -> tuple[float | None, float | None]:
    """At the nominal value, of the readings that a verdict is given for."""
    is_judged = step.what == "reading" and isinstance(run.template.tests[step.test], Points)
    if measurand.acceptance is None or not is_judged:
        return None, None
    try:
        return verdicts.limits(measurand, measurand.acceptance, step.point, step.point)
    except CalibrationError:
        return None, None  # none holds there; the calculation says so


def _window(reading: Reading | None) -> WindowStatistics | None:
    """Of the instrument's own window; where it is typed in, of the first standard's."""
    signal = next(iter(reading.signals), None) if reading else None
    if signal is None or len(signal.times_us) < 2:
        return None
    first = signal.times_us[0]
    return window.statistics([(each - first) / 1e6 for each in signal.times_us], signal.values)


def _mean(signal: Signal, unit: Unit) -> float:
    return units.convert(sum(signal.values) / len(signal.values), units.find(signal.unit), unit)


def _frames(signal: Signal) -> Iterator[dict[str, Any]]:
    for part in signal.frames:
        yield {
            "role": signal.role,
            "instrument": part.instrument,
            "epoch": part.epoch,
            "first": part.first,
            "last": part.last,
            "sha256": signal.sha256,
        }


def _struck(reading: Reading, step: Step, unit: Unit) -> dict[str, Any]:
    assert reading.struck is not None  # it is asked of those
    return {
        "value": value(reading, step, unit),
        "at": reading.at_us,
        "by": reading.by,
        "reason": reading.struck.what.reason,
        "struck_by": reading.struck.user,
    }
