"""What a person may do: patterns that are no more than they look, and what of a question is granted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import rights, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import MAX_PATTERNS, ROLES, Rights

levels = st.sampled_from(["a", "b", "+"])
grants = st.sampled_from(["a/a", "a/b", "b/a", "a/+", "b/+", "+/+"])


@given(st.sampled_from(ROLES), st.lists(grants, min_size=1, max_size=3))
def test_rights_come_back_as_they_were(role: rights.Role, patterns: list[str]) -> None:
    made = Rights(role=role, instruments=("+/+", *patterns))
    assert Rights.from_json(made.to_json()) == made


def test_the_exact_text() -> None:
    made = Rights(role="operator", instruments=("pi-1/balance", "pi-2/+"))
    assert made.to_json() == '{"role":"operator","instruments":["pi-1/balance","pi-2/+"]}'


@pytest.mark.parametrize("pattern", ["", "pi-1", "+", "#", "pi-1/#", "+/balance", "pi-1/balance/data", "pi-1/", "P/b"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(WireError, match=r"is no pattern of instruments|is not a name"):
        Rights(role="observer", instruments=(pattern,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"role": "king", "instruments": ["+/+"]}',
        '{"role": "observer", "instruments": []}',
        '{"role": "observer", "instruments": [1]}',
        '{"role": "observer", "instruments": "+/+"}',
        '{"role": "admin", "instruments": ["pi-1/+"]}',
    ],
)
def test_what_is_none_of_ours_gives_no_rights(text: str) -> None:
    with pytest.raises(WireError):
        Rights.from_json(text)


def test_the_number_of_patterns_is_bounded() -> None:
    with pytest.raises(WireError, match="33 patterns"):
        Rights(role="observer", instruments=("a/b",) * (MAX_PATTERNS + 1))


@pytest.mark.parametrize(
    ("pattern", "granted", "narrowed"),
    [
        ("+/+", ["+/+", "a/b"], ["+/+"]),
        ("+/+", ["a/b", "b/+"], ["a/b", "b/+"]),
        ("a/+", ["a/b", "b/+"], ["a/b"]),
        ("a/+", ["a/+"], ["a/+"]),
        ("+/b", ["a/+", "c/b"], ["a/b", "c/b"]),
        ("c/+", ["a/b"], []),
        ("a/b", ["a/+"], ["a/b"]),
    ],
)
def test_what_of_a_pattern_is_granted(pattern: str, granted: list[str], narrowed: list[str]) -> None:
    assert rights.narrowed(pattern, granted) == narrowed


@given(levels, levels, st.lists(grants, max_size=3), st.sampled_from("ab"), st.sampled_from("ab"))
def test_narrowing_loses_nothing_that_is_granted_and_adds_nothing(
    agent: str, instrument: str, granted: list[str], one: str, other: str
) -> None:
    pattern, name = f"{agent}/{instrument}", f"{one}/{other}"
    wanted = topics.matches(pattern, name) and any(topics.matches(grant, name) for grant in granted)
    assert any(topics.matches(each, name) for each in rights.narrowed(pattern, granted)) == wanted
