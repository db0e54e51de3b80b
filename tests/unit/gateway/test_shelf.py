"""What gateways keep where the broker does not, and how one that begins gets it from another."""

import asyncio
from typing import Any

import pytest

from kleinmaelzung_bus import packets
from kleinmaelzung_bus.session import Message
from kleinmaelzung_gateway import shelf
from kleinmaelzung_gateway.shelf import Shelf
from kleinmaelzung_wire import codec, topics

STATE = topics.instrument("pi-1", "balance", "state")
OTHER = topics.instrument("pi-2", "kiln", "state")
MARK = topics.service_mark("gateway")


def message(topic: str, payload: bytes) -> Message:
    return Message(topic, payload, 0, False, packets.Properties(None, None, (1,)))


class Air:
    """A broker as far as gateways speak with each other: each hears everything, itself too."""

    def __init__(self, *shelves: Shelf) -> None:
        self.shelves = list(shelves)
        self.sizes: list[int] = []
        self._is_answering = False

    async def subscribe(self, topic_filter: str, **options: Any) -> None:
        assert topic_filter == MARK

    async def publish(self, topic: str, payload: bytes) -> bool:
        self.sizes.append(len(payload))
        for each in self.shelves:
            each.take(message(topic, payload))
        if not self._is_answering:
            self._is_answering = True
            for each in self.shelves:
                await each.answer(self)  # type: ignore[arg-type]
            self._is_answering = False
        return True


@pytest.fixture(autouse=True)
def quickly_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "ASK_S", 0.01)


async def begin(air: Air, beginner: Shelf) -> None:
    air.shelves.append(beginner)
    await beginner.ask(air)  # type: ignore[arg-type]


async def running() -> Shelf:
    """A gateway's that runs for a while."""
    made = Shelf()
    await begin(Air(), made)
    return made


def test_the_newest_word_is_kept_and_an_empty_one_takes_it_away() -> None:
    kept = Shelf()
    for payload in (b"one", b"two"):
        kept.take(message(STATE, payload))
    assert kept.get("kleinmaelzung/+/+/state") == kept.get(STATE) == [(STATE, b"two")]
    assert kept.get("kleinmaelzung/pi-2/+/state") == []
    kept.take(message(STATE, b""))
    assert kept.get(STATE) == []


@pytest.mark.parametrize("topic", [topics.inbox("anna", "s1"), topics.rights("anna"), topics.logged("pi-1")])
def test_what_is_not_of_its_kinds_is_the_brokers(topic: str) -> None:
    kept = Shelf()
    kept.take(message(topic, b"something"))
    assert kept.get(topic) is None


def test_it_keeps_every_kind_that_is_retained_but_a_users_rights() -> None:
    retained = {f"/{name}" for name, kind in topics.INSTRUMENT_KINDS.items() if kind.retained} | {"/status", "/online"}
    assert {f"/{each.rpartition('/')[2]}" for each in shelf.filters()} == retained


async def test_a_gateway_that_begins_gets_what_another_has() -> None:
    old, new = await running(), Shelf()
    for number in range(2000):
        old.take(message(topics.instrument("pi-1", f"i{number}", "description"), bytes(200)))
    old.take(message(topics.status("pi-9"), b"offline"))
    air = Air(old)
    await begin(air, new)
    assert sorted(new.get("kleinmaelzung/+/+/description") or []) == sorted(
        old.get("kleinmaelzung/+/+/description") or []
    )
    assert new.get(topics.any_status()) == [(topics.status("pi-9"), b"offline")]
    assert 5 < len(air.sizes) < 20
    assert max(air.sizes) < codec.MAX_BYTES


async def test_what_came_meanwhile_is_newer_and_what_is_gone_stays_away() -> None:
    old, new = await running(), Shelf()
    old.take(message(STATE, b"old"))
    old.take(message(OTHER, b"old"))
    new.take(message(topics.status("pi-3"), b"from before, and nobody else has it any more"))

    class Meanwhile(Air):
        async def publish(self, topic: str, payload: bytes) -> bool:
            if not self.sizes:
                new.take(message(STATE, b"new"))
                new.take(message(OTHER, b""))
            return await super().publish(topic, payload)

    await begin(Meanwhile(old), new)
    assert new.get("kleinmaelzung/+/+/state") == [(STATE, b"new")]
    assert new.get(topics.any_status()) == []


async def test_alone_it_goes_on_with_what_it_had() -> None:
    kept = Shelf()
    kept.take(message(STATE, b"one"))
    await begin(Air(), kept)
    assert kept.get(STATE) == [(STATE, b"one")]


async def test_two_that_begin_at_once_do_not_give_each_other_nothing() -> None:
    one, other = Shelf(), Shelf()
    one.take(message(STATE, b"one"))
    air = Air(one, other)
    await asyncio.gather(one.ask(air), other.ask(air))  # type: ignore[arg-type]
    assert one.get(STATE) == [(STATE, b"one")]


@pytest.mark.parametrize(
    "payload",
    [b"\xc1", b"\x80", codec.pack_versioned({"to": 1}), codec.pack_versioned({"from": "x", "to": "y", "entries": []})],
)
async def test_what_cannot_be_read_does_no_harm(payload: bytes) -> None:
    kept = await running()
    kept.take(message(STATE, b"one"))
    kept.take(message(MARK, payload))
    kept.take(message(MARK, b""))  # another gateway's own mark
    assert kept.get(STATE) == [(STATE, b"one")]
    assert not kept.is_asked
