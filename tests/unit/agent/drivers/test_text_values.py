"""Texts of channels to values: decimal commas, other bases, words, words for no value, units, bits of quality."""

import re
from dataclasses import replace

import pytest

from kleinmaelzung_agent.drivers.formula import parse
from kleinmaelzung_agent.drivers.text import patterns, values
from kleinmaelzung_agent.drivers.text.forms import Fields, Regex
from kleinmaelzung_agent.drivers.text.patterns import Match, Pattern
from kleinmaelzung_agent.drivers.text.values import Found, TextChannel

COMMA = TextChannel(name="a", decimal=",")
HEX = TextChannel(name="a", type="integer", base=16)
MIXED = TextChannel(name="a", no_value={"OL": "overload", "9999": "no sensor"}, values={"LO": 0.0})
UNIT = TextChannel(name="a", with_unit=True)


@pytest.mark.parametrize(
    ("text", "channel", "found"),
    [
        ("23,45", COMMA, Found(value=23.45)),
        ("- 0,5", COMMA, Found(value=-0.5)),
        ("7", COMMA, Found(value=7.0)),
        ("a.b,c", TextChannel(name="a", type="text", decimal=","), Found(value="a.b,c")),
        ("FF", HEX, Found(value=255)),
        ("0x1f", HEX, Found(value=31)),
        ("FFFE", TextChannel(name="a", type="integer", base=16, is_signed=True), Found(value=-2)),
        ("7FFE", TextChannel(name="a", type="integer", base=16, is_signed=True), Found(value=32766)),
        ("0101", TextChannel(name="a", type="integer", base=2), Found(value=5)),
        ("17", TextChannel(name="a", type="integer", base=8), Found(value=15)),
        ("0100", TextChannel(name="a", base=16, scale=0.1, offset=-5), Found(value=20.6)),
        ("OL", MIXED, Found(value=None, quality="overload")),
        (" OL ", MIXED, Found(value=None, quality="overload")),
        ("+9999.00", MIXED, Found(value=None, quality="no sensor")),
        ("9998.9999", MIXED, Found(value=9998.9999)),
        ("LO", MIXED, Found(value=0.0)),
        ("1.5", MIXED, Found(value=1.5)),
        ("1", TextChannel(name="a", type="text", values={"1": "on"}), Found(value="on")),
        ("2", TextChannel(name="a", type="text", values={"1": "on"}), Found(value="2")),
        ("OPEN", TextChannel(name="a", type="boolean", values={"OPEN": True}), Found(value=True)),
        ("23.4 °C", UNIT, Found(value=23.4, unit="°C")),
        ("-1.5e-3g", UNIT, Found(value=-0.0015, unit="g")),
        ("23.4", UNIT, Found(value=23.4)),
        ("23.4 m/s2", UNIT, Found(value=23.4, unit="m/s2")),
        ("23,4 %", TextChannel(name="a", with_unit=True, decimal=","), Found(value=23.4, unit="%")),
    ],
)
def test_each_text_has_its_value(text: str, channel: TextChannel, found: Found) -> None:
    assert values.read(text, channel) == found


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("1.234,5", COMMA),
        ("1,234.5", COMMA),
        ("1.5", COMMA),  # 1.5 or fifteen hundred?
        ("1,2,3", COMMA),
        ("1,234.5", TextChannel(name="a")),
        ("1,5", TextChannel(name="a")),
        ("1'234", TextChannel(name="a")),
        ("FG", HEX),
        ("-1", HEX),
        ("", HEX),
        ("F_F", HEX),
        ("F" * 16, HEX),
        ("F" * 17, HEX),
        ("2", TextChannel(name="a", type="integer", base=2)),
        ("ol", MIXED),
        ("", MIXED),
        ("1 2 g", UNIT),
        ("1,234 g", UNIT),
        ("1.2.3 g", UNIT),
        ("2x.4 C", UNIT),
        ("4x3", UNIT),
        ("g", UNIT),
        ("nan g", UNIT),
        ("CLOSED", TextChannel(name="a", type="boolean", values={"OPEN": True})),
    ],
)
def test_what_is_no_value_raises(text: str, channel: TextChannel) -> None:
    with pytest.raises(ValueError, match=r"no |neither|more than|a point"):
        values.read(text, channel)


