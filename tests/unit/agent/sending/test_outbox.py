"""What waits for the socket goes by priority, and each part has a bound."""

import asyncio

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.sending.outbox import MAX_LIVE, MAX_REPLIES, Outbox


def frame(number: int) -> NumberedFrame:
    return NumberedFrame(instrument="balance", epoch=1, number=number, payload=bytes([number % 256]))


def taken(outbox: Outbox) -> list[str]:
    tails = []
    while (message := outbox.take()) is not None:
        tails.append(f"{message[1]} {message[2].hex()}")
    return tails


async def test_replies_go_first_and_backfill_last() -> None:
    outbox = Outbox()
    outbox.open(lambda _: True)
    outbox.backfill([("balance", b"\x01"), ("balance", b"\x02")])
    outbox.live(frame(9))
    outbox.retain("status", b"\x01")
    outbox.reply("balance/reply", b"\x02", {})
    assert taken(outbox) == [
        "balance/reply 02", "status 01", "balance/data 09", "balance/backfill 01", "balance/backfill 02",
    ]  # fmt: skip


async def test_a_newer_word_takes_the_place_of_an_older() -> None:
    outbox = Outbox()
    outbox.retain("status", b"\x01")
    outbox.retain("a/state", b"\x02")
    outbox.retain("status", b"\x03")
    assert taken(outbox) == ["status 03", "a/state 02"]
    outbox.open(lambda _: True)
    assert taken(outbox) == ["status 03", "a/state 02"]


async def test_live_frames_give_way_oldest_first() -> None:
    outbox = Outbox()
    outbox.open(lambda _: True)
    for number in range(MAX_LIVE + 10):
        outbox.live(frame(number))
    assert len(sent := taken(outbox)) == MAX_LIVE
    assert sent[0] == "balance/data 0a"


async def test_after_a_reconnect_only_what_is_recent_is_still_live() -> None:
    outbox = Outbox()
    for number in (1, 2, 3):
        outbox.live(frame(number))
    outbox.backfill([("balance", b"\x00")])
    outbox.close()
    outbox.open(lambda frame: frame.number > 1)
    assert taken(outbox) == ["balance/data 02", "balance/data 03"]


async def test_backfill_can_be_taken_back_and_nothing_else() -> None:
    outbox = Outbox()
    outbox.open(lambda _: True)
    outbox.backfill([("balance", b"\x01"), ("balance", b"\x02")])
    outbox.live(frame(9))
    outbox.drop_backfill()
    assert taken(outbox) == ["balance/data 09"]


async def test_replies_are_kept_over_a_reconnect_within_a_bound() -> None:
    outbox = Outbox()
    for number in range(MAX_REPLIES + 1):
        outbox.reply("balance/reply", number.to_bytes(2, "big"), {})
    outbox.close()
    outbox.open(lambda _: True)
    assert len(sent := taken(outbox)) == MAX_REPLIES
    assert sent[0] == "balance/reply 0001"


async def test_a_waiting_writer_wakes_up() -> None:
    outbox = Outbox()
    outbox.open(lambda _: True)
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    outbox.live(frame(1))
    assert await waiting == ["publish", "balance/data", b"\x01"]
