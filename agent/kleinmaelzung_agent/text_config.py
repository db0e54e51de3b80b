"""The tables of one text instrument to frozen dataclasses; mistakes are collected by the tables.

A text instrument sends lines, unasked (`stream`) or as answers (`poll`, `commands`). Its port may be a device or a
pyserial URL.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from kleinmaelzung_agent import command_text, durations, guard_config, guards, lines, patterns
from kleinmaelzung_agent.interlocks import Interlock
from kleinmaelzung_agent.patterns import Channel, ChannelType, Pattern
from kleinmaelzung_agent.tables import REQUIRED, Table, hint, shown
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.descriptions import Argument, ArgumentType
from kleinmaelzung_wire.frames import Value

# Single bytes or UTF-8: in others a line end could be part of a letter.
ENCODINGS: Final = ("ascii", "utf-8", "latin-1", "cp1252", "cp437", "cp850")
PARITIES: Final = ("none", "even", "odd", "mark", "space")
FLOWS: Final = ("none", "xonxoff", "rtscts")
WHEN_FULL: Final = ("drop-oldest", "stop")

SILENT_AFTER_S: Final = 5.0
TIMEOUT_S: Final = 1.0
COMMAND_TIMEOUT_S: Final = 5.0
FRAME_EVERY_S: Final = 0.1

_CHANNEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")  # a name of the contract that can also be a group's


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """Where an instrument is and how its line is set; the line settings mean nothing to `socket://`."""

    port: str
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "none"
    stopbits: float = 1
    flow: str = "none"

    @property
    def character_s(self) -> float:
        """How long one character is under way."""
        return (1 + self.bytesize + (self.parity != "none") + self.stopbits) / self.baudrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Sent after each opening, and again until the expected answer comes."""

    send: str
    expect: tuple[Pattern, ...] = ()
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    send: str
    every_s: float
    timeout_s: float = TIMEOUT_S
    reply: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    send: str
    label: str = ""
    arguments: tuple[Argument, ...] = ()
    reply: tuple[Pattern, ...] = ()
    refuse: tuple[Pattern, ...] = ()
    timeout_s: float = COMMAND_TIMEOUT_S
    interlocks: tuple[Interlock, ...] = ()
    max_age_s: float | None = None  # of the values that interlocks look at; None: 3 times silent_after
    is_dangerous: bool = False
    is_safe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInstrumentConfig:
    port: PortSettings
    label: str = ""
    terminator: str = "\r\n"
    received_terminator: str = ""  # empty: CR, LF or both
    encoding: str = "ascii"
    silent_after_s: float = SILENT_AFTER_S
    frame_every_s: float = FRAME_EVERY_S
    max_line: int = lines.MAX_LINE
    when_full: str = "drop-oldest"
    channels: dict[str, Channel] = field(default_factory=dict)
    start: tuple[Start, ...] = ()
    polls: tuple[Poll, ...] = ()
    streams: tuple[Pattern, ...] = ()
    commands: dict[str, CommandConfig] = field(default_factory=dict)
    safe_command: str = ""
    safe_after_s: float = guards.SAFE_AFTER_S
    allow_raw: bool = False


def read(table: Table) -> TextInstrumentConfig:
    """The configuration of one instrument."""
    table.choice("driver", ("text",), "text")
    channels = _channels(table)
    polls = tuple(_poll(below, channels) for below in table.tables("poll"))
    config = TextInstrumentConfig(
        label=table.text("label", ""),
        port=_port(table),
        terminator=table.text("terminator", "\r\n", longest=8),
        received_terminator=table.text("received_terminator", "", longest=8),
        encoding=table.choice("encoding", ENCODINGS, "ascii"),
        silent_after_s=_silent_after(table, polls),
        frame_every_s=table.duration("frame_every", FRAME_EVERY_S, minimum=0.01),
        max_line=table.integer("max_line", lines.MAX_LINE, minimum=16, maximum=lines.MAX_LINE),
        when_full=table.choice("when_full", WHEN_FULL, "drop-oldest"),
        channels=channels,
        start=tuple(_start(below) for below in table.tables("start")),
        polls=polls,
        streams=_streams(table, channels),
        commands=_commands(table),
        safe_after_s=table.duration("safe_after", guards.SAFE_AFTER_S, minimum=1.0),
        allow_raw=table.boolean("allow_raw", default=False),
    )
    config = replace(config, safe_command=guard_config.read_safe_command(table, config.commands))
    _check_whole(table, config)
    table.finish()
    return config


def _port(table: Table) -> PortSettings:
    return PortSettings(
        port=_port_name(table),
        baudrate=table.integer("baudrate", 9600, minimum=50, maximum=12_000_000),
        bytesize=table.choice("bytesize", (8, 7, 6, 5), 8),
        parity=table.choice("parity", PARITIES, "none"),
        stopbits=table.choice("stopbits", (1, 1.5, 2), 1),
        flow=table.choice("flow", FLOWS, "none"),
    )


