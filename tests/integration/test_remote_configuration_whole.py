"""Reload and orders over the whole way: what people see in lists, in the ledger and in completeness."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung import Refused
from kleinmaelzung_wire.messages import Reply
from kleinmaelzung_wire.orders import PIECE, Order
from tests.lifetimes import thermometers
from tests.orders import ServerKey, ordered
from tests.whole import THERMOMETER, Whole, watching, whole_system

AGENT = "pi-1/agent"
OWN = 'server_key_file = "server.pub"\n'


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


async def send(whole: Whole, key: ServerKey, order: Order, content: bytes) -> Reply:
    """As the command line does."""
    encoded: Any = order.encode()
    signature: Any = key.sign(encoded)
    reply = await whole.lab.send(AGENT, "order", {"order": encoded, "signature": signature}, timeout=20)
    while reply.result == "done" and (offset := int(str(reply.values["offset"]))) < len(content):
        piece: dict[str, Any] = {"sha256": order.sha256, "offset": offset, "content": content[offset : offset + PIECE]}
        reply = await whole.lab.send(AGENT, "piece", piece, timeout=20)
    return reply


async def completeness(whole: Whole, instrument: str, epochs: int) -> Any:
    """When nothing is missing any more and so many runs are known."""
    async with asyncio.timeout(40):
        while True:
            found = await whole.lab.completeness(instrument)
            if found and found[0].missing == 0 and len(found[0].runs) == epochs:
                return found[0]
            await asyncio.sleep(0.1)


async def test_a_reload_costs_the_other_instruments_nothing_and_the_agent_itself_is_on_record(
    whole: Whole, tmp_path: Path
) -> None:
    key = ServerKey()
    key.write(tmp_path / "server.pub")
    with thermometers(tmp_path) as devices:

        def table(name: str, device: str, every: str = "100ms") -> str:
            return THERMOMETER.format(name=name, port=devices[device].pty.port, every=every)

        still = table("still", "one")
        await whole.start_agent(still, table("moving", "two"), table("going", "three"), own=OWN)
        await whole.until_state("pi-1/moving", "connected")
        async with watching(whole.lab, "pi-1/still") as seen:
            await seen.until_more("pi-1/still", 10)
            content = (still + table("moving", "two", every="50ms")).encode()
            reply = await send(whole, key, ordered(content), content)
            assert reply.result == "done", reply
            assert (reply.values["removed"], reply.values["changed"]) == ("going", "moving")
            await seen.until_more("pi-1/still", 10)
        await whole.until_state("pi-1/moving", "connected")
        assert [one.name for one in await whole.lab.instruments()] == ["pi-1/moving", "pi-1/still"]
        told: Any = (await whole.lab.send(AGENT, "configuration", timeout=20)).values
        assert hashlib.sha256(told["piece"]).digest() == told["sha256"] == hashlib.sha256(content).digest()
        # Nothing of the unchanged one is missing, the changed one tells of its pause.
        assert (await completeness(whole, "pi-1/still", 1)).gaps == []
        assert [gap.reason for gap in (await completeness(whole, "pi-1/moving", 1)).gaps] == ["configuration changed"]
        # An agent that is killed leaves no command to itself unrecorded, and says that it was.
        await whole.kill_agent()
        await whole.start_agent(content.decode(), own=OWN)
        assert (await whole.lab.send(AGENT, "reload", timeout=20)).result == "done"
        itself = await completeness(whole, AGENT, 2)
        assert {gap.reason for gap in itself.gaps} <= {"agent died"}
        assert len((await completeness(whole, "pi-1/still", 2)).gaps) == 1
        entries = [(one.name, one.result) for one in await whole.lab.ledger(AGENT)]
        assert entries == [("reload", "done"), ("configuration", "done"), ("piece", "done"), ("order", "done")]
        await whole.stop_agent()


async def test_the_python_client_reads_configures_and_reloads_a_real_agent(whole: Whole, tmp_path: Path) -> None:
    key, private = ServerKey(), tmp_path / "server.key"
    key.write(tmp_path / "server.pub")
    key.write_private(private)
    with thermometers(tmp_path) as devices:
        probe = THERMOMETER.format(name="probe", port=devices["one"].pty.port, every="100ms")
        await whole.start_agent(probe, own=OWN)
        await whole.until_state("pi-1/probe", "connected")
        known = await whole.lab.agents.configuration("pi-1")
        more = known.text + THERMOMETER.format(name="other", port=devices["two"].pty.port, every="100ms")
        done = await whole.lab.agents.configure("pi-1", more, key=private, replaces=known.sha256)
        assert (done.added, done.unchanged) == (("other",), ("probe",))
        await whole.until_state("pi-1/other", "connected")
        with pytest.raises(Refused, match="changed meanwhile"):
            await whole.lab.agents.configure("pi-1", known.text, key=private, replaces=known.sha256)
        whole.config.write_text(whole.config.read_text().replace('every = "100ms"', 'every = "soon"'))
        with pytest.raises(Refused, match="everything goes on as before") as refused:
            await whole.lab.agents.reload("pi-1")
        assert str(refused.value).count("every: expected a duration") == 2, refused.value
        whole.config.write_text(whole.config.read_text().replace('every = "soon"', 'every = "50ms"'))
        assert (await whole.lab.agents.reload("pi-1")).changed == ("probe", "other")
        await whole.stop_agent()
