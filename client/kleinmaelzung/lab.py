"""The laboratory as a program sees it: watch, send, look up. It keeps the connection and comes back by itself.

connect() owns one task; that opens a connection, reads it until it ends, and asks again for what is watched. Programs
talk to the connection that is there at the moment.
"""

import asyncio
import json
import logging
import os
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final, NoReturn, TypeVar

from kleinmaelzung import connection, controlling, ledger, readings, settings
from kleinmaelzung.completeness import Completeness
from kleinmaelzung.connection import Connection
from kleinmaelzung.controlling import Held
from kleinmaelzung.errors import ConnectionLost, Error, NotReachable, Refused
from kleinmaelzung.ledger import Ask, LedgerCheck, LedgerEntry
from kleinmaelzung.readings import Frame, Instrument
from kleinmaelzung.settings import Login
from kleinmaelzung.watching import QUEUE_LIMIT, FrameReader, Message, Watch
from kleinmaelzung_wire import codec, sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Control, Reply, ServiceStatus
from kleinmaelzung_wire.rights import Rights
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_LIMIT_S: Final = 10.0
RETAINED_LIMIT: Final = 20_000  # as many as the gateway sends
REPLY_GRACE_S: Final = 5.0  # the gateway says "timeout" itself; this is for a gateway that says nothing
_RETAINED: Final = frozenset({"status", *(kind for kind, how in topics.INSTRUMENT_KINDS.items() if how.retained)})
STEADY_S: Final = 10.0  # a connection that lasted as long starts the waits from the beginning
WAITS: Final = Waits(first_s=0.3, longest_s=2.0)  # people wait for it


@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    user: str | None = None,
    password: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> AsyncIterator["Lab"]:
    """Connect to a server such as `http://lab:8080`, and stay connected until the block is left.

    What is not given comes from KLEINMAELZUNG_URL, KLEINMAELZUNG_USER, KLEINMAELZUNG_PASSWORD_FILE,
    KLEINMAELZUNG_CA_FILE (the CA to trust with https, where it is not one of the system's), or the file
    ~/.config/kleinmaelzung.toml. Raises SettingsError, NotReachable or NotLoggedIn when it does not work at first; a
    connection that is lost later comes back by itself.
    """
    async with connect_as(settings.find(url, user, password, ca_file=ca_file)) as lab:
        yield lab


@asynccontextmanager
async def connect_as(login: Login) -> AsyncIterator["Lab"]:
    """connect() with a Login that was found already."""
    lab = Lab(login)
    # Not a TaskGroup: it would wrap whatever the caller's block raises into an ExceptionGroup.
    task = asyncio.create_task(lab._live(), name="kleinmaelzung-connection")
    try:
        await lab._first_connection()
        yield lab
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        lab._fail(NotReachable("the connection was closed: its `async with` block was left"))


