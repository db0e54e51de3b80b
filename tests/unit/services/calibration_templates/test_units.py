"""Units of a laboratory: values on a scale, and differences, which are not the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.units import UnitError


def convert(value: float, unit: str, into: str) -> float:
    return units.convert(value, units.find(unit), units.find(into))


def difference(value: float, unit: str, into: str) -> float:
    return units.convert_difference(value, units.find(unit), units.find(into))


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        (20.0, "degC", "K", 293.15),
        (293.15, "K", "degC", 20.0),
        (212.0, "degF", "degC", 100.0),
        (-40.0, "degF", "degC", -40.0),
        (37.5, "°C", "degC", 37.5),
        (1.0, "g", "mg", 1000.0),
        (1.0, "ct", "mg", 200.0),
        (1.0, "mL", "uL", 1000.0),
        (1.0, "cm3", "mL", 1.0),
        (1.0, "m3", "L", 1000.0),
        (1.0, "mmHg", "hPa", 1.33322387415),
        (1.0, "bar", "hPa", 1000.0),
        (14.503773773, "psi", "bar", 1.0),
        (1.0, "kg/m3", "g/L", 1.0),
        (1.0, "g/mL", "kg/m3", 1000.0),
        (1.0, "mS/cm", "S/m", 0.1),
        (50.0, "%", "1", 0.5),
        (1.0, "%", "ppm", 10_000.0),
        (60.0, "rpm", "Hz", 1.0),
        (2.0, "h", "min", 120.0),
        (1.0, "kOhm", "Ω", 1000.0),
        (1.0, "µg", "ng", 1000.0),
        (1.0, "V/A", "Ohm", 1.0),
        (1.0, "N/m2", "Pa", 1.0),
        (5.0, "%RH", "%RH", 5.0),
    ],
)
def test_a_value_on_its_scale(value: float, unit: str, into: str, expected: float) -> None:
    assert convert(value, unit, into) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        (0.01, "degC", "mK", 10.0),
        (10.0, "mK", "degC", 0.01),
        (1.8, "degF", "K", 1.0),
        (1.0, "K", "degF", 1.8),
        (0.5, "mg", "g", 0.0005),
        (0.25, "kPa", "Pa", 250.0),
    ],
)
def test_a_difference_of_temperatures_has_no_offset(value: float, unit: str, into: str, expected: float) -> None:
    assert difference(value, unit, into) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "into"), [("g", "mL"), ("%RH", "%"), ("pH", "1"), ("pH", "mV"), ("degC", "hPa"), ("g/L", "%"), ("m2", "m")]
)
def test_what_is_of_another_kind_is_not_converted(unit: str, into: str) -> None:
    for way in (convert, difference):
        with pytest.raises(UnitError, match="cannot be converted"):
            way(1.0, unit, into)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("C", 'did you mean "degC"'),
        ("celsius", 'did you mean "degC"'),
        ("rH", 'did you mean "%RH"'),
        ("ph", 'did you mean "pH"'),
        ("gr", 'did you mean "g"'),
        ("mdegC", 'did you mean "degC"'),  # a scale takes no prefix: mK
        ("degC/min", ""),
        ("gg", ""),
        ("hRH", ""),
        ("m/s/s", 'more than one "/"'),
        ("", "1 to 32"),
        ("g" * 33, "1 to 32"),
        ("g\n", ""),
        ("m5", ""),
        ("12", ""),
        ("%2", ""),
        ("k", ""),
        ("9**9**9", ""),
    ],
)
def test_what_is_no_unit_is_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(UnitError) as raised:
        units.find(text)
    assert hint in str(raised.value)


def test_a_prefix_is_not_taken_for_another_unit() -> None:
    assert units.find("min").kind == units.find("h").kind == units.find("d").kind
    assert units.find("Pa").kind == units.find("hPa").kind != units.find("h").kind
    assert convert(1.0, "mm", "m") == 1e-3
    assert convert(1.0, "t", "kg") == 1000.0


@given(
    st.floats(-1e6, 1e6),
    st.sampled_from([("degC", "K"), ("degF", "degC"), ("mg", "kg"), ("hPa", "psi"), ("uL", "m3"), ("mS/cm", "uS/cm")]),
)
def test_there_and_back_is_the_same(value: float, pair: tuple[str, str]) -> None:
    unit, into = pair
    assert convert(convert(value, unit, into), into, unit) == pytest.approx(value, rel=1e-12, abs=1e-9)
    assert difference(difference(value, unit, into), into, unit) == pytest.approx(value, rel=1e-12, abs=1e-12)


@given(st.floats(-100, 100), st.floats(-100, 100), st.sampled_from(["K", "degF"]))
def test_the_difference_of_two_values_is_the_difference_converted(one: float, other: float, into: str) -> None:
    apart = convert(one, "degC", into) - convert(other, "degC", into)
    assert apart == pytest.approx(difference(one - other, "degC", into), abs=1e-9)
