"""`kleinmaelzung-agent --check` on the agent's own machine, of which one thing after the other is broken."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import serial

from kleinmaelzung_agent import check
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.spool import lock
from kleinmaelzung_gateway.certificate import CertificateFiles
from kleinmaelzung_wire import codec, orders
from tests import gateways, proxies
from tests.brokers import AGENT_SECRET, TestBroker
from tests.certificates import Authority
from tests.doctors import Seen
from tests.fakes_instruments import Pty, Thermometer
from tests.orders import ServerKey
from tests.small_disk import fill, needs_root, small_disk
from tests.waiting import until
from tests.whole import THERMOMETER

STREAM = """
[instruments.{name}]
port = "{port}"
silent_after = "600ms"
[instruments.{name}.channels.weight]
unit = "g"
[[instruments.{name}.stream]]
pattern = '(?P<weight>[0-9.]+) g'
"""


def write(directory: Path, url: str, *instruments: str, secret: str = AGENT_SECRET, more: str = "") -> Path:
    """An agent.toml in a directory, whose data are beside it."""
    config = directory / "agent.toml"
    head = f'[agent]\nname = "pi-1"\nurl = "{url}"\nsecret = "{secret}"\ndata = "spool"\n{more}\n'
    config.write_text(head + "".join(instruments))
    config.chmod(0o600)
    return config


async def checked(config: Path) -> Seen:
    return Seen(await check.check(config))


async def run(*typed: str, prefix: tuple[str, ...] = ()) -> tuple[int, str, str]:
    command = (*prefix, sys.executable, "-m", "kleinmaelzung_agent", *typed)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def talking(port: Pty, said: bytes) -> AsyncIterator[None]:
    async def talk() -> None:
        while True:
            port.say(said)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()


async def test_of_a_machine_where_all_is_well(gateway_url: str, tmp_path: Path) -> None:
    with Pty(tmp_path / "probe") as port:
        port.plug()
        Thermometer(port).start()
        config = write(tmp_path, gateway_url, THERMOMETER.format(name="probe", port=port.port, every="200ms"))
        code, out, err = await run("--config", str(config), "--check", "--json")
    assert (code, err) == (0, ""), out
    document = codec.from_json(out.encode())
    found = {one["id"]: (one["state"], one["found"]) for one in document["checks"]}
    assert found["instrument"] == ("ok", "answers: temperature 23.45 °C")
    assert found["login"][0] == found["server"][0] == found["agent-spool"][0] == "ok"
    assert (document["ok"], found["agent"][0]) == (True, "warning")
    assert not (tmp_path / "spool").exists()  # it leaves no trace


async def test_a_configuration_with_mistakes(tmp_path: Path) -> None:
    config = write(tmp_path, "lab", "[instruments.scale]\n")
    code, out, err = await run("--config", str(config), "--check")
    assert (code, err) == (1, "")
    assert "BROKEN   config" in out
    assert 'expected an address such as "ws://lab-server:8080"' in out
    assert "-        instrument    not checked because the configuration cannot be used" in out


async def test_an_agent_that_runs_is_left_alone(gateway_url: str, tmp_path: Path) -> None:
    config = write(tmp_path, gateway_url, STREAM.format(name="scale", port="/dev/ttyNONE"))
    command = (sys.executable, "-m", "kleinmaelzung_agent", "--config", str(config))
    agent = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await until(lambda: lock.find_holder(tmp_path / "spool").isdecimal(), "the agent runs")
        seen = await checked(config)
    finally:
        agent.terminate()
        await agent.wait()
    seen.says("agent", f"runs (process {agent.pid})", "", "ok")
    seen.says("instrument scale", "/dev/ttyNONE is not there", "plug it in")
    assert "would lose its connection" in seen["login"].found
    assert lock.find_holder(tmp_path / "spool") == ""


async def test_each_way_in_which_a_port_is_no_use(gateway_url: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as plugged:
        silent, noisy, strange, busy = (
            plugged.enter_context(Pty(tmp_path / name)) for name in ("silent", "noisy", "strange", "busy")
        )
        for port in (silent, noisy, strange, busy):
            port.plug()
        plugged.enter_context(serial.Serial(busy.port, exclusive=True))
        ports = {"silent": silent.port, "noisy": noisy.port, "strange": strange.port, "busy": busy.port}
        configs = [STREAM.format(name=name, port=port) for name, port in (ports | {"gone": "/dev/ttyNONE"}).items()]
        async with talking(noisy, bytes(range(128, 250)) + b"\r\n"), talking(strange, b"READY\r\n"):
            seen = await checked(write(tmp_path, gateway_url, *configs))
    seen.says("instrument gone", "/dev/ttyNONE is not there; there is", "plug it in")
    who = Path("/proc/self/comm").read_text().strip()
    seen.says("instrument busy", f"; it is open in {who} (process {os.getpid()})", "end what has it open")
    seen.says("instrument silent", "the port is open, and nothing comes", "whether it is switched on")
    seen.says("instrument noisy", "undecodable", "set baudrate, bytesize, parity and stopbits")
    seen.says("instrument strange", "rejected", "is this the instrument that agent.toml describes?")


async def test_a_port_that_may_not_be_opened(gateway_url: str, tmp_path: Path) -> None:
    # Root may open everything, but not the root of a namespace of its own.
    prefix = ("unshare", "--user", "--map-user=65534") if os.geteuid() == 0 else ()
    with Pty(tmp_path / "scale") as port:
        port.plug()
        Path(port.port).chmod(0)
        config = write(tmp_path, gateway_url, STREAM.format(name="scale", port=port.port))
        code, out, err = await run("--config", str(config), "--check", prefix=prefix)
    assert (code, err) == (1, "")
    assert "permission denied, is the agent's user in the group dialout?; it belongs to the group" in out
    assert "-> on the agent: sudo usermod -aG dialout USER" in out


async def test_each_way_in_which_the_server_is_not_reached(
    broker: TestBroker, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with gateways.running_gateway(broker) as served:
        url = gateways.url(served)
        seen = await checked(write(tmp_path, f"ws://127.0.0.1:{unused_tcp_port}"))
        seen.says("server", "nothing listens at 127.0.0.1:", "correct agent.url")
        seen = await checked(write(tmp_path, f"ws://{'a' * 64}.example:8080"))
        seen.says("server", "is not known to this machine", "correct agent.url")
        seen = await checked(write(tmp_path, url, secret="another"))
        seen.says("login", "does not know agent 'pi-1' with this secret", "put name and secret into agent.toml")
        seen = await checked(write(tmp_path, url.replace("ws:", "wss:")))
        seen.says("server", "ended the connection as TLS began", "does it speak TLS")
        async with proxies.proxy(served.address, proxies.without_upgrade) as between:
            seen = await checked(write(tmp_path, between))
            seen.says("login", "answered HTTP 426", "a proxy that passes no WebSockets")
        await broker.stop()
        await until(lambda: not served.gateway.hub.is_connected, "the gateway has lost its broker")
        (await checked(write(tmp_path, url))).says("login", "lost its broker", "whether Mosquitto runs")


async def test_a_certificate_that_nobody_trusts(broker: TestBroker, tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "ca"), Authority(tmp_path / "other", name="Another CA")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    authority.sign(certificate, key)
    files = CertificateFiles(certificate, key)
    async with gateways.running_gateway(broker, certificate=files) as served:
        url = gateways.url(served, "wss")
        good = await checked(write(tmp_path, url, more=f'ca_file = "{authority.ca_file}"'))
        assert (good["server"].state, good["login"].state) == ("ok", "ok")
        seen = await checked(write(tmp_path, url, more=f'ca_file = "{stranger.ca_file}"'))
        seen.says("server", "is not signed by the CA in", "put the CA there that signed it")


@needs_root
async def test_a_disk_that_is_full_read_only_or_was_damaged(gateway_url: str, tmp_path: Path) -> None:
    config = write(tmp_path, gateway_url)
    with small_disk(tmp_path / "spool", "2m") as data:
        fill(data)
        (await checked(config)).says("agent-spool", "has 0 MB left", "make room")
    process = await asyncio.create_subprocess_exec("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path / "spool")
    assert await process.wait() == 0
    try:
        (await checked(config)).says("agent-spool", "its disk is read-only", "a disk that can be written")
    finally:
        process = await asyncio.create_subprocess_exec("umount", tmp_path / "spool")
        await process.wait()
    (tmp_path / "spool" / "spool.corrupt-20261123T080000.000Z.sqlite").touch()
    seen = await checked(config)
    seen.says("agent-spool", "was damaged once", "the file may be deleted", "warning")


async def test_a_data_directory_that_is_none(gateway_url: str, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    (await checked(write(tmp_path, gateway_url))).says("agent-spool", "is no directory", "the agent's own directory")


def test_whose_orders_are_carried_out_is_told_and_that_it_is_nobody_is_no_fault(tmp_path: Path) -> None:
    wanted = AgentConfig(name="pi-1", url="ws://x", secret="x", data=tmp_path)
    nobody = check.orders(wanted)
    assert (nobody.state, "no server key is trusted" in nobody.found) == ("ok", True)
    file = tmp_path / "server.pub"
    missing = check.orders(replace(wanted, server_key_file=file))
    assert (missing.state, "cannot be read" in missing.found) == ("warning", True)
    key = ServerKey()
    key.write(file)
    trusted = check.orders(replace(wanted, server_key_file=file))
    assert (trusted.state, orders.fingerprint(key.public) in trusted.found) == ("ok", True)
