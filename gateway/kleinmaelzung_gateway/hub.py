"""Live data for everyone who watches: one broker subscription for each filter, however many sockets watch.

In: messages by the gateway's own session. Out: ["message", topic, payload], packed once per message and format.
Who may watch is not decided here: a client's own session has asked the broker before its socket is let in.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kleinmaelzung_bus.session import BusError, Message, Session
from kleinmaelzung_gateway.joining import Joining
from kleinmaelzung_gateway.marks import Marks
from kleinmaelzung_gateway.outbox import Outbox, offer_all
from kleinmaelzung_gateway.refusals import RETRY_S, Refusals
from kleinmaelzung_gateway.shelf import Shelf
from kleinmaelzung_gateway.shelf import filters as shelf_filters
from kleinmaelzung_wire import codec, messages, sockets, topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

SEED_TIMEOUT_S = 5.0
# After a restart of the broker, clients may be back before the hub is: they wait for it rather than fail.
CONNECT_TIMEOUT_S = 10.0


class Watcher:
    """One pattern watched by one socket. While it is let in, live messages are `held` for the retained ones.

    With a `joining` frames go to it first, which takes them as long as the backlog is not through.
    """

    def __init__(self, watched: "Watched", filters: list[str], joining: Joining | None = None) -> None:
        self.watched = watched
        self.filters = filters
        self.joining = joining
        self.held: list[Message] | None = []

    def takes(self, message: Message) -> bool:
        """Whether a live message is to wait behind a backlog, or came with it."""
        return self.joining is not None and self.joining.take(message)

    def covers(self, topic: str) -> bool:
        return any(topics.matches(own, topic) for own in self.filters)


class Watched:
    """All patterns one socket watches. Where they overlap one serves, so that nothing comes twice.

    It is the first; but one with a backlog goes before it, for only there live frames wait until their turn.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.patterns: dict[str, Watcher] = {}
        self._serving: dict[str, Watcher | None] = {}  # topic: who serves it; found once

    def add(self, pattern: str, filters: list[str], joining: Joining | None = None) -> Watcher:
        self._serving.clear()
        self.patterns[pattern] = Watcher(self, filters, joining)
        return self.patterns[pattern]

    def remove(self, pattern: str) -> Watcher | None:
        self._serving.clear()
        return self.patterns.pop(pattern, None)

    def serving(self, topic: str) -> Watcher | None:
        if topic not in self._serving:
            in_turn = sorted(self.patterns.values(), key=lambda own: own.joining is None)
            self._serving[topic] = next((own for own in in_turn if own.covers(topic)), None)
        return self._serving[topic]


@dataclass(eq=False, slots=True)
class _Watch:
    topic_filter: str
    subscription: int
    watchers: set[Watcher] = field(default_factory=set)
    subscribed: bool = False
    is_presence: bool = False  # +/status: read by the hub itself, whoever else watches it
    is_kept: bool = False  # also when nobody watches


