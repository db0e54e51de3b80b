"""A real cluster of RabbitMQ for tests: nodes on ports of this machine, of a Debian that has RabbitMQ 4.

    python -m tests.cluster.rabbitmq DIRECTORY     makes such a Debian there (root, debootstrap, 300 MB, minutes)

KLEINMAELZUNG_TEST_RABBITMQ names that directory; without it RabbitMQ must be installed on this machine.
"""

import argparse
import asyncio
import functools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_local import ports
from kleinmaelzung_local.children import Child
from kleinmaelzung_rabbitmq import definitions
from tests.faults.parts import Part

VARIABLE: Final = "KLEINMAELZUNG_TEST_RABBITMQ"
SUITE: Final = "trixie"
MAJOR: Final = 4
BIN: Final = "usr/lib/rabbitmq/bin"  # not /usr/sbin: what is there becomes another user
READY_S: Final = 120.0
SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "rabbitmq"
PROBE: Final = definitions.PROBE  # its password, too

_CONFIGURATION: Final = """\
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt_port}
cluster_formation.peer_discovery_backend = classic_config
{peers}
load_definitions = {definitions}
log.console = true
log.console.level = warning
log.file = false
"""


def why_not() -> str:
    """What keeps us from running RabbitMQ, as a sentence; empty where nothing does."""
    if root() != Path("/") and os.geteuid() != 0:
        return "RabbitMQ of another Debian needs root (chroot)"
    if not (root() / BIN / "rabbitmq-server").exists():
        return f"RabbitMQ is not installed: python -m tests.cluster.rabbitmq DIRECTORY, then {VARIABLE}=DIRECTORY"
    if not (found := _version()).startswith(f"{MAJOR}."):
        return f"RabbitMQ {found} is installed, MQTT 5 needs {MAJOR}"
    return ""


def root() -> Path:
    return Path(os.environ.get(VARIABLE, "/")).absolute()


