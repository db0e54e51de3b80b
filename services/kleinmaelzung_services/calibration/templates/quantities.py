"""The quantities that a measurand's formulas are made of: formulas and inputs in; their names and units out. Pure.

A component of the budget may name one of them: how the error answers to it is then computed, and not written down.
"""

from collections.abc import Sequence

from kleinmaelzung_services.calibration.templates.template import Ambient, Input, Measurand, Standard
from kleinmaelzung_services.calibration.units import Unit


def of(measurand: Measurand, inputs: Sequence[Input]) -> frozenset[str]:
    """Every name that the reference or the indication depends on, by way of inputs that are computed, too."""
    formulas = (measurand.reference, measurand.display.indication)
    found = {name for formula in formulas if formula for name in formula.names}
    for one in reversed(inputs):  # each is computed from those before it
        if one.name in found and one.value is not None:
            found |= one.value.names
    return frozenset(found)


def unit_of(
    name: str,
    measurand: Measurand,
    standards: Sequence[Standard],
    environment: Sequence[Ambient],
    inputs: Sequence[Input],
) -> Unit | None:
    """In which unit formulas know it; None where that is not said."""
    known = {one.name: one.unit for one in inputs} | {f"ambient.{one.name}": one.unit for one in environment}
    if measurand.display.raw:
        known["raw"] = measurand.display.raw.unit
    role, _, field = name.partition(".")
    for standard in standards:
        if standard.role == role and field == "value":
            return standard.unit or measurand.unit
    return known.get(name)
