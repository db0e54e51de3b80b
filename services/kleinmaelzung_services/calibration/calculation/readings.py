"""What one reading says: template and reading in; indication, reference and raw signal out, with their windows' noise.

In the measurand's unit; the raw signal in its own.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import numbers as numbers_of
from kleinmaelzung_services.calibration.calculation.numbers import Setting, Told
from kleinmaelzung_services.calibration.engine import budget
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import window_rules
from kleinmaelzung_services.calibration.records.record import Reading, Series
from kleinmaelzung_services.calibration.templates.template import Eccentricity, Points, Repeatability, Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`reference` is None where the test compares readings with one another; `noise` is that of the windows' means."""

    test: int
    reading: Reading
    numbers: Mapping[str, float]
    indication: float
    reference: float | None
    raw: float | None
    noise: tuple[Told, ...]

    @property
    def deviation(self) -> float:
        """Indication less reference, as written: 50.001 - 50 is 0.001."""
        if self.reference is None:
            return self.indication
        return difference(self.indication, self.reference)


def difference(one: float, other: float) -> float:
    return float(Decimal(repr(one)) - Decimal(repr(other)))


def combined(noise: tuple[Told, ...]) -> tuple[float, float]:
    """u and degrees of freedom of independent parts (GUM 5.1.2, G.4.1)."""
    parts = [one for one in noise if one.u > 0]
    if not parts:
        return 0.0, math.inf
    dof = budget.effective_dof([one.u for one in parts], [one.dof for one in parts])
    return math.hypot(*(one.u for one in parts)), dof


def of_series(setting: Setting, series: Series) -> Iterator[Taken]:
    """Each reading of the measurand that counts, in the order of the template's tests."""
    for run in sorted(series.tests, key=lambda run: run.test):
        test = setting.template.tests[run.test]
        if test.measurand == setting.measurand.name:
            yield from (_taken(setting, run.test, test, one) for one in run.readings if not one.struck)


def _taken(setting: Setting, index: int, test: Test, reading: Reading) -> Taken:
    field = f"test[{index}] at {reading.point:g}{' ' if reading.position else ''}{reading.position}"
    # Weights that are only put down again, or elsewhere, need no value; a reference that is read live may have moved.
    needs_reference = bool(setting.standards[0].channel) or not isinstance(test, Repeatability | Eccentricity)
    reference, reference_noise = _reference(setting, field, reading) if needs_reference else (None, ())
    is_computed = setting.measurand.display.indication is not None
    numbers = numbers_of.at(setting, reading) if needs_reference or is_computed else {}
    raw, indication, noise = _indication(setting, field, reading, numbers)
    if isinstance(test, Points | Repeatability) and test.return_to_zero:
        indication, noise = _from_zero(setting, field, reading, numbers, indication, noise)
    _check_range(setting, indication, field)
    taken = Taken(
        test=index,
        reading=reading,
        numbers=numbers,
        indication=indication,
        reference=reference,
        raw=raw,
        noise=(*noise, *reference_noise),
    )
    _check_near(test, taken, field)
    return taken


def _indication(
    setting: Setting, field: str, reading: Reading, numbers: Mapping[str, float]
) -> tuple[float | None, float, tuple[Told, ...]]:
    display, unit = setting.measurand.display, setting.measurand.unit
    raw = None
    if display.raw is not None and reading.raw is not None:
        raw = numbers_of.told(f"raw, {field}", reading.raw, display.raw.unit)
    if reading.indication is not None:
        found = numbers_of.told(f"indication, {field}", reading.indication, unit)
        return (raw.value if raw else None), found.value, (found,)
    formula = display.indication
    if formula is None or raw is None:
        rule = "every reading has one"
        raise CalibrationError(f"indication, {field}", "missing", rule, "measure it, or strike the reading out")

    def shown(value: float) -> float:
        return numbers_of.computed(f"indication, {field}", formula, {**numbers, "raw": value})

    noise = Told(value=shown(raw.value), u=numbers_of.carried(shown, raw), dof=raw.dof)
    return raw.value, noise.value, (noise,)


def _from_zero(
    setting: Setting,
    field: str,
    reading: Reading,
    numbers: Mapping[str, float],
    indication: float,
    noise: tuple[Told, ...],
) -> tuple[float, tuple[Told, ...]]:
    """What it shows less what it showed right before with nothing on it (EURAMET cg-18: zero before each placement)."""
    assert reading.zero is not None  # record_check has seen to it
    field, display = f"zero, {field}", setting.measurand.display
    formula, raw = display.indication, display.raw
    if formula is None or raw is None:
        zero = numbers_of.told(field, reading.zero, setting.measurand.unit)
        return difference(indication, zero.value), (*noise, zero)
    told = numbers_of.told(field, reading.zero, raw.unit)

    def shown(value: float) -> float:
        return numbers_of.computed(field, formula, {**numbers, "raw": value})

    zero = Told(value=shown(told.value), u=numbers_of.carried(shown, told), dof=told.dof)
    return difference(indication, zero.value), (*noise, zero)


def _check_range(setting: Setting, indication: float, field: str) -> None:
    if rule := window_rules.impossible(indication, setting.measurand.display, setting.measurand.unit.symbol):
        remedy = "look for its overload or error sign, and measure again"
        raise CalibrationError(f"indication, {field}", indication, rule, remedy)


def _reference(setting: Setting, field: str, reading: Reading) -> tuple[float, tuple[Told, ...]]:
    standard, formula = setting.standards[0], setting.measurand.reference
    first = numbers_of.value_of(setting, standard, reading)
    assert first is not None  # of the first standard it raises
    if formula is None:
        unit, into = setting.unit_of(standard), setting.measurand.unit
        value = units.convert(first.value, unit, into)
        return value, (Told(value=value, u=units.convert_difference(first.u, unit, into), dof=first.dof),)
    numbers, name = numbers_of.at(setting, reading), f"{standard.role}.value"

    def reference(value: float) -> float:
        return numbers_of.computed(f"reference, {field}", formula, {**numbers, name: value})

    found = reference(first.value)
    return found, (Told(value=found, u=numbers_of.carried(reference, first), dof=first.dof),)


def _check_near(test: Test, taken: Taken, field: str) -> None:
    if not isinstance(test, Points) or test.tolerance is None or taken.reference is None:
        return
    if abs(taken.reference - taken.reading.point) > test.tolerance:
        rule = f"it is within {test.tolerance:g} of the point"
        raise CalibrationError(f"reference, {field}", taken.reference, rule, "set the point again, and measure again")
