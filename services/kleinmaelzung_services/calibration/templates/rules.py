"""What must hold between the parts of a template: points and limits, budget and tests, fit and readings.

The read parts in, mistakes into the notes. Names in formulas: formulas.py.
"""

from collections.abc import Iterator
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import names
from kleinmaelzung_services.calibration.templates.formulas import Parts
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import Notes, hint
from kleinmaelzung_services.calibration.templates.tables import UNKNOWN
from kleinmaelzung_services.calibration.templates.template import (
    CheckPoint,
    Component,
    Eccentricity,
    Measurand,
    Points,
    Repeatability,
    Source,
    Standard,
    Test,
    Uniformity,
)

ANALYSES: Final = (
    "error_table",
    "repeatability",
    "eccentricity",
    "uniformity",
    "hysteresis",
    "linearity",
    "budget_per_point",
    "correction_line",
    "results",
)
_ONCE: Final[tuple[type[Test], ...]] = (Repeatability, Eccentricity, Uniformity)


def check(parts: Parts, test_places: tuple[Path, ...], preload: float | None, notes: Notes) -> None:
    placed = tuple(zip(test_places, parts.tests, strict=True))
    for place, test in placed:
        _check_range(place, test, _measurand_of(parts, test), notes)
    _check_once(placed, notes)
    _check_check_points(placed, notes)
    if preload is not None:
        _check_preload(parts, preload, notes)
    for place, measurand in zip(parts.places, parts.measurands, strict=True):
        mine = [(where, test) for where, test in placed if test.measurand == measurand.name]
        if parts.are_tests_whole and not any(isinstance(test, Points) for _, test in mine):
            rule = f"no test measures points of {measurand.name}"
            notes.add(("test",), rule, 'add a [[test]] with kind = "points"')
        _check_limits(place, measurand, mine, notes)
        _check_fit(place, measurand, [test for _, test in mine if isinstance(test, Points)], notes)
        _check_sources(parts, place, measurand, [test for _, test in mine], notes)
        _check_reference(parts, measurand, notes)


def check_analyses(parts: Parts, analyses: tuple[str, ...], notes: Notes) -> None:
    has = _what_can_be_analysed(parts) if parts.are_tests_whole else {}
    for index, analysis in enumerate(analyses):
        place: Path = ("report", "analyses", index)
        if analysis not in ANALYSES:
            rule = f"expected one of {', '.join(ANALYSES)}"
            notes.add(place, rule, hint(analysis, ANALYSES) or "correct it, or leave it out", found=analysis)
        elif remedy := has.get(analysis, ""):
            notes.add(place, "there is nothing to make it of", remedy, found=analysis)


def _what_can_be_analysed(parts: Parts) -> dict[str, str]:
    """What is missing, where it is, for each analysis that needs more than points."""
    series = [test for test in parts.tests if isinstance(test, Points)]
    kinds = {type(test) for test in parts.tests}
    repeated = Repeatability in kinds or any(test.repeats > 1 for test in series)
    needed = {
        "repeatability": (repeated, 'add a [[test]] with kind = "repeatability", or repeats to the points'),
        "eccentricity": (Eccentricity in kinds, 'add a [[test]] with kind = "eccentricity"'),
        "uniformity": (Uniformity in kinds, 'add a [[test]] with kind = "uniformity"'),
        "hysteresis": (any(test.order == "up-down" for test in series), 'write order = "up-down"'),
        "linearity": (any(len(test.points) not in (1, 2) for test in series), "two points make a line: add a third"),
        "correction_line": (any(one.fit for one in parts.measurands), 'add [fit], or report.correction_model = "line"'),
        "results": (bool(parts.results), "add [[result]]"),
    }
    return {name: remedy for name, (is_there, remedy) in needed.items() if not is_there}


def _measurand_of(parts: Parts, test: Test) -> Measurand:
    return next(one for one in parts.measurands if one.name == test.measurand)


def _points_of(place: Path, test: Test) -> Iterator[tuple[Path, float]]:
    if isinstance(test, Points | Uniformity):
        yield from (((*place, "points", index), point) for index, point in enumerate(test.points))
    else:
        yield (*place, "point"), test.point


