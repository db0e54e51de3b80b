"""An installation in containers, made by deploy/install from a copy of the tree, for tests."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import kleinmaelzung
from kleinmaelzung_local import ports, system
from tests.deploy import images

ROOT: Final = Path(__file__).parents[2]
WHAT_IS_INSTALLED: Final = ("agent", "broker", "client", "deploy", "gateway", "requirements", "scripts", "services")
MADE_BY_INSTALL: Final = shutil.ignore_patterns(".env", "secrets", "certificates", "configuration", "__pycache__")
NOT_COPIED: Final = shutil.ignore_patterns("__pycache__", "node_modules")
LIMIT_S: Final = 900.0


class Installation:
    """A copy of the tree with its own project name, and what deploy/ there is asked to do."""

    def __init__(self, directory: Path) -> None:
        self.tree = directory / "tree"
        self.deploy = self.tree / "deploy"
        self.project = f"kleinmaelzung-test-{secrets.token_hex(4)}"
        self.port, self.mqtt_port = ports.find_free(), ports.find_free()
        self.told: dict[str, Any] = {}
        self.login_link = ""
        copy_tree(self.tree)
        own = {"COMPOSE_PROJECT_NAME": self.project, "KLEINMAELZUNG_IMAGE": self.project}
        (self.deploy / ".env").write_text("".join(f"{k}={v}\n" for k, v in (own | images.variables()).items()))

    def install(self, *arguments: str) -> dict[str, Any]:
        """What it said; it must succeed."""
        chosen = ("--port", str(self.port), "--mqtt-port", str(self.mqtt_port), *arguments)
        self.told = json.loads(self.do("install", "--json", *chosen))
        self.login_link = self.told["login_link"] or self.login_link
        return self.told

    def do(self, script: str, *arguments: str, stdin: str = "") -> str:
        """Run a script of deploy/, which must succeed."""
        done = self.attempt(script, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, script: str, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [str(self.deploy / script), *arguments]
        # Nothing of this machine's Kleinmaelzung: Compose prefers the environment to .env.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KLEINMAELZUNG_")}
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False
        )

    def inspect(self) -> dict[str, dict[str, Any]]:
        """What the engine tells of each container, by service."""
        identifiers = docker("ps", "--quiet", "--no-trunc", "--filter", self.label).split()
        told = json.loads(docker("inspect", *identifiers))
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in told}

    def leftovers(self) -> dict[str, list[str]]:
        """Whatever of this installation the engine still has."""
        kinds = {"containers": ("ps", "--all"), "volumes": ("volume", "ls"), "networks": ("network", "ls")}
        found = {kind: docker(*ask, "--quiet", "--filter", self.label).split() for kind, ask in kinds.items()}
        found["images"] = docker("image", "ls", "--all", "--quiet", "--filter", self.label).split()
        return {kind: names for kind, names in found.items() if names}

    @property
    def label(self) -> str:
        return f"label=com.docker.compose.project={self.project}"

    def secret(self, name: str) -> str:
        return (self.deploy / "secrets" / name).read_text()

    def secrets(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in (self.deploy / "secrets").rglob("*") if file.is_file()}

    def address_of(self, service: str, network: str) -> str:
        """A container's address in one of the networks, which only this machine reaches."""
        found: str = self.inspect()[service]["NetworkSettings"]["Networks"][f"{self.project}_{network}"]["IPAddress"]
        return found

    def client(self, ca_file: Path | None = None) -> AbstractAsyncContextManager[kleinmaelzung.Lab]:
        """What an admin's program connects with."""
        return kleinmaelzung.connect(self.told["url"], user="admin", password=self.secret("admin"), ca_file=ca_file)

    def as_system(self) -> system.System:
        """The same, as tests of a system without containers know it."""
        dsn = self.secret("dsn").replace("@database:", f"@{self.address_of('database', 'inside')}:")
        return system.System(
            url=self.told["url"],
            mqtt=self.told["mqtt"],
            dsn=dsn,
            password_file=Path(self.told["password_file"]),
            login_link=self.told["login_link"],
            children={},
        )


@contextmanager
def installation(directory: Path) -> Iterator[Installation]:
    """A tree to install from; whatever is made of it goes when the context ends."""
    made = Installation(directory)
    try:
        yield made
    finally:
        if (made.deploy / ".env").exists():
            made.do("uninstall", "--delete-data")


def copy_tree(tree: Path) -> None:
    """What an installation needs of this tree, and nothing that one has made."""
    for name in WHAT_IS_INSTALLED:
        ignore = MADE_BY_INSTALL if name == "deploy" else NOT_COPIED
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
