"""The numbers that formulas of a template know in a run: template, record and a reading in; a number for each name out.

Numbers of a standard are in the unit that the template gives it, or else in the measurand's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_standards
from kleinmaelzung_services.calibration.records.record import Reading, Record, Signal, UsedStandard, Window
from kleinmaelzung_services.calibration.templates import expressions, names
from kleinmaelzung_services.calibration.templates.expressions import Expression, ExpressionError
from kleinmaelzung_services.calibration.templates.template import Measurand, Standard, Template
from kleinmaelzung_services.calibration.units import Unit

DAYS_A_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is the same for all readings of a measurand."""

    template: Template
    record: Record
    measurand: Measurand

    @property
    def standards(self) -> list[Standard]:
        return [one for one in self.template.standards if one.measurand in ("", self.measurand.name)]

    def unit_of(self, standard: Standard) -> Unit:
        return standard.unit or self.measurand.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a signal says, in the unit that was asked for: `u` of its mean with `dof`, 0 where it was typed in."""

    value: float
    u: float = 0.0
    dof: float = 1.0


def computed(field: str, formula: Expression, numbers: Mapping[str, float]) -> float:
    """Raises CalibrationError, with the formula."""
    try:
        return expressions.evaluate(formula, numbers)
    except ExpressionError as error:
        remedy = "enter what is missing, or correct the template"
        raise CalibrationError(field, formula.text, f"it cannot be computed ({error})", remedy) from None


def told(field: str, signal: Signal, unit: Unit) -> Told:
    """The mean of a window, or the value that was typed in.

    Where neighbours are so alike that all of them are worth little more than one reading, u is s with one degree of
    freedom: less cannot be known (GUM 4.2.7).
    """
    own = units.find(signal.unit)
    if not units.are_alike(own, unit):
        raise CalibrationError(field, signal.unit, f'it cannot be converted to "{unit.symbol}"', "correct the unit")
    if not isinstance(signal, Window):
        return Told(value=units.convert(signal.value, own, unit))
    found = window.statistics(signal.times_s, signal.values)
    return Told(
        value=units.convert(found.mean, own, unit),
        u=units.convert_difference(found.u_mean, own, unit),
        dof=max(1.0, found.n_eff - 1),
    )


def at(setting: Setting, reading: Reading) -> dict[str, float]:
    """What is known before anything of the reading itself but its point and its standards."""
    display = setting.measurand.display
    numbers = {
        "d": display.resolution,
        "low": display.low,
        "high": display.high,
        "span": display.span,
        "nominal": reading.point,
        "load": reading.point,
    }
    numbers |= _ambient(setting)
    for place, standard in enumerate(setting.standards):
        of_one = _standard(setting, standard, reading)
        numbers |= {f"{standard.role}.{field}": value for field, value in of_one.items()}
        if place == 0:
            short = names.SHORT
            numbers |= {short[field]: value for field, value in of_one.items() if field in short}
    return numbers | _inputs(setting, numbers)


def used(setting: Setting, standard: Standard, position: str) -> UsedStandard:
    """The standard that has this role, at this position where there are several."""
    mine = [one for one in setting.record.standards if one.role == standard.role]
    if len(mine) == 1 or not position:
        return mine[0]
    for one in mine:
        if one.position == position:
            return one
    rule = f'no standard of the role "{standard.role}" is there'
    raise CalibrationError("position", position, rule, f"known are {', '.join(one.position for one in mine)}")


def signal_of(reading: Reading, standard: Standard) -> Signal | None:
    return next((one.signal for one in reading.standards if one.role == standard.role), None)


def value_of(setting: Setting, standard: Standard, reading: Reading) -> Told | None:
    """What a standard was: as read, or the nominal value, each with its correction. None where nobody read it."""
    unit, mine = setting.unit_of(standard), used(setting, standard, reading.position)
    field = f"{standard.role} at {reading.point:g}"
    signal = signal_of(reading, standard)
    if signal is not None:
        found = told(field, signal, unit)
        correction, _, _ = _certified(setting, standard, mine, found.value)
        return Told(value=found.value + correction, u=found.u, dof=found.dof)
    if standard is not setting.standards[0]:
        return None
    if standard.channel:
        raise CalibrationError(field, "missing", "it is read together with the instrument", "measure the point again")
    nominal = units.convert(reading.point, setting.measurand.unit, unit)
    correction, _, _ = _certified(setting, standard, mine, nominal)
    return Told(value=nominal + correction)


def certified(setting: Setting, standard: Standard, reading: Reading) -> tuple[float, float]:
    """U and k of its certificate at a reading. Raises CalibrationError where it says nothing there."""
    mine = used(setting, standard, reading.position)
    _, expanded, k = _certified(setting, standard, mine, _place(setting, standard, reading))
    return expanded, k


def _place(setting: Setting, standard: Standard, reading: Reading) -> float:
    """Where on its scale a standard was used: what it showed, or else the nominal value if it can be."""
    unit, signal = setting.unit_of(standard), signal_of(reading, standard)
    if signal is not None:
        return told(standard.role, signal, unit).value
    if units.are_alike(unit, setting.measurand.unit):
        return units.convert(reading.point, setting.measurand.unit, unit)
    mine = used(setting, standard, reading.position)
    own = units.find(mine.unit) if mine.unit else unit
    low = min((one.low for one in mine.certified), default=0.0)
    return units.convert(low, own, unit)  # of another quantity, and not read: any place of its certificate


def _certified(setting: Setting, standard: Standard, mine: UsedStandard, value: float) -> tuple[float, float, float]:
    """Correction, U and k there, in the unit of the template."""
    unit = setting.unit_of(standard)
    own = units.find(mine.unit) if mine.unit else unit
    there = units.convert(value, unit, own)
    found = record_standards.certified_at(mine, there)
    if found is None and record_standards.is_nothing(standard, mine, there):
        return 0.0, 0.0, 2.0
    if found is None or found.U is None or found.k is None:
        rule = f"the certificate {mine.certificate.number} says nothing there"
        raise CalibrationError(
            f"the value of {standard.role}", there, rule, "choose a standard that covers it, and measure again"
        )
    correction, expanded = (units.convert_difference(each, own, unit) for each in (found.correction, found.U))
    return correction, expanded, found.k


def _standard(setting: Setting, standard: Standard, reading: Reading) -> dict[str, float]:
    """Its fields; those that nobody entered are left out, and a formula that needs one says so."""
    mine, unit = used(setting, standard, reading.position), setting.unit_of(standard)
    days = (setting.record.as_found.started.date() - mine.certificate.calibrated).days
    numbers = {"years_since_cal": days / DAYS_A_YEAR}
    for field in mine.fields:
        numbers[field.name] = of_field(setting, standard, mine, field.name)
    if not mine.certified:
        return numbers
    expanded, k = certified(setting, standard, reading)
    numbers |= {"U": expanded, "k": k, "u": expanded / k}
    own = units.find(mine.unit) if mine.unit else unit
    there = units.convert(_place(setting, standard, reading), unit, own)
    found = record_standards.certified_at(mine, there)
    if found is None:  # an empty pan
        numbers["mpe"] = 0.0
    elif found.mpe is not None:
        numbers["mpe"] = units.convert_difference(found.mpe, own, unit)
    if (value := value_of(setting, standard, reading)) is not None:
        numbers["value"] = value.value
    return numbers


def of_field(setting: Setting, standard: Standard, mine: UsedStandard, name: str) -> float:
    """A field in the unit of its standard; one of another kind stays as it is."""
    found = next((field for field in mine.fields if field.name == name), None)
    if found is None:
        field = f"{standard.role}.{name}"
        raise CalibrationError(field, "missing", "the budget needs it", "enter it with the standard")
    own, unit = units.find(found.unit), setting.unit_of(standard)
    return units.convert_difference(found.value, own, unit) if units.are_alike(own, unit) else found.value


def _ambient(setting: Setting) -> dict[str, float]:
    wanted = {one.name: one.unit for one in setting.template.environment}
    return {
        f"ambient.{one.name}": units.convert(one.mean, units.find(one.unit), wanted[one.name])
        for one in setting.record.environment
        if one.name in wanted
    }


def _inputs(setting: Setting, before: Mapping[str, float]) -> dict[str, float]:
    """What was answered, and what is computed from that in the order of the template."""
    answers = {one.name: one for one in setting.record.answers}
    numbers = dict(before)
    for one in setting.template.inputs:
        if one.value is None:
            answer = answers[one.name]
            numbers[one.name] = units.convert(answer.value, units.find(answer.unit), one.unit)
        else:
            numbers[one.name] = computed(one.name, one.value, numbers)
    return {one.name: numbers[one.name] for one in setting.template.inputs}


def carried(function: Callable[[float], float], by: Told) -> float:
    """u of what a function makes of a signal, by its change over +-u (GUM 5.1.3, NOTE 2)."""
    return abs(function(by.value + by.u) - function(by.value - by.u)) / 2
