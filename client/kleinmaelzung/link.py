"""A connection that comes back by itself, and what is watched over it.

One task, run(), opens a connection, reads it until it ends, and asks again for what is watched. Everything else talks
to the connection that is there at the moment.
"""

import asyncio
import logging
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from kleinmaelzung import connection
from kleinmaelzung.connection import Connection
from kleinmaelzung.errors import ConnectionLost, Error, NotReachable, Refused
from kleinmaelzung.settings import Login
from kleinmaelzung.watching import QUEUE_LIMIT, Message, Watch
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_LIMIT_S: Final = 10.0
STEADY_S: Final = 10.0  # a connection that lasted as long starts the waits from the beginning
WAITS: Final = Waits(first_s=0.3, longest_s=2.0)  # people wait for it
RETAINED: Final = frozenset({"status", *(kind for kind, how in topics.INSTRUMENT_KINDS.items() if how.retained)})


class Link:
    """The way to one server; run() must be running."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._connection: Connection | None = None
        self._failure: Error | None = None
        self._came_or_failed = asyncio.Event()
        # Weak: a watch whose loop was left is asked for no longer.
        self._watches: weakref.WeakSet[Watch[Any]] = weakref.WeakSet()
        self._watches_changed = asyncio.Event()
        # What is retained in the watched topics: the gateway sends it to the first watch of a topic only.
        self._retained: dict[str, bytes] = {}

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def connection(self) -> Connection:
        """The connection of this moment. Raises NotReachable when there is none, or why there will be none."""
        if self._connection is None:
            self._raise_if_failed()
            url = self._login.url
            raise NotReachable(f"there is no connection to {url} at the moment: nothing was sent, try again")
        return self._connection

    async def first_connection(self) -> None:
        """Wait until there is one. Raises what prevents it."""
        await self._came_or_failed.wait()
        self._raise_if_failed()

    async def ask(self, kind: str, *rest: Any, limit_s: float = ANSWER_LIMIT_S) -> Any:
        """Ask a question as soon as there is a connection, and return what was answered."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                while self._connection is None:
                    self._raise_if_failed()
                    await self._came_or_failed.wait()
        except TimeoutError:
            self.connection()  # which says that there is none
        return await self.connection().ask(kind, *rest, limit_s=limit_s)

    async def run(self) -> None:
        """Keep connected until cancelled, or something prevents it that time does not mend."""
        try:
            await self._stay_connected()
        except Error as error:
            self.fail(error)
        except Exception as error:
            # Whoever waits for an answer or a frame must hear of a fault in here.
            logger.exception("the connection's task ended by a fault")
            self.fail(Error(f"a fault in this library ended the connection: {error!r}"))

    def _raise_if_failed(self) -> None:
        if self._failure:
            raise self._failure

    async def _stay_connected(self) -> None:
        failures, connected_before = 0, False
        while True:
            began = time.monotonic()
            try:
                async with connection.opened(self._login) as opened:
                    if connected_before:
                        logger.info("connected to %s again", self._login.url)
                    connected_before = True
                    reason = await self._serve(opened)
                logger.warning("connection to %s lost, trying again: %s", self._login.url, reason)
            except NotReachable as error:
                if not connected_before:
                    raise
                logger.debug("still no connection: %s", error)
            if time.monotonic() - began > STEADY_S:
                failures = 0
            failures += 1
            await asyncio.sleep(WAITS.after(failures))

    async def _serve(self, opened: Connection) -> str:
        self._connection = opened
        self._came_or_failed.set()
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep_asking(opened), name="kleinmaelzung-watches")
                reason = await opened.read(self._deliver, self._count_missed)
                keeper.cancel()
        except* Error as errors:
            raise errors.exceptions[0] from None
        finally:
            self._connection = None
            self._came_or_failed.clear()
            self._retained.clear()
        return reason

    def fail(self, error: Error) -> None:
        """Tell everyone who waits that it is over."""
        self._failure = self._failure or error
        self._came_or_failed.set()
        for watch in list(self._watches):
            watch.fail(self._failure)

    # Watches: on each connection what is watched is asked for, and what is watched no longer is given up.

    def watch(self, pattern: str, decode: Callable[[Message], T | None], limit: int = QUEUE_LIMIT) -> Watch[T]:
        """Watch on this connection and on those that come after it. Raises ValueError for what cannot be watched."""
        try:
            watch = Watch(pattern, decode, self._watches_changed.set, limit)
        except WireError as error:
            raise ValueError(str(error)) from error
        if self._failure:
            watch.fail(self._failure)
        self._watches.add(watch)
        self._watches_changed.set()
        return watch

    def _deliver(self, message: Message) -> None:
        topic = f"{topics.ROOT}/{message.topic}"
        wanting = [watch for watch in list(self._watches) if watch.wants(topic)]
        for watch in wanting:
            watch.put(message)
        if not wanting:
            self._watches_changed.set()
        elif message.topic.rpartition("/")[2] in RETAINED:
            self._retained[message.topic] = message.payload

    def _count_missed(self, count: int) -> None:
        for watch in list(self._watches):
            watch.note_missed(count)

    async def _keep_asking(self, opened: Connection) -> None:
        asked: weakref.WeakSet[Watch[Any]] = weakref.WeakSet()
        patterns: set[str] = set()
        try:
            while True:
                self._watches_changed.clear()
                await self._ask_for_new(opened, asked, patterns)
                await self._give_up_unused(opened, patterns)
                await self._watches_changed.wait()
        except ConnectionLost as error:
            # Also a gateway that does not answer: end it, so that a new connection tries again.
            logger.debug("watching was not answered: %s", error)
            await opened.close()

    async def _ask_for_new(self, opened: Connection, asked: weakref.WeakSet[Watch[Any]], patterns: set[str]) -> None:
        for watch in [watch for watch in self._watches if watch not in asked]:
            if watch.is_closed:
                self._watches.discard(watch)
                continue
            asked.add(watch)
            for topic, payload in self._retained.items():
                if watch.wants(f"{topics.ROOT}/{topic}"):
                    watch.put(Message(topic, payload))
            try:
                await opened.ask("watch", watch.pattern, limit_s=ANSWER_LIMIT_S)
                patterns.add(watch.pattern)
                watch.mark_begun()
            except Refused as error:
                self._watches.discard(watch)
                watch.fail(error)

    async def _give_up_unused(self, opened: Connection, patterns: set[str]) -> None:
        for watch in [watch for watch in self._watches if watch.is_closed]:
            self._watches.discard(watch)
        for pattern in patterns - {watch.pattern for watch in self._watches}:
            patterns.discard(pattern)
            self._forget_unwatched(patterns)
            with suppress(Refused):
                await opened.ask("unwatch", pattern, limit_s=ANSWER_LIMIT_S)

    def _forget_unwatched(self, patterns: set[str]) -> None:
        # It would grow old here. What is still watched stays: the gateway does not send it again.
        wanted = [one for pattern in patterns for one in topics.watch_filters(pattern)]
        for topic in list(self._retained):
            if not any(topics.matches(one, f"{topics.ROOT}/{topic}") for one in wanted):
                del self._retained[topic]
