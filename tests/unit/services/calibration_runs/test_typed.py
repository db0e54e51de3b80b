"""What somebody types is a number or not; a comma is never guessed."""

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.runs import typed
from kleinmaelzung_wire.codec import WireError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100.0002", 100.0002),
        (" 12 ", 12.0),
        ("-0.5", -0.5),
        ("+3", 3.0),
        ("\N{MINUS SIGN}2.5", -2.5),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
    ],
)
def test_a_number_with_a_point_is_one(text: str, value: float) -> None:
    assert typed.number(text) == value
    assert typed.number(text, is_comma_decimal=True) == value


@pytest.mark.parametrize("text", ["1,234", "-12,500", "100,000"])
@pytest.mark.parametrize("is_comma_decimal", [False, True])
def test_a_comma_that_may_stand_between_thousands_is_refused(text: str, is_comma_decimal: bool) -> None:
    with pytest.raises(WireError, match="ambiguous: it may be"):
        typed.number(text, is_comma_decimal=is_comma_decimal)


@pytest.mark.parametrize(
    ("text", "value"), [("1,2", 1.2), ("0,234", 0.234), ("100,0002", 100.0002), ("1000,123", 1000.123)]
)
def test_a_comma_is_a_decimal_one_only_where_the_caller_says_so(text: str, value: float) -> None:
    with pytest.raises(WireError, match=f"has a comma, and a number has a point: write {text.replace(',', '.')}"):
        typed.number(text)
    assert typed.number(text, is_comma_decimal=True) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1.2.3",
        "1.234,5",
        "1,234.5",
        "12 g",
        "0x10",
        "1_000",
        "١٢",
        ".5",
        "5.",
        "--1",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    for is_comma_decimal in (False, True):
        with pytest.raises(WireError, match="is no number"):
            typed.number(text, is_comma_decimal=is_comma_decimal)


@pytest.mark.parametrize("text", ["1e999", "1e16", "-2e15"])
def test_what_no_instrument_shows_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="too large"):
        typed.number(text)


def test_a_very_long_text_is_told_in_short() -> None:
    with pytest.raises(WireError) as found:
        typed.number("9" * 10_000)
    assert len(str(found.value)) < 200


def test_text_becomes_one_line() -> None:
    assert typed.line("  the pan\nwas  wet\t", "reason") == "the pan was wet"
    assert typed.line(" ", "before", may_be_empty=True) == ""


@pytest.mark.parametrize(("text", "said"), [(" \n", "empty"), ("a\x07b", "printed"), ("x" * 2001, "shorten")])
def test_text_that_no_certificate_could_print_is_refused(text: str, said: str) -> None:
    with pytest.raises(WireError, match=f"reason .*{said}"):
        typed.line(text, "reason")


def test_what_an_instrument_says_is_kept_as_far_as_it_can_be_printed() -> None:
    assert typed.printable("E\x00L\r\n ok") == "E L ok"


def test_a_unit_must_be_one_that_can_be_converted() -> None:
    assert typed.unit("mg", units.find("g")).symbol == "mg"
    with pytest.raises(WireError, match=r"cannot be converted to .g."):
        typed.unit("degC", units.find("g"))
    with pytest.raises(WireError, match="no unit"):
        typed.unit("gramm", units.find("g"))
