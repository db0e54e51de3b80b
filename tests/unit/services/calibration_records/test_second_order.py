"""Components that name a quantity: sensitivities by the formula, the second order, and Monte Carlo where it matters."""

import math
from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Line, PointResult
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.template import Component, Coverage, Distribution, Points, Template
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES

T_WATER = 19.5  # what simulated.py answers


def template(reference: str, *components: Component, **budget: Any) -> Template:
    """The pipette's, with another formula of the volume and another budget."""
    whole = TEMPLATES["pipette"]
    (one,) = whole.measurands
    changed = replace(
        one,
        reference=expressions.parse(reference),
        budget=replace(one.budget, components=components, **budget),
        acceptance=None,
    )
    (test,) = whole.tests
    assert isinstance(test, Points)
    return replace(whole, measurands=(changed,), tests=(replace(test, points=(500.0,)),))


def component(
    quantity: str,
    unit: str,
    *,
    u: float | None = None,
    half_width: float | None = None,
    distribution: Distribution = "normal",
    beta: float | None = None,
) -> Component:
    return Component(
        name=f"{quantity} {unit}",
        type="B",
        distribution=distribution,
        beta=beta,
        u=None if u is None else expressions.constant(u),
        half_width=None if half_width is None else expressions.constant(half_width),
        quantity=quantity,
        unit=units.find(unit),
    )


NOISE = Component(name="noise", type="B", distribution="normal", u=expressions.constant(0.5), unit=units.find("uL"))


def point(whole: Template) -> PointResult:
    return calculating.calculate(whole, simulated.record(whole)).as_found.measurands[0].points[0]


def line(found: PointResult, name: str) -> Line:
    return next(one for one in found.uncertainty.lines if one.name == name)


def test_sensitivities_are_those_of_the_formula_in_the_unit_of_the_component() -> None:
    found = point(
        template(
            "(balance.value + evaporation)*Z*(1 - gamma*(ambient.temperature - 20))",
            component("balance.value", "g", u=1e-3),
            component("t_water", "mK", u=100.0),
            component("gamma", "1/K", u=1e-5),
            component("ambient.temperature", "degC", half_width=0.5, distribution="rectangular"),
        )
    )
    z = found.reference / 500
    assert line(found, "balance.value g").sensitivity == pytest.approx(1000 * z, rel=5e-3)
    assert line(found, "t_water mK").sensitivity == pytest.approx(500 * 2.05e-4 / 1000, rel=0.05)  # water at 20 degC
    assert line(found, "ambient.temperature degC").sensitivity == pytest.approx(-500 * 2.4e-4, rel=0.05)
    assert found.uncertainty.second_order == pytest.approx(0, abs=1e-5)
    assert found.uncertainty.drawn is None
    assert found.notes == ()


def test_where_every_sensitivity_is_written_down_nothing_is_known_of_the_second_order() -> None:
    for name in ("balance", "ph-meter", "thermometer", "climate-chamber"):
        whole = TEMPLATES[name]
        for found in calculating.calculate(whole, simulated.record(whole)).as_found.measurands:
            assert {one.uncertainty.second_order for one in found.points} == {None}


BENT = f"balance.value + 3*(t_water - {T_WATER})**2"


def test_at_the_bottom_of_a_parabola_u_is_that_of_chi_squared_by_monte_carlo() -> None:
    """3 x², x normal about 0 with u = 1: variance 18, mean 3, and 97.725 % lie below 3 * 2.2776² (JCGM 101, 8.1)."""
    found = point(template(BENT, component("t_water", "degC", u=1.0), NOISE))
    uncertainty = found.uncertainty
    assert line(found, "t_water degC").contribution == pytest.approx(0, abs=1e-9)
    assert uncertainty.second_order == pytest.approx(18 / 18.25, rel=1e-6)
    assert uncertainty.basis == "monte carlo"
    assert uncertainty.u_c == pytest.approx(math.sqrt(18 + 9 + 0.25), rel=0.01)
    assert uncertainty.expanded == pytest.approx(3 * 2.2776**2, rel=0.02)
    assert uncertainty.drawn is not None
    assert uncertainty.drawn.y == pytest.approx(3, rel=0.01)
    assert found.notes == (
        "the second order has 99 % of u squared, so U is by Monte Carlo (JCGM 101, 1000000 trials, seed 101)",
    )


