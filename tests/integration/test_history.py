"""History from end to end: stored frames, a real database, broker and gateway, asked by a socket."""

import asyncio
import contextlib
import math
import os
import random
import signal
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kleinmaelzung_services.config import Config
from kleinmaelzung_services.history import reading, streams
from kleinmaelzung_services.history.service import Service
from kleinmaelzung_services.logger import batch, store
from kleinmaelzung_services.logger.batch import Arrival
from kleinmaelzung_wire import access, frames, gaps, topics
from kleinmaelzung_wire.frames import Clock, Frame, Value
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import ServiceStatus
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.sockets import JSON, Socket, client
from tests.waiting import until

BALANCE = "pi-1/balance"
CLOCK = Clock(synchronised=True)
S = 1_000_000
HOUR = 3600 * S
# A whole second, an hour ago: what is stored is over when it is asked for.
T = (time.time_ns() // 1000 // S) * S - HOUR


def frame(number: int, *times: int, epoch: int = 7, units: dict[str, str] | None = None, **channels: Any) -> Frame:
    values = channels or {"mass": [float(number)] * len(times)}
    return Frame(epoch=epoch, number=number, times=times, channels=values, units=units or {}, clock=CLOCK)


async def log(dsn: str, made: Iterable[Frame], instrument: str = BALANCE) -> list[bytes]:
    """Store frames as the logger does; returns their bytes."""
    topic = topics.instrument(*topics.split_full_name(instrument), "data")
    payloads = [frames.encode(one) for one in made]
    entries = list(batch.sort_arrivals([Arrival(topic, payload, T) for payload in payloads], T + HOUR))
    async with store.open_store(dsn) as opened:
        written = await opened.write(entries)
    assert written.frames == len(payloads)
    return payloads


def span(since: int, until_: int | None = None) -> dict[str, Any]:
    return {"from": since} if until_ is None else {"from": since, "to": until_}


def configuration(broker: TestBroker, dsn: str) -> Config:
    return Config(broker=broker.mosquitto.broker("history"), dsn=dsn, name="history")


@contextlib.asynccontextmanager
async def running(config: Config, idle_s: float = streams.IDLE_S) -> AsyncIterator[Service]:
    made, stop = Service(config, idle_s), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(stop), name="history")
        try:
            await until(lambda: made.health.healthy, "the database answers")
            yield made
        finally:
            stop.set()
            await task


class Asker:
    """A person's socket, asking one service."""

    def __init__(self, socket: Socket, service: str = "history") -> None:
        self._socket = socket
        self._service = service
        self._asked = 0

    async def ask(self, name: str, instrument: str | None = BALANCE, **arguments: Any) -> list[Any]:
        self._asked += 1
        named = {"instrument": instrument} if instrument else {}
        options = {"timeout": 30}
        request = {"request": name, **named, **arguments}
        answer = await self._socket.ask("request", self._asked, self._service, request, options)
        return [answer[0], *answer[2:]]

    async def answered(self, name: str, instrument: str | None = BALANCE, **arguments: Any) -> dict[str, Any]:
        kind, content, *rest = await self.ask(name, instrument, **arguments)
        assert kind == "done", (content, *rest)
        assert isinstance(content, dict)
        return content

    async def whole(self, name: str = "history", **arguments: Any) -> tuple[dict[str, Any], list[Any]]:
        """The first answer and all pieces."""
        head = answer = await self.answered(name, **arguments)
        pieces, number = [head["piece"]], 0
        while answer["more"]:
            number += 1
            answer = await self.answered("history-next", None, stream=head["stream"], number=number)
            pieces.append(answer["piece"])
        assert answer["done"] == head["expected"]
        return head, [piece for piece in pieces if piece is not None]

    async def frames(self, **arguments: Any) -> list[Frame]:
        head, pieces = await self.whole(**arguments)
        assert head["kind"] == "frames"
        return [frames.decode(payload) for piece in pieces for payload in frames.unpack_several(piece)]

    async def refused(self, name: str, instrument: str | None = BALANCE, **arguments: Any) -> tuple[str, str]:
        kind, code, sentence = await self.ask(name, instrument, **arguments)
        assert kind == "refused"
        return code, sentence


