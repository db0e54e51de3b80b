"""The way out to one socket, over a real connection whose client reads, stops reading, and goes."""

import asyncio
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from kleinmaelzung_gateway import outbox as module
from kleinmaelzung_gateway.outbox import Outbox, offer_all
from kleinmaelzung_wire import sockets
from tests.waiting import until

SMALL = 4096  # the kernel's buffers, so that a client which does not read is noticed soon


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Outbox, asyncio.Task[None], ClientConnection]]:
    """An outbox, its client, and the outbox's running task. The client's library reads 16 messages ahead, no more."""
    boxes: asyncio.Queue[tuple[Outbox, asyncio.Task[None]]] = asyncio.Queue()

    async def serve_one(websocket: ServerConnection) -> None:
        websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        outbox = Outbox(websocket)
        running = asyncio.create_task(outbox.run())
        boxes.put_nowait((outbox, running))
        await websocket.wait_closed()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    subprotocols = [Subprotocol(sockets.JSON)]
    options: dict[str, Any] = {"subprotocols": subprotocols, "compression": None, "close_timeout": 0.2}
    async with serve(serve_one, "127.0.0.1", 0, **options) as server:
        host, port = server.sockets[0].getsockname()
        ours = socket.socket()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_connect(ours, (host, port))
        async with connect(f"ws://{host}:{port}", sock=ours, proxy=None, **options) as client:
            outbox, running = await boxes.get()
            yield outbox, running, client


def live(number: int, size: int = 1000) -> str:
    return json.dumps(["message", number, "x" * size])


def lag(outbox: Outbox) -> int:
    """Offer until the client lags; how many went out."""
    sent = 0
    while outbox.keeps_up:
        outbox.offer(live(sent))
        sent += 1
    return sent


async def read_until(client: ClientConnection, last: Any) -> list[Any]:
    messages: list[Any] = []
    async with asyncio.timeout(20):
        while not messages or messages[-1][:2] != last:
            messages.append(json.loads(await client.recv()))
    return messages


async def test_whoever_keeps_up_gets_everything_in_order() -> None:
    async with joined() as (outbox, _, client):
        outbox.put("welcome", 0)
        for number in range(1, 5):
            outbox.offer(live(number))
        outbox.put("done", 5)
        messages = await read_until(client, ["message", 4])
        assert [message[:2] for message in messages] == [
            ["welcome", 0],
            ["done", 5],  # answers go before what waits
            *(["message", number] for number in range(1, 5)),
        ]
        await until(lambda: outbox.keeps_up, "all is sent")
        outbox.offer(live(6))
        assert (await read_until(client, ["message", 6]))[-1][1] == 6
        assert outbox.missed_total == 0


async def test_live_messages_give_way_oldest_first_and_are_counted_and_answers_are_kept() -> None:
    async with joined() as (outbox, _, client):
        direct = lag(outbox)
        total = direct + module.MAX_LIVE + 500
        for number in range(direct, total):
            outbox.offer(live(number))
        for question in range(200):
            outbox.put("done", question)
        assert outbox.missed_total == 500
        messages = await read_until(client, ["message", total - 1])
    numbers = [message[1] for message in messages if message[0] == "message"]
    assert numbers == [*range(direct), *range(direct + 500, total)]
    assert [message[1] for message in messages if message[0] == "done"] == list(range(200))
    assert [message for message in messages if message[0] == "missed"] == [["missed", 500]]


async def test_what_waits_is_bounded_in_bytes() -> None:
    async with joined() as (outbox, _, client):
        direct = lag(outbox)
        tracemalloc.start()
        try:
            for number in range(3000):
                outbox.offer(live(number, 20_000))
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2 * module.MAX_LIVE_BYTES
        assert kept < 1.2 * module.MAX_LIVE_BYTES
        missed = outbox.missed_total
        messages = await read_until(client, ["message", 2999])
    assert ["missed", missed] in messages
    numbers = [message[1] for message in messages if message[0] == "message"][direct:]
    assert numbers == list(range(missed, 3000))


async def test_whoever_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_TIMEOUT_S", 0.1)
    async with joined() as (outbox, running, client):
        for number in range(lag(outbox), 500):
            outbox.offer(live(number))
        await until(running.done, "the outbox has ended")
        assert outbox.websocket.transport.is_closing()
        with pytest.raises(ConnectionClosed):
            await read_until(client, ["message", 499])


async def test_too_many_answers_that_nobody_reads_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTROL", 100)
    async with joined() as (outbox, running, _):
        lag(outbox)
        for question in range(101):
            outbox.put("done", question)
        await until(lambda: outbox.websocket.transport.is_closing(), "cut off")
        await until(running.done, "the outbox has ended")


async def test_what_comes_after_the_end_harms_nobody() -> None:
    async with joined() as (outbox, running, client):
        await client.close()
        await outbox.websocket.wait_closed()
        outbox.offer(live(1))
        outbox.put("done", 1)
        await until(running.done, "the outbox has ended")


async def test_one_that_lags_does_not_hold_up_the_others() -> None:
    async with joined() as (slow, _, lagging), joined() as (quick, _, reading):
        number = lag(slow)
        wanted = range(number, number + 50)
        for each in wanted:
            offer_all([slow, quick], live(each, 100))
        assert [message[1] for message in await read_until(reading, ["message", wanted[-1]])] == list(wanted)
        assert [message[1] for message in await read_until(lagging, ["message", wanted[-1]])] == list(
            range(wanted.stop)
        )
