"""The tables of one I2C instrument to frozen dataclasses; mistakes are collected by the tables."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table, shown
from kleinmaelzung_agent.drivers import channel, formula, settings
from kleinmaelzung_agent.drivers.channel import ChannelType
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.health import Words
from kleinmaelzung_agent.drivers.i2c import steps
from kleinmaelzung_agent.drivers.i2c.steps import Step
from kleinmaelzung_agent.drivers.i2c.values import Conditions, I2cChannel
from kleinmaelzung_agent.drivers.settings import CommandConfig, InstrumentConfig, Period
from kleinmaelzung_wire import frames

TIMEOUT_S: Final = 1.0  # beside the waits
LOWEST, HIGHEST = 0x03, 0x77  # the others have a meaning of their own
MAX_COMPUTED: Final = 64
_TYPES: Final[Mapping[str, ChannelType]] = {"number": "number", "integer": "integer", "boolean": "boolean"}
WORDS: Final = Words(
    message="answer",
    expected="right by its checksum or its count",
    unfinished="a part of an answer",
    check="wires, pull-ups, and wait, read and crc in the configuration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What is read together, and the channels that it fills."""

    steps: tuple[Step, ...]
    period: Period
    channels: tuple[I2cChannel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class I2cCommand(CommandConfig):
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class I2cConfig(InstrumentConfig):
    bus: str
    address: int
    who: tuple[Step, ...] = ()  # what tells which instrument it is
    channels: Mapping[str, I2cChannel] = field(default_factory=dict)
    commands: Mapping[str, I2cCommand] = field(default_factory=dict)
    start: tuple[Step, ...] = ()
    compute: Mapping[str, Formula] = field(default_factory=dict)
    polls: tuple[Poll, ...] = ()

    @property
    def words(self) -> Words:
        return WORDS

    @property
    def port_key(self) -> str:
        """The address: others on the bus are no trouble."""
        return f"{os.path.realpath(self.bus)} {self.address:#04x}"

    @property
    def bus_place(self) -> str:
        return self.bus


def read(table: Table) -> I2cConfig:
    """The configuration of one instrument."""
    bus, address = _bus(table), table.integer("address", REQUIRED, minimum=LOWEST, maximum=HIGHEST)
    start = tuple(step for below in table.tables("start") for step in _start(below))
    who, expected = _identity(table.table("identity")) if "identity" in table else ((), None)
    polls = [_poll(below) for below in table.tables("read")]
    names = _field_names(table, start, polls)
    compute = _compute(table, names)
    known = [*names, *compute]
    channels = channel.read_all(table, lambda below, common: _channel(below, common, known), _TYPES)
    commands = settings.read_commands(table, _command)
    config = I2cConfig(
        **settings.read_common(table, commands, [poll.period for poll in polls]),
        place=f"{bus} address {address:#04x}",
        bus=bus,
        address=address,
        who=who,
        identity=expected,
        channels=channels,
        start=start,
        compute=compute,
        polls=_filled(table, polls, start, compute, channels),
    )
    if not table.values.get("read"):
        table.mistakes.append(f"{table.place}: expected [[read]], or nobody knows that it is there")
    table.finish()
    return config


def _bus(table: Table) -> str:
    found = table.anything("bus")
    if type(found) is int and 0 <= found < 1000:
        return f"/dev/i2c-{found}"
    if isinstance(found, str) and found.startswith("/dev/"):
        return found
    table.mistake("bus", f'expected its number, such as 1, or its path, such as "/dev/i2c-1", found {_found(found)}')
    return "/dev/i2c-1"


def _found(value: Any) -> str:
    return "nothing" if value is None else shown(value)


def _identity(table: Table) -> tuple[tuple[Step, ...], dict[str, str]]:
    """What is read, and what its fields must be: `device = 0x0117`."""
    found, expected = steps.read_all(table), dict[str, str]()
    for name in _fields(found):
        if name in table:
            expected[name] = said(table.integer(name, REQUIRED, minimum=-(2**63), maximum=2**64 - 1))
    if not expected:
        table.mistakes.append(f"{table.place}: expected a field and what it must be, such as device = 0x0117")
    table.finish()
    return found, expected


def said(number: float) -> str:
    """A number by which an instrument says who it is, as manuals write it."""
    return f"{number:#x}" if isinstance(number, int) else f"{number:g}"


def _start(table: Table) -> tuple[Step, ...]:
    found = steps.read_all(table)
    table.finish()
    return found


def _poll(table: Table) -> Poll:
    found = steps.read_all(table)
    usual = TIMEOUT_S + steps.waits_s(found)
    period = Period(
        every_s=table.duration("every"),
        timeout_s=table.duration("timeout", usual, minimum=steps.waits_s(found) + 0.001),
    )
    if not any(step.fields for step in found):
        table.mistake("fields", "missing, expected the numbers in what is read")
    table.finish()
    return Poll(steps=found, period=period)


def _fields(found: Iterable[Step]) -> list[str]:
    return [one.name for step in found for one in step.fields]


def _field_names(table: Table, start: Sequence[Step], polls: Sequence[Poll]) -> list[str]:
    names = [*_fields(start), *(name for poll in polls for name in _fields(poll.steps))]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        table.mistakes.append(f'{table.place}: expected one field named "{name}", found {names.count(name)}')
    return list(dict.fromkeys(names))


def _compute(table: Table, names: Sequence[str]) -> dict[str, Formula]:
    below = table.table("compute")
    found: dict[str, Formula] = {}
    for name in below.values:
        if name in names or name in formula.FUNCTIONS:
            below.mistake(name, "is the name of a field or a function already")
        if one := steps.read_formula(below, name, [*names, *found]):
            found[name] = one
    if len(below.values) > MAX_COMPUTED:
        table.mistake("compute", f"expected at most {MAX_COMPUTED}, found {len(below.values)}")
    return found


def _channel(table: Table, common: dict[str, Any], known: Collection[str]) -> I2cChannel:
    name = common["name"]
    found = steps.read_formula(table, "formula", known) if "formula" in table else formula.named(name)
    if "formula" not in table and name not in known:
        table.mistakes.append(f'{table.place}: expected a field "{name}" in a [[read]], or a formula')
    return I2cChannel(
        **common,
        formula=found or formula.named(name),
        quality=_conditions(table, "quality", known),
        no_value=_conditions(table, "no_value", known),
    )


def _conditions(table: Table, key: str, known: Collection[str]) -> Conditions:
    """`{ "raw >= 32767" = "overload" }`: the quality where the condition holds."""
    below, found = table.table(key), []
    for text in below.values:
        quality = below.text(text, longest=frames.MAX_QUALITY)
        try:
            found.append((formula.parse(text, known), quality))
        except formula.FormulaError as error:
            below.mistake(text, str(error))
    return tuple(found)


def _filled(
    table: Table,
    polls: Iterable[Poll],
    start: Sequence[Step],
    compute: Mapping[str, Formula],
    channels: Mapping[str, I2cChannel],
) -> tuple[Poll, ...]:
    """The polls with the channels that each fills: all that one needs is read together, or at the start."""
    constant = set(_fields(start))
    behind = _fields_behind(compute)
    needs = {
        name: set[str]().union(*(behind.get(inner, {inner}) for inner in one.names)) - constant
        for name, one in channels.items()
    }
    found = []
    for poll in polls:
        own = set(_fields(poll.steps))
        filled = tuple(channels[name] for name, needed in needs.items() if needed and needed <= own)
        found.append(Poll(steps=poll.steps, period=poll.period, channels=filled))
    for name, needed in needs.items():
        if not any(one.name == name for poll in found for one in poll.channels) and needed <= _all_fields(found):
            table.mistakes.append(f"{table.place}.channels.{name}: expected all its fields in one [[read]]")
    return tuple(found)


def _all_fields(polls: Iterable[Poll]) -> set[str]:
    return {name for poll in polls for name in _fields(poll.steps)}


def _fields_behind(compute: Mapping[str, Formula]) -> dict[str, set[str]]:
    """Of each computed name, the fields that it comes from."""
    found: dict[str, set[str]] = {}
    for name, one in compute.items():
        found[name] = set[str]().union(*(found.get(inner, {inner}) for inner in one.names))
    return found


def _command(table: Table, common: dict[str, Any]) -> I2cCommand:
    arguments = {argument.name: argument for argument in common["arguments"]}
    found = steps.read_all(table, tuple(arguments))
    used = {name for step in found if step.number for name in step.number.formula.names}
    for name, argument in arguments.items():
        if argument.type not in ("number", "integer", "boolean"):
            table.mistake("arguments", f'"{name}" is {argument.type}: only numbers and booleans can be written')
        elif name not in used:
            table.mistake("arguments", f'"{name}" is in no value, and so would not be written')
    if common["timeout_s"] <= steps.waits_s(found):
        table.mistake("timeout", "expected more than the waits of its steps")
    return I2cCommand(**common, steps=found)