@pytest.fixture
async def service(broker: TestBroker, dsn: str) -> AsyncIterator[Service]:
    async with store.open_store(dsn):
        pass  # makes the tables
    async with running(configuration(broker, dsn)) as made:
        yield made


@pytest.fixture
async def otto(service: Service, gateway_url: str) -> AsyncIterator[Asker]:
    async with client(gateway_url, "otto", PASSWORD) as socket:
        yield Asker(socket)


def numbers(found: Iterable[Frame]) -> list[tuple[int, int]]:
    return [(one.epoch, one.number) for one in found]


# Frames


async def test_what_was_logged_comes_back_to_the_last_bit(otto: Asker, dsn: str) -> None:
    values: list[Value] = [2**63, -0.1, True, None, "=cmd|'/c calc'!A1"]
    made = [
        Frame(
            epoch=7,
            number=number,
            times=tuple(T + number * S + index for index in range(len(values))),
            channels={"mass": values, "state": list(reversed(values))},
            units={"mass": "g"},
            quality={"mass": [None, "stale", None, "error", None]},
            clock=Clock(synchronised=False, error_us=5),
        )
        for number in range(1, 4)
    ]
    payloads = await log(dsn, made)
    head, pieces = await otto.whole()
    assert [payload for piece in pieces for payload in frames.unpack_several(piece)] == payloads
    assert (head["instrument"], head["kind"], head["stream"], head["expected"]) == (BALANCE, "frames", None, 3)
    assert (head["from"], head["gaps"], head["more_gaps"]) == (made[0].times[0], [], 0)
    assert head["channels"] == [
        {"key": "mass", "name": "mass", "unit": "g", "type": "mixed"},
        {"key": "state", "name": "state", "unit": "", "type": "mixed"},
    ]


