"""An agent is changed from afar in a whole system: real broker, database, gateway, agent, and the command line."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung import server_key
from kleinmaelzung_wire import messages, orders
from tests.fakes_instruments import Pty, Thermometer
from tests.newcomers import Machine
from tests.terminals import Terminal
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, watching, whole_system


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


@pytest.fixture
def terminal(whole: Whole, tmp_path: Path) -> Terminal:
    """Whoever installed it: with the password's file where the system has it."""
    made = Terminal(whole.running.url, "", tmp_path)
    made.environment["KLEINMAELZUNG_PASSWORD_FILE"] = str(whole.running.password_file)
    return made


async def enrolled(whole: Whole, directory: Path) -> Machine:
    machine = Machine(directory, "pi-2")
    told = await whole.lab.enrol_agent("pi-2")
    done, _, err = await machine.enrol(whole.running.url, told.code)
    assert (done, err) == (0, "")
    return machine


async def until_status(whole: Whole, name: str, wanted: str) -> messages.AgentStatus:
    """Wait until the agent says this of its last order; empty: that it is there."""
    async with asyncio.timeout(60):
        async for message in whole.lab.messages(f"{name}/status"):
            status = messages.AgentStatus.decode(message.payload)
            if status.online and status.orders.get("last", {}).get("result", "") == wanted:
                return status
    raise AssertionError


async def test_a_new_instrument_comes_by_a_configuration_from_the_server(
    whole: Whole, terminal: Terminal, tmp_path: Path
) -> None:
    machine = await enrolled(whole, tmp_path / "pi")
    file = tmp_path / "pi-2.toml"
    with Pty(tmp_path / "thermometer") as pty:
        pty.plug()
        Thermometer(pty).start()
        async with machine.running():
            await until_status(whole, "pi-2", "")
            code, _, err = await terminal.run("agent", "config", "pi-2", "-o", str(file))
            assert (code, err) == (0, "")
            # Nothing of [agent]: neither the name of a file, nor where the secret is.
            assert not [word for word in ("[agent]", "secret", "server.pub") if word in file.read_text()]
            file.write_text(
                file.read_text() + "# by the window\n" + THERMOMETER.format(name="kiln", port=pty.port, every="50ms")
            )
            async with watching(whole.lab, "pi-2/kiln") as seen:
                code, out, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
                assert (code, out, err) == (0, "pi-2 is configured: added kiln\n", "")
                await until(lambda: 23.45 in seen.values("pi-2/kiln"), "a value of the new instrument")
            assert machine.agent["name"] == "pi-2"
            assert "# by the window" in machine.config.read_text()
            code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
            assert code == 0, err


async def test_what_the_agent_cannot_do_is_refused_with_all_reasons_and_changes_nothing(
    whole: Whole, terminal: Terminal, tmp_path: Path
) -> None:
    machine = await enrolled(whole, tmp_path / "pi")
    before = machine.config.read_text()
    file = tmp_path / "pi-2.toml"
    file.write_text("[instruments.kiln]\n[instruments.agent]\nport = 7\n")
    async with machine.running():
        await until_status(whole, "pi-2", "")
        code, out, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
        assert (code, "agent pi-2 says: " in err, "instruments.kiln" in err) == (1, True, True), out + err
        status = await until_status(whole, "pi-2", "refused")
        assert (
            status.orders["key"] == server_key.open_key(whole.running.password_file.with_name("server-key")).fingerprint
        )
        code, out, _ = await terminal.run("agent", "list")
        assert (code, "configuration refused" in out) == (0, True), out
        # By a key that this agent does not trust nothing is begun.
        server_key.make(tmp_path / "other")
        file.write_text("# nothing\n")
        code, _, err = await terminal.run(
            "agent", "configure", "pi-2", str(file), "--yes", "--key", str(tmp_path / "other")
        )
        assert (code, "trusts another server key" in err) == (1, True)
        # It was not installed by install-agent: nothing there could install a program.
        program = tmp_path / "program"
        program.write_bytes(b"x" * 3 * orders.PIECE)
        code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program))
        assert (code, out.startswith("pi-2  refused  agent pi-2 says: ")) == (1, True), out
    assert machine.config.read_text() == before


async def test_what_was_sent_to_an_agent_that_was_killed_goes_on_when_it_is_back(whole: Whole, tmp_path: Path) -> None:
    machine = await enrolled(whole, tmp_path / "pi")
    assert whole.running.server_key is not None
    content = machine.config.parent / "agent-data" / "orders" / "content"
    text = "# a long explanation\n" * 45_000
    command = (sys.executable, "-m", "kleinmaelzung_agent", "--config", str(machine.config))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await until_status(whole, "pi-2", "")
        configuring = asyncio.create_task(whole.lab.agents.configure("pi-2", text, key=whole.running.server_key))
        while not (content.exists() and content.stat().st_size >= 2 * orders.PIECE):
            assert not configuring.done(), "too fast to be interrupted"
            await asyncio.sleep(0.001)
    finally:
        process.kill()
        await process.wait()
    assert content.stat().st_size < len(text), "too fast to be interrupted"
    assert not configuring.done()
    async with machine.running():
        async with asyncio.timeout(60):
            await configuring
        assert (await whole.lab.agents.configuration("pi-2")).text.endswith(text)


async def test_the_agent_reads_again_what_was_changed_on_its_machine(
    whole: Whole, terminal: Terminal, tmp_path: Path
) -> None:
    machine = await enrolled(whole, tmp_path / "pi")
    async with machine.running():
        await until_status(whole, "pi-2", "")
        text = machine.config.read_text()
        machine.config.write_text(text + THERMOMETER.format(name="kiln", port=tmp_path / "nowhere", every="100ms"))
        assert await terminal.run("agent", "reload", "pi-2") == (0, "pi-2 is configured: added kiln\n", "")
        machine.config.write_text(text + "[instruments.kiln]\n")
        code, _, err = await terminal.run("agent", "reload", "pi-2")
        assert (code, "instruments.kiln" in err) == (1, True)


def test_the_key_is_kept_as_secrets_are_and_the_gateway_has_its_public_half(whole: Whole) -> None:
    key = whole.running.server_key
    assert key is not None
    assert key == whole.running.password_file.with_name("server-key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert orders.read_pem(server_key.public_file(key).read_text()) == server_key.open_key(key).public
