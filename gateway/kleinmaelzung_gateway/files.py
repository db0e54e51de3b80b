"""Files by GET: asked of a service by the user's own session, put together, sent.

    GET /history/pi-1/balance.csv --> login at the broker --> a service, as history.py asks it --> pieces --> one body

An answer is at most MAX_BODY. Whoever goes away ends what the service does for it. The broker says who may ask about
what; here nothing is known of that.
"""

import asyncio
import contextlib
import http
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from kleinmaelzung_bus.session import BusError, NotPermitted
from kleinmaelzung_gateway import login
from kleinmaelzung_gateway.asking import Refused, ask, find_service
from kleinmaelzung_gateway.guarded import GuardedConnection
from kleinmaelzung_gateway.http import busy, response
from kleinmaelzung_gateway.limits import Places
from kleinmaelzung_gateway.login import Broker, LoginError
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_gateway.wanted import Desk, Mistakes, NoFile, TooLarge, Wanted
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.requests import Request

logger = logging.getLogger(__name__)

MAX_BODY: Final = 16 * 1024 * 1024
# Each may hold a whole body in memory.
MAX_FILES: Final = 4
MAX_FILES_FOR_ONE: Final = 2
PLACE_TIMEOUT_S: Final = 4.0
FILE_TIMEOUT_S: Final = 120.0
ASK_TIMEOUT_S: Final = 20.0  # for one piece
END_TIMEOUT_S: Final = 2.0
STALLED_S: Final = 20.0  # a slice takes 8 s at 64 kbit/s

# What a service's refusal is in HTTP; what is not named here is a mistake of ours.
_STATUSES: Final = {
    sockets.NOT_PERMITTED: http.HTTPStatus.FORBIDDEN,
    sockets.UNKNOWN: http.HTTPStatus.NOT_FOUND,
    sockets.BAD_MESSAGE: http.HTTPStatus.BAD_REQUEST,
    sockets.LIMIT: http.HTTPStatus.SERVICE_UNAVAILABLE,
    sockets.BUSY: http.HTTPStatus.SERVICE_UNAVAILABLE,
    sockets.UNAVAILABLE: http.HTTPStatus.SERVICE_UNAVAILABLE,
    sockets.TIMEOUT: http.HTTPStatus.GATEWAY_TIMEOUT,
}


# From a request's path with its query, and the time. Raises NoFile, Mistakes.
Parse = Callable[[str, int], Wanted]


@dataclass(frozen=True, slots=True)
class _File:
    wanted: Wanted
    pieces: Sequence[bytes]


