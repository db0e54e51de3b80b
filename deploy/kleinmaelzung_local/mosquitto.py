"""A Mosquitto of our own: its configuration from broker/mosquitto.conf, accounts with generated passwords.

In: a directory, passwords, ports. Out: files (0600) and the command that starts it.
"""

import getpass
import json
import os
import shutil
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from kleinmaelzung_bus.session import Broker
from kleinmaelzung_wire import access

# Debian's architectures and a build from source
PLUGIN_NAME = "mosquitto_dynamic_security.so"
ACCOUNTS: Final = "dynamic-security.json"
PLUGIN_DIRECTORIES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")
INSTALL = "install it with: sudo apt-get install mosquitto"


class MosquittoMissing(Exception):
    """Mosquitto, or its dynamic security plugin, is not on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosquitto:
    """A configured broker: `internal_port` is for gateway and services, `port` for everyone else's tools."""

    directory: Path
    host: str
    port: int
    internal_port: int
    passwords: dict[str, str] = field(repr=False)  # of admin and of each service
    tls_cert: Path | None = None  # with a key: strangers' tools speak TLS at `port`
    tls_key: Path | None = None
    public_password: str | None = field(default=None, repr=False)  # of the account for the public view; None: none

    def broker(self, account: str) -> Broker:
        """How to connect as `admin`, or as a service such as `logger`."""
        user = account if account == "admin" else access.service_user(account)
        return Broker(host="127.0.0.1", port=self.internal_port, user=user, password=self.passwords[account])

    def command(self) -> list[str]:
        return [find_mosquitto(), "-c", str(self.directory / "mosquitto.conf")]

    def write(self) -> None:
        """Write the configuration, before the broker starts; the accounts only once, because it keeps them then."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.directory / "mosquitto.conf", self._configuration())
        update_accounts(self.directory / ACCOUNTS, self.passwords, self.public_password)

    def _configuration(self) -> str:
        filled = {
            "DYNAMIC_SECURITY_PLUGIN": find_plugin(),
            "DATA": str(self.directory),
            "USER": getpass.getuser(),
            "INTERNAL_HOST": "127.0.0.1",
            "INTERNAL_PORT": str(self.internal_port),
            "HOST": self.host,
            "PORT": str(self.port),
        }
        text = template().read_text()
        for name, value in filled.items():
            text = text.replace(f"{{{name}}}", value)
        if self.tls_cert is not None and self.tls_key is not None:
            # The template ends with the listener for everyone else.
            text += f"certfile {self.tls_cert}\nkeyfile {self.tls_key}\ntls_version tlsv1.2\n"
        return text


def update_accounts(
    path: Path, passwords: dict[str, str], public_password: str | None, *, write: bool = True
) -> Literal["made", "updated", "unchanged"]:
    """Make the broker's accounts and roles, or bring them up to date while the broker does not run; says which.

    What an earlier version of this software allowed our roles becomes what this one allows, and services that it did
    not have get their accounts. With `write=False` it only looks what there is to do.
    """
    state = _read_state(path) if path.exists() else _first_accounts(passwords)
    if state is None:
        return "unchanged"
    complete = access.with_services(access.updated_state(state), passwords)
    updated = access.with_public_view(complete, public_password)
    is_first = not path.exists()
    if _meaning(updated) == _meaning(state) and not is_first:
        return "unchanged"
    if write:
        write_private(path, json.dumps(updated, indent=1))
    return "made" if is_first else "updated"


def _first_accounts(passwords: dict[str, str]) -> dict[str, Any]:
    return access.first_state(
        admin_password=passwords["admin"], service_passwords={name: passwords[name] for name in access.SERVICES}
    )


def _meaning(state: dict[str, Any]) -> dict[str, Any]:
    """The plugin's file without what the plugin adds and reorders when it writes the file itself."""
    roles = (
        {**role, "acls": _in_order({"priority": 0, **rule} for rule in role.get("acls", []))}
        for role in state.get("roles", [])
    )
    return {**state, "roles": _in_order(roles), "clients": _in_order(state.get("clients", []))}


def _in_order(objects: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in objects)


def _read_state(accounts: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(accounts.read_text())
    except ValueError:  # the broker will say so
        return None
    return state if isinstance(state, dict) else None


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def template() -> Path:
    """broker/mosquitto.conf: in a checkout, or where a wheel puts it."""
    checkout = Path(__file__).parents[2] / "broker" / "mosquitto.conf"
    installed = Path(sysconfig.get_path("data")) / "share" / "kleinmaelzung" / "mosquitto.conf"
    return checkout if checkout.exists() else installed


def find_mosquitto() -> str:
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise MosquittoMissing(f"the MQTT broker Mosquitto is not on this machine: {INSTALL}")
    return path


def find_plugin() -> str:
    for directory in PLUGIN_DIRECTORIES:
        for pattern in (PLUGIN_NAME, f"*/{PLUGIN_NAME}"):
            if found := sorted(Path(directory).glob(pattern)):
                return str(found[0])
    raise MosquittoMissing(f"Mosquitto's {PLUGIN_NAME} is not on this machine: {INSTALL}")
