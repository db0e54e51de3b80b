"""Bad input in what an agent publishes, through gateway and broker to a real logger and database: kept, not stored.

docs/bad-inputs.md is the whole list.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgpack
import pytest

from kleinmaelzung_services.logger import service
from kleinmaelzung_wire import messages
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.databases import query
from tests.integration.test_logger import configuration, running
from tests.streaming import Stream, healthy

EPOCH: Final = 9
OF_PI_2: Final = "kleinmaelzung/pi-2/balance/data"
YEAR_2200: Final = 7_258_118_400_000_000
UNDECODABLE: Final = ("undecodable", True)
UNNAMED: Final = ("undecodable", False)  # nobody can say which frame it was

# What is changed in a good frame: the reason it is kept apart for, and whether its number is acknowledged.
BAD_FIELDS: dict[str, tuple[dict[str, Any], tuple[str, bool]]] = {
    "NaN": ({"c": {"mass": [math.nan]}}, UNDECODABLE),
    "infinity": ({"c": {"mass": [math.inf]}}, UNDECODABLE),
    "minus infinity": ({"c": {"mass": [-math.inf]}}, UNDECODABLE),
    "bytes for a value": ({"c": {"mass": [b"1.5"]}}, UNDECODABLE),
    "a list for a value": ({"c": {"mass": [[1.5]]}}, UNDECODABLE),
    "NUL in a text": ({"c": {"mass": ["a\x00b"]}}, UNDECODABLE),
    "a channel's name": ({"c": {"b\u0430lance": [1.5]}}, UNDECODABLE),
    "number 0": ({"n": 0}, UNNAMED),
    "number -1": ({"n": -1}, UNNAMED),
    "number 2^53": ({"n": 2**53}, UNNAMED),
    "number 2^63": ({"n": 2**63}, UNNAMED),
    "number true": ({"n": True}, UNNAMED),
    "number 1.0": ({"n": 1.0}, UNNAMED),
    "number as text": ({"n": "1"}, UNNAMED),
    "no number": ({"n": None}, UNNAMED),
    "time 0": ({"t": [0]}, UNDECODABLE),
    "time in 1970": ({"t": [1_000_000]}, UNDECODABLE),
    "time in seconds": ({"t": [1_764_000_000]}, UNDECODABLE),
    "negative time": ({"t": [-1_764_000_000_000_000]}, UNDECODABLE),
    "time as number": ({"t": [1.764e15]}, UNDECODABLE),
    "time in 2200": ({"t": [YEAR_2200]}, ("time", True)),
    "time in 2001": ({"t": [1_000_000_000_000_000]}, ("time", True)),
    "an unknown version": ({"v": 2}, UNDECODABLE),
}


def packed(number: int, **changes: Any) -> bytes:
    """A frame with these fields changed, as no agent of ours would send it."""
    good = {"v": 1, "e": EPOCH, "n": number, "t": [service.now_us()], "c": {"mass": [1.5]}, "k": [True, 900]}
    payload: bytes = msgpack.packb({**good, **changes})
    return payload


BAD_BYTES: dict[str, bytes] = {
    "a key twice": packed(1).replace(b"\x81\xa4mass", b"\x82\xa4mass\x91\x01\xa4mass"),
    "a number as key": packed(1).replace(b"\xa1v", b"\x01"),
    "text that is not UTF-8": packed(1, c={"mass": ["xx"]}).replace(b"\xa2xx", b"\xa2\xff\xfe"),
    "half a surrogate pair": packed(1, c={"mass": ["xxx"]}).replace(b"\xa3xxx", b"\xa3\xed\xa0\x80"),
    "cut": packed(1)[:-1],
    "something behind": packed(1) + b"\x00",
    "nothing": b"",
}


class Suspect:
    """pi-2, whose frames are not all right: sends them, and waits for what is logged."""

    def __init__(self, socket: sockets.Socket, stream: Stream) -> None:
        self._socket, self._stream = socket, stream
        self.acknowledged: set[int] = set()

    async def send(self, payload: bytes) -> None:
        await self._socket.send("publish", "balance/data", payload)
        await self._stream.flows()

    async def until_acknowledged(self, number: int) -> None:
        """Wait until this number is logged; what was sent before it has then been dealt with, too."""
        async with asyncio.timeout(20):
            while number not in self.acknowledged:
                for entry in messages.decode_logged((await self._socket.expect("message", "logged"))[2]):
                    assert (entry.instrument, entry.epoch) == ("balance", EPOCH)
                    self.acknowledged.update(*(range(first, last + 1) for first, last in entry.ranges))


@asynccontextmanager
async def suspected(broker: TestBroker, url: str, dsn: str) -> AsyncIterator[Suspect]:
    async with (
        healthy(url) as stream,
        running(configuration(broker, dsn)) as logger,
        sockets.agent(url, "pi-2", AGENT_SECRET) as socket,
    ):
        async with asyncio.timeout(20):
            while not logger.health.healthy:
                await stream.flows()
        yield Suspect(socket, stream)


async def kept(dsn: str) -> list[tuple[Any, ...]]:
    sql = "SELECT reason, number, payload FROM quarantine WHERE topic = $1 ORDER BY id"
    return await query(dsn, sql, OF_PI_2)


async def stored(dsn: str) -> list[tuple[Any, ...]]:
    sql = "SELECT number, value FROM samples JOIN streams ON stream = streams.id WHERE epoch = $1 ORDER BY number"
    return await query(dsn, sql, EPOCH)


@pytest.mark.parametrize(("changes", "expected"), BAD_FIELDS.values(), ids=BAD_FIELDS)
async def test_a_frame_with_a_wrong_field_is_kept_apart_and_the_next_is_logged(
    broker: TestBroker, gateway_url: str, dsn: str, changes: dict[str, Any], expected: tuple[str, bool]
) -> None:
    reason, is_named = expected
    async with suspected(broker, gateway_url, dsn) as pi:
        bad = packed(7, **changes)
        await pi.send(bad)
        await pi.send(packed(8))
        await pi.until_acknowledged(8)
        assert pi.acknowledged == ({7, 8} if is_named else {8})
    assert await kept(dsn) == [(reason, 7 if is_named else None, bad)]
    assert await stored(dsn) == [(8, 1.5)]


@pytest.mark.parametrize("payload", BAD_BYTES.values(), ids=BAD_BYTES)
async def test_a_frame_that_cannot_be_read_is_kept_apart_and_the_next_is_logged(
    broker: TestBroker, gateway_url: str, dsn: str, payload: bytes
) -> None:
    async with suspected(broker, gateway_url, dsn) as pi:
        await pi.send(payload)
        await pi.send(packed(8))
        await pi.until_acknowledged(8)
        assert pi.acknowledged == {8}
    assert await kept(dsn) == [("undecodable", None, payload)]
    assert await stored(dsn) == [(8, 1.5)]


async def test_minus_zero_is_stored_as_it_came(broker: TestBroker, gateway_url: str, dsn: str) -> None:
    async with suspected(broker, gateway_url, dsn) as pi:
        await pi.send(packed(1, c={"mass": [-0.0]}))
        await pi.until_acknowledged(1)
    ((_, value),) = await stored(dsn)
    assert (value, math.copysign(1, value)) == (0.0, -1.0)


async def test_a_number_that_comes_again_with_other_bytes_is_kept_beside_the_first(
    broker: TestBroker, gateway_url: str, dsn: str
) -> None:
    async with suspected(broker, gateway_url, dsn) as pi:
        await pi.send(packed(1))
        await pi.until_acknowledged(1)
        other = packed(1, c={"mass": [99.0]})
        await pi.send(other)
        await pi.send(packed(2))
        await pi.until_acknowledged(2)
        async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
            question = {"request": "completeness", "instrument": "pi-2/balance"}
            (told,) = (await anna.ask("request", 1, "logger", question))[2]["instruments"]
        assert (told["received"], told["conflicts"]) == (2, 1)
    assert await kept(dsn) == [("conflict", 1, other)]
    assert await stored(dsn) == [(1, 1.5), (2, 1.5)]
