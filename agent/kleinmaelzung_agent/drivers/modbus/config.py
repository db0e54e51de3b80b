"""The tables of one Modbus instrument to frozen dataclasses; mistakes are collected by the tables.

A channel names a register or a bit; a command writes some. Addresses are as on the wire, from 0, unless `numbering`
says that they are as manuals print them: from 1, or with the leading digit of their kind (40001).
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_agent.drivers import channel, codes, port_settings, settings
from kleinmaelzung_agent.drivers.channel import Channel
from kleinmaelzung_agent.drivers.codes import Codes
from kleinmaelzung_agent.drivers.health import Words
from kleinmaelzung_agent.drivers.modbus import identification, register_tables, registers
from kleinmaelzung_agent.drivers.modbus.identification import Identification
from kleinmaelzung_agent.drivers.modbus.register_tables import SPACES, Usual
from kleinmaelzung_agent.drivers.modbus.registers import Form
from kleinmaelzung_agent.drivers.modbus.requests import MAX_REGISTERS, Space
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.settings import CommandConfig, InstrumentConfig, Period
from kleinmaelzung_wire.descriptions import Argument
from kleinmaelzung_wire.frames import Value

EVERY_S: Final = 1.0
TCP_PORT: Final = 502

_SHORTEST_GAP_S: Final = 0.00175  # the standard's 3.5 characters, above 19200 baud
_HAS_NUMBER: Final = re.compile(r":[^:/\]]+/?$")
_WORDS: Final = Words(
    message="answer",
    expected="what Modbus answers",
    unfinished="bytes that are no whole answer",
    check="baudrate, parity, framing and unit",
)

Framing = Literal["rtu", "ascii", "tcp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusChannel(Channel):
    """`invalid` are codes that stand for no value, each with its quality."""

    space: Space
    address: int
    form: Form
    period: Period
    invalid: Codes = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One register or coil that a command writes: an argument's value, or always the same."""

    space: Space
    address: int
    form: Form
    scale: float = 1.0
    offset: float = 0.0
    argument: str = ""
    value: Value = None
    is_single: bool = True
    is_verified: bool = True
    rounds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusCommand(CommandConfig):
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusConfig(InstrumentConfig):
    port: PortSettings
    framing: Framing = "rtu"
    unit: int = 1
    gap_s: float = 0.0
    max_gap: int = 0
    max_registers: int = MAX_REGISTERS
    identification: Identification | None = None
    channels: Mapping[str, ModbusChannel] = field(default_factory=dict)
    commands: Mapping[str, ModbusCommand] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        return _WORDS

    @property
    def port_key(self) -> str:
        return self.port.same

    @property
    def shared_as(self) -> object:
        return (self.port, self.framing, self.gap_s)


def read(table: Table) -> ModbusConfig:
    """The configuration of one instrument."""
    usual = _usual(table)
    channels = channel.read_all(table, functools.partial(_channel, usual), registers.TYPES)
    commands = settings.read_commands(table, functools.partial(_command, usual, channels))
    port = port_settings.read(table)
    framing = _framing(table, port)
    port = _with_number(port)
    asked, expected = identification.read(table.table("identity"), usual) if "identity" in table else (None, None)
    config = ModbusConfig(
        **settings.read_common(table, commands, (one.period for one in channels.values())),
        place=port.port,
        port=port,
        framing=framing,
        unit=table.integer("unit", 1, minimum=0 if framing == "tcp" else 1, maximum=255),
        gap_s=table.duration("gap", _gap_s(port, framing), maximum=1.0),
        max_gap=table.integer("max_gap", 0, minimum=0, maximum=MAX_REGISTERS),
        max_registers=table.integer("max_registers", MAX_REGISTERS, minimum=1, maximum=MAX_REGISTERS),
        identity=expected,
        identification=asked,
        channels=channels,
    )
    _check_whole(table, config)
    table.finish()
    return config


def _usual(table: Table) -> Usual:
    return Usual(
        period=settings.read_period(table, every_s=EVERY_S),
        is_one_based=table.choice("numbering", ("0-based", "1-based"), "0-based") == "1-based",
        order=table.choice("order", ("big", "little"), "big"),
        is_swapped=table.boolean("swap", default=False),
    )


def _framing(table: Table, port: PortSettings) -> Framing:
    is_tcp = port.port.startswith("tcp://")
    usual = "tcp" if is_tcp else "rtu"
    framing = cast(Framing, table.choice("framing", ("rtu", "ascii", "tcp"), usual))
    if is_tcp and framing != "tcp":
        table.mistake("framing", f"tcp:// has its own; for {framing} over a network, expected a port socket://...")
    if framing == "tcp" and not port.port.startswith(("tcp://", "socket://")):
        table.mistake("framing", f'"tcp" needs a port such as "tcp://192.168.1.7", found {shown(port.port)}')
    return framing


def _with_number(port: PortSettings) -> PortSettings:
    is_bare = port.port.startswith("tcp://") and not _HAS_NUMBER.search(port.port)
    return replace(port, port=f"{port.port.rstrip('/')}:{TCP_PORT}") if is_bare else port


def _gap_s(port: PortSettings, framing: Framing) -> float:
    return max(3.5 * port.character_s, _SHORTEST_GAP_S) if framing == "rtu" else 0.0


