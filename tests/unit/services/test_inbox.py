"""The inbox: batches by size and time, bounded, and what does not fit is counted."""

import asyncio

from kleinmaelzung_services.logger import inbox
from kleinmaelzung_services.logger.batch import Arrival
from kleinmaelzung_services.logger.inbox import Inbox


def arrival(size: int = 10) -> Arrival:
    return Arrival("kleinmaelzung/a/b/data", bytes(size), 0)


async def test_a_lone_message_does_not_wait_for_others_for_long() -> None:
    box = Inbox()
    box.put(arrival(), is_frame=True)
    async with asyncio.timeout(5):
        assert len(await box.take()) == 1


async def test_a_batch_is_bounded_in_number_and_the_rest_is_the_next() -> None:
    box = Inbox()
    for _ in range(inbox.MAX_BATCH_MESSAGES + 3):
        box.put(arrival(), is_frame=True)
    assert [len(await box.take()) for _ in range(2)] == [inbox.MAX_BATCH_MESSAGES, 3]


async def test_a_batch_is_bounded_in_bytes() -> None:
    box = Inbox()
    for _ in range(20):
        box.put(arrival(128 * 1024), is_frame=True)
    assert [len(await box.take()) for _ in range(3)] == [8, 8, 4]


async def test_a_full_inbox_drops_the_newest_frames_but_still_takes_traffic() -> None:
    box = Inbox(max_bytes=3 * (inbox.ARRIVAL_BYTES + 10))
    for number in range(5):
        box.put(Arrival("t", str(number).ljust(10).encode(), 0), is_frame=True)
    box.put(Arrival("t", b"command   ", 0), is_frame=False)
    taken = [entry.payload.strip() for entry in await box.take()]
    assert (taken, box.dropped) == ([b"0", b"1", b"2", b"command"], 2)
    box.put(arrival(), is_frame=True)
    assert box.dropped == 2


async def test_it_is_idle_when_all_that_was_taken_is_finished() -> None:
    box = Inbox()
    await box.wait_idle()
    box.put(arrival(), is_frame=True)
    waiting = asyncio.ensure_future(box.wait_idle())
    taken = await box.take()
    assert (len(box), waiting.done()) == (1, False)
    box.finish(len(taken))
    async with asyncio.timeout(5):
        await waiting
