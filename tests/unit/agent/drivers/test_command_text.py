"""Arguments to text: types, ranges, and nothing that could be a second command."""

import math

import pytest

from kleinmaelzung_agent.drivers import command_text
from kleinmaelzung_agent.drivers.command_text import ArgumentError
from kleinmaelzung_wire.descriptions import Argument
from kleinmaelzung_wire.frames import Value

VALUE = Argument(name="value", type="number", unit="g", minimum=0, maximum=220)
COUNT = Argument(name="count", type="integer", default=1)
NOTE = Argument(name="note", type="text")
MODE = Argument(name="mode", type="choice", choices=["fast", "slow"])
IS_ON = Argument(name="on", type="boolean")


def test_arguments_are_formatted_as_the_template_says() -> None:
    assert command_text.fill("TA {value:.4f} g", [VALUE], {"value": 12}) == "TA 12.0000 g"
    assert command_text.fill("{mode} {on:d} {{}}", [MODE, IS_ON], {"mode": "slow", "on": True}) == "slow 1 {}"


def test_a_default_stands_in() -> None:
    assert command_text.fill("N {count}", [COUNT], {}) == "N 1"


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        (VALUE, 220.1, 'argument "value" is 220.1, expected 0 to 220 g'),
        (VALUE, math.nan, 'argument "value" is nan'),
        (VALUE, math.inf, 'argument "value" is inf'),
        (VALUE, True, 'argument "value" is True, expected a number'),
        (VALUE, "12", "argument \"value\" is '12', expected a number"),
        (VALUE, None, 'argument "value" is missing'),
        (COUNT, 1.5, 'argument "count" is 1.5, expected an integer'),
        (COUNT, 10**40, 'argument "count" is'),
        (NOTE, "a\r\nERASE", "control characters"),
        (NOTE, "x" * 2000, "2000 characters"),
        (MODE, "medium", "expected one of fast, slow"),
        (MODE, ["fast"], "expected one of fast, slow"),
        (IS_ON, 1, "expected true or false"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(argument: Argument, value: Value, sentence: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        command_text.fill(f"{{{argument.name}}}", [argument], {argument.name: value})
    assert sentence in str(refused.value)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ArgumentError, match="unknown argument 'valeu', expected value"):
        command_text.fill("{value}", [VALUE], {"valeu": 1})


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{value.real}", "{value.real} is no argument of this command"),
        ("{value[0]}", "{value[0]} is no argument of this command"),
        ("{}", "{} is no argument of this command"),
        ("{valeu}", "{valeu} is no argument of this command"),
        ("{value!r}", "format that is not understood"),
        ("{value:999999999}", "format that is not understood"),
        ("{value:{value}}", "format that is not understood"),
        ("{value:d}", "does not fit"),
        ("{value", "brace"),
        ("T", 'argument "value" is not sent'),
    ],
)
def test_a_template_is_checked_before_it_is_used(template: str, sentence: str) -> None:
    assert sentence in " ".join(command_text.template_mistakes(template, [VALUE]))
