"""Conditions under which a command may be sent: `temperature < 80 and door == "shut"` read once, judged often. Pure.

    text --parse()--> Interlock --refusal(what the channels said last)--> "" or a sentence

An expression is comparisons joined by `and`: a channel, or `instrument.channel` of the same agent, an operator, and a
number, a text in quotes, true or false. Nothing is ever evaluated as a program.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_wire.frames import Value

MAX_LENGTH: Final = 500
EXPECTED: Final = 'a condition such as "temperature < 80"'

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_EQUALITY: Final = ("==", "!=")
_CHANNEL = r"(?:(?P<instrument>[a-z0-9][a-z0-9_-]{0,31})\.)?(?P<channel>[a-z][a-z0-9_]{0,31})"
_VALUE = r"""(?P<value>[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?|"[^"]*"|'[^']*'|true|false)"""
_COMPARISON = re.compile(rf"\s*{_CHANNEL}\s*(?P<operator><=|>=|==|!=|<|>)\s*{_VALUE}\s*")
_AND = re.compile(r"and\b")


class InterlockError(ValueError):
    """This is no condition; the text is a sentence that says what one looks like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`instrument` is empty for the instrument that has the command."""

    instrument: str
    channel: str
    operator: str
    value: float | str | bool

    @property
    def place(self) -> str:
        return f"{self.instrument}.{self.channel}" if self.instrument else self.channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Interlock:
    """All comparisons must hold."""

    text: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What a channel said last."""

    value: Value
    quality: str
    age_s: float


# What a channel of an instrument said last, and how old that may be; None where it has not said anything.
Look = Callable[[Comparison], tuple[Newest | None, float]]


def parse(text: str) -> Interlock:
    """Raises InterlockError."""
    if len(text) > MAX_LENGTH:
        raise InterlockError(f"expected at most {MAX_LENGTH} characters, found {len(text)}")
    comparisons, at = [], 0
    while True:
        found = _COMPARISON.match(text, at)
        if not found:
            raise InterlockError(f"expected {EXPECTED}, found {text[at:]!r:.60}")
        comparisons.append(_comparison(found))
        at = found.end()
        if at == len(text):
            return Interlock(text=text.strip(), comparisons=tuple(comparisons))
        joined = _AND.match(text, at)
        if not joined:
            raise InterlockError(f'expected "and" or the end, found {text[at:]!r:.60}')
        at = joined.end()


def refusal(interlock: Interlock, look: Look) -> str:
    """Why the command may not be sent, as a sentence; empty where it may."""
    for comparison in interlock.comparisons:
        newest, max_age_s = look(comparison)
        if why := _why_not(comparison, newest, max_age_s):
            return f"interlock {interlock.text!r:.200}: {why}"
    return ""


def _comparison(found: re.Match[str]) -> Comparison:
    value = _value(found["value"])
    if not (type(value) is float or found["operator"] in _EQUALITY):
        raise InterlockError(f"{found['value']:.40} can only be compared by == or !=, found {found['operator']}")
    instrument = found["instrument"] or ""
    return Comparison(instrument=instrument, channel=found["channel"], operator=found["operator"], value=value)


def _value(text: str) -> float | str | bool:
    if text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    number = float(text)
    if not math.isfinite(number):
        raise InterlockError(f"{text:.40} is too large a number")
    return number


def _why_not(comparison: Comparison, newest: Newest | None, max_age_s: float) -> str:
    place = comparison.place
    if newest is None or newest.value is None:
        return f"{place} is not known"
    if newest.age_s > max_age_s:
        return f"{place} is {newest.age_s:.0f} s old, allowed are {durations.show(max_age_s)}"
    if newest.quality != "good":
        return f"{place} is {newest.quality}"
    if not _are_alike(newest.value, comparison.value):
        return f"{place} is {newest.value!r:.60}, which cannot be compared with {comparison.value!r:.60}"
    if not _OPERATORS[comparison.operator](newest.value, comparison.value):
        return f"{place} is {newest.value!r:.60}"
    return ""


def _are_alike(found: Value, wanted: float | str | bool) -> bool:
    if type(wanted) is float:
        return type(found) in (int, float) and math.isfinite(float(found or 0))
    return type(found) is type(wanted)
