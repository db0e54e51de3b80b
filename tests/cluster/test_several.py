"""Several gateways behind a balancer and several loggers, at one Mosquitto: the others make good what is killed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import kleinmaelzung
from kleinmaelzung import Lab
from kleinmaelzung_wire.messages import ServiceStatus
from tests.cluster import experiment
from tests.cluster.site import Site, Size, open_site
from tests.faults.laboratory import Load
from tests.waiting import LIMIT_S

COMMANDED = "pi-1/commanded-1"


async def test_a_gateway_and_a_logger_killed_under_load_lose_nothing_and_repeat_nothing() -> None:
    found = await experiment.run(Size(), ["gateway-1", "logger"], commands=24, down_s=1.5, every_s=1.0, say=print)
    assert found.ok, json.dumps(found.to_json(), indent=2)
    assert found.taken > 500
    assert found.commands.answers["done"] > 10


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    load = Load(agents=1, streams=0, polled=0, polled_hz=5.0, commanded=1)
    async with open_site(tmp_path, Size(loggers=0, load=load)) as running:
        yield running


async def test_control_is_held_by_its_session_whichever_gateway_is_killed(site: Site) -> None:
    async with site.client(site.urls["gateway-2"]) as other:
        await until_there(other)
        async with site.client(site.urls["gateway-2"]) as holder:
            assert (await holder.send(COMMANDED, "_take")).result == "done"
            await site.parts["gateway-1"].kill()  # the agent's
            await until_there(other)
            assert (await other.send(COMMANDED, "set", number=1)).reason.startswith("held by admin in another session")
            assert (await holder.send(COMMANDED, "set", number=2)).result == "done"
            assert (await holder.send(COMMANDED, "_release")).result == "done"
        await site.parts["gateway-1"].start()
        async with site.client(site.urls["gateway-1"]) as holder:
            assert (await holder.send(COMMANDED, "_take")).result == "done"
            assert (await other.send(COMMANDED, "set", number=3)).reason.startswith("held by admin in another session")
            await site.parts["gateway-1"].kill()  # the holder's: its session ends with it
            async with asyncio.timeout(LIMIT_S):
                while (await other.send(COMMANDED, "set", number=4)).result != "done":
                    await asyncio.sleep(0.05)


async def test_the_gateways_that_are_left_say_that_they_are_there(site: Site) -> None:
    """Their word is one retained message, which the will of the one that died takes back."""
    async with site.client(site.urls["gateway-2"]) as lab, lab.messages("_service/gateway/status") as told:
        await anext(told)
        await site.parts["gateway-1"].kill()
        said = ""
        async with asyncio.timeout(LIMIT_S):
            async for message in told:
                said += "+" if ServiceStatus.decode(message.payload).online else "-"
                if said.endswith("-+"):
                    break
        [payload] = (await lab.retained("_service/gateway/status")).values()
        assert ServiceStatus.decode(payload).online


async def until_there(lab: Lab) -> None:
    """Wait until the agent is online."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                if any(one.is_live for one in await lab.instruments(COMMANDED)):
                    return
            except kleinmaelzung.Error:
                pass
            await asyncio.sleep(0.05)
