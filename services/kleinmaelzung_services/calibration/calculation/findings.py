"""What the tests of a run say together: its readings in; spread, places, hysteresis, shifts and their names out.

All in the measurand's unit; calculating.py converts to the unit of errors.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.calculation.readings import Taken, difference
from kleinmaelzung_services.calibration.calculation.results import Places, Shift, Spread
from kleinmaelzung_services.calibration.engine import points, window
from kleinmaelzung_services.calibration.engine.points import Largest, Linearity
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records.record import Window
from kleinmaelzung_services.calibration.templates.template import (
    CheckPoint,
    Eccentricity,
    Points,
    Repeatability,
    Uniformity,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What formulas and budgets ask of the tests. `repeats` has s and dof of the repeats at each nominal value."""

    spread: Spread | None
    places: tuple[Places, ...]
    hysteresis: Largest | None
    linearity: Linearity | None
    shifts: tuple[Shift, ...]
    repeats: Mapping[float, tuple[float, float]]
    pooled: tuple[float, float] | None

    def names(self, nominal: float | None) -> dict[str, float]:
        """Numbers for formulas; without a point those that are the same for all."""
        numbers = dict[str, float]()
        if self.spread:
            numbers["s_repeatability"] = self.spread.s
        for one in self.places:
            if one.instability is None:
                numbers |= {"ecc_max": one.largest, "ecc_load": one.nominal}
        if steady := [one for one in self.places if one.instability is not None]:
            numbers["uniformity_max"] = max(one.largest for one in steady)
            numbers["instability_max"] = max(one.instability or 0.0 for one in steady)
        if self.hysteresis:
            numbers["hysteresis_max"] = abs(self.hysteresis.value)
        if self.shifts:
            numbers["check_shift"] = max((one.value for one in self.shifts), key=abs)
        if self.repeats:
            numbers["s_points_max"] = max(s for s, _ in self.repeats.values())
        if nominal is not None and nominal in self.repeats:
            numbers["s_points"] = self.repeats[nominal][0]
        return numbers


def find(setting: Setting, taken: Sequence[Taken]) -> Found:
    """Raises CalibrationError where too few readings are left."""
    series = [one for one in taken if isinstance(setting.template.tests[one.test], Points)]
    groups = grouped(series)
    repeated = _repeated(groups)
    return Found(
        spread=_spread(setting, taken),
        places=tuple(_places(setting, taken)),
        hysteresis=_hysteresis(groups),
        linearity=_linearity(groups),
        shifts=tuple(_shifts(setting, taken)),
        repeats={nominal: points.repeatability(each) for nominal, each in repeated.items()},
        pooled=points.repeatability([one for each in repeated.values() for one in each]) if repeated else None,
    )


def grouped(series: Iterable[Taken]) -> dict[tuple[int, float, str], list[Taken]]:
    """The repeats of each row of the table of results, in the order of the points and up before down."""
    groups = dict[tuple[int, float, str], list[Taken]]()
    for one in series:
        groups.setdefault((one.test, one.reading.point, one.reading.direction), []).append(one)
    ordered = sorted(groups, key=lambda key: (key[0], key[2] == "down", -key[1] if key[2] == "down" else key[1]))
    return {key: groups[key] for key in ordered}


def mean(values: Sequence[float]) -> float:
    return window.repeats(values).mean if len(values) > 1 else values[0]


def _repeated(groups: Mapping[tuple[int, float, str], list[Taken]]) -> dict[float, list[list[float]]]:
    """Up and down are groups of their own: between them lies the hysteresis, which is no scatter."""
    found = dict[float, list[list[float]]]()
    for (_, nominal, _), each in groups.items():
        if len(each) > 1:
            found.setdefault(nominal, []).append([one.deviation for one in each])
    return found


def _spread(setting: Setting, taken: Sequence[Taken]) -> Spread | None:
    for index, test in enumerate(setting.template.tests):
        mine = [one for one in taken if one.test == index]
        if isinstance(test, Repeatability) and test.measurand == setting.measurand.name:
            if len(mine) < 2:
                rule = "a standard deviation needs 2 at least: without degrees of freedom there is no k"
                field = f"the number of readings of test[{index}]"
                raise CalibrationError(field, len(mine), rule, "measure it again")
            found = window.repeats([one.deviation for one in mine])
            shown = tuple(one.indication for one in mine)
            return Spread(test=index, nominal=test.point, indications=shown, s=found.s, dof=found.dof)
    return None


