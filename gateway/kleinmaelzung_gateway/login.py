"""Who connects: the Authorization header, or else a first ["hello", ...] within five seconds.

A client may also bring the code of a one-time link (login_link.py), or nothing, for the public view.
"""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway.guarded import GuardedConnection
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError

MAX_REASON = 120  # bytes of a close frame's reason; the protocol allows 123


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where sessions are opened; the credentials are each socket's own."""

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None
    kind: bus.Kind = "mosquitto"
    retained: bus.Retained | None = None  # where the broker cannot keep it

    def account(self, user: str, password: str) -> bus.Broker:
        return bus.Broker(
            host=self.host,
            port=self.port,
            user=user,
            password=password,
            tls=self.tls,
            ca_file=self.ca_file,
            kind=self.kind,
        )

    @asynccontextmanager
    async def session(
        self,
        websocket: ServerConnection,
        user: str,
        password: str,
        *,
        client_id: str,
        on_message: bus.OnMessage,
        will: bus.Will | None = None,
    ) -> AsyncIterator[bus.Session]:
        """A socket's session, as bus.connect() opens it; after wrong passwords it takes a while. Raises BusError."""
        guarded = _guarded(websocket)
        await wait_after_guesses(websocket, user)
        async with AsyncExitStack() as stack:
            connecting = bus.connect(
                self.account(user, password),
                client_id=client_id,
                on_message=on_message,
                will=will,
                retained=self.retained,
            )
            try:
                session = await stack.enter_async_context(connecting)
            except bus.NotPermitted:
                note_guess(websocket, user, password)
                raise
            guarded.guard.guesses.succeeded(guarded.address, user)
            guarded.logged_in()
            yield session


class LoginError(Exception):
    """The socket did not say who it is; the sentence goes to its user, short enough for a close frame."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence.encode(errors="replace")[:MAX_REASON].decode(errors="ignore"))


@dataclass(frozen=True, slots=True)
class Credentials:
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """What a one-time link opens with."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolling:
    """A machine with the code for an agent: the agent's name, and the password that the code makes (enrolment.py)."""

    who: Credentials


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who says nothing: for the public view, where there is one."""


def _guarded(websocket: ServerConnection) -> GuardedConnection:
    if not isinstance(websocket, GuardedConnection):
        raise TypeError("a socket that nobody guards")
    return websocket


def note_guess(websocket: ServerConnection, name: str, password: str) -> None:
    """This was wrong: the next attempt takes longer."""
    guarded = _guarded(websocket)
    guarded.guard.guesses.failed(guarded.address, name, password, time.monotonic())


async def wait_after_guesses(websocket: ServerConnection, name: str) -> None:
    """Let a login wait after wrong ones, as long as its socket is there. Raises LoginError when it has gone."""
    guarded = _guarded(websocket)
    wait_s = guarded.guard.guesses.wait(guarded.address, name, time.monotonic())
    if wait_s > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await websocket.wait_closed()
    if websocket.state in (State.CLOSING, State.CLOSED):  # of a GET it is CONNECTING
        raise LoginError("closed before login")


async def receive_agent(websocket: ServerConnection) -> Credentials | Enrolling:
    """The credentials of an agent's socket, or what a machine brings that is to be one. Raises LoginError."""
    given = _from_handshake(websocket)
    if given is not None:
        return given
    hello = await _hello(websocket)
    match hello:
        case ["hello", {"enrol": str(name), "password": str(password)}]:
            return Enrolling(_checked(name, password))
    return _from_hello(hello, "agent", "secret")


async def receive_client(websocket: ServerConnection) -> Credentials | Code | Stranger:
    """The same of a client, or what it brings instead of credentials. Raises LoginError."""
    given = _from_handshake(websocket)
    if given is not None:
        return given
    hello = await _hello(websocket)
    match hello:
        case ["hello", {"code": str(code)}]:
            return Code(code)
        case ["hello", dict(content)] if not content:
            return Stranger()
    return _from_hello(hello, "user", "password")


def _from_handshake(websocket: ServerConnection) -> Credentials | None:
    assert websocket.request is not None
    return from_headers(websocket.request.headers)


async def _hello(websocket: ServerConnection) -> list[object]:
    try:
        async with asyncio.timeout(sockets.HELLO_TIMEOUT_S):
            kind, rest = sockets.decode(await websocket.recv(), str(websocket.subprotocol))
    except TimeoutError as error:
        raise LoginError(f"no login within {sockets.HELLO_TIMEOUT_S:.0f} s") from error
    except WireError as error:
        raise LoginError(f"the first message is no hello: {error}") from error
    except ConnectionClosed as error:
        raise LoginError("closed before login") from error
    return [kind, *rest]


def from_headers(headers: Headers) -> Credentials | None:
    """`Authorization: Basic base64(name:password)`; None where there is none. Raises LoginError."""
    given = headers.get_all("Authorization")
    if not given:
        return None
    if len(given) > 1:
        raise LoginError("the Authorization header is there more than once")
    scheme, _, encoded = given[0].partition(" ")
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:  # not ASCII, not base64, not UTF-8
        raise LoginError("the Authorization header is not Basic with base64") from error
    if scheme.lower() != "basic" or not colon:
        raise LoginError("the Authorization header is not Basic with name:password")
    return _checked(name, password)


def _from_hello(message: list[object], name_key: str, password_key: str) -> Credentials:
    if message[0] != "hello" or len(message) != 2:
        raise LoginError(f'log in first: ["hello", {{"{name_key}": ..., "{password_key}": ...}}]')
    try:
        hello = Fields(message[1], "hello")
        return _checked(hello.text(name_key), hello.text(password_key))
    except WireError as error:
        raise LoginError(str(error)) from error


def _checked(name: str, password: str) -> Credentials:
    try:
        password.encode()
        return Credentials(topics.check_name(name), password)
    except UnicodeEncodeError as error:  # half a surrogate pair, by way of JSON
        raise LoginError("the password is no text") from error
    except WireError as error:
        raise LoginError(str(error)) from error
