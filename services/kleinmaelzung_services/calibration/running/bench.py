"""The streams of open runs: messages of their instruments in; newest samples, frames' bytes and what holds of them out.

    follow({instrument: Wanted}) subscribes and unsubscribes; take() decodes; Stream is what is known of one instrument

Nothing is subscribed to but what an open run reads, so a laboratory's other streams cost nothing here. Bounded: what is
older than a run needs is forgotten, and beyond MAX_BYTES what is oldest.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.calibration.runs import samples
from kleinmaelzung_services.calibration.runs.samples import Track
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.messages import AgentStatus, Control, State

logger = logging.getLogger(__name__)

KINDS: Final = ("description", "state", "control", "data")
MAX_BYTES: Final = 32 * 1024 * 1024  # of one instrument's frames: an hour of 100 samples a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of an instrument: channels, and how far back they may be looked at."""

    channels: frozenset[str]
    keep_s: float


@dataclass(slots=True)
class Stream:
    """What is known of one instrument; None where nobody has said it since this was subscribed to."""

    wanted: Wanted
    description: Description | None = None
    state: State | None = None
    control: Control | None = None
    tracks: dict[str, Track] = field(default_factory=dict)
    payloads: dict[tuple[int, int], bytes] = field(default_factory=dict)  # by epoch and number
    _received: deque[tuple[int, tuple[int, int]]] = field(default_factory=deque)
    _size: int = 0

    def add(self, payload: bytes, received_us: int) -> None:
        """One frame's bytes, as the log has them. Raises WireError."""
        frame = frames.decode(payload)
        key = frame.epoch, frame.number
        if key in self.payloads:
            return  # it came again
        for channel in self.wanted.channels:
            taken = samples.take(frame, channel, received_us)
            self.tracks[channel] = samples.add(self.track(channel), taken, self.wanted.keep_s)
        self.payloads[key] = payload
        self._received.append((received_us, key))
        self._size += len(payload)
        oldest_us = received_us - int(self.wanted.keep_s * 1e6)
        while self._received and (self._size > MAX_BYTES or self._received[0][0] < oldest_us):
            _, gone = self._received.popleft()
            self._size -= len(self.payloads.pop(gone))

    def track(self, channel: str) -> Track:
        return self.tracks.get(channel, Track())


class Bench:
    """`follow()` says what is wanted; the streams are there as soon as the broker is."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.agents: dict[str, AgentStatus] = {}
        self.news = asyncio.Event()  # set with each message
        self._session: bus.Session | None = None
        self._subscribed = set[str]()
        self._turn = asyncio.Lock()

    async def serve(self, session: bus.Session) -> None:
        """Subscribe on a new session. What was said before may not hold any more: it is said again. Raises BusError."""
        async with self._turn:
            self._session = session
            self._subscribed.clear()
            self.agents.clear()
            for stream in self.streams.values():
                stream.state = stream.control = None
        await self._subscribe()

    async def follow(self, wanted: Mapping[str, Wanted]) -> None:
        """Read these instruments and no others."""
        for name in self.streams.keys() - wanted.keys():
            del self.streams[name]
        for name, one in wanted.items():
            self.streams.setdefault(name, Stream(one)).wanted = one
        try:
            await self._subscribe()
        except bus.BusError as error:
            logger.debug("the broker is away: %s", error)  # serve() does it on the next session

    def status(self, instrument: str) -> AgentStatus | None:
        """Whether an instrument's agent is there; None where that is not known."""
        return self.agents.get(instrument.partition("/")[0])

    def take(self, message: bus.Message) -> bool:
        """Whether a message was of an instrument or agent."""
        try:
            address = topics.parse(message.topic)
        except WireError:
            return False
        try:
            if address.instrument is None and address.kind == "status":
                self.agents[address.agent] = AgentStatus.decode(message.payload)
            elif (stream := self.streams.get(address.full_name)) is not None:
                _take(stream, address.kind, message.payload)
        except WireError as error:
            logger.debug("%s: %s", message.topic, error)
        self.news.set()
        return True

    async def _subscribe(self) -> None:
        """Make the subscriptions what is wanted. Raises BusError."""
        async with self._turn:
            if self._session is None:
                return
            wanted = set(_filters(self.streams))
            for topic_filter in sorted(self._subscribed - wanted):
                await self._session.unsubscribe(topic_filter)
                self._subscribed.discard(topic_filter)
            for topic_filter in sorted(wanted - self._subscribed):
                try:
                    await self._session.subscribe(topic_filter, qos=0 if topic_filter.endswith("/data") else 1)
                except bus.NotPermitted as error:
                    logger.warning("no run can be made: %s; its account has the rights of an earlier version", error)
                self._subscribed.add(topic_filter)


def _take(stream: Stream, kind: str, payload: bytes) -> None:
    match kind:
        case "data":
            received_us = time.time_ns() // 1000
            for one in frames.unpack_several(payload):
                stream.add(one, received_us)
        case "description":
            stream.description = Description.decode(payload) if payload else None
        case "state":
            stream.state = State.decode(payload) if payload else None
        case "control":
            stream.control = Control.decode(payload) if payload else Control()


def _filters(instruments: Iterable[str]) -> Iterator[str]:
    for name in instruments:
        agent, own = topics.split_full_name(name)
        yield topics.status(agent)
        for kind in KINDS:
            yield topics.instrument(agent, own, kind)
