"""Formulas in templates: computed as written, and nothing but arithmetic gets in."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.expressions import ExpressionError

NUMBERS = {"d": 0.01, "ecc_max": 0.3, "ecc_load": 100.0, "load": 50.0, "weights.U": 0.2, "t": -3.0}


def compute(text: str) -> float:
    return expressions.evaluate(expressions.parse(text), NUMBERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d/2", 0.005),
        ("ecc_max/(2*ecc_load)*load", 0.075),
        ("1.5*weights.U", 0.3),
        ("-t**2", -9.0),
        ("(-t)**2", 9.0),
        ("2**-1", 0.5),
        ("10 - 3 - 2", 5.0),
        ("8/4/2", 1.0),
        ("+d", 0.01),
        ("--d", 0.01),
        ("max(d, 0.02, abs(t))", 3.0),
        ("min(d, 1)", 0.01),
        ("sqrt(d)", 0.1),
        ("1e3 + .5 + 2.", 1002.5),
        ("  d\n * 2", 0.02),
        ("0", 0.0),
    ],
)
def test_a_formula_is_computed_as_written(text: str, expected: float) -> None:
    assert compute(text) == pytest.approx(expected, rel=1e-15)


def test_the_names_of_a_formula_are_known() -> None:
    parsed = expressions.parse("max(d, weights.U) / d")
    assert parsed.names == {"d", "weights.U"}
    assert not parsed.is_constant
    assert expressions.parse("sqrt(2)").is_constant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "d +",
        "(d",
        "d) + (d",
        "d d",
        "1,234",
        "(1, 2)",
        "[1]",
        "{1}",
        "'a'",
        "f'{d}'",
        "d if d else t",
        "d < t",
        "d and t",
        "not d",
        "lambda: 1",
        "d := 1",
        "d = 1",
        "d; t",
        "d // t",
        "d % t",
        "d @ t",
        "d ^ t",
        "~d",
        "d & t",
        "d[0]",
        "d.a.b",
        "1 .real",
        "__import__('os')",
        "open(d)",
        "exec(d)",
        "abs()",
        "abs(d, t)",
        "max(d)",
        "max(*d)",
        "max(d, t, key=abs)",
        "(abs)(d)(t)",
        "True",
        "None",
        "1j",
        "1_000",
        "0x10",
        "1if d else 2",
        "ｄ",
        "d\x00",
        "µ",
        "...",
        "await d",
        "d ** t",
        "2 ** 9",
        "2 ** -9",
        "2 ** 0.5",
        "2 ** (1 + 1)",
        "9**9**9",
        "1e999",
        "9" * 400,
        "d" * 501,
        "(" * 120 + "d" + ")" * 120 + "+" * 260,
        "-" * 100 + "d",
        "+".join("d" * 60),
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.parse(text)


@pytest.mark.parametrize("text", ["abs", "d.__class__", "__import__"])
def test_a_name_is_only_a_name(text: str) -> None:
    assert expressions.parse(text).names == {text}
    with pytest.raises(ExpressionError, match="there is no number for"):
        compute(text)


def test_the_wrong_character_is_named() -> None:
    with pytest.raises(ExpressionError, match=r"character 3, '\^2'.*a power is written \*\*"):
        expressions.parse("d ^2")


@pytest.mark.parametrize(
    "text", ["1/(d - d)", "sqrt(t)", "1e300*1e300", "(1e200)**8", "unknown + 1", "0**-1", "t**0 / 0"]
)
def test_what_has_no_finite_result_is_said(text: str) -> None:
    with pytest.raises(ExpressionError):
        compute(text)


def test_numbers_that_are_not_finite_do_not_get_through() -> None:
    with pytest.raises(ExpressionError, match="the result is nan"):
        expressions.evaluate(expressions.parse("a + 1"), {"a": math.nan})


_LEAVES = st.sampled_from(["d", "t", "load", "2", "0.5", "1e-3"])
_FORMULAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda one: f"-{one}"),
        inner.map(lambda one: f"abs({one})"),
        st.tuples(inner, inner).map(lambda parts: f"max({parts[0]}, {parts[1]})"),
    ),
    max_leaves=12,
)


@given(_FORMULAS)
def test_a_formula_means_what_it_means_in_python(text: str) -> None:
    if len(text) <= expressions.MAX_LENGTH:
        expected = eval(text, {"abs": abs, "max": max}, dict(NUMBERS))
        assert compute(text) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@given(st.text(alphabet="d0t1.+-*/(), maxebsqrU_^=[]'\"\n", max_size=60))
def test_garbage_is_refused_by_a_sentence_or_is_a_formula(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert expressions.parse(text).text == " ".join(text.split())
