"""The seam of log and live with a log in memory: what is dropped, what comes at the same moment, what never comes."""

import asyncio
from typing import Any

import pytest

from kleinmaelzung_bus.packets import Properties
from kleinmaelzung_bus.session import Message
from kleinmaelzung_gateway import joining
from kleinmaelzung_gateway.asking import Refused
from kleinmaelzung_gateway.joining import Joining
from kleinmaelzung_wire import frames, sockets
from kleinmaelzung_wire.codec import WireError
from tests.recording import frame

BALANCE = "pi-1/balance"
NO_PROPERTIES = Properties(None, None, ())


class Log:
    """Answers as the history service does; `on_ask` happens while it is asked."""

    def __init__(self, *logged: tuple[int, int]) -> None:
        self.logged = list(logged)
        self.asked: list[str] = []
        self.sent: list[tuple[int, int] | None] = []
        self.trouble: Refused | None = None
        self.join = Joining(1)
        self.join.expect([BALANCE])
        self.during: list[list[tuple[int, int]]] = []  # what comes live during each question

    async def ask(self, name: str, instrument: str | None, arguments: dict[str, Any]) -> Any:
        self.asked.append(name)
        await asyncio.sleep(0)
        found = [name for name in self.logged if self._is_wanted(name, arguments.get("ranges"))]
        for live in self.during.pop(0) if self.during else ():
            self.say(live)
        if self.trouble is not None:
            raise self.trouble
        piece = frames.pack_several([frame(number, epoch=epoch) for epoch, number in found]) if found else None
        return {"stream": None, "piece": piece, "more": False}

    def _is_wanted(self, name: tuple[int, int], ranges: list[list[int]] | None) -> bool:
        return ranges is None or any(name[0] == epoch and first <= name[1] <= last for epoch, first, last in ranges)

    async def send(self, instrument: str, payload: bytes) -> None:
        self.sent.append(frames.read_name(payload))
        await asyncio.sleep(0)

    def say(self, name: tuple[int, int]) -> None:
        """A live frame; it is sent at once where it need not wait."""
        payload = frame(name[1], epoch=name[0])
        if not self.join.take(Message(f"kleinmaelzung/{BALANCE}/data", payload, 0, False, NO_PROPERTIES)):
            self.sent.append(name)

    async def run(self) -> None:
        await self.join.send_backlog(self.ask, self.send)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "LAG_S", 0.05)
    monkeypatch.setattr(joining, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(joining, "QUIET_S", 0.01)
    monkeypatch.setattr(joining, "PATIENCE_S", 0.02)


def numbered(first: int, last: int, epoch: int = 7) -> list[tuple[int, int]]:
    return [(epoch, number) for number in range(first, last + 1)]


async def test_what_is_in_the_log_and_came_live_too_is_sent_once() -> None:
    log = Log(*numbered(1, 5))
    log.during = [numbered(4, 7)]
    await log.run()
    log.say((7, 8))
    assert log.sent == numbered(1, 8)


async def test_what_the_log_had_first_and_comes_live_later_is_sent_once() -> None:
    log = Log(*numbered(1, 5))
    await log.run()
    for name in numbered(4, 7):
        log.say(name)
    assert log.sent == numbered(1, 7)


async def test_the_end_of_a_run_that_could_not_be_held_is_read_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_HELD", 2)
    log = Log(*numbered(1, 5))
    log.during = [[*numbered(6, 9), *numbered(1, 2, epoch=8)]]  # of which the last two are held
    log.logged = numbered(1, 5)

    async def ask(name: str, instrument: str | None, arguments: dict[str, Any]) -> Any:
        answer = await log.ask(name, instrument, arguments)
        log.logged = [*numbered(1, 9), *numbered(1, 2, epoch=8)]
        return answer

    await log.join.send_backlog(ask, log.send)
    assert log.sent == [*numbered(1, 9), *numbered(1, 2, epoch=8)]


async def test_held_frames_are_bounded_by_their_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_HELD_BYTES", 3 * len(frame(6)))
    log = Log()
    for name in numbered(1, 10):
        log.say(name)
    assert len(log.join.held()) == 3
    log.logged = numbered(1, 10)
    await log.run()
    assert log.sent == numbered(1, 10)
    assert log.join.held() == []


async def test_what_lacks_and_never_comes_is_waited_for_a_little() -> None:
    log = Log(*numbered(1, 3))
    log.during = [numbered(6, 7)]
    await log.run()
    assert log.sent == [*numbered(1, 3), *numbered(6, 7)]
    assert log.asked.count("frames") > 1


async def test_the_first_live_frame_long_after_the_backlog_waits_for_what_lacks_before_it() -> None:
    log = Log(*numbered(1, 3))
    await log.run()
    closing = asyncio.create_task(log.join.close_seams(log.ask, log.send))
    log.say((7, 5))
    assert log.sent == numbered(1, 3)
    log.logged += numbered(4, 5)
    number = 5
    async with asyncio.timeout(10):
        while not closing.done():
            number += 1
            log.say((7, number))
            await asyncio.sleep(0.001)
    assert log.sent == numbered(1, number)


async def test_without_the_log_live_frames_go_on_after_the_backlog() -> None:
    log = Log(*numbered(1, 3))
    await log.run()
    log.trouble = Refused(sockets.UNAVAILABLE, "the database is away")
    closing = asyncio.create_task(log.join.close_seams(log.ask, log.send))
    number = 4  # it lacks
    async with asyncio.timeout(10):
        while not closing.done():
            number += 1
            log.say((7, number))
            await asyncio.sleep(0.001)
    assert log.sent == [*numbered(1, 3), *numbered(5, number)]


async def test_a_backlog_without_the_log_is_refused() -> None:
    log = Log()
    log.trouble = Refused(sockets.UNAVAILABLE, "the database is away")
    with pytest.raises(Refused, match="is away"):
        await log.run()


@pytest.mark.parametrize("answer", [None, {}, {"more": 1, "piece": None}, {"more": False, "piece": b"\xc1"}])
async def test_an_answer_that_is_none_is_refused_with_a_sentence(answer: Any) -> None:
    log = Log()

    async def ask(name: str, instrument: str | None, arguments: dict[str, Any]) -> Any:
        return answer

    with pytest.raises(Refused, match="unreadable"):
        await log.join.send_backlog(ask, log.send)


def test_a_piece_may_hold_nothing() -> None:
    assert joining.frames_of(None) == joining.frames_of(b"\x90") == []
    with pytest.raises(WireError):
        joining.frames_of("text")
