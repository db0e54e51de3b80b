"""A client that stops reading, or hardly reads, is cut off, and nobody else notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgpack
import pytest

from kleinmaelzung_gateway import outbox
from kleinmaelzung_wire import frames
from tests import rude, sockets
from tests.brokers import AGENT_SECRET, PASSWORD
from tests.integration.test_gateway import metric

FRAMES = 400
T = 1_764_000_000_000_000


def large_frame(number: int, samples: int = 30) -> bytes:
    """About 1 KiB for each sample, so that the kernel's buffers are soon full."""
    channels: dict[str, list[frames.Value]] = {"text": [f"{number:01000}"] * samples}
    times = tuple(range(T, T + samples))
    clock = frames.Clock(synchronised=True)
    return frames.encode(frames.Frame(epoch=7, number=number, times=times, channels=channels, clock=clock))


@asynccontextmanager
async def stuck_watcher(url: str) -> AsyncIterator[rude.Rude]:
    """otto watches the balance, and reads only when he is told to."""
    login = sockets.basic("otto", PASSWORD)
    # Else the kernel gives a client that reads a little more and more room, and at last all that is waiting for it.
    async with rude.upgraded(url, headers=login, receive_buffer=64 * 1024) as stuck:
        await stuck.write(rude.frame(rude.BINARY, msgpack.packb(["watch", 1, "pi-1/balance/data"])))
        await until_metric(url, "watching_sockets", 1)
        yield stuck


async def until_metric(url: str, name: str, value: float) -> None:
    async with asyncio.timeout(15):
        while await metric(url, name) != value:
            pass


async def read_to_the_end(stuck: rude.Rude) -> None:
    async with asyncio.timeout(15):
        with contextlib.suppress(ConnectionError):
            while await stuck.reader.read(65536):
                pass


@pytest.mark.parametrize("bytes_a_frame", [0, 1000], ids=["reads nothing", "reads a little"])
async def test_a_client_that_does_not_keep_up_is_cut_off_and_another_gets_everything(
    gateway_url: str, monkeypatch: pytest.MonkeyPatch, bytes_a_frame: int
) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(outbox, "MAX_LIVE_BYTES", 64 * 1024)  # full long before that, also on a loaded machine
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        stuck_watcher(gateway_url) as stuck,
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await anna.ask("watch", 1, "pi-1/balance/data")
        got = []
        for number in range(1, FRAMES + 1):
            await pi.send("publish", "balance/data", large_frame(number))
            got.append((await anna.expect("message", "pi-1/balance/data"))[2])
            if bytes_a_frame:
                await stuck.reader.read(bytes_a_frame)
        assert got == [large_frame(number) for number in range(1, FRAMES + 1)]
        assert not any(message[0] == "missed" for message in anna.seen)

        await until_metric(gateway_url, "clients", 1)
        assert await metric(gateway_url, "missed_total") > 0
        assert await metric(gateway_url, "watching_sockets") == 1
        await read_to_the_end(stuck)
        await pi.send("publish", "balance/data", large_frame(FRAMES + 1))
        await anna.expect("message", "pi-1/balance/data")


async def test_a_client_that_stops_reading_is_noticed_long_before_the_kernels_buffers_are_full(
    gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 0.5)
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        stuck_watcher(gateway_url),
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await anna.ask("watch", 1, "pi-1/balance/data")
        for number in range(1, 1001):  # 1 MB; a quarter of what the kernel would take for one connection
            await pi.send("publish", "balance/data", large_frame(number, samples=1))
            await anna.expect("message", "pi-1/balance/data")
        await until_metric(gateway_url, "clients", 1)
