"""A watch with a past, with a log in memory: which frames are given, once, whatever the log has when it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kleinmaelzung import Refused, WatchSince, backlog
from kleinmaelzung.completeness import Completeness
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire import frames, sockets
from kleinmaelzung_wire.waits import Waits
from tests.recording import EPOCH_US, STEP_US, T, frame

BALANCE = "pi-1/balance"
Name = tuple[int, int]


def numbered(first: int, last: int, epoch: int = 7) -> list[Name]:
    return [(epoch, number) for number in range(first, last + 1)]


def time_of(name: Name) -> int:
    return T + (name[0] - 7) * EPOCH_US + name[1] * STEP_US


class Log:
    """What was logged; `on_ask` is called with the name of each request before it is answered."""

    def __init__(self, logged: list[Name]) -> None:
        self.logged = logged
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.on_ask: Callable[[str], None] = lambda name: None
        self.per_piece = 100
        self._streams: dict[str, list[Name]] = {}

    async def instruments(self, pattern: str) -> list[str]:
        return [pattern]

    async def ask(self, name: str, question: dict[str, Any], service: str | None = None) -> tuple[Any, str]:
        self.asked.append((name, question))
        await asyncio.sleep(0)
        self.on_ask(name)
        if name == "history-next":
            if question["stream"] not in self._streams:
                raise Refused("there is no such stream", sockets.UNKNOWN)
            return self._piece(question["stream"], self._streams[question["stream"]]), "history"
        return self._piece(str(len(self.asked)), self._found(question)), "history"

    async def completeness(self, instrument: str) -> list[Completeness]:
        return []

    def forget_streams(self) -> None:
        self._streams.clear()

    def _found(self, question: dict[str, Any]) -> list[Name]:
        if "ranges" in question:
            ranges = question["ranges"]
            return [name for name in self.logged if any(e == name[0] and a <= name[1] <= b for e, a, b in ranges)]
        begin, end = question["from"], question.get("to", T * 2)
        return [name for name in self.logged if begin <= time_of(name) < end]

    def _piece(self, stream: str, names: list[Name]) -> dict[str, Any]:
        now, later = names[: self.per_piece], names[self.per_piece :]
        self._streams[stream] = later
        piece = frames.pack_several(frame(number, epoch=epoch) for epoch, number in now) if now else None
        return {"stream": stream if later else None, "piece": piece, "more": bool(later)}


class Bench:
    """A watch since T, its log, and the live frames of a connection."""

    def __init__(self, logged: list[Name], since: int = T) -> None:
        self.log = Log(logged)
        self.live = Watch(f"{BALANCE}/data", lambda message: message, lambda: None, 5)
        self.watch = WatchSince(BALANCE, since, self.live, self.log)
        self.given: list[Name] = []

    def say(self, *names: Name) -> None:
        for epoch, number in names:
            self.live.put(Message(f"{BALANCE}/data", frame(number, epoch=epoch)))

    async def until(self, count: int) -> None:
        """Read until so many were given."""
        async with asyncio.timeout(10):
            while len(self.given) < count:
                found = await anext(self.watch)
                self.given.append((found.epoch, found.number))

    async def until_live(self) -> None:
        """Read what is there, until it is live."""
        async with asyncio.timeout(10):
            while not self.watch.is_live:
                try:
                    async with asyncio.timeout(0.02):
                        await self.until(len(self.given) + 1)
                except TimeoutError:
                    pass


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "HOLD_S", 0.1)
    monkeypatch.setattr(backlog, "LOOK_S", 0.005)
    monkeypatch.setattr(backlog, "QUIET_S", 0.05)
    monkeypatch.setattr(backlog, "LOOKS", Waits(first_s=0.005, longest_s=0.01))
    monkeypatch.setattr(backlog, "RETRIES", Waits(first_s=0.005, longest_s=0.01))


async def test_log_and_live_once_and_in_order() -> None:
    bench = Bench(numbered(1, 250))
    bench.live.mark_begun()
    bench.say(*numbered(249, 252))
    await bench.until(252)
    assert bench.given == numbered(1, 252)


async def test_what_live_frames_were_dropped_is_read_from_the_log() -> None:
    bench = Bench(numbered(1, 250))
    bench.live.mark_begun()

    def go_on(name: str) -> None:
        if name == "history-next":  # of which five wait
            bench.say(*numbered(251, 300), *numbered(1, 20, epoch=8))
            bench.log.logged = [*numbered(1, 300), *numbered(1, 20, epoch=8)]
            bench.log.on_ask = lambda name: None

    bench.log.on_ask = go_on
    await bench.until(320)
    assert bench.given == [*numbered(1, 300), *numbered(1, 20, epoch=8)]


async def test_an_epoch_of_which_nothing_came_live_is_read_from_the_log() -> None:
    bench = Bench(numbered(1, 10))
    bench.live.mark_begun()
    await bench.until(10)
    await bench.until_live()
    bench.log.logged += [*numbered(11, 12), *numbered(1, 5, epoch=8), *numbered(1, 1, epoch=9)]
    bench.live.note_missed(7)
    bench.say((9, 1), (9, 2))
    await bench.until(19)
    assert bench.given == [*numbered(1, 12), *numbered(1, 5, epoch=8), *numbered(1, 2, epoch=9)]


async def test_a_live_frame_that_went_ahead_does_not_hide_what_was_logged_before_it() -> None:
    """The log is away while it is read, and then there is an epoch in it of which nothing came live."""
    bench = Bench([*numbered(1, 150), *numbered(1, 5, epoch=8)])
    bench.live.mark_begun()
    is_away = False

    def fail(name: str) -> None:
        if is_away or name == "history-next":
            raise Refused("the database is away", sockets.UNAVAILABLE)

    bench.log.on_ask = fail
    await bench.until(100)
    is_away = True
    bench.say(*numbered(1, 3, epoch=9))
    await bench.until(103)
    bench.live.mark_begun()  # a new connection
    bench.log.on_ask = lambda name: None
    await bench.until(158)
    assert sorted(bench.given) == [*numbered(1, 150), *numbered(1, 5, epoch=8), *numbered(1, 3, epoch=9)]


async def test_a_stream_that_ended_is_read_on_from_what_was_given() -> None:
    bench = Bench(numbered(1, 500))
    bench.live.mark_begun()
    await bench.until(200)
    bench.log.forget_streams()
    await bench.until(500)
    assert bench.given == numbered(1, 500)
    again = [question["from"] for name, question in bench.log.asked if name == "history"][1]
    assert again > T + 100 * STEP_US


async def test_a_past_that_is_logged_in_whole_only_later_is_read_in_one_go() -> None:
    """Not number by number: each takes a question."""
    bench = Bench(numbered(1, 10), since=T + 51 * STEP_US)
    bench.live.mark_begun()
    await bench.until_live()
    bench.say((7, 1001))
    await bench.until(1)
    bench.log.logged = numbered(1, 1001)
    before = len(bench.log.asked)
    await bench.until(951)
    assert sorted(bench.given) == numbered(51, 1001)
    assert len(bench.log.asked) - before < 60


async def test_on_a_new_connection_what_was_missed_comes_although_nothing_is_live() -> None:
    bench = Bench(numbered(1, 10))
    bench.live.mark_begun()
    await bench.until(10)
    await bench.until_live()
    bench.log.logged += [*numbered(11, 20), *numbered(1, 5, epoch=8)]
    bench.live.mark_begun()
    await bench.until(25)
    assert bench.given == [*numbered(1, 20), *numbered(1, 5, epoch=8)]


async def test_after_messages_were_missed_the_log_is_read_to_its_end_although_nothing_more_is_live() -> None:
    bench = Bench(numbered(1, 10))
    bench.live.mark_begun()
    await bench.until(10)
    await bench.until_live()
    async with asyncio.timeout(10):
        while bench.watch._tail_at:
            try:
                async with asyncio.timeout(0.01):
                    await anext(bench.watch)
            except TimeoutError:
                pass
    bench.log.logged += numbered(11, 12)
    bench.live.note_missed(2)
    await bench.until(12)
    assert bench.given == numbered(1, 12)


async def test_nothing_is_asked_again_and_again_where_nothing_lacks() -> None:
    bench = Bench(numbered(1, 10))
    bench.live.mark_begun()
    await bench.until(10)
    await bench.until_live()
    bench.say(*numbered(11, 13))
    await bench.until(13)
    asked = len(bench.log.asked)
    for number in range(14, 64):
        bench.say((7, number))
        await bench.until(number)
    assert len(bench.log.asked) - asked <= 2  # once more to the log's end, and what of it is new


async def test_a_watch_that_is_closed_while_it_asks_ends_and_leaves_nothing_behind() -> None:
    bench = Bench(numbered(1, 10))
    bench.live.mark_begun()
    bench.log.on_ask = lambda name: bench.watch.close()
    assert [frame.number async for frame in bench.watch] == list(range(1, 11))
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("kleinmaelzung-since")] == []
