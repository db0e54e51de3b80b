"""Instruments that speak Modbus: what is sent, and what an answer says. Pure."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymodbus.pdu import ModbusPDU

from kleinmaelzung_agent.drivers import channel as channels
from kleinmaelzung_agent.drivers import command_text, exact, identity
from kleinmaelzung_agent.drivers.codes import INVALID
from kleinmaelzung_agent.drivers.conversation import LATE_S, Splitter
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.dialect import Manner, Request
from kleinmaelzung_agent.drivers.driver import RefusedError, configured, reply
from kleinmaelzung_agent.drivers.frame_splitter import FrameSplitter
from kleinmaelzung_agent.drivers.modbus import frames, groups, registers, requests
from kleinmaelzung_agent.drivers.modbus.config import ModbusChannel, ModbusCommand, ModbusConfig, Write
from kleinmaelzung_agent.drivers.modbus.frames import FRAMINGS
from kleinmaelzung_agent.drivers.modbus.groups import Group
from kleinmaelzung_agent.drivers.modbus.identification import Identification
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Command, Reply

REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One write of a command: registers or a bit, and what they say."""

    write: Write
    words: tuple[int, ...]
    says: Value


class ModbusDialect:
    """A dialect.Dialect whose messages are Modbus answers."""

    def __init__(self, config: ModbusConfig) -> None:
        self._config = config
        self._framing = FRAMINGS[config.framing]
        self._groups = groups.plan(config.channels.values(), max_gap=config.max_gap, max_registers=config.max_registers)
        self.manner = Manner(
            port=config.port,
            periods=[group.period for group in self._groups],
            encoding="ascii",
            gap_s=config.gap_s,
            late_s=0.0 if config.framing == "tcp" else LATE_S,
        )

    def splitter(self, counters: Counters) -> Splitter:
        return FrameSplitter(self._framing, counters)

    def starts(self) -> Sequence[Request]:
        return []

    def unasked(self, message: Any, taken_ns: int) -> None:
        """A unit speaks only when it is asked."""

    def poll(self, index: int) -> Request:
        group = self._groups[index]
        request = requests.read(group.space, self._config.unit, group.address, group.count)

        def match(answer: ModbusPDU, taken_ns: int) -> Reading | None:
            if not requests.fits(request, answer):
                return None
            return self._refused(group, answer, taken_ns) if answer.isError() else _reading(group, answer, taken_ns)

        return self._request(request, match, group.period.timeout_s, has_kind=True)

    def _request(
        self, request: ModbusPDU, match: Callable[[ModbusPDU, int], Any], timeout_s: float, *, has_kind: bool = False
    ) -> Request:
        if self._config.framing == "tcp":
            requests.number(request)
        # An answer names its unit and function, but not its address.
        kind = (request.dev_id, request.function_code) if has_kind else None
        return Request(outgoing=frames.build(self._framing, request), match=match, timeout_s=timeout_s, kind=kind)

    def _refused(self, group: Group, answer: ModbusPDU, taken_ns: int) -> Reading:
        what = requests.place(group.space, group.address, group.count)
        names = [channel.name for channel in group.channels]
        return Reading(
            values=dict.fromkeys(names),
            quality=dict.fromkeys(names, REFUSED),
            taken_ns=taken_ns,
            trouble=f"unit {self._config.unit} refuses to read {what}: {requests.refusal(answer)}",
        )

    def identity(self) -> Request | None:
        """What it says of itself; an instrument that refuses to say it says nothing."""
        asked = self._config.identification
        if asked is None:
            return None
        request = requests.read(asked.space, self._config.unit, asked.address, asked.count)

        def match(answer: ModbusPDU, taken_ns: int) -> Mapping[str, str] | None:
            if not requests.fits(request, answer):
                return None
            return identity.tidy({} if answer.isError() else _said(asked, answer))

        return self._request(request, match, asked.timeout_s, has_kind=True)

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, command: Command) -> Request:
        config = configured(self._config.commands, command)
        try:
            given = command_text.checked(config.arguments, command.arguments)
            written = [_written(write, given) for write in config.writes]
        except ValueError as error:
            raise RefusedError(str(error)) from error
        return self._chain(config, written, _done(command, config, written))

    def _chain(self, config: ModbusCommand, written: Sequence[_Written], done: Reply) -> Request:
        steps = []
        for one in written:
            steps.append(self._writing(one, config.timeout_s, done))
            if one.write.is_verified:
                steps.append(self._reading_back(one, config.timeout_s, done))
        chain = steps.pop()
        while steps:
            chain = replace(steps.pop(), then=chain)
        return chain

    def _writing(self, one: _Written, timeout_s: float, done: Reply) -> Request:
        write, unit = one.write, self._config.unit
        if write.space == "coil":
            request = requests.write_coil(unit, write.address, bool(one.words[0]))
        else:
            request = requests.write_registers(unit, write.address, one.words, is_single=write.is_single)

        def match(answer: ModbusPDU, taken_ns: int) -> Reply | None:
            if not requests.fits(request, answer):
                return None
            return self._failed(done, one, "write", answer) if answer.isError() else done

        return self._request(request, match, timeout_s)

    def _reading_back(self, one: _Written, timeout_s: float, done: Reply) -> Request:
        write = one.write
        request = requests.read(write.space, self._config.unit, write.address, write.form.count)

        def match(answer: ModbusPDU, taken_ns: int) -> Reply | None:
            if not requests.fits(request, answer):
                return None
            if answer.isError():
                return self._failed(done, one, "read back", answer)
            return done if _content(write, answer) == one.words else _differs(done, one, answer)

        return self._request(request, match, timeout_s, has_kind=True)

    def _failed(self, done: Reply, one: _Written, what: str, answer: ModbusPDU) -> Reply:
        place = requests.place(one.write.space, one.write.address, one.write.form.count)
        advice = "; it was written: verify = false leaves the reading back out" if what == "read back" else ""
        reason = f"unit {self._config.unit} refuses to {what} {place}: {requests.refusal(answer)}{advice}"
        return replace(done, result="failed", reason=reason, values={}, units={})