async def test_a_time_is_found_in_the_middle_of_many_frames(otto: Asker, dsn: str) -> None:
    made = [frame(number, T + number * S, T + number * S + S // 2) for number in range(1, 1001) if number % 7]
    await log(dsn, made)
    for since, until_ in [(300, 310), (1, 2), (999, 1000), (0, 2000), (-500, 0), (1001, 3000), (6, 8), (7, 8)]:
        found = await otto.frames(**span(T + since * S, T + until_ * S))
        wanted = [one for one in made if any(T + since * S <= at < T + until_ * S for at in one.times)]
        # The one that begins before may come too: it might have reached into the time.
        assert numbers(found)[-len(wanted) :] == numbers(wanted) if wanted else not found
        assert len(found) - len(wanted) in (0, 1)
    boundary = await otto.frames(**span(T + 10 * S, T + 11 * S))
    assert numbers(boundary) == [(7, 10)]


async def test_a_long_frame_that_reaches_into_the_time_is_there(otto: Asker, dsn: str) -> None:
    made = [frame(1, T, T + 600 * S), frame(2, T + 700 * S)]
    await log(dsn, made)
    assert numbers(await otto.frames(**span(T + 500 * S, T + 650 * S))) == [(7, 1)]
    assert await otto.frames(**span(T + 100 * S, T + 200 * S)) == []


async def test_runs_come_in_time_and_what_was_late_stands_where_it_belongs(otto: Asker, dsn: str) -> None:
    late = [frame(number, T + number * S, epoch=9) for number in (1, 2, 3)]
    await log(dsn, [frame(number, T + (100 + number) * S, epoch=5) for number in (3, 1)])
    await log(dsn, [late[2], late[0]])
    await log(dsn, [late[1], frame(2, T + 102 * S, epoch=5)])
    assert numbers(await otto.frames()) == [(9, 1), (9, 2), (9, 3), (5, 1), (5, 2), (5, 3)]


async def test_frames_without_samples_are_left_out(otto: Asker, dsn: str) -> None:
    record = {"kind": "note"}
    empty = Frame(epoch=7, number=2, times=(T + 2 * S,), channels={}, clock=CLOCK, records=[record])
    await log(dsn, [frame(1, T + S), empty, frame(3, T + 3 * S)])
    assert numbers(await otto.frames()) == [(7, 1), (7, 3)]
    everything = await otto.frames(name="frames", ranges=[[7, 1, 3]])
    assert numbers(everything) == [(7, 1), (7, 2), (7, 3)]


async def test_frames_by_their_numbers(otto: Asker, dsn: str) -> None:
    made = [frame(number, T + number * S) for number in range(1, 11)]
    await log(dsn, [*made, frame(1, T + 50 * S, epoch=8)])
    found = await otto.frames(name="frames", ranges=[[8, 1, 99], [7, 4, 5], [6, 1, 9], [7, 10, 12]])
    assert numbers(found) == [(8, 1), (7, 4), (7, 5), (7, 10)]
    assert await otto.frames(name="frames", ranges=[[6, 1, 9]]) == []


async def test_much_comes_in_pieces_that_each_go_into_a_message(otto: Asker, dsn: str) -> None:
    made = [frame(number, *(T + number * S + at for at in range(1000))) for number in range(1, 61)]
    payloads = await log(dsn, made)
    head, pieces = await otto.whole()
    assert head["stream"] is not None
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= 127 * 1024
    assert [payload for piece in pieces for payload in frames.unpack_several(piece)] == payloads


async def test_a_frame_that_goes_into_no_answer_is_named(otto: Asker, dsn: str) -> None:
    texts: list[Value] = ["x" * 1000] * 130
    large = frame(2, *(T + at for at in range(len(texts))), note=texts)
    assert len(frames.encode(large)) > streams.ROOM
    await log(dsn, [frame(1, T - S, note=["a"]), large, frame(3, T + S, note=["b"])])
    first = await otto.answered("history")
    answers = [first]
    while answers[-1]["more"]:
        number = len(answers)
        answers.append(await otto.answered("history-next", None, stream=first["stream"], number=number))
    assert [answer["left_out"] for answer in answers if "left_out" in answer] == [[[7, 2]]]
    found = [payload for answer in answers if answer["piece"] for payload in frames.unpack_several(answer["piece"])]
    assert numbers(map(frames.decode, found)) == [(7, 1), (7, 3)]


# Buckets


def unpacked(piece: dict[str, Any]) -> dict[str, list[tuple[int, int, float, float, float]]]:
    """By column: time, count, min, mean, max of each bucket."""
    times = struct.unpack(f"<{len(piece['time']) // 8}q", piece["time"])
    size = len(times)
    return {
        key: list(
            zip(
                times,
                struct.unpack(f"<{size}I", column["count"]),
                *(struct.unpack(f"<{size}d", column[each]) for each in ("min", "mean", "max")),
                strict=True,
            )
        )
        for key, column in piece["columns"].items()
    }


async def test_every_buckets_extremes_are_those_of_the_samples(otto: Asker, dsn: str) -> None:
    chance = random.Random(5)
    taken = sorted(chance.sample(range(1000 * S), 3000))
    made = [
        frame(number, *taken[at : at + 10], mass=[chance.gauss(0, 1e6) for _ in range(10)])
        for number, at in enumerate(range(0, len(taken), 10), 1)
    ]
    made = [Frame(**{**_fields(one), "times": tuple(T + at for at in one.times)}) for one in made]
    await log(dsn, made)
    asked = span(T + 17, T + 900 * S + 3)
    head, pieces = await otto.whole(**asked, points=333)
    assert (head["kind"], head["expected"]) == ("buckets", 333)
    width = head["width_us"]
    found = [bucket for piece in pieces for bucket in unpacked(piece)["mass"]]
    assert [bucket[0] for bucket in found] == [asked["from"] + place * width for place in range(333)]
    assert found[-1][0] < asked["to"] <= found[-1][0] + width
    samples = [(at, value) for one in made for at, value in zip(one.times, one.channels["mass"], strict=True)]
    for start, count, low, mean, high in found:
        end = min(start + width, asked["to"])
        inside = [float(value) for at, value in samples if start <= at < end and isinstance(value, float)]
        assert count == len(inside)
        if inside:
            assert (low, high) == (min(inside), max(inside))
            assert mean == pytest.approx(sum(inside) / count)
        else:
            assert all(map(math.isnan, (low, mean, high)))


def _fields(one: Frame) -> dict[str, Any]:
    return {key: getattr(one, key) for key in ("epoch", "number", "times", "channels", "units", "clock")}


async def test_few_samples_come_as_they_are_unless_buckets_are_wanted(otto: Asker, dsn: str) -> None:
    await log(dsn, [frame(number, T + number * S) for number in range(1, 22)])
    time_asked = span(T, T + 100 * S)
    few = await otto.answered("history", points=11, **time_asked)
    assert (few["kind"], len(frames.unpack_several(few["piece"]))) == ("frames", 21)
    many = await otto.answered("history", points=10, **time_asked)
    assert (many["kind"], many["expected"], many["stream"], many["more"]) == ("buckets", 10, None, False)
    forced = await otto.answered("history", points=11, buckets=True, **time_asked)
    assert (forced["kind"], forced["width_us"]) == ("buckets", few["width_us"])


async def test_texts_are_counted_and_booleans_are_numbers(otto: Asker, dsn: str) -> None:
    made = [
        frame(number, T + number * S, door=[number % 2 == 0], word=["x"], mass=[None if number == 3 else 1.0])
        for number in range(1, 61)
    ]
    await log(dsn, made)
    head, [piece] = await otto.whole(**span(T + S, T + 61 * S), points=10)
    assert [(one["name"], one["type"]) for one in head["channels"]] == [
        ("door", "boolean"),
        ("mass", "number"),
        ("word", "text"),
    ]
    found = unpacked(piece)
    assert found["door"][0][1:] == (6, 0.0, 0.5, 1.0)
    assert [found["mass"][place][1] for place in (0, 1)] == [5, 6]
    assert found["word"][0][1] == 6
    assert all(map(math.isnan, found["word"][0][2:]))


async def test_json_sockets_get_lists_of_numbers(service: Service, gateway_url: str, dsn: str) -> None:
    await log(dsn, [frame(number, T + number * S) for number in range(1, 41)])
    async with client(gateway_url, "otto", PASSWORD, JSON) as socket:
        answer = await Asker(socket).answered("history", **span(T + S, T + 81 * S), points=10, plain=True)
    assert answer["piece"]["time"] == [T + S + place * 8 * S for place in range(10)]
    mass = answer["piece"]["columns"]["mass"]
    assert mass["min"] == [1.0, 9.0, 17.0, 25.0, 33.0, *[None] * 5]
    assert mass["count"] == [8] * 5 + [0] * 5


async def test_a_channel_that_changed_its_unit_is_two_columns(otto: Asker, dsn: str) -> None:
    made = [
        frame(number, T + number * S, units={"mass": "g" if number < 30 else "kg"}, mass=[1.0], other=[2.0])
        for number in range(1, 61)
    ]
    await log(dsn, made)
    head, [piece] = await otto.whole(points=10)
    assert [one["key"] for one in head["channels"]] == ["mass [g]", "mass [kg]", "other"]
    assert sum(bucket[1] for bucket in unpacked(piece)["mass [kg]"]) == 31
    alone = await otto.answered("history", channels=["mass"], points=10)
    assert list(alone["piece"]["columns"]) == ["mass [g]", "mass [kg]"]


async def test_many_buckets_come_in_pieces_with_progress(otto: Asker, dsn: str) -> None:
    channels: dict[str, Any] = {f"c{column:02}": [float(column)] * 100 for column in range(30)}
    made = [frame(number, *(T + number * S + at * 1000 for at in range(100)), **channels) for number in range(1, 101)]
    await log(dsn, made)
    head, pieces = await otto.whole(**span(T + S, T + 101 * S), points=4000)
    assert len(pieces) > 5
    counted = {f"c{column:02}": 0 for column in range(30)}
    times: list[int] = []
    for piece in pieces:
        buckets = unpacked(piece)
        times += [bucket[0] for bucket in buckets["c00"]]
        for key, column in buckets.items():
            counted[key] += sum(bucket[1] for bucket in column)
    assert set(counted.values()) == {10_000}
    assert times == [head["from"] + place * head["width_us"] for place in range(4000)]


# Gaps


async def test_gaps_that_overlap_travel_with_the_data(otto: Asker, dsn: str) -> None:
    def told(number: int, gap: Gap) -> Frame:
        return Frame(
            epoch=7, number=number, times=(T + number * S,), channels={}, clock=CLOCK, records=[gap.to_record()]
        )

    silent = Gap(reason=gaps.SILENT, since=T + 100 * S, until=T + 200 * S)
    await log(
        dsn,
        [
            *(frame(number, T + number * S) for number in (1, 2, 5, 6, 9)),
            told(300, silent),
            told(301, Gap(reason=gaps.SPOOL_FULL, epoch=7, first=3, last=4, detail="64 MiB")),
        ],
    )
    await log(dsn, [told(1, silent)], "pi-1/thermometer")
    head = await otto.answered("history")
    assert [(gap["reason"], gap["first"], gap["last"], gap["since"], gap["until"]) for gap in head["gaps"]] == [
        (gaps.SILENT, None, None, T + 100 * S, T + 200 * S),
        ("", 10, 299, T + 9 * S, T + 300 * S),
        ("", 7, 8, T + 6 * S, T + 9 * S),
        (gaps.SPOOL_FULL, 3, 4, T + 2 * S, T + 5 * S),
    ]
    assert (head["gaps"][3]["epoch"], head["gaps"][3]["detail"], head["more_gaps"]) == (7, "64 MiB", 0)
    early = await otto.answered("history", **span(T, T + 6 * S))
    assert [gap["first"] for gap in early["gaps"]] == [3]


async def test_more_gaps_than_go_into_an_answer_are_counted(otto: Asker, dsn: str) -> None:
    await log(dsn, [frame(1, T)])
    await query(
        dsn,
        """INSERT INTO gap_records (instrument, since, until, reason, detail)
        SELECT 1, now() - n * INTERVAL '1 hour', now() - n * INTERVAL '59 minutes', 'port lost', repeat('Ω', 500)
        FROM generate_series(1, 150) AS n""",
    )
    head = await otto.answered("history", **span(T - 1000 * HOUR))
    assert len(head["gaps"]) + head["more_gaps"] == 150
    assert 10 < len(head["gaps"]) <= reading.MAX_GAPS


# Newest values


async def test_the_newest_value_of_each_channel(otto: Asker, dsn: str) -> None:
    quality: dict[str, list[str | None]] = {"mass": ["stale"]}
    newest = Frame(
        epoch=7,
        number=2,
        times=(T + 2 * S,),
        channels={"mass": [2.5], "door": [True], "word": ["true"], "none": [None]},
        units={"mass": "g"},
        quality=quality,
        clock=CLOCK,
    )
    await log(dsn, [frame(1, T + S, mass=[1.0]), newest])
    await log(dsn, [frame(1, T, temperature=[20.0])], "pi-2/oven")
    answer = await otto.answered("latest", "+/+")
    assert answer["more"] is False
    assert answer["instruments"] == [
        {
            "instrument": BALANCE,
            "channels": [
                {"name": "door", "unit": "", "time": T + 2 * S, "value": True, "quality": "good"},
                {"name": "mass", "unit": "", "time": T + S, "value": 1.0, "quality": "good"},
                {"name": "mass", "unit": "g", "time": T + 2 * S, "value": 2.5, "quality": "stale"},
                {"name": "none", "unit": "", "time": T + 2 * S, "value": None, "quality": "good"},
                {"name": "word", "unit": "", "time": T + 2 * S, "value": "true", "quality": "good"},
            ],
        },
        {
            "instrument": "pi-2/oven",
            "channels": [{"name": "temperature", "unit": "", "time": T, "value": 20.0, "quality": "good"}],
        },
    ]
    assert [one["instrument"] for one in (await otto.answered("latest", "pi-2/+"))["instruments"]] == ["pi-2/oven"]


async def test_newest_values_of_many_instruments_come_page_by_page(otto: Asker, dsn: str) -> None:
    names = [f"pi-1/i{number:03}" for number in range(1, 121)]
    for name in names:
        await query_add(dsn, name)
    answer = await otto.answered("latest", "pi-1/+")
    pages = [[one["instrument"] for one in answer["instruments"]]]
    while answer["more"]:
        answer = await otto.answered("latest", "pi-1/+", after=pages[-1][-1])
        pages.append([one["instrument"] for one in answer["instruments"]])
    assert (pages[0], [name for page in pages for name in page]) == (names[:50], names)


async def query_add(dsn: str, full_name: str) -> None:
    await query(dsn, "INSERT INTO instruments (agent, name) VALUES ($1, $2)", *topics.split_full_name(full_name))


# What is refused


async def test_what_makes_no_sense_is_refused_and_nothing_is_executed(otto: Asker, dsn: str) -> None:
    await log(dsn, [frame(1, T, mass=[1.0], temperature=[2.0])])
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"from": T, "to": T - S}, "bad-message", "is not before to"),
        ({"from": 0}, "bad-message", "in the years 2001 to 2286"),
        ({"points": 10**9}, "bad-message", "points is 1000000000, expected 10 to 20000"),
        ({"channels": ["'; DROP TABLE samples; --"]}, "bad-message", "is not a name"),
        ({"channels": ["x"]}, "bad-message", "pi-1/balance has no channel 'x': it has mass, temperature"),
        ({"instrument": "pi-1/+"}, "bad-message", "history is about one instrument"),
        ({"instrument": None}, "bad-message", "history is about one instrument"),
        ({"instrument": "pi-9/balance"}, "unknown", "nothing of pi-9/balance has ever been logged: is the name right?"),
    ]
    for arguments, code, sentence in wrong:
        found = await otto.refused("history", **arguments)
        assert (found[0], sentence in found[1]) == (code, True), found
    century = await otto.answered("history", **span(frames.MIN_TIME_US, frames.MAX_TIME_US), points=10)
    assert century["kind"] == "frames"
    assert (await otto.refused("frames", "pi-9/balance", ranges=[[1, 1, 1]]))[0] == "unknown"
    assert (await otto.refused("history-next", None, stream="x", number=1))[0] == "unknown"
    assert (await otto.refused("history-end", None, stream="x"))[0] == "unknown"


