"""What goes out to one socket: at once where it keeps up, through a bounded queue where it does not.

A slow reader never slows anyone else. Live messages give way, oldest first, and are counted: ["missed", n]. Control
messages (answers, replies) are never dropped: too many of them waiting closes the socket with 1013. A backlog waits for
room before it is put, so that neither happens to it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable

from websockets.asyncio.connection import broadcast
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_wire import sockets

# websockets' keepalive does not notice a client that stopped reading (its ping waits for the full buffer), so
# every send has a limit of its own.
SEND_TIMEOUT_S = 5.0
MAX_LIVE = 1000  # messages, or ...
MAX_LIVE_BYTES = 2 * 1024 * 1024
MAX_CONTROL = 10_000  # answers to one list of all instruments are at most this many
MAX_WAITING = 16  # messages that may wait where a backlog finds room
DIRECT_BYTES = 64 * 1024  # in the transport's buffer: more means that the client lags


class Outbox:
    """The way out to one socket. `run` must be running; `offer` and `put` only hand over."""

    def __init__(self, websocket: ServerConnection) -> None:
        self.websocket = websocket
        self.subprotocol = str(websocket.subprotocol)
        self.missed_total = 0
        self._missed = 0
        self._control: deque[bytes | str] = deque()
        self._live: deque[bytes | str] = deque()
        self._live_bytes = 0
        self._overflows = False
        self._wake = asyncio.Event()
        self._sent = asyncio.Event()

    @property
    def keeps_up(self) -> bool:
        """Whether nothing waits here and hardly anything in the transport."""
        return not self._live and not self._control and self.websocket.transport.get_write_buffer_size() < DIRECT_BYTES

    def offer(self, message: bytes | str) -> None:
        """Send a live message; the oldest waiting one gives way when the client lags too far behind."""
        if self.keeps_up:
            broadcast((self.websocket,), message)
            return
        self._live.append(message)
        self._live_bytes += len(message)
        while len(self._live) > MAX_LIVE or self._live_bytes > MAX_LIVE_BYTES:
            self._live_bytes -= len(self._live.popleft())
            self._missed += 1
            self.missed_total += 1
        self._wake.set()

    def put(self, *message: object) -> None:
        """Send a control message, in order with the live ones as far as the client keeps up."""
        if self._overflows or len(self._control) >= MAX_CONTROL:
            self._overflows = True
            self._control.clear()
            self._wake.set()
            return
        self._control.append(sockets.encode(list(message), self.subprotocol))
        self._wake.set()

    async def room(self) -> None:
        """Wait until hardly anything waits: for who has more to put than may wait here."""
        while self._live or len(self._control) >= MAX_WAITING or self._overflows:
            self._sent.clear()
            await self._sent.wait()

    async def run(self) -> None:
        """Write what waits, for ever; returns when the socket is closed, and cuts off whoever does not read."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while (message := self._next()) is not None:
                    await self._send(message)
                    self._sent.set()
                if self._overflows:
                    await self._close()
                    return

    def _next(self) -> bytes | str | None:
        if self._control:
            return self._control.popleft()
        if self._missed:
            missed, self._missed = self._missed, 0
            return sockets.encode(["missed", missed], self.subprotocol)
        if self._live:
            message = self._live.popleft()
            self._live_bytes -= len(message)
            return message
        return None

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self.websocket.close(sockets.TOO_SLOW, "too many answers wait: read faster")
        except TimeoutError:
            self.websocket.transport.abort()

    async def _send(self, message: bytes | str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self.websocket.send(message)
        except TimeoutError:
            self.websocket.transport.abort()


def offer_all(outboxes: Iterable[Outbox], message: bytes | str) -> None:
    """Offer one message to many sockets: one call for all that keep up."""
    direct = []
    for outbox in outboxes:
        if outbox.keeps_up:
            direct.append(outbox.websocket)
        else:
            outbox.offer(message)
    broadcast(direct, message)
