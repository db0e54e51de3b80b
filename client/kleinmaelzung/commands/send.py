"""`kleinmaelzung send`: one command to one instrument, and what became of it."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Final

from kleinmaelzung import Error, Instrument, Lab, Reply, Sample, Value
from kleinmaelzung.commands import options, texts, typed
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.descriptions import CommandDescription

LONGEST_TIMEOUT_S: Final = 3600.0  # the contract's limit


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("instrument", help="<agent>/<instrument>")
    parser.add_argument("command", help="such as tare; the instrument's description names them")
    parser.add_argument("values", nargs="*", metavar="name=value", help="the command's arguments")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="seconds, else what the command needs")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= LONGEST_TIMEOUT_S:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0.001 to {LONGEST_TIMEOUT_S:g}")
    return seconds


async def run(arguments: Namespace) -> int:
    _check_name(arguments.instrument)
    async with options.connected(arguments) as lab:
        command = _command(await _found(lab, arguments.instrument), arguments.command)
        given: dict[str, Value] = typed.arguments(command, arguments.values)
        timeout = arguments.timeout or command.timeout_s
        reply = await lab.send(arguments.instrument, command.name, given, timeout=timeout)
    _show(reply, arguments)
    return 0 if reply.result == "done" else 1


def _check_name(instrument: str) -> None:
    try:
        topics.split_full_name(instrument)
    except WireError as error:
        raise typed.WrongUsage(str(error)) from error


async def _found(lab: Lab, name: str) -> Instrument:
    for instrument in await lab.instruments(name):
        return instrument
    raise Error(f"there is no instrument {name}: `kleinmaelzung instruments` lists what there is")


def _command(instrument: Instrument, name: str) -> CommandDescription:
    if instrument.description is None:
        raise Error(f"{instrument.name} has not said yet which commands it has: is its agent connected?")
    return typed.command(instrument.description, name)


def _show(reply: Reply, arguments: Namespace) -> None:
    document = {"instrument": arguments.instrument, **reply.to_map()}
    if reply.result == "done":
        options.show(arguments, document, lambda: _done(reply))
        return
    if arguments.json:
        options.show(arguments, document, str)
    print(_not_done(reply, arguments.instrument), file=sys.stderr)


def _done(reply: Reply) -> str:
    values = ", ".join(_value(reply, name) for name in reply.values)
    return f"{reply.name} done in {reply.took_us / 1e6:.3g} s" + (f": {values}" if values else "")


def _value(reply: Reply, name: str) -> str:
    unit = reply.units.get(name, "")
    return texts.reading(Sample(time=reply.time, channel=name, value=reply.values[name], unit=unit, quality="good"))


_MEANINGS: Final = {
    "refused": "was refused and nothing was sent to the instrument",
    "failed": "failed: the instrument answered something else than expected",
    "timeout": "had no answer in time: look whether the instrument is on, or give a longer --timeout",
    "offline": "was not sent: the agent is not connected",
    "expired": "came too late and was not sent to the instrument: send it again if it still holds",
    "not-permitted": "was not permitted: an admin gives rights with `kleinmaelzung user change`",
    "lost": "was under way when the connection to the agent was lost: look whether it was executed",
}


def _not_done(reply: Reply, instrument: str) -> str:
    reason = f" ({texts.plain(reply.reason)})" if reply.reason else ""
    return f"{reply.name} of {instrument} {_MEANINGS.get(reply.result, reply.result)}{reason}"
