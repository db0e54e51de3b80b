"""Formulas: computed as written, and nothing but arithmetic gets in or out."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers import formula
from kleinmaelzung_agent.drivers.formula import FormulaError

NUMBERS = {"raw": 26214, "t": -3.0, "zero": 0.0, "big": 1e308}


def compute(text: str) -> float | None:
    return formula.value(formula.parse(text, NUMBERS), NUMBERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-45 + 175 * raw / 65535", 25.0),
        ("-t**2", -9.0),
        ("(-t)**2", 9.0),
        ("2**-1", 0.5),
        ("2**3**2", 512.0),
        ("4**0.5", 2.0),
        ("10 - 3 - 2", 5.0),
        ("8/4/2", 1.0),
        ("8/4*2", 4.0),
        ("17 % 5 * 2", 4.0),
        ("1 + 2 * 3", 7.0),
        ("--t", -3.0),
        ("+t", -3.0),
        ("2 * -t", 6.0),
        ("max(t, 1, abs(t))", 3.0),
        ("min(t, 1)", -3.0),
        ("sqrt(9) + exp(0) + log(1) + ln(1)", 4.0),
        ("log10(1000) + log2(8)", 6.0),
        ("floor(-0.5)", -1.0),
        ("raw > 26213", 1.0),
        ("raw > 26214", 0.0),
        ("raw >= 26214", 1.0),
        ("raw != 26214", 0.0),
        ("1 + 1 == 2", 1.0),
        ("t < zero", 1.0),
        ("t <= -3", 1.0),
        ("if(t > 0, log(t), -1)", -1.0),
        ("(raw > 0) * (raw < 10)", 0.0),
        ("1e3 + .5 + 2.", 1002.5),
        (" \t\r\nt\n * 2 ", -6.0),
        ("0", 0.0),
    ],
)
def test_a_formula_is_computed_as_written(text: str, expected: float) -> None:
    assert compute(text) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "1 / zero", "raw % zero", "zero ** -1", "sqrt(t)", "log(zero)", "t ** 0.5", "big * 10", "big + big", "big ** 2",
        "exp(raw)", "1 / (big * 10)", "0 * (big * 10)", "min(big * 10, 1)", "raw ** raw ** raw", "zero * log(t)",
        "if(1 / zero, 1, 2)",
    ],
)  # fmt: skip
def test_what_has_no_finite_number_on_the_way_has_no_value(text: str) -> None:
    assert compute(text) is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_name_without_a_finite_number_has_no_value(number: float) -> None:
    parsed = formula.parse("min(raw, 1) + 0 * raw", ["raw"])
    assert formula.value(parsed, {"raw": number}) is None
    assert formula.value(parsed, {}) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "found nothing"),
        (" ", "found nothing"),
        ("raw +", "ends too early"),
        ("(raw", "a ) is missing"),
        ("raw) + (t", "expected the end or an operator, found ')'"),
        ("raw t", "found 't'"),
        ("raw ^ 2", "a power is written **"),
        ("rav * 2", 'the name "rav" is not known here, did you mean "raw"?'),
        ("pow(2, 3)", "there is no function pow"),
        ("abs(t, 1)", "abs takes 1 numbers, found 2"),
        ("max(t)", "max takes 2 to 8 numbers"),
        ("1 < raw < 3", "found a chain"),
        ("1 / 0", "has no finite value"),
        ("raw + 9**9**9", "has no finite value"),
        ("raw + sqrt(-1)", "has no finite value"),
        ("1e999", "too large a number"),
        ("9" * 400, "too large a number"),
        ("raw" + " " * 500, "at most 500 characters"),
        ("(" * 60 + "raw" + ")" * 60, "nested more than 40 deep"),
        ("-" * 60 + "raw", "nested more than 40 deep"),
        ("abs(" * 60 + "raw" + ")" * 60, "nested more than 40 deep"),
        ("raw**" * 60 + "raw", "nested more than 40 deep"),
        ("+".join(["raw"] * 60), "more than 40 parts"),
        ("/".join(["raw"] * 60), "more than 40 parts"),
    ],
)
def test_a_mistake_is_said(text: str, sentence: str) -> None:
    with pytest.raises(FormulaError) as raised:
        formula.parse(text, NUMBERS)
    assert sentence in str(raised.value)


HOSTILE = [
    "__import__('os').system('id')", "().__class__.__bases__[0]", "raw.__class__", "raw.real", "raw[0]",
    "[raw]", "{raw}", "{raw: 1}", "'a'", '"a" * 999999999', "f'{raw}'", "lambda: raw", "raw if raw else 1",
    "raw and t", "not raw", "raw or 1", "raw := 1", "raw = 1", "raw; t", "raw // 2", "raw @ t", "~raw",
    "raw & 1", "raw | 1", "raw << 99999999", "raw >> 1", "1 .real", "1.real", "1j", "1_000", "0x10", "0b1",
    "1if raw else 2", "eval(raw)", "exec(raw)", "open(raw)", "print(raw)", "getattr(raw, t)", "abs", "abs()",
    "(abs)(raw)", "abs(raw)(raw)", "max(*raw)", "max(raw, t, key=abs)", "True", "None", "nan", "inf", "...",
    "await raw", "yield raw", "raw\x00", "raw\\", "raw # t", "µ", "\uff52aw", "raw\xa0+ 1", "\u0661", "\xb2",
    "RAW", "_", "__name__", "raw$", "raw!", "raw?", "`raw`", "%s", "\ud800", "raw, t", "(raw, t)",
    "raw ** ** 2", "* raw", "9**9**9", "9**9**9**9", "10**400", "2**99999999", "exp(exp(exp(9)))",
    "(10**300)**9",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_arithmetic_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(FormulaError):
        formula.parse(text, NUMBERS)


def check(text: str) -> None:
    """It is read or refused, and what is computed is a finite number or none, soon."""
    begun = time.process_time()
    try:
        found = compute(text)
    except FormulaError as error:
        sentence = str(error)
    else:
        sentence = ""
        assert len(text) <= formula.MAX_LENGTH
        assert found is None or (type(found) is float and math.isfinite(found))
    assert len(sentence) < 1000
    assert time.process_time() - begun < 5  # far from what 9**9**9 would take


@given(st.text(max_size=600))
def test_no_text_does_more_than_be_read_or_refused(text: str) -> None:
    check(text)


PARTS = ["raw", "t", "big", "zero", "9", "1e308", ".5", "(", ")", ",", "**", "+", "-", "*", "/", "%", "<", "==", " "]


@given(st.lists(st.sampled_from([*PARTS, *(f"{name}(" for name in formula.FUNCTIONS)]), max_size=120).map("".join))
def test_no_row_of_tokens_does_more_than_be_read_or_refused(text: str) -> None:
    check(text)


FORMULAS = st.recursive(
    st.sampled_from(["raw", "t", "big", "zero", "2", "0.5", "9"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "**", "<", ">="]), inner).map(
            lambda found: f"({found[0]} {found[1]} {found[2]})"
        ),
        st.tuples(st.sampled_from(["sqrt", "exp", "log", "abs", "-"]), inner).map(
            lambda found: f"{found[0]}({found[1]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda found: f"{found[0]}({found[1]}, {found[2]})"
        ),
    ),
    max_leaves=20,
)


@given(FORMULAS)
def test_what_python_would_compute_is_what_is_computed(text: str) -> None:
    """Python's own words for the same, where it has a finite real number for it and for all on the way."""
    try:
        found = compute(text)
    except FormulaError:
        return
    if found is None:
        return
    names: dict[str, object] = {name: float(number) for name, number in NUMBERS.items()}
    names.update({"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "abs": abs, "min": min, "max": max})
    text = text.replace("9", "9.0").replace("2", "2.0")
    expected = eval(text, {"__builtins__": {}}, names)  # a text of our own making
    assert found == pytest.approx(float(expected), rel=1e-12)