def test_a_seed_is_a_seed() -> None:
    whole = template(BENT, component("t_water", "degC", u=1.0), NOISE)
    assert point(whole).uncertainty == point(whole).uncertainty


def test_a_second_order_of_less_than_5_percent_is_told_and_changes_nothing() -> None:
    found = point(template(BENT, component("t_water", "degC", u=0.15), NOISE)).uncertainty
    assert found.second_order == pytest.approx(18 * 0.15**4 / (18 * 0.15**4 + 0.25), rel=1e-6)
    assert 0.01 < (found.second_order or 0) < 0.05
    assert (found.basis, found.drawn) == ("t", None)
    assert found.u_c == pytest.approx(0.5)


def test_the_distributions_of_the_components_are_drawn_from() -> None:
    """(x - x0)² of a rectangle +-a: from 0 to a², so U is at most 3 a²."""
    bounded = component("t_water", "degC", half_width=2.0, distribution="rectangular")
    trapezoid = component("t_water", "degC", half_width=2.0, distribution="trapezoid", beta=0.5)
    small = replace(NOISE, u=expressions.constant(1e-6))
    one, other = (point(template(BENT, each, small)).uncertainty for each in (bounded, trapezoid))
    assert 3 * (0.95 * 2) ** 2 < one.expanded < 3 * 2**2
    assert other.expanded < one.expanded
    assert other.lines[0].beta == 0.5
    assert other.lines[0].u == pytest.approx(2 * math.sqrt(1.25 / 6))  # GUM 4.3.9, equation 9a


def test_a_fixed_k_stays_what_it_is() -> None:
    whole = template(BENT, component("t_water", "degC", u=1.0), NOISE, coverage=Coverage(k=2.0))
    found = point(whole).uncertainty
    assert (found.basis, found.k) == ("fixed", 2.0)
    assert found.u_c == pytest.approx(math.sqrt(27.25), rel=0.01)
    assert found.drawn is not None


def test_a_formula_without_a_value_within_the_uncertainty_is_refused() -> None:
    whole = template(f"balance.value + sqrt(t_water - {T_WATER} + 1)", component("t_water", "degC", u=1.0), NOISE)
    with pytest.raises(CalibrationError, match="it has no value within the uncertainty of its quantities: correct"):
        point(whole)


def test_of_a_straight_line_the_second_order_is_nothing() -> None:
    whole = TEMPLATES["linear-sensor"]
    points = calculating.calculate(whole, simulated.record(whole)).as_found.measurands[0].points
    for found in points:
        assert found.uncertainty.second_order == pytest.approx(0, abs=1e-9)
        current = line(found, "reading of the current")
        assert current.sensitivity == pytest.approx(6250, rel=1e-9)  # 100 kPa over 16 mA, in Pa


@pytest.mark.parametrize(("expanded", "is_permitted"), [(2.0, True), (3.0, False)])
def test_u_of_a_standard_of_another_quantity_is_compared_by_what_it_makes_of_the_volume(
    expanded: float, is_permitted: bool
) -> None:
    """3 mg are 3.008 uL, and 0.33 of the limit 8 uL are 2.64 uL."""
    whole = TEMPLATES["pipette"]
    balance, *others = whole.standards
    whole = replace(whole, standards=(replace(balance, max_U_ratio=0.33), *others))
    record = simulated.record(whole)
    first, *rest = record.standards
    (certified,) = first.certified
    first = replace(first, certified=(replace(certified, U=expanded),))
    record = replace(record, standards=(first, *rest))
    if is_permitted:
        assert calculating.calculate(whole, record).as_found.measurands[0].points
        return
    with pytest.raises(
        CalibrationError, match=r"U of balance at 100 uL is 3.0\d+ uL, but it is at most 0.33 of the limit 8 uL"
    ):
        calculating.calculate(whole, record)