def _check_range(place: Path, test: Test, measurand: Measurand, notes: Notes) -> None:
    display = measurand.display
    if display.low == display.high:  # said already
        return
    inside = f"the instrument's range {display.low:g} to {display.high:g} {measurand.unit.symbol}"
    for where, point in _points_of(place, test):
        if not display.low <= point <= display.high:
            notes.add(where, f"is outside {inside}", "leave it out, or correct instrument.range", found=point)
    if isinstance(test, Points | Repeatability) and test.return_to_zero and not display.low <= 0 <= display.high:
        notes.add((*place, "return_to_zero"), f"zero is outside {inside}", "leave it out", found=True)
    if isinstance(test, Repeatability) and test.repeats < 2:
        rule = "a standard deviation needs 2 readings at least"
        notes.add((*place, "repeats"), rule, "write repeats = 6, or what your method asks for", found=test.repeats)


def _check_once(placed: tuple[tuple[Path, Test], ...], notes: Notes) -> None:
    """Formulas name what these tests find, so there is one of each."""
    for kind in _ONCE:
        seen: set[str] = set()
        for place, test in placed:
            if not isinstance(test, kind):
                continue
            if test.measurand in seen:
                rule = f"there is a {names.KINDS[kind]} test already: the budget could not tell them apart"
                notes.add(place, rule, "leave one out, or make it a template of its own")
            seen.add(test.measurand)


def _check_check_points(placed: tuple[tuple[Path, Test], ...], notes: Notes) -> None:
    for number, (place, test) in enumerate(placed):
        if not isinstance(test, CheckPoint):
            continue
        before = [one for _, one in placed[:number] if one.measurand == test.measurand]
        if not any(test.point == point for one in before for _, point in _points_of((), one)):
            rule = "no test before this one measures the point: there is nothing to compare with"
            notes.add((*place, "point"), rule, "measure it before, or move this test down", found=test.point)


def _check_preload(parts: Parts, preload: float, notes: Notes) -> None:
    display = parts.measurands[0].display
    if display.low < display.high < preload:
        rule = f"is above the instrument's range {display.low:g} to {display.high:g}"
        notes.add(("prepare", "preload", "load"), rule, "correct it", found=preload)


def _check_limits(place: Path, measurand: Measurand, mine: list[tuple[Path, Test]], notes: Notes) -> None:
    acceptance = measurand.acceptance
    if acceptance is None or not acceptance.limits:
        return
    for where, test in mine:
        for point_place, point in _points_of(where, test) if isinstance(test, Points) else ():
            limit = next((one for one in acceptance.limits if one.above < point <= one.upto), None)
            if limit is None:
                rule = "no limit of acceptance holds for this point: they leave a gap"
                notes.add(point_place, rule, "let acceptance.limit reach it", found=point)
            elif point == 0 and limit.relative and not limit.upper and acceptance.basis != "span":
                rule = "a limit that is only a share is zero here: nothing could pass"
                notes.add(point_place, rule, "add abs to the limit, or leave the point out", found=point)


def _check_fit(place: Path, measurand: Measurand, series: list[Points], notes: Notes) -> None:
    fit = measurand.fit
    if fit is None or not series or not all(test.points for test in series):
        return
    where = (*place, "fit", "order")
    shapes = ("an offset", "a line", "a quadratic curve")
    points = len({point for test in series for point in test.points})
    readings = sum(test.readings for test in series)
    if points < fit.parameters:
        rule = f"{shapes[fit.order]} needs {fit.parameters} points at least, there are {points}"
        notes.add(where, rule, "add points, or write a lower order", found=fit.order)
    elif readings < fit.parameters + 1:
        rule = f"{readings} readings leave no degree of freedom for the residuals of {shapes[fit.order]}"
        notes.add(where, rule, "add a point, or write repeats = 2", found=fit.order)