def _places(setting: Setting, taken: Sequence[Taken]) -> Iterable[Places]:
    for index, test in enumerate(setting.template.tests):
        if not isinstance(test, Eccentricity | Uniformity) or test.measurand != setting.measurand.name:
            continue
        for nominal in test.points if isinstance(test, Uniformity) else (test.point,):
            mine = {one.reading.position: one for one in taken if one.test == index and one.reading.point == nominal}
            if mine:
                yield _of_places(setting, index, nominal, test, mine)


def _of_places(
    setting: Setting, index: int, nominal: float, test: Eccentricity | Uniformity, mine: Mapping[str, Taken]
) -> Places:
    """An eccentricity compares what the instrument shows, a uniformity what the reference shows at each place."""
    first, *others = (place for place in test.positions if place in mine)
    if first != test.positions[0] or not others:
        rule = "it is compared with the first position"
        field = f"the positions of test[{index}] at {nominal:g}"
        raise CalibrationError(field, ", ".join(mine), rule, f"measure {test.positions[0]} and one more at least")
    values = {place: _at_place(test, one) for place, one in mine.items()}
    differences = tuple(difference(values[place], values[first]) for place in others)
    return Places(
        test=index,
        nominal=nominal,
        positions=(first, *others),
        differences=(0.0, *differences),
        largest=points.eccentricity(0.0, differences),
        instability=_instability(setting, mine[first]) if isinstance(test, Uniformity) else None,
    )


def _at_place(test: Eccentricity | Uniformity, one: Taken) -> float:
    if isinstance(test, Eccentricity):
        return one.deviation
    assert one.reference is not None
    return one.reference


def _instability(setting: Setting, one: Taken) -> float:
    """The largest deviation from the mean at the reference place while it was recorded."""
    signal = next((each.signal for each in one.reading.standards if each.role == setting.standards[0].role), None)
    if not isinstance(signal, Window):
        field = f"the reference at {one.reading.position}"
        raise CalibrationError(field, "no window", "its stability is recorded", "measure it with a live sensor")
    unit = units.find(signal.unit)
    middle = mean(signal.values)
    largest = max(abs(value - middle) for value in signal.values)
    return units.convert_difference(largest, unit, setting.measurand.unit)


def _hysteresis(groups: Mapping[tuple[int, float, str], list[Taken]]) -> Largest | None:
    """Of deviations and not of indications: the reference may be another on the way down."""
    found = list[Largest]()
    for test in sorted({test for test, _, _ in groups}):
        ways = {
            way: {at: mean([one.deviation for one in each]) for (no, at, on), each in groups.items() if (no, on) == key}
            for way in ("up", "down")
            for key in [(test, way)]
        }
        both = ways["up"].keys() & ways["down"].keys()
        if both:
            up, down = ({at: way[at] for at in sorted(both)} for way in (ways["up"], ways["down"]))
            found.append(points.hysteresis(up, down))
    return max(found, key=lambda one: abs(one.value), default=None)


def _linearity(groups: Mapping[tuple[int, float, str], list[Taken]]) -> Linearity | None:
    rows = [
        (mean([one.reference for one in each if one.reference is not None]), mean([one.indication for one in each]))
        for each in groups.values()
    ]
    if len({x for x, _ in rows}) < 3:
        return None
    return points.linearity([x for x, _ in rows], [y for _, y in rows])


def _shifts(setting: Setting, taken: Sequence[Taken]) -> Iterable[Shift]:
    """Against the first time that the point was measured, in a test before it."""
    for one in taken:
        test = setting.template.tests[one.test]
        if not isinstance(test, CheckPoint):
            continue
        before = [each for each in taken if each.test < one.test and each.reading.point == test.point]
        if not before:
            field = f"test[{one.test}] at {test.point:g}"
            rule = "no reading before it is left to compare it with"
            raise CalibrationError(field, one.indication, rule, "measure the point before, too")
        first = min(before, key=lambda each: each.reading.at)
        moved = points.zero_return(first.deviation, one.deviation)
        value = 0.0 if math.isclose(moved, 0.0, abs_tol=1e-12) else moved
        yield Shift(test=one.test, nominal=test.point, value=value, permitted=test.max_shift)
