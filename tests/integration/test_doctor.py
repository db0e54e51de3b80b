"""`kleinmaelzung doctor` at a whole system of which one link after the other is broken: what it says.

One system for all: each test leaves it as it was, but for the last.
"""

import asyncio
import contextlib
import functools
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import serial

import kleinmaelzung
from kleinmaelzung.settings import Login
from kleinmaelzung_agent.spool import time_mark
from kleinmaelzung_agent.spool.spool import Limits
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_local import ports, system
from kleinmaelzung_wire import access, codec, messages
from tests import databases, running_agent, sockets
from tests.doctors import Seen, away, frozen, look, look_until, started_again
from tests.fakes_instruments import Pty, Thermometer
from tests.small_disk import fill, needs_root, small_disk
from tests.terminals import Terminal
from tests.waiting import until
from tests.whole import THERMOMETER, Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM = """
[instruments.{name}]
port = "{port}"
terminator = "\\r\\n"
silent_after = "600ms"
[instruments.{name}.channels.weight]
unit_group = "unit"
[[instruments.{name}.stream]]
pattern = '(?P<weight>[0-9.]+) (?P<unit>k?g)'
"""
WAL = ("fsync=off", "max_connections=50", "min_wal_size=32MB", "max_wal_size=48MB")


class Site:
    """The system, its database's server, and who looks at it."""

    def __init__(self, whole: Whole, server: databases.Server, disk: Path) -> None:
        self.whole, self.server, self.disk = whole, server, disk
        password = whole.running.password_file.read_text()
        self.login = Login(url=whole.running.url, user="admin", password=password)

    @property
    def socket_url(self) -> str:
        return self.login.url.replace("http:", "ws:")

    async def look(self) -> Seen:
        return await look(self.login)

    async def look_until_broken(self, label: str) -> Seen:
        return await look_until(self.login, lambda seen: label in seen.broken)

    async def look_until_well(self) -> Seen:
        return await look_until(self.login, lambda seen: not {one for one in seen.broken if " " not in one})

    async def add_agent(self, name: str) -> str:
        secret = access.make_secret()
        answers = await self.whole.lab.access(access.add_agent(name, secret))
        assert not any("error" in answer for answer in answers), answers
        return secret

    async def remove_agent(self, name: str) -> None:
        await self.whole.lab.access(access.remove_account(access.agent_user(name)))

    async def execute(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.dsn, timeout=5, command_timeout=10)
        try:
            await connection.execute(sql)
        finally:
            await connection.close(timeout=5)


@contextmanager
def own_disk(directory: Path) -> Iterator[Path]:
    """A disk of its own for the database, where that can be had."""
    with contextlib.ExitStack() as mounted:
        if os.geteuid() == 0:
            with contextlib.suppress(subprocess.CalledProcessError):  # a container may forbid it
                mounted.enter_context(small_disk(directory, "300m"))
        directory.mkdir(exist_ok=True)
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("doctor")
    with own_disk(directory / "disk") as disk:
        server = databases.Server(disk / "pg", ports.find_free(), WAL)
        server.directory.mkdir()
        server.create()
        server.start()
        try:
            await server.ready()
            async with system.run(system.Choices(data=directory / "server", port=0, dsn=server.dsn)) as running:
                password = running.password_file.read_text()
                async with kleinmaelzung.connect(running.url, user="admin", password=password) as lab:
                    yield Site(Whole(running, lab, directory), server, disk)
        finally:
            server.stop()


@asynccontextmanager
async def reading(site: Site, *instruments: str) -> AsyncIterator[None]:
    """Agent pi-1 runs with these instruments; nothing is left of them afterwards."""
    await site.whole.start_agent(*instruments)
    try:
        yield
    finally:
        await site.whole.stop_agent()


@asynccontextmanager
async def probe(site: Site, directory: Path) -> AsyncIterator[None]:
    """pi-1 with a thermometer that is read ten times a second."""
    with Pty(directory / "probe") as port:
        port.plug()
        Thermometer(port).start()
        async with reading(site, THERMOMETER.format(name="probe", port=port.port, every="100ms")):
            await site.whole.until_state("pi-1/probe", "connected")
            yield


@asynccontextmanager
async def talking(port: Pty, said: bytes) -> AsyncIterator[None]:
    """An instrument that says the same again and again."""

    async def talk() -> None:
        while True:
            port.say(said)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()


# --- all is well ------------------------------------------------------------------------------------------------------