async def test_only_granted_instruments_are_told_about(
    broker: TestBroker, service: Service, gateway_url: str, dsn: str
) -> None:
    await log(dsn, [frame(1, T)])
    await log(dsn, [frame(1, T)], "pi-2/oven")
    await broker.manage(access.add_user("nele", PASSWORD, "observer", ("pi-2/+",)))
    async with client(gateway_url, "nele", PASSWORD) as socket:
        nele = Asker(socket)
        for name in ("history", "frames", "latest"):
            assert (await nele.refused(name, ranges=[[7, 1, 1]]))[0] == "not-permitted"
        assert (await nele.refused("latest", "+/+"))[0] == "not-permitted"
        assert (await nele.answered("history", "pi-2/oven"))["expected"] == 1


async def test_an_empty_time_is_an_empty_answer(otto: Asker, dsn: str) -> None:
    await log(dsn, [frame(1, T)])
    for points in (None, 100):
        answer = await otto.answered("history", **span(T + S, T + 2 * S), points=points)
        assert (answer["kind"], answer["channels"], answer["expected"]) == ("frames", [], 0)
        assert (answer["piece"], answer["more"], answer["stream"]) == (None, False, None)


# Streams


async def much(dsn: str, count: int = 400) -> None:
    await log(dsn, [frame(number, *(T + number * S + at for at in range(1000))) for number in range(1, count + 1)])


