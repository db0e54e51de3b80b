"""Wrong questions for history, by mistake or on purpose, at every door: a sentence, and nothing else happens."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire import access, frames
from tests import gets, sockets
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.gets import Got
from tests.recording import Recorded, T
from tests.terminals import Terminal

DROP = "'; DROP TABLE samples; --"
HIDDEN = 77_777  # the number of the other instrument's frame, and its value
MINE, OTHERS, NOWHERE = "pi-1/balance", "pi-1/oven", "pi-9/nothing"
CONTENTS = """
SELECT (SELECT count(*) FROM frames), (SELECT md5(string_agg(payload, '' ORDER BY stream, number)) FROM frames),
    (SELECT count(*) FROM samples), (SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
        WHERE schemaname = current_schema())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One question: how HTTP and the command line put it and answer it, and what both say."""

    query: str
    typed: tuple[str, ...]
    says: str
    status: int = 400
    exit_code: int = 2
    instrument: str = MINE
    body: dict[str, Any] = field(default_factory=dict)  # over the socket, where it can be put there
    code: str = "bad-message"
    socket_says: str = ""


BEFORE, AFTER = "2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z"
WRONG = {
    "from after to": Wrong(
        query=f"from={AFTER}&to={BEFORE}",
        typed=("--from", AFTER, "--to", BEFORE),
        body={"from": T + 10, "to": T},
        says="from",
        socket_says="is not before to",
    ),
    "nothing between from and to": Wrong(
        query=f"from={AFTER}&to={AFTER}",
        typed=("--from", AFTER, "--to", AFTER),
        body={"from": T, "to": T},
        says="from",
        socket_says="is not before to",
    ),
    "a naive time": Wrong(
        query="from=2026-11-22T08:00",
        typed=("--from", "2026-11-22T08:00"),
        body={"from": "2026-11-22T08:00"},
        says="has no offset",
        socket_says="from",
    ),
    "an impossible day": Wrong(
        query="from=2026-02-30T08:00:00Z",
        typed=("--from", "2026-02-30T08:00:00Z"),
        body={"from": True},
        says="is no time",
        socket_says="from",
    ),
    "an impossible hour": Wrong(
        query="to=2026-11-22T25:00:00Z",
        typed=("--to", "2026-11-22T25:00:00Z"),
        body={"to": 1.5e15},
        says="is no time",
        socket_says="to",
    ),
    "a time before there were computers": Wrong(
        query="from=1926-11-22T08:00:00Z",
        typed=("--from", "1926-11-22T08:00:00Z"),
        body={"from": -1_360_000_000_000_000},
        says="2001 to 2286",
        socket_says="2001 to 2286",
    ),
    "a time beyond all": Wrong(
        query=f"to={2**63}",
        typed=("--to", "9999-12-31T23:59:59-23:59"),
        body={"to": 2**63},
        says="2001 to 2286",
        socket_says="2001 to 2286",
    ),
    "a limit of 10^9": Wrong(
        query="points=1000000000",
        typed=("--points", "1000000000"),
        body={"points": 10**9},
        exit_code=1,
        says="points is 1000000000, expected 10 to 20000",
        socket_says="points is 1000000000, expected 10 to 20000",
    ),
    "a negative limit": Wrong(
        query="points=-1", typed=("--points", "-1"), body={"points": -1}, says="points", socket_says="points"
    ),
    "SQL for a time": Wrong(
        query=f"from={DROP}", typed=("--from", DROP), body={"from": DROP}, says="is no time", socket_says="from"
    ),
    "SQL for a channel": Wrong(
        query=f"channels={DROP}",
        typed=("--channels", DROP),
        body={"channels": [DROP]},
        says="is not a name",
        socket_says="is not a name",
    ),
    "SQL for a number": Wrong(
        query=f"points={DROP}", typed=("--points", DROP), body={"points": DROP}, says="points", socket_says="points"
    ),
    "a channel that is none": Wrong(
        query="channels=nosuch",
        typed=("--channels", "nosuch"),
        body={"channels": ["nosuch"]},
        exit_code=1,
        says="pi-1/balance has no channel 'nosuch': it has mass",
        socket_says="pi-1/balance has no channel 'nosuch': it has mass",
    ),
    "an instrument of another's grant": Wrong(
        query="",
        typed=(),
        instrument=OTHERS,
        status=403,
        exit_code=1,
        says="not permitted to ask service history about pi-1/oven",
        code="not-permitted",
        socket_says="not permitted to ask service history about pi-1/oven",
    ),
    "an instrument that is not there and not granted": Wrong(
        query="",
        typed=(),
        instrument=NOWHERE,
        status=403,
        exit_code=1,
        says="not permitted to ask service history about pi-9/nothing",
        code="not-permitted",
        socket_says="not permitted to ask service history about pi-9/nothing",
    ),
}


class Doors:
    """nele, who may watch pi-1/balance and nothing else, at all doors."""

    def __init__(self, url: str, recorded: Recorded, terminal: Terminal) -> None:
        self.url, self.recorded, self.terminal = url, recorded, terminal

    async def http(self, instrument: str, query: str, kind: str = "csv") -> Got:
        return await gets.history(self.url, f"{instrument}.{kind}?{query}", "nele")

    async def contents(self) -> list[tuple[Any, ...]]:
        return await query(self.recorded.dsn, CONTENTS)


@pytest.fixture
async def doors(broker: TestBroker, dsn: str, gateway_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    await broker.manage(access.add_user("nele", PASSWORD, "observer", (MINE,)))
    terminal = Terminal(gateway_url.replace("ws://", "http://"), PASSWORD, tmp_path)
    terminal.environment["KLEINMAELZUNG_USER"] = "nele"
    async with Recorded(broker, dsn) as recorded:
        await recorded.start("logger", "history")
        recorded.say(range(1, 11))
        recorded.say([HIDDEN], "oven")
        await recorded.logged(11)
        yield Doors(gateway_url, recorded, terminal)


@asynccontextmanager
async def still_heard(doors: Doors) -> AsyncIterator[None]:
    """anna hears the other instrument before and after what is done within, and misses nothing."""
    async with sockets.client(doors.url, "anna", PASSWORD) as anna:
        await anna.ask("watch", 1, f"{OTHERS}/data")
        doors.recorded.say([HIDDEN + 1], "oven")
        await anna.expect("message")
        await doors.recorded.logged(12)
        yield
        doors.recorded.say([HIDDEN + 2], "oven")
        assert frames.decode((await anna.receive())[2]).number == HIDDEN + 2


async def test_every_door_says_what_is_wrong_and_nothing_else_happens(doors: Doors, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    async with still_heard(doors), sockets.client(doors.url, "nele", PASSWORD) as nele:
        before = await doors.contents()
        for name, wrong in WRONG.items():
            got = await doors.http(wrong.instrument, wrong.query)
            assert (got.status, wrong.says in got.text) == (wrong.status, True), (name, got.text)
            code, out, err = await doors.terminal.run("history", wrong.instrument, *wrong.typed, "-o", str(target))
            assert (code, out, wrong.says in err) == (wrong.exit_code, "", True), (name, code, err)
            for request in ("history", "export"):
                body = {"request": request, "instrument": wrong.instrument, "format": "csv", **wrong.body}
                answer = await nele.ask("request", 1, "history", body)
                assert answer[:3] == ["refused", 1, wrong.code], (name, answer)
                assert wrong.socket_says in answer[3], (name, answer)
            for said in (got.text, err):
                assert wrong.says in said.splitlines()[-1], name  # argparse says its usage before
                assert not any(word in said for word in ("Traceback", "asyncpg", "SELECT", str(HIDDEN))), name
        assert not [file for file in os.listdir(tmp_path) if "a.csv" in file]
        assert await doors.contents() == before
    fine = await doors.http(MINE, f"from={T}&to={T + 10**9}")
    assert (fine.status, len(fine.text.splitlines())) == (200, 11)


async def test_all_mistakes_are_told_at_once(doors: Doors) -> None:
    got = await doors.http(MINE, "from=yesterday&to=2026-11-22T08:00&channels=A,mass&points=many&limit=5&to=1h")
    assert got.status == 400
    assert [line.partition(" ")[0] for line in got.text.splitlines()] == [
        "unknown",
        "to",
        "from:",
        "channels:",
        "points:",
    ]


async def test_what_is_asked_for_twice_or_unknown_is_refused(doors: Doors) -> None:
    for question, sentence in (
        ("from=1h&from=2h", "from is given more than once"),
        ("form=1h", "unknown parameter 'form', expected from, to, channels, points"),
        ("format=csv", "unknown parameter 'format'"),
        ("&".join(["x=1"] * 50), "more than 20 parameters"),
        ("channels=" + ",".join(["mass"] * 65), "65 names, allowed are 64"),
        ("from=", "is no time"),
    ):
        got = await doors.http(MINE, question)
        assert (got.status, sentence in got.text) == (400, True), got.text
    got = await doors.http(MINE, "token=abc")
    assert (got.status, "abc" in got.text) == (401, False)


async def test_a_hundred_years_are_answered_in_bounds(doors: Doors) -> None:
    span = "from=2002-01-01T00:00:00Z&to=2102-01-01T00:00:00Z"
    got = await doors.http(MINE, span)
    assert (got.status, len(got.text.splitlines())) == (200, 11)
    async with sockets.client(doors.url, "nele", PASSWORD) as nele:
        times = {"from": 1_010_000_000_000_000, "to": 4_160_000_000_000_000}
        body = {"request": "history", "instrument": MINE, **times, "points": 2000, "buckets": True}
        answer = (await nele.ask("request", 1, "history", body))[2]
        assert (answer["kind"], answer["expected"], answer["more"]) == ("buckets", 2000, False)


async def test_nobody_reads_on_in_what_another_asked_for(broker: TestBroker, doors: Doors) -> None:
    doors.recorded.say(range(HIDDEN + 1, HIDDEN + 201), "oven", text="x" * 1000)
    await doors.recorded.logged(211)
    async with (
        sockets.client(doors.url, "otto", PASSWORD) as otto,
        sockets.client(doors.url, "nele", PASSWORD) as nele,
    ):
        body = {"request": "export", "instrument": OTHERS, "from": T, "to": T + 10**9, "format": "csv"}
        stream = (await otto.ask("request", 1, "history", body))[2]["stream"]
        assert stream is not None
        for request in ({"request": "history-next", "number": 1}, {"request": "history-end"}):
            answer = await nele.ask("request", 1, "history", {**request, "stream": stream})
            assert answer[2] == "unknown"
            strange = await nele.ask("request", 1, "history", {**request, "stream": "0" * 16})
            assert strange[3].replace("0" * 16, stream) == answer[3]  # not even that it is there
        assert (await otto.ask("request", 2, "history", {"request": "history-next", "stream": stream, "number": 1}))[
            0
        ] == "done"
