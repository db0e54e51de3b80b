"""A batch in the whole system: measured, noted, ended, and got back as a zip and in SQL."""

import asyncio
import hashlib
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

from kleinmaelzung import Refused
from tests.fakes_instruments import Pty, Thermometer
from tests.terminals import Terminal
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, watching, whole_system

OVEN = "pi-1/oven"
IDLE = "pi-1/idle"


def terminal_of(whole: Whole, home: Path) -> Terminal:
    return Terminal(whole.running.url, whole.running.password_file.read_text().strip(), home)


async def logged_all(terminal: Terminal, name: str) -> Any:
    """The batch's completeness once nothing is on its way any more."""
    async with asyncio.timeout(60):
        while True:
            code, out, _ = await terminal.run("completeness", "--batch", name, "--json")
            found = json.loads(out)
            if code == 0 and found["instruments"][-1]["received"]:
                return found


async def batches_of(whole: Whole) -> list[str]:
    """Their names; none as long as nobody answers."""
    try:
        return [batch.name for batch in await whole.lab.batches()]
    except Refused:
        return []


async def test_a_batch_is_got_back(tmp_path: Path) -> None:
    with Pty(tmp_path / "oven") as pty:
        pty.plug()
        Thermometer(pty).start()
        async with whole_system(tmp_path) as whole, watching(whole.lab, OVEN) as seen:
            await whole.start_agent(THERMOMETER.format(name="oven", port=pty.port, every="50ms"))
            await seen.until_more(OVEN)
            terminal = terminal_of(whole, tmp_path)
            began = await terminal.json("batch", "start", "Pilsner 7", OVEN, IDLE, "--note", "north field")
            assert began["unknown"] == [IDLE]
            await seen.until_more(OVEN, 5)
            await terminal.json("batch", "mark", "Pilsner 7", "kilning")
            await seen.until_more(OVEN, 5)
            ended = await terminal.json("batch", "end", "Pilsner 7")
            await seen.until_more(OVEN)
            await whole.stop_agent()
            complete = await logged_all(terminal, "Pilsner 7")
            assert [one["instrument"] for one in complete["instruments"]] == [IDLE, OVEN]
            assert complete["instruments"][0]["expected"] == 0
            target = tmp_path / "pilsner.zip"
            printed = await terminal.json("batch", "export", "Pilsner 7", "-o", str(target))
            inside = [
                sample.time
                for frame in seen.of(OVEN)
                for sample in frame.samples()
                if began["time"] <= sample.time < ended["time"]
            ]
            [measured] = printed["files"]
            with zipfile.ZipFile(target) as packed:
                assert packed.namelist() == ["batch.json", "pi-1/oven.csv", "manifest.json"]
                batch = json.loads(packed.read("batch.json"))
                manifest = json.loads(packed.read("manifest.json"))
                rows = packed.read("pi-1/oven.csv").decode().splitlines()
                digest = hashlib.sha256(packed.read("batch.json")).hexdigest()
            assert [event["kind"] for event in batch["events"]] == ["started", "stage", "ended"]
            assert (batch["name"], batch["instruments"]) == ("Pilsner 7", [IDLE, OVEN])
            assert manifest["batch"] == {"file": "batch.json", "sha256": digest, **batch}
            assert (measured["from"], measured["to"]) == (began["time"], ended["time"])
            assert len(rows) == 1 + len(inside) >= 10
            same = tmp_path / "same.zip"
            await terminal.json("history", "--batch", "pilsner 7", "-o", str(same))
            with zipfile.ZipFile(same) as packed:
                assert packed.read("pi-1/oven.csv").decode().splitlines() == rows
            in_sql = await whole.ask(
                "SELECT count(*) FROM batches JOIN readings USING (agent, instrument)"
                " WHERE batch = 'Pilsner 7' AND time >= began AND time < ended"
            )
            assert in_sql == len(inside)


async def test_batches_outlive_their_service(tmp_path: Path) -> None:
    async with whole_system(tmp_path) as whole:
        await whole.lab.start_batch("Pilsner 7", OVEN)
        service = whole.running.children["batches"]
        before = service.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: service.pid not in (None, before), "the service is started again")
        async with asyncio.timeout(20):
            while await whole.lab.services("batches") != ["batches"] or not await batches_of(whole):
                await asyncio.sleep(0.05)
        assert await batches_of(whole) == ["Pilsner 7"]
