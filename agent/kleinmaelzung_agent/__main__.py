"""kleinmaelzung-agent --config agent.toml: reads the configuration, runs the agent, ends in order on SIGTERM.

SIGHUP has it read the configuration again (lifetime.py).

With --check it does not run: it looks at all that an agent needs, says what is broken and what to do, and ends.
COMMANDS are programs of their own: an agent that runs does not carry them.

Exit codes: 0 stopped, 1 cannot run, 2 wrong usage or configuration.
"""

import argparse
import asyncio
import importlib
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from kleinmaelzung_agent import systemd
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import Config, ConfigError
from kleinmaelzung_agent.lifetime import Lifetime
from kleinmaelzung_agent.orders import trial
from kleinmaelzung_agent.spool.spool import SpoolError

LEVELS = ("debug", "info", "warning", "error")
COMMANDS: Final = {  # a module with main(arguments) -> exit code, and what it does
    "enrol": ("kleinmaelzung_agent.enrol", "become an agent of a server, by a code"),
    "ports": ("kleinmaelzung_agent.trying.ports", "where instruments can be connected on this machine"),
    "try": ("kleinmaelzung_agent.trying.session", "find out how an instrument speaks, and save a profile for it"),
    "profiles": ("kleinmaelzung_agent.profiles.profile_list", "the profiles of instruments, or the whole of one"),
    "simulate": ("kleinmaelzung_agent.simulating.program", "stand in for an instrument"),
}
CHECK: Final = "check"


class Command(Protocol):
    """What each module of COMMANDS offers."""

    def main(self, arguments: Sequence[str]) -> int: ...


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `kleinmaelzung-agent`."""
    sys.exit(_main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    typed = sys.argv[1:] if arguments is None else list(arguments)
    if typed and typed[0] in COMMANDS:
        return cast(Command, importlib.import_module(COMMANDS[typed[0]][0])).main(typed[1:])
    if typed[:1] == [CHECK]:
        typed = ["--check", *typed[1:]]
    parser = _parser()
    wanted = parser.parse_args(typed)
    if wanted.command:
        parser.error(f"{wanted.command} stands first: kleinmaelzung-agent {wanted.command} ...")
    if wanted.config is None:
        parser.error("the following arguments are required: --config")
    if wanted.check:
        return _check(wanted)
    shown = logging.StreamHandler()
    shown.setFormatter(systemd.log_formatter())
    logging.basicConfig(level=wanted.log_level.upper(), handlers=[shown])
    logging.getLogger("websockets").setLevel(logging.INFO)  # for debugging it writes each header, the secret's too
    trial.at_start(wanted.config, time.time_ns() // 1000)
    try:
        settings = config.load(wanted.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(wanted.config, settings))
    except SpoolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-agent",
        usage="kleinmaelzung-agent --config FILE [options]\n       kleinmaelzung-agent COMMAND ...",
        description="Reads instruments for a gateway, or does one of the commands.",
    )
    # What begins with one of them was dispatched before: here they are only shown, and refused in another place.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, (_, meaning) in COMMANDS.items():
        commands.add_parser(name, help=meaning, add_help=False)
    commands.add_parser(CHECK, help="find out what is broken here: the same as --check", add_help=False)
    parser.add_argument("--config", type=Path, metavar="FILE", help="agent.toml")
    parser.add_argument("--log-level", choices=LEVELS, default="info")
    parser.add_argument("--check", action="store_true", help="find out what is broken here, and end")
    parser.add_argument("--json", action="store_true", help="with --check: print one JSON document")
    return parser


def _check(wanted: argparse.Namespace) -> int:
    """Exit codes: 0 nothing is broken, 1 something is."""
    from kleinmaelzung_agent import check  # an agent that runs does not carry it
    from kleinmaelzung_wire import codec, findings

    logging.basicConfig(level=logging.CRITICAL)  # what is wrong stands in the findings
    found = asyncio.run(check.check(wanted.config))
    print(codec.to_json(findings.document(found)) if wanted.json else findings.report(found))
    return 0 if findings.is_well(found) else 1


async def _run(path: Path, settings: Config) -> None:
    running = Lifetime(path, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    loop.add_signal_handler(signal.SIGHUP, running.hang_up)
    await running.run()


if __name__ == "__main__":
    main()