async def queries(dsn: str, condition: str = "true") -> int:
    found = await query(
        dsn,
        f"""SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'kleinmaelzung-history' AND datname = current_database() AND {condition}""",
    )
    count: int = found[0][0]
    return count


async def until_queries(dsn: str, count: int, condition: str = "true") -> None:
    async with asyncio.timeout(20):
        while await queries(dsn, condition) != count:
            await asyncio.sleep(0.02)


async def test_the_same_piece_comes_as_often_as_it_is_asked(otto: Asker, dsn: str) -> None:
    await much(dsn)
    stream = (await otto.answered("history"))["stream"]
    first = await otto.answered("history-next", None, stream=stream, number=1)
    assert await otto.answered("history-next", None, stream=stream, number=1) == first
    second = await otto.answered("history-next", None, stream=stream, number=2)
    assert second != first
    assert await otto.answered("history-next", None, stream=stream, number=2) == second
    for number in (0, 1, 4):
        code, sentence = await otto.refused("history-next", None, stream=stream, number=number)
        assert (code, sentence) == ("bad-message", f"stream {stream} has piece 2 and 3, asked for was {number}")
    assert (await otto.answered("history-next", None, stream=stream, number=3))["more"]


async def test_all_pieces_are_of_one_moment(otto: Asker, dsn: str) -> None:
    await much(dsn, 100)
    stream = (await otto.answered("history"))["stream"]
    await query(dsn, "DELETE FROM frames")
    answer: dict[str, Any] = {"more": True}
    found = number = 0
    while answer["more"]:
        number += 1
        answer = await otto.answered("history-next", None, stream=stream, number=number)
        found += len(frames.unpack_several(answer["piece"]))
    assert found > 50