async def test_of_a_healthy_system_all_is_well_until_the_agent_is_stopped(site: Site, tmp_path: Path) -> None:
    async with probe(site, tmp_path):
        terminal = Terminal(site.login.url, site.login.password, tmp_path)
        code, out, err = await terminal.run("doctor", "--json")
        assert (code, err) == (0, "")
        document = codec.from_json(out.encode())
        assert (document["ok"], document["broken"], document["unchecked"]) == (True, 0, 0)
        # Here nobody may synchronise clocks.
        others = [one for one in document["checks"] if one["id"] != "agent-clock"]
        assert {one["state"] for one in others} == {"ok"}, others
        assert [one["id"] for one in document["checks"]] == [
            *("server", "certificate", "gateway", "broker", "clock", "socket", "login", "rights"),
            *("logger", "history", "batches", "calibration", "database", "storage"),
            *("agent", "agent-clock", "agent-spool", "instrument", "unit", "version"),
        ]
    seen = await site.look()
    seen.says("agent pi-1", "was stopped, its newest value is", "start kleinmaelzung-agent there again")
    gone = seen["instrument pi-1/probe"]
    assert (gone.state, gone.found) == ("unchecked", "not checked because agent pi-1 is not there")


# --- instruments ------------------------------------------------------------------------------------------------------


async def test_each_way_in_which_an_instrument_is_not_read(site: Site, tmp_path: Path) -> None:
    with contextlib.ExitStack() as plugged:
        silent, noisy, strange, busy = (
            plugged.enter_context(Pty(tmp_path / name)) for name in ("silent", "noisy", "strange", "busy")
        )
        for port in (silent, noisy, strange, busy):
            port.plug()
        plugged.enter_context(serial.Serial(busy.port, exclusive=True))
        names = {"silent": silent.port, "noisy": noisy.port, "strange": strange.port, "busy": busy.port}
        configs = [STREAM.format(name=name, port=port) for name, port in (names | {"gone": "/dev/ttyNONE"}).items()]
        async with (
            talking(noisy, bytes(range(128, 250)) + b"\r\n"),
            talking(strange, b"READY 17 PIECES\r\n"),
            reading(site, *configs),
        ):
            for name, state in (("silent", "silent"), ("noisy", "error"), ("strange", "error")):
                await site.whole.until_state(f"pi-1/{name}", state)
            seen = await site.look()
    seen.says("instrument pi-1/gone", "/dev/ttyNONE is not there", "plug it in")
    seen.says("instrument pi-1/busy", "is used by another program", "end what has it open")
    seen.says("instrument pi-1/silent", "the port is open, and nothing comes", "whether it is switched on")
    seen.says("instrument pi-1/noisy", "undecodable", "set baudrate, bytesize, parity and stopbits")
    seen.says("instrument pi-1/strange", "rejected", "is this the instrument that agent.toml describes?")
    assert seen["agent pi-1"].state == "ok"


async def test_a_port_that_is_pulled_out(site: Site, tmp_path: Path) -> None:
    with Pty(tmp_path / "scale") as port:
        port.plug()
        async with talking(port, b"12.5 g\r\n"), reading(site, STREAM.format(name="scale", port=port.port)):
            await site.whole.until_state("pi-1/scale", "connected")
            port.unplug()
            await site.whole.until_state("pi-1/scale", "searching")
            (await site.look_until_broken("instrument pi-1/scale")).says(
                "instrument pi-1/scale", "scale ", "plug it in"
            )


async def test_a_unit_that_changes(site: Site, tmp_path: Path) -> None:
    with Pty(tmp_path / "scale") as port:
        port.plug()
        async with reading(site, STREAM.format(name="unit", port=port.port)):
            async with talking(port, b"12.5 g\r\n"):
                await site.whole.until_state("pi-1/unit", "connected")
            async with talking(port, b"0.0125 kg\r\n"):
                seen = await look_until(site.login, lambda seen: seen["unit"].state == "warning")
        seen.says("unit pi-1/unit", "weight comes in kg, and came in g", "set the unit at the instrument", "warning")
    await site.execute("DELETE FROM samples WHERE channel IN (SELECT id FROM channels WHERE unit IN ('g', 'kg'))")


# --- agents -----------------------------------------------------------------------------------------------------------


async def test_an_agent_that_is_gone(site: Site) -> None:
    await site.whole.start_agent()
    await site.whole.kill_agent()
    seen = await look_until(site.login, lambda seen: seen.tells("agent pi-1", "offline"))
    seen.says("agent pi-1", "offline (the connection was lost)", "--check")


