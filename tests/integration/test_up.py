"""`kleinmaelzung up` as people start it: a process of its own, a data directory, a SIGTERM."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import kleinmaelzung
from kleinmaelzung_local import mosquitto, system
from kleinmaelzung_wire import access, frames
from tests import databases, sockets
from tests.waiting import until

READY_S = 60.0
STOP_S = 20.0
CHILDREN = ["batches", "calibration", "gateway", "history", "logger", "mosquitto", "postgres"]
T = time.time_ns() // 1000  # a logger puts far-off times into quarantine


@dataclass
class Up:
    """A running `kleinmaelzung up`."""

    process: asyncio.subprocess.Process
    ready: dict[str, Any]

    @property
    def port(self) -> int:
        return int(self.ready["url"].rpartition(":")[2])

    @property
    def password(self) -> str:
        return Path(self.ready["password_file"]).read_text()

    def children(self) -> dict[str, int]:
        """The children that live, by name."""
        return {name: pid for pid, name in children_of(self.process.pid).items()}

    def has_another(self, name: str, pid: int) -> bool:
        return self.children().get(name, pid) != pid


def children_of(parent: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for task in Path(f"/proc/{parent}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            for pid in (task / "children").read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
                found[int(pid)] = next((name for name in CHILDREN if name in command.replace("/postgres\0", " ")), "?")
                if "pgserver" in command:
                    found[int(pid)] = "postgres"
    return found


def descendants_of(pid: int) -> list[int]:
    """Children, and PostgreSQL's own; none of a process that is gone."""
    if not Path(f"/proc/{pid}/task").exists():
        return []
    children = list(children_of(pid))
    return [*children, *(one for child in children for one in descendants_of(child))]


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def start(data: Path, *options: str, port: int = 0) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung", "up", "--data", str(data), "--port", str(port), "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(data.parent), "PATH": os.environ["PATH"]},
    )


async def refusal(data: Path, *options: str, port: int = 0) -> str:
    """What it says when it does not start: one sentence on stderr, exit code 1, nothing on stdout."""
    process = await start(data, *options, port=port)
    async with asyncio.timeout(READY_S):
        out, error = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert error.decode().startswith("kleinmaelzung up: ")
    assert len(error.splitlines()) == 1
    return error.decode().strip()


