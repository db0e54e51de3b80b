"""Whether every name in a template's formulas is known there: the read parts in, mistakes into the notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import names as template_names
from kleinmaelzung_services.calibration.templates import quantities
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import Notes, hint, show_path
from kleinmaelzung_services.calibration.templates.tables import UNKNOWN
from kleinmaelzung_services.calibration.templates.template import (
    Ambient,
    Component,
    Input,
    Measurand,
    Result,
    Standard,
    Test,
)

_RAW: Final = {"raw": "the raw signal"}
_NOMINAL: Final = {name: template_names.POINT[name] for name in ("nominal", "load")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was read of a template, before it is known to be right; a place for each measurand.

    Where not all tests could be read, nobody can say what is missing.
    """

    places: tuple[Path, ...]
    measurands: tuple[Measurand, ...]
    standards: tuple[Standard, ...]
    environment: tuple[Ambient, ...]
    inputs: tuple[Input, ...]
    tests: tuple[Test, ...]
    are_tests_whole: bool
    results: tuple[Result, ...]


def check(parts: Parts, notes: Notes) -> None:
    """Report each name in a formula that is not known where it stands."""
    _check_inputs(parts, notes)
    inputs = template_names.of_inputs(parts.inputs)
    for place, measurand in zip(parts.places, parts.measurands, strict=True):
        standards = template_names.of_standards(parts.standards, measurand.name)
        room = template_names.of_environment(parts.environment)
        known = {**_NOMINAL, **standards, **room, **inputs}
        _check(measurand.reference, (*place, "reference", "value"), known, notes)
        _check(measurand.display.indication, (*place, "instrument", "indication"), {**_RAW, **inputs}, notes)
        _check_budget(parts, measurand, place, notes)
    for index, result in enumerate(parts.results):
        if result.measurand:
            _check(result.value, ("result", index, "value"), _in_result(parts, result), notes)


def _check_inputs(parts: Parts, notes: Notes) -> None:
    """Each is computed from those before it; and none may hide a name that formulas have anyway."""
    taken = {**template_names.DISPLAY, **template_names.POINT, **_RAW}
    for measurand in parts.measurands:
        taken |= template_names.of_standards(parts.standards, measurand.name)
        taken |= template_names.of_tests(parts.tests, measurand.name)
    shared = [one for one in parts.standards if not one.measurand]
    known = {**template_names.of_standards(shared, ""), **template_names.of_environment(parts.environment)}
    for index, one in enumerate(parts.inputs):
        if one.name in taken:
            rule = f"is what formulas call {taken[one.name]}"
            notes.add(("input", index, "name"), rule, "give the input another name", found=one.name)
        _check(one.value, ("input", index, "value"), known, notes)
        known[one.name] = one.meaning


def _check_budget(parts: Parts, measurand: Measurand, place: Path, notes: Notes) -> None:
    known = template_names.in_budget(measurand, parts.standards, parts.environment, parts.inputs, parts.tests)
    known |= {} if parts.are_tests_whole else template_names.OF_ANY_TEST
    for index, component in enumerate(measurand.budget.components):
        for key, formula in _formulas(component):
            _check(formula, (*place, "budget", "component", index, key), known, notes)
        if component.quantity:
            _check_quantity(parts, measurand, component, (*place, "budget", "component", index), notes)


def _formula_paths(place: Path) -> tuple[str, ...]:
    """Where the formulas stand of the measurand that has the component at this place."""
    own = place[: place.index("budget")]
    return tuple(show_path((*own, key)) for key in ("reference", "instrument"))


def _check_quantity(parts: Parts, measurand: Measurand, component: Component, place: Path, notes: Notes) -> None:
    """It must be in a formula of the measurand, or the error would not answer to it."""
    known = quantities.of(measurand, parts.inputs)
    if any(one.path.startswith(_formula_paths(place)) for one in notes.mistakes):
        return  # the formulas are wrong, and that is said
    if component.quantity not in known:
        rule = "is not in the formula of the reference or the indication"
        listed = f"known here: {_listed(dict.fromkeys(known, ''))}" if known else "write sensitivity instead"
        remedy = hint(component.quantity, known) or listed
        notes.add((*place, "quantity"), rule, remedy, found=component.quantity)
        return
    unit = quantities.unit_of(component.quantity, measurand, parts.standards, parts.environment, parts.inputs)
    is_written = notes.is_there((*place, "unit"))
    if (
        unit is not None
        and is_written
        and UNKNOWN not in (unit, component.unit)
        and not units.are_alike(unit, component.unit)
    ):
        rule = f'cannot be converted to "{unit.symbol}", in which the formula knows {component.quantity}'
        notes.add((*place, "unit"), rule, "write a unit of the same kind", found=component.unit.symbol)


def _formulas(component: Component) -> Sequence[tuple[str, Expression | None]]:
    return (
        ("half_width", component.half_width),
        ("u", component.u),
        ("U", component.expanded),
        ("sensitivity", component.sensitivity),
    )


def _in_result(parts: Parts, result: Result) -> dict[str, str]:
    measurand = next(one for one in parts.measurands if one.name == result.measurand)
    return {
        **template_names.DISPLAY,
        **template_names.of_standards(parts.standards, measurand.name),
        **template_names.of_environment(parts.environment),
        **template_names.of_inputs(parts.inputs),
        **template_names.of_tests(parts.tests, measurand.name),
        **({} if parts.are_tests_whole else template_names.OF_ANY_TEST),
        **template_names.of_fit(measurand),
    }


def _check(formula: Expression | None, place: Path, known: Mapping[str, str], notes: Notes) -> None:
    if formula is None:
        return
    for name in sorted(formula.names - set(known)):
        remedy = template_names.remedy(name, known) or f"known here: {_listed(known)}"
        notes.add(place, f"the name {name:.60} is not known here", remedy, found=formula.text)


def _listed(known: Mapping[str, str]) -> str:
    names = sorted(known)
    return ", ".join(names[:30]) + (" ..." if len(names) > 30 else "")
