"""Whether the standards of a record may be used for its template: both in, mistakes into the notes. Pure."""

from datetime import date

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records.record import Certified, Record, UsedStandard
from kleinmaelzung_services.calibration.records.record_json import Notes
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.template import (
    Component,
    Eccentricity,
    Measurand,
    Points,
    Repeatability,
    Standard,
    Template,
    Uniformity,
)


def check(template: Template, record: Record, notes: Notes) -> None:
    """Note each standard that is missing, overdue, unfit, or the item itself."""
    wanted = {one.role: one for one in template.standards}
    _check_roles(template, record, notes)
    for index, used in enumerate(record.standards):
        if used.role not in wanted:
            rule = f"the template has no such standard, but {', '.join(wanted)}"
            notes.add(("standards", index, "role"), rule, "correct the role, or leave it out", found=used.role)
            continue
        path, standard = ("standards", index), wanted[used.role]
        _check_kind(standard, used, path, notes)
        _check_certificate(record, used, path, notes)
        _check_is_another(record, used, path, notes)
        if _gives_value(template, standard):
            _check_certified(template, standard, used, path, notes)


def certified_at(used: UsedStandard, value: float) -> Certified | None:
    """What its certificate says at a value, in its own unit; the narrowest range where several hold."""
    holding = [one for one in used.certified if one.low <= value <= one.high]
    return min(holding, key=lambda one: one.high - one.low, default=None)


def is_nothing(template_standard: Standard, used: UsedStandard, value: float) -> bool:
    """Whether there is no standard at this point: an empty pan carries no weight, and needs no certificate."""
    grams = units.find("g")
    unit = units.find(used.unit) if used.unit else template_standard.unit
    return value == 0 and not template_standard.channel and unit is not None and units.are_alike(unit, grams)


def _check_roles(template: Template, record: Record, notes: Notes) -> None:
    for standard in template.standards:
        mine = [used for used in record.standards if used.role == standard.role]
        if not mine:
            rule = f'no standard has the role "{standard.role}"'
            notes.add(("standards",), rule, f'choose one of kind "{standard.kind}"')
        if len(mine) > 1 and not standard.one_per_position:
            rule = f'{len(mine)} standards have the role "{standard.role}"'
            notes.add(("standards",), rule, "keep one of them")


def _check_kind(standard: Standard, used: UsedStandard, path: Path, notes: Notes) -> None:
    if used.kind != standard.kind:
        rule = f'the template asks for "{standard.kind}"'
        notes.add((*path, "kind"), rule, "choose another standard", found=used.kind)
    if standard.classes and used.accuracy_class not in standard.classes:
        rule = f"the template permits {', '.join(standard.classes)}"
        remedy = "choose one of such a class"
        notes.add((*path, "accuracy_class"), rule, remedy, found=used.accuracy_class or "none")
    if standard.unit and used.unit is None:
        notes.add((*path, "unit"), f'missing, expected one like "{standard.unit.symbol}"', "add it")
    elif standard.unit and used.unit and not units.are_alike(units.find(used.unit), standard.unit):
        rule = f'the wrong quantity: it cannot be converted to "{standard.unit.symbol}"'
        notes.add((*path, "unit"), rule, "choose another standard", found=used.unit)
    fields = {field.name for field in used.fields}
    for name in standard.needs:
        if name not in fields:
            notes.add((*path, "fields"), f"there is no {name}, which the template needs", "add it to the standard")


def _check_certificate(record: Record, used: UsedStandard, path: Path, notes: Notes) -> None:
    certificate = used.certificate
    last = max(series.finished.date() for series in (record.as_found, record.as_left) if series)
    if not certificate.number.strip():
        rule = "no certificate: nothing ties its value to the SI"
        notes.add((*path, "certificate", "number"), rule, "enter its certificate, or choose another standard")
    _check_date(certificate.due, certificate.due < last, f"overdue on {last}", (*path, "certificate", "due"), notes)
    first = record.as_found.started.date()
    is_later = certificate.calibrated > first
    rule = f"is after {first}, when it was used"
    _check_date(certificate.calibrated, is_later, rule, (*path, "certificate", "calibrated"), notes)


