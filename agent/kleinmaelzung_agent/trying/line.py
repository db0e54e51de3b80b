"""One port, asked by a person: bytes out, what comes back with its times in. Blocking: nothing goes on
between two calls.

asyncio's own Runner runs the drivers' port meanwhile, and turns Ctrl-C into KeyboardInterrupt.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Never, Self, TypeVar

from kleinmaelzung_agent.drivers import serial_port
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import Port, PortError

QUIET_S: Final = 0.15  # an answer has ended
QUIET_CHARACTERS: Final = 20  # ... on a slow line; instruments pause within a line
LONGEST_S: Final = 3.0  # one who never pauses is not waited for
MOST: Final = 16 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came, and how long its first byte took; None: nothing came."""

    content: bytes = b""
    first_s: float | None = None


class Line:
    """The port given, and no other. `settings` are those with which it is open."""

    def __init__(self, settings: PortSettings, runner: asyncio.Runner) -> None:
        self.settings = settings
        self._runner = runner
        self._stack: AsyncExitStack | None = None
        self._port: Port | None = None
        self._incoming = bytearray()
        self._came = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def set(self, settings: PortSettings) -> None:
        """Open it with these. Raises PortError, also where the port knows no such settings; then it is closed."""
        self.close()
        self._runner.run(self._open(settings))
        self.settings = settings

    def close(self) -> None:
        if self._stack:
            stack, self._stack, self._port = self._stack, None, None
            self._runner.run(stack.aclose())

    def ask(self, outgoing: bytes, wait_s: float) -> Heard:
        """Send, and hear what comes until it is quiet. What came before is forgotten. Raises PortError."""
        return self._runner.run(self._ask(outgoing, wait_s))

    def listen(self, wait_s: float, for_s: float = 0.0) -> Heard:
        """Hear what comes by itself, for so long from its first byte; 0: until it pauses. Raises PortError."""
        return self._runner.run(self._ask(b"", wait_s, for_s))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something else that needs a loop, while the port is closed."""
        return self._runner.run(work)

    async def _open(self, settings: PortSettings) -> None:
        self._stack = AsyncExitStack()
        self._came = asyncio.Event()
        self._incoming.clear()
        self._port = await self._stack.enter_async_context(serial_port.open_port(settings, self._received))

    def _received(self, chunk: bytes) -> None:
        self._incoming += chunk
        del self._incoming[:-MOST]
        self._came.set()

    async def _ask(self, outgoing: bytes, wait_s: float, for_s: float = 0.0) -> Heard:
        if self._port is None:
            raise PortError(f"{self.settings.port} is not open")
        await asyncio.sleep(0.01)  # what came while the person thought is read now, and forgotten
        self._incoming.clear()
        lost = asyncio.ensure_future(self._port.lost())
        try:
            if outgoing:
                self._port.write(outgoing)
            begun = time.monotonic()
            first_s = await self._first(lost, wait_s, begun)
            until = begun + (first_s or 0.0) + (for_s or LONGEST_S)
            while first_s is not None and (left_s := until - time.monotonic()) > 0:
                if not await self._more(lost, min(left_s, for_s or self._quiet_s())) and not for_s:
                    break
        finally:
            lost.cancel()
            await asyncio.wait([lost])
        return Heard(bytes(self._incoming), first_s)

    def _quiet_s(self) -> float:
        return max(QUIET_S, QUIET_CHARACTERS * self.settings.character_s)

    async def _first(self, lost: asyncio.Future[Never], wait_s: float, begun: float) -> float | None:
        return time.monotonic() - begun if await self._more(lost, wait_s) else None

    async def _more(self, lost: asyncio.Future[Never], wait_s: float) -> bool:
        """Wait for the next bytes. Raises PortError where the port is lost."""
        self._came.clear()
        coming = asyncio.ensure_future(self._came.wait())
        both: list[asyncio.Future[Any]] = [coming, lost]
        done, _ = await asyncio.wait(both, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        coming.cancel()
        if lost in done:
            lost.result()
        return coming in done
