"""`kleinmaelzung agent add`: what it prints is all that an agent's machine needs, also to carry out orders."""

import asyncio
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from kleinmaelzung import server_key
from kleinmaelzung.server_key import ServerKey
from kleinmaelzung_wire import orders
from tests.fakes_client_gateway import FakeGateway
from tests.terminals import Terminal

ON_THE_PI = "/etc/kleinmaelzung/server.pub"


@pytest.fixture
def key(tmp_path: Path, terminal: Terminal) -> ServerKey:
    """The one of the installation: beside the admin's password."""
    return server_key.make(tmp_path / "server-key")


def section(out: str) -> str:
    """What is for agent.toml: up to the next paragraph."""
    return out[out.index("[agent]\n") :].partition("\n\n")[0] + "\n"


def command(out: str) -> str:
    (found,) = (line.strip() for line in out.splitlines() if line.startswith("    "))
    return found


async def run(*typed: str) -> tuple[int | None, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*typed, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_what_is_printed_makes_an_agent_that_carries_out_the_servers_orders(
    key: ServerKey, terminal: Terminal, tmp_path: Path
) -> None:
    code, out, err = await terminal.run("agent", "add", "pi-2")
    assert (code, err) == (0, "")
    assert f"fingerprint\n{key.fingerprint}, " in out
    (pi := tmp_path / "pi").mkdir()
    # As it is typed there, but for whose the file becomes and where it is.
    typed = command(out).replace("sudo ", "").replace(ON_THE_PI, str(pi / "server.pub"))
    assert await run("sh", "-c", typed) == (0, "")
    assert orders.read_pem((pi / "server.pub").read_text()) == key.public
    assert stat.S_IMODE((pi / "server.pub").stat().st_mode) == 0o644
    (config := pi / "agent.toml").touch(mode=0o600)
    config.write_text(section(out))
    _, checked = await run(sys.executable, "-m", "kleinmaelzung_agent", "--config", str(config), "--check")
    assert f"orders by the server key {key.fingerprint} are carried out" in checked


async def test_the_key_is_also_in_the_json_document(key: ServerKey, terminal: Terminal) -> None:
    told = await terminal.json("agent", "add", "pi-2")
    assert (told["server_key"], told["fingerprint"]) == (orders.pem(key.public), key.fingerprint)


async def test_a_key_without_its_public_half_beside_it_will_do(
    key: ServerKey, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "server-key").rename(tmp_path / "elsewhere")
    (tmp_path / "server-key.pub").unlink()
    terminal.environment["KLEINMAELZUNG_SERVER_KEY"] = str(tmp_path / "elsewhere")
    told = await terminal.json("agent", "add", "pi-2")
    assert told["server_key"] == orders.pem(key.public)


async def test_where_there_is_no_key_it_is_said_where_to_get_it(terminal: Terminal) -> None:
    code, out, err = await terminal.run("agent", "add", "pi-2")
    assert (code, err) == (0, "")
    assert "server_key_file" not in tomllib.loads(section(out))["agent"]
    assert "in containers deploy/configuration/server.pub" in out
    assert command(out) == f"sudo install -m 644 server.pub {ON_THE_PI}"
    assert out.endswith('and under [agent] in agent.toml: server_key_file = "server.pub"\n')
    told = await terminal.json("agent", "add", "pi-3")
    assert (told["server_key"], told["fingerprint"]) == (None, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mine", "server-key.pub: this is no Ed25519 public key in a PEM file"),
        (b"\xff\x00", "server-key.pub: this is no Ed25519 public key in a PEM file"),
        (None, "server-key.pub cannot be read: Is a directory"),
    ],
)
async def test_a_key_that_cannot_be_read_is_told_before_there_is_an_agent(
    key: ServerKey, terminal: Terminal, fake_gateway: FakeGateway, tmp_path: Path, content: bytes | None, said: str
) -> None:
    public = tmp_path / "server-key.pub"
    public.unlink()
    if content is None:
        public.mkdir()
    else:
        public.write_bytes(content)
    code, out, err = await terminal.run("agent", "add", "pi-2")
    assert (code, out, said in err) == (2, "", True), err
    assert "agent:pi-2" not in fake_gateway.passwords
