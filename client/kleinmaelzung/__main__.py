"""The command `kleinmaelzung`: parses, runs one command, and turns what goes wrong into a sentence and an exit code.

0 done, 1 refused or failed, 2 wrong usage.
"""

import asyncio
import io
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Final, Protocol

from kleinmaelzung import Error, SettingsError
from kleinmaelzung.commands import (
    agent,
    alarms,
    batch,
    calibration,
    completeness,
    control,
    doctor,
    history,
    instruments,
    ledger,
    note,
    options,
    send,
    up,
    user,
    watch,
)
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire.codec import WireError


class Command(Protocol):
    """What each module of kleinmaelzung.commands offers."""

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    async def run(self, arguments: Namespace) -> int: ...


COMMANDS: Final[dict[str, tuple[Command, str]]] = {
    "instruments": (instruments, "what instruments there are, in what state, with their newest values"),
    "watch": (watch, "watch an instrument live"),
    "send": (send, "send a command to an instrument"),
    "control": (control, "be the only one who may command an instrument"),
    "history": (history, "what was measured, as a file for spreadsheets and programs"),
    "batch": (batch, "begin and end a batch, note its stages, get its data"),
    "note": (note, "put notes on an instrument's time line, read them"),
    "completeness": (completeness, "what was logged, what is missing, and why"),
    "ledger": (ledger, "every command, who sent it and what became of it"),
    "alarms": (alarms, "what is wrong now, one line for each cause; acknowledge it; what was"),
    "calibration": (calibration, "calibrate instruments, issue certificates; fit and judge data"),
    "agent": (agent, "agents: add, list, remove, configure and update them"),
    "user": (user, "add, list and remove users, change passwords"),
    "doctor": (doctor, "find out what is broken"),
}
_OWN_OPTIONS: Final = ("agent", "batch", "calibration", "control", "note", "user")  # where each action has its own


def main() -> int:
    """Run the command line; returns the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Ω shows ?
    try:
        return _run(sys.argv[1:])
    except (SettingsError, WrongUsage) as error:
        return _say(str(error), 2)
    except (Error, WireError) as error:
        return _say(str(error), 1)
    except KeyboardInterrupt:
        return 0 if sys.argv[1:2] in (["watch"], ["control"]) else 1  # there it is the usual end
    except BrokenPipeError:
        # Whoever read has enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(typed: list[str]) -> int:
    if typed[:1] == ["up"]:
        return up.main(typed[1:])
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("kleinmaelzung").setLevel(logging.INFO)
    arguments = _parser().parse_args(typed)
    command, _ = COMMANDS[arguments.name_of_command]
    return asyncio.run(command.run(arguments))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="kleinmaelzung", description="Watch and command a laboratory's instruments.")
    commands = parser.add_subparsers(dest="name_of_command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="run everything on this machine", add_help=False)
    for name, (command, meaning) in COMMANDS.items():
        added = commands.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        command.add_arguments(added)
        if name not in _OWN_OPTIONS:
            options.add_to(added)
    return parser


def _say(sentence: str, code: int) -> int:
    print(f"kleinmaelzung: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
