"""kleinmaelzung-agent simulate PROFILE: an instrument of this make, as far as its profile knows it, on a port.

    PROFILE --> Simulated <-- bytes --> a pseudo-terminal under a name of one's own, or TCP          faults in between

It goes on until it is stopped. Exit codes: 0 stopped, 1 the port cannot be had, 2 wrong usage or profile.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tty
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import profile_files, simulated, simulated_faults
from kleinmaelzung_agent.profile_files import Profile, ProfileError
from kleinmaelzung_agent.simulated import Simulated, Talk
from kleinmaelzung_agent.simulated_faults import Faults

READ_BYTES: Final = 4096
# A pseudo-terminal has no line, and refuses other settings.
_TERMINAL: Final = {"bytesize": "8", "parity": '"none"', "flow": '"none"'}


class Line:
    """One who has the port open: what is sent goes to the instrument, its answers through the faults."""

    def __init__(
        self, instrument: Simulated, faults: Faults, write: Callable[[bytes], None], unplug: Callable[[], None]
    ) -> None:
        self._faults, self._write, self._unplug = faults, write, unplug
        self._talk: Talk = instrument.talk(self._say)
        self.heard = self._talk.heard

    def _say(self, answer: bytes) -> None:
        pieces = self._faults.on(answer)
        if pieces is None:
            self._unplug()
            return
        for wait_s, piece in pieces:
            if wait_s:
                asyncio.get_running_loop().call_later(wait_s, self._write, piece)
            else:
                self._write(piece)

    def close(self) -> None:
        self._talk.close()


# --- a pseudo-terminal ------------------------------------------------------------------------------------------------


class Terminal:
    """A pseudo-terminal; `link` leads to the end that the agent opens, and comes back after unplugging."""

    def __init__(self, link: Path, instrument: Simulated, faults: Faults) -> None:
        self._link, self._instrument, self._faults = link, instrument, faults
        self._near = self._far = -1
        self._line: Line | None = None

    def plug(self) -> None:
        """Raises OSError."""
        near, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        try:
            self._link.symlink_to(os.ttyname(far))
        except OSError:
            os.close(near)
            os.close(far)
            raise
        self._near, self._far = near, far
        self._line = Line(self._instrument, self._faults, self._write, self._unplugged)
        asyncio.get_running_loop().add_reader(near, self._read)

    def unplug(self) -> None:
        if self._near < 0:
            return
        asyncio.get_running_loop().remove_reader(self._near)
        if self._line:
            self._line.close()
        with contextlib.suppress(OSError):
            self._link.unlink()
        os.close(self._near)
        os.close(self._far)
        self._near = self._far = -1

    def _unplugged(self) -> None:
        self.unplug()
        asyncio.get_running_loop().call_later(simulated_faults.UNPLUGGED_S, self.plug)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            chunk = os.read(self._near, READ_BYTES)
            if self._line:
                self._line.heard(chunk)

    def _write(self, content: bytes) -> None:
        # Who does not read loses bytes, as on a real line; a late piece may come after unplugging.
        with contextlib.suppress(OSError):
            os.write(self._near, content)


@asynccontextmanager
async def on_terminal(link: Path, instrument: Simulated, faults: Faults) -> AsyncIterator[str]:
    """Gives the port. Raises OSError."""
    terminal = Terminal(link, instrument, faults)
    terminal.plug()
    try:
        yield str(link)
    finally:
        terminal.unplug()


# --- TCP --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def on_tcp(host: str, port: int, instrument: Simulated, faults: Faults) -> AsyncIterator[str]:
    """Gives host:port. Raises OSError."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(instrument, faults, writer.write, writer.close)
        try:
            while chunk := await reader.read(READ_BYTES):
                line.heard(chunk)
        except ConnectionError:
            pass
        finally:
            line.close()
            writer.close()

    server = await asyncio.start_server(serve, host, port)
    async with server:
        address = server.sockets[0].getsockname()
        yield f"{address[0]}:{address[1]}"


# --- the command ------------------------------------------------------------------------------------------------------


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
    parser.add_argument(
        "--fault", action="append", choices=simulated_faults.KINDS, default=[], help="several take turns"
    )
    parser.add_argument(
        "--every", type=_count, default=simulated_faults.EVERY, metavar="N", help="at each N-th answer (default 5)"
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
    faults = Faults(wanted.fault, wanted.every)
    async with (
        simulated.simulated(profile, framing="tcp" if wanted.tcp else "rtu") as instrument,
        _place(wanted, instrument, faults) as place,
    ):
        print("\n".join(_table(profile, place, is_tcp=bool(wanted.tcp))), flush=True)
        await stop.wait()
    return 0


def _place(
    wanted: argparse.Namespace, instrument: Simulated, faults: Faults
) -> contextlib.AbstractAsyncContextManager[str]:
    if not wanted.tcp:
        return on_terminal(wanted.pty or Path(wanted.profile), instrument, faults)
    host, _, port = wanted.tcp.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ProfileError(f"--tcp: expected HOST:PORT, found {wanted.tcp}")
    return on_tcp(host or "127.0.0.1", int(port), instrument, faults)


def _table(profile: Profile, place: str, *, is_tcp: bool) -> list[str]:
    """What agent.toml needs to read it."""
    lines = [f"# {profile.label}", f"[instruments.{profile.name}]", f'profile = "{profile.name}"']
    if is_tcp:
        return [*lines, f'port = "{"tcp" if profile.driver == "modbus" else "socket"}://{place}"']
    own = [f"{key} = {value}" for key, value in _TERMINAL.items() if key in profile.settings]
    return [*lines, *own, f'port = "{Path(place).absolute()}"']
