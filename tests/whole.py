"""The whole system as it is deployed on one machine, and an agent of ours as its own process."""

import asyncio
import atexit
import contextlib
import functools
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

import kleinmaelzung
from kleinmaelzung_local import system
from kleinmaelzung_local.postgres import Postgres
from kleinmaelzung_wire import access, messages
from tests.waiting import until

THERMOMETER = """
[instruments.{name}]
port = "{port}"
terminator = "\\r\\n"
silent_after = "1s"

[instruments.{name}.channels.temperature]
unit = "°C"

[[instruments.{name}.poll]]
send = "T?"
every = "{every}"
timeout = "500ms"
reply = [{{ pattern = '(?P<temperature>[+-][0-9.]+) C' }}]

[instruments.{name}.commands.set]
send = "SET {{value:.2f}}"
reply = [{{ pattern = 'OK (?P<set>[0-9.]+)' }}]
[instruments.{name}.commands.set.arguments.value]
type = "number"
unit = "°C"
minimum = 0
maximum = 1000
"""


class Whole:
    """A running system: its parts, a client logged in as admin, and the agent pi-1."""

    def __init__(self, running: system.System, lab: kleinmaelzung.Lab, directory: Path) -> None:
        self.running = running
        self.lab = lab
        self._directory = directory
        self._secret = ""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def config(self) -> Path:
        """The agent's."""
        return self._directory / "agent.toml"

    async def start_agent(self, *instruments: str, own: str = "") -> None:
        """Start agent pi-1 with these instruments' configurations and `own` lines, and wait until it is online."""
        secret = await self.secret()
        head = f'[agent]\nname = "pi-1"\nurl = "{self.running.url}"\nsecret = "{secret}"\ndata = "spool"\n{own}\n'
        config = self.config
        config.write_text(head + "".join(instruments))
        config.chmod(0o600)
        with (self._directory / "agent.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kleinmaelzung_agent", "--config", str(config)), stderr=log
            )
        async with asyncio.timeout(20):
            while not (await self.status()).online:
                await asyncio.sleep(0.05)

    async def secret(self) -> str:
        """Of agent pi-1, which may connect from now on."""
        if not self._secret:
            self._secret = access.make_secret()
            answers = await self.lab.access(access.add_agent("pi-1", self._secret))
            assert not any("error" in answer for answer in answers), answers
        return self._secret

    async def stop_agent(self) -> messages.AgentStatus:
        """Stop the agent in order; returns its last word."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert await self._process.wait() == 0
        async with asyncio.timeout(20):
            while (status := await self.status()).online:
                await asyncio.sleep(0.05)
        return status

    async def kill_agent(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def signal_agent(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def status(self) -> messages.AgentStatus:
        found = await self.lab.retained("pi-1/status")
        for payload in found.values():
            return messages.AgentStatus.decode(payload)
        return messages.AgentStatus(online=False)

    async def ask(self, sql: str, *values: Any) -> Any:
        """One value from the database."""
        connection = await asyncpg.connect(self.running.dsn, timeout=5, command_timeout=20)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close(timeout=5)

    async def logged(self) -> int:
        count: int = await self.ask("SELECT count(*) FROM samples")
        return count

    async def until_state(self, instrument: str, condition: str) -> messages.State:
        """Wait until an instrument's retained state is this one."""
        state = messages.State(state="searching", since=0)
        async with asyncio.timeout(20):
            while True:
                for payload in (await self.lab.retained(f"{instrument}/state")).values():
                    state = messages.State.decode(payload)
                    if state.state == condition:
                        return state
                await asyncio.sleep(0.02)


@functools.cache
def _set_up_once() -> Path:
    """What a first start needs most of its time for: an empty cluster of PostgreSQL, and the password to it."""
    made = Path(tempfile.mkdtemp(prefix="kleinmaelzung-whole-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    password = system.secrets_of(made)["postgres"]
    Postgres(directory=made / "postgres", port=0, password=password).initialise()
    return made


def set_up(data: Path) -> Path:
    """A data directory for a start that is the first one but for initdb, which is the same each time, and slow."""
    made = _set_up_once()
    (data / "secrets").mkdir(mode=0o700, parents=True)
    shutil.copy2(made / "secrets" / "postgres", data / "secrets")
    shutil.copytree(made / "postgres", data / "postgres")
    with (data / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write("fsync = off\n")  # no test cuts this machine off from power; it saves a second of each stop
    return data


@asynccontextmanager
async def whole_system(directory: Path, *, public_view: bool = False) -> AsyncIterator[Whole]:
    """Everything, as `kleinmaelzung up` starts it."""
    choices = system.Choices(data=set_up(directory / "server"), port=0, public_view=public_view)
    async with system.run(choices) as running:
        password = running.password_file.read_text()
        async with kleinmaelzung.connect(running.url, user="admin", password=password) as lab:
            whole = Whole(running, lab, directory)
            try:
                yield whole
            finally:
                await whole.kill_agent()


class Watching:
    """Frames of a watch, gathered in the background."""

    def __init__(self) -> None:
        self.frames: list[kleinmaelzung.Frame] = []

    def of(self, instrument: str) -> list[kleinmaelzung.Frame]:
        return [frame for frame in self.frames if frame.instrument == instrument]

    def values(self, instrument: str) -> list[object]:
        return [sample.value for frame in self.of(instrument) for sample in frame.samples()]

    async def until_more(self, instrument: str, count: int = 3) -> None:
        """Wait until so many further frames of an instrument have come."""
        wanted = len(self.of(instrument)) + count
        await until(lambda: len(self.of(instrument)) >= wanted, f"{count} more frames of {instrument}")


@asynccontextmanager
async def watching(lab: kleinmaelzung.Lab, pattern: str) -> AsyncIterator[Watching]:
    """Gather what is watched as long as the context lasts."""
    seen = Watching()

    async def gather() -> None:
        async for frame in lab.watch(pattern):
            seen.frames.append(frame)

    task = asyncio.create_task(gather(), name="watching")
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
