"""How the numbers of a certificate are printed: U with two digits, the error to the same place, never -0."""

import dataclasses
import math
from collections.abc import Sequence
from decimal import Decimal

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import Decision, PointResult
from kleinmaelzung_services.calibration.documents.certificate import figures
from kleinmaelzung_services.calibration.documents.certificate.figures import Figures
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.engine import conformity, rounding
from kleinmaelzung_services.calibration.templates.template import Measurand
from tests.unit.services.calibration_documents import filled

(BALANCE,) = filled.results("balance").as_found.measurands
POINT, MEASURAND = BALANCE.points[0], BALANCE.measurand


def point(error: float = 0.0, expanded: float = 0.2, *, k: float = 2.0, nu: float = math.inf) -> PointResult:
    uncertainty = dataclasses.replace(POINT.uncertainty, u_c=expanded / k, k=k, nu_eff=nu)
    return dataclasses.replace(
        POINT, error=error, indication=100 + error / 1000, reference=100.0, uncertainty=uncertainty
    )


def limited(low: float | None, high: float | None, error: float = 0.0, expanded: float = 0.2) -> PointResult:
    statement = conformity.decide(error, expanded, 2, lower=low, upper=high, rule="guard")
    decision = Decision(lower=low, upper=high, statement=statement, test_uncertainty_ratio=None)
    return dataclasses.replace(point(error, expanded), decision=decision)


def shown(*points: PointResult, language: Language = "en", measurand: Measurand = MEASURAND) -> Sequence[Figures]:
    return figures.of_points(measurand, points, language)


def with_units(unit: str, error_unit: str, resolution: float) -> Measurand:
    display = dataclasses.replace(MEASURAND.display, resolution=resolution)
    return dataclasses.replace(MEASURAND, unit=units.find(unit), error_unit=units.find(error_unit), display=display)


@pytest.mark.parametrize(
    ("error", "expanded", "printed"),
    [
        (0.2057, 0.2659, ("0.21", "0.27")),
        (0.0333, 0.0994, ("0.033", "0.099")),
        (0.0333, 0.0995, ("0.03", "0.10")),  # it became 0.100, of which two digits are 0.10
        (-0.0333, 0.0123, ("−0.033", "0.012")),
        (0.0004, 0.25, ("0.00", "0.25")),
        (-0.0004, 0.25, ("0.00", "0.25")),
        (1.5, 97.4, ("2", "97")),
        (-148.0, 1234.0, ("−100", "1200")),
        (12.3456, 0.00012, ("12.34560", "0.00012")),
        (0.105, 0.1049, ("0.10", "0.10")),
        (0.5, 0.1051, ("0.50", "0.11")),
    ],
)
def test_u_has_two_digits_and_the_error_ends_where_u_does(
    error: float, expanded: float, printed: tuple[str, str]
) -> None:
    (row,) = shown(point(error, expanded))
    assert (row.error, row.expanded) == printed


@pytest.mark.parametrize("name", ["balance", "thermometer", "pipette", "linear-sensor"])
def test_every_row_of_a_template_is_rounded_by_the_engine(name: str) -> None:
    for result in filled.results(name).as_found.measurands:
        for row, one in zip(shown(*result.points, measurand=result.measurand), result.points, strict=True):
            expected = rounding.texts(one.error, one.uncertainty.expanded)
            assert (row.error.replace("−", "-"), row.expanded) == expected


def test_numbers_have_the_sign_of_the_language() -> None:
    (row,) = shown(point(-0.21), language="de")
    assert (row.error, row.expanded, row.k, row.indication) == ("−0,21", "0,20", "2,00", "99,99979")


def test_no_number_is_minus_zero() -> None:
    for error in (-0.0, -1e-9, -0.004999):
        (row,) = shown(dataclasses.replace(point(error), indication=-1e-9, reference=-0.0))
        assert {row.error, row.indication, row.reference} == {"0.00", "0.00000"}


@pytest.mark.parametrize(
    ("unit", "error_unit", "resolution", "expanded", "indication"),
    [
        ("g", "mg", 0.0001, 0.27, "100.00020"),  # U ends at 0.01 mg
        ("g", "mg", 0.0001, 27.0, "100.0002"),  # never fewer decimals than the resolution
        ("g", "g", 0.5, 12.0, "100.0"),
        ("degC", "mK", 0.01, 18.0, "100.000"),
        ("degC", "K", 1, 0.25, "100.00"),
        ("kPa", "Pa", 0.01, 120.0, "100.00"),
        ("degF", "K", 0.1, 0.025, "100.000"),
    ],
)
def test_the_indication_has_the_decimals_that_its_error_needs(
    unit: str, error_unit: str, resolution: float, expanded: float, indication: str
) -> None:
    (row,) = shown(point(0.2, expanded), measurand=with_units(unit, error_unit, resolution))
    assert row.indication.replace("2", "0") == indication.replace("2", "0")


