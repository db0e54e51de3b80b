"""A server that becomes the present version with its data, while agents stay at an earlier one: nothing is lost."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import kleinmaelzung
from kleinmaelzung_local import ports, system
from tests import earlier
from tests.earlier import Earlier
from tests.waiting import until
from tests.whole import THERMOMETER, watching

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not earlier.commit(), reason="no git history here, so there is no earlier version to upgrade from"
    ),
]
KILN = "pi-1/kiln"


class Counter:
    """An instrument: each time it is asked it answers one more; what it is set to it repeats."""

    def __init__(self) -> None:
        self.count = 0
        self.is_set_to: list[bytes] = []
        self.is_halted = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readuntil(b"\r\n"):
                if line.startswith(b"SET "):
                    self.is_set_to.append(line[4:-2])
                    writer.write(b"OK " + line[4:])
                elif not self.is_halted:
                    self.count += 1
                    writer.write(b"+%d.00 C\r\n" % self.count)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def running(version: Earlier, log: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program of the earlier version; it is told to stop when the context ends."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *version.command(*command), env=version.environment, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                await process.wait()


@asynccontextmanager
async def earlier_server(version: Earlier, directory: Path, port: int) -> AsyncIterator[dict[str, Any]]:
    place = ("--data", str(directory / "server"), "--port", str(port))
    async with running(version, directory / "up.log", "kleinmaelzung", "up", *place, "--json") as up:
        assert up.stdout is not None
        async with asyncio.timeout(90):
            yield json.loads(await up.stdout.readline())


async def agent_configuration(version: Earlier, directory: Path, told: dict[str, Any], instrument_port: int) -> Path:
    """As a person made it with the earlier command line."""
    signed_in = ("--url", told["url"], "--user", "admin", "--password-file", told["password_file"])
    async with running(
        version, directory / "add.log", "kleinmaelzung", "agent", "add", "pi-1", *signed_in, "--json"
    ) as add:
        assert add.stdout is not None
        secret = json.loads(await add.stdout.read())["secret"]
    head = f'[agent]\nname = "pi-1"\nurl = "{told["url"]}"\nsecret = "{secret}"\ndata = "spool"\n'
    kiln = THERMOMETER.format(name="kiln", port=f"socket://127.0.0.1:{instrument_port}", every="50ms")
    config = directory / "agent.toml"
    config.write_text(head + kiln)
    config.chmod(0o600)
    return config


async def counts(dsn: str) -> list[int]:
    """Every count that is in the database, in order."""
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=20)
    try:
        return [row[0] for row in await connection.fetch("SELECT value::bigint FROM samples ORDER BY 1")]
    finally:
        await connection.close(timeout=5)


async def until_counted(dsn: str, count: int) -> None:
    async with asyncio.timeout(60):
        while max(await counts(dsn), default=0) < count:
            await asyncio.sleep(0.1)


async def until_complete(lab: kleinmaelzung.Lab) -> None:
    """Wait until the server misses nothing that the agent has numbered."""
    async with asyncio.timeout(60):
        while (await lab.completeness(KILN))[0].missing:
            await asyncio.sleep(0.1)


async def test_the_servers_upgrade_loses_nothing_and_the_earlier_agent_goes_on(tmp_path: Path) -> None:
    version, counter, port = Earlier(tmp_path / "earlier"), Counter(), ports.find_free()
    assert version.place_of("kleinmaelzung_agent").is_relative_to(version.tree)
    async with AsyncExitStack() as stack:
        instrument = await stack.enter_async_context(await asyncio.start_server(counter.serve, "127.0.0.1", 0))
        async with earlier_server(version, tmp_path, port) as told:
            config = await agent_configuration(version, tmp_path, told, instrument.sockets[0].getsockname()[1])
            log, command = tmp_path / "agent.log", ("kleinmaelzung_agent", "--config", str(config))
            await stack.enter_async_context(running(version, log, *command))
            await until_counted(told["dsn"], 20)
        of_the_outage = counter.count + 20
        await until(lambda: counter.count > of_the_outage, "samples that no server takes")
        async with system.run(system.Choices(data=tmp_path / "server", port=port)) as up:
            password = up.password_file.read_text()
            async with kleinmaelzung.connect(up.url, user="admin", password=password) as lab:
                await until_counted(up.dsn, counter.count + 20)
                async with watching(lab, KILN) as seen:
                    await seen.until_more(KILN)
                    reply = await lab.send(KILN, "set", value=30.25)
                assert (reply.result, reply.values, counter.is_set_to) == ("done", {"set": 30.25}, [b"30.25"])
                counter.is_halted = True
                await until_counted(up.dsn, counter.count)
                await until_complete(lab)
                assert await counts(up.dsn) == [*range(1, counter.count + 1)]
