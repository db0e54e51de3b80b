"""The templates that come along: whole, released, and every formula gives a sensible number."""

import hashlib
import math
import re
from collections.abc import Iterator

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import checking, expressions, names
from kleinmaelzung_services.calibration.templates import shipped as template_shipped
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.shipped import Shipped
from kleinmaelzung_services.calibration.templates.template import Component, Measurand, Points, Template

SHIPPED = template_shipped.templates()
BY_NAME = {one.name: one.template for one in SHIPPED}
each_template = pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: str(one.name))

# What an operator, a certificate or a test could plausibly bring, in the units that the templates state.
PLAUSIBLE = {
    "ambient.temperature": 21.3, "ambient.humidity": 48.0, "ambient.pressure": 1002.0,
    "weights.U": 5e-5, "weights.mpe": 3e-4, "U_ref": 5e-5,
    "reference.drift_per_year": 0.004, "reference.years_since_cal": 0.8,
    "thermometers.drift_per_year": 0.02, "thermometers.years_since_cal": 0.5,
    "hygrometers.drift_per_year": 0.5, "hygrometers.years_since_cal": 0.5,
    "balance.d": 0.01, "balance.value": 994.2, "raw": 12.1,
    "s_repeatability": 1e-4, "s_points": 0.9, "s_points_max": 1.4,
    "ecc_max": 3e-4, "ecc_load": 100.0, "hysteresis_max": 0.02, "check_shift": -0.008,
    "uniformity_max": 0.6, "instability_max": 0.2,
    "fit.offset": 5.0, "fit.slope": -58.3, "fit.residual_max": 0.01,
    "convection": 0.02, "delta_t": 4.0,
    "self_heating": 8.0, "radiation": 0.3, "t_buffer": 25.0, "t_water": 21.0, "evaporation": 0.05,
}  # fmt: skip


def formulas(component: Component) -> Iterator[Expression]:
    numbers = (component.half_width, component.u, component.expanded, component.sensitivity)
    return (one for one in numbers if one is not None)


def numbers_for(template: Template, measurand: Measurand, nominal: float) -> dict[str, float]:
    display = measurand.display
    numbers = {
        **PLAUSIBLE,
        "d": display.resolution, "low": display.low, "high": display.high, "span": display.span,
        "nominal": nominal, "load": nominal, "indication": nominal, "reference": nominal,
    }  # fmt: skip
    for one in template.inputs:
        if one.value is not None:
            numbers[one.name] = expressions.evaluate(one.value, numbers)
    return numbers


def points_of(template: Template, measurand: Measurand) -> list[float]:
    return [
        point
        for test in template.tests
        if isinstance(test, Points) and test.measurand == measurand.name
        for point in test.points
    ]


def test_there_is_one_for_each_kind_of_instrument() -> None:
    assert set(BY_NAME) == {"balance", "thermometer", "climate-chamber", "ph-meter", "pipette", "linear-sensor"}


@each_template
def test_its_version_is_released_with_these_bytes(shipped: Shipped) -> None:
    release = template_shipped.register()[shipped.template.id, shipped.template.version]
    assert release.sha256 == hashlib.sha256(shipped.content).hexdigest()


@each_template
def test_an_edit_without_a_new_version_is_refused(shipped: Shipped) -> None:
    register = template_shipped.register()
    checked = checking.check(shipped.content + b"# only a comment\n", register)
    (found,) = checked.mistakes
    assert found.path == "version"
    assert "a released version never changes" in found.rule
    following = shipped.template.version + 1
    assert found.remedy == f"write version = {following}, or an id of your own"
    newer = re.sub(rb"(?m)^version( *)= [0-9]+\b", rb"version\1= %d" % following, shipped.content)
    assert checking.check(newer, register).template is not None


@each_template
def test_every_formula_of_the_budget_gives_a_sensible_uncertainty(shipped: Shipped) -> None:
    template = shipped.template
    for measurand in template.measurands:
        for point in points_of(template, measurand):
            numbers = numbers_for(template, measurand, point)
            for component in measurand.budget.components:
                for formula in formulas(component):
                    assert expressions.evaluate(formula, numbers) >= 0, component.name
                size = component.half_width or component.u or component.expanded
                if size is None:
                    continue
                found = carried(template, component, measurand, numbers, expressions.evaluate(size, numbers))
                assert found < 0.05 * measurand.display.span, component.name  # a unit mixed up would be far off


@each_template
def test_what_the_budget_adds_up_to_leaves_room_for_a_decision(shipped: Shipped) -> None:
    """With U above the limit no template could ever pass an instrument."""
    template = shipped.template
    for measurand in template.measurands:
        assert measurand.acceptance is not None
        for point in points_of(template, measurand):
            numbers = numbers_for(template, measurand, point)
            squares = sum(
                standard_uncertainty(template, one, measurand, numbers) ** 2 for one in measurand.budget.components
            )
            limit = next(one for one in measurand.acceptance.limits if one.above < point <= one.upto)
            permitted = units.convert_difference(limit.upper or 0.0, measurand.error_unit, measurand.unit)
            permitted += limit.relative * measurand.display.span
            assert 2 * math.sqrt(squares) < 0.75 * permitted, (point, squares)