@asynccontextmanager
async def up(data: Path, *options: str, port: int = 0) -> AsyncIterator[Up]:
    process = await start(data, *options, port=port)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        assert line, (await process.stderr.read()).decode()
        yield Up(process, json.loads(line))
    finally:
        family = descendants_of(process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            await process.communicate()
    await until(lambda: not any(map(is_alive, family)), "no process is left")


def frame(number: int) -> bytes:
    clock = frames.Clock(synchronised=True)
    channels: dict[str, list[frames.Value]] = {"weight": [number]}
    return frames.encode(frames.Frame(epoch=7, number=number, times=(T + number,), channels=channels, clock=clock))


async def send_and_find(running: Up, number: int) -> None:
    """A frame sent by an agent is in the database; again and again until it is, as an agent does it."""
    url = running.ready["url"].replace("http", "ws", 1)
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(Exception):  # whatever is being started again
                async with asyncio.timeout(2), sockets.agent(url, "pi-1", "secret") as pi:
                    await pi.send("publish", "scale/backfill", frame(number))
                    await pi.expect("message", "logged")
                    break
            await asyncio.sleep(0.05)  # between two attempts
    assert number in await logged(running.ready["dsn"])


async def logged(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        return [row["number"] for row in await connection.fetch("SELECT number FROM frames ORDER BY number")]
    finally:
        await connection.close(timeout=5)


async def add_agent(running: Up) -> None:
    async with kleinmaelzung.connect(running.ready["url"], user="admin", password=running.password) as lab:
        await lab.access(access.add_agent("pi-1", "secret"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_from_the_first_start_to_the_second(tmp_path: Path) -> None:
    data = tmp_path / "lab"
    async with up(data) as running:
        ready = running.ready
        assert sorted(ready) == ["dsn", "login_link", "mqtt", "password_file", "ready", "server_key", "url", "user"]
        assert (ready["ready"], ready["user"], ready["password_file"]) == (
            True,
            "admin",
            str(data / "secrets" / "admin"),
        )
        assert sorted(running.children()) == CHILDREN
        assert {mode(path) for path in (data, data / "secrets", data / "mosquitto", data / "postgres")} == {0o700}
        modes = {path.name: mode(path) for path in (data / "secrets").iterdir()}
        assert ready["server_key"] == str(data / "secrets" / "server-key")
        assert (modes.pop("server-key"), modes.pop("server-key.pub")) == (0o400, 0o644)
        assert set(modes.values()) == {0o600}
        assert mode(data / "mosquitto" / "dynamic-security.json") == 0o600

        sentence = await refusal(data)
        assert sentence == (
            f"kleinmaelzung up: {data} is in use by another Kleinmaelzung (process {running.process.pid});"
            " stop it, or name another --data directory"
        )
        assert running.process.returncode is None

        sentence = await refusal(tmp_path / "other", port=running.port)
        assert f"port {running.port} is used by another program; choose another, or 0 for any free one" in sentence

        await add_agent(running)
        await send_and_find(running, 1)
        password = running.password
    assert running.process.returncode == 0

    async with up(data, port=running.port) as again:
        assert again.ready | {"login_link": ready["login_link"]} == ready
        assert again.password == password
        assert await logged(again.ready["dsn"]) == [1]
        await send_and_find(again, 2)  # so the agent's account is there


async def test_whatever_child_is_killed_comes_back_and_nothing_stays_when_all_are(tmp_path: Path) -> None:
    data = tmp_path / "lab"
    async with up(data) as running:
        await add_agent(running)
        for number, name in enumerate(CHILDREN, 1):
            before = running.children()[name]
            os.kill(before, signal.SIGKILL)
            await until(partial(running.has_another, name, before), f"{name} is back")
            await send_and_find(running, number)
        port = running.port
        family = descendants_of(running.process.pid)
        assert len(family) > len(CHILDREN)
        running.process.kill()
        await running.process.wait()
        await until(lambda: not any(map(is_alive, family)), "the children end with it")
    async with up(data, port=port) as again:
        assert await logged(again.ready["dsn"]) == list(range(1, len(CHILDREN) + 1))
        await send_and_find(again, 99)


async def test_a_server_of_ones_own_is_used_instead(tmp_path: Path) -> None:
    async with databases.fresh() as dsn, up(tmp_path / "lab", "--dsn", dsn) as running:
        assert running.ready["dsn"] == dsn
        assert sorted(running.children()) == [name for name in CHILDREN if name != "postgres"]
        assert not (tmp_path / "lab" / "postgres").exists()
        await add_agent(running)
        await send_and_find(running, 5)


async def test_without_mosquitto_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(mosquitto.MosquittoMissing, match="apt-get install mosquitto"):
        async with system.run(system.Choices(data=tmp_path / "lab", port=0, dsn="postgresql://nowhere")):
            pass


async def test_a_stop_while_starting_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "lab"
    process = await start(data)
    await until(lambda: children_of(process.pid), "the first child is there")
    family = descendants_of(process.pid)
    process.terminate()
    async with asyncio.timeout(STOP_S):
        out, error = await process.communicate()
    assert (process.returncode, out, error) == (0, b"", b"")
    await until(lambda: not any(map(is_alive, family)), "no process is left")


async def test_it_stops_in_order_although_the_gateway_has_open_sockets(tmp_path: Path) -> None:
    async with up(tmp_path / "lab") as running:
        url = running.ready["url"].replace("http", "ws", 1)
        async with sockets.client(url, "admin", running.password):
            running.process.terminate()
            async with asyncio.timeout(STOP_S):
                assert await running.process.wait() == 0
    log = {name: (tmp_path / "lab" / "log" / f"{name}.log").read_text() for name in CHILDREN}
    assert "database system is shut down" in log["postgres"]
    assert not [name for name, text in log.items() if "Traceback" in text], log
