import pytest

from kleinmaelzung.commands import typed
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire.descriptions import Argument, ArgumentType, CommandDescription, Description
from kleinmaelzung_wire.frames import Value


def command(*arguments: Argument) -> CommandDescription:
    return CommandDescription(name="set", arguments=list(arguments))


MASS = Argument(name="mass", type="number", unit="g", minimum=0, maximum=200)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "-1.5e3", -1500.0),
        ("integer", "12", 12),
        ("boolean", "On", True),
        ("boolean", "no", False),
        ("text", "a=b c", "a=b c"),
        ("choice", "fast", "fast"),
    ],
)
def test_each_type_is_read(kind: ArgumentType, text: str, value: Value) -> None:
    known = command(Argument(name="x", type=kind, choices=["fast", "exact"]))
    read = typed.arguments(known, [f"x={text}"])
    assert read == {"x": value}
    assert type(read["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("number", "heavy", "x is 'heavy', expected a number"),
        ("number", "nan", "expected a number"),
        ("integer", "1.5", "expected a whole number"),
        ("boolean", "maybe", "expected yes or no"),
        ("choice", "slow", "expected fast or exact"),
    ],
)
def test_what_is_not_of_the_type_is_said(kind: ArgumentType, text: str, sentence: str) -> None:
    known = command(Argument(name="x", type=kind, choices=["fast", "exact"]))
    with pytest.raises(WrongUsage, match=sentence):
        typed.arguments(known, [f"x={text}"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["mass=201"], "mass is 201, expected a number from 0 to 200 in g"),
        (["mass=-1"], "from 0 to 200"),
        ([], "set needs mass=a number from 0 to 200 in g"),
        (["mass"], "expected name=value"),
        (["mass=1", "mass=2"], "given twice"),
        (["mas=1"], "no argument 'mas'; it takes: mass"),
    ],
)
def test_a_mistake_is_found_before_sending(given: list[str], sentence: str) -> None:
    with pytest.raises(WrongUsage, match=sentence):
        typed.arguments(command(MASS), given)


def test_an_argument_with_a_default_may_be_left_out() -> None:
    assert typed.arguments(command(Argument(name="x", type="integer", default=3)), []) == {}


def test_an_unknown_command_names_those_there_are() -> None:
    description = Description(channels=[], commands=[command()], driver="text")
    with pytest.raises(WrongUsage, match="no command 'tare'; it has: set"):
        typed.command(description, "tare")
