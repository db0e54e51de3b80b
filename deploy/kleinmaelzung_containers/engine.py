"""Docker Compose, as a program on this machine: which one there is, and what it is asked to do in deploy/."""

import json
import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kleinmaelzung_containers.place import Refused

OLDEST = (2, 21)  # since then `ps --format json` says an object a line
INSTALL = "On Debian 13: apt-get install docker.io docker-compose; else see docs.docker.com/engine/install"
WELL_WITHIN_S = 300.0
MANY_RESTARTS = 5  # of a container: its program ends each time


@dataclass(frozen=True, slots=True)
class Compose:
    """`command` is the program; all is done in `directory`, by its compose.yaml and .env."""

    command: tuple[str, ...]
    directory: Path

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What it printed. Raises Refused with the end of what it said."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.directory,
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refused(f"docker compose {arguments[0]} failed:\n{_end(done.stderr or done.stdout)}")
        return done.stdout

    def pipe(self, *arguments: str, source: Path | None = None, target: Path | None = None) -> None:
        """Do it with the content of one file as its input and another for its output. Raises Refused."""
        with (source or Path(os.devnull)).open("rb") as incoming, (target or Path(os.devnull)).open("wb") as outgoing:
            done = subprocess.run(
                [*self.command, *arguments],
                cwd=self.directory,
                stdin=incoming,
                stdout=outgoing,
                stderr=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            raise Refused(f"docker compose {arguments[0]} failed:\n{_end(done.stderr.decode(errors='replace'))}")

    def containers(self) -> dict[str, str]:
        """The identifier of each service's container, also of one that has ended."""
        return {state["Service"]: state["ID"] for state in self._states("--all")}

    def running(self) -> list[str]:
        """The services whose container runs."""
        return [state["Service"] for state in self._states() if state["State"] == "running"]

    def _states(self, *arguments: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.run("ps", *arguments, "--format", "json").splitlines()]

    def image(self, service: str) -> str:
        """The name of a service's image."""
        name: str = self.configuration()["services"][service]["image"]
        return name

    def image_id(self, service: str) -> str | None:
        """The identifier of a service's image; None where this machine does not have it."""
        return self._docker("image", "inspect", "--format", "{{.Id}}", self.image(service)) or None

    def remove_images(self, *, only_replaced: bool = False) -> None:
        """Remove the images that were built here and that no container uses; or only those without a name any more."""
        ours = ["--filter", f"label=com.docker.compose.project={self.configuration()['name']}"]
        replaced = ["--filter", "dangling=true"] if only_replaced else []
        for identifier in dict.fromkeys(self._docker("image", "ls", "--all", "--quiet", *ours, *replaced).split()):
            self._docker("image", "rm", "--force", identifier)

    def sql(self, database: str, statement: str) -> str:
        """Have the database's superuser do one statement, in a session of its own."""
        session = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database)
        return self.run("exec", "-T", "database", *session, "-c", statement)

    def _docker(self, *arguments: str) -> str:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def configuration(self) -> dict[str, Any]:
        """What compose.yaml means with this .env."""
        found: dict[str, Any] = json.loads(self.run("config", "--format", "json"))
        return found

    def start(self, *services: str) -> None:
        """Start everything, or these services, where it does not run as it should; wait until all is well."""
        orphans = () if services else ("--remove-orphans",)
        self.run("up", "--detach", "--no-build", *orphans, *services)
        self.wait(*services)

    def wait(self, *services: str) -> None:
        """Ask the containers' own health checks until they pass. Raises Refused."""
        waiting = {name: each for name, each in self.containers().items() if not services or name in services}
        until = time.monotonic() + WELL_WITHIN_S
        while waiting := {name: container for name, container in waiting.items() if not self._is_well(container)}:
            restarts = self._docker("inspect", "-f", "{{.RestartCount}}", *waiting.values()).split()
            if time.monotonic() > until or any(int(count) >= MANY_RESTARTS for count in restarts):
                logs = _end(self.run("logs", "--no-color", "--no-log-prefix", "--tail", "6", *waiting), 60)
                raise Refused(f"{', '.join(waiting)} did not come up:\n{logs}")
            time.sleep(0.5)

    def _is_well(self, container: str) -> bool:
        kind, *command = json.loads(self._docker("inspect", "-f", "{{json .Config.Healthcheck.Test}}", container))
        shell = ["sh", "-c"] if kind == "CMD-SHELL" else []
        command = ["docker", "exec", container, *shell, *command]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def find(directory: Path) -> Compose:
    """The Compose of this machine. Raises Refused where there is none, an old one, or no engine that answers."""
    found = []
    for command in (("docker", "compose"), ("docker-compose",)):
        try:
            asked = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            continue
        if asked.returncode == 0:
            found.append(asked.stdout.strip())
            if version(asked.stdout) >= OLDEST:
                _check_engine(command)
                return Compose(command, directory)
    if found:
        raise Refused(f"this needs Docker Compose {OLDEST[0]}.{OLDEST[1]} or newer, found {found[0]}. {INSTALL}")
    raise Refused(f"this needs Docker with its Compose plugin. {INSTALL}")


def version(text: str) -> tuple[int, int]:
    """`v2.26.1-4` -> (2, 26)"""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _check_engine(command: Sequence[str]) -> None:
    asked = subprocess.run([*command, "ls", "-q"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise Refused(f"the Docker engine does not answer: {_end(asked.stderr, 3)}. Start it: systemctl start docker")


def _end(text: str, lines: int = 20) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return "\n".join(plain.strip().splitlines()[-lines:])