def _check_sources(parts: Parts, place: Path, measurand: Measurand, tests: list[Test], notes: Notes) -> None:
    for index, component in enumerate(measurand.budget.components):
        where = (*place, "budget", "component", index, "source")
        source = component.source
        if source is None:
            continue
        text = ":".join(filter(None, (source.kind, source.name))) + (f".{source.field}" if source.field else "")
        rule, remedy = _why_no_source(parts, measurand, tests, component)
        if rule and (source.kind != "test" or parts.are_tests_whole):
            notes.add(where, rule, remedy, found=text)


def _why_no_source(parts: Parts, measurand: Measurand, tests: list[Test], component: Component) -> tuple[str, str]:
    source = component.source
    assert source is not None
    match source.kind:
        case "window":
            display = measurand.display
            if display.channel or display.raw:
                return "", ""
            return "no live channel: readings that are typed in have no window", "add instrument.channel"
        case "standard":
            return _why_no_standard(parts, measurand, source.name, source.field)
    if source.name == "repeatability":
        if any(isinstance(test, Repeatability) for test in tests):
            return "", ""
        return "there is no such test", 'add a [[test]] with kind = "repeatability"'
    if any(isinstance(test, Points) and test.repeats > 1 for test in tests):
        return "", ""
    return (
        "the points are measured once: type A needs 2 readings of each at least",
        "write repeats = 2 or more at the points",
    )


def _why_no_standard(parts: Parts, measurand: Measurand, role: str, field: str) -> tuple[str, str]:
    roles = {one.role: one for one in parts.standards if one.measurand in ("", measurand.name)}
    standard = roles.get(role)
    if standard is None:
        return "no standard has this role", hint(role, roles) or f'add [[standards]] with role = "{role}"'
    if field and field not in names.STANDARD and field not in standard.needs:
        known = [*standard.needs, *names.STANDARD]
        return f"the standard {role} has no field {field}", hint(field, known) or f'add "{field}" to its needs'
    return "", ""


def _check_reference(parts: Parts, measurand: Measurand, notes: Notes) -> None:
    """The first standard is the reference; what it says must be the measurand, unless a formula computes it."""
    mine = [(index, one) for index, one in enumerate(parts.standards) if one.measurand in ("", measurand.name)]
    if not mine:
        if parts.standards:
            rule = f"no standard is a reference for {measurand.name}"
            notes.add(("standards",), rule, f'add [[standards]] with measurand = "{measurand.name}"')
        return
    if measurand.reference is None:
        _check_unit(*mine[0], measurand, notes)
    for index, standard in mine:
        if measurand.reference is not None or index != mine[0][0]:  # else its unit is wrong, and that is said
            _check_ratio(index, standard, measurand, notes)
        if standard.max_U_ratio is not None and measurand.acceptance is None:
            rule = "is a share of the tolerance, and there is no [acceptance]"
            notes.add(
                ("standards", index, "max_U_ratio"),
                rule,
                "leave it out, or add [acceptance]",
                found=standard.max_U_ratio,
            )


def _check_ratio(index: int, standard: Standard, measurand: Measurand, notes: Notes) -> None:
    """U of another quantity, such as a mass for a volume, can be compared by what it changes the error by."""
    unit = standard.unit or measurand.unit
    if standard.max_U_ratio is None or UNKNOWN in (unit, measurand.unit) or units.are_alike(unit, measurand.unit):
        return
    source = Source(kind="standard", name=standard.role)
    if not any(one.source == source and (one.sensitivity or one.quantity) for one in measurand.budget.components):
        rule = f"{unit.symbol} cannot be compared with a limit in {measurand.error_unit.symbol}: no component says how"
        remedy = f'add a component with source = "standard:{standard.role}" and sensitivity, or leave max_U_ratio out'
        notes.add(("standards", index, "max_U_ratio"), rule, remedy, found=standard.max_U_ratio)


def _check_unit(index: int, standard: Standard, measurand: Measurand, notes: Notes) -> None:
    if (
        UNKNOWN not in (standard.unit, measurand.unit)
        and standard.unit
        and not units.are_alike(standard.unit, measurand.unit)
    ):
        rule = f'cannot be converted to "{measurand.unit.symbol}", and this is the reference'
        remedy = "write a unit of the same kind, put the reference first, or add [reference] with a formula"
        notes.add(("standards", index, "unit"), rule, remedy, found=standard.unit.symbol)