async def test_agents_that_are_not_let_in_or_never_came(site: Site) -> None:
    secret = await site.add_agent("pi-2")
    try:
        (await site.look()).says("agent pi-2", "may connect, and never has", "start it", "warning")
        async with sockets.socket(site.socket_url, "/agent", headers=sockets.basic("pi-2", "wrong")) as refused:
            await refused.connection.wait_closed()
        seen = await site.look_until_broken("agent pi-2")
        seen.says("agent pi-2", "is not let in: its name or secret is wrong", "kleinmaelzung agent remove pi-2")
        async with AsyncExitStack() as opened:
            while not (seen := await site.look()).tells("agent pi-2", "two agents"):
                await opened.enter_async_context(sockets.agent(site.socket_url, "pi-2", secret))
        seen.says("agent pi-2", "push each other out", "give each machine an agent of its own")
    finally:
        await site.remove_agent("pi-2")
    (await site.look()).says("agent pi-2", "knocks and may not connect", "agent add pi-2", "warning")


async def test_an_agent_whose_last_order_was_given_up_again(site: Site) -> None:
    secret = await site.add_agent("pi-3")
    now = time.time_ns() // 1000
    last = {"kind": "program", "issued": now, "result": "rolled back", "reason": "it did not come up", "time": now}
    try:
        async with sockets.agent(site.socket_url, "pi-3", secret) as socket:
            for result, state in (("rolled back", "warning"), ("done", None)):
                told = {"configuration": "", "key": "", "last": last | {"result": result}}
                status = messages.AgentStatus(online=True, version="0.1.0", since=now, orders=told)
                await socket.send("publish", "status", status.encode())
                if state is None:
                    await look_until(site.login, lambda seen: not seen.tells("agent-orders pi-3", ""))
                    continue
                seen = await look_until(site.login, lambda seen: seen.tells("agent-orders pi-3", "rolled back"))
                seen.says("agent-orders pi-3", "it did not come up", "kleinmaelzung agent update pi-3", state)
            await socket.send("publish", "status", messages.AgentStatus(online=False).encode())
    finally:
        await site.remove_agent("pi-3")