async def test_a_stream_that_is_ended_is_gone_with_its_connection(otto: Asker, service: Service, dsn: str) -> None:
    await much(dsn)
    stream = (await otto.answered("history"))["stream"]
    await until_queries(dsn, 1)
    assert await otto.answered("history-end", None, stream=stream) == {}
    await until_queries(dsn, 0)
    assert len(service.streams) == 0
    assert (await otto.refused("history-next", None, stream=stream, number=1))[0] == "unknown"


async def test_a_stream_at_its_end_needs_no_connection(otto: Asker, service: Service, dsn: str) -> None:
    await much(dsn, 100)
    head, _ = await otto.whole()
    await until_queries(dsn, 0)
    assert len(service.streams) == 1, "its last piece may be asked for once more"
    await otto.answered("history-end", None, stream=head["stream"])
    assert len(service.streams) == 0


@contextlib.asynccontextmanager
async def stuck(dsn: str, table: str) -> AsyncIterator[None]:
    """Whoever reads this table waits; what is done for it can be cancelled."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close(timeout=5)


async def test_ending_a_stream_cancels_the_query_at_the_server(otto: Asker, dsn: str) -> None:
    await much(dsn)
    await query(dsn, "ALTER TABLE frames RENAME TO quick_frames")
    await query(
        dsn,
        """CREATE FUNCTION slow(payload bytea, number bigint) RETURNS bytea STABLE LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_sleep(60) WHERE number > 200;
            RETURN payload;
        END $$""",
    )
    view = "SELECT stream, number, time, slow(payload, number) AS payload FROM quick_frames"
    await query(dsn, f"CREATE VIEW frames AS {view}")
    stream, number = (await otto.answered("history"))["stream"], 0
    while not await queries(dsn, "wait_event = 'PgSleep'"):
        number += 1
        await otto.answered("history-next", None, stream=stream, number=number)
        await until_queries(dsn, 1, "state = 'idle in transaction' OR wait_event = 'PgSleep'")
    started = time.monotonic()
    assert await otto.answered("history-end", None, stream=stream) == {}
    await until_queries(dsn, 0)
    assert time.monotonic() - started < 15, "and not when a limit of the server is reached"


async def test_a_question_nobody_waits_for_is_cancelled_at_the_server(
    service: Service, gateway_url: str, dsn: str
) -> None:
    await much(dsn, 3)
    async with client(gateway_url, "otto", PASSWORD) as socket, stuck(dsn, "channels"):
        await socket.send("request", 1, "history", {"request": "history", "instrument": BALANCE}, {"timeout": 1})
        await until_queries(dsn, 1, "wait_event_type = 'Lock'")
        assert (await socket.expect("refused"))[2] == "timeout"
        await until_queries(dsn, 0)
        assert len(service.streams) == 0


async def test_nobody_asks_for_anothers_stream(service: Service, gateway_url: str, dsn: str) -> None:
    await much(dsn)
    async with client(gateway_url, "otto", PASSWORD) as his, client(gateway_url, "anna", PASSWORD) as hers:
        otto, anna = Asker(his), Asker(hers)
        stream = (await otto.answered("history"))["stream"]
        for name in ("history-next", "history-end"):
            assert (await anna.refused(name, None, stream=stream, number=1))[0] == "unknown"
        assert (await otto.answered("history-next", None, stream=stream, number=1))["piece"]


async def test_streams_have_limits(broker: TestBroker, service: Service, gateway_url: str, dsn: str) -> None:
    await much(dsn)
    people = [f"person-{number}" for number in range(5)]
    for name in people:
        await broker.manage(access.add_user(name, PASSWORD, "observer"))
    opened = []
    async with contextlib.AsyncExitStack() as stack:
        for name in people[:4]:
            asker = Asker(await stack.enter_async_context(client(gateway_url, name, PASSWORD)))
            opened += [(asker, (await asker.answered("history"))["stream"]) for _ in range(streams.MAX_OF_USER)]
            assert await asker.refused("history") == (
                "limit",
                f"{name} has 4 streams open: end one, or read it to its end",
            )
        last = Asker(await stack.enter_async_context(client(gateway_url, people[4], PASSWORD)))
        assert await last.refused("history") == ("limit", "16 streams are open: ask again later")
        assert (await last.answered("latest"))["instruments"], "what needs no stream is answered"
        asker, stream = opened[0]
        await asker.answered("history-end", None, stream=stream)
        assert (await last.answered("history"))["stream"]


async def test_a_client_that_goes_away_frees_its_streams(broker: TestBroker, gateway_url: str, dsn: str) -> None:
    async with store.open_store(dsn):
        pass
    await much(dsn)
    async with running(configuration(broker, dsn), idle_s=0.5) as service:
        async with client(gateway_url, "otto", PASSWORD) as socket:
            await Asker(socket).answered("history")
            assert len(service.streams) == 1
        await until(lambda: not len(service.streams), "nobody asks any more")
        await until_queries(dsn, 0)


async def test_the_database_may_go_away_and_come_back(otto: Asker, service: Service, dsn: str) -> None:
    await much(dsn)
    stream = (await otto.answered("history"))["stream"]
    await query(
        dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kleinmaelzung-history'",
    )
    number, answer = 1, await otto.ask("history-next", None, stream=stream, number=1)
    while answer[0] == "done":  # it was read already
        number += 1
        answer = await otto.ask("history-next", None, stream=stream, number=number)
    assert number < 10
    assert (answer[1], "the database cannot be read: " in answer[2]) == ("unavailable", True)
    assert len(service.streams) == 0
    assert (await otto.answered("history"))["stream"]


async def test_two_services_answer_each_for_themselves(
    broker: TestBroker, otto: Asker, gateway_url: str, dsn: str
) -> None:
    await much(dsn)
    secret = access.make_secret()
    await broker.manage(access.add_service("history-2", secret))
    second = Config(broker=broker.stranger("service:history-2", secret), dsn=dsn, name="history-2")
    async with running(second), client(gateway_url, "otto", PASSWORD) as socket:
        await socket.ask("watch", 1, "_service/+/status")
        other = Asker(socket, "history-2")
        stream = (await other.answered("history"))["stream"]
        assert (await otto.refused("history-next", None, stream=stream, number=1))[0] == "unknown"
        assert (await other.answered("history-next", None, stream=stream, number=1))["piece"]


async def test_a_service_that_is_killed_is_told_and_leaves_no_query(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    async with store.open_store(dsn):
        pass
    await much(dsn)
    password = tmp_path / "password"
    password.write_text(broker.mosquitto.passwords["history"])
    environment = {
        "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{broker.mosquitto.internal_port}",
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(password),
        "KLEINMAELZUNG_DSN": dsn,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung_services.history"), env=os.environ | environment
    )
    try:
        async with client(gateway_url, "otto", PASSWORD) as socket:
            otto = Asker(socket)
            await until_healthy(socket)
            stream = (await otto.answered("history"))["stream"]
            await socket.ask("watch", 1000, "_service/history/status")
            process.send_signal(signal.SIGKILL)
            await process.wait()
            while ServiceStatus.decode((await socket.expect("message"))[2]).online:
                pass
            code, sentence = await otto.refused("history-next", None, stream=stream, number=1)
            assert (code, sentence) == ("unavailable", "service history is not there: is it running?")
            await until_queries(dsn, 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_healthy(socket: Socket) -> None:
    async with asyncio.timeout(20):
        while True:
            answer = await socket.ask("request", 0, "history", {"request": "latest", "instrument": "+/+"})
            if answer[0] == "done":
                return
            await asyncio.sleep(0.05)


async def test_without_its_tables_it_says_what_is_the_matter(broker: TestBroker, dsn: str) -> None:
    made, stop = Service(configuration(broker, dsn)), asyncio.Event()
    task = asyncio.create_task(made.run(stop))
    await until(lambda: "does not exist" in made.health.reason, "it is told")
    assert not made.health.healthy
    stop.set()
    await task