def _version() -> str:
    servers = [path.name.rpartition("-")[2] for path in (root() / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")]
    return max(servers, default="of an unknown version")


class Node(Part):
    """One node, its data in a directory of its own."""

    def __init__(self, cluster: "Cluster", number: int, log: Path) -> None:
        self.cluster = cluster
        self.node_name = f"kmz{number}@localhost"
        self.mqtt_port = ports.find_free()
        self._distribution_port = ports.find_free()
        self._directory = cluster.directory / f"node-{number}"
        child = Child(
            name=f"node-{number}",
            command=[*_inside(), f"/{BIN}/rabbitmq-server"],
            environment=self.environment(),
            is_ready=self._is_ready,
            ready_timeout_s=READY_S,
        )
        super().__init__(child, log)

    def broker(self, user: str, password: str) -> bus.Broker:
        return bus.Broker(host="127.0.0.1", port=self.mqtt_port, user=user, password=password)

    def environment(self) -> dict[str, str]:
        inner = self.cluster.inner / self._directory.name
        return self.cluster.environment() | {
            "RABBITMQ_NODENAME": self.node_name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONFIG_FILE": str(inner / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(inner / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(inner / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(inner / "data"),
            "RABBITMQ_LOG_BASE": str(inner),
            "RABBITMQ_PID_FILE": str(inner / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +A 4",
        }

    def write(self, peers: Iterable[str]) -> None:
        self._directory.mkdir()
        named = [f"cluster_formation.classic_config.nodes.{n} = {peer}" for n, peer in enumerate(peers, start=1)]
        text = _CONFIGURATION.format(
            mqtt_port=self.mqtt_port, peers="\n".join(named), definitions=self.cluster.inner / "definitions.json"
        )
        (self._directory / "rabbitmq.conf").write_text((SHIPPED / "rabbitmq.conf").read_text() + text)
        shutil.copy(SHIPPED / "advanced.config", self._directory)
        (self._directory / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")

    async def _is_ready(self) -> bool:
        try:
            async with bus.connect(self.broker(PROBE, PROBE), client_id=PROBE, on_message=lambda message: None):
                return True
        except bus.BusError:
            return False


class Cluster:
    """Several nodes, and the epmd by which they find each other."""

    def __init__(self, directory: Path, size: int, log: Path) -> None:
        self.directory = directory  # as we see it
        self.inner = Path("/") / directory.relative_to(root())  # as the nodes see it
        self._epmd_port = ports.find_free()
        epmd = Child(
            name="epmd",
            command=[*_inside(), "/usr/bin/epmd"],
            environment=self.environment(),
            is_ready=lambda: asyncio.to_thread(lambda: not ports.is_free(self._epmd_port)),
        )
        self.epmd = Part(epmd, log / "epmd.log")
        self.nodes = [Node(self, number, log / f"node-{number}.log") for number in range(1, size + 1)]

    def environment(self) -> dict[str, str]:
        # HOME holds Erlang's cookie: who has it commands the cluster.
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.inner),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def write(self, accounts: Mapping[str, Any]) -> None:
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text("ONLYFORTHISTEST")
        cookie.chmod(0o400)
        (self.directory / "definitions.json").write_text(json.dumps(accounts))
        for node in self.nodes:
            node.write(each.node_name for each in self.nodes)

    async def start(self) -> None:
        """Start all nodes and wait until they are one cluster."""
        await self.epmd.start()
        # All at once: they agree who begins.
        await asyncio.gather(*(node.start() for node in self.nodes))

    def write_control(self, path: Path) -> Path:
        """A program that does what rabbitmqctl does on the first node."""
        variables = (f"{name}={value}" for name, value in self.nodes[0].environment().items())
        command = [*_inside(), f"/{BIN}/rabbitmqctl", "--node", self.nodes[0].node_name]
        path.write_text(f'#!/bin/sh\nexec env -i {shlex.join(variables)} {shlex.join(command)} "$@"\n')
        path.chmod(0o755)
        return path

    async def end(self) -> None:
        for part in (*self.nodes, self.epmd):
            if part.is_started:
                await part.kill()


@asynccontextmanager
async def running_cluster(
    log: Path, accounts: Iterable[dict[str, Any]] = (), *, size: int = 3
) -> AsyncIterator[Cluster]:
    """A cluster with these accounts as long as the context lasts."""
    directory = Path(tempfile.mkdtemp(prefix="kmz-cluster-", dir=root() / "tmp"))
    cluster = Cluster(directory, size, log)
    cluster.write(definitions.together([definitions.probe(PROBE), *accounts]))
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.end()
        shutil.rmtree(directory, ignore_errors=True)


def _inside() -> list[str]:
    """What comes before a command of that Debian: /proc in a namespace of its own, gone with it."""
    if root() == Path("/"):
        return []
    script = f'mount -t proc proc {root()}/proc && exec chroot {root()} "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.rabbitmq", description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="where a Debian with RabbitMQ is made; not there yet")
    directory = parser.parse_args().directory.absolute()
    if os.geteuid() != 0:
        sys.exit("a Debian of its own can only be made by root")
    if shutil.which("debootstrap") is None:
        sys.exit("this needs debootstrap: apt-get install debootstrap")
    if directory.exists() and any(directory.iterdir()):
        sys.exit(f"{directory} is not empty: if it is left from an attempt that was interrupted, remove it")
    make(directory)
    print(f"export {VARIABLE}={directory}")


def make(directory: Path) -> None:
    """Make a Debian with RabbitMQ."""
    run = functools.partial(subprocess.run, check=True, stdout=sys.stderr)
    run(["debootstrap", "--variant=minbase", SUITE, str(directory)])
    policy = directory / "usr/sbin/policy-rc.d"  # do not start it
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    inside = functools.partial(run, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    inside(["chroot", str(directory), "apt-get", "install", "-y", "--no-install-recommends", "rabbitmq-server"])
    inside(["chroot", str(directory), "apt-get", "clean"])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
