"""A server's connection that keeps within limits, whoever is at the other end.

The library bounds a message's bytes; here its fragments, the time it takes, pings, and the pace of messages are bounded
too, and sockets are counted: all, by address, and those that have not logged in.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import State

from kleinmaelzung_gateway.guesses import Guesses
from kleinmaelzung_gateway.limits import Bucket, Places, counted_as
from kleinmaelzung_wire import sockets

logger = logging.getLogger(__name__)

MAX_SOCKETS: Final = 2000
MAX_SOCKETS_FOR_ONE: Final = 500  # many people may sit behind one router
# Refused sockets are told why, but only so many at a time.
MAX_TOLD: Final = 50
MAX_LOGGING_IN: Final = 100
MAX_LOGGING_IN_FOR_ONE: Final = 4
LOGIN_PLACE_TIMEOUT_S: Final = 4.0  # within the limit for the handshake
OPEN_TIMEOUT_S: Final = 5.0  # from the first byte to the answer of a handshake or a GET
SLICE: Final = 64 * 1024  # of a body that is sent as it is taken
MAX_FRAGMENTS: Final = 1024  # of one message; websockets keeps each as an object, also the empty ones
MESSAGE_TIMEOUT_S: Final = 10.0  # from a message's first fragment to its last
ABORT_AFTER_S: Final = 2.0  # for a peer that does not close when it is told to
MAX_BAD: Final = 3  # messages that cannot be decoded; then the socket is closed
# Beyond what is on its way the kernel takes no more than this. It would take up to 4 MB, and a client that stopped
# reading would be noticed only when they are full: 12 s later at 1000 frames/s.
MAX_UNSENT: Final = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Limits:
    """What may be set: sockets at once, in all and from one address."""

    sockets: int = MAX_SOCKETS
    sockets_for_one: int = MAX_SOCKETS_FOR_ONE


@dataclass(slots=True)
class Guard:
    """What all connections share."""

    limits: Limits
    open_timeout_s: float = OPEN_TIMEOUT_S
    guesses: Guesses = field(default_factory=Guesses)
    refused: int = 0
    cut: int = 0
    places: Places = field(init=False)
    told: Places = field(init=False)
    logging_in: Places = field(init=False)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # somebody has logged in, or gone

    def __post_init__(self) -> None:
        self.places = Places(self.limits.sockets, self.limits.sockets_for_one)
        self.told = Places(MAX_TOLD, MAX_TOLD)
        self.logging_in = Places(MAX_LOGGING_IN, MAX_LOGGING_IN_FOR_ONE)

    def connection(self) -> type["GuardedConnection"]:
        """The class of connections this guard watches over."""

        class Connection(GuardedConnection):
            guard = self

        return Connection


class GuardedConnection(ServerConnection):
    """One socket; `login_place` and `logged_in` mark the time in which it has not said who it is."""

    guard: ClassVar[Guard]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.address = ""
        self._place: Places | None = None
        self._login_place: Places | None = None
        self._controls = Bucket(rate=5, burst=50)
        self._pace: Bucket | None = None
        self._fragments = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._is_answering = False
        self._abort: asyncio.TimerHandle | None = None
        self._bad = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = self.loop.call_later(self.guard.open_timeout_s, self._not_opened)
        peer = transport.get_extra_info("peername")
        self.address = counted_as(peer[0]) if isinstance(peer, tuple) else "local"
        if isinstance(peer, tuple) and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            own: socket.socket = transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)
        for places in (self.guard.places, self.guard.told):
            if places.enter(self.address):
                self._place = places
                return
        self.guard.refused += 1
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._opening, self._deadline, self._abort):
            if timer is not None:
                timer.cancel()
        if self._place is not None:
            self._place.leave(self.address)
        self.logged_in()
        super().connection_lost(exc)

    def why_refused(self) -> str:
        """A sentence if there is no place for this socket, else nothing."""
        if self._place is self.guard.places:
            return ""
        self.guard.refused += 1
        full = self.guard.places.is_full_for(self.address)
        return f"too many connections{' from your address' if full else ''}; close some, or come back later"

    async def login_place(self) -> bool:
        """Wait for one of the places of those who have not logged in yet; False if none became free."""
        places, left = self.guard.logging_in, self.guard.left
        try:
            async with asyncio.timeout(LOGIN_PLACE_TIMEOUT_S):
                while not places.enter(self.address):
                    left.clear()
                    await left.wait()
        except TimeoutError:
            self.guard.refused += 1
            return False
        self._login_place = places
        if self.transport.is_closing():  # gone meanwhile
            self.logged_in()
        return True

    def logged_in(self) -> None:
        """Give the login's place back."""
        if self._login_place is not None:
            self._login_place.leave(self.address)
            self._login_place = None
            self.guard.left.set()

    def take_time(self) -> None:
        """A GET is answered that may take long: whoever answers it sees to the time, and nothing else is heard."""
        self._is_answering = True
        if self._opening is not None:
            self._opening.cancel()

    async def write_body(self, pieces: Iterable[bytes], stalled_s: float) -> None:
        """Send an answer in full no faster than it is taken, and close.

        Raises TimeoutError, with the connection gone, where nothing of it was taken for so long.
        """
        try:
            for piece in pieces:
                for start in range(0, len(piece), SLICE):
                    if self.transport.is_closing():
                        return
                    self.transport.write(memoryview(piece)[start : start + SLICE])
                    async with asyncio.timeout(stalled_s):
                        await self.drain()
            self.transport.close()
            async with asyncio.timeout(stalled_s):
                await self.wait_closed()
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            logger.debug("%s went away before it had all: %s", self.address, error)
        finally:
            self.transport.abort()

    def limit_pace(self, *, rate: float, burst: float) -> None:
        """From now on read no faster than this; what comes faster waits at the sender."""
        self._pace = Bucket(rate=rate, burst=burst)

    async def recv(self, decode: bool | None = None) -> Any:
        if self._pace is not None:
            early_s = self._pace.take(time.monotonic())
            if early_s:
                await asyncio.sleep(early_s)
        return await super().recv(decode)

    def note_undecodable(self) -> None:
        self._bad += 1
        if self._bad >= MAX_BAD:
            self.cut(CloseCode.INVALID_DATA, f"{self._bad} messages could not be decoded; see docs/protocol.md")

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame):
            if self._abort is not None:
                return  # what still comes on a connection that is being cut
            self._check_frame(event)
            if self._abort is not None:
                return
        super().process_event(event)

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            return
        super().data_received(data)
        # Not while a GET is answered: a page may need longer than that on a slow line.
        if self._abort is None and self.subprotocol is not None and self.protocol.close_expected():
            self._abort_soon()

    def cut(self, code: int, sentence: str) -> None:
        """End the connection now, with a code and a sentence, whether or not the other side goes along."""
        if self._abort is not None:
            return
        self.guard.cut += 1
        logger.warning("%s: closed with %d: %s", self.address, code, sentence)
        self.protocol.fail(code, sentence)
        self.send_data()
        self._abort_soon()

    def _check_frame(self, frame: Frame) -> None:
        if frame.opcode in DATA_OPCODES:
            self._check_fragment(frame)
        elif self._controls.take(time.monotonic()):
            self.cut(CloseCode.POLICY_VIOLATION, "too many pings: one in 10 s is enough")

    def _check_fragment(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and self.subprotocol == sockets.MSGPACK:
            self.cut(CloseCode.UNSUPPORTED_DATA, f"text received, {sockets.MSGPACK} is binary")
            return
        self._fragments = 0 if frame.fin else self._fragments + 1
        if frame.fin and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        elif self._fragments > MAX_FRAGMENTS:
            self.cut(CloseCode.MESSAGE_TOO_BIG, f"a message in more than {MAX_FRAGMENTS} fragments")
        elif self._fragments == 1:
            self._deadline = self.loop.call_later(MESSAGE_TIMEOUT_S, self._too_late)

    def _too_late(self) -> None:
        if not self.transport.is_closing() and not self.transport.is_reading():
            self._deadline = self.loop.call_later(MESSAGE_TIMEOUT_S, self._too_late)  # it is we who do not read
            return
        self.cut(CloseCode.POLICY_VIOLATION, f"a message that did not end within {MESSAGE_TIMEOUT_S:.0f} s")

    def _not_opened(self) -> None:
        if self.protocol.state is State.CONNECTING:
            self.transport.abort()

    def _abort_soon(self) -> None:
        self._abort = self.loop.call_later(ABORT_AFTER_S, self.transport.abort)


def note_undecodable(websocket: ServerConnection) -> None:
    """Count a message that cannot be decoded: once may be a mistake, again and again is none of ours to read."""
    if isinstance(websocket, GuardedConnection):
        websocket.note_undecodable()
