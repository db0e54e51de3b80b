"""`kleinmaelzung agent update`: another version of their program for agents, one after the other.

A file by deploy/agent-program goes to an agent in pieces; it verifies, installs and starts it, and goes back to the one
before where the new one does not come up. What became of it is waited for.
"""

import functools
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error, Lab, NotReachable, OrderOutcome, SettingsError, server_key
from kleinmaelzung.agents import INSTALLED_S
from kleinmaelzung.commands import agent_key, agent_statuses, options, texts
from kleinmaelzung.commands.progress import Progress
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung.orders import DONE, REFUSED, ROLLED_BACK, UNDER_WAY
from kleinmaelzung_wire import orders, topics
from kleinmaelzung_wire.codec import WireError

VARIABLE: Final = "KLEINMAELZUNG_AGENT_PROGRAM"
OFFLINE: Final = "not reached"
LONGEST_S: Final = 86_400.0
_REMEDIES: Final = {
    ROLLED_BACK: "it runs the version before; on its machine: journalctl -u kleinmaelzung-agent-update",
    UNDER_WAY: "look with `kleinmaelzung agent list`; on its machine: journalctl -u kleinmaelzung-agent-update",
    OFFLINE: "once it is back, the same command goes on there",
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="which agents")
    parser.add_argument("--all", action="store_true", help="all that may connect")
    parser.add_argument(
        "--program", type=Path, metavar="FILE", help=f"the version, as deploy/agent-program makes it (or {VARIABLE})"
    )
    agent_key.add_option(parser)
    parser.add_argument(
        "--timeout", type=_seconds, default=INSTALLED_S, metavar="S", help="how long each may take to come up (900)"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= LONGEST_S:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 1 to {LONGEST_S:g}")
    return seconds


async def run(arguments: Namespace) -> int:
    if bool(arguments.names) == arguments.all:
        raise WrongUsage("which agents? Name them, or give --all")
    for name in arguments.names:
        _check_name(name)
    program, key = _program(arguments), agent_key.find(arguments)
    server_key.open_key(key)  # whatever is wrong with it, once and not for each agent
    async with options.connected(arguments) as lab:
        names = list(dict.fromkeys(arguments.names)) or await agent_statuses.names(lab)
        outcomes = [await _update(lab, name, program, key, arguments.timeout) for name in names]
    options.show(arguments, [_document(one) for one in outcomes], lambda: summary(outcomes))
    return 0 if all(one.result == DONE for one in outcomes) else 1


def _check_name(name: str) -> None:
    try:
        topics.check_name(name, "agent")
    except WireError as error:
        raise WrongUsage(str(error)) from error


def _program(arguments: Namespace) -> Path:
    named = arguments.program or os.environ.get(VARIABLE)
    if not named:
        raise SettingsError(f"which version? Give --program FILE, made by deploy/agent-program, or set {VARIABLE}")
    program = Path(named)
    if not program.is_file():
        raise SettingsError(f"there is no file {program}: deploy/agent-program makes one")
    if program.stat().st_size > orders.MAX_CONTENT["program"]:
        raise WrongUsage(f"{program} has more than {orders.MAX_CONTENT['program'] // 2**20} MiB, which no program has")
    return program


async def _update(lab: Lab, name: str, program: Path, key: Path, timeout_s: float) -> OrderOutcome:
    shown = Progress(sys.stderr)
    progress = functools.partial(_show, shown, name)
    try:
        return await lab.agents.update(name, program, key=key, timeout=timeout_s, progress=progress)
    except NotReachable as error:
        return _not_sent(name, OFFLINE, error)
    except Error as error:
        return _not_sent(name, REFUSED, error)
    finally:
        shown.clear()


def _show(shown: Progress, name: str, sent: int, size: int) -> None:
    shown.show(name, sent, size, sent)


def _not_sent(name: str, result: str, error: Error) -> OrderOutcome:
    return OrderOutcome(agent=name, kind="program", issued=0, sha256="", result=result, reason=str(error))


def summary(outcomes: list[OrderOutcome]) -> str:
    """A line for each agent, and below what to do about those that have it not."""
    if not outcomes:
        return agent_statuses.NOTHING
    rows = [(one.agent, one.result, texts.plain(one.version if one.result == DONE else one.reason)) for one in outcomes]
    found = dict.fromkeys(one.result for one in outcomes)
    return "\n".join(
        [texts.table(rows), *(f"{result}: {_REMEDIES[result]}" for result in found if result in _REMEDIES)]
    )


def _document(one: OrderOutcome) -> dict[str, Any]:
    return {
        "agent": one.agent,
        "result": one.result,
        "reason": one.reason,
        "version": one.version,
        "issued": one.issued or None,
        "sha256": one.sha256,
    }
