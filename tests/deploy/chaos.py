"""Breaks a throw-away deployment in containers by a seeded schedule, and counts whether every value was logged once.

    python -m tests.deploy.chaos [--for 120] [--seed 1] [--keep DIR]

As `scripts/chaos`, with broker, database, gateway and logger as deploy/install starts them: what befalls them is
`docker kill`, `docker pause` and `docker stop`. Agents and instruments are processes of this machine. Prints one JSON
document; progress goes to stderr. Exit codes: 0 nothing was wrong, 1 something was, 2 wrong usage.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.deploy import images
from tests.deploy.installed import Installation, docker, installation
from tests.faults import chaos, schedule
from tests.faults.chaos import say
from tests.faults.experiment import Settings
from tests.faults.laboratory import Load, Server
from tests.faults.parts import Breakable

ROLES: Final = ("database", "broker", "logger", "gateway")


class Container:
    """One container as something that can break. What is killed by hand the engine does not start again by itself."""

    is_started = True

    def __init__(self, installed: Installation, service: str, log: Path) -> None:
        self.name = service
        self.identifier = installed.inspect()[service]["Id"]
        self._log = log
        self._findings: list[str] = []

    @property
    def findings(self) -> list[str]:
        """How often the engine had to start it again. The engine's own count begins anew at each start by hand."""
        self._note()
        return self._findings

    async def start(self) -> None:
        """It runs: deploy/install has waited for it."""

    async def start_again(self) -> None:
        await self._do("start")

    async def kill(self) -> None:
        self._note()
        await self._do("kill", "--signal", "KILL")

    async def stop(self) -> None:
        self._note()
        await self._do("stop")
        code = int(self._told("{{.State.ExitCode}}"))
        if code not in (0, 128 + 15):  # ended in order, or by SIGTERM
            self._findings.append(f"the container {self.name}, told to stop, ended with code {code}")

    def freeze(self) -> None:
        docker("pause", self.identifier)

    def thaw(self) -> None:
        docker("unpause", self.identifier)

    async def end(self) -> None:
        """`deploy/uninstall` takes it away, but not while it is paused."""
        if self._told("{{.State.Paused}}") == "true":
            self.thaw()

    def _note(self) -> None:
        with self._log.open("w") as log:
            subprocess.run(["docker", "logs", self.identifier], stdout=log, stderr=log, timeout=60, check=False)
        if count := int(self._told("{{.RestartCount}}")):
            self._findings.append(f"the container {self.name} ended by itself and was started again, {count} times")

    def _told(self, what: str) -> str:
        return docker("inspect", "--format", what, self.identifier).strip()

    async def _do(self, *command: str) -> None:
        await asyncio.to_thread(docker, *command, self.identifier)


@asynccontextmanager
async def in_containers(directory: Path, host: str) -> AsyncIterator[Server]:
    """As deploy/install has it, running. An interruption meanwhile waits until it has ended, and all is taken away."""
    with installation(directory / "deployment") as installed:
        say("installing in containers ...")
        installed.install("--host", host)
        containers: dict[str, Breakable] = {
            role: Container(installed, role, directory / "log" / f"{role}.log") for role in ROLES
        }
        volume = json.loads(docker("volume", "inspect", f"{installed.project}_broker"))[0]["Mountpoint"]
        yield Server(
            url=installed.told["url"],
            find_dsn=lambda: dsn_of(installed),
            password=installed.secret("admin"),
            parts=containers,
            broker_memory=Path(volume) / "mosquitto.db",
        )


def dsn_of(installed: Installation) -> str:
    """The database's address now. Raises OSError where it has none."""
    service = installed.inspect().get("database")
    address = service["NetworkSettings"]["Networks"][f"{installed.project}_inside"]["IPAddress"] if service else ""
    if not address:
        raise ConnectionError("the container of the database does not run")
    return installed.secret("dsn").strip().replace("@database:", f"@{address}:")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.chaos", description="Breaks containers, and counts.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same faults (1)")
    parser.add_argument("--for", dest="seconds", type=chaos.seconds, default=120.0, metavar="SECONDS", help="(120)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where files are kept if the run fails")
    arguments = parser.parse_args()
    if why := images.why_not():
        sys.exit(f"the harness cannot run: {why}")
    found = chaos.judge(settings(arguments.seed, arguments.seconds, arguments.keep), in_containers)
    print(json.dumps(found.to_json()), flush=True)
    sys.exit(0 if found.ok else 1)


def settings(seed: int, seconds: float, keep: Path | None) -> Settings:
    """Every kind of fault that this machine can have; where the run is too short for all, it may miss some."""
    load = Load()
    kinds, reasons = chaos.possible_kinds()
    for reason in reasons:
        say(f"left out: {reason}")
    faults = schedule.plan(seed, seconds, load.agent_names, kinds)
    return Settings(seed=seed, seconds=seconds, faults=faults, load=load, may_miss_kinds=True, keep=keep)


if __name__ == "__main__":
    main()
