"""Files of history over the whole way: measured, logged, asked for on the command line, read back."""

import asyncio
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pandas
import pytest

from tests.fakes_instruments import Pty, Thermometer
from tests.terminals import Terminal
from tests.whole import THERMOMETER, Whole, whole_system

PROBE = "pi-1/probe"
COLUMN = "temperature [°C]"
SAMPLES = """
SELECT array_agg(((extract(epoch FROM time) * 1000000)::bigint)::text || ' ' || value ORDER BY time)
FROM samples JOIN channels ON channels.id = channel WHERE name = 'temperature'
"""


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    """A system in which a probe was read for a while, and its agent has stopped."""
    async with whole_system(tmp_path) as running:
        with Pty(tmp_path / "probe") as port:
            port.plug()
            Thermometer(port).start()
            await running.start_agent(THERMOMETER.format(name="probe", port=port.port, every="50ms"))
            async with asyncio.timeout(30):
                while await running.logged() < 20:
                    await asyncio.sleep(0.05)
            await running.stop_agent()
        yield running


async def stored(whole: Whole) -> tuple[list[int], list[float]]:
    """Times and values as the database has them."""
    rows = [row.split() for row in await whole.ask(SAMPLES)]
    return [int(time) for time, _ in rows], [float(value) for _, value in rows]


async def test_each_format_holds_what_the_database_has(whole: Whole, tmp_path: Path) -> None:
    terminal = Terminal(whole.running.url, whole.running.password_file.read_text().strip(), tmp_path)
    times, values = await stored(whole)
    assert len(times) >= 20

    code, out, err = await terminal.run("history", PROBE, "--from", "1h")
    assert (code, err) == (0, "")
    found = pandas.read_csv(io.StringIO(out))
    found = found[found[COLUMN].notna()]
    assert [time.value // 1000 for time in pandas.to_datetime(found["time"], format="ISO8601")] == times
    assert found[COLUMN].tolist() == values

    target = tmp_path / "probe.parquet"
    summed_up = await terminal.json("history", PROBE, "-o", str(target))
    assert summed_up["files"][0]["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    table = pandas.read_parquet(target)
    assert ([time.value // 1000 for time in table["time"]], table[COLUMN].tolist()) == (times, values)

    code, out, _ = await terminal.run("history", PROBE, "--format", "json", "--channels", "temperature")
    head, *rows = map(json.loads, out.splitlines())
    assert (code, head["instrument"]) == (0, PROBE)
    assert [row[COLUMN] for row in rows if "time" in row] == values


async def test_a_zip_of_all_instruments_says_what_is_complete(whole: Whole, tmp_path: Path) -> None:
    terminal = Terminal(whole.running.url, whole.running.password_file.read_text().strip(), tmp_path)
    _, values = await stored(whole)
    target = tmp_path / "all.zip"
    code, out, err = await terminal.run("history", "+/+", "--points", "10", "-o", str(target))
    assert (code, err) == (0, "")
    assert out.startswith(f"{target}: {PROBE}, ")
    with zipfile.ZipFile(target) as packed:
        (file,) = json.loads(packed.read("manifest.json"))["files"]
        assert (file["instrument"], file["rows"]) == (PROBE, "buckets")
        assert file["completeness"]["percent"] == 100
        rows = list(csv.DictReader(io.StringIO(packed.read("pi-1/probe.csv").decode(), newline="")))
    measured = [row for row in rows if row[f"{COLUMN} count"] not in ("", "0")]
    assert sum(int(row[f"{COLUMN} count"]) for row in measured) == len(values)
    assert min(float(row[f"{COLUMN} min"]) for row in measured) == min(values)
    assert max(float(row[f"{COLUMN} max"]) for row in measured) == max(values)


async def test_what_does_not_exist_is_told(whole: Whole, tmp_path: Path) -> None:
    terminal = Terminal(whole.running.url, whole.running.password_file.read_text().strip(), tmp_path)
    target = tmp_path / "a.csv"
    for typed, sentence in (
        (["pi-1/nosuch"], "pi-1/nosuch"),
        ([PROBE, "--channels", "nosuch"], "nosuch"),
        ([PROBE, "--points", "1000000000"], "points"),
    ):
        code, out, err = await terminal.run("history", *typed, "-o", str(target))
        assert (code, out) == (1, "")
        assert sentence in err
        assert "Traceback" not in err
    assert not target.exists()
