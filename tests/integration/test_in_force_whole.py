"""From a run with weights to a corrected reading: the whole system, its agent, a simulated balance."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire.calibrations import Corrected
from tests import calibrating, gets, sockets
from tests.brokers import PASSWORD
from tests.calibrating import ITEM


async def test_what_a_run_has_issued_corrects_the_readings_that_come_after(tmp_path: Path) -> None:
    async with calibrating.open_bench(tmp_path) as bench:
        run = await bench.issued(calibrating.TEMPLATE.replace('channel     = "weight"', 'channel     = "mass"'))
        assert run["channels"] == {"mass": "weight"}
        number = run["certificate"]
        bench.put(50.0, 0.001)

        async def newest() -> dict[str, Any]:
            [payload] = (await bench.lab.retained(f"{ITEM}/latest")).values()
            weight: dict[str, Any] = json.loads(payload)["weight"]
            return weight

        async with asyncio.timeout(20):
            while (shown := await newest())["value"] != 50.001 or "calibration" not in shown:
                await asyncio.sleep(0.05)
        told = shown["calibration"]
        calibration = await bench.lab.calibration(ITEM)
        assert calibration is not None
        assert (told["certificate"], calibration.certificate, calibration.is_simulated) == (number, number, False)
        async for frame in bench.lab.watch(ITEM):
            corrected = frame.at(0)["weight"].corrected(calibration)
            break
        assert isinstance(corrected, Corrected)
        assert (told["corrected"], told["U"], told["k"]) == (corrected.value, corrected.U, corrected.k)
        found = {one.nominal: one for one in (await bench.lab.past_calibrations(ITEM))[0].as_found}
        assert corrected.value == pytest.approx(50.001 - found[50.0].error / 1000, abs=0.0003)

        for kind, begins in (("pdf", b"%PDF-"), ("xml", b"<?xml"), ("json", b"{")):
            path = f"/calibrations/{number}.{kind}"
            got = await gets.get(bench.whole.running.url, path, sockets.basic("vera", PASSWORD))
            assert (got.status, got.body[: len(begins)]) == (200, begins)
            assert got.body == await bench.lab.certificates.file(number, kind)
