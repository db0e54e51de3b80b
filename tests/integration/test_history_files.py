"""What was logged, read back from files by the tools people have: equal to the last bit, over HTTP and command line."""

import asyncio
import csv
import io
import json
import random
import struct
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest
from pyarrow import parquet

from kleinmaelzung_services.history.formats import csv_file
from kleinmaelzung_services.history.formats.choice import FORMATS
from kleinmaelzung_services.history.formats.table import Buckets, Table
from kleinmaelzung_services.history.streams import ROOM
from kleinmaelzung_wire import codec, frames
from kleinmaelzung_wire.frames import Clock, Frame, Value
from tests import gets, rude, sockets
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.histories import NASTY, same
from tests.recording import Recorded, T
from tests.terminals import Terminal
from tests.waiting import until

CALC = "=cmd|'/c calc'!A1"
MASS, COUNT, STATE = "mass [g]", "count", f"state [{CALC}]"
SAMPLES = 100
FROM_TO = f"from={T}&to={T + 10**9}"


def any_float(chance: random.Random) -> float:
    """Any number of 64 bits: also tiny ones, negative zero, and those that need 17 digits."""
    while True:
        [value] = struct.unpack("<d", chance.randbytes(8))
        if value - value == 0:  # neither NaN nor infinite
            return float(value)


def made(number: int, chance: random.Random) -> Frame:
    at = T + number * 1_000_000
    channels: dict[str, list[Value]] = {
        "mass": [any_float(chance) for _ in range(SAMPLES)],
        "count": [chance.choice([2**53 + 1, -(2**63), 7, None]) for _ in range(SAMPLES)],
        "state": [chance.choice([*NASTY, "ready"]) for _ in range(SAMPLES)],
        "is_open": [chance.random() < 0.5 for _ in range(SAMPLES)],
    }
    return Frame(
        epoch=7,
        number=number,
        times=tuple(at + index * 997 + chance.randrange(900) for index in range(SAMPLES)),
        channels=channels,
        units={"mass": "g", "state": CALC},
        quality={"mass": ["unstable" if chance.random() < 0.1 else None for _ in range(SAMPLES)]},
        clock=Clock(synchronised=number % 2 == 0),
    )


STORED = [made(number, random.Random(number)) for number in range(1, 31)]


@pytest.fixture
async def recorded(broker: TestBroker, dsn: str) -> AsyncIterator[Recorded]:
    """Those frames, logged, and a history service."""
    async with Recorded(broker, dsn) as lab:
        await lab.start("logger", "history")
        for frame in STORED:
            lab.send(frames.encode(frame))
        await lab.logged(len(STORED))
        yield lab


def column(name: str) -> list[Value]:
    return [value for frame in STORED for value in frame.channels[name]]


def times() -> list[int]:
    return [time for frame in STORED for time in frame.times]


def are_same(found: list[Any], expected: list[Value]) -> bool:
    return len(found) == len(expected) and all(map(same, found, expected))


async def test_csv_comes_back_to_the_last_bit(recorded: Recorded, gateway_url: str) -> None:
    got = await gets.history(gateway_url, f"pi-1/balance.csv?{FROM_TO}")
    assert got.status == 200, got.text
    header, *rows = csv.reader(io.StringIO(got.text, newline=""))
    assert header == ["time", COUNT, "is_open", MASS, STATE, "quality", "note"]
    found = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    assert are_same([float(cell) for cell in found[MASS]], column("mass"))
    assert are_same([int(cell) if cell else None for cell in found[COUNT]], column("count"))
    assert are_same([csv_file.plain(cell) for cell in found[STATE]], column("state"))
    assert found["is_open"] == ["true" if value else "false" for value in column("is_open")]
    qualities = [word for frame in STORED for word in frame.quality["mass"]]
    assert found["quality"] == [f"{MASS}: {word}" if word else "" for word in qualities]
    assert found["note"] == [
        "" if frame.clock.synchronised else "clock not synchronised" for frame in STORED for _ in frame.times
    ]
    read = pandas.read_csv(io.BytesIO(got.body))
    assert are_same(read[MASS].tolist(), column("mass"))
    when = pandas.to_datetime(read["time"], format="ISO8601", utc=True).astype("datetime64[us, UTC]")
    assert when.astype("int64").tolist() == times()