def test_decimals_on_the_scale_are_the_same_in_all_rows() -> None:
    rows = shown(point(0.2, 0.099), point(0.2, 1.2))
    assert [row.indication for row in rows] == ["100.000200", "100.000200"]
    assert [row.error for row in rows] == ["0.200", "0.2"]


@pytest.mark.parametrize(
    ("low", "high", "limits", "acceptance"),
    [
        (-1.0, 1.0, "±1", "±0.80"),
        (-0.5, 1.0, "−0.5 … 1.0", "−0.30 … 0.80"),
        (None, 3.0, "≤ 3", "≤ 2.80"),
        (-2.0, None, "≥ −2", "≥ −1.80"),
        (-1 / 3, 1 / 3, "±0.333", "±0.13"),
        (-0.25, 0.25, "±0.25", "±0.05"),
        (-0.1, 0.1, "±0.1", "–"),  # the guard bands leave nothing
    ],
)
def test_limits_are_printed_as_they_are_and_acceptance_to_the_place_of_u(
    low: float | None, high: float | None, limits: str, acceptance: str
) -> None:
    (row,) = shown(limited(low, high))
    assert (row.limits, row.acceptance) == (limits, acceptance)


def test_limits_of_all_rows_have_as_many_decimals() -> None:
    assert [row.limits for row in shown(limited(-0.5, 0.5), limited(-2.0, 2.0))] == ["±0.5", "±2.0"]


def test_u_larger_than_the_value_and_the_limit_is_printed_and_no_verdict_is() -> None:
    (row,) = shown(limited(-1.0, 1.0, 0.2, 3.0))
    assert (row.error, row.expanded, row.verdict, row.risk) == ("0.2", "3.0", "no statement possible", "–")


def test_without_limits_there_are_dashes() -> None:
    (row,) = shown(dataclasses.replace(point(), decision=None))
    assert (row.limits, row.acceptance, row.verdict, row.risk) == ("–", "–", "not stated", "–")


@pytest.mark.parametrize(
    ("share", "printed"),
    [
        (0.0, "< 0.1 %"), (0.00099, "< 0.1 %"), (0.001, "0.1 %"), (0.0123, "1.2 %"), (0.0996, "10 %"),
        (0.25, "25 %"), (0.9949, "99 %"), (0.9989, "99.9 %"), (0.9991, "> 99.9 %"), (1.0, "> 99.9 %"),
    ],
)  # fmt: skip
def test_a_risk_has_two_digits_and_is_never_said_to_be_nothing(share: float, printed: str) -> None:
    assert figures.percent(share, "en") == printed


@pytest.mark.parametrize(
    ("nu", "printed"),
    [(math.inf, "∞"), (148439.8, "> 1000"), (41.9, "41"), (9.9999999999, "10"), (1.0, "1"), (0.5, "0.50")],
)
def test_degrees_of_freedom_are_truncated_as_k_is_taken_for_them(nu: float, printed: str) -> None:
    assert figures.degrees(nu, "en") == printed


@pytest.mark.parametrize(("k", "printed"), [(2.0, "2.00"), (3.0, "3.00"), (1.645, "1.645")])
def test_a_k_that_is_fixed_is_printed_as_it_is_written(k: float, printed: str) -> None:
    assert figures.factor(dataclasses.replace(POINT.uncertainty, k=k, basis="fixed"), "en") == printed


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        (0.00005, 2, "0.000050"), (4.0002529, 4, "4.000"), (-58.54137, 4, "−58.54"), (0.0, 3, "0"), (1234.5, 2, "1200"),
        (2.34e-9, 2, "2.3·10⁻⁹"), (9.996, 3, "10.0"),
    ],
)  # fmt: skip
def test_significant_digits_keep_their_zeros(value: float, digits: int, printed: str) -> None:
    assert figures.significant(value, digits, "en") == printed


def test_the_worst_point_is_nearest_to_its_limit_or_farthest_beyond() -> None:
    near, beyond, far = limited(-1, 1, 0.9), limited(-1, 1, -1.4), limited(-1, 1, 0.1)
    assert figures.nearest([far, near]) is near
    assert figures.nearest([far, near, beyond]) is beyond
    assert figures.nearest([dataclasses.replace(far, decision=None)]) is None


def test_a_difference_has_one_place_more_than_the_errors() -> None:
    assert figures.beyond_errors([point(0, 0.2), point(0, 12.0)], 0.11249) == Decimal("0.112")