def _port_name(table: Table) -> str:
    port = table.text("port")
    if port == "" and table.values.get("port") == "":
        table.mistake("port", 'expected a device such as "/dev/ttyUSB0" or a URL, found ""')
    if "://" in port and not _is_url(port):
        table.mistake("port", f'expected a URL such as "socket://192.168.1.7:4001", found {shown(port)}')
    return port


def _is_url(port: str) -> bool:
    parts = urlsplit(port)
    try:
        return bool(parts.hostname and parts.port) if parts.scheme in ("socket", "rfc2217") else bool(parts.scheme)
    except ValueError:
        return False


def _silent_after(table: Table, polls: tuple[Poll, ...]) -> float:
    # An instrument that is asked once a minute is not silent after five seconds.
    slowest = min((poll.every_s + poll.timeout_s for poll in polls), default=0.0)
    silent_after = table.duration("silent_after", max(SILENT_AFTER_S, 2 * slowest), minimum=0.1)
    period = min((poll.every_s for poll in polls), default=0.0)
    if silent_after <= period:
        expected = f"more than {durations.show(period)}, the shortest poll.every"
        table.mistake("silent_after", f"expected {expected}, found {durations.show(silent_after)}")
    return silent_after


def _channels(table: Table) -> dict[str, Channel]:
    channels = {name: _channel(name, below) for name, below in table.named_tables("channels").items()}
    if len(channels) > frames.MAX_CHANNELS:
        table.mistake("channels", f"expected at most {frames.MAX_CHANNELS}, found {len(channels)}")
    return channels


def _channel(name: str, table: Table) -> Channel:
    if not _CHANNEL_NAME.fullmatch(name):
        table.mistakes.append(f"{table.place}: a channel's name is 1 to 32 of a-z 0-9 _, starting with a letter")
    channel = Channel(
        name=name,
        type=table.choice("type", get_args(ChannelType), "number"),
        unit=table.text("unit", "", longest=frames.MAX_UNIT),
        label=table.text("label", ""),
        scale=table.number("scale", 1.0),
        offset=table.number("offset", 0.0),
        unit_group=table.text("unit_group", ""),
        quality_group=table.text("quality_group", ""),
        quality=table.texts("quality"),
    )
    for key in ("scale", "offset"):
        if key in table and channel.type != "number":
            table.mistake(key, f'only a channel of type "number" has it, this one is "{channel.type}"')
    if channel.quality and not channel.quality_group:
        table.mistake("quality", "expected a quality_group beside it, which names the pattern's group")
    table.finish()
    return channel


def _start(table: Table) -> Start:
    expect = _regex(table, "expect") if "expect" in table else None
    start = Start(
        send=table.text("send"),
        expect=(Pattern(regex=expect),) if expect else (),
        timeout_s=_timeout(table, TIMEOUT_S),
    )
    table.finish()
    return start


def _poll(table: Table, channels: dict[str, Channel]) -> Poll:
    if "reply" not in table:
        table.mistake("reply", "missing, expected a list of patterns")
    poll = Poll(
        send=table.text("send"),
        every_s=table.duration("every"),
        timeout_s=_timeout(table, TIMEOUT_S),
        reply=_with_blanks([_pattern(below, channels) for below in table.tables("reply")], channels),
    )
    table.finish()
    return poll


def _streams(table: Table, channels: dict[str, Channel]) -> tuple[Pattern, ...]:
    return _with_blanks([_pattern(below, channels) for below in table.tables("stream")], channels)


def _timeout(table: Table, default: float) -> float:
    return table.duration("timeout", default, minimum=0.001)


def _pattern(table: Table, channels: dict[str, Channel]) -> Pattern:
    regex = _regex(table, "pattern")
    known = _known_groups(channels)
    for group in regex.groupindex:
        if group not in known:
            table.mistake("pattern", f'group "{group}" is no channel and no unit_group or quality_group'
                          f"{hint(group, known)}")  # fmt: skip
    pattern = Pattern(regex=regex, quality=table.text("quality", patterns.GOOD, longest=frames.MAX_QUALITY))
    table.finish()
    return pattern


def _known_groups(channels: dict[str, Channel]) -> set[str]:
    extra = {group for channel in channels.values() for group in (channel.unit_group, channel.quality_group)}
    return (set(channels) | extra) - {""}


def _regex(table: Table, key: str) -> re.Pattern[str]:
    text = table.text(key, longest=4096)
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        table.mistake(key, f"not a regular expression: {error}")
        return re.compile("")


def _with_blanks(found: list[Pattern], channels: dict[str, Channel]) -> tuple[Pattern, ...]:
    """Patterns with a quality and no channel of their own say it of all channels that their neighbours fill."""
    filled = tuple(dict.fromkeys(name for pattern in found for name in pattern.regex.groupindex if name in channels))
    return tuple(
        replace(pattern, blank=filled)
        if pattern.quality != patterns.GOOD and not set(pattern.regex.groupindex) & set(channels)
        else pattern
        for pattern in found
    )