# --- registers --------------------------------------------------------------------------------------------------------


def _channel(usual: Usual, table: Table, common: dict[str, Any]) -> ModbusChannel:
    space, number = register_tables.which(table, SPACES)
    form = register_tables.form(table, usual, space)
    if form.is_integer and (common["scale"], common["offset"]) == (1.0, 0.0) and form.type != "uint64":
        common["type"] = "integer"
    return ModbusChannel(
        **{**common, "type": "boolean" if form.type == "bit" else common["type"]},
        space=space,
        address=register_tables.address(table, usual, space, number, form.count),
        form=form,
        period=settings.read_period(table, every_s=usual.period.every_s, timeout_s=usual.period.timeout_s),
        invalid=codes.read(table, is_number=form.type not in ("bit", "text")),
    )


# --- commands ---------------------------------------------------------------------------------------------------------


def _command(
    usual: Usual, channels: Mapping[str, ModbusChannel], table: Table, common: dict[str, Any]
) -> ModbusCommand:
    below = table.tables("write") if "write" in table else [table]
    writes = tuple(_write(one, usual, channels, common["arguments"]) for one in below)
    if "write" in table:
        for one in below:
            one.finish()
    used = {write.argument for write in writes}
    for argument in common["arguments"]:
        if argument.name not in used:
            table.mistakes.append(f'{table.place}: argument "{argument.name}" is not written')
    if not writes:
        table.mistake("write", "expected at least one table")
    return ModbusCommand(**common, writes=writes)


def _write(table: Table, usual: Usual, channels: Mapping[str, ModbusChannel], arguments: tuple[Argument, ...]) -> Write:
    write = _target(table, usual, channels)
    write = replace(
        write,
        argument=_argument(table, arguments),
        value=table.anything("value"),
        is_verified=table.boolean("verify", default=True),
        rounds=table.boolean("round", default=False),
    )
    if mistake := _value_mistake(write, arguments):
        table.mistakes.append(f"{table.place}: {mistake}")
    return write


def _target(table: Table, usual: Usual, channels: Mapping[str, ModbusChannel]) -> Write:
    keys = [key for key in ("channel", "register", "registers", "coil") if key in table]
    if len(keys) != 1:
        found = " and ".join(keys) or "none"
        table.mistakes.append(f"{table.place}: expected one of channel, register, registers, coil, found {found}")
    key = keys[0] if keys else ""
    if key == "channel":
        return _like(table, channels)
    space: Space = "coil" if key == "coil" else "holding"
    form = register_tables.form(table, usual, space)
    scale, offset = table.number("scale", 1.0), table.number("offset", 0.0)
    if scale == 0:
        table.mistake("scale", "expected another number than 0")
    address = register_tables.address(table, usual, space, key, form.count)
    is_single = key != "registers" and form.count == 1
    return Write(space=space, address=address, form=form, scale=scale or 1.0, offset=offset, is_single=is_single)


def _like(table: Table, channels: Mapping[str, ModbusChannel]) -> Write:
    """Where and how a channel is, a command can write it."""
    name = table.text("channel")
    one = channels.get(name)
    if one is None or one.space not in ("holding", "coil"):
        table.mistake("channel", f"expected a channel that is a holding register or a coil, found {shown(name)}")
        return Write(space="holding", address=0, form=Form())
    return Write(
        space=one.space,
        address=one.address,
        form=one.form,
        scale=one.scale or 1.0,
        offset=one.offset,
        is_single=one.form.count == 1,
    )


def _argument(table: Table, arguments: tuple[Argument, ...]) -> str:
    """Named, or the only one."""
    if "argument" in table:
        return str(table.choice("argument", tuple(one.name for one in arguments) or ("",)))
    return arguments[0].name if len(arguments) == 1 and "value" not in table else ""


def _value_mistake(write: Write, arguments: tuple[Argument, ...]) -> str:
    """Why this cannot be written, as far as that is known before."""
    if write.space == "holding" and write.form.type in ("bit", "text"):
        return f"a {write.form.type} of a register cannot be written, expected a coil or a number"
    if bool(write.argument) == (write.value is not None):
        return "expected either a value or an argument, whose value is written"
    types = [one.type for one in arguments if one.name == write.argument]
    if write.space == "coil":
        is_fit = types == ["boolean"] or type(write.value) is bool
        return "" if is_fit else "expected true or false, or an argument of that type, for a coil"
    if types:
        return "" if types[0] in ("number", "integer", "boolean") else "expected an argument that is a number"
    try:
        assert isinstance(write.value, (int, float)), "expected a number"
        registers.encode(write.value, write.form, write.scale, write.offset, rounds=write.rounds)
    except (ValueError, AssertionError) as error:
        return f"value: {error}"
    return ""


def _check_whole(table: Table, config: ModbusConfig) -> None:
    if not config.channels:
        table.mistakes.append(f"{table.place}: expected [channels.NAME], or nobody knows that it is there")
    if config.unit == 0 and config.commands:
        table.mistake("unit", "0 may be everybody on a bus, and nobody confirms what all are told: expected no command")
    for name, one in config.channels.items():
        if one.form.count > config.max_registers:
            table.mistakes.append(f"{table.place}.channels.{name}: has more registers than max_registers allows")