class Files:
    """All GETs at this gateway that a service answers: `parsers` are those of the paths below each root."""

    def __init__(self, broker: Broker, metrics: Metrics, parsers: Mapping[str, Parse]) -> None:
        self._broker = broker
        self._parsers = parsers
        self._metrics = metrics
        self._places = Places(MAX_FILES, MAX_FILES_FOR_ONE)
        self._left = asyncio.Event()  # somebody has gone
        self._answering: set[GuardedConnection] = set()

    def __len__(self) -> int:
        return self._places.taken

    def is_meant(self, path: str) -> bool:
        return path.startswith(tuple(self._parsers))

    def close(self) -> None:
        """End what is under way."""
        for websocket in self._answering:
            websocket.transport.abort()

    async def answer(self, websocket: GuardedConnection, request: HttpRequest) -> Response:
        """The answer to a GET. A file is sent already when it is returned, and its connection closed."""
        if (method := getattr(request, "method", "GET")) != "GET":
            return _no_get(method)
        try:
            wanted = self._parse(request.path)
            who = login.from_headers(request.headers)
        except NoFile as error:
            return response(http.HTTPStatus.NOT_FOUND, f"{error}\n")
        except LoginError as error:
            return self._unauthorized(str(error))
        except Mistakes as error:
            # Who did not say who it is learns nothing but that.
            if not request.headers.get_all("Authorization"):
                return self._unauthorized()
            return response(http.HTTPStatus.BAD_REQUEST, f"{error}\n")
        if who is None:
            return self._unauthorized()
        websocket.take_time()
        self._answering.add(websocket)
        try:
            return await self._answer_user(websocket, who, wanted)
        finally:
            self._answering.discard(websocket)

    def _parse(self, path: str) -> Wanted:
        parse = next(parse for root, parse in self._parsers.items() if path.startswith(root))
        return parse(path, time.time_ns() // 1000)

    async def _answer_user(self, websocket: GuardedConnection, who: login.Credentials, wanted: Wanted) -> Response:
        if not await websocket.login_place():
            return busy("too many connections that have not logged in yet; come back later")
        async with self._place(websocket) as has_place:
            if not has_place:
                return busy(f"{MAX_FILES_FOR_ONE} files for one address, {MAX_FILES} in all: wait until one has come")
            gathering = asyncio.create_task(self._gather(websocket, who, wanted), name="file")
            gone = asyncio.create_task(websocket.wait_closed(), name="gone")
            try:
                await asyncio.wait((gathering, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                while not gathering.done():  # a TaskGroup can swallow a cancellation
                    gathering.cancel()
                    await asyncio.wait((gathering,), timeout=2 * END_TIMEOUT_S)
            if gathering.cancelled():
                logger.info("%s went away before %s had come", who.name, wanted.name)
                return busy("gone")
            match gathering.result():
                case Response() as refusal:
                    return refusal
                case _File() as file:
                    return await _send(websocket, file)

    async def _gather(self, websocket: GuardedConnection, who: login.Credentials, wanted: Wanted) -> Response | _File:
        name = secrets.token_hex(8)
        personal = Personal(who.name, name, ends_when_refused=self._broker.kind == "rabbitmq")
        client_id = f"{who.name}:{name}"
        try:
            async with (
                asyncio.timeout(FILE_TIMEOUT_S),
                self._broker.session(
                    websocket, who.name, who.password, client_id=client_id, on_message=personal.on_message
                ) as session,
            ):
                await personal.open(session)
                return await self._ask(personal, wanted)
        except NotPermitted:
            logger.warning("refused: user %s with a wrong password", who.name)
            return self._unauthorized("user name or password is wrong")
        except LoginError as error:
            return self._unauthorized(str(error))
        except BusError as error:
            return busy(f"the broker is not there: {error}")
        except TimeoutError:
            sentence = f"not ready within {FILE_TIMEOUT_S:g} s; {wanted.instead}"
            return response(http.HTTPStatus.GATEWAY_TIMEOUT, sentence + "\n")

    async def _ask(self, personal: Personal, wanted: Wanted) -> Response | _File:
        """Raises BusError where the broker is lost; NotPermitted only says that the password was wrong."""
        try:
            service = await find_service(personal, wanted.role)
            return _File(wanted, await wanted.pieces(self._desk(personal, service), MAX_BODY))
        except NotPermitted as error:
            return response(http.HTTPStatus.FORBIDDEN, f"{wanted.about}: {error}\n")
        except TooLarge as error:
            return response(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{error}\n")
        except WireError as error:
            logger.warning("a %s service answered something unreadable: %s", wanted.role, error)
            return response(http.HTTPStatus.BAD_GATEWAY, f"the {wanted.role} service answered something unreadable\n")
        except Refused as refused:
            status = _STATUSES.get(refused.code, http.HTTPStatus.INTERNAL_SERVER_ERROR)
            if status is http.HTTPStatus.SERVICE_UNAVAILABLE:
                return busy(str(refused))
            return response(status, f"{refused}\n")

    def _desk(self, personal: Personal, service: str) -> Desk:
        async def request(name: str, arguments: dict[str, Any], instrument: str | None, tries: int) -> Fields:
            timeout_us = int(ASK_TIMEOUT_S * 1e6)
            question = Request(name=name, arguments=arguments, instrument=instrument, timeout_us=timeout_us)
            while True:
                tries -= 1
                self._metrics.requests += 1
                try:
                    return Fields(await ask(personal, service, question), name)
                except Refused as refused:
                    if refused.code != sockets.TIMEOUT or tries <= 0:
                        raise

        async def tell(name: str, arguments: dict[str, Any]) -> None:
            with contextlib.suppress(BusError, TimeoutError):
                async with asyncio.timeout(END_TIMEOUT_S):
                    await personal.publish_request(
                        service, Request(name=name, arguments=arguments), secrets.token_bytes(16)
                    )

        return Desk(personal=personal, request=request, tell=tell)

    @contextlib.asynccontextmanager
    async def _place(self, websocket: GuardedConnection) -> AsyncIterator[bool]:
        """A place among those who get a file, for which one waits a little; False where none became free."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PLACE_TIMEOUT_S):
                while not (has_place := self._places.enter(websocket.address)):
                    self._left.clear()
                    await self._left.wait()
        try:
            yield has_place
        finally:
            if has_place:
                self._places.leave(websocket.address)
                self._left.set()

    def _unauthorized(self, sentence: str = "sign in with name and password to get what is stored") -> Response:
        self._metrics.refused_logins += 1
        answered = response(http.HTTPStatus.UNAUTHORIZED, sentence + "\n")
        answered.headers["WWW-Authenticate"] = 'Basic realm="Kleinmaelzung", charset="UTF-8"'
        return answered


def _no_get(method: str) -> Response:
    answered = response(http.HTTPStatus.METHOD_NOT_ALLOWED, "only GET gets a file\n")
    answered.headers["Allow"] = "GET"
    if method == "HEAD":
        answered.body = b""
    return answered


async def _send(websocket: GuardedConnection, file: _File) -> Response:
    """Send a file no faster than it is taken, and close: of the library's own answer there would be a copy or two."""
    head = response(http.HTTPStatus.OK, "", file.wanted.media_type)
    head.headers["Content-Disposition"] = f'attachment; filename="{file.wanted.name}"'
    head.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    del head.headers["Cache-Control"], head.headers["Content-Length"]
    head.headers["Cache-Control"] = "no-store"
    head.headers["Content-Length"] = str(sum(map(len, file.pieces)))
    try:
        await websocket.write_body([head.serialize(), *file.pieces], STALLED_S)
    except TimeoutError:
        logger.warning("%s: %s was not taken for %g s", websocket.address, file.wanted.name, STALLED_S)
    return head
