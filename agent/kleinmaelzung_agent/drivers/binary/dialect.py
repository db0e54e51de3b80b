"""Instruments that speak in binary records: what is sent, and what a record says. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kleinmaelzung_agent.drivers import channel as channels
from kleinmaelzung_agent.drivers import command_text, exact, identity
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.binary import sending
from kleinmaelzung_agent.drivers.binary.config import BinaryChannel, BinaryCommand, BinaryConfig, Start
from kleinmaelzung_agent.drivers.binary.gaps import GapSplitter
from kleinmaelzung_agent.drivers.binary.records import Message, Raw, Records
from kleinmaelzung_agent.drivers.codes import INVALID
from kleinmaelzung_agent.drivers.conversation import SILENCE_S, Splitter
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.dialect import Manner, Request
from kleinmaelzung_agent.drivers.driver import RefusedError, configured, reply
from kleinmaelzung_agent.drivers.frame_splitter import FrameSplitter
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Command, Reply


class BinaryDialect:
    """A dialect.Dialect whose messages are records."""

    def __init__(self, config: BinaryConfig) -> None:
        self._config = config
        self._records = Records(config.records)
        self.manner = Manner(
            port=config.port,
            periods=[poll.period for poll in config.polls],
            encoding="latin-1",
            is_unasked=bool(config.streams),
            gap_s=0.0 if config.is_strong else config.gap_s,
            silence_s=SILENCE_S if config.is_strong else config.gap_s,
        )

    def splitter(self, counters: Counters) -> Splitter:
        if self._config.is_strong:
            return FrameSplitter(self._records, counters)
        has_headers = all(record.header for record in self._config.records)
        return GapSplitter(self._records, counters, has_headers=has_headers)

    def identity(self) -> Request | None:
        inquiry = self._config.inquiry
        if inquiry is None:
            return None

        def match(message: Message, taken_ns: int) -> Mapping[str, str] | None:
            said = {name: _said(raw) for name, raw in message.values.items()}
            return identity.tidy(said) if message.record == inquiry.reply else None

        outgoing = sending.wrap(self._config.wrapping, inquiry.send)
        return Request(outgoing=outgoing, match=match, timeout_s=inquiry.timeout_s)

    def starts(self) -> Sequence[Request]:
        return [self._start(start) for start in self._config.start]

    def _start(self, start: Start) -> Request:
        def match(message: Message, taken_ns: int) -> Message | None:
            return message if message.record == start.expect else None

        outgoing = sending.wrap(self._config.wrapping, start.send)
        return Request(outgoing=outgoing, match=match if start.expect else None, timeout_s=start.timeout_s)

    def poll(self, index: int) -> Request:
        poll = self._config.polls[index]

        def match(message: Message, taken_ns: int) -> Reading | None:
            return read(message, self._config.channels, taken_ns) if message.record == poll.reply else None

        outgoing = sending.wrap(self._config.wrapping, poll.send)
        return Request(outgoing=outgoing, match=match, timeout_s=poll.period.timeout_s)

    def unasked(self, message: Message, taken_ns: int) -> Reading | None:
        if message.record not in self._config.streams:
            return None
        return read(message, self._config.channels, taken_ns)

    def command(self, command: Command) -> Request:
        config = configured(self._config.commands, command)
        try:
            given = command_text.checked(config.arguments, command.arguments)
            content = sending.fill(config.send, given, config.scales)
        except ValueError as error:
            raise RefusedError(str(error)) from error

        def match(message: Message, taken_ns: int) -> Reply | None:
            return self._replied(command, config, message)

        outgoing = sending.wrap(self._config.wrapping, content)
        return Request(outgoing=outgoing, match=match if config.reply else None, timeout_s=config.timeout_s)

    def _replied(self, command: Command, config: BinaryCommand, message: Message) -> Reply | None:
        if message.record in config.refuse:
            return reply(command, "failed", config.refuse[message.record])
        if message.record != config.reply:
            return None
        found = read(message, self._config.channels, 0)
        values: dict[str, Value] = {name: value for name, value in found.values.items() if value is not None}
        units = {name: unit for name, unit in found.units.items() if name in values}
        return replace(reply(command, "done"), values=values, units=units)


def _said(raw: Raw) -> str:
    return raw.partition(b"\0")[0].decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)


def read(message: Message, wanted: Mapping[str, BinaryChannel], taken_ns: int) -> Reading:
    """The values of all channels whose fields the record has."""
    there = [channel for channel in wanted.values() if _is_said(channel, message.values)]
    values: dict[str, Value] = {}
    quality: dict[str, str] = {}
    for channel in there:
        values[channel.name], word = _found(message.values, channel)
        word = word or _quality(channel, message.values)
        if word:
            quality[channel.name] = word
    units = {one.name: one.unit for one in there if one.unit and values[one.name] is not None}
    return Reading(values=values, units=units, quality=quality, taken_ns=taken_ns)


def _is_said(channel: BinaryChannel, values: Mapping[str, Raw]) -> bool:
    return all(name in values for name in (channel.formula.names if channel.formula else (channel.source,)))


def _found(values: Mapping[str, Raw], channel: BinaryChannel) -> tuple[Value, str]:
    if channel.formula is None:
        return _value(values[channel.source], channel)
    numbers = {name: float(values[name]) for name in channel.formula.names}
    found = formulas.value(channel.formula, numbers)
    return (None, formulas.NO_RESULT) if found is None else _value(found, channel)


def _value(raw: Raw, channel: BinaryChannel) -> tuple[Value, str]:
    """A channel's value, or none and why."""
    if word := next((word for code, word in channel.invalid if raw == code), ""):
        return None, word
    try:
        return _converted(raw, channel), ""
    except (ValueError, OverflowError):
        return None, INVALID


def _converted(raw: Raw, channel: BinaryChannel) -> Value:
    if isinstance(raw, bytes):
        text = raw.partition(b"\0")[0].decode("ascii").strip()
        if not text.isprintable():
            raise ValueError(f"{text!r:.40} is no text")
        return channels.convert(text, channel)
    match channel.type:
        case "number":
            return exact.scaled(raw, channel.scale, channel.offset)
        case "boolean":
            return bool(raw)
        case "integer":
            if raw != raw // 1 or not -(2**63) <= raw < 2**63:
                raise ValueError(f"{raw!r} is no integer")
            return int(raw)
    return str(raw)


def _quality(channel: BinaryChannel, values: Mapping[str, Raw]) -> str:
    status = values.get(channel.quality_field) if channel.quality_field else None
    if not isinstance(status, int):
        return ""
    if channel.quality_bits:
        return next((word for bit, word in channel.quality_bits.items() if status >> bit & 1), "")
    # A number that nobody explained is kept as it came: it is no reason to call the value good.
    word = channel.quality.get(status, f"status {status}")
    return "" if word == "good" else word[: frames.MAX_QUALITY]
