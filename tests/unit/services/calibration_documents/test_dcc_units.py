"""Units in the digital calibration certificate: each one of the laboratory has a name there, and numbers go along."""

import re

import pytest

from kleinmaelzung_services.calibration import units as laboratory
from kleinmaelzung_services.calibration.documents.dcc import units
from kleinmaelzung_services.calibration.errors import CalibrationError

# All that the D-SI knows of what is used here (D-SI 2.x, after the SI brochure, 9th edition).
PREFIXES = r"\\(nano|micro|milli|centi|deci|hecto|kilo|mega|giga)"
NAMES = (
    r"\\(gram|metre|second|ampere|kelvin|mole|litre|pascal|bar|newton|joule|watt|hertz|volt|ohm|siemens|farad|lux"
    r"|one|percent|ppm|tonne|minute|hour|day|degree|mmHg|degreecelsius|kilogram)"
)
SYMBOL = re.compile(rf"(?:(?:\\per)?(?:{PREFIXES})?{NAMES}(?:\\tothe\{{-?[0-9]\}})?)+")
EVERY = [
    *laboratory._PLAIN,
    *laboratory._WITH_OFFSET,
    *laboratory._PREFIXED,
    *(prefix + symbol for prefix in laboratory._PREFIXES for symbol in laboratory._PREFIXED),
]


@pytest.mark.parametrize("text", EVERY)
def test_every_unit_of_the_laboratory_has_a_name_in_the_d_si(text: str) -> None:
    scale = units.of(text)
    assert SYMBOL.fullmatch(scale.symbol)
    assert SYMBOL.fullmatch(scale.step)
    if text not in ("ct", "psi", "degF"):
        assert scale.value(0.1) == scale.difference(0.1) == 0.1


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("mg", r"\milli\gram"), ("kg", r"\kilogram"), ("degC", r"\degreecelsius"), ("°C", r"\degreecelsius"),
        ("%RH", r"\percent"), ("uL", r"\micro\litre"), ("µl", r"\micro\litre"), ("mPa", r"\milli\pascal"),
        ("hPa", r"\hecto\pascal"), ("kg/m3", r"\kilogram\per\metre\tothe{-3}"), ("m/s2", r"\metre\second\tothe{-2}"),
        ("1/K", r"\kelvin\tothe{-1}"), ("mS/cm", r"\milli\siemens\per\centi\metre"), ("1", r"\one"), ("pH", r"\one"),
        ("kΩ", r"\kilo\ohm"), ("mm2", r"\milli\metre\tothe{2}"), ("rpm", r"\minute\tothe{-1}"),
        ("uL/mg", r"\micro\litre\per\milli\gram"), ("mV/K", r"\milli\volt\per\kelvin"), ("g/kg", r"\gram\per\kilogram"),
        ("K/K", r"\one"), ("min", r"\minute"), ("h", r"\hour"), ("%/K", r"\percent\per\kelvin"),
    ],
)  # fmt: skip
def test_a_unit_is_spelt_as_the_d_si_does(text: str, symbol: str) -> None:
    expected = symbol.replace(r"\per\metre\tothe{-3}", r"\metre\tothe{-3}")
    assert units.of(text).symbol == expected


@pytest.mark.parametrize(("text", "step"), [("degC", r"\kelvin"), ("degF", r"\kelvin"), ("mK", r"\milli\kelvin")])
def test_a_difference_of_temperatures_is_in_kelvin(text: str, step: str) -> None:
    assert units.of(text).step == step


@pytest.mark.parametrize(
    ("text", "symbol", "value", "difference"),
    [
        ("ct", r"\gram", 2.0, 2.0),
        ("psi", r"\kilo\pascal", 68.94757293168, 68.94757293168),
        ("degF", r"\degreecelsius", -12.2222222222222, 5.55555555555556),
        ("ct/mL", r"\gram\per\milli\litre", 2.0, 2.0),
    ],
)
def test_what_the_d_si_has_no_name_for_is_converted(text: str, symbol: str, value: float, difference: float) -> None:
    scale = units.of(text)
    assert scale.symbol == symbol
    assert scale.value(10.0) == pytest.approx(value, rel=1e-12)
    assert scale.difference(10.0) == pytest.approx(difference, rel=1e-12)


def test_a_unit_that_only_the_laboratory_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(laboratory._PLAIN, "smoot", ((("length", 1),), 201.168))
    with pytest.raises(CalibrationError, match=r"a unit is smoot, but .* has no such unit: use another"):
        units.of("smoot")
