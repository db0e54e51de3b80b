"""Where an installation keeps what: everything lies beside compose.yaml, in deploy/."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Users in the containers. Ours stands in the Dockerfile; the broker's is that of Mosquitto's own image.
OURS, BROKER = 10001, 1883


class Refused(Exception):
    """It cannot be done; the text is a sentence that says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    deploy: Path

    @property
    def variables(self) -> Path:
        return self.deploy / ".env"

    @property
    def secrets(self) -> Path:
        return self.deploy / "secrets"

    @property
    def login_link(self) -> Path:
        return self.secrets / "login" / "link"

    @property
    def certificates(self) -> Path:
        return self.deploy / "certificates"

    @property
    def broker_configuration(self) -> Path:
        return self.deploy / "configuration" / "mosquitto.conf"

    @property
    def broker_template(self) -> Path:
        return self.deploy.parent / "broker" / "mosquitto.conf"

    @property
    def server_public_key(self) -> Path:
        return self.deploy / "configuration" / "server.pub"

    @property
    def backups(self) -> Path:
        return self.deploy / "backups"

    @property
    def project(self) -> Path:
        return self.deploy.parent / "pyproject.toml"

    def read_variables(self) -> str:
        return self.variables.read_text() if self.variables.exists() else ""


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the installation for this process alone. Raises Refused."""
    directory = os.open(place.deploy, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused("another command of deploy/ is at work here: wait until it has ended") from error
    finally:
        os.close(directory)


def make_directory(path: Path, owner: int = 0, mode: int = 0o700) -> None:
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, owner, owner)
    path.chmod(mode)


def write(path: Path, content: str | bytes, *, owner: int = 0, mode: int = 0o400) -> bool:
    """Write a file whole or not at all, with its owner and mode; whether it had another content before."""
    data = content.encode() if isinstance(content, str) else content
    has_changed = not path.exists() or path.read_bytes() != data
    if has_changed:
        partial = path.with_name(path.name + ".new")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        own(partial, owner, mode)
        partial.replace(path)
    own(path, owner, mode)
    return has_changed


def own(path: Path, owner: int, mode: int) -> None:
    os.chown(path, owner, owner)
    path.chmod(mode)
