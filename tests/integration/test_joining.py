"""["watch", id, pattern, {"since": µs}] on the socket: the backlog, then live frames, each once and in order."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest

from kleinmaelzung_gateway import joining, outbox
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.descriptions import Channel, Description
from tests import rude, sockets
from tests.brokers import PASSWORD, TestBroker
from tests.integration.test_slow_client import read_to_the_end, until_metric
from tests.recording import STEP_US, Recorded, T, frame
from tests.sockets import Socket

BALANCE = "pi-1/balance"
SINCE = {"since": T}


@pytest.fixture
async def recorded(broker: TestBroker, dsn: str) -> AsyncIterator[Recorded]:
    async with Recorded(broker, dsn) as recorded:
        yield recorded


@pytest.fixture
async def otto(gateway_url: str) -> AsyncIterator[Socket]:
    """An observer's socket."""
    async with sockets.client(gateway_url, "otto", PASSWORD) as connected:
        yield connected


def numbers(socket: Socket, instrument: str = BALANCE) -> list[int]:
    """The numbers of the frames that have come, in their order."""
    payloads = [message[2] for message in socket.seen if message[:2] == ["message", f"{instrument}/data"]]
    return [frames.decode(payload).number for payload in payloads]


async def until_number(socket: Socket, last: int, instrument: str = BALANCE) -> None:
    if last in numbers(socket, instrument):
        return
    async with asyncio.timeout(30):
        while True:
            message = await socket.receive()
            if message[:2] == ["message", f"{instrument}/data"] and frames.decode(message[2]).number == last:
                return


