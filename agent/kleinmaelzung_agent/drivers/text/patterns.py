"""A line of text to channel values, units and quality, as the configured patterns say. Pure.

A pattern has a form (forms.py), which the whole line must have. Its groups are channels, or groups that a channel
names as its `unit_group` or `quality_group`. Lines are at most framing.MAX_LINE long, which bounds what an unlucky
expression can cost; there is no time limit on one match.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.drivers.channel import is_number
from kleinmaelzung_agent.drivers.text import values
from kleinmaelzung_agent.drivers.text.forms import Form, Groups
from kleinmaelzung_agent.drivers.text.values import Found, TextChannel
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value

GOOD: Final = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line that may come. `blank` are the channels which it says have no value now, for example at overload."""

    form: Form
    quality: str = GOOD
    reason: str = ""
    blank: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a line says."""

    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    quality: dict[str, str] = field(default_factory=dict)


def read(line: str, patterns: Iterable[Pattern], channels: Mapping[str, TextChannel]) -> Match | None:
    """What the first matching pattern reads from the line; None where none matches or a value is none."""
    for pattern in patterns:
        groups = pattern.form.groups(line)
        if groups is not None:
            return _blank(pattern) if pattern.blank else _read_groups(groups, pattern, channels)
    return None


def _blank(pattern: Pattern) -> Match:
    return Match(values=dict.fromkeys(pattern.blank), quality=dict.fromkeys(pattern.blank, pattern.quality))


def _read_groups(groups: Groups, pattern: Pattern, channels: Mapping[str, TextChannel]) -> Match | None:
    match = Match()
    for name, channel in channels.items():
        try:
            found = _read_channel(groups, channel)
            if found is None:
                continue
            quality = found.quality or _quality(groups, channel, pattern)
        except ValueError:
            return None
        match.values[name] = found.value
        if unit := _unit(groups, channel, found):
            match.units[name] = unit
        if quality != GOOD:
            match.quality[name] = quality
    return match


def _read_channel(groups: Groups, channel: TextChannel) -> Found | None:
    """None where the line says nothing of it. Raises ValueError."""
    if channel.formula:
        is_whole = all(groups.get(name) is not None for name in channel.formula.names)
        return values.compute(groups, channel, channel.formula) if is_whole else None
    text = groups.get(channel.name)
    return None if text is None else values.read(text, channel)


def _unit(groups: Groups, channel: TextChannel, found: Found) -> str:
    return (found.unit or groups.get(channel.unit_group) or channel.unit)[: frames.MAX_UNIT]


def _quality(groups: Groups, channel: TextChannel, pattern: Pattern) -> str:
    word = groups.get(channel.quality_group)
    return (values.quality(word, channel) if word is not None else "") or pattern.quality


def read_reply(
    line: str, patterns: Iterable[Pattern], decimal: str = ".", no_value: Sequence[str] = ()
) -> Match | None:
    """What a command's reply says: its groups as values, `unit` as the unit of all numbers among them."""
    for pattern in patterns:
        groups = pattern.form.groups(line)
        if groups is not None:
            given = {name: text for name, text in groups.items() if text is not None}
            unit = given.pop("unit", "")[: frames.MAX_UNIT]
            found = {name: values.guess_value(text, decimal, no_value) for name, text in given.items()}
            return Match(values=found, units={name: unit for name in found if unit and is_number(found[name])})
    return None


def refusal(line: str, patterns: Iterable[Pattern]) -> str:
    """The reason of the first pattern that matches; empty where none does."""
    return next((pattern.reason for pattern in patterns if pattern.form.groups(line) is not None), "")
