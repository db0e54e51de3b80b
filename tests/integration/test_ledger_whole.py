"""The ledger over the whole way: what gateway and agent say of one command, and what the agent has no record of."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung import LedgerEntry
from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole, whole_system

PROBE = "pi-1/probe"


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


async def entries(whole: Whole, count: int) -> list[LedgerEntry]:
    """All of the ledger, the oldest first, when there are so many."""
    async with asyncio.timeout(30):
        while len(found := await whole.lab.ledger(superseded=True)) < count:
            await asyncio.sleep(0.05)
    return sorted(found, key=lambda entry: entry.number)


async def test_to_a_frozen_agent_nothing_is_late_and_its_own_word_is_what_counts(whole: Whole, tmp_path: Path) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="50ms"))
        await whole.until_state(PROBE, "connected")
        assert (await whole.lab.send(PROBE, "set", value=1)).result == "done"
        whole.signal_agent(signal.SIGSTOP)
        lost = await whole.lab.send(PROBE, "set", value=2, timeout=1.0)
        assert lost.result == "lost"
        whole.signal_agent(signal.SIGCONT)
        _, *both = await entries(whole, 3)
        known, guessed = sorted(both, key=lambda entry: entry.noted_by)  # whichever came first
        assert (known.id, known.result, known.noted_by) == (lost.id, "expired", "agent")
        assert known.reason.startswith("it was under way for ")
        assert (guessed.id, guessed.result, guessed.noted_by) == (lost.id, "lost", "gateway")
        assert guessed.superseded_by == known.number
        assert [entry.result for entry in await whole.lab.ledger()] == ["expired", "done"], "one line for each command"
        assert "SET 2.00" not in probe.asked
        assert (await whole.lab.send(PROBE, "set", value=3)).result == "done"


async def test_who_commands_an_instrument_that_is_not_there_is_in_the_ledger(whole: Whole) -> None:
    await whole.start_agent()
    reply = await whole.lab.send("pi-1/nosuch", "set", value=5)
    assert (reply.result, reply.reason) == ("refused", "there is no instrument 'nosuch' at this agent")
    offline = await whole.lab.send("pi-9/probe", "set", value=5)
    assert offline.result == "offline"
    first, second = await entries(whole, 2)
    assert (first.instrument, first.user, first.id, first.result) == ("pi-1/nosuch", "admin", reply.id, "refused")
    assert (first.name, first.arguments, first.noted_by) == ("set", {"value": 5}, "gateway")
    assert (second.instrument, second.result, second.noted_by) == ("pi-9/probe", "offline", "gateway")