async def test_no_cell_of_a_csv_is_a_formula(recorded: Recorded, gateway_url: str) -> None:
    got = await gets.history(gateway_url, f"pi-1/balance.csv?{FROM_TO}&channels=state")
    assert CALC in got.text  # it was measured, and it is there
    for row in csv.reader(io.StringIO(got.text, newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), cell
    # A spreadsheet that separates by semicolons reads other cells.
    for cell in (cell for row in csv.reader(io.StringIO(got.text, newline=""), delimiter=";") for cell in row):
        assert not cell.lstrip(' "').startswith(("=", "+", "@")), cell


async def test_parquet_comes_back_to_the_last_bit(recorded: Recorded, gateway_url: str) -> None:
    got = await gets.history(gateway_url, f"pi-1/balance.parquet?{FROM_TO}")
    assert got.status == 200, got.text
    found = parquet.read_table(io.BytesIO(got.body))
    assert found["time"].cast("int64").to_pylist() == times()
    assert are_same(found[MASS].to_pylist(), column("mass"))
    assert are_same(found[STATE].to_pylist(), column("state"))
    assert are_same(found["is_open"].to_pylist(), column("is_open"))
    exact = [json.loads(text) if text else {} for text in found["exact"].to_pylist()]
    for cell, left, expected in zip(found[COUNT].to_pylist(), exact, column("count"), strict=True):
        assert left.get(COUNT, cell) == expected  # no float is 2**53 + 1
    read = pandas.read_parquet(io.BytesIO(got.body))
    assert are_same(read[MASS].tolist(), column("mass"))
    assert json.loads(found.schema.metadata[b"kleinmaelzung"])["instrument"] == "pi-1/balance"


async def test_json_lines_come_back_to_the_last_bit(recorded: Recorded, gateway_url: str) -> None:
    got = await gets.history(gateway_url, f"pi-1/balance.json?{FROM_TO}")
    about, *lines = map(json.loads, got.body.decode().rstrip("\n").split("\n"))
    assert [one["column"] for one in about["columns"]] == [COUNT, "is_open", MASS, STATE]
    for label, name in ((MASS, "mass"), (COUNT, "count"), (STATE, "state"), ("is_open", "is_open")):
        assert are_same([line[label] for line in lines], column(name))


async def test_the_command_line_gets_the_same_bytes(
    broker: TestBroker, recorded: Recorded, gateway_url: str, tmp_path: Path
) -> None:
    url = gateway_url.replace("ws://", "http://")
    terminal = Terminal(url, broker.mosquitto.passwords["admin"], tmp_path)
    span = ("--from", "2025-11-24T16:00:00Z", "--to", "2025-11-24T17:16:40+01:00")
    for kind, file in (("csv", "a.csv"), ("json", "a.jsonl"), ("parquet", "a.parquet")):
        code, _, err = await terminal.run("history", "pi-1/balance", *span, "-o", str(tmp_path / file))
        assert (code, err) == (0, ""), kind
        got = await gets.history(url, f"pi-1/balance.{kind}?{FROM_TO}")
        written = (tmp_path / file).read_bytes()
        assert written == got.body
        assert kind == "parquet" or len(written) > 131_072  # so that it came in pieces


async def test_gaps_and_units_travel_with_the_samples(recorded: Recorded, gateway_url: str) -> None:
    """A channel that changed its unit is two columns, and numbers that never came are a row of their own."""
    for number in (32, 33):
        again = made(number, random.Random(number))
        recorded.send(
            frames.encode(replace(again, channels={"mass": again.channels["mass"]}, units={"mass": "kg"}, quality={}))
        )
    await recorded.logged(len(STORED) + 2)
    got = await gets.history(gateway_url, f"pi-1/balance.csv?{FROM_TO}&channels=mass")
    header, *rows = csv.reader(io.StringIO(got.text, newline=""))
    assert header == ["time", "mass [g]", "mass [kg]", "quality", "note"]
    [gap] = [row for row in rows if row[-1].startswith("gap")]
    assert "frames 31 to 31" in gap[-1]
    assert gap[1:4] == ["", "", ""]
    assert [bool(row[1]) for row in rows if row is not gap] == [True] * 3000 + [False] * 200
    lines = (await gets.history(gateway_url, f"pi-1/balance.json?{FROM_TO}&channels=mass")).text.splitlines()
    assert [line["gap"]["first"] for line in map(json.loads, lines) if "gap" in line] == [31]
    got = await gets.history(gateway_url, f"pi-1/balance.parquet?{FROM_TO}&channels=mass")
    told = json.loads(parquet.read_schema(io.BytesIO(got.body)).metadata[b"kleinmaelzung"])
    assert [one["first"] for one in told["gaps"]] == [31]


async def test_a_frame_too_large_for_an_answer_is_in_the_file(recorded: Recorded, gateway_url: str) -> None:
    """Of almost the largest size that a message may have."""
    long: list[Value] = ["x" * 1018] * 128
    clock = Clock(synchronised=True)
    times = tuple(range(T + 31_000_000, T + 31_000_128))
    payload = frames.encode(Frame(epoch=7, number=31, times=times, channels={"state": long}, clock=clock))
    assert ROOM < len(payload) < codec.MAX_BYTES
    recorded.send(payload)
    after = Frame(epoch=7, number=32, times=(T + 32_000_000,), channels={"state": ["y"]}, clock=clock)
    recorded.send(frames.encode(after))
    await recorded.logged(len(STORED) + 2)
    got = await gets.history(gateway_url, f"pi-1/balance.json?from={T + 30_500_000}&to={T + 10**9}")
    assert [line["state"] for line in map(json.loads, got.text.splitlines()[1:])] == [*long, "y"]


async def test_a_file_without_its_library_is_refused_with_the_extra_that_brings_it(
    recorded: Recorded, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    got = await gets.history(gateway_url, f"pi-1/balance.parquet?{FROM_TO}")
    assert got.status == 503
    assert "kleinmaelzung[parquet]" in got.text
    monkeypatch.undo()
    assert (await gets.history(gateway_url, f"pi-1/balance.parquet?{FROM_TO}")).status == 200


class Blocked:
    """A file that is written only when somebody lets it."""

    go_on = threading.Event()
    began = threading.Event()

    def __init__(self, about: Table) -> None:
        self.go_on.clear()
        self.began.clear()

    def begin(self) -> bytes:
        return b"begin\n"

    def add(self, rows: Frame | Buckets) -> bytes:
        self.began.set()
        assert self.go_on.wait(20)
        return b"row\n"

    def end(self) -> bytes:
        return b"end\n"


async def test_others_are_answered_while_a_file_is_written_and_it_can_be_ended(
    broker: TestBroker, recorded: Recorded, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "csv", replace(FORMATS["csv"], open=Blocked))
    try:
        async with rude.connected(gateway_url) as one, sockets.client(gateway_url, "anna", PASSWORD) as anna:
            [authorization] = sockets.basic("otto", PASSWORD).values()
            head = f"GET /history/pi-1/balance.csv?{FROM_TO} HTTP/1.1\r\nHost: lab\r\nAuthorization: {authorization}"
            await one.write(f"{head}\r\n\r\n".encode())
            await until(Blocked.began.is_set, "it is being written")
            latest = {"request": "latest", "instrument": "+/+"}
            assert (await anna.ask("request", 1, "history", latest))[0] == "done"
            one.writer.transport.abort()
            connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kleinmaelzung-history'"
            async with asyncio.timeout(20):
                while await query(recorded.dsn, f"{connections} AND datname = current_database()") != [(0,)]:
                    await asyncio.sleep(0.02)
            assert not Blocked.go_on.is_set()
    finally:
        Blocked.go_on.set()
