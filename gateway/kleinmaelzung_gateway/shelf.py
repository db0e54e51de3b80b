"""What is retained, kept by every gateway where the broker cannot: RabbitMQ keeps it on one node only, and for no `+`.

    all that is retained, live --> take() --> get(filter), once the broker has granted that filter
    another gateway that begins --> answer()                      ask() --> the other gateways

A gateway that begins, or comes back, takes what another one has, and over it what came meanwhile. Without another one
it goes on with what it had: agents and services, which lost their sessions as well, say again what they retain.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final

from kleinmaelzung_bus.session import Message, Session
from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError

ASK_S: Final = 1.0  # for another gateway's first piece; alone, a gateway begins so much later
PIECE_S: Final = 5.0
PIECE_BYTES: Final = 64 * 1024
MARK: Final = topics.service_mark("gateway")  # only gateways read and write there
_ENTRY_BYTES: Final = 100  # of a topic, beside the payload

Entries = dict[str, bytes]  # topic: payload


def filters() -> list[str]:
    """What the hub subscribes to for a shelf."""
    any_instrument = f"{topics.ROOT}/{topics.ANY}/{topics.ANY}"
    kinds = (f"{any_instrument}/{name}" for name, kind in topics.INSTRUMENT_KINDS.items() if kind.retained)
    return [*kinds, topics.any_status(), topics.any_service_status(), topics.any_online()]


class Shelf:
    """One gateway's. `ask()` is called with each new session that reads filters(), `answer()` when it `is_asked`."""

    def __init__(self) -> None:
        self._own = secrets.token_hex(8)
        self._entries: dict[str, Entries] = {topic_filter.split("/")[-1]: {} for topic_filter in filters()}
        self._has_asked = False
        self._since: Entries | None = None  # what came while we ask
        self._asked: list[str] = []
        self._pieces: dict[str, Entries] = {}  # by the gateway they come from
        self._piece, self._whole = asyncio.Event(), asyncio.Event()

    @property
    def is_asked(self) -> bool:
        return bool(self._asked)

    def get(self, topic_filter: str) -> list[tuple[str, bytes]] | None:
        """What is retained under a filter; None where that is the broker's, as of an inbox."""
        kept = self._entries.get(topic_filter.rpartition("/")[2])
        if kept is None:
            return None
        return [(topic, payload) for topic, payload in kept.items() if topics.matches(topic_filter, topic)]

    def take(self, message: Message) -> None:
        """Keep what is retained, as it comes; hear what other gateways ask and answer."""
        if message.topic == MARK:
            if message.payload:
                self._converse(message.payload)
            return
        if self._put(message.topic, message.payload) and self._since is not None:
            self._since[message.topic] = message.payload

    async def ask(self, session: Session) -> None:
        """Ask the other gateways for what was retained before now. Raises BusError."""
        self._since = {}
        self._piece.clear()
        self._whole.clear()
        try:
            await session.subscribe(MARK, qos=1)
            await session.publish(MARK, codec.pack_versioned({"asks": self._own}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_S):
                    await self._piece.wait()
                async with asyncio.timeout(PIECE_S):
                    await self._whole.wait()
            self._has_asked = True
        finally:
            self._since = None
            self._pieces.clear()

    async def answer(self, session: Session) -> None:
        """Give who asked all we have. Raises BusError."""
        while self._asked:
            asker = self._asked[0]
            for piece in (*pieces(self._all()), {}):  # an empty one is the last
                content = {"from": self._own, "to": asker, "entries": piece}
                await session.publish(MARK, codec.pack_versioned(content))
            self._asked.pop(0)

    def _converse(self, payload: bytes) -> None:
        with contextlib.suppress(WireError):  # a later version's, perhaps
            wire = Fields.versioned(payload, "shelf")
            if asker := wire.text("asks", default=""):
                # Who is asking has nothing to give, and its own question comes back.
                if asker != self._own and self._has_asked and self._since is None:
                    self._asked.append(asker)
            elif wire.text("to") == self._own and self._since is not None:
                self._take_piece(wire.text("from"), wire.map("entries"))

    def _take_piece(self, sender: str, piece: dict[str, Any]) -> None:
        self._piece.set()
        gathered = self._pieces.setdefault(sender, {})
        gathered.update(piece)
        if piece or self._whole.is_set():
            return
        self._whole.set()
        for kept in self._entries.values():
            kept.clear()
        for topic, payload in (gathered | (self._since or {})).items():
            self._put(topic, payload)

    def _put(self, topic: str, payload: bytes) -> bool:
        kept = self._entries.get(topic.rpartition("/")[2])
        if kept is None:
            return False
        if payload:
            kept[topic] = payload
        else:
            kept.pop(topic, None)
        return True

    def _all(self) -> Iterator[tuple[str, bytes]]:
        for kept in self._entries.values():
            yield from list(kept.items())


def pieces(entries: Iterable[tuple[str, bytes]]) -> Iterator[Entries]:
    """Entries in parts that each fit into a message."""
    piece: Entries = {}
    size = 0
    for topic, payload in entries:
        if piece and size + len(payload) + _ENTRY_BYTES > PIECE_BYTES:
            yield piece
            piece, size = {}, 0
        piece[topic] = payload
        size += len(payload) + _ENTRY_BYTES
    if piece:
        yield piece