def _check_date(found: date, is_wrong: bool, rule: str, path: Path, notes: Notes) -> None:
    if is_wrong:
        notes.add(path, rule, "choose a standard whose calibration is valid", found=found.isoformat())


def _check_is_another(record: Record, used: UsedStandard, path: Path, notes: Notes) -> None:
    """A serial number alone is enough: makers' names are spelt in many ways."""
    item = record.item
    if used.id == item.id:
        rule = "is the instrument itself, which cannot be its own reference"
        notes.add((*path, "id"), rule, "choose another standard", found=used.id)
    elif used.serial.strip().casefold() == item.serial.strip().casefold():
        rule = "is the serial number of the instrument itself, which cannot be its own reference"
        notes.add((*path, "serial"), rule, "choose another standard, or correct it", found=used.serial)


def _check_certified(template: Template, standard: Standard, used: UsedStandard, path: Path, notes: Notes) -> None:
    if not used.certified:
        notes.add((*path, "certified"), "there is neither value nor U", "enter what its certificate says")
    for index, one in enumerate(used.certified):
        where = (*path, "certified", index)
        if one.high < one.low:
            notes.add((*where, "high"), f"is below low = {one.low:g}", "exchange them", found=one.high)
        if one.U is None:
            notes.add((*where, "U"), "missing: without U it is no reference", "enter U, as its certificate says")
        elif one.U <= 0:
            notes.add((*where, "U"), "an uncertainty is above zero", "enter U, as its certificate says", found=one.U)
        if one.k is None:
            notes.add((*where, "k"), "missing: U without k says nothing about u", "enter k, as its certificate says")
        elif not 1 <= one.k <= 10:
            notes.add((*where, "k"), "k is expected from 1 to 10", "enter k, as its certificate says", found=one.k)
    if used.unit and used.certified:
        _check_covers(template, standard, used, path, notes)


def _check_covers(template: Template, standard: Standard, used: UsedStandard, path: Path, notes: Notes) -> None:
    """At the nominal points; where it is read live, calculation looks at what it read too."""
    for measurand in template.measurands:
        if reference(template, measurand) is not standard or measurand.reference is not None:
            continue
        unit = units.find(used.unit) if used.unit else measurand.unit
        if not units.are_alike(unit, measurand.unit):
            continue  # said already
        for point in sorted(_nominals(template, measurand)):
            value = units.convert(point, measurand.unit, unit)
            if certified_at(used, value) is None and not is_nothing(standard, used, value):
                rule = f"its certificate does not cover the point {point:g} {measurand.unit.symbol}"
                notes.add((*path, "certified"), rule, "choose a standard that does, or leave the point out")


def _nominals(template: Template, measurand: Measurand) -> set[float]:
    """Where a reference value is needed: what is only compared with itself needs none."""
    found = set[float]()
    for test in template.tests:
        if test.measurand == measurand.name and not isinstance(test, Repeatability | Eccentricity):
            found |= set(test.points) if isinstance(test, Points | Uniformity) else {test.point}
    return found


def reference(template: Template, measurand: Measurand) -> Standard:
    """The first standard of a measurand."""
    return next(one for one in template.standards if one.measurand in ("", measurand.name))


def _gives_value(template: Template, standard: Standard) -> bool:
    """Whether its value or U is used, and not only fields of it."""
    return any(_is_used(template, measurand, standard) for measurand in template.measurands)


def _is_used(template: Template, measurand: Measurand, standard: Standard) -> bool:
    if standard.measurand not in ("", measurand.name):
        return False
    if reference(template, measurand) is standard:
        return True
    names = set[str]()
    for component in measurand.budget.components:
        source = component.source
        if source and source.kind == "standard" and source.name == standard.role and not source.field:
            return True
        names |= _names(component)
    names |= measurand.reference.names if measurand.reference else set()
    return any(f"{standard.role}.{field}" in names for field in ("U", "u", "k", "value"))


def _names(component: Component) -> set[str]:
    formulas: tuple[Expression | None, ...] = (
        component.half_width,
        component.u,
        component.expanded,
        component.sensitivity,
    )
    return {name for formula in formulas if formula for name in formula.names}
