"""Words of a line, and patterns proposed from what a person points at."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.channel import parse_number
from kleinmaelzung_agent.trying import words

BALANCE = ["S S     100.00 g", "S D       9.99 g", "S S    1000.00 g", "S S     -  0.25 g"]


def texts(line: str, decimal: str = ".") -> list[str]:
    return [word.text for word in words.meant(line, decimal)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("S S     100.00 g", ["S", "S", "100.00", "g"]),
        ("T1=+23.4'C;RH=45.0%", ["T1", "=", "+23.4", "'C", ";", "RH", "=", "45.0", "%"]),
        ("N  -  0.25 kg", ["N", "-  0.25", "kg"]),
        ("12:00:01,23.4,45", ["12", ":", "00", ":", "01", ",", "23.4", ",", "45"]),
        ("+1.23456789E+00", ["+1.23456789E+00"]),
        ("5.0 ml/min", ["5.0", "ml/min"]),
        (".5 °C", [".5", "°C"]),
        ("", []),
    ],
)
def test_a_line_is_split_into_what_one_can_point_at(line: str, found: list[str]) -> None:
    assert texts(line) == found


@given(st.text(max_size=60), st.sampled_from([".", ","]))
def test_nothing_of_a_line_is_lost(line: str, decimal: str) -> None:
    assert "".join(word.text for word in words.split(line, decimal)) == line


@pytest.mark.parametrize(
    ("lines", "mark"),
    [
        (["23,45 g"], ","),
        (["23.45 g"], "."),
        (["1,23.45"], "."),
        (["12,34,56"], "."),
        (["T 23,4 H 45,0"], ","),
        (["OK"], "."),
    ],
)
def test_a_decimal_comma_is_told_from_columns(lines: list[str], mark: str) -> None:
    assert words.decimal_mark(lines) == mark


@pytest.mark.parametrize(
    ("line", "value", "unit"),
    [
        ("S S 100.00 g", 2, 3),
        ("ID 7 T 23.5 C", 3, 4),
        ("12:00:01 7.02", 5, None),
        ("42", 0, None),
        ("ES", None, None),
    ],
)
def test_the_value_is_guessed_by_its_unit_then_by_its_decimals(line: str, value: int | None, unit: int | None) -> None:
    found = words.meant(line)
    assert words.guess_value(found) == value
    assert value is None or words.guess_unit(found, value) == unit


def test_the_number_on_the_display_is_found_whatever_its_zeros() -> None:
    found = words.meant("S S     -  0.250 g")
    assert [words.find_seen(found, seen) for seen in ("-0.25", "-0,250", "0.25", "g", "x")] == [2, 2, None, 3, None]


def test_a_pattern_reads_what_it_was_made_of_and_others_of_the_same_form() -> None:
    proposal = words.propose(BALANCE[:2], {2: "weight", 3: "unit"})
    expression = re.compile(proposal.pattern)
    assert proposal.changing == (1,)
    found = [expression.fullmatch(line) for line in BALANCE]
    assert [one and parse_number(one["weight"]) for one in found] == [100.0, 9.99, 1000.0, -0.25]


@pytest.mark.parametrize("line", ["S S     100.0x g", "S I", "ES", "S S     100.00 g 7", "S S     100 00 g", "T S 1 g"])
def test_a_pattern_reads_nothing_else(line: str) -> None:
    pattern = words.propose(BALANCE[:1], {2: "weight", 3: "unit"}).pattern
    assert not re.fullmatch(pattern, line)


def test_a_word_that_nobody_saw_change_must_come_as_it_was() -> None:
    pattern = words.propose(["S S 1.0 g"], {2: "weight"}).pattern
    assert re.fullmatch(pattern, "S S 2.0 g")
    assert not re.fullmatch(pattern, "S D 2.0 g")
    assert not re.fullmatch(pattern, "S S 2.0 kg")


def test_other_numbers_may_be_any_numbers() -> None:
    pattern = words.propose(["12:00:01 T=23.4 H=45"], {7: "temperature"}).pattern
    found = re.fullmatch(pattern, "13:59:07 T=-3.1 H=100")
    assert found
    assert found["temperature"] == "-3.1"


LINE = r"[A-Z]{1,3}[ =:;,]{1,2}[+-]? {0,3}[0-9]{1,4}\.[0-9]{1,2} ?[a-z%°]{0,3}"


@given(st.lists(st.from_regex(LINE, fullmatch=True)))
def test_a_pattern_always_reads_its_first_line(lines: list[str]) -> None:
    if not lines:
        return
    value = words.guess_value(words.meant(lines[0]))
    assert value is not None
    found = re.fullmatch(words.propose(lines, {value: "x"}).pattern, lines[0])
    assert found
    assert parse_number(found["x"]) == parse_number(words.meant(lines[0])[value].text)


@given(st.lists(st.from_regex(LINE, fullmatch=True), min_size=2))
def test_a_pattern_never_reads_another_number_from_any_line(lines: list[str]) -> None:
    meant = words.meant(lines[0])
    value = words.guess_value(meant)
    assert value is not None
    unit = words.guess_unit(meant, value)
    marked = {value: "x"} | ({} if unit is None else {unit: "unit"})
    expression = re.compile(words.propose(lines, marked).pattern)
    for line in lines:
        if found := expression.fullmatch(line):
            numbers = [parse_number(word.text) for word in words.meant(line) if word.kind == "number"]
            assert parse_number(found["x"]) in numbers


@pytest.mark.parametrize("line", ["23.4", "1e5C", "2.3.4C", "23.4C5", "23,4C", "+-23.4C"])
def test_a_unit_takes_nothing_of_its_number(line: str) -> None:
    found = re.fullmatch(words.propose(["12.5C"], {0: "t", 1: "unit"}).pattern, line)
    assert found is None or (found["unit"], found["t"]) == ("C", "2.3.4")  # which is no number, and so no value


def test_numbers_that_ran_into_one_are_read_as_none() -> None:
    pattern = words.propose(["10-20 C"], {1: "t"}).pattern
    assert re.fullmatch(pattern, "10-21 C")
    assert not re.fullmatch(pattern, "1020 C")


def test_units_give_channels_their_names() -> None:
    assert [words.guess_channel(unit) for unit in ("g", "°C", "pH", "mbar", "furlong", "")] == [
        "weight",
        "temperature",
        "ph",
        "pressure",
        "value",
        "value",
    ]
    assert words.written("'C") == "°C"
