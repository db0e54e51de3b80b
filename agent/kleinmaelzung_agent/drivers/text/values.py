"""A group's text to a channel's value, unit and quality. Pure. Raises ValueError for what is no value."""

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.channel import Channel, convert, guess, is_number, parse_integer, parse_number, scaled
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value

_HUGE: Final = 1e30  # no quantity of a laboratory
BASES: Final = (10, 16, 8, 2)

_DIGITS = {
    16: re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,16})"),
    8: re.compile(r"([0-7]{1,21})"),
    2: re.compile(r"([01]{1,63})"),
}
_BITS_OF_DIGIT: Final = {16: 4, 8: 3, 2: 1}
# A unit begins with what could not go on with the number, and has digits (m/s2) only where a space is between them:
# "2x.4" is a disturbed 23.4.
_WITH_UNIT = re.compile(r"([+-]?\s*[0-9.,]+(?:[eE][+-]?[0-9]+)?)(?:\s*([^\s0-9.,+-][^0-9]*)|\s+([^\s0-9.,+-].*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChannel(Channel):
    """What one group of a line means."""

    unit_group: str = ""
    formula: Formula | None = None  # of groups; then it has none of its own name
    with_unit: bool = False  # the unit stands behind the number, in the same group
    decimal: str = "."
    base: int = 10
    is_signed: bool = False  # two's complement, as wide as its digits
    values: Mapping[str, Value] = field(default_factory=dict)  # words that mean a value
    no_value: Mapping[str, str] = field(default_factory=dict)  # words or numbers that mean none, and their quality
    quality_group: str = ""
    quality: Mapping[str, str] = field(default_factory=dict)
    quality_bits: Mapping[int, str] = field(default_factory=dict)
    quality_base: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`unit` and `quality` are empty where the text does not say them."""

    value: Value
    unit: str = ""
    quality: str = ""


def read(text: str, channel: TextChannel) -> Found:
    """What the text of a channel's group says."""
    word = text.strip()
    if quality := _quality_of_none(word, channel):
        return Found(value=None, quality=quality)
    if word in channel.values:
        return Found(value=channel.values[word])
    if channel.base != 10:
        number = parse_digits(word, channel.base, is_signed=channel.is_signed)
        return Found(value=scaled(number, channel) if channel.type == "number" else number)
    unit = ""
    if channel.with_unit:
        text, unit = _split_unit(word)
        if quality := _quality_of_none(text, channel):
            return Found(value=None, quality=quality)
    is_numeric = channel.type in ("number", "integer")
    return Found(value=convert(with_point(text, channel.decimal) if is_numeric else text, channel), unit=unit)


def compute(groups: Mapping[str, str | None], channel: TextChannel, formula: Formula) -> Found:
    """What the channel's formula makes of the groups. Raises ValueError where one of them is no number."""
    words = {name: (groups[name] or "").strip() for name in formula.names}
    if quality := next(filter(None, (_quality_of_none(word, channel) for word in words.values())), ""):
        return Found(value=None, quality=quality)
    numbers = {name: _operand(word, channel) for name, word in words.items()}
    found = formulas.value(formula, numbers)
    return Found(value=None, quality=formulas.NO_RESULT) if found is None else Found(value=scaled(found, channel))


def _operand(text: str, channel: TextChannel) -> float:
    if text in channel.values:
        return float(channel.values[text] or 0)  # only a number has a formula, and so have its words
    if channel.base != 10:
        return float(parse_digits(text, channel.base, is_signed=channel.is_signed))
    return parse_number(with_point(text, channel.decimal))


def _quality_of_none(word: str, channel: TextChannel) -> str:
    known = channel.no_value
    return known[key] if known and (key := _same_as(word, known, channel.decimal)) is not None else ""


def _same_as(word: str, keys: Iterable[str], decimal: str) -> str | None:
    """Which of them is the same text, or the same number in another notation: +9.90000000E+37 is 9.9E37."""
    number = _number(word, decimal)
    return next((key for key in keys if word == key or (number is not None and _is_same(number, _key(key)))), None)


@functools.lru_cache(maxsize=1024)  # they are configured
def _key(text: str) -> float | None:
    return _number(text, ".")


def _is_same(number: float, key: float | None) -> bool:
    # What stands for no number may have gone through 32 bits: 9.89999996E+37.
    return key is not None and math.isclose(number, key, rel_tol=1e-7 if abs(key) > _HUGE else 0.0)


def _number(text: str, decimal: str) -> float | None:
    try:
        return parse_number(with_point(text, decimal))
    except ValueError:
        return None


def with_point(text: str, decimal: str) -> str:
    """A number's text with a decimal point. One with both marks could be a thousand times another."""
    if decimal == ".":
        return text
    if "." in text:
        raise ValueError(f"{text!r:.40} has a point, expected a decimal comma")
    return text.replace(",", ".")


def parse_digits(text: str, base: int, *, is_signed: bool = False) -> int:
    """An integer of a base other than 10; signed: two's complement, as wide as its digits."""
    found = _DIGITS[base].fullmatch(text)
    if not found:
        raise ValueError(f"{text!r:.40} is no number of base {base}")
    number, bits = int(found[1], base), len(found[1]) * _BITS_OF_DIGIT[base]
    if is_signed and number >> (bits - 1):
        number -= 1 << bits
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text!r:.40} has more than 63 bits")
    return number


def _split_unit(text: str) -> tuple[str, str]:
    found = _WITH_UNIT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r:.40} is no number with a unit")
    return found[1], (found[2] or found[3] or "")[: frames.MAX_UNIT]


def quality(word: str, channel: TextChannel) -> str:
    """What the text of a quality group says; a word that nobody explained is kept: it is no reason to call it good."""
    if not channel.quality_bits:
        return channel.quality.get(word, word)[: frames.MAX_QUALITY]
    base = channel.quality_base
    bits = _parse_whole(word) if base == 10 else parse_digits(word.strip(), base)
    return next((quality for bit, quality in channel.quality_bits.items() if bits >> bit & 1), "")


def _parse_whole(text: str) -> int:
    """An integer, also one that is written as +1.28000E+02. Raises ValueError."""
    try:
        return parse_integer(text)
    except ValueError:
        number = parse_number(text)
        if not number.is_integer() or abs(number) >= 2**53:
            raise
        return int(number)


def guess_value(text: str, decimal: str, no_value: Iterable[str] = ()) -> Value:
    """A value of a command's reply: a number where the text reads like one, None where it is one of `no_value`."""
    if _same_as(text.strip(), no_value, decimal) is not None:
        return None
    try:
        value = guess(with_point(text, decimal))
    except ValueError:
        return text[: frames.MAX_VALUE_TEXT]
    return value if is_number(value) else text[: frames.MAX_VALUE_TEXT]
