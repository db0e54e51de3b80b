"""The tables of one text instrument to frozen dataclasses; mistakes are collected by the tables.

A text instrument sends lines, unasked (`stream`) or as answers (`poll`, `commands`). Its port may be a device or a
pyserial URL.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table, hint, shown
from kleinmaelzung_agent.drivers import channel, command_text, port_settings, settings
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.settings import CommandConfig, InstrumentConfig, Period
from kleinmaelzung_agent.drivers.text import channel_tables, framing_tables, identity_tables, pattern_tables, patterns
from kleinmaelzung_agent.drivers.text.blocks import ONE_LINE, Extent
from kleinmaelzung_agent.drivers.text.forms import Regex
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.identity_tables import Inquiry
from kleinmaelzung_agent.drivers.text.patterns import Pattern
from kleinmaelzung_agent.drivers.text.values import TextChannel

LONGEST_GAP_S: Final = 1.0  # as long as dialogues wait for silence
DECIMALS: Final = (".", ",")

_THOUSANDS = re.compile(r"\{\w+:[^}]*,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Sent after each opening, and again until the expected answer comes."""

    send: str
    expect: tuple[Pattern, ...] = ()
    timeout_s: float = settings.TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What is sent is first confirmed by a line; only `then`, which is sent after it, brings the answer."""

    confirm: re.Pattern[str]
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    send: str
    period: Period
    reply: tuple[Pattern, ...]
    extent: Extent = ONE_LINE
    handshake: Handshake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCommand(CommandConfig):
    send: str
    reply: tuple[Pattern, ...] = ()
    refuse: tuple[Pattern, ...] = ()
    extent: Extent = ONE_LINE
    handshake: Handshake | None = None
    scales: Mapping[str, float] = field(default_factory=dict)  # of arguments that are sent as integers: value / scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Asked after each command: the instrument's own list of errors. `clear` empties it before."""

    send: str
    none: re.Pattern[str]
    some: re.Pattern[str]
    clear: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(InstrumentConfig):
    port: PortSettings
    framing: Framing = field(default_factory=Framing)
    decimal: str = "."
    echo: bool = False
    gap_s: float = 0.0
    is_on_bus: bool = False
    channels: Mapping[str, TextChannel] = field(default_factory=dict)
    commands: Mapping[str, TextCommand] = field(default_factory=dict)
    inquiry: Inquiry | None = None
    start: tuple[Start, ...] = ()
    polls: tuple[Poll, ...] = ()
    streams: tuple[Pattern, ...] = ()
    blocks: tuple[Extent, ...] = ()  # of the streams of several lines
    errors: Errors | None = None
    no_value: tuple[str, ...] = ()  # in replies of commands

    @property
    def port_key(self) -> str:
        return self.port.same

    @property
    def shared_as(self) -> object:
        return (self.port.line, self.framing, self.gap_s) if self.is_on_bus else None


def read(table: Table) -> TextConfig:
    """The configuration of one instrument."""
    decimal = table.choice("decimal", DECIMALS, ".")
    channels = channel.read_all(table, functools.partial(_channel, decimal=decimal))
    polls = tuple(poll(below, channels, decimal) for below in table.tables("poll"))
    commands = settings.read_commands(table, functools.partial(command, decimal=decimal))
    port = port_settings.read(table)
    config = TextConfig(
        **settings.read_common(table, commands, (poll.period for poll in polls)),
        **line_settings(table),
        **identity_tables.read(table),
        place=port.place,
        port=port,
        decimal=decimal,
        is_on_bus=table.boolean("bus", default=False),
        channels=channels,
        start=tuple(start(below) for below in table.tables("start")),
        polls=polls,
        errors=_errors(table.table("errors")) if "errors" in table else None,
    )
    config = _with_streams(table, config)
    if not table.values.get("poll") and not table.values.get("stream"):
        table.mistakes.append(f"{table.place}: expected [[poll]] or [[stream]], or nobody knows that it is there")
    check_whole(table, config)
    table.finish()
    return config


def line_settings(table: Table, *, terminator: str = "\r\n") -> dict[str, Any]:
    """How lines are sent and come."""
    return {
        "framing": framing_tables.read(table, terminator=terminator),
        "echo": table.boolean("echo", default=False),
        "gap_s": table.duration("gap", 0.0, maximum=LONGEST_GAP_S),
    }


def _channel(table: Table, common: dict[str, Any], *, decimal: str) -> TextChannel:
    return channel_tables.read(
        table, common, make=TextChannel, decimal=decimal, no_value=channel_tables.no_value(table)
    )


def start(table: Table) -> Start:
    """What is sent first."""
    expect = pattern_tables.regex(table, "expect") if "expect" in table else None
    made = Start(
        send=table.text("send"),
        expect=(Pattern(form=Regex(expect)),) if expect else (),
        timeout_s=settings.read_timeout(table),
    )
    table.finish()
    return made


def poll(table: Table, channels: Mapping[str, TextChannel], decimal: str = ".") -> Poll:
    """What is asked again and again."""
    if "reply" not in table:
        table.mistake("reply", "missing, expected a list of patterns")
    known = _known_groups(channels)
    found = [pattern_tables.pattern(below, known, decimal) for below in table.tables("reply")]
    made = Poll(
        send=table.text("send"),
        period=settings.read_period(table),
        reply=_with_blanks(found, channels),
        extent=pattern_tables.extent(table),
        handshake=_handshake(table),
    )
    table.finish()
    return made


def _handshake(table: Table) -> Handshake | None:
    missing = [key for key in ("confirm", "then") if key not in table]
    if len(missing) == 1:
        table.mistake(missing[0], "missing: confirm is the line that comes first, then what is sent after it")
    if missing:
        for key in ("confirm", "then"):  # said above
            table.anything(key)
        return None
    return Handshake(confirm=pattern_tables.regex(table, "confirm"), then=table.text("then"))


