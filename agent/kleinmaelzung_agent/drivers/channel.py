"""What an instrument measures: the keys that a channel has in every driver, and text as a channel's value. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, get_args

from kleinmaelzung_agent.alarms.limits import Limits, read_limits
from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value

ChannelType = Literal["number", "integer", "text", "boolean"]

TYPES: Final[Mapping[str, ChannelType]] = {name: name for name in get_args(ChannelType)}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")  # a name of the contract that can also be a pattern's group
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
    """One quantity. A number is `scale` times what the instrument says, plus `offset`."""

    name: str
    type: ChannelType = "number"
    unit: str = ""
    label: str = ""
    scale: float = 1.0
    offset: float = 0.0
    alarm: Limits | None = None


AnyChannel = TypeVar("AnyChannel", bound=Channel)


def read_all(
    table: Table, make: Callable[[Table, dict[str, Any]], AnyChannel], types: Mapping[str, ChannelType] = TYPES
) -> dict[str, AnyChannel]:
    """The tables `[channels.NAME]`; `make` gets each with what is common, and reads what is its driver's own.

    `types` are the words for `type` that a driver has, the first of them the default.
    """
    channels = {name: _read(name, below, make, types) for name, below in table.named_tables("channels").items()}
    if len(channels) > frames.MAX_CHANNELS:
        table.mistake("channels", f"expected at most {frames.MAX_CHANNELS}, found {len(channels)}")
    return channels


def _read(
    name: str,
    table: Table,
    make: Callable[[Table, dict[str, Any]], AnyChannel],
    types: Mapping[str, ChannelType],
) -> AnyChannel:
    if not _NAME.fullmatch(name):
        table.mistakes.append(f"{table.place}: a channel's name is 1 to 32 of a-z 0-9 _, starting with a letter")
    common: dict[str, Any] = {
        "name": name,
        "type": types[table.choice("type", tuple(types), next(iter(types)))],
        "unit": table.text("unit", "", longest=frames.MAX_UNIT),
        "label": table.text("label", ""),
        "scale": table.number("scale", 1.0),
        "offset": table.number("offset", 0.0),
    }
    common["alarm"] = read_limits(table, common["unit"], is_number=common["type"] in ("number", "integer"))
    for key in ("scale", "offset"):
        if key in table and common["type"] != "number":
            table.mistake(key, f'only a channel that is a number has it, this one is "{table.values.get("type")}"')
    channel = make(table, common)
    table.finish()
    return channel


def scaled(number: float, channel: Channel) -> float:
    """Raises ValueError for what is no finite number."""
    return exact.scaled(number, channel.scale, channel.offset)


def convert(text: str, channel: Channel) -> Value:
    """The value of a channel's text. Raises ValueError for what is no such value."""
    match channel.type:
        case "number":
            return scaled(parse_number(text), channel)
        case "integer":
            return parse_integer(text)
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


def parse_integer(text: str) -> int:
    """Raises ValueError."""
    compact = text.replace(" ", "")
    if not _INTEGER.fullmatch(compact):
        raise ValueError(f"{text!r:.40} is no integer")
    return int(compact)


def _parse_boolean(text: str) -> bool:
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r:.40} is neither true nor false") from None


def is_number(value: Value) -> bool:
    return type(value) in (int, float)


def guess(text: str) -> Value:
    """A number where the text reads like one, else the text: `"007"` is a serial number and stays."""
    if text.isdecimal() and len(text) > 1 and text[0] == "0":
        return text[: frames.MAX_VALUE_TEXT]
    for parse in (parse_integer, parse_number):
        try:
            return parse(text)
        except ValueError:
            continue
    return text[: frames.MAX_VALUE_TEXT]