def carried(
    template: Template, component: Component, measurand: Measurand, numbers: dict[str, float], value: float
) -> float:
    """What a number of the component changes the error by, in the measurand's unit."""
    if component.sensitivity:
        return value * expressions.evaluate(component.sensitivity, numbers)
    if not component.quantity:
        return units.convert_difference(value, component.unit, measurand.unit)
    formula = measurand.reference or measurand.display.indication
    assert formula is not None
    moved = {**numbers, component.quantity: numbers[component.quantity] + value}
    for one in template.inputs:
        if one.value is not None and one.name != component.quantity:
            moved[one.name] = expressions.evaluate(one.value, moved)
    return abs(expressions.evaluate(formula, moved) - expressions.evaluate(formula, numbers))


def standard_uncertainty(
    template: Template, component: Component, measurand: Measurand, numbers: dict[str, float]
) -> float:
    """Of what has a formula; what comes from certificates and readings is left out."""
    formula = component.half_width or component.u
    if formula is None:
        return 0.0
    found = expressions.evaluate(formula, numbers) / (math.sqrt(3) if component.half_width else 1)
    return carried(template, component, measurand, numbers, found)


@each_template
def test_every_other_formula_gives_a_number(shipped: Shipped) -> None:
    template = shipped.template
    for measurand in template.measurands:
        numbers = numbers_for(template, measurand, measurand.display.high)
        for formula in (measurand.reference, measurand.display.indication):
            if formula is not None:
                found = expressions.evaluate(formula, numbers)
                assert measurand.display.low <= found <= measurand.display.high
    for result in template.results:
        assert math.isfinite(expressions.evaluate(result.value, numbers_for(template, template.measurands[0], 1.0)))


@each_template
def test_all_that_its_tests_find_is_in_the_budget_or_in_the_report(shipped: Shipped) -> None:
    template = shipped.template
    for measurand in template.measurands:
        used = {name for one in measurand.budget.components for formula in formulas(one) for name in formula.names}
        found = names.of_tests(template.tests, measurand.name)
        if "hysteresis_max" in found:
            assert "hysteresis_max" in used or "hysteresis" in template.analyses
        for name in ("ecc_max", "uniformity_max", "instability_max", "check_shift"):
            assert (name in used) == (name in found), name


# Z in uL/mg, in air of 50 %RH, as makers of pipettes print the table of ISO 8655-6 in their manuals.
Z_TABLE = [
    (15.0, 800, 1.0018), (15.0, 1013, 1.0020), (17.5, 907, 1.0023), (18.0, 1067, 1.0025), (20.0, 800, 1.0026),
    (20.0, 1013, 1.0029), (21.5, 960, 1.0031), (22.0, 1013, 1.0033), (23.0, 1067, 1.0036), (25.0, 800, 1.0038),
    (25.0, 1013, 1.0040), (27.5, 853, 1.0045), (30.0, 800, 1.0052), (30.0, 1013, 1.0054), (30.0, 1067, 1.0055),
]  # fmt: skip


@pytest.mark.parametrize(("temperature", "pressure", "expected"), Z_TABLE)
def test_the_pipettes_factor_z_is_that_of_the_printed_table(
    temperature: float, pressure: float, expected: float
) -> None:
    numbers = {"ambient.temperature": temperature, "ambient.pressure": pressure, "ambient.humidity": 50.0}
    numbers["t_water"] = temperature
    for one in BY_NAME["pipette"].inputs:
        if one.value is not None:
            numbers[one.name] = expressions.evaluate(one.value, numbers)
    assert numbers["Z"] == pytest.approx(expected, abs=0.5e-4 + 1e-5)  # half of the last printed digit


def test_the_ph_meters_slope_is_compared_with_that_of_nernst() -> None:
    nernst = next(one.value for one in BY_NAME["ph-meter"].inputs if one.name == "nernst")
    assert nernst is not None
    assert expressions.evaluate(nernst, {"t_buffer": 25.0}) == pytest.approx(59.1593, abs=1e-4)
    share = next(one for one in BY_NAME["ph-meter"].results if one.unit.symbol == "%")
    assert share.lower is not None
    assert share.upper is not None
    assert share.lower < expressions.evaluate(share.value, {"fit.slope": -58.2, "nernst": 59.16}) < share.upper


def test_the_transmitters_signal_is_read_as_pressure() -> None:
    indication = BY_NAME["linear-sensor"].measurands[0].display.indication
    assert indication is not None
    assert [expressions.evaluate(indication, {"raw": raw}) for raw in (4.0, 12.0, 20.0)] == [0.0, 50.0, 100.0]


def test_the_thermometers_limit_in_millikelvin_is_a_difference() -> None:
    (measurand,) = BY_NAME["thermometer"].measurands
    assert measurand.acceptance is not None
    (limit,) = measurand.acceptance.limits
    assert limit.upper is not None
    assert units.convert_difference(limit.upper, measurand.error_unit, measurand.unit) == pytest.approx(0.15)
