"""A profile's transcript through the real driver's reading: does each answer mean what it meant? Pure.

The table of an instrument and its exchanges in; what each says, or sentences about what differs, out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers.conversation import MORE
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.dialect import Request
from kleinmaelzung_agent.drivers.driver import RefusedError
from kleinmaelzung_agent.drivers.text import config as text_config
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.dialect import TextDialect
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_agent.trying.draft import Exchange
from kleinmaelzung_wire.messages import Command, Reply

_SAME: Final = ("command", "units", "quality", "arguments", "reason", "identity")


def read(table: Mapping[str, Any], port: str) -> tuple[TextConfig, list[str]]:
    """The configuration as an agent would read it, and the mistakes in it."""
    mistakes: list[str] = []
    return text_config.read(Table({**table, "port": port}, "", mistakes)), mistakes


def exchanges(transcript: Sequence[Mapping[str, Any]], config: TextConfig) -> list[Exchange]:
    """The entries [[transcript]] of a profile that `try` has written."""
    return [_exchange(one, config) for one in transcript]


def _exchange(one: Mapping[str, Any], config: TextConfig) -> Exchange:
    said = one.get("reply", [])
    lines = [line.replace("{{", "{").replace("}}", "}") for line in ([said] if isinstance(said, str) else said)]
    values = {name: None if value == "none" else value for name, value in one.get("values", {}).items()}
    is_identity = _is_identity(one, config)
    found = Exchange(
        send=one.get("send"),
        comes=b"",
        lines=tuple(lines),
        values=values,
        is_identity=is_identity,
        result="done" if is_identity else one.get("result", ""),
        **{key: one[key] for key in _SAME if key in one},
    )
    return replace(found, comes=composed(found, config))


def _is_identity(one: Mapping[str, Any], config: TextConfig) -> bool:
    return config.inquiry is not None and not one.get("command") and one.get("send") == config.inquiry.send


def composed(one: Exchange, config: TextConfig) -> bytes:
    """The bytes of its lines, as they came."""
    framing = config.framing
    end = framing.received_terminator or b"\r\n"
    echo = framing.wrap(one.send) if config.echo and one.send is not None else b""
    return echo + b"".join(framing.received_begin + line.encode(framing.encoding) + end for line in one.lines)


def meant(config: TextConfig, exchange: Exchange) -> Exchange:
    """The exchange with what the driver reads from it; without values where it reads nothing."""
    dialect = TextDialect(config)
    found = _unasked(dialect, exchange) if exchange.send is None else _answered(dialect, config, exchange)
    plain = replace(exchange, values={}, units={}, quality={}, result="", reason="", identity={})
    match found:
        case Reading():
            return replace(plain, values=found.values, units=found.units, quality=found.quality)
        case Reply():
            return replace(plain, values=found.values, units=found.units, result=found.result, reason=found.reason)
        case dict():
            return replace(plain, identity=found, result="done")
    return plain


def differences(config: TextConfig, exchanges: Sequence[Exchange]) -> list[str]:
    """What does not mean what the transcript says; empty where all is as it was."""
    return [
        f"transcript[{index}]: expected {_said(one)}, found {_said(found)}"
        for index, one in enumerate(exchanges)
        if (found := meant(config, one)) != one
    ]


def _said(one: Exchange) -> str:
    parts = [f"{name} {value} {one.units.get(name, '')}".strip() for name, value in one.values.items()]
    told = [one.result, one.reason, *(f"{name} {text}" for name, text in one.identity.items())]
    return ", ".join([*parts, *one.quality.values(), *filter(None, told)]) or "nothing"


def _unasked(dialect: TextDialect, exchange: Exchange) -> Reading | None:
    splitter = dialect.splitter(Counters())
    splitter.begin()
    readings = [dialect.unasked(message, 0) for message in splitter.feed(exchange.comes)]
    return next((reading for reading in readings if reading is not None), None)


def _answered(dialect: TextDialect, config: TextConfig, exchange: Exchange) -> Reading | Reply | dict[str, str] | None:
    request = _request(dialect, config, exchange)
    if request is None or (exchange.send is not None and request.outgoing != config.framing.wrap(exchange.send)):
        return None
    splitter = dialect.splitter(Counters())
    splitter.begin()
    for message in splitter.feed(exchange.comes):
        found = request.match(message, 0) if request.match else None
        if found is not None and found is not MORE:
            return found  # type: ignore[no-any-return]  # a match gives what its request says
    return Reply(id="try", name=exchange.command, user="try", result="done") if request.match is None else None


def _request(dialect: TextDialect, config: TextConfig, exchange: Exchange) -> Request | None:
    if exchange.is_identity:
        return dialect.identity()
    if exchange.command:
        arguments = dict(exchange.arguments)
        sent = Command(id="try", name=exchange.command, user="try", arguments=arguments, timeout_us=1_000_000, sent=0)
        try:
            return dialect.command(sent)
        except RefusedError:
            return None
    index = next((index for index, poll in enumerate(config.polls) if poll.send == exchange.send), None)
    return None if index is None else dialect.poll(index)
