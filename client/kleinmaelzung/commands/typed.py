"""`name=value` as people type it into typed arguments, by what the instrument says of its commands. Pure."""

import math

from kleinmaelzung import Error, Value
from kleinmaelzung_wire.descriptions import Argument, CommandDescription, Description

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class WrongUsage(Error):  # exit code 2
    """What was typed makes no sense; nothing was sent."""


def command(description: Description, name: str) -> CommandDescription:
    """The command of that name. Raises WrongUsage naming those there are."""
    for known in description.commands:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in description.commands)
    raise WrongUsage(f"the instrument has no command {name!r:.40}; it has: {names or 'none'}")


def arguments(known: CommandDescription, typed: list[str]) -> dict[str, Value]:
    """`["mass=20", "unit=g"]` -> `{"mass": 20.0, "unit": "g"}`. Raises WrongUsage with the first mistake."""
    by_name = {argument.name: argument for argument in known.arguments}
    given: dict[str, Value] = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals:
            raise WrongUsage(f"{text!r:.60} is no argument, expected name=value")
        if name not in by_name:
            raise WrongUsage(f"{known.name} has no argument {name!r:.40}; it takes: {', '.join(by_name) or 'none'}")
        if name in given:
            raise WrongUsage(f"{name} is given twice")
        given[name] = _value(by_name[name], value)
    for argument in known.arguments:
        if argument.default is None and argument.name not in given:
            raise WrongUsage(f"{known.name} needs {argument.name}={_expected(argument)}")
    return given


def _value(argument: Argument, text: str) -> Value:
    try:
        value = _parsed(argument, text)
    except ValueError:
        raise WrongUsage(f"{argument.name} is {text!r:.60}, expected {_expected(argument)}") from None
    if isinstance(value, float | int) and not isinstance(value, bool) and not _in_range(argument, value):
        raise WrongUsage(f"{argument.name} is {text}, expected {_expected(argument)}")
    return value


def _parsed(argument: Argument, text: str) -> Value:
    match argument.type:
        case "number":
            return _number(text)
        case "integer":
            return int(text)
        case "boolean" if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        case "choice" if text in argument.choices:
            return text
        case "text":
            return text
    raise ValueError


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _in_range(argument: Argument, value: float) -> bool:
    low = argument.minimum if argument.minimum is not None else -math.inf
    high = argument.maximum if argument.maximum is not None else math.inf
    return low <= value <= high


def _expected(argument: Argument) -> str:
    match argument.type:
        case "boolean":
            return "yes or no"
        case "choice":
            return " or ".join(argument.choices)
        case "text":
            return "a text"
    kind = "a whole number" if argument.type == "integer" else "a number"
    unit = f" in {argument.unit}" if argument.unit else ""
    match argument.minimum, argument.maximum:
        case None, None:
            return kind + unit
        case low, None:
            return f"{kind} from {low:g}{unit}"
        case None, high:
            return f"{kind} up to {high:g}{unit}"
        case low, high:
            return f"{kind} from {low:g} to {high:g}{unit}"