async def test_the_backlog_then_the_answer_then_live(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    recorded.say(range(1, 3001))
    await recorded.logged(3000)
    answer = await otto.ask("watch", 1, BALANCE, {"since": T + 501 * STEP_US})
    assert answer == ["done", 1, None]
    assert numbers(otto) == list(range(501, 3001))
    recorded.say(range(3001, 3011))
    await until_number(otto, 3010)
    assert numbers(otto) == list(range(501, 3011))
    sent = [message[2] for message in otto.seen if message[:2] == ["message", f"{BALANCE}/data"]]
    assert sent == [frame(number) for number in range(501, 3011)]  # the same bytes, from the log and live


async def test_what_is_retained_comes_before_the_backlog(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    described = Description(channels=[Channel(name="mass", unit="g")], driver="text").encode()
    await recorded.retain("balance", "description", described)
    recorded.say([1])
    await recorded.logged(1)
    await otto.ask("watch", 1, BALANCE, SINCE)
    kinds = [message[1] for message in otto.seen if message[0] == "message"]
    assert kinds == [f"{BALANCE}/description", f"{BALANCE}/data"]


async def test_while_frames_come_each_comes_once_and_in_order(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    last = 0

    async def speak() -> None:
        nonlocal last
        while True:
            recorded.say(range(last + 1, last + 6))
            last += 5
            await asyncio.sleep(0.01)

    task = asyncio.create_task(speak())
    try:
        async with asyncio.timeout(120):
            for begin in range(1, 6):  # five seams
                while last < 400 * begin:
                    await asyncio.sleep(0.01)
                otto.seen.clear()
                assert (await otto.ask("watch", begin, BALANCE, SINCE))[0] == "done"
                await until_number(otto, last + 100)
                assert numbers(otto) == list(range(1, len(numbers(otto)) + 1))
                assert (await otto.ask("unwatch", -begin, BALANCE))[0] == "done"
    finally:
        task.cancel()
    assert not any(message[0] == "missed" for message in otto.seen)


async def test_what_the_log_gets_late_comes_before_what_is_live(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    recorded.say(range(1, 101))
    await recorded.logged(100)
    await recorded.stop("logger")
    recorded.say(range(101, 111))  # nobody hears them
    assert (await otto.ask("watch", 1, BALANCE, SINCE))[0] == "done"
    recorded.say(range(111, 121))
    await recorded.start("logger")
    recorded.say(range(101, 121), kind="backfill")
    await until_number(otto, 120)
    assert numbers(otto) == list(range(1, 121))


async def test_what_was_logged_a_moment_after_the_backlog_comes_although_nothing_is_live(
    recorded: Recorded, otto: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "QUIET_S", 3.0)
    await recorded.start("logger", "history")
    recorded.say([1])
    await recorded.logged(1)
    assert (await otto.ask("watch", 1, BALANCE, SINCE))[0] == "done"
    recorded.say([2, 3], kind="backfill")  # as if it had been live before the watch
    await until_number(otto, 3)
    recorded.say([3, 4])
    await until_number(otto, 4)
    assert numbers(otto) == [1, 2, 3, 4]


async def test_what_the_log_never_gets_does_not_hold_up_what_is_live(
    recorded: Recorded, otto: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "LAG_S", 0.5)
    await recorded.start("logger", "history")
    recorded.say([1, 2])
    await recorded.logged(2)
    await otto.ask("watch", 1, BALANCE, SINCE)
    recorded.say([5, 6, 7])
    await until_number(otto, 7)
    assert numbers(otto) == [1, 2, 5, 6, 7]


async def test_more_live_frames_than_can_be_held_are_read_from_the_log(
    recorded: Recorded, otto: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "MAX_HELD", 3)
    await recorded.start("logger", "history")
    recorded.say(range(1, 2001), text="x" * 500)
    await recorded.logged(2000)
    await otto.send("watch", 1, BALANCE, SINCE)
    await until_number(otto, 1)
    recorded.say(range(2001, 2101))
    recorded.say(range(1, 101), epoch=8)  # and the agent starts again
    async with asyncio.timeout(15):
        while ["done", 1, None] not in otto.seen or numbers(otto).count(100) < 2:
            await otto.receive()
    assert numbers(otto) == [*range(1, 2101), *range(1, 101)]


async def test_an_epoch_that_the_log_has_nothing_of_since_then_is_joined_where_it_belongs(
    recorded: Recorded, otto: Socket
) -> None:
    await recorded.start("logger", "history")
    recorded.say(range(1, 51))
    await recorded.logged(50)
    assert (await otto.ask("watch", 1, BALANCE, {"since": T + 60 * STEP_US}))[0] == "done"
    assert numbers(otto) == []
    recorded.say(range(51, 71))
    await until_number(otto, 70)
    assert numbers(otto)[-10:] == list(range(61, 71))
    assert numbers(otto) == list(range(numbers(otto)[0], 71))


async def test_every_instrument_of_a_pattern_is_joined_for_itself(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    for instrument in ("balance", "oven"):
        await recorded.retain(instrument, "description", Description(channels=[], driver="text").encode())
        recorded.say(range(1, 301), instrument)
    await recorded.logged(600)
    assert (await otto.ask("watch", 1, "pi-1/+", SINCE))[0] == "done"
    recorded.say(range(301, 311), "oven")
    recorded.say(range(301, 311))
    await until_number(otto, 310)
    assert numbers(otto) == numbers(otto, "pi-1/oven") == list(range(1, 311))


async def test_another_pattern_that_shows_the_same_does_not_make_a_frame_come_twice(
    recorded: Recorded, otto: Socket
) -> None:
    await recorded.start("logger", "history")
    recorded.say([1, 2])
    await recorded.logged(2)
    await otto.ask("watch", 1, "+/+/data")
    await recorded.stop("logger")
    recorded.say([3], kind="backfill")  # nobody hears it
    await otto.ask("watch", 2, BALANCE, SINCE)
    recorded.say([4])
    await recorded.start("logger")
    recorded.say([3, 4], kind="backfill")
    await until_number(otto, 4)
    assert numbers(otto) == [1, 2, 3, 4]
    await otto.ask("unwatch", 3, BALANCE)
    recorded.say([5])
    await until_number(otto, 5)


async def test_without_a_history_service_it_is_refused_and_nothing_is_watched(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger")
    assert (await otto.ask("watch", 1, BALANCE, SINCE))[2:] == [
        "unavailable",
        "no history service is there: is it running?",
    ]
    assert (await otto.ask("watch", 2, BALANCE))[0] == "done"


@pytest.mark.parametrize(
    ("pattern", "options", "sentence"),
    [
        (BALANCE, {"since": 5}, "since is 5"),
        (BALANCE, {"since": 10**18}, "expected µs"),
        (BALANCE, {"since": "1h"}, "no question"),
        (BALANCE, {"since": 9 * 10**15}, "is not before"),
        ("pi-1/status", SINCE, "has no past"),
        (f"{BALANCE}/state", SINCE, "has no past"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_sentence(
    recorded: Recorded, otto: Socket, pattern: str, options: dict[str, Any], sentence: str
) -> None:
    await recorded.start("logger", "history")
    recorded.say([1])
    await recorded.logged(1)
    answer = await otto.ask("watch", 1, pattern, options)
    assert answer[:3] == ["refused", 1, "bad-message"]
    assert sentence in answer[3]


async def test_of_what_is_watched_already_no_backlog_is_sent(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    await otto.ask("watch", 1, BALANCE)
    assert "unwatch it" in (await otto.ask("watch", 2, BALANCE, SINCE))[3]


async def test_json_shows_the_backlog_as_it_shows_live_frames(recorded: Recorded, gateway_url: str) -> None:
    await recorded.start("logger", "history")
    recorded.say([1])
    await recorded.logged(1)
    async with sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto:
        await otto.ask("watch", 1, BALANCE, SINCE)
        recorded.say([2])
        await otto.receive()
    shown = [message[2] for message in otto.seen if message[0] == "message"]
    assert [one["n"] for one in shown] == [1, 2]
    assert json.dumps(shown[0]["c"]) == '{"mass": [1.0]}'


async def test_a_slow_reader_misses_nothing_of_a_backlog(
    recorded: Recorded, otto: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_CONTROL", 100)  # more answers waiting than that would end the connection
    await recorded.start("logger", "history")
    recorded.say(range(1, 3001), text="x" * 1000)
    await recorded.logged(3000)
    await otto.send("watch", 1, BALANCE, SINCE)
    for _ in range(20):
        await otto.receive()
        await asyncio.sleep(0.05)  # reads slowly: that is what is tested
    await until_number(otto, 3000)
    assert numbers(otto) == list(range(1, 3001))
    assert not any(message[0] == "missed" for message in otto.seen)


async def test_a_stream_that_ended_meanwhile_is_asked_for_again(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger")
    await recorded.start("history", idle_s=0.05)
    recorded.say(range(1, 3001), text="x" * 1000)
    await recorded.logged(3000)
    await otto.send("watch", 1, BALANCE, SINCE)
    for _ in range(20):
        await otto.receive()
        await asyncio.sleep(0.1)
    await until_number(otto, 3000)
    assert numbers(otto) == list(range(1, 3001))


async def test_who_stops_reading_a_backlog_is_cut_off(
    recorded: Recorded, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 0.5)
    await recorded.start("logger", "history")
    recorded.say(range(1, 4001), text="x" * 1000)
    await recorded.logged(4000)
    login = sockets.basic("otto", PASSWORD)
    async with rude.upgraded(gateway_url, headers=login, receive_buffer=64 * 1024) as stuck:
        await until_metric(gateway_url, "clients", 1)
        await stuck.write(rude.frame(rude.BINARY, msgpack.packb(["watch", 1, BALANCE, SINCE])))
        await until_metric(gateway_url, "clients", 0)
        await read_to_the_end(stuck)


async def test_unwatch_ends_a_backlog(recorded: Recorded, otto: Socket) -> None:
    await recorded.start("logger", "history")
    recorded.say(range(1, 4001), text="x" * 1000)
    await recorded.logged(4000)
    await otto.send("watch", 1, BALANCE, SINCE)
    await otto.receive()
    await otto.ask("unwatch", 2, BALANCE)
    assert len(numbers(otto)) < 4000
    assert (await otto.ask("watch", 3, BALANCE, {"since": T + 3999 * STEP_US}))[:2] == ["done", 3]
