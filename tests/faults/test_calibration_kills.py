"""Each part is killed -9 at every state of a calibration run: it goes on, and nothing is lost or there twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung_local import children
from tests import calibrating
from tests.calibrating import ITEM, Bench
from tests.faults.calibrating import AT_ONCE, Breaking

pytestmark = pytest.mark.timeout(500)  # some twenty restarts; a minute where nothing else runs


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(children, "WAITS", AT_ONCE)
    async with calibrating.open_bench(tmp_path) as running:
        yield running


async def test_a_run_goes_on_whatever_is_killed_and_whenever(bench: Bench) -> None:
    breaking = Breaking(bench)
    await bench.register()
    async with bench.person("anna") as anna, bench.person("berta") as berta:
        run = await bench.create(lab=anna)
        await breaking.kill("calibration")  # created
        for check in run["checks"]:
            run = await breaking.act(run, "tick", anna, check=check["check"])
        run = await breaking.act(run, "answer", anna, name="convection", value=0.1, unit="mg")
        run = await breaking.act(run, "begin", anna)
        await breaking.kill("gateway")  # measuring

        for part in ("calibration", "agent", "mosquitto", "postgres", "logger"):  # while a step waits
            run = await breaking.capture(run, anna, part)
        for failpoint in ("calibration.judged", "calibration.captured"):
            await breaking.arm(failpoint)
            died = breaking.restarts
            run = await breaking.capture(run, anna)
            await breaking.until_died(died)
        await breaking.arm("calibration.commanded")
        died = breaking.restarts
        bench.put(0.25)
        run = await breaking.act(run, "command", anna, name="zero", arguments={})
        await breaking.until_died(died)
        while run["next"] is not None:
            run = await breaking.capture(run, anna)
        await breaking.kill("calibration")  # measured
        await breaking.arm("calibration.calculated")
        died = breaking.restarts
        run = await breaking.act(run, "calculate", anna)
        await breaking.until_died(died)
        await breaking.kill("postgres")  # calculated
        run = await breaking.act(run, "review", berta, approve=True)
        await breaking.kill("calibration")  # reviewed
        await breaking.arm("calibration.issued")
        died = breaking.restarts
        run = await breaking.act(run, "issue", anna, readings=True)
        await breaking.until_died(died)
    async with asyncio.timeout(30):  # the service died before it could take away what it told last
        while any((await bench.lab.retained(f"{ITEM}/run")).values()):
            await asyncio.sleep(0.1)
    judged = await breaking.judge(run)
    zeroed = "SELECT count(*) FROM records WHERE kind = 'command' AND record ->> 'name' = 'zero'"
    assert await bench.whole.ask(zeroed) == 1, "asked for again it was not sent again"
    assert judged["state"] == "issued"
    assert judged["captured"] == dict.fromkeys(range(1, 10), 1)
    assert (judged["doubled"], judged["wrong"], judged["certificates"], judged["commanded"]) == ({}, "", 1, 1)
