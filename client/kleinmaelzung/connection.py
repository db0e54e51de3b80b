"""One WebSocket to the gateway, from the handshake to its end: questions find their answers, the rest is handed on."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from kleinmaelzung.errors import ConnectionLost, NotLoggedIn, NotReachable, Refused
from kleinmaelzung.settings import Login
from kleinmaelzung.watching import Message
from kleinmaelzung_wire import sockets, tls
from kleinmaelzung_wire.codec import WireError

OPEN_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 10.0  # a dead network is noticed after at most twice that
CLOSE_TIMEOUT_S: Final = 2.0


@asynccontextmanager
async def opened(login: Login) -> AsyncIterator["Connection"]:
    """Connect, log in, and close at the end. Raises NotReachable or NotLoggedIn."""
    socket, session = await _open(login)
    try:
        yield Connection(socket, session)
    finally:
        await socket.close()


async def _open(login: Login) -> tuple[ClientConnection, str]:
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            socket = await connect(
                login.socket_url,
                additional_headers={"Authorization": _basic(login)},
                subprotocols=[Subprotocol(sockets.MSGPACK)],
                compression=None,
                ssl=tls.client_context(login.ca_file) if _is_secure(login) else None,
                proxy=None,  # instruments are in the house; a proxy for the web would only get the password
                ping_interval=KEEPALIVE_S,
                ping_timeout=KEEPALIVE_S,
                close_timeout=CLOSE_TIMEOUT_S,
            )
            try:
                session = await _welcome(socket, login)
            except BaseException:
                await socket.close()
                raise
            return socket, session
    except TimeoutError as error:
        raise NotReachable(f"{login.url} did not answer within {OPEN_TIMEOUT_S:g} s: is it overloaded?") from error
    except InvalidStatus as error:
        raise _refused_handshake(error, login) from error
    except InvalidHandshake as error:
        raise NotReachable(f"{login.url} is no kleinmaelzung server: {error}") from error
    except OSError as error:
        if _is_secure(login) and (told := tls.sentence(error, urlsplit(login.url).netloc, login.ca_file)):
            raise NotReachable(told) from error
        raise NotReachable(f"cannot reach {login.url} ({error.strerror or error}): is it running?") from error


def _is_secure(login: Login) -> bool:
    return login.socket_url.startswith("wss:")


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def _refused_handshake(error: InvalidStatus, login: Login) -> Exception:
    status = error.response.status_code
    if status in (401, 403):
        return NotLoggedIn(f"{login.url} does not let {login.user} in: wrong user or password")
    if status in (400, 421, 503) and (said := _said(error)):
        return NotReachable(f"{login.url} does not let this connection in: {said}")
    return NotReachable(f"{login.url} answered with HTTP status {status}: is that a kleinmaelzung server?")


def _said(error: InvalidStatus) -> str:
    """The sentence with which a gateway refuses a handshake."""
    text = bytes(error.response.body or b"")[:300].decode(errors="replace").strip()
    return text if text.isprintable() else ""


async def _welcome(socket: ClientConnection, login: Login) -> str:
    """The name of this session among the user's, as it is shown where it controls an instrument."""
    if socket.subprotocol != sockets.MSGPACK:
        raise NotReachable(f"{login.url} does not speak {sockets.MSGPACK}: is that a kleinmaelzung server?")
    try:
        kind, rest = sockets.decode(await socket.recv(), sockets.MSGPACK)
    except ConnectionClosed as closed:
        raise _not_welcome(closed, login) from closed
    except WireError as error:
        raise NotReachable(f"{login.url} sent something else than a welcome: {error}") from error
    if kind != "welcome":
        raise NotReachable(f"{login.url} sent {kind!r:.40} instead of a welcome")
    match rest:
        case [{"session": str(session)}, *_]:
            return session
    return ""


def _not_welcome(closed: ConnectionClosed, login: Login) -> Exception:
    if _code(closed) == sockets.NOT_LOGGED_IN:
        return NotLoggedIn(f"{login.url} does not let {login.user} in: {_reason(closed)}")
    return NotReachable(f"{login.url} ended the connection: {_reason(closed)}")


def _code(closed: ConnectionClosed) -> int | None:
    return closed.rcvd.code if closed.rcvd else None


def _reason(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "the network or the server went away"
    return closed.rcvd.reason or f"code {closed.rcvd.code}"


class Connection:
    """An open connection. Someone has to run read(), for it is what brings the answers."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self.session = session
        self._socket = socket
        self._ids = itertools.count(1)
        self._asked: dict[sockets.Id, asyncio.Future[list[Any]]] = {}

    async def ask(self, kind: str, *rest: Any, limit_s: float) -> Any:
        """Send `[kind, id, *rest]`; return what comes with its answer. Raises Refused or ConnectionLost."""
        number = next(self._ids)
        message = sockets.encode([kind, number, *rest], sockets.MSGPACK)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit_s):
                await self._socket.send(message)
                return _unwrap(await answer)
        except TimeoutError as error:
            raise ConnectionLost(f"the server did not answer within {limit_s:g} s") from error
        except ConnectionClosed as closed:
            raise ConnectionLost(f"the connection was lost: {_reason(closed)}") from closed
        finally:
            del self._asked[number]

    async def read(self, deliver: Callable[[Message], None], missed: Callable[[int], None]) -> str:
        """Hand on what comes until the connection ends; return why it did. Raises NotLoggedIn."""
        reason = "the connection was closed"
        try:
            while True:
                self._take(await self._socket.recv(), deliver, missed)
        except ConnectionClosed as closed:
            reason = _reason(closed)
            if _code(closed) == sockets.NOT_LOGGED_IN:
                raise NotLoggedIn(f"the server ended the session: {reason}") from closed
        except WireError as error:
            reason = f"the server sent something that is not in the contract: {error}"
        finally:
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_result(["lost", f"the connection was lost: {reason}"])
        return reason

    async def wait_ended(self) -> None:
        await self._socket.wait_closed()

    async def close(self) -> None:
        await self._socket.close()

    def _take(self, received: bytes | str, deliver: Callable[[Message], None], missed: Callable[[int], None]) -> None:
        kind, rest = sockets.decode(received, sockets.MSGPACK)
        match kind, rest:
            case "message", [str(topic), bytes(payload), *_]:
                deliver(Message(topic, payload))
            case "missed", [int(count), *_]:
                missed(count)
            case (("done" | "reply" | "refused"), [int() | str() as number, *answer]):
                self._answer(number, [kind, *answer])
            case (("message" | "missed" | "done" | "reply" | "refused"), _):
                raise WireError(f"{kind} with other elements than it has")
        # Any other kind comes from a newer gateway and is none of ours.

    def _answer(self, number: sockets.Id, answer: list[Any]) -> None:
        waiting = self._asked.get(number)  # absent: nobody waits any more
        if waiting and not waiting.done():
            waiting.set_result(answer)


def _unwrap(answer: list[Any]) -> Any:
    match answer:
        case ["lost", str(reason)]:
            raise ConnectionLost(reason)
        case ["refused", str(code), str(sentence), *_]:
            raise Refused(sentence, code)
        case [_, result, *_]:
            return result
    raise ConnectionLost(f"the server's answer has other elements than expected: {answer[0]}")
