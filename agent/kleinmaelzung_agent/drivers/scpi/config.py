"""The tables of one SCPI instrument to a TextConfig; mistakes are collected by the tables.

Each channel has its `query`; channels with the same one share it, and each takes one of the values that come. After a
command the instrument's queue of errors is asked, which was emptied before it. SCPI-99, volume 1: 21.8 (errors) and
7.2.1 (what stands for no number).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import channel, port_settings, settings
from kleinmaelzung_agent.drivers.settings import Period
from kleinmaelzung_agent.drivers.text import channel_tables, identity_tables, pattern_tables
from kleinmaelzung_agent.drivers.text import config as text_config
from kleinmaelzung_agent.drivers.text.config import Errors, Poll, TextConfig
from kleinmaelzung_agent.drivers.text.forms import REST, Fields
from kleinmaelzung_agent.drivers.text.patterns import Pattern
from kleinmaelzung_agent.drivers.text.values import TextChannel

EVERY_S: Final = 1.0
NO_VALUE: Final[Mapping[str, str]] = {
    "9.9E37": "overload",
    "-9.9E37": "underload",
    "9.91E37": "invalid",
    **dict.fromkeys(("INF", "+INF", "Inf", "inf"), "overload"),  # not the standard's words, and yet they come
    **dict.fromkeys(("NINF", "-INF", "-Inf", "-inf"), "underload"),
    **dict.fromkeys(("NAN", "NaN", "nan"), "invalid"),
}
# Maker, model, serial number, firmware: IEEE 488.2, 10.14. Some makers leave the last one out.
IDENTITY: Final = r"(?P<maker>[^,]+),(?P<model>[^,]+),(?P<serial>[^,]*)(,(?P<firmware>.*))?"

_NO_ERROR: Final = re.compile(r"[+-]?0(,.*)?")
_ERROR: Final = re.compile(r"(?P<reason>[+-]?[0-9]+,\s*\".*\")")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source(TextChannel):
    """Where a channel's value comes from: which of the values of the answer it is. Without a query: from a [[poll]]."""

    query: str
    period: Period
    field: int


def read(table: Table) -> TextConfig:
    """The configuration of one instrument."""
    usual = settings.read_period(table, every_s=EVERY_S)

    def source(below: Table, common: dict[str, Any]) -> _Source:
        return _read_channel(below, common, usual)

    channels = channel.read_all(table, source)
    polls = (*_polls(channels), *(text_config.poll(below, channels) for below in table.tables("poll")))
    commands = settings.read_commands(table, text_config.command)
    port = port_settings.read(table)
    config = TextConfig(
        **settings.read_common(table, commands, (poll.period for poll in polls)),
        **text_config.line_settings(table, terminator="\n"),
        **_identity(table),
        place=port.place,
        port=port,
        channels=channels,
        start=tuple(text_config.start(below) for below in table.tables("start")),
        polls=polls,
        errors=_errors(table),
        no_value=tuple(NO_VALUE),
    )
    if not polls:
        table.mistakes.append(f"{table.place}: expected a channel with a query, or nobody knows that it is there")
    text_config.check_whole(table, config)
    table.finish()
    return config


def _read_channel(table: Table, common: dict[str, Any], usual: Period) -> _Source:
    own: dict[str, Any] = {
        "query": table.text("query", ""),
        "period": settings.read_period(table, every_s=usual.every_s, timeout_s=usual.timeout_s),
        "field": table.integer("field", 1, minimum=1, maximum=256),
        "no_value": {**NO_VALUE, **channel_tables.no_value(table)},
    }
    return channel_tables.read(table, common, make=_Source, decimal=".", **own)


def _polls(channels: Mapping[str, _Source]) -> Iterator[Poll]:
    """Channels with one query and one period share a poll."""
    asked: dict[tuple[str, Period], list[_Source]] = {}
    for one in channels.values():
        if one.query:
            asked.setdefault((one.query, one.period), []).append(one)
    for (query, period), sources in asked.items():
        yield from (Poll(send=query, period=period, reply=(_reply(part),)) for part in _parts(sources))


def _parts(sources: list[_Source]) -> Iterator[list[_Source]]:
    """Two channels of the same field are asked apart."""
    while sources:
        first = {one.field: one for one in reversed(sources)}
        yield list(first.values())
        sources = [one for one in sources if first[one.field] is not one]


def _reply(sources: list[_Source]) -> Pattern:
    names = {one.field: one.name for one in sources}
    fields = tuple(names.get(field, "") for field in range(1, max(names) + 1))
    return Pattern(form=Fields(fields=(*fields, REST)))


def _identity(table: Table) -> dict[str, Any]:
    """Who it is, which each SCPI instrument answers."""
    is_asked = table.boolean("identify", default=True)
    return identity_tables.read(table, send="*IDN?", pattern=IDENTITY, is_usual=is_asked)


def _errors(table: Table) -> Errors | None:
    below = table.table("errors")
    found = Errors(
        send=below.text("send", "SYST:ERR?"),
        clear=below.text("clear", "*CLS"),
        none=pattern_tables.regex(below, "none") if "none" in below else _NO_ERROR,
        some=pattern_tables.regex(below, "some") if "some" in below else _ERROR,
    )
    below.finish()
    return found if table.boolean("check_errors", default=True) else None
