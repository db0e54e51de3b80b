"""deploy/compose.yaml, as text: every service is in it, every variable is documented."""

import re
from pathlib import Path

import pytest

from kleinmaelzung_containers import secret_files
from kleinmaelzung_wire import access

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text()
TLS = (ROOT / "deploy" / "compose.tls.yaml").read_text()
DOCUMENTED = (ROOT / "docs" / "deployment.md").read_text()
INSTALLED = (ROOT / "deploy" / "kleinmaelzung_containers" / "install.py").read_text()


def test_every_service_has_a_container_and_its_password() -> None:
    assert secret_files.SERVICES == access.SERVICES
    for name in access.SERVICES:
        assert f"\n  {name}:\n" in COMPOSE
        assert f"command: [kleinmaelzung-{name}]" in COMPOSE
        assert f"KLEINMAELZUNG_MQTT_PASSWORD_FILE: /run/secrets/{name}\n" in COMPOSE.replace("}", "")
        assert f"\n  {name}: {{file: ./secrets/{name}}}" in COMPOSE


def test_every_secret_is_made_by_install() -> None:
    named = set(re.findall(r"file: \./secrets/([\w-]+)", COMPOSE))
    others = {secret_files.PUBLIC, secret_files.SERVER_KEY, *secret_files.OF_THE_DATABASE, "dsn"}
    assert named == {*secret_files.ACCOUNTS, *others}


def test_only_the_command_line_has_the_servers_key() -> None:
    """Nothing that the network reaches: who has it tells every agent what to run."""
    services = re.split(r"(?m)^  (?=[a-z-]+:$)", COMPOSE.split("\nservices:\n")[1].split("\nnetworks:\n")[0])
    having = [service.partition(":")[0] for service in services if "server-key" in service]
    assert having == ["command"]
    assert "server-key" not in COMPOSE.split("\nservices:\n")[0] + TLS
    assert "- ./secrets:" not in COMPOSE


def variables_of(text: str) -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def test_every_variable_is_documented() -> None:
    chosen = set(re.findall(r'"([A-Z_]{6,})"', INSTALLED))
    table = set(re.findall(r"`([A-Z_]+)`", DOCUMENTED))
    assert variables_of(COMPOSE) | variables_of(TLS) | chosen <= table


@pytest.mark.parametrize("word", ["privileged", "docker.sock", "network_mode: host", "cap_add", "latest", "env_file"])
def test_nothing_opens_a_container(word: str) -> None:
    assert word not in COMPOSE + TLS
