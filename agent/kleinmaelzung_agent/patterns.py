"""A line of text to channel values, units and quality, as the configured patterns say. Pure.

A pattern is a regular expression that must match the whole line. Its groups are channels, or groups that a channel
names as its `unit_group` or `quality_group`. Lines are at most lines.MAX_LINE long, which bounds what an unlucky
expression can cost; there is no time limit on one match.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value

ChannelType = Literal["number", "integer", "text", "boolean"]

GOOD: Final = "good"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # what 64 bits hold for sure
_WORDS: Final = {
    "1": True,
    "true": True,
    "on": True,
    "yes": True,
    "0": False,
    "false": False,
    "off": False,
    "no": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What one group of a pattern means."""

    name: str
    type: ChannelType = "number"
    unit: str = ""
    label: str = ""
    scale: float = 1.0
    offset: float = 0.0
    unit_group: str = ""
    quality_group: str = ""
    quality: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line that may come. `blank` are the channels which it says have no value now, for example at overload."""

    regex: re.Pattern[str]
    quality: str = GOOD
    reason: str = ""
    blank: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a line says."""

    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    quality: dict[str, str] = field(default_factory=dict)


def read(line: str, patterns: Iterable[Pattern], channels: Mapping[str, Channel]) -> Match | None:
    """What the first matching pattern reads from the line; None where none matches or a value is none."""
    for pattern in patterns:
        found = pattern.regex.fullmatch(line)
        if found:
            return _blank(pattern) if pattern.blank else _read_groups(found.groupdict(), pattern, channels)
    return None


def _blank(pattern: Pattern) -> Match:
    return Match(values=dict.fromkeys(pattern.blank), quality=dict.fromkeys(pattern.blank, pattern.quality))


def _read_groups(groups: Mapping[str, str | None], pattern: Pattern, channels: Mapping[str, Channel]) -> Match | None:
    match = Match()
    for name, text in groups.items():
        channel = channels.get(name)
        if channel is None or text is None:
            continue
        try:
            match.values[name] = convert(text, channel)
        except ValueError:
            return None
        if unit := _unit(groups, channel):
            match.units[name] = unit
        quality = _quality(groups, channel, pattern)
        if quality != GOOD:
            match.quality[name] = quality
    return match


def _unit(groups: Mapping[str, str | None], channel: Channel) -> str:
    return (groups.get(channel.unit_group) or channel.unit)[: frames.MAX_UNIT]


def _quality(groups: Mapping[str, str | None], channel: Channel, pattern: Pattern) -> str:
    word = groups.get(channel.quality_group)
    # A word that nobody explained is kept as it came: it is no reason to call the value good.
    return channel.quality.get(word, word)[: frames.MAX_QUALITY] if word is not None else pattern.quality


def convert(text: str, channel: Channel) -> Value:
    """The value of a channel's text. Raises ValueError for what is no such value."""
    match channel.type:
        case "number":
            return parse_number(text) * channel.scale + channel.offset
        case "integer":
            return _parse_integer(text)
        case "boolean":
            return _parse_boolean(text)
        case "text":
            if len(text) > frames.MAX_VALUE_TEXT:
                raise ValueError(f"text of {len(text)} characters")
            return text


def parse_number(text: str) -> float:
    """A finite number; balances send the sign apart: `"-  0.25"`. Raises ValueError."""
    compact = text.replace(" ", "")
    number = float(compact) if _NUMBER.fullmatch(compact) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r:.40} is no number")
    return number


def _parse_integer(text: str) -> int:
    compact = text.replace(" ", "")
    if not _INTEGER.fullmatch(compact):
        raise ValueError(f"{text!r:.40} is no integer")
    return int(compact)


def _parse_boolean(text: str) -> bool:
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r:.40} is neither true nor false") from None


def read_reply(line: str, patterns: Iterable[Pattern]) -> Match | None:
    """What a command's reply says: its groups as values, `unit` as the unit of all numbers among them."""
    for pattern in patterns:
        found = pattern.regex.fullmatch(line)
        if found:
            groups = {name: text for name, text in found.groupdict().items() if text is not None}
            unit = groups.pop("unit", "")[: frames.MAX_UNIT]
            values = {name: guess(text) for name, text in groups.items()}
            return Match(values=values, units={name: unit for name in values if unit and is_number(values[name])})
    return None


def is_number(value: Value) -> bool:
    return type(value) in (int, float)


def guess(text: str) -> Value:
    """A number where the text reads like one, else the text: `"007"` is a serial number and stays."""
    digits = text.lstrip("+- ")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        return text[: frames.MAX_VALUE_TEXT]
    for parse in (_parse_integer, parse_number):
        try:
            return parse(text)
        except ValueError:
            continue
    return text[: frames.MAX_VALUE_TEXT]
