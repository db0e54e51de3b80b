"""`kleinmaelzung instruments`: what there is, in what state, and the newest values."""

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from kleinmaelzung import Instrument, Lab
from kleinmaelzung.commands import options, texts
from kleinmaelzung.commands.typed import WrongUsage


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("pattern", nargs="?", default="+/+", help="<agent>/<instrument>, + stands for any name")


async def run(arguments: Namespace) -> int:
    async with options.connected(arguments) as lab:
        found = await _found(lab, arguments.pattern)
    now_us = time.time_ns() // 1000
    options.show(arguments, [document(instrument, now_us) for instrument in found], lambda: overview(found, now_us))
    return 0


async def _found(lab: Lab, pattern: str) -> list[Instrument]:
    try:
        return await lab.instruments(pattern)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


def document(instrument: Instrument, now_us: int) -> dict[str, Any]:
    """What --json prints of one instrument. `state` is offline when the agent is not there."""
    state, description = instrument.state, instrument.description
    return {
        "instrument": instrument.name,
        "state": instrument.condition,
        "live": instrument.is_live,
        "since": state.since if state else None,
        "reason": state.reason if state else "",
        "description": asdict(description) if description else None,
        "latest": {channel: asdict(sample) for channel, sample in instrument.latest.items()},
        "agent": asdict(instrument.agent) if instrument.agent else None,
        "control": asdict(instrument.control) if instrument.control else None,
        "calibration": _calibration(instrument, now_us),
    }


def _calibration(instrument: Instrument, now_us: int) -> dict[str, Any] | None:
    found = instrument.calibration
    return None if found is None else {**found.to_map(), "overdue": found.is_overdue(now_us)}


def overview(found: list[Instrument], now_us: int) -> str:
    if not found:
        return "no instruments yet: has an agent with instruments in its agent.toml been connected?"
    return texts.table(row for instrument in found for row in _rows(instrument, now_us))


def _rows(instrument: Instrument, now_us: int) -> list[tuple[str, ...]]:
    label = texts.plain(instrument.description.label) if instrument.description else ""
    values = [_newest(instrument, channel, now_us) for channel in instrument.latest] or [_why_nothing(instrument)]
    first = (instrument.name, instrument.condition, values[0], label, _said(instrument, now_us))
    return [first, *(("", "", text, "", "") for text in values[1:])]


def _said(instrument: Instrument, now_us: int) -> str:
    return ", ".join(filter(None, (_held(instrument), _overdue(instrument, now_us))))


def _overdue(instrument: Instrument, now_us: int) -> str:
    found = instrument.calibration
    if found is None or not found.is_overdue(now_us):
        return ""
    return f"calibration {texts.plain(found.certificate)} was due on {found.due}"


def _held(instrument: Instrument) -> str:
    # Of an agent that is away it is old: who held it may be long gone.
    if instrument.control is None or not instrument.is_online:
        return ""
    return f"held by {texts.plain(instrument.control.user)} until {texts.local_second(instrument.control.until)}"


def _newest(instrument: Instrument, channel: str, now_us: int) -> str:
    sample = instrument.latest[channel]
    text = f"{texts.reading(sample)}, {texts.age(now_us - sample.time)} ago"
    return text if instrument.is_live else f"(last: {text})"


def _why_nothing(instrument: Instrument) -> str:
    reason = instrument.state.reason if instrument.state else ""
    return texts.plain(reason) or "no value yet"
