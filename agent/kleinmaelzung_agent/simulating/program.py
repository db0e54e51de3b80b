"""kleinmaelzung-agent simulate PROFILE: an instrument of this make, as far as its profile knows it, on a port.

    PROFILE --> Simulated <-- bytes --> a pseudo-terminal under a name of one's own, or TCP          faults in between

It goes on until it is stopped. Exit codes: 0 stopped, 1 the port cannot be had, 2 wrong usage or profile.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import Profile, ProfileError
from kleinmaelzung_agent.simulating import faults, making, ports
from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.instrument import Simulated

# A pseudo-terminal has no line, and refuses other settings.
_TERMINAL: Final = {"bytesize": "8", "parity": '"none"', "flow": '"none"'}


def main(arguments: Sequence[str]) -> int:
    wanted = _parser().parse_args(arguments)
    try:
        profile = profile_files.find(wanted.profile, profile_files.folders(wanted.profiles))
        return asyncio.run(_run(wanted, profile))
    except (ProfileError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"the port cannot be had: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-agent simulate",
        description="Stands in for an instrument: answers as its profile says, with values that wander.",
        epilog="kleinmaelzung-agent profiles shows which there are.",
    )
    parser.add_argument("profile", metavar="PROFILE")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", type=Path, metavar="LINK", help="name of a pseudo-terminal; default: ./PROFILE")
    where.add_argument("--tcp", metavar="HOST:PORT", help="or listen here; port 0: any")
    parser.add_argument("--fault", action="append", choices=faults.KINDS, default=[], help="several take turns")
    parser.add_argument(
        "--every", type=_count, default=faults.EVERY, metavar="N", help="at each N-th answer (default 5)"
    )
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="folder of own profiles")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, found {text}")
    return int(text)


async def _run(wanted: argparse.Namespace, profile: Profile) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wrong = Faults(wanted.fault, wanted.every)
    async with (
        making.simulated(profile, framing="tcp" if wanted.tcp else "rtu") as instrument,
        _place(wanted, instrument, wrong) as place,
    ):
        print("\n".join(_table(profile, place, is_tcp=bool(wanted.tcp))), flush=True)
        await stop.wait()
    return 0


def _place(
    wanted: argparse.Namespace, instrument: Simulated, wrong: Faults
) -> contextlib.AbstractAsyncContextManager[str]:
    if not wanted.tcp:
        return ports.on_terminal(wanted.pty or Path(wanted.profile), instrument, wrong)
    host, _, port = wanted.tcp.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ProfileError(f"--tcp: expected HOST:PORT, found {wanted.tcp}")
    return ports.on_tcp(host or "127.0.0.1", int(port), instrument, wrong)


def _table(profile: Profile, place: str, *, is_tcp: bool) -> list[str]:
    """What agent.toml needs to read it."""
    lines = [f"# {profile.label}", f"[instruments.{profile.name}]", f'profile = "{profile.name}"']
    if is_tcp:
        is_modbus_tcp = profile.driver == "modbus" and "framing" not in profile.settings
        return [*lines, f'port = "{"tcp" if is_modbus_tcp else "socket"}://{place}"']
    own = [f"{key} = {value}" for key, value in _TERMINAL.items() if key in profile.settings]
    return [*lines, *own, f'port = "{Path(place).absolute()}"']