WEIGHT = TextChannel(
    name="weight", quality_group="status", quality_bits={4: "overload", 0: "unstable"}, quality_base=16
)


@pytest.mark.parametrize(
    ("status", "quality"), [("0", {}), ("01", {"weight": "unstable"}), ("11", {"weight": "overload"}), ("02", {})]
)
def test_the_first_bit_that_is_set_says_the_quality(status: str, quality: dict[str, str]) -> None:
    row = Pattern(form=Fields(fields=("status", "weight")))
    assert patterns.read(f"{status},1.5", [row], {"weight": WEIGHT}) == Match(values={"weight": 1.5}, quality=quality)


@pytest.mark.parametrize("line", ["x1,1.5", "-1,1.5", "1.0,1.5"])
def test_a_status_that_is_no_number_makes_no_value(line: str) -> None:
    row = Pattern(form=Fields(fields=("status", "weight")))
    assert patterns.read(line, [row], {"weight": WEIGHT}) is None


def test_one_column_without_a_value_leaves_the_others() -> None:
    row = Pattern(form=Fields(fields=("a", "b", "c")))
    channels = {name: TextChannel(name=name, unit="°C", no_value={"*****": "no sensor"}) for name in "abc"}
    assert patterns.read("1.5,*****,", [row], channels) == Match(
        values={"a": 1.5, "b": None}, units={"a": "°C", "b": "°C"}, quality={"b": "no sensor"}
    )
    assert patterns.read("1.5,****,2", [row], channels) is None, "what cannot be read makes the whole line doubtful"


GAUGE = TextChannel(name="pressure", unit="mbar", formula=parse("m * 10 ** (e - 23)", ["m", "e"]), decimal=",")


def test_a_formula_makes_one_value_of_several_groups() -> None:
    expected = Match(values={"pressure": 1500.0}, units={"pressure": "mbar"})
    row = Pattern(form=Fields(fields=("m", "e"), separator=";"))
    assert patterns.read("1,5;26", [row], {"pressure": GAUGE}) == expected
    assert patterns.read("1,5;", [row], {"pressure": GAUGE}) == Match()


INVERSE = replace(GAUGE, formula=parse("1 / (m * 10 ** (e - 23))", ["m", "e"]))


@pytest.mark.parametrize("line", ["x;26", "1.5;26", "1,5;"])
def test_a_formula_of_what_is_no_number_makes_no_value(line: str) -> None:
    row = Pattern(form=Fields(fields=("m", "e"), separator=";"))
    assert not (patterns.read(line, [row], {"pressure": INVERSE}) or Match()).values


@pytest.mark.parametrize("line", ["0;26", "1,5;9999"])
def test_a_formula_without_a_result_says_so(line: str) -> None:
    row = Pattern(form=Fields(fields=("m", "e"), separator=";"))
    match = patterns.read(line, [row], {"pressure": INVERSE})
    assert match
    assert (match.values, match.quality) == ({"pressure": None}, {"pressure": "no value"})


def test_replies_of_commands_know_decimal_commas_and_what_is_no_value() -> None:
    reply = Pattern(form=Regex(re.compile(r"(?P<a>\S+) (?P<unit>\S+)")))
    assert patterns.read_reply("1,5 g", [reply], ",") == Match(values={"a": 1.5}, units={"a": "g"})
    assert patterns.read_reply("1.5 g", [reply], ",") == Match(values={"a": "1.5"})
    assert patterns.read_reply("1,5 g", [reply]) == Match(values={"a": "1,5"})
    assert patterns.read_reply("+9.9000E+37 V", [reply], no_value=["9.9E37"]) == Match(values={"a": None})
