"""A lease over the whole way: taken through the real gateway and broker, and ended with its holder's connection."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import kleinmaelzung
from tests.fakes_instruments import Pty, Thermometer
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, whole_system


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


async def test_a_lease_ends_with_its_holders_connection_and_the_safe_command_is_sent(
    whole: Whole, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty).start()
        text = THERMOMETER.format(name="probe", port=pty.port, every="50ms")
        text += "\n[instruments.probe.commands.off]\nsend = \"SET 0\"\nsafe = true\nreply = [{ pattern = 'OK .*' }]\n"
        await whole.start_agent(text)
        await whole.until_state("pi-1/probe", "connected")
        password = Path(whole.running.password_file).read_text().strip()
        async with kleinmaelzung.connect(whole.running.url, user="admin", password=password) as holder:
            assert (await holder.send("pi-1/probe", "_take")).result == "done"
            refused = await whole.lab.send("pi-1/probe", "off")
            assert refused.reason.startswith("held by admin in another session until")
            assert (await holder.send("pi-1/probe", "set", value=5)).result == "done"
            assert "SET 0" not in probe.asked
        await until(lambda: "SET 0" in probe.asked, "the safe command")
        assert (await whole.lab.send("pi-1/probe", "set", value=6)).result == "done", "nobody holds it"
