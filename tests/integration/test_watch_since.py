"""lab.watch(pattern, since=...): the log, then live, each frame once, with real gateway, logger and history service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

import kleinmaelzung
from kleinmaelzung import Lab, Refused, WatchSince, backlog, history
from kleinmaelzung_wire import frames, gaps
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.gaps import Gap
from tests import gateways
from tests.brokers import PASSWORD, TestBroker
from tests.recording import STEP_US, Recorded, T
from tests.waiting import until

BALANCE = "pi-1/balance"


@pytest.fixture
async def recorded(broker: TestBroker, dsn: str) -> AsyncIterator[Recorded]:
    async with Recorded(broker, dsn) as recorded:
        await recorded.start("logger", "history")
        yield recorded


@pytest.fixture
async def lab(gateway_url: str) -> AsyncIterator[Lab]:
    url = gateway_url.replace("ws://", "http://")
    async with kleinmaelzung.connect(url, user="otto", password=PASSWORD) as lab:
        yield lab


class Given:
    """What a watch has given, gathered in the background."""

    def __init__(self) -> None:
        self.names: list[tuple[str, int, int]] = []

    def numbers(self, instrument: str = BALANCE, epoch: int = 7) -> list[int]:
        return [number for name, of, number in self.names if (name, of) == (instrument, epoch)]


@contextlib.asynccontextmanager
async def gathering(watch: WatchSince) -> AsyncIterator[Given]:
    given = Given()

    async def gather() -> None:
        async for frame in watch:
            given.names.append((frame.instrument, frame.epoch, frame.number))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(gather())
        yield given
        task.cancel()


async def test_the_log_then_live_in_order(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 3001))
    await recorded.logged(3000)
    watch = lab.watch(BALANCE, since=T + 501 * STEP_US)
    async with gathering(watch) as given:
        await until(lambda: given.numbers()[-1:] == [3000], "the log was given")
        await until(lambda: watch.is_live, "it is live")
        recorded.say(range(3001, 3101))
        await until(lambda: given.numbers()[-1:] == [3100], "and what is live")
    assert given.numbers() == list(range(501, 3101))
    assert watch.missed == 0


async def test_a_span_a_datetime_and_a_number_are_times(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 11))
    await recorded.logged(10)
    seconds = (T + 6 * STEP_US) / 1e6
    for since in ("2000d", datetime.fromtimestamp(seconds, UTC), T + 6 * STEP_US, "2025-11-24T16:00:00Z"):
        frame = await anext(lab.watch(BALANCE, since=since))
        assert frame.number == (1 if isinstance(since, str) else 6)


@pytest.mark.parametrize("since", ["yesterday", datetime(2026, 1, 1), 5, "2026-01-01T00:00:00"])  # noqa: DTZ001
async def test_what_is_no_time_is_said_at_once(lab: Lab, since: history.Since) -> None:
    with pytest.raises(ValueError, match=r"no time|no offset|is no time"):
        lab.watch(BALANCE, since=since)


async def test_while_frames_come_each_comes_once_and_in_order(recorded: Recorded, lab: Lab) -> None:
    last = 0

    async def speak() -> None:
        nonlocal last
        while True:
            recorded.say(range(last + 1, last + 6))
            last += 5
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(speak())
        await until(lambda: last > 1000, "there is a past")
        async with gathering(lab.watch(BALANCE, since=T)) as given:
            await until(lambda: given.numbers()[-1:] > [2500], "the seam is passed")
        task.cancel()
    assert given.numbers() == list(range(1, len(given.numbers()) + 1))


async def test_more_than_waits_while_the_log_is_read_is_read_from_the_log(
    recorded: Recorded, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIVE_LIMIT", 3)
    recorded.say(range(1, 2001), text="x" * 500)
    await recorded.logged(2000)
    watch = lab.watch(BALANCE, since=T)
    first = await anext(watch)
    recorded.say(range(2001, 2101))
    recorded.say(range(1, 101), epoch=8)  # the agent started again
    await recorded.logged(2200)
    async with gathering(watch) as given:
        await until(lambda: len(given.names) == 2199, "everything was given")
    assert [first.number, *given.numbers()] == list(range(1, 2101))
    assert given.numbers(epoch=8) == list(range(1, 101))


async def test_what_is_logged_late_comes_late_and_once(
    recorded: Recorded, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "HOLD_S", 0.2)
    recorded.say([*range(1, 11), *range(21, 31)])
    await recorded.logged(20)
    async with gathering(lab.watch(BALANCE, since=T)) as given:
        recorded.say([35, 36])  # and live ones with a hole before them
        await until(lambda: 36 in given.numbers(), "what is live goes on")
        assert given.numbers() == [*range(1, 11), *range(21, 31), 35, 36]
        recorded.say([*range(11, 21), *range(31, 35)], kind="backfill")
        await until(lambda: len(given.names) == 36, "what is late came too")
    assert sorted(given.numbers()) == list(range(1, 37))


async def test_a_past_that_is_logged_only_later_is_given_from_its_beginning(recorded: Recorded, lab: Lab) -> None:
    """An agent that was without a network for hours: live frames first, the backlog behind."""
    recorded.say(range(1, 101))
    await recorded.logged(100)
    watch = lab.watch(BALANCE, since=T + 151 * STEP_US)
    async with gathering(watch) as given:
        await until(lambda: watch.is_live, "there is nothing yet")
        recorded.say([301, 302])
        await until(lambda: given.numbers() == [301, 302], "what is live is given")
        recorded.say(range(101, 301), kind="backfill")
        await until(lambda: len(given.names) == 152, "and the past")
    assert sorted(given.numbers()) == list(range(151, 303))


async def test_what_is_gone_for_a_known_reason_is_waited_for_no_longer(
    recorded: Recorded, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "HOLD_S", 0.2)
    recorded.say([1, 2, 6, 7])
    await recorded.logged(4)
    gap = Gap(reason=gaps.SPOOL_FULL, epoch=7, first=3, last=5).to_record()
    told = Frame(epoch=7, number=8, times=(T + 8000,), channels={}, clock=Clock(synchronised=True), records=[gap])
    watch = lab.watch(BALANCE, since=T)
    async with gathering(watch) as given:
        await until(lambda: 7 in given.numbers(), "the log was given")
        assert watch.missed == 0
        recorded.send(frames.encode(told))
        await until(lambda: watch.missed == 3, "they are known to be gone")
    assert given.numbers() == [1, 2, 6, 7, 8]


async def test_every_instrument_of_a_pattern_and_one_that_is_new(recorded: Recorded, lab: Lab) -> None:
    for instrument in ("balance", "oven"):
        recorded.say(range(1, 301), instrument)
    await recorded.logged(600)
    watch = lab.watch("pi-1/+", since=T)
    async with gathering(watch) as given:
        await until(lambda: watch.is_live, "it is live")
        for instrument in ("balance", "oven", "ph"):
            recorded.say(range(301, 311) if instrument != "ph" else range(1, 11), instrument)
        await until(lambda: len(given.names) == 630, "all were given")
    assert given.numbers() == given.numbers("pi-1/oven") == list(range(1, 311))
    assert given.numbers("pi-1/ph") == list(range(1, 11))


async def test_a_wait_that_is_given_up_loses_nothing(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 2001), text="x" * 300)
    await recorded.logged(2000)
    watch, given = lab.watch(BALANCE, since=T), list[int]()
    while len(given) < 2000:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.003):
                while True:
                    given.append((await anext(watch)).number)
    assert given == list(range(1, 2001))


async def test_without_a_history_service_it_is_said(recorded: Recorded, lab: Lab) -> None:
    await recorded.stop("history")
    with pytest.raises(Refused, match="no history service") as caught:
        await anext(lab.watch(BALANCE, since=T))
    assert caught.value.code == "unavailable"


async def test_a_history_service_that_goes_away_meanwhile_is_waited_for(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 3001), text="x" * 500)
    await recorded.logged(3000)
    watch = lab.watch(BALANCE, since=T)
    given = [(await anext(watch)).number for _ in range(300)]
    await recorded.stop("history")
    async with gathering(watch) as more:
        recorded.say([3001])
        await recorded.start("history")
        await until(lambda: 3000 in more.numbers(), "the log was given")
        await until(lambda: 3001 in more.numbers(), "and what is live")
    assert sorted([*given, *more.numbers()]) == list(range(1, 3002))


async def test_a_closed_watch_ends_its_loop(recorded: Recorded, lab: Lab) -> None:
    recorded.say([1])
    await recorded.logged(1)
    async with lab.watch(BALANCE, since=T) as watch:
        assert (await anext(watch)).number == 1
        watch.close()
        assert [frame async for frame in watch] == []


async def test_over_gateways_that_come_and_go_each_frame_comes_once(recorded: Recorded, broker: TestBroker) -> None:
    """And what was said while there was no gateway, by a run of the agent that nobody saw live, too."""
    async with gateways.running_gateway(broker) as first:
        host, port = first.address
        recorded.say(range(1, 101))
        await recorded.logged(100)
        client = contextlib.AsyncExitStack()
        lab = await client.enter_async_context(
            kleinmaelzung.connect(f"http://{host}:{port}", user="otto", password=PASSWORD)
        )
        given = await client.enter_async_context(gathering(lab.watch(BALANCE, since=T)))
        await until(lambda: 100 in given.numbers(), "the log was given")
    async with client:
        recorded.say(range(101, 151))
        recorded.say(range(1, 31), epoch=8)
        recorded.say(range(1, 11), epoch=9)
        await recorded.logged(190)
        async with gateways.running_gateway(broker, port=port):
            await until(lambda: len(given.names) == 190, "what was said meanwhile")
            recorded.say(range(11, 21), epoch=9)
            await until(lambda: len(given.names) == 200, "and what is said now")
    assert given.numbers() == list(range(1, 151))
    assert given.numbers(epoch=8) == list(range(1, 31))
    assert given.numbers(epoch=9) == list(range(1, 21))


async def test_a_frame_of_records_alone_comes_in_its_place(recorded: Recorded, lab: Lab) -> None:
    alone = Frame(epoch=7, number=2, times=(T + 2 * STEP_US,), channels={}, clock=Clock(synchronised=True))
    recorded.say([1])
    recorded.send(frames.encode(alone))
    recorded.say([3])
    await recorded.logged(3)
    watch = lab.watch(BALANCE, since=T)
    assert [(await anext(watch)).number for _ in range(3)] == [1, 2, 3]
