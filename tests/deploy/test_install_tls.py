"""deploy/install with TLS, in containers of its own, until it is uninstalled; and what it refuses."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_containers import engine
from kleinmaelzung_wire import access
from tests.deploy import images
from tests.deploy.installed import Installation, installation

pytestmark = images.needed()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation of a test's own, not installed yet."""
    with installation(tmp_path) as made:
        yield made


def test_without_tls_or_root_or_engine_a_sentence_says_what_to_do(fresh: Installation) -> None:
    for arguments, sentence in {
        ("--tls",): "say --name lab.local",
        ("--tls-cert", "/nowhere.pem"): "--tls-cert and --tls-key go together",
        ("--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key", "--name", "x"): "there is no file /nowhere.pem",
    }.items():
        refused = fresh.attempt("install", *arguments)
        assert (refused.returncode, sentence in refused.stderr) == (1, True), refused.stderr
    assert "nothing is installed here yet: deploy/install" in fresh.attempt("upgrade").stderr
    assert fresh.leftovers() == {}


def test_another_broker_is_told_to_all_that_use_it(fresh: Installation) -> None:
    with (fresh.deploy / ".env").open("a") as file:
        file.write("KLEINMAELZUNG_MQTT=mqtt://balancer:1883\nKLEINMAELZUNG_MQTT_KIND=rabbitmq\n")
    services = engine.find(fresh.deploy).configuration()["services"]
    for name in access.SERVICES:
        environment = services[name]["environment"]
        told = (environment["KLEINMAELZUNG_MQTT"], environment["KLEINMAELZUNG_MQTT_KIND"])
        assert told == ("mqtt://balancer:1883", "rabbitmq"), name


async def test_with_tls_until_it_is_uninstalled(fresh: Installation) -> None:
    fresh.install("--tls", "--name", "127.0.0.1", "--name", "lab.test")
    ca_file = fresh.deploy / "certificates" / "public" / "ca.pem"
    assert fresh.told["url"] == f"https://127.0.0.1:{fresh.port}"
    await agents_are_listed_over_tls(fresh, ca_file, [])
    assert mqtt_tool(fresh, ca_file) == 0
    assert mqtt_tool(fresh, None) != 0

    fresh.do("kleinmaelzung", "agent", "add", "pi-1")
    assert "Its data is kept" in fresh.do("uninstall")
    assert set(fresh.leftovers()) == {"volumes", "images"}
    assert len(fresh.leftovers()["volumes"]) == 2

    fresh.install()
    await agents_are_listed_over_tls(fresh, ca_file, ["pi-1"])
    fresh.do("uninstall", "--delete-data")
    assert fresh.leftovers() == {}
    committed = {path.name for path in (Path(__file__).parents[2] / "deploy").iterdir()}
    assert {path.name for path in fresh.deploy.iterdir()} <= committed - {".env", "secrets", "certificates"}


async def agents_are_listed_over_tls(fresh: Installation, ca_file: Path, expected: list[str]) -> None:
    async with fresh.client(ca_file) as lab:
        assert await lab.completeness() == []
    told = json.loads(fresh.do("kleinmaelzung", "agent", "list", "--json"))
    assert [agent["agent"] for agent in told] == expected
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(
            socket.create_connection(("127.0.0.1", fresh.port)), server_hostname="127.0.0.1"
        )


def mqtt_tool(fresh: Installation, ca_file: Path | None) -> int:
    """The exit code of somebody's MQTT tool."""
    trust = ["--cafile", str(ca_file)] if ca_file else []
    tool = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(fresh.mqtt_port), *trust, "-u", "admin", "-V", "5"]
    return subprocess.run(
        [*tool, "-P", fresh.secret("admin"), "-t", "x", "-m", "x"], capture_output=True, timeout=20, check=False
    ).returncode
