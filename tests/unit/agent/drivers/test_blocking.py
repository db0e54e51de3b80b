"""Calls in a thread: one at a time, with a limit, and one that hangs."""

import asyncio
import errno
import threading
from collections.abc import Iterator

import pytest

from kleinmaelzung_agent.drivers.blocking import HungError, Worker
from tests.waiting import until


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """What ends a call that hangs."""
    event = threading.Event()
    yield event
    event.set()


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


async def test_what_a_call_returns_or_raises_comes_back() -> None:
    worker = Worker("w")
    with worker.used():
        assert await worker.call(threading.current_thread, 5) is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            await worker.call(lambda: 1 // 0, 5)
        assert await worker.call(lambda: 7, 5) == 7


def fail() -> None:
    raise OSError(errno.ETIMEDOUT, "the bus's own")


async def test_a_calls_own_time_out_is_not_taken_for_ours() -> None:
    worker = Worker("w")
    with worker.used():
        with pytest.raises(TimeoutError) as raised:
            await worker.call(fail, 5)
        assert raised.value.errno == errno.ETIMEDOUT
        assert await worker.call(lambda: 7, 5) == 7


async def test_calls_come_one_after_the_other() -> None:
    worker, running, most = Worker("w"), 0, 0

    def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        running -= 1

    with worker.used():
        await asyncio.gather(*(worker.call(count, 20) for _ in range(50)))
    assert most == 1


async def test_after_a_call_that_hangs_none_is_begun_until_it_ends(ended: threading.Event) -> None:
    worker, begun = Worker("w"), []
    with worker.used():
        with pytest.raises(HungError) as raised:
            await worker.call(ended.wait, 0.05)
        assert raised.value.is_begun
        with pytest.raises(HungError) as raised:
            await worker.call(lambda: begun.append(1), 0.05)
        assert not raised.value.is_begun
        ended.set()
        assert await worker.call(lambda: 7, 20) == 7
    assert begun == []  # what came too late is not done later


async def test_who_waits_for_another_that_is_at_work_is_told_no_more_than_that(ended: threading.Event) -> None:
    worker = Worker("w")
    with worker.used():
        first = asyncio.create_task(worker.call(ended.wait, 20))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError) as raised:
            await worker.call(lambda: 7, 0.05)
        assert not isinstance(raised.value, HungError)
        ended.set()
        assert await first


async def test_a_cancelled_call_lets_go_and_the_next_waits_for_its_end(ended: threading.Event) -> None:
    worker, order = Worker("w"), []

    def first() -> None:
        ended.wait()
        order.append(1)

    with worker.used():
        task = asyncio.create_task(worker.call(first, 20))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        second = asyncio.create_task(worker.call(lambda: order.append(2), 20))
        await asyncio.sleep(0)
        ended.set()
        await second
    assert order == [1, 2]


async def test_the_thread_is_there_while_somebody_uses_it() -> None:
    worker, left = Worker("of this test"), []
    with worker.used(), worker.used():
        assert names().count("of this test") == 1
        worker.leave(lambda: left.append(1))
    await until(lambda: "of this test" not in names(), "it has ended")
    assert left == [1]
    with worker.used():
        assert await worker.call(lambda: 7, 5) == 7


async def test_while_one_hangs_coming_and_going_makes_no_more_threads(ended: threading.Event) -> None:
    worker = Worker("hung")
    for _ in range(5):
        with worker.used(), pytest.raises(HungError):
            await worker.call(ended.wait, 0.02)
    await until(lambda: names().count("hung") <= 1, "only the one that hangs")
    ended.set()
    await until(lambda: "hung" not in names(), "it has ended")
