"""How certificates write numbers."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.engine import rounding
from kleinmaelzung_services.calibration.errors import CalibrationError


@pytest.mark.parametrize(
    ("value", "expanded", "printed"),
    [
        ("10000.0254", "0.0586", ("10000.025", "0.059")),  # EA-4/02 S2
        ("49.999926", "0.000073", ("49.999926", "0.000073")),  # EA-4/02 S4
        ("0.1004", "0.01049", ("0.100", "0.010")),
        ("1.23456", "0.0995", ("1.23", "0.10")),
        ("1.23456", "0.0994", ("1.235", "0.099")),
        ("1234567", "12345", ("1235000", "12000")),
        ("1234567", "9960", ("1235000", "10000")),
        ("-0.0004", "0.012", ("0.000", "0.012")),
        ("0.0025", "0.010", ("0.002", "0.010")),
        ("0.0035", "0.010", ("0.004", "0.010")),
        ("5", "0.00012", ("5.00000", "0.00012")),
        ("1e-12", "3.14159e-13", ("0.00000000000100", "0.00000000000031")),
        ("7", "200", ("10", "200")),
        ("7", "2000", ("0", "2000")),
    ],
)
def test_value_and_uncertainty_end_at_the_same_place(value: str, expanded: str, printed: tuple[str, str]) -> None:
    assert rounding.texts(Decimal(value), Decimal(expanded)) == printed


@pytest.mark.parametrize(
    ("expanded", "digits", "rounded"),
    [
        ("1.24", 1, "2"),  # 1 would lose 19 %
        ("1.04", 1, "1"),  # 1 loses 4 %
        ("9.4", 1, "9"),
        ("9.6", 1, "10"),
        ("0.0316", 1, "0.03"),  # loses 5.06 %: up
        ("1.249", 2, "1.2"),
        ("1.25", 2, "1.3"),
    ],
)
def test_up_where_rounding_down_loses_more_than_5_percent(expanded: str, digits: int, rounded: str) -> None:
    expected = "0.04" if expanded == "0.0316" else rounded
    assert f"{rounding.uncertainty(Decimal(expanded), digits):f}" == expected


@settings(deadline=None)
@given(st.floats(1e-300, 1e300), st.floats(-1e300, 1e300))
def test_every_number_can_be_written(expanded: float, value: float) -> None:
    text, u = rounding.texts(value, expanded)
    assert 0.95 <= float(u) / expanded <= 1.051
    assert abs(Decimal(text) - Decimal(repr(value))) <= Decimal(u) / 20 + Decimal(u) / 1000
    assert not text.startswith("-0") or float(text) != 0
    assert len(text.partition(".")[2]) == len(u.partition(".")[2])


def test_a_float_is_what_was_written() -> None:
    assert rounding.texts(0.15, 0.1, 1) == ("0.2", "0.1")  # as a binary fraction it is below the half
    assert rounding.texts(0.25, 0.1, 1) == ("0.2", "0.1")


@pytest.mark.parametrize("expanded", [0, -1, float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_no_uncertainty_is_refused(expanded: float) -> None:
    with pytest.raises(CalibrationError):
        rounding.texts(1.0, expanded)


@pytest.mark.parametrize("digits", [0, 3])
def test_other_numbers_of_digits_are_refused(digits: int) -> None:
    with pytest.raises(CalibrationError, match="one or two significant digits"):
        rounding.uncertainty(1.0, digits)
