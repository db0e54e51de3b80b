"""The port of a simulated instrument: a pseudo-terminal or TCP, with faults between it and who opens it.

Simulated <-- bytes --> Faults <-- bytes --> on_terminal(), on_tcp()
"""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.instrument import Simulated, Talk

READ_BYTES: Final = 4096


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
        self._back: asyncio.TimerHandle | None = None

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
        self._back = asyncio.get_running_loop().call_later(self._faults.unplugged_s, self.plug)

    def close(self) -> None:
        if self._back:
            self._back.cancel()
        self.unplug()

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
        terminal.close()


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