def _written(write: Write, given: Mapping[str, Value]) -> _Written:
    value = given[write.argument] if write.argument else write.value
    assert isinstance(value, (bool, int, float)), "the configuration was checked, and so were the arguments"
    if write.space == "coil":
        return _Written(write=write, words=(int(value),), says=bool(value))
    try:
        words, says = registers.encode(float(value) if type(value) is float else int(value), write.form,
                                       write.scale, write.offset, rounds=write.rounds)  # fmt: skip
    except ValueError as error:
        name = f'argument "{write.argument}"' if write.argument else "the value"
        raise ValueError(f"{name} cannot be written as it is: {error}") from error
    return _Written(write=write, words=tuple(words), says=says)


def _done(command: Command, config: ModbusCommand, written: Sequence[_Written]) -> Reply:
    """With what the registers say now: where it was rounded, the caller learns it here."""
    values = {one.write.argument: one.says for one in written if one.write.argument}
    units = {one.name: one.unit for one in config.arguments if one.unit and channels.is_number(values.get(one.name))}
    return replace(reply(command, "done"), values=values, units=units)


def _differs(done: Reply, one: _Written, answer: ModbusPDU) -> Reply:
    write, found = one.write, _content(one.write, answer)
    says: Value = bool(found[0])
    if write.space != "coil":
        raw = registers.decode(found, write.form)
        assert isinstance(raw, (int, float)), "only numbers are written to registers"
        says = exact.scaled(raw, write.scale, write.offset)
    reason = f"{_short(one.says)} was written and confirmed, but the instrument holds {_short(says)}"
    return replace(done, result="failed", reason=reason, values={}, units={})


def _short(value: Value) -> str:
    if type(value) is float:
        return f"{value:.10g}"
    return str(value).lower() if type(value) is bool else str(value)


def _content(write: Write, answer: ModbusPDU) -> tuple[int, ...]:
    return (int(answer.bits[0]),) if write.space == "coil" else tuple(answer.registers)


def _said(asked: Identification, answer: ModbusPDU) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, (address, form) in asked.forms.items():
        at = address - asked.address
        with contextlib.suppress(ValueError):  # what is no text
            found[name] = _short(registers.decode(answer.registers[at : at + form.count], form))
    return found


# --- readings ---------------------------------------------------------------------------------------------------------


def _reading(group: Group, answer: ModbusPDU, taken_ns: int) -> Reading:
    values: dict[str, Value] = {}
    quality: dict[str, str] = {}
    for channel in group.channels:
        values[channel.name], word = _value(channel, group, answer)
        if word:
            quality[channel.name] = word
    units = {one.name: one.unit for one in group.channels if one.unit and values[one.name] is not None}
    return Reading(values=values, units=units, quality=quality, taken_ns=taken_ns)


def _value(channel: ModbusChannel, group: Group, answer: ModbusPDU) -> tuple[Value, str]:
    """A channel's value, or none and why."""
    at = channel.address - group.address
    if group.space in ("coil", "discrete"):
        return bool(answer.bits[at]), ""
    try:
        raw = registers.decode(answer.registers[at : at + channel.form.count], channel.form)
        for code, word in channel.invalid:
            if registers.is_code(raw, code, channel.form):
                return None, word
        if channel.type == "number" and isinstance(raw, (int, float)):
            return exact.scaled(raw, channel.scale, channel.offset), ""
        return raw, ""
    except ValueError:  # no finite number, or no text
        return None, INVALID
