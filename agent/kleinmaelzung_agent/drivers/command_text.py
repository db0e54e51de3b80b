"""A command's arguments to the text that is sent, checked on the way. Pure.

`template_mistakes()` looks at `send = "TA {value:.4f} g"` once, when the configuration is read; after that `fill()`
can format without a surprise: a field is the plain name of an argument, so there is no way to attributes or items.
"""

import math
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_wire.descriptions import Argument
from kleinmaelzung_wire.frames import Value

MAX_TEXT = 1024
_LARGEST: Final = 10**15  # what is scaled stays exact

# Widths and precisions of at most three digits: "{value:999999999}" would fill the memory.
_FORMAT = re.compile(r"(?:.?[<>^=])?[-+ ]?#?0?[0-9]{0,3},?(?:\.[0-9]{1,2})?[a-zA-Z%]?")


class ArgumentError(ValueError):
    """An argument is not what the command takes; the text is a sentence for the caller."""


def template_mistakes(send: str, arguments: Sequence[Argument]) -> list[str]:
    """What is wrong with a template, as sentences."""
    names = {argument.name for argument in arguments}
    try:
        fields = [field for field in string.Formatter().parse(send) if field[1] is not None]
    except ValueError as error:
        return [f"expected text with {{argument}}, where a plain brace is doubled: {error}"]
    mistakes = [mistake for field in fields if (mistake := _field_mistake(field, names))]
    mistakes += [f'argument "{name}" is not sent, expected {{{name}}}' for name in names - {f[1] for f in fields}]
    return mistakes or _trial_mistakes(send, arguments)


def _field_mistake(field: tuple[str, str | None, str | None, str | None], names: set[str]) -> str:
    _, name, spec, conversion = field
    if name not in names:
        return f"{{{name}}} is no argument of this command"
    if conversion or not _FORMAT.fullmatch(spec or ""):
        return f"{{{name}}} has a format that is not understood, expected one such as {{{name}:.4f}}"
    return ""


def _trial_mistakes(send: str, arguments: Sequence[Argument]) -> list[str]:
    samples: dict[str, Value] = {"number": 1.0, "integer": 1, "boolean": True, "text": "x", "choice": "x"}
    try:
        send.format_map({argument.name: samples[argument.type] for argument in arguments})
    except (ValueError, TypeError, IndexError, KeyError) as error:
        return [f"the format does not fit its argument's type: {error}"]
    return []


class _WithComma(float):
    """A number that is written with a decimal comma."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).replace(".", ",")


def fill(
    send: str,
    arguments: Sequence[Argument],
    given: Mapping[str, Value],
    decimal: str = ".",
    scales: Mapping[str, float] | None = None,
) -> str:
    """The text to send; an argument with a scale as the nearest integer of value / scale.

    Raises ArgumentError for arguments that are missing, unknown, mistyped or out of range.
    """
    found = checked(arguments, given)
    for name, scale in (scales or {}).items():
        found[name] = _steps(name, found[name], scale)
    if decimal != ".":
        found = {name: _WithComma(value) if type(value) is float else value for name, value in found.items()}
    return send.format_map(found)


def _steps(name: str, value: Value, scale: float) -> int:
    assert isinstance(value, (int, float)), "only numbers have a scale"
    try:
        return exact.step(value, scale, 0.0, (-_LARGEST, _LARGEST), rounds=True)
    except ValueError:
        raise ArgumentError(f'argument "{name}" is {value!r:.60}, which is too large') from None


def checked(arguments: Sequence[Argument], given: Mapping[str, Value]) -> dict[str, Value]:
    """All arguments' values. Raises ArgumentError for those that are missing, unknown, mistyped or out of range."""
    names = [argument.name for argument in arguments]
    for name in given:
        if name not in names:
            raise ArgumentError(f"unknown argument {name!r:.40}, expected {', '.join(names) or 'none'}")
    return {argument.name: check(argument, given.get(argument.name)) for argument in arguments}


def check_terminator(given: Mapping[str, Value], terminator: str) -> None:
    """Raises ArgumentError for a text that would end what is sent, and begin a command of its own."""
    for name, value in given.items():
        if isinstance(value, str) and terminator and terminator in value:
            raise ArgumentError(f'argument "{name}" is {value!r:.60}, what ends a command is not allowed in it')


def check(argument: Argument, value: Value) -> Value:
    """The value as it is formatted: numbers as float. Raises ArgumentError."""
    if value is None:
        value = argument.default
    if value is None:
        raise ArgumentError(f'argument "{argument.name}" is missing')
    match argument.type:
        case "number":
            return _check_range(argument, float(_check_type(argument, value, (int, float), "a number")))
        case "integer":
            return _check_range(argument, _check_type(argument, value, (int,), "an integer"))
        case "boolean":
            return bool(_check_type(argument, value, (bool,), "true or false"))
        case "choice":
            if value not in argument.choices:
                raise ArgumentError(f"{_found(argument, value)}, expected one of {', '.join(argument.choices)}")
            return value
        case "text":
            return _check_text(argument, _check_type(argument, value, (str,), "a text"))


def _check_type(argument: Argument, value: Value, wanted: tuple[type, ...], expected: str) -> Any:
    if type(value) not in wanted:  # type() and not isinstance(): true is no number
        raise ArgumentError(f"{_found(argument, value)}, expected {expected}")
    return value


def _check_range(argument: Argument, value: float) -> float:
    is_low = argument.minimum is not None and value < argument.minimum
    is_high = argument.maximum is not None and value > argument.maximum
    if is_low or is_high or not math.isfinite(value) or abs(value) > 1e30:
        raise ArgumentError(f"{_found(argument, value)}, expected {_range(argument)}")
    return value


def _check_text(argument: Argument, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ArgumentError(f'argument "{argument.name}" has {len(text)} characters, allowed are {MAX_TEXT}')
    if not text.isprintable():  # a line end within would be a second command
        raise ArgumentError(f"{_found(argument, text)}, control characters are not allowed")
    return text


def _range(argument: Argument) -> str:
    unit = f" {argument.unit}" if argument.unit else ""
    match argument.minimum, argument.maximum:
        case None, None:
            return f"a finite number{unit and f' in{unit}'}"
        case low, None:
            return f"at least {low:g}{unit}"
        case None, high:
            return f"at most {high:g}{unit}"
        case low, high:
            return f"{low:g} to {high:g}{unit}"


def _found(argument: Argument, value: Value) -> str:
    return f'argument "{argument.name}" is {value!r:.60}'