class Hub:
    """The shared subscriptions, which agents are online, and the records of commands that none of them saw."""

    def __init__(self, refusals: Refusals, shelf: Shelf | None = None) -> None:
        self._refusals = refusals
        self._shelf = shelf  # where the broker cannot keep what is retained
        self._online: dict[str, str] = {}  # nonce of the agent's connection
        self._beats: dict[str, int] = {}
        self.delivered = 0
        self.received = 0
        self._session: Session | None = None
        self._connected = asyncio.Event()
        self._watches: dict[str, _Watch] = {}
        self._by_subscription: dict[int, _Watch] = {}
        self._next_subscription = 1
        self._presence = self._add(topics.any_status())
        self._presence.is_presence = self._presence.is_kept = True
        self._add(topics.service_status("gateway")).is_kept = True  # the word of all: gateway.py
        self._shelved = [self._watches.get(each) or self._add(each) for each in (shelf_filters() if shelf else ())]
        for watch in self._shelved:
            watch.is_kept = True
        self._changing = asyncio.Lock()  # SUBSCRIBE and UNSUBSCRIBE of one filter must not overtake each other
        self._unused: set[str] = set()
        self._tidy = asyncio.Event()  # there is something to do besides delivering
        self._gone: set[str] = set()
        self._await_offline: dict[str, set[asyncio.Event]] = {}
        self._marks = Marks()

    @property
    def is_connected(self) -> bool:
        return self._session is not None and not self._session.is_lost

    @property
    def subscriptions(self) -> int:
        """How many filters of watchers are subscribed at the broker."""
        return sum(watch.subscribed and bool(watch.watchers) for watch in self._watches.values())

    @property
    def watchers_by_filter(self) -> dict[str, int]:
        """How many sockets each broker subscription serves."""
        return {
            topic_filter: len({watcher.watched for watcher in watch.watchers})
            for topic_filter, watch in self._watches.items()
            if watch.watchers
        }

    @property
    def watchers(self) -> int:
        return len({watcher.watched for watch in self._watches.values() for watcher in watch.watchers})

    async def serve(self, session: Session) -> None:
        """Subscribe everything that is watched, again after each loss of the broker, and tidy up."""
        self._online.clear()
        if self._shelf is not None:
            for watch in self._shelved:
                await session.subscribe(watch.topic_filter, retained=False, subscription=watch.subscription)
            await self._shelf.ask(session)
        await session.subscribe(self._presence.topic_filter, qos=1, subscription=self._presence.subscription)
        self._presence.subscribed = True
        own = topics.service_mark("gateway")
        await session.subscribe(own, qos=1)
        await session.subscribe(topics.service_logged("gateway"))
        self._refusals.connected()
        await self._marks.arrive(session, own, SEED_TIMEOUT_S)
        async with self._changing:
            for watch in self._watches.values():
                if watch.is_presence:
                    continue
                # What was retained meanwhile is news to those who watch.
                await session.subscribe(watch.topic_filter, subscription=watch.subscription)
                watch.subscribed = True
            self._session = session
            self._connected.set()
        await self._unsubscribe_unused(session)
        logger.info("the hub is connected, %d subscriptions", len(self._watches))
        while True:
            await self._refusals.send(session)
            await self._take_back_gone(session)
            if self._shelf is not None:
                await self._shelf.answer(session)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S if self._refusals else None):
                    await self._tidy.wait()
            self._tidy.clear()
            await self._unsubscribe_unused(session)

    def on_message(self, message: Message) -> None:
        """Hand one message of the gateway's session to everyone who watches it."""
        self.received += 1
        if self._shelf is not None:
            self._shelf.take(message)
            if self._shelf.is_asked:
                self._tidy.set()
        for subscription in message.subscriptions:
            if watch := self._by_subscription.get(subscription):
                if watch.is_presence:
                    self._note_presence(message)
                self._deliver(watch, message)
        if message.topic == topics.service_logged("gateway"):
            self._note_logged(message)
        elif not message.subscriptions:
            self._marks.take(message)

    async def connected(self) -> Session:
        """The hub's session, once it is up. Raises BusError when that takes too long."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                while self._session is None or self._session.is_lost:
                    self._connected.clear()
                    await self._connected.wait()
        except TimeoutError as error:
            raise BusError("the broker is not there") from error
        return self._session

    async def join(self, watcher: Watcher) -> None:
        """Let a watcher receive what comes by its filters. Raises BusError when the broker is away."""
        session = await self.connected()
        async with self._changing:
            for topic_filter in watcher.filters:
                watch = self._watches.get(topic_filter) or self._add(topic_filter)
                watch.watchers.add(watcher)
                if not watch.subscribed:
                    await session.subscribe(topic_filter, retained=False, subscription=watch.subscription)
                    watch.subscribed = True

    def leave(self, watcher: Watcher) -> None:
        """The opposite of join; a subscription ends soon after its last watcher left."""
        for topic_filter in watcher.filters:
            watch = self._watches.get(topic_filter)
            if watch is not None:
                watch.watchers.discard(watcher)
                if not watch.watchers and not watch.is_kept:
                    self._unused.add(topic_filter)
                    self._tidy.set()

    async def wait_offline(self, agent: str) -> None:
        """Wait until an agent is not online."""
        if agent not in self._online:
            return
        gone = asyncio.Event()
        waiting = self._await_offline.setdefault(agent, set())
        waiting.add(gone)
        try:
            await gone.wait()
        finally:
            waiting.discard(gone)

    def nonce(self, agent: str) -> str | None:
        """The nonce of an agent's connection; None when it is not online."""
        return self._online.get(agent)

    def beat(self, agent: str) -> int:
        """What the clock of an agent said last that is connected to this gateway; 0 for any other."""
        return self._beats.get(agent, 0)

    def note_beat(self, agent: str, beat: int) -> None:
        """Take an agent's own word; 0: its connection has ended."""
        if beat:
            self._beats[agent] = beat
        else:
            self._beats.pop(agent, None)

    def record(self, instrument: str, record: Mapping[str, Any]) -> None:
        """Keep the record of a command that no agent saw, and send it."""
        self._refusals.put(instrument, record)
        self._tidy.set()

    @property
    def unlogged(self) -> int:
        """How many records of commands no logger has confirmed yet."""
        return len(self._refusals)

    async def settle(self, limit_s: float) -> None:
        """Give loggers a little time to confirm what waits; what is left then is lost."""
        if self.is_connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._refusals.none_left.wait()
        if self.unlogged:
            logger.warning("%d records of refused commands are not in the ledger: the gateway ends", self.unlogged)

    def take_back(self, topic: str) -> None:
        """Take back what a session retained that has ended and could not do it itself."""
        self._gone.add(topic)
        self._tidy.set()

    async def _take_back_gone(self, session: Session) -> None:
        while self._gone:
            topic = min(self._gone)
            await session.publish(topic, b"", retained=True)
            self._gone.discard(topic)

    def release(self, watcher: Watcher, seeds: dict[str, bytes]) -> None:
        """Send what was held while the socket was being let in, after the retained `seeds` (topic: payload).

        What a seed already says, or was before it, is left out, so that no state seems to go back.
        """
        held, watcher.held = watcher.held or [], None
        said = {
            message.topic: index for index, message in enumerate(held) if seeds.get(message.topic) == message.payload
        }
        outbox = watcher.watched.outbox
        for index, message in enumerate(held):
            if index <= said.get(message.topic, -1) or watcher.watched.serving(message.topic) is not watcher:
                continue
            if not watcher.takes(message):
                outbox.put("message", *readable(message, outbox.subprotocol))

    def _add(self, topic_filter: str) -> _Watch:
        watch = _Watch(topic_filter, self._next_subscription)
        self._next_subscription += 1
        self._watches[topic_filter] = self._by_subscription[watch.subscription] = watch
        return watch

    def _deliver(self, watch: _Watch, message: Message) -> None:
        ready: dict[str, list[Outbox]] = {}
        for watcher in watch.watchers:
            if watcher.held is not None:
                watcher.held.append(message)
            elif watcher.watched.serving(message.topic) is watcher and not watcher.takes(message):
                outbox = watcher.watched.outbox
                ready.setdefault(outbox.subprotocol, []).append(outbox)
        for subprotocol, outboxes in ready.items():
            packed = sockets.encode(["message", *readable(message, subprotocol)], subprotocol)
            offer_all(outboxes, packed)
            self.delivered += len(outboxes)

    def _note_logged(self, message: Message) -> None:
        try:
            if self._refusals.logged(message.payload):
                self._tidy.set()  # there is room for more
        except WireError as error:
            logger.warning("what is logged cannot be read: %s", error)

    def _note_presence(self, message: Message) -> None:
        try:
            agent = topics.parse(message.topic).agent
            status = messages.AgentStatus.decode(message.payload) if message.payload else None
        except WireError as error:
            logger.warning("a status that cannot be read: %s", error)
            return
        if status is not None and status.online:
            self._online[agent] = status.nonce
        else:
            self._online.pop(agent, None)
            for gone in self._await_offline.pop(agent, ()):
                gone.set()

    async def _unsubscribe_unused(self, session: Session) -> None:
        async with self._changing:
            while self._unused:
                watch = self._watches.get(self._unused.pop())
                if watch is not None and not watch.watchers:
                    await session.unsubscribe(watch.topic_filter)
                    del self._watches[watch.topic_filter]
                    del self._by_subscription[watch.subscription]


def readable(message: Message, subprotocol: str) -> tuple[str, object]:
    """Topic below the root and payload, as a subprotocol shows them."""
    tail = topics.tail(message.topic)
    return tail, shown(tail, message.payload, subprotocol)


def shown(tail: str, payload: bytes, subprotocol: str) -> object:
    """A payload as a subprotocol shows it."""
    if subprotocol != sockets.JSON:
        return payload
    if not payload:
        return None
    try:
        return sockets.readable(payload, is_json=tail.endswith("/latest"))
    except WireError:
        return {codec.HEX_KEY: payload.hex()}
