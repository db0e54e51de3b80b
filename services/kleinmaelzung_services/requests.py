"""What a service is asked, by any client: requests from its topic to a handler, answers to the asker's own inbox.

    broker --> take() --> bounded queue --> a few workers --> handler --> answer
                  | full: "busy"                  no longer than the asker waits

Who asks, in which role and about which instruments stands in the topic, which the broker lets nobody else write to. An
answer goes to an inbox of that user only: a request that names another is not answered at all.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID
from kleinmaelzung_wire.requests import Answer, Request, TooLarge

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 50  # beyond it a request is refused
MAX_REFUSALS: Final = 200  # beyond it nothing is said, and the asker's own limit tells
WORKERS: Final = 2  # reading must not keep a small machine from its work


class RequestRefused(Exception):
    """The service cannot do what was asked: a code of sockets and a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with who asks, in which role. `deadline` is when nobody waits any more, by time.monotonic()."""

    user: str
    role: str
    request: Request
    inbox: str
    correlation: bytes | None
    deadline: float


def id_of(wire: Fields) -> str:
    """The caller's own id of a request that is done once; without one none is another's repeat. Raises WireError."""
    if wire.get("id") is None:
        return secrets.token_hex(16)
    id_ = wire.text("id", longest=MAX_ID)
    if not id_ or not id_.isprintable():
        raise WireError(f"id {id_!r:.80} is none: 1 to {MAX_ID} printable characters")
    return id_


# Gives the answer's content. Raises RequestRefused, or WireError for arguments that are wrong.
Handler = Callable[[Asked], Awaitable[Any]]


class Requests:
    """The requests to one service. `run()` must be running, `serve()` is called with each new session."""

    def __init__(self, service: str, handlers: Mapping[str, Handler], workers: int = WORKERS) -> None:
        self.answered = 0
        self.refused = 0
        self._service = service
        self._handlers = handlers
        self._workers = workers
        self._session: bus.Session | None = None
        self._waiting: asyncio.Queue[Asked] = asyncio.Queue(MAX_WAITING)
        self._refusals: asyncio.Queue[tuple[str, bytes | None, Answer]] = asyncio.Queue(MAX_REFUSALS)

    async def serve(self, session: bus.Session) -> None:
        """Ask the broker for requests, on a new session. Raises BusError.

        Where that is not permitted the service goes on without: what it is there for must not depend on it.
        """
        try:
            for topic_filter in topics.service_requests(self._service):
                await session.subscribe(topic_filter, qos=1)
        except bus.NotPermitted as error:
            logger.warning(
                "nobody can ask %s: %s; its account has the rights of an earlier version", self._service, error
            )
        self._session = session

    def take(self, message: bus.Message) -> bool:
        """Whether a message is a request; then it will be answered."""
        asker = topics.asker(message.topic)
        if asker is None:
            return False
        inbox = message.response_topic or ""
        if topics.inbox_owner(inbox) != asker.user:
            logger.warning("a request by %s without an inbox of theirs to answer to", asker.user)
            self.refused += 1
            return True
        try:
            request = Request.decode(message.payload, asker.instrument)
            asked = Asked(
                user=asker.user,
                role=asker.role,
                request=request,
                inbox=inbox,
                correlation=message.correlation,
                deadline=time.monotonic() + request.timeout_us / 1e6,
            )
            self._waiting.put_nowait(asked)
        except WireError as error:
            self._refuse(inbox, message.correlation, sockets.BAD_MESSAGE, str(error))
        except asyncio.QueueFull:
            self._refuse(
                inbox, message.correlation, sockets.BUSY, f"{self._service} has too much to do, ask again later"
            )
        return True

    async def run(self) -> Never:
        """Answer requests for ever."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"requests-{number}")
            group.create_task(self._say_refusals(), name="requests-refused")
        raise AssertionError("these tasks do not end")

    def _refuse(self, inbox: str, correlation: bytes | None, code: str, sentence: str) -> None:
        self.refused += 1
        try:
            self._refusals.put_nowait((inbox, correlation, Answer(ok=False, code=code, sentence=sentence)))
        except asyncio.QueueFull:
            logger.debug("no room even to refuse")

    async def _say_refusals(self) -> Never:
        while True:
            await self._send(*await self._refusals.get())

    async def _work(self) -> Never:
        while True:
            asked = await self._waiting.get()
            if time.monotonic() >= asked.deadline:
                self.refused += 1
                continue  # nobody waits for it any more
            answer = await self._answer(asked)
            self.answered += answer.ok
            self.refused += not answer.ok
            await self._send(asked.inbox, asked.correlation, answer)

    async def _answer(self, asked: Asked) -> Answer:
        name = asked.request.name
        try:
            handler = self._handlers.get(name)
            if handler is None:
                known = ", ".join(sorted(self._handlers)) or "nothing"
                raise RequestRefused(sockets.UNKNOWN, f"{self._service} is asked for {name!r:.40}, it knows {known}")
            async with asyncio.timeout(asked.deadline - time.monotonic()):
                return Answer(ok=True, content=await handler(asked))
        except RequestRefused as error:
            return Answer(ok=False, code=error.code, sentence=str(error))
        except WireError as error:
            return Answer(ok=False, code=sockets.BAD_MESSAGE, sentence=str(error))
        except TimeoutError:
            limit_s = asked.request.timeout_us / 1e6
            sentence = f"{self._service} had no answer to {name} in {limit_s:g} s: ask for less, or wait longer"
            return Answer(ok=False, code=sockets.TIMEOUT, sentence=sentence)
        except Exception:  # one request's trouble must not end the service
            logger.exception("%s, asked by %s, ended by a mistake of ours", name, asked.user)
            return Answer(ok=False, code=sockets.FAILED, sentence=f"{self._service} failed at {name}: see its log")

    async def _send(self, inbox: str, correlation: bytes | None, answer: Answer) -> None:
        if self._session is None:
            return
        try:
            await self._session.publish(inbox, _encoded(answer), correlation=correlation)
        except bus.BusError as error:
            logger.debug("not answered: %s", error)


def _encoded(answer: Answer) -> bytes:
    try:
        return answer.encode()
    except TooLarge as error:
        sentence = f"the answer does not go into one message ({error}): ask for less"
        return Answer(ok=False, code=sockets.LIMIT, sentence=sentence).encode()
    except WireError as error:
        logger.exception("an answer that nobody could read, a mistake of ours")
        return Answer(ok=False, code=sockets.FAILED, sentence=f"the answer {error}").encode()
