"""The whole system on three nodes of RabbitMQ 4 in place of Mosquitto: its promises hold there, and a node may die.

Longer, with figures: `python -m tests.cluster.kill_a_node`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

import kleinmaelzung
from kleinmaelzung import Lab, Refused
from kleinmaelzung_wire import messages, topics
from tests.brokers import PASSWORD
from tests.cluster import experiment
from tests.cluster.site import Site, Size, open_site
from tests.cluster.test_several import COMMANDED, until_there
from tests.faults.laboratory import Load
from tests.waiting import LIMIT_S

pytestmark = [pytest.mark.usefixtures("needs_rabbitmq"), pytest.mark.timeout(400)]


async def test_a_node_killed_under_load_loses_nothing_and_repeats_nothing() -> None:
    size = Size(kind="rabbitmq", gateways=3)
    found = await experiment.run(size, ["node-1", "node-2"], commands=30, down_s=3.0, every_s=2.0, say=print)
    assert found.ok, json.dumps(found.to_json(), indent=2)
    assert found.taken > 500
    assert found.commands.answers["done"] > 10


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    load = Load(agents=1, streams=0, polled=0, polled_hz=5.0, commanded=1)
    async with open_site(tmp_path, Size(kind="rabbitmq", gateways=3, load=load, people=("otto", "nele"))) as running:
        yield running


async def agent_status(lab: Lab) -> messages.AgentStatus | None:
    found = (await lab.retained("pi-1/status")).get(topics.tail(topics.status("pi-1")))
    return messages.AgentStatus.decode(found) if found else None


async def test_every_gateway_knows_what_is_retained_also_one_that_begins_later(site: Site) -> None:
    seen = {name: await what_is_seen(site, name) for name in site.urls}
    assert seen["gateway-1"] == seen["gateway-2"] == seen["gateway-3"]
    await site.parts["gateway-3"].kill()
    await site.parts["gateway-3"].start()
    assert await what_is_seen(site, "gateway-3") == seen["gateway-1"]
    async with site.client(site.urls["gateway-3"]) as lab:
        assert (await lab.send(COMMANDED, "set", number=1)).result == "done"
        await site.agents["pi-1"].kill()
        async with asyncio.timeout(LIMIT_S):
            while (status := await agent_status(lab)) is None or status.online:
                await asyncio.sleep(0.05)
        assert status.reason == "the connection was lost"  # its will
        assert (await lab.send(COMMANDED, "set", number=2)).result == "offline"


async def what_is_seen(site: Site, gateway: str) -> tuple[set[str], set[str]]:
    """Names of instruments that are described and read, and of services that are well."""
    async with site.client(site.urls[gateway]) as lab:
        await until_there(lab)
        instruments = {one.name for one in await lab.instruments() if one.description and one.latest}
        return instruments, set(await lab.services("logger"))


async def test_who_is_refused_is_told_so_and_stays_connected(site: Site) -> None:
    """RabbitMQ would end the session: the gateway asks the user's rights first."""
    async with site.client() as admin:
        await until_there(admin)
    async with person(site, "otto") as otto, person(site, "nele") as nele:
        assert (await otto.send(COMMANDED, "set", number=1)).result == "not-permitted"
        assert (await nele.send(COMMANDED, "set", number=2)).result == "not-permitted"
        with pytest.raises(Refused, match="not permitted to subscribe"):
            await nele.retained("pi-1/commanded-1/state")
        with pytest.raises(Refused, match=r"accounts are not made here but at the broker, RabbitMQ"):
            await otto.access([{"command": "listClients"}])
        assert [one.name for one in await otto.instruments()] == [COMMANDED]
        assert await nele.instruments() == []


def person(site: Site, name: str) -> AbstractAsyncContextManager[Lab]:
    return kleinmaelzung.connect(site.url, user=name, password=PASSWORD)
