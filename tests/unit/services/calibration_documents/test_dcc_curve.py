"""The calibration function in the digital calibration certificate: coefficients, covariance, and their units."""

from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult
from kleinmaelzung_services.calibration.documents.dcc import curve
from kleinmaelzung_services.calibration.documents.dcc.elements import Voice, node, written
from tests.unit.services.calibration_documents import dcc_cases as cases
from tests.unit.services.calibration_documents.dcc_cases import every, numbers, text, told, typed

FITTED = ["balance", "thermometer", "made up: linear-sensor", "made up: ph-meter"]


def found(kind: str) -> MeasurandResult:
    return cases.results(kind).as_found.measurands[0]


def drawn(result: MeasurandResult) -> Element:
    root = node("dcc:results", *curve.of(result, Voice("en")))
    return ElementTree.fromstring(written(root))


def coefficients(element: Element) -> tuple[list[float], list[str]]:
    (quantity,) = typed(element, "kleinmaelzung_coefficients")
    return numbers(quantity, ".//si:valueXMLList"), text(quantity, ".//si:unitXMLList").split()


def covariance(element: Element) -> list[list[float]]:
    columns = every(element, ".//si:covarianceMatrix/si:column")
    return [[float(each.text or "") for each in every(column, "si:covariance/si:value")] for column in columns]


@pytest.mark.parametrize("kind", FITTED)
def test_coefficients_have_the_covariance_of_the_fit(kind: str) -> None:
    correction = found(kind).correction
    assert correction is not None
    element = drawn(found(kind))
    assert coefficients(element)[0] == pytest.approx(correction.fit.coefficients, rel=1e-15)
    assert np.array(covariance(element)) == pytest.approx(correction.fit.covariance, rel=1e-14)
    assert text(element, ".//si:coverageFactor") == "1"


def test_a_line_through_a_raw_signal_has_its_units() -> None:
    element = drawn(found("made up: linear-sensor"))
    assert coefficients(element)[1] == [r"\milli\ampere", r"\milli\ampere\per\kilo\pascal"]
    cells = [each.text for each in every(element, ".//si:covariance/si:unit")]
    assert cells[0] == r"\milli\ampere\tothe{2}"
    assert cells[1] == cells[2] == r"\milli\ampere\tothe{2}\per\kilo\pascal"
    assert cells[3] == r"\milli\ampere\tothe{2}\kilo\pascal\tothe{-2}"
    assert text(element, ".//dcc:latex") == "y = b_0 + b_1 x"
    assert "y is the raw signal in mA, x the reference in kPa" in told(element)


@pytest.mark.parametrize("kind", FITTED)
def test_range_residuals_and_what_is_shared_stand_beside(kind: str) -> None:
    correction = found(kind).correction
    assert correction is not None
    element = drawn(found(kind))
    values = [
        numbers(typed(element, f"kleinmaelzung_{ref}")[0], "si:real/si:value")[0]
        for ref in ("rangeLow", "rangeHigh", "residuals", "commonUncertainty")
    ]
    assert values == [*correction.fit.range, correction.fit.residual_s, correction.u_common]


def test_a_curve_in_fahrenheit_says_the_same_in_celsius() -> None:
    """A correction of y degF at x degF is one of 5/9 y K at the same place in degC."""
    kind = next(kind for kind in FITTED if found(kind).measurand.unit.symbol == "degC")
    result, unit = found(kind), units.find("degF")
    correction = result.correction
    assert correction is not None
    fit = replace(correction.fit, origin=32.0)
    measurand = replace(result.measurand, unit=unit, error_unit=unit)
    other = replace(result, measurand=measurand, correction=replace(correction, fit=fit, y_unit="degF"))
    element = drawn(other)
    told_now, symbols = coefficients(element)
    assert symbols[0] == r"\kelvin"
    x = 82.0
    y = sum(value * (x - 32.0) ** power for value, power in zip(fit.coefficients, fit.powers, strict=True))
    celsius = units.convert(x, unit, units.find("degC"))
    shown = sum(value * celsius**power for value, power in zip(told_now, fit.powers, strict=True))
    assert shown == pytest.approx(y * 5 / 9, rel=1e-12)
    assert "x - " not in text(element, ".//dcc:latex")  # 32 degF is 0 degC


def test_where_nothing_is_fitted_nothing_is_told() -> None:
    without = replace(found("balance"), correction=None)
    assert list(drawn(without)) == []
