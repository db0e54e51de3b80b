"""A server on this machine, an instrument in the network, and a machine with an agent that reads it, for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import kleinmaelzung
from kleinmaelzung_local import system
from tests.deploy import machines
from tests.deploy.machines import UNIT, Machine
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, set_up

CONFIG: Final = "/etc/kleinmaelzung/agent.toml"
CURRENT: Final = "/opt/kleinmaelzung-agent/current"
INSTRUMENT: Final = "pi-2/kiln"


class Counter:
    """An instrument in the network: each time it is asked it answers one more."""

    def __init__(self) -> None:
        self.count = 0
        self.port = 0
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while await reader.readuntil(b"\r\n"):
                self.count += 1
                writer.write(b"+%d.00 C\r\n" % self.count)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()


@asynccontextmanager
async def counter() -> AsyncIterator[Counter]:
    made = Counter()
    async with await asyncio.start_server(made.serve, machines.bridge_address()) as server:
        made.port = server.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            server.close()
            for writer in made.writers:
                writer.close()
            await until(lambda: not made.writers, "all have hung up")


@asynccontextmanager
async def server(directory: Path) -> AsyncIterator[Whole]:
    """Everything but the agent, on this machine, where the container reaches it."""
    choices = system.Choices(data=set_up(directory / "server"), port=0, host=machines.bridge_address())
    async with system.run(choices) as running:
        password = running.password_file.read_text()
        async with kleinmaelzung.connect(running.url, user="admin", password=password) as lab:
            yield Whole(running, lab, directory)


async def enrolled(machine: Machine, whole: Whole) -> str:
    """Install the agent pi-2, and enrol it; returns what that said."""
    told = await whole.lab.enrol_agent("pi-2")
    enrolment = ("--server", whole.running.url, "--name", "pi-2", "--code", told.code)
    return await asyncio.to_thread(machine.install, *enrolment)


async def add_kiln(machine: Machine, instrument: Counter) -> None:
    """Configure the instrument, and have the agent start with it."""
    port = f"socket://{machines.bridge_address()}:{instrument.port}"
    kiln = THERMOMETER.format(name="kiln", port=port, every="50ms")
    await asyncio.to_thread(machine.run, "sh", "-c", f"cat >>{CONFIG}", stdin=kiln)
    await do(machine, "systemctl", "restart", UNIT)


async def do(machine: Machine, *command: str) -> str:
    return await asyncio.to_thread(machine.run, *command)


async def until_logged_more(whole: Whole, count: int = 20) -> None:
    """Wait until so many more samples are in the database."""
    wanted = await whole.logged() + count
    async with asyncio.timeout(90):
        while await whole.logged() < wanted:
            await asyncio.sleep(0.2)


async def reasons(whole: Whole) -> list[str]:
    """Why there is nothing between the runs of the agent, the first first; every frame of them is there."""
    async with asyncio.timeout(30):
        while (found := (await whole.lab.completeness(INSTRUMENT))[0]).missing:
            await asyncio.sleep(0.2)  # on its way
    return [gap.reason for gap in reversed(found.gaps)]
