"""A client that stops reading is cut off, and nobody else notices."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_gateway import outbox
from kleinmaelzung_wire import frames
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD
from tests.integration.test_gateway import metric

FRAMES = 400
T = 1_764_000_000_000_000


def large_frame(number: int) -> bytes:
    """About 30 KiB, so that the kernel's buffers are soon full."""
    channels: dict[str, list[frames.Value]] = {"text": [f"{number:01000}"] * 30}
    times = tuple(range(T, T + 30))
    clock = frames.Clock(synchronised=True)
    return frames.encode(frames.Frame(epoch=7, number=number, times=times, channels=channels, clock=clock))


async def test_a_client_that_stops_reading_is_cut_off_and_another_gets_everything(
    gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 0.5)
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as stuck,
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await stuck.ask("watch", 1, "pi-1/balance/data")
        await anna.ask("watch", 1, "pi-1/balance/data")
        stuck.connection.transport.pause_reading()
        got = []
        for number in range(1, FRAMES + 1):
            await pi.send("publish", "balance/data", large_frame(number))
            got.append((await anna.expect("message", "pi-1/balance/data"))[2])
        assert got == [large_frame(number) for number in range(1, FRAMES + 1)]
        assert not any(message[0] == "missed" for message in anna.seen)

        async with asyncio.timeout(15):
            while await metric(gateway_url, "clients") != 1:
                pass
        assert await metric(gateway_url, "missed_total") > 0
        assert await metric(gateway_url, "watching_sockets") == 1
        stuck.connection.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            await stuck.expect("never")
        await pi.send("publish", "balance/data", large_frame(FRAMES + 1))
        await anna.expect("message", "pi-1/balance/data")
