"""Columns and pairs: what has the form, and what has not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.text.forms import Fields, Groups, Pairs, Regex

ROW = Fields(fields=("", "temperature", "humidity"), head="DATA,")
PAIRS = Pairs(pairs={"T": "temperature", "RH": "humidity"})


@pytest.mark.parametrize(
    ("form", "line", "groups"),
    [
        (ROW, "DATA,12:00,23.4,45", {"temperature": "23.4", "humidity": "45"}),
        (ROW, "DATA,12:00, 23.4 ,", {"temperature": "23.4", "humidity": None}),
        (ROW, 'DATA,"12,00","23.4",45', {"temperature": "23.4", "humidity": "45"}),
        (Fields(fields=("a", "b"), separator=""), "  1   2 ", {"a": "1", "b": "2"}),
        (Fields(fields=("a", "b"), separator="; "), "1; 2", {"a": "1", "b": "2"}),
        (Fields(fields=("a", "b"), separator="\t"), "1\t2", {"a": "1", "b": "2"}),
        (Fields(fields=("a", "...")), "1", {"a": "1"}),
        (Fields(fields=("a", "...")), "1,2,3", {"a": "1"}),
        (Fields(fields=("a", "b", "c")), "1\n2,3", {"a": "1", "b": "2", "c": "3"}),
        (PAIRS, "T=23.4;RH=45", {"temperature": "23.4", "humidity": "45"}),
        (PAIRS, "RH = 45 ; X=1; T = 23.4 ;", {"temperature": "23.4", "humidity": "45"}),
        (PAIRS, "T=;RH=45", {"temperature": None, "humidity": "45"}),
        (PAIRS, "T=a=b", {"temperature": "a=b"}),
        (Pairs(pairs={"T": "t"}, separator="", assign=":"), "T:1 U:2", {"t": "1"}),
        (Pairs(pairs={"T": "t"}, separator=",", head="$"), "$T=1,U=2", {"t": "1"}),
        (Pairs(pairs={"T": "t", "P": "p"}, separator="\n", assign=":"), "T: 1 C\nP: 2", {"t": "1 C", "p": "2"}),
        (Regex(re.compile("(?P<a>.)(?P<b>x)?")), "1", {"a": "1", "b": None}),
    ],
)
def test_what_has_the_form_gives_its_groups(form: Regex | Fields | Pairs, line: str, groups: Groups) -> None:
    assert form.groups(line) == groups


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (ROW, ""),
        (ROW, "DATA"),
        (ROW, "DATA,12:00,23.4"),  # half a line
        (ROW, "DATA,12:00,23.4,45,1"),  # two that ran into one
        (ROW, "ATA,12:00,23.4,45"),
        (ROW, 'DATA,12:00,"23.4,45'),
        (ROW, 'DATA,12:00,"23"4,45'),
        (Fields(fields=("a", "b", "...")), "1"),
        (PAIRS, ""),
        (PAIRS, "X=1"),
        (PAIRS, "T 23.4"),
        (PAIRS, "T=23.4;T=24.4"),
        (PAIRS, "t=23.4"),
    ],
)
def test_what_has_not_the_form_gives_nothing(form: Regex | Fields | Pairs, line: str) -> None:
    assert form.groups(line) is None


@given(st.text(max_size=200), st.sampled_from([",", ";", "", "\t", "ab"]))
def test_no_text_is_a_surprise(text: str, separator: str) -> None:
    Fields(fields=("a", "b"), separator=separator).groups(text)
    Pairs(pairs={"a": "a"}, separator=separator).groups(text)


@given(st.lists(st.text("0123456789.+-", min_size=1, max_size=8), min_size=2, max_size=2), st.integers(0, 20))
def test_a_line_that_lost_its_end_is_never_a_row_with_all_columns_but_the_last(columns: list[str], size: int) -> None:
    line = f"DATA,1,{columns[0]},{columns[1]}"
    found = ROW.groups(line[:size])
    assert found is None or found["temperature"] == columns[0]