async def test_an_agent_of_another_version(site: Site) -> None:
    secret = await site.add_agent("pi-3")
    try:
        async with sockets.agent(site.socket_url, "pi-3", secret) as socket:
            for version, state in (("0.0.9", "warning"), ("9.1.0", "broken")):
                status = messages.AgentStatus(online=True, version=version, since=time.time_ns() // 1000)
                await socket.send("publish", "status", status.encode())
                seen = await look_until(site.login, functools.partial(Seen.tells, id_="version", words=version))
                seen.says("version", f"agent pi-3 {version}", "install the same version everywhere", state)
            await socket.send("publish", "status", codec.pack({"v": 99, "online": True}))
            seen = await look_until(site.login, lambda seen: seen.tells("agent pi-3", "cannot be read"))
            seen.says("agent pi-3", "what it says cannot be read", "install the same version there")
            await socket.send("publish", "status", messages.AgentStatus(online=False).encode())
            await look_until(site.login, lambda seen: seen.tells("agent pi-3", "offline"))
    finally:
        await site.remove_agent("pi-3")
    (await site.look()).says("agent pi-3", "was removed: it may not connect any more", "", "ok")


@asynccontextmanager
async def counting(site: Site, data: Path, limits: Limits | None = None) -> AsyncIterator[None]:
    """Agent pi-1 in this process, as it is when it is connected."""
    secret = await site.whole.secret()
    async with running_agent.running(site.login.url, data, limits=limits, secret=secret):
        async with asyncio.timeout(20):
            while not (await site.whole.status()).online:
                await asyncio.sleep(0.02)
        yield


async def test_a_clock_that_is_wrong(site: Site, tmp_path: Path) -> None:
    data = tmp_path / "spool"
    data.mkdir()
    time_mark.write(data / time_mark.FILE_NAME, time.time_ns() // 1000 + 7_800_000_000)
    async with counting(site, data):
        (await site.look()).says("agent-clock pi-1", "2 h ahead of the server", "have it synchronised")


async def test_a_spool_that_was_damaged(site: Site, tmp_path: Path) -> None:
    data = tmp_path / "spool"
    data.mkdir()
    (data / FILE_NAME).write_bytes(b"no database" * 1000)
    async with counting(site, data):
        seen = await site.look()
    seen.says("agent-spool pi-1", "the spool was damaged", "keep or delete that file", "warning")


@needs_root
async def test_a_spool_whose_disk_is_full(site: Site, tmp_path: Path) -> None:
    with small_disk(tmp_path / "spool", "2m") as data:
        fill(data)
        async with counting(site, data):
            (await site.look()).says(
                "agent-spool pi-1", "disk is full; new frames wait in memory", "make room on its disk"
            )


# --- services ---------------------------------------------------------------------------------------------------------


async def test_a_logger_that_is_away_and_a_spool_that_fills(site: Site, tmp_path: Path) -> None:
    roles = ("logger", "history", "batches", "calibration")
    data, limits = tmp_path / "spool", Limits(bytes=20_000)
    async with away(*(site.whole.running.children[role] for role in roles)):
        secret = await site.whole.secret()
        async with running_agent.running(
            "http://127.0.0.1:1", data, limits=limits, secret=secret, period_s=0.001
        ) as one:
            spool = one.agent._spool
            await until(lambda: spool.figures()["bytes"] > 18_000, "the spool is nearly full")
        async with counting(site, data, limits):
            seen = await site.look()
    seen.says("logger", "not running, so nothing is recorded", "start kleinmaelzung-logger")
    seen.says("history", "nobody can look back; recording goes on", "start kleinmaelzung-history")
    seen.says("batches", "no batch can be begun or ended", "start kleinmaelzung-batches")
    seen.says("calibration", "no certificate can be issued", "start kleinmaelzung-calibration")
    assert seen["storage"].state == "unchecked"
    filled = seen["agent-spool pi-1"]
    assert (filled.state in ("warning", "broken"), "% full" in filled.found) == (True, True), filled
    await site.look_until_well()


async def test_a_logger_that_hangs(site: Site) -> None:
    with frozen(site.whole.running.children["logger"].pid):
        seen = await site.look()
    seen.says("logger", "says that it is well, but", "start it again")
    await site.look_until_well()


async def test_a_database_that_is_away(site: Site, tmp_path: Path) -> None:
    async with probe(site, tmp_path):
        site.server.stop()
        try:
            # Each service notices by itself: another one may tell of the database before the logger does.
            is_told = (("database", "Connect call failed"), ("logger", "nothing is recorded"))
            seen = await look_until(site.login, lambda seen: all(seen.tells(*one) for one in is_told))
        finally:
            site.server.start()
        seen.says("database", "Connect call failed", "look whether the database is running")
        seen.says("logger", "running, but nothing is recorded", "see database")
    await site.server.ready()
    await site.look_until_well()


async def test_the_disk_of_the_database_fills(site: Site, tmp_path: Path) -> None:
    if not site.disk.is_mount():
        pytest.skip("only root can mount a small file system")
    await site.execute("UPDATE streams SET first_seen = now() - interval '20 minutes'")
    seen = await site.look()
    seen.says("storage", "enough for", "give the database more room", "warning")
    async with probe(site, tmp_path):
        ballast = fill(site.disk)
        try:
            seen = await site.look_until_broken("database")
        finally:
            ballast.unlink()
        seen.says("database", "its disk is full", "make room on the database's disk")
    await site.look_until_well()


async def test_a_broker_that_is_away(site: Site) -> None:
    async with away(site.whole.running.children["mosquitto"]):
        seen = await site.look_until_broken("broker")
    seen.says("broker", "the gateway's connection to the broker is lost", "start Mosquitto")
    assert seen.broken == {"broker"}
    assert seen["agent"].found == "not checked because the gateway has no broker, which decides who may come in"
    await site.look_until_well()


async def test_a_gateway_that_is_away(site: Site) -> None:
    async with away(site.whole.running.children["gateway"]):
        seen = await site.look()
    seen.says("server", "nothing listens at 127.0.0.1:", "start the gateway there")
    assert seen.broken == {"server"}
    assert seen.states("server") == {"unchecked"}


async def test_a_database_of_another_schema(site: Site) -> None:
    """The last, for it leaves the logger to wait longer and longer."""
    await site.execute("INSERT INTO migrations (number, title, hash, edition) VALUES (999, 'later', 'x', 'plain')")
    await started_again(site.whole.running.children["logger"])
    seen = await look_until(site.login, lambda seen: seen.tells("logger", "schema version"))
    seen.says("logger", "ended, so nothing is recorded", "start the same version of all services")
