"""The tables of one binary instrument to frozen dataclasses; mistakes are collected by the tables.

A binary instrument sends records, unasked or as answers to what is sent as hexadecimal digits.
"""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table, hint, shown
from kleinmaelzung_agent.drivers import channel, codes, identity, port_settings, settings
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.binary import record_tables, sending
from kleinmaelzung_agent.drivers.binary.records import Record
from kleinmaelzung_agent.drivers.binary.sending import Template, Wrapping
from kleinmaelzung_agent.drivers.channel import Channel
from kleinmaelzung_agent.drivers.codes import Codes
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.health import Words
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.settings import CommandConfig, InstrumentConfig, Period

GAP_S: Final = 0.05  # more than a USB adapter keeps bytes back, 16 ms
_WORDS: Final = Words(
    message="record",
    expected="what the records say",
    unfinished="bytes that are no whole record",
    check="baudrate and records",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryChannel(Channel):
    """What one field means; `source` is its name. Or a formula of several."""

    source: str
    formula: Formula | None = None
    quality_field: str = ""
    quality: Mapping[int, str] = field(default_factory=dict)  # of a whole number
    quality_bits: Mapping[int, str] = field(default_factory=dict)
    invalid: Codes = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Sent after each opening, and again until the expected record comes."""

    send: bytes
    expect: str = ""
    timeout_s: float = settings.TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Who are you? The fields of the record that comes say it."""

    send: bytes
    reply: str
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    send: bytes
    period: Period
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryCommand(CommandConfig):
    send: Template
    scales: Mapping[str, float] = field(default_factory=dict)
    reply: str = ""
    refuse: Mapping[str, str] = field(default_factory=dict)  # a record, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryConfig(InstrumentConfig):
    port: PortSettings
    records: tuple[Record, ...]
    gap_s: float = GAP_S
    wrapping: Wrapping = field(default_factory=Wrapping)
    channels: Mapping[str, BinaryChannel] = field(default_factory=dict)
    commands: Mapping[str, BinaryCommand] = field(default_factory=dict)
    inquiry: Inquiry | None = None
    start: tuple[Start, ...] = ()
    polls: tuple[Poll, ...] = ()
    streams: tuple[str, ...] = ()

    @property
    def words(self) -> Words:
        return _WORDS

    @property
    def port_key(self) -> str:
        return self.port.same

    @property
    def is_strong(self) -> bool:
        """Whether its records can be found in the middle of anything."""
        return all(record.is_strong for record in self.records)


def read(table: Table) -> BinaryConfig:
    """The configuration of one instrument."""
    records = record_tables.read(table)
    names = tuple(record.name for record in records)
    numbers = tuple(one.name for record in records for one in record.fields if not one.format.endswith("s"))
    channels = channel.read_all(table, functools.partial(_channel, numbers))
    polls = tuple(_poll(below, names) for below in table.tables("poll"))
    commands = settings.read_commands(table, functools.partial(_command, names))
    inquiry, expected = _identity(table.table("identity"), records) if "identity" in table else (None, None)
    port = port_settings.read(table)
    config = BinaryConfig(
        **settings.read_common(table, commands, (poll.period for poll in polls)),
        place=port.port,
        port=port,
        records=records,
        gap_s=table.duration("gap", GAP_S, minimum=0.002, maximum=10.0),
        wrapping=_wrapping(table.table("sent")),
        channels=channels,
        identity=expected,
        inquiry=inquiry,
        start=tuple(_start(below, names) for below in table.tables("start")),
        polls=polls,
        streams=_streams(table, names, is_polled=bool(polls)),
    )
    _check_whole(table, config)
    table.finish()
    return config


def _channel(numbers: Collection[str], table: Table, common: dict[str, Any]) -> BinaryChannel:
    made = BinaryChannel(
        **common,
        source=table.text("field", "" if "formula" in table else common["name"]),
        formula=_formula(table, numbers) if "formula" in table else None,
        quality_field=table.text("quality_field", ""),
        quality=codes.qualities(table),
        quality_bits=codes.quality_bits(table),
        invalid=codes.read(table, is_number=common["type"] in ("number", "integer")),
    )
    for key in ("quality", "quality_bits"):
        if key in table and not made.quality_field:
            table.mistake(key, "expected a quality_field beside it")
    return made


def _formula(table: Table, numbers: Collection[str]) -> Formula | None:
    for key in ("field", "invalid"):
        if key in table:
            table.mistake(key, "expected either a formula or this, found both")
    if table.values.get("type", "number") != "number":
        table.mistake("formula", 'only a channel of type "number" has it')
    try:
        found = formulas.parse(table.text("formula"), numbers)
        if not found.names:
            table.mistake("formula", "expected names of fields in it, or it says nothing of what comes")
        return found
    except formulas.FormulaError as error:
        table.mistake("formula", str(error))
        return None


def _streams(table: Table, names: Collection[str], *, is_polled: bool) -> tuple[str, ...]:
    if "stream" not in table:
        return () if is_polled else tuple(names)
    found = tuple(table.text_list("stream"))
    for name in found:
        _check_known(table, "stream", name, names)
    return found


def _check_known(table: Table, key: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        table.mistake(key, f"there is no record {shown(name)}{hint(name, names)}")


def _record(table: Table, key: str, names: tuple[str, ...], default: str) -> str:
    name = table.text(key, default)
    if name != default or key in table:
        _check_known(table, key, name, names)
    return name


def _poll(table: Table, names: tuple[str, ...]) -> Poll:
    poll = Poll(
        send=record_tables.bytes_of(table, "send"),
        period=settings.read_period(table),
        reply=_record(table, "reply", names, names[0] if names else ""),
    )
    table.finish()
    return poll


def _identity(table: Table, records: tuple[Record, ...]) -> tuple[Inquiry, dict[str, str]]:
    names = tuple(record.name for record in records)
    inquiry = Inquiry(
        send=record_tables.bytes_of(table, "send"),
        reply=_record(table, "reply", names, names[0] if names else ""),
        timeout_s=settings.read_timeout(table),
    )
    said = [one.name for record in records if record.name == inquiry.reply for one in record.fields]
    expected = identity.read_expected(table, said)
    identity.check_said(table, said, ("send", "reply", "timeout"))
    return inquiry, expected


def _start(table: Table, names: tuple[str, ...]) -> Start:
    start = Start(
        send=record_tables.bytes_of(table, "send"),
        expect=_record(table, "expect", names, ""),
        timeout_s=settings.read_timeout(table),
    )
    table.finish()
    return start


def _command(names: tuple[str, ...], table: Table, common: dict[str, Any]) -> BinaryCommand:
    command = BinaryCommand(
        **common,
        send=_template(table),
        scales=settings.read_scales(table.table("scale"), common["arguments"]),
        reply=_record(table, "reply", names, ""),
        refuse={name: word for one in table.tables("refuse") for name, word in [_refusal(one, names)]},
    )
    for sentence in sending.mistakes(command.send, command.arguments):
        table.mistake("send", sentence)
    if command.refuse and not command.reply:
        table.mistake("refuse", "expected a reply beside it: without one nobody waits for an answer")
    return command


def _refusal(table: Table, names: tuple[str, ...]) -> tuple[str, str]:
    found = table.text("record"), table.text("reason", longest=200)
    _check_known(table, "record", found[0], names)
    table.finish()
    return found


def _template(table: Table) -> Template:
    try:
        return sending.parse(table.text("send"))
    except ValueError as error:
        table.mistake("send", str(error))
        return ()


def _wrapping(table: Table) -> Wrapping:
    wrapping = Wrapping(
        header=record_tables.bytes_of(table, "header", ""),
        end=record_tables.bytes_of(table, "end", ""),
        escape=record_tables.escape(table),
        record_sum=record_tables.record_sum(table, b""),
    )
    table.finish()
    return wrapping


def _check_whole(table: Table, config: BinaryConfig) -> None:
    if not config.polls and not config.streams:
        table.mistakes.append(f"{table.place}: expected [[poll]] or a stream, or nobody knows that it is there")
    there = {one.name for record in config.records for one in record.fields}
    for name, one in config.channels.items():
        for key, wanted in (("field", one.source), ("quality_field", one.quality_field)):
            if wanted and wanted not in there:
                place = f"{table.place}.channels.{name}.{key}"
                table.mistakes.append(f"{place}: no record has a field {shown(wanted)}{hint(wanted, there)}")
