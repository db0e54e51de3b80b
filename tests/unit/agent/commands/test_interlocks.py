"""Interlocks: what is a condition, what is none, and when it forbids."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.commands import interlocks
from kleinmaelzung_agent.commands.interlocks import Comparison, InterlockError, Newest
from kleinmaelzung_wire.frames import Value


def judge(text: str, value: Value, quality: str = "good", age_s: float = 1.0, max_age_s: float = 5.0) -> str:
    newest = Newest(value=value, quality=quality, age_s=age_s)
    return interlocks.refusal(interlocks.parse(text), lambda _: (newest, max_age_s))


def test_comparisons_are_read_with_their_places() -> None:
    read = interlocks.parse(' temperature <= -8.5e1 and door.state == "shut"and lamp != true')
    assert read.comparisons == (
        Comparison(instrument="", channel="temperature", operator="<=", value=-85.0),
        Comparison(instrument="door", channel="state", operator="==", value="shut"),
        Comparison(instrument="", channel="lamp", operator="!=", value=True),
    )
    assert read.comparisons[1].place == "door.state"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'expected a condition such as "temperature < 80"'),
        ("temperature", "expected a condition such as \"temperature < 80\", found 'temperature'"),
        ("temperature < 80 or x > 1", "expected \"and\" or the end, found 'or x > 1'"),
        ("temperature < 80 and", "expected a condition"),
        ("temperature < 80 android > 1", 'expected "and" or the end'),
        ("80 > temperature", "expected a condition"),
        ("temperature < limit", "expected a condition"),
        ("t < 1e999", "too large a number"),
        ("__import__('os') == 1", "expected a condition"),
        ('door < "shut"', "can only be compared by == or !="),
        ("lamp >= true", "can only be compared by == or !="),
        ("t < nan", "expected a condition"),
        ("t < 1 and " * 100 + "t < 1", "expected at most 500 characters"),
    ],
)
def test_what_is_no_condition_is_said(text: str, sentence: str) -> None:
    with pytest.raises(InterlockError) as raised:
        interlocks.parse(text)
    assert sentence in str(raised.value)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[a-z.]{1,9} ?[<>=!]{1,2} ?[0-9e.'\"a-z]{1,9}( and )?")))
def test_no_text_does_more_than_be_read_or_refused(text: str) -> None:
    try:
        read = interlocks.parse(text)
    except InterlockError:
        return
    for comparison in read.comparisons:
        assert type(comparison.value) in (float, str, bool)
        assert type(comparison.value) is not float or math.isfinite(comparison.value)
        assert comparison.operator in ("<", "<=", ">", ">=", "==", "!=")
        assert comparison.channel in text


@given(
    st.text(max_size=20),
    st.sampled_from(["t < 80", "t == 'x'", "t != true", "i.t >= -1 and t < 2"]),
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
)
def test_any_value_is_judged(quality: str, text: str, value: Value) -> None:
    assert isinstance(judge(text, value, quality), str)


@pytest.mark.parametrize(
    ("text", "value", "is_open"),
    [
        ("t < 80", 79.9, True),
        ("t < 80", 80.0, False),
        ("t <= 80", 80, True),
        ("t > -1", -1, False),
        ("t >= -1", -1, True),
        ("t != 5", 5, False),
        ("t == 5", 5.0, True),
        ("t == 'on'", "on", True),
        ("t == 'on'", "off", False),
        ("t == true", True, True),
        ("t == true", False, False),
        ("t == 1", True, False),
        ("t == true", 1, False),
        ("t < 80", "79", False),
        ("t < 80", math.nan, False),
        ("t != 80", math.nan, False),
        ("t != 80", math.inf, False),
    ],
)
def test_a_comparison_holds_or_not(text: str, value: Value, is_open: bool) -> None:
    assert (judge(text, value) == "") is is_open


def test_what_is_not_known_old_or_bad_forbids() -> None:
    lock = interlocks.parse("t < 80")
    assert interlocks.refusal(lock, lambda _: (None, 5.0)) == "interlock 't < 80': t is not known"
    assert judge("t < 80", None) == "interlock 't < 80': t is not known"
    assert judge("t < 80", 1.0, age_s=5.1) == "interlock 't < 80': t is 5 s old, allowed are 5s"
    assert judge("t < 80", 1.0, quality="unstable") == "interlock 't < 80': t is unstable"
    assert judge("t < 80", 81.0) == "interlock 't < 80': t is 81.0"
    assert judge("t < 80", "hot") == "interlock 't < 80': t is 'hot', which cannot be compared with 80.0"


def test_all_comparisons_must_hold() -> None:
    assert judge("t < 80 and t > 10", 50) == ""
    assert judge("t < 80 and t > 10", 5) == "interlock 't < 80 and t > 10': t is 5"