class Lab:
    """An open connection to a laboratory, from connect()."""

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

    def watch(self, pattern: str) -> Watch[Frame]:
        """Return the live frames of `<agent>/<instrument>`, where `+` stands for any name: `async for frame in ...`."""
        _check_pattern(pattern)
        return self._add(f"{pattern}/data", FrameReader())

    def messages(self, pattern: str) -> Watch[Message]:
        """Return messages as they are on the broker, what is retained first: `pi-1/+/state`, `+/status` or the like."""
        return self._add(pattern, _as_it_is)

    async def retained(self, pattern: str) -> dict[str, bytes]:
        """Return the retained messages of a pattern at this moment, by topic below the root."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S), self._add(pattern, _as_it_is, RETAINED_LIMIT) as messages:
                found = await messages.begun()
        except TimeoutError as error:
            raise ConnectionLost(f"the server did not answer within {ANSWER_LIMIT_S:g} s") from error
        return {message.topic: message.payload for message in found if message.payload}

    async def send(
        self,
        instrument: str,
        command: str,
        arguments: Mapping[str, Value] | None = None,
        /,
        *,
        timeout: float = 5.0,
        id: str = "",  # noqa: A002 (as the contract calls it)
        **more: Value,
    ) -> Reply:
        """Send a command and return the Reply, whatever its `result` is ("done" or what else became of it).

        Arguments are given by name or, where a name is none in Python or is one of those here, as a mapping. `timeout`
        is in seconds. With an `id` of the caller's own it may be sent again: the same id is executed once and answered
        with the first result.
        Raises Refused when it is not permitted or the instrument is not known, NotReachable when there is no
        connection (nothing was sent), and ConnectionLost when the connection ended before the answer: then it is
        not known whether the command was executed, and it is not sent again.
        """
        values = {**(arguments or {}), **more}
        _check_name(instrument)
        try:
            codec.pack(values)
        except WireError as error:
            raise ValueError(str(error)) from error
        if self._connection is None:
            self._raise_not_connected()
        options: dict[str, Value] = {"timeout": timeout, **({"id": id} if id else {})}
        return await _send(self._connection, instrument, command, values, options)

    def control(
        self, instrument: str, *, duration_s: float = controlling.USUAL_S, force: bool = False, extend: bool = True
    ) -> AbstractAsyncContextManager[Held]:
        """Be the only one who may command an instrument: `async with lab.control("pi-1/balance") as held:`.

        It is taken for `duration_s` (1 to 3600 s), extended in time unless `extend` is false, and given back at the
        end. With `force` it is taken from whoever holds it. Raises Refused saying who does, or that this is not
        permitted. It ends early when somebody takes it over, or this connection or the agent is lost: then `held.lost`
        says why, `held.ended()` returns, and the end of the block raises ControlLost.
        """
        _check_name(instrument)
        if self._connection is None:
            self._raise_not_connected()
        opened = self._connection
        timeout_s = min(5.0, duration_s / 2)

        async def send(command: str, arguments: dict[str, Value]) -> Reply:
            return await _send(opened, instrument, command, arguments, {"timeout": timeout_s})

        return controlling.hold(
            Held(instrument, opened.session),
            send,
            lambda: self.messages(f"{instrument}/control"),
            opened.wait_ended,
            duration_s=duration_s,
            force=force,
            extend=extend,
        )

    async def release(self, instrument: str) -> None:
        """End this user's sole control of an instrument, also where another session of the same user has it.

        Nothing happens where nobody holds it. Raises Refused where somebody else does.
        """
        _check_name(instrument)
        reply = await self.send(instrument, "_release")
        if reply.result == "refused" and await self._holder(instrument) == self._login.user:
            # The agent lets a session give back only what is its own.
            await self.send(instrument, "_take", force=True)
            reply = await self.send(instrument, "_release")
        if reply.result != "done":
            raise Refused(f"{instrument} was not released: {reply.reason or reply.result}", reply.result)

    async def _holder(self, instrument: str) -> str:
        for payload in (await self.retained(f"{instrument}/control")).values():
            with suppress(WireError):
                return Control.decode(payload).user
        return ""

    async def instruments(self, pattern: str = "+/+") -> list[Instrument]:
        """Return what is known of each instrument now, by name."""
        # By what is retained and not by the gateway's `list`: that answer is one message, which has its limits.
        agent = pattern.partition("/")[0]
        known: dict[str, bytes] = {}
        for kind in ("description", "state", "latest", "control"):
            known |= await self.retained(f"{pattern}/{kind}")
        return readings.instruments(known | await self.retained(f"{agent}/status"))

    async def request(self, service: str, name: str, /, *, timeout: float = 10.0, **body: Any) -> Any:
        """Ask a service, such as the one called `logger`, and return its answer as plain values.

        `timeout` is in seconds, at most 60. Raises Refused when the service is not there (code "unavailable"), did not
        answer in time ("timeout"), or says no.
        """
        try:
            topics.check_name(service, "service")
            codec.pack(body)
        except WireError as error:
            raise ValueError(str(error)) from error
        question = {**body, "request": name}
        return await self._ask("request", service, question, {"timeout": timeout}, limit_s=timeout + REPLY_GRACE_S)

    async def services(self, role: str) -> list[str]:
        """Return the names of the services that do something, such as "logger": those that are there and well first."""
        found = []
        for topic, payload in (await self.retained(f"{topics.SERVICE}/+/status")).items():
            with suppress(WireError):
                status = ServiceStatus.decode(payload)
                if status.role == role and status.online:
                    found.append((not status.healthy, topic.split("/")[1]))
        return [name for _, name in sorted(found)]

    async def completeness(
        self, pattern: str = "+/+", *, since: int | None = None, until: int | None = None, timeout: float = 30.0
    ) -> list[Completeness]:
        """Return what came and what is missing of each instrument of `<agent>/<instrument>`, `+` for any name.

        With `since` and `until` (µs since 1970 UTC) of the runs and gaps that overlap. Raises Refused when no logger is
        there or can read its database ("unavailable"), or nothing of the instrument was ever logged ("unknown").
        """
        _check_pattern(pattern)
        question = {"instrument": pattern, "from": since, "to": until}
        return await self._by_a_logger(lambda service: self._completeness(service, question, timeout))

    async def ledger(
        self,
        pattern: str = "+/+",
        *,
        user: str | None = None,
        result: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
        timeout: float = 30.0,
    ) -> list[LedgerEntry]:
        """Return the commands to `<agent>/<instrument>`, `+` for any name, and what became of each: the newest first.

        `since` and `until` are in µs since 1970 UTC. Raises Refused as completeness() does when no logger can tell.
        """
        _check_pattern(pattern)
        question = {"instrument": pattern, "user": user, "result": result, "from": since, "to": until}
        return await self._by_a_logger(lambda service: ledger.find(self._asking(service, timeout), question, limit))

    async def verify_ledger(self, head: str | None = None, *, timeout: float = 30.0) -> LedgerCheck:
        """Return whether the record of all commands is whole: no entry edited, removed, or added from outside.

        `head` is that of an earlier check, kept where nobody who can write to the database can change it: with it, also
        a removed end and a ledger that was written anew are found. `timeout` is for each of the pieces it is read in.
        """
        if head is not None:
            ledger.parse_head(head)
        return await self._by_a_logger(lambda service: ledger.verify(self._asking(service, timeout), head))

    def _asking(self, service: str, timeout_s: float) -> Ask:
        return lambda name, question: self.request(service, name, timeout=timeout_s, **question)

    async def _by_a_logger(self, ask: Callable[[str], Awaitable[T]]) -> T:
        none = Refused("there is no logger at the moment, and only a logger knows: start it", sockets.UNAVAILABLE)
        for service in await self.services("logger"):
            try:
                return await ask(service)
            except Refused as refused:
                if refused.code != sockets.UNAVAILABLE:
                    raise
                none = refused  # another one may be there, or see its database
        raise none

    async def _completeness(self, service: str, question: dict[str, Any], timeout_s: float) -> list[Completeness]:
        found: list[Completeness] = []
        while True:
            after = found[-1].instrument if found else None
            answer = await self.request(service, "completeness", timeout=timeout_s, after=after, **question)
            try:
                page = Fields(answer, "completeness")
                shown = [Completeness.from_map(one) for one in page.list("instruments")]
            except WireError as error:
                raise Error(f"the answer of {service} is not readable ({error}): is it of another version?") from error
            found += shown
            if not shown or not page.boolean("more", default=False):
                return found

    async def access(self, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Have the broker execute commands on accounts; return its answers in order, each perhaps with an `error`.

        For admins only; kleinmaelzung_wire.access makes the commands. Raises Refused for anyone else.
        """
        answers = await self._ask("access", commands)
        if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
            raise Error("the server's answer about accounts is not readable: is it of another version?")
        return answers

    async def tell_rights(self, user: str, rights: Rights | None) -> None:
        """Tell a user's sessions what the user may watch; None once the account is gone. For admins only.

        What anyone may is decided by the account at the broker, which access() changes.
        """
        await self._ask("rights", user, json.loads(rights.to_json()) if rights else None)

    async def _ask(self, kind: str, *rest: Any, limit_s: float = ANSWER_LIMIT_S) -> Any:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                while self._connection is None:
                    self._raise_if_failed()
                    await self._came_or_failed.wait()
        except TimeoutError:
            self._raise_not_connected()
        return await self._connection.ask(kind, *rest, limit_s=limit_s)

    def _raise_if_failed(self) -> None:
        if self._failure:
            raise self._failure

    def _raise_not_connected(self) -> NoReturn:
        self._raise_if_failed()
        raise NotReachable(f"there is no connection to {self._login.url} at the moment: nothing was sent, try again")

    # What the connection's task does.

    async def _live(self) -> None:
        try:
            await self._stay_connected()
        except Error as error:
            self._fail(error)
        except Exception as error:
            # Whoever waits for an answer or a frame must hear of a fault in here.
            logger.exception("the connection's task ended by a fault")
            self._fail(Error(f"a fault in this library ended the connection: {error!r}"))

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

    async def _first_connection(self) -> None:
        await self._came_or_failed.wait()
        self._raise_if_failed()

    def _fail(self, error: Error) -> None:
        self._failure = self._failure or error
        self._came_or_failed.set()
        for watch in list(self._watches):
            watch.fail(self._failure)

    # Watches: on each connection what is watched is asked for, and what is watched no longer is given up.

    def _add(self, pattern: str, decode: Callable[[Message], T | None], limit: int = QUEUE_LIMIT) -> Watch[T]:
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
        elif message.topic.rpartition("/")[2] in _RETAINED:
            self._retained[message.topic] = message.payload

    def _count_missed(self, count: int) -> None:
        for watch in list(self._watches):
            watch.missed += count

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


async def _send(
    opened: Connection, instrument: str, command: str, values: dict[str, Value], options: dict[str, Value]
) -> Reply:
    limit_s = float(str(options["timeout"])) + REPLY_GRACE_S
    try:
        return Reply.from_map(await opened.ask("send", instrument, command, values, options, limit_s=limit_s))
    except (ConnectionLost, WireError) as error:
        raise ConnectionLost(f"it is not known whether {command} of {instrument} was executed: {error}") from error


def _check_name(instrument: str) -> None:
    try:
        topics.split_full_name(instrument)
    except WireError as error:
        raise ValueError(str(error)) from error


def _check_pattern(pattern: str) -> None:
    try:
        agent, _, instrument = pattern.partition("/")
        for name in {agent, instrument} - {topics.ANY}:
            topics.check_name(name, "agent or instrument")
    except WireError as error:
        raise ValueError(str(error)) from error


def _as_it_is(message: Message) -> Message:
    return message
