"""A slow line: a TCP proxy that passes so many bytes a second each way, with buffers as small as the system allows.

What it does not pass on it does not take either, so that whoever sends feels the line and not a buffer of ours.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PIECE = 256  # bytes taken at once
BUFFER = 2048  # asked for; Linux makes it a little more
KBIT = 1000 / 8


class SlowLink:
    """`rate` is in bytes a second and may be changed at any time."""

    def __init__(self, target_port: int, rate: float) -> None:
        self.rate = rate
        self.carried = 0  # bytes, towards the target
        self.port = 0
        self._target_port = target_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self) -> None:
        """Accept and carry until cancelled."""
        loop = asyncio.get_running_loop()
        with _small(socket.socket()) as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            listening.setblocking(False)
            self.port = listening.getsockname()[1]
            async with asyncio.TaskGroup() as lines:
                while True:
                    near, _ = await loop.sock_accept(listening)
                    lines.create_task(self._join(_small(near)), name="line")

    async def _join(self, near: socket.socket) -> None:
        with near, _small(socket.socket()) as far:
            for end in (near, far):
                end.setblocking(False)
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(far, ("127.0.0.1", self._target_port))
                towards = asyncio.create_task(self._carry(near, far, is_counted=True), name="towards")
                back = asyncio.create_task(self._carry(far, near), name="back")
                try:
                    await asyncio.wait([towards, back], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (towards, back):
                        task.cancel()
                    await asyncio.wait([towards, back])

    async def _carry(self, source: socket.socket, sink: socket.socket, *, is_counted: bool = False) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        with contextlib.suppress(OSError):
            while piece := await loop.sock_recv(source, PIECE):
                free_at = max(free_at, loop.time()) + len(piece) / self.rate
                await asyncio.sleep(free_at - loop.time() if math.isfinite(self.rate) else 0)
                await loop.sock_sendall(sink, piece)
                self.carried += len(piece) if is_counted else 0


def _small(end: socket.socket) -> socket.socket:
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        end.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    return end


@asynccontextmanager
async def slow_link(target_port: int, rate: float) -> AsyncIterator[SlowLink]:
    """A slow way to a port of this machine, as long as the context lasts."""
    link = SlowLink(target_port, rate)
    task = asyncio.create_task(link.serve(), name="slow link")
    try:
        async with asyncio.timeout(5):
            while not link.port:
                await asyncio.sleep(0)
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
