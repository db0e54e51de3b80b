"""Lines to values."""

import re

import pytest

from kleinmaelzung_agent.drivers.channel import ChannelType, convert
from kleinmaelzung_agent.drivers.text import patterns
from kleinmaelzung_agent.drivers.text.forms import Regex
from kleinmaelzung_agent.drivers.text.patterns import Match, Pattern
from kleinmaelzung_agent.drivers.text.values import TextChannel

WEIGHT = TextChannel(
    name="weight", unit="kg", unit_group="unit", quality_group="stable", quality={"S": "good", "D": "unstable"}
)
VALUE = Pattern(form=Regex(re.compile(r"S (?P<stable>\w) +(?P<weight>\S+)(?: (?P<unit>\S+))?")))
OVERLOAD = Pattern(form=Regex(re.compile(r"S \+")), quality="overload", blank=("weight",))


def read(line: str) -> Match | None:
    return patterns.read(line, [VALUE, OVERLOAD], {"weight": WEIGHT})


def test_groups_become_value_unit_and_quality() -> None:
    assert read("S S   12.50 g") == Match(values={"weight": 12.5}, units={"weight": "g"})
    assert read("S D 12.50 g") == Match(values={"weight": 12.5}, units={"weight": "g"}, quality={"weight": "unstable"})


def test_without_its_group_the_unit_is_the_channels() -> None:
    assert read("S S 1") == Match(values={"weight": 1.0}, units={"weight": "kg"})


def test_a_quality_that_nobody_explained_is_kept() -> None:
    match = read("S X 1 g")
    assert match
    assert match.quality == {"weight": "X"}


def test_a_pattern_without_channels_says_its_quality_of_all() -> None:
    assert read("S +") == Match(values={"weight": None}, quality={"weight": "overload"})


@pytest.mark.parametrize(
    "line", ["", "S S 1 g ", "xS S 1 g", "S S 1.2.3 g", "S S nan g", "S S 1e999 g", "S S 1_0 g", "S S ١ g"]
)
def test_what_is_no_value_is_no_match(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    ("text", "channel", "value"),
    [
        ("-  0.25", TextChannel(name="a"), -0.25),
        ("1.5e-3", TextChannel(name="a"), 0.0015),
        ("10", TextChannel(name="a", scale=0.5, offset=1.0), 6.0),
        ("+42", TextChannel(name="a", type="integer"), 42),
        ("ON", TextChannel(name="a", type="boolean"), True),
        ("0", TextChannel(name="a", type="boolean"), False),
        ("a b", TextChannel(name="a", type="text"), "a b"),
    ],
)
def test_each_type_has_its_texts(text: str, channel: TextChannel, value: object) -> None:
    found = convert(text, channel)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "type_"), [("1.5", "integer"), ("9" * 19, "integer"), ("maybe", "boolean"), ("x" * 2000, "text")]
)
def test_what_does_not_fit_its_type_raises(text: str, type_: ChannelType) -> None:
    with pytest.raises(ValueError, match=r"no integer|neither|characters"):
        convert(text, TextChannel(name="a", type=type_))


def test_a_reply_gives_numbers_with_the_unit_and_leaves_serial_numbers_alone() -> None:
    reply = Pattern(form=Regex(re.compile(r"(?P<tare>\S+) (?P<unit>\S+) (?P<serial>\S+)")))
    assert patterns.read_reply("12.50 g 00712", [reply]) == Match(
        values={"tare": 12.5, "serial": "00712"}, units={"tare": "g"}
    )