def _commands(table: Table) -> dict[str, CommandConfig]:
    commands = {}
    for name, below in table.named_tables("commands").items():
        _check_name(below, name, "a command")
        commands[name] = _command(below)
    return commands


def _command(table: Table) -> CommandConfig:
    arguments = []
    for name, below in table.named_tables("arguments").items():
        _check_name(below, name, "an argument")
        arguments.append(_argument(name, below))
    command = CommandConfig(
        send=table.text("send"),
        label=table.text("label", ""),
        arguments=tuple(arguments),
        reply=tuple(_answer(below, with_reason=False) for below in table.tables("reply")),
        refuse=tuple(_answer(below, with_reason=True) for below in table.tables("refuse")),
        timeout_s=_timeout(table, COMMAND_TIMEOUT_S),
        interlocks=guard_config.read_interlocks(table),
        max_age_s=table.duration("max_age", minimum=0.01) if "max_age" in table else None,
        is_dangerous=table.boolean("dangerous", default=False),
        is_safe=table.boolean("safe", default=False),
    )
    if command.max_age_s is not None and not command.interlocks:
        table.mistake("max_age", "expected an interlock beside it")
    for sentence in command_text.template_mistakes(command.send, command.arguments):
        table.mistake("send", sentence)
    if command.refuse and not command.reply:
        table.mistake("refuse", "expected a reply beside it: without one nobody waits for an answer")
    table.finish()
    return command


def _answer(table: Table, *, with_reason: bool) -> Pattern:
    reason = table.text("reason", REQUIRED, longest=200) if with_reason else ""
    pattern = Pattern(regex=_regex(table, "pattern"), reason=reason)
    table.finish()
    return pattern


def _check_name(table: Table, name: str, what: str) -> None:
    if not topics.NAME.match(name) or name.isdigit():
        sentence = f"{what}'s name is 1 to 32 of a-z 0-9 _ -, starting with a letter or digit"
        table.mistakes.append(f"{table.place}: {sentence}")


def _argument(name: str, table: Table) -> Argument:
    kind = table.choice("type", get_args(ArgumentType))
    is_number = kind in ("number", "integer")
    argument = Argument(
        name=name,
        type=kind,
        unit=table.text("unit", "", longest=frames.MAX_UNIT),
        minimum=table.number("minimum") if is_number and "minimum" in table else None,
        maximum=table.number("maximum") if is_number and "maximum" in table else None,
        choices=table.text_list("choices") if kind == "choice" else [],
    )
    if kind == "choice" and not argument.choices:
        table.mistake("choices", "missing, expected a list of texts")
    if argument.minimum is not None and argument.maximum is not None and argument.minimum > argument.maximum:
        table.mistake("minimum", f"expected at most maximum, {argument.maximum:g}, found {argument.minimum:g}")
    argument = replace(argument, default=_default(table, argument))
    table.finish()
    return argument


def _default(table: Table, argument: Argument) -> Value:
    if "default" not in table:
        return None
    value: Any = table.anything("default")
    try:
        return command_text.check(argument, value)
    except command_text.ArgumentError as error:
        table.mistake("default", str(error))
        return None


def _check_whole(table: Table, config: TextInstrumentConfig) -> None:
    if not table.values.get("poll") and not table.values.get("stream"):
        table.mistakes.append(f"{table.place}: expected [[poll]] or [[stream]], or nobody knows that it is there")
    every = [*config.streams, *(pattern for poll in config.polls for pattern in poll.reply)]
    groups = {group for pattern in every for group in pattern.regex.groupindex}
    for name, channel in config.channels.items():
        _check_filled(table, f"channels.{name}", [name], groups)
        _check_filled(table, f"channels.{name}.unit_group", [channel.unit_group], groups)
        _check_filled(table, f"channels.{name}.quality_group", [channel.quality_group], groups)
    _check_encoding(table, config)


def _check_filled(table: Table, place: str, wanted: Iterable[str], groups: set[str]) -> None:
    for group in wanted:
        if group and group not in groups:
            table.mistakes.append(f'{table.place}.{place}: no pattern has a group "{group}"{hint(group, groups)}')


def _check_encoding(table: Table, config: TextInstrumentConfig) -> None:
    sent = {
        "terminator": config.terminator,
        "received_terminator": config.received_terminator,
        **{f"start[{index}].send": start.send for index, start in enumerate(config.start)},
        **{f"poll[{index}].send": poll.send for index, poll in enumerate(config.polls)},
        **{f"commands.{name}.send": command.send for name, command in config.commands.items()},
    }
    for place, text in sent.items():
        try:
            text.encode(config.encoding)
        except UnicodeEncodeError:
            table.mistakes.append(f"{table.place}.{place}: {shown(text)} cannot be sent in {config.encoding}")
