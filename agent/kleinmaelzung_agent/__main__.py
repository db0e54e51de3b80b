"""kleinmaelzung-agent --config agent.toml: reads the configuration, runs the agent, ends in order on SIGTERM.

SIGHUP has it read the configuration again (lifetime.py).

With --check it does not run: it looks at all that an agent needs, says what is broken and what to do, and ends.
`kleinmaelzung-agent enrol` lets it become an agent of a server, by a code (enrol.py); `profiles` shows the profiles of
instruments, `simulate` stands in for one; `ports` shows where instruments can be connected, `try` finds out how one
speaks. `check` is the same as --check.

Exit codes: 0 stopped, 1 cannot run, 2 wrong usage or configuration.
"""

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kleinmaelzung_agent import systemd
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import Config, ConfigError
from kleinmaelzung_agent.lifetime import Lifetime
from kleinmaelzung_agent.orders import trial
from kleinmaelzung_agent.spool.spool import SpoolError

LEVELS = ("debug", "info", "warning", "error")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `kleinmaelzung-agent`."""
    sys.exit(_main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    typed = sys.argv[1:] if arguments is None else list(arguments)
    if typed[:1] == ["enrol"]:
        from kleinmaelzung_agent import enrol  # an agent that runs does not carry it

        return enrol.main(typed[1:])
    if typed[:1] == ["profiles"]:
        from kleinmaelzung_agent.profiles import profile_list

        return profile_list.main(typed[1:])
    if typed[:1] == ["simulate"]:
        from kleinmaelzung_agent.simulating import program

        return program.main(typed[1:])
    if typed[:1] == ["ports"]:
        from kleinmaelzung_agent.trying import ports

        return ports.main(typed[1:])
    if typed[:1] == ["try"]:
        from kleinmaelzung_agent.trying import session

        return session.main(typed[1:])
    if typed[:1] == ["check"]:
        typed = ["--check", *typed[1:]]
    wanted = _parser().parse_args(typed)
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
        description="Reads instruments for a gateway.",
        epilog="`kleinmaelzung-agent enrol` lets it become an agent of a server, `profiles` shows the profiles of "
        "instruments, `simulate` stands in for one, `ports` shows where one can be connected, `try` finds out how it "
        "speaks; `check` is the same as --check.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="agent.toml")
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
