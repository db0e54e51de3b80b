"""A machine with the instruments, for tests: a container that boots Debian with systemd, may be cut off from power."""

import functools
import hashlib
import ipaddress
import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.deploy import images
from tests.deploy.installed import copy_tree, docker

ROOT: Final = Path(__file__).parents[2]
# What systemd needs beside a container's usual rights to be the first process and to shut its services in.
RIGHTS: Final = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_BOOT", "--cap-add", "NET_ADMIN"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),
    *("--env", "container=docker"),
)
UNIT: Final = "kleinmaelzung-agent"
LIMIT_S: Final = 300.0


class Machine:
    """One that runs, with this tree at /media/tree and the packages it needs at /media/wheels."""

    def __init__(self, name: str, tree: Path) -> None:
        self.name = name
        self.tree = tree

    def run(self, *command: str, stdin: str = "") -> str:
        """What a command says, as root; it must succeed."""
        done = self.attempt(*command, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *command: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["docker", "exec", "--interactive", self.name, *command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def install(self, *arguments: str) -> str:
        """What deploy/install-agent says, without a network to packages."""
        return self.run("/media/tree/deploy/install-agent", "--wheels", "/media/wheels", *arguments)

    def shown(self, key: str) -> str:
        """One property of the agent's unit."""
        return self.run("systemctl", "show", "--value", "--property", key, UNIT).strip()

    def files(self) -> dict[str, str]:
        """Each file that an installation makes, with what changes when it is touched."""
        named = ("-path", "*kleinmaelzung*", "-not", "-name", "*.pyc")
        told = self.run("find", "/opt", "/etc", "/usr/local", *named, "-printf", "%p\t%m %U %G %T@ %l\n")
        return {path: rest for path, _, rest in (line.partition("\t") for line in told.splitlines())}

    def reboot(self) -> None:
        """In order, as by `systemctl reboot`."""
        docker("restart", "--time", "60", self.name)
        self.until_booted()

    def cut_power(self) -> None:
        docker("kill", self.name)

    def switch_on(self) -> None:
        docker("start", self.name)
        self.until_booted()

    def until_booted(self) -> None:
        self.until(lambda: "running" in self.attempt("systemctl", "is-system-running").stdout, "systemd has booted")

    def until(self, is_so: Callable[[], object], what: str, limit_s: float = 60) -> None:
        """Poll a condition that needs the machine."""
        until = time.monotonic() + limit_s
        while not is_so():
            journal = self.attempt("journalctl", "--no-pager", "-n", "40").stdout if time.monotonic() > until else ""
            assert time.monotonic() <= until, f"not within {limit_s:g} s: {what}\n{journal}"
            time.sleep(0.2)


@contextmanager
def machine(directory: Path, *, boots: bool = True) -> Iterator[Machine]:
    """A machine as long as the context lasts; one that does not boot is as a card in another machine's chroot."""
    tree = directory / "tree"
    copy_tree(tree)
    media = ("--volume", f"{tree}:/media/tree:ro", "--volume", f"{wheels()}:/media/wheels:ro")
    with _container(image("machine"), tree, *media, boots=boots) as made:
        yield made


@contextmanager
def server(tree: Path, where: str) -> Iterator[Machine]:
    """A machine that boots, has the tree there, and commands the engine that runs it."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    media = ("--volume", f"{tree}:{where}", "--volume", f"{engine}:/run/docker.sock")
    with _container(image("server"), tree, *media) as made:
        yield made


@contextmanager
def _container(image: str, tree: Path, *options: str, boots: bool = True) -> Iterator[Machine]:
    name = f"kleinmaelzung-test-machine-{secrets.token_hex(4)}"
    docker("run", "--detach", "--name", name, *RIGHTS, *options, image, *(() if boots else ("sleep", "infinity")))
    made = Machine(name, tree)
    try:
        if boots:
            made.until_booted()
        yield made
    finally:
        docker("rm", "--force", name)


@functools.cache
def image(target: str) -> str:
    """Of a machine with instruments, or of a server."""
    base = images.variables().get("BASE_IMAGE", "debian:trixie-slim")
    file = images.STANDINS / "machine.Dockerfile"
    tag = f"kleinmaelzung-standin/{target}"
    build = ("build", "--quiet", "--network", "host", "--build-arg", f"BASE_IMAGE={base}", "--target", target)
    done = subprocess.run(
        ["docker", *build, "--tag", tag, "--file", str(file), str(images.STANDINS)],
        capture_output=True,
        text=True,
        timeout=images.BUILD_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tag


@functools.cache
def bridge_address() -> str:
    """This machine, as containers reach it."""
    told = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    # An engine that was started for the first time tells no gateway.
    return told.get("Gateway") or str(next(ipaddress.ip_network(told["Subnet"]).hosts()))


@functools.cache
def wheels() -> Path:
    """Every package that the machine needs, for its Python and processor; they stay, as images do."""
    version = docker(
        "run", "--rm", image("machine"), "python3", "-c", "import sys; print('%d%d' % sys.version_info[:2])"
    ).strip()
    processor = docker("info", "--format", "{{.Architecture}}").strip()
    files = [ROOT / "requirements" / f"{needed}.txt" for needed in ("agent", "agent-build")]
    pinned = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    into = Path(tempfile.gettempdir()) / f"kleinmaelzung-wheels-{pinned}-{version}-{processor}"
    with images.alone():
        if not into.exists():
            with tempfile.TemporaryDirectory(prefix="kleinmaelzung-wheels-") as partial:
                for file in files:
                    _download(file, version, processor, Path(partial))
                shutil.copytree(partial, into.with_suffix(".new"), dirs_exist_ok=True)
            into.with_suffix(".new").rename(into)
    return into


def _download(needed: Path, version: str, processor: str, into: Path) -> None:
    platforms = [("--platform", f"{kind}_{processor}") for kind in ("manylinux2014", "manylinux_2_28")]
    platform = ["--implementation", "cp", "--python-version", version, *itertools.chain(*platforms)]
    chosen = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(needed))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", *platform, *chosen, "--dest", str(into)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