def _with_streams(table: Table, config: TextConfig) -> TextConfig:
    known = _known_groups(config.channels)
    below = table.tables("stream")
    extents = [pattern_tables.extent(one, comes_unasked=True) for one in below]
    found = [pattern_tables.pattern(one, known, config.decimal) for one in below]
    blocks = tuple(dict.fromkeys(extent for extent in extents if not extent.is_one_line))
    return replace(config, streams=_with_blanks(found, config.channels), blocks=blocks)


def _known_groups(channels: Mapping[str, TextChannel]) -> set[str]:
    extra = {group for one in channels.values() for group in (one.unit_group, one.quality_group, *_operands(one))}
    return (set(channels) | extra) - {""}


def _operands(one: TextChannel) -> Iterable[str]:
    return one.formula.names if one.formula else ()


def _with_blanks(found: list[Pattern], channels: Mapping[str, TextChannel]) -> tuple[Pattern, ...]:
    """Patterns with a quality and no channel of their own say it of all channels that their neighbours fill."""
    filled = tuple(dict.fromkeys(name for pattern in found for name in _filled(pattern, channels)))
    return tuple(
        replace(pattern, blank=filled)
        if pattern.quality != patterns.GOOD and not _filled(pattern, channels)
        else pattern
        for pattern in found
    )


def _filled(pattern: Pattern, channels: Mapping[str, TextChannel]) -> list[str]:
    names = set(pattern.form.names)
    return [name for name, one in channels.items() if (set(_operands(one)) or {name}) <= names]


def command(table: Table, common: dict[str, Any], *, decimal: str = ".") -> TextCommand:
    """The keys that a command has beside the common ones."""
    found = TextCommand(
        **common,
        send=table.text("send"),
        reply=tuple(pattern_tables.answer(below, decimal) for below in table.tables("reply")),
        refuse=tuple(pattern_tables.refusal(below, decimal) for below in table.tables("refuse")),
        extent=pattern_tables.extent(table),
        handshake=_handshake(table),
        scales=settings.read_scales(table.table("scale"), common["arguments"]),
    )
    sent = [replace(one, type="integer") if one.name in found.scales else one for one in found.arguments]
    for sentence in command_text.template_mistakes(found.send, sent):
        table.mistake("send", sentence)
    if decimal == "," and _THOUSANDS.search(found.send):
        table.mistake("send", "a comma between thousands would be taken for the decimal comma")
    waits = (("refuse", found.refuse), ("lines", not found.extent.is_one_line), ("confirm", found.handshake))
    for key, is_there in waits:
        if is_there and not found.reply:
            table.mistake(key, "expected a reply beside it: without one nobody waits for an answer")
    return found


def _errors(table: Table) -> Errors:
    found = Errors(
        send=table.text("send"),
        none=pattern_tables.regex(table, "none"),
        some=pattern_tables.regex(table, "some"),
        clear=table.text("clear", ""),
    )
    table.finish()
    return found


def check_whole(table: Table, config: TextConfig) -> None:
    """What fits together only as a whole."""
    if config.is_on_bus and config.streams:
        table.mistake("bus", "what speaks by itself has its port for itself: expected [[poll]] and no [[stream]]")
    if config.errors:
        _check_errors(table, config)
    every = [*config.streams, *(pattern for poll in config.polls for pattern in poll.reply)]
    groups = {group for pattern in every for group in pattern.form.names}
    for name, one in config.channels.items():
        own = f"channels.{name}.formula" if one.formula else f"channels.{name}"
        _check_filled(table, own, sorted(_operands(one)) or [name], groups)
        _check_filled(table, f"channels.{name}.unit_group", [one.unit_group], groups)
        _check_filled(table, f"channels.{name}.quality_group", [one.quality_group], groups)
    _check_encoding(table, config)


def _check_errors(table: Table, config: TextConfig) -> None:
    if config.echo:
        table.mistake("echo", "an instrument that is asked for its errors must not echo")
    for name, one in config.commands.items():
        spare = (("refuse", one.refuse), ("lines", not one.extent.is_one_line), ("confirm", one.handshake))
        for key, is_there in spare:
            if is_there:
                table.mistakes.append(
                    f"{table.place}.commands.{name}.{key}: the list of errors tells it: expected none"
                )


def _check_filled(table: Table, place: str, wanted: Iterable[str], groups: set[str]) -> None:
    for group in wanted:
        if group and group not in groups:
            table.mistakes.append(f'{table.place}.{place}: no pattern has a group "{group}"{hint(group, groups)}')


def _check_encoding(table: Table, config: TextConfig) -> None:
    sent = {
        **{f"start[{index}].send": start.send for index, start in enumerate(config.start)},
        **{f"poll[{index}].send": poll.send for index, poll in enumerate(config.polls)},
        **{f"commands.{name}.send": command.send for name, command in config.commands.items()},
        **{f"poll[{index}].then": one.handshake.then for index, one in enumerate(config.polls) if one.handshake},
        **{f"commands.{name}.then": one.handshake.then for name, one in config.commands.items() if one.handshake},
    }
    if config.inquiry:
        sent["identity.send"] = config.inquiry.send
    if config.errors:
        sent |= {"errors.send": config.errors.send, "errors.clear": config.errors.clear}
    for place, text in sent.items():
        try:
            text.encode(config.framing.encoding)
        except UnicodeEncodeError:
            table.mistakes.append(f"{table.place}.{place}: {shown(text)} cannot be sent in {config.framing.encoding}")
