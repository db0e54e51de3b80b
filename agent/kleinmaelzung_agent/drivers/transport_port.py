"""A port over an asyncio transport: `socket://host:port` here, devices in serial_port.py.

What arrives goes to `received(chunk)`, at most 4 KiB at a time, and of each window of time only a share goes into it,
so that a babbling device leaves the rest to the others: it is made to wait, or its driver's buffer overflows.
A lost port shows in `lost()` as PortError with a plain sentence.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import Any, Final, Never, Protocol
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

CHUNK: Final = 4096
WINDOW_S: Final = 0.05
WINDOW_WORK_S: Final = 0.01
WINDOW_BYTES: Final = 64 * 1024  # 1.3 MB/s: ten times the fastest usual line
MAX_UNSENT: Final = 16 * 1024
CLOSE_S: Final = 1.0
CONNECT_S: Final = 5.0
DEAD_PEER_MS: Final = 10_000

Received = Callable[[bytes], None]


class Device(Protocol):
    """What is below a transport that keeps bytes of its own."""

    def flush(self) -> None:
        """Forget what was not sent."""
        ...


class PortError(Exception):
    """The port cannot be opened or was lost; the text says which and why in plain words."""


class NotSentError(PortError):
    """Nothing of it was sent."""


class Port(Protocol):
    """An open port."""

    def write(self, outgoing: bytes) -> None:
        """Send without waiting. Raises NotSentError where too much is waiting or the port is lost."""
        ...

    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        ...

    def discard_unsent(self) -> None:
        """Forget what was not sent, so that it does not arrive late."""
        ...

    async def lost(self) -> Never:
        """Wait until the port is lost and raise PortError."""
        ...


class Wire(asyncio.BufferedProtocol):
    """Takes bytes from a transport, not faster than allowed, and notes its end."""

    def __init__(self, port: str, received: Received) -> None:
        loop = asyncio.get_running_loop()
        self.port = port
        self.closed: asyncio.Future[None] = loop.create_future()
        self.failure = f"{port} was disconnected"
        self._received = received
        self._loop = loop
        self._buffer = bytearray(CHUNK)
        self._transport: Any = None
        self._window_until = 0.0
        self._bytes = 0
        self._work_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, chunk: bytes) -> None:  # what pyserial-asyncio calls
        begun = self._loop.time()
        self._received(chunk)
        self._limit(begun, len(chunk))

    def connection_lost(self, error: Exception | None) -> None:
        if error:
            self.failure = f"{self.port} was disconnected: {plain(error)}"
        if not self.closed.done():
            self.closed.set_result(None)

    def _limit(self, begun: float, count: int) -> None:
        if begun >= self._window_until:
            self._window_until, self._bytes, self._work_s = begun + WINDOW_S, 0, 0.0
        self._bytes += count
        self._work_s += self._loop.time() - begun
        if self._bytes >= WINDOW_BYTES or self._work_s >= WINDOW_WORK_S:
            self._transport.pause_reading()
            self._loop.call_at(self._window_until, self._resume)

    def _resume(self) -> None:
        if not self.closed.done() and not self._transport.is_closing():
            self._transport.resume_reading()


class TransportPort:
    """A port over an asyncio transport; `device` is the serial device below it, where there is one."""

    def __init__(self, transport: Any, wire: Wire, device: Device | None = None) -> None:
        self._transport = transport
        self._wire = wire
        self._device = device

    def write(self, outgoing: bytes) -> None:
        if self._wire.closed.done() or self._transport.is_closing():
            raise NotSentError(self._wire.failure)
        if self.unsent() + len(outgoing) > MAX_UNSENT:
            raise NotSentError(f"{self._wire.port} does not take what is sent")
        self._transport.write(outgoing)

    def unsent(self) -> int:
        return 0 if self._wire.closed.done() else int(self._transport.get_write_buffer_size())

    def discard_unsent(self) -> None:
        if self._device is None:
            if self.unsent():  # a part of it may be sent: only a new connection is clean
                self._transport.abort()
        elif not self._wire.closed.done():
            self._transport.flush()
            self._device.flush()

    async def lost(self) -> Never:
        await asyncio.shield(self._wire.closed)
        raise PortError(self._wire.failure)

    async def close(self) -> None:
        self._transport.close()
        if not await self._is_closed_within(CLOSE_S):
            # A device that takes nothing holds its bytes for ever, and close() waits for them.
            self._transport.abort()
            if not await self._is_closed_within(CLOSE_S):
                logger.warning("%s does not close", self._wire.port)

    async def _is_closed_within(self, limit_s: float) -> bool:
        done, _ = await asyncio.wait([self._wire.closed], timeout=limit_s)
        return bool(done)


async def open_socket(url: str, received: Received) -> TransportPort:
    """Connect to a `socket://host:port` or `tcp://host:port`. Raises PortError."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            transport, wire = await loop.create_connection(
                lambda: Wire(url, received), parts.hostname or "", parts.port or 0
            )
    except TimeoutError as error:
        raise PortError(f"{url} does not answer") from error
    except (OSError, ValueError) as error:
        raise PortError(f"{url} cannot be opened: {plain(error)}") from error
    _notice_dead_peer(transport.get_extra_info("socket"))
    return TransportPort(transport, wire)


def _notice_dead_peer(connection: socket.socket) -> None:
    # A serial server that lost its power sends no end: without this a query would be repeated for a quarter of an hour.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_USER_TIMEOUT", DEAD_PEER_MS)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def plain(error: Exception) -> str:
    """What an error says without Python's decoration."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(error) or type(error).__name__
