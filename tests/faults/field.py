"""The field: where agents and instruments are, apart from the machine's network and disk, so that both can fail.

    host (gateway, broker, database) <-- veth --> network namespace (agents, instruments)      a tmpfs per agent

Needs root, iproute2, iptables and util-linux. Names hold our process's number; leaving takes everything away.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

TOOLS: Final = ("ip", "iptables", "nsenter", "mount")
PREFIX: Final = "kmz"  # an interface's name has room for 15 letters
DISK_BYTES: Final = 16 * 1024 * 1024
COMMAND_S: Final = 20.0
_SBIN: Final = "/usr/sbin:/sbin:/usr/local/sbin"


class FieldError(Exception):
    """A command of the system failed; the text says which and what it said."""


class Field(Protocol):
    """Where agents run."""

    @property
    def gateway_host(self) -> str:
        """The address at which the gateway is to listen for them."""
        ...

    def command(self, command: list[str]) -> list[str]:
        """The same command, run there."""
        ...

    async def make_disk(self, directory: Path) -> None: ...


class PlainField:
    """Without root: nothing is apart, and neither network nor disk can fail."""

    gateway_host = "127.0.0.1"

    def command(self, command: list[str]) -> list[str]:
        return command

    async def make_disk(self, directory: Path) -> None:
        directory.mkdir(parents=True)


@dataclass(frozen=True, slots=True)
class ApartField:
    """A network namespace, joined to the host by a pair of interfaces."""

    name: str
    gateway_host: str
    agents_host: str
    disks: list[Path]

    @property
    def _interface(self) -> str:
        return f"{self.name}a"

    def command(self, command: list[str]) -> list[str]:
        # Not `ip netns exec`: that makes a mount namespace too, in which a full disk would not be seen to be emptied.
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    async def make_disk(self, directory: Path) -> None:
        """A small disk of its own at this directory."""
        directory.mkdir(parents=True)
        await run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(directory))
        self.disks.append(directory)

    async def cut(self) -> None:
        """From now on every packet vanishes, both ways."""
        await self._rule("-I", "INPUT", "-i", self._interface, "-j", "DROP")
        await self._rule("-I", "OUTPUT", "-o", self._interface, "-j", "DROP")

    async def reset(self) -> None:
        """From now on every packet is answered by a TCP reset, to whichever side sent it."""
        refuse = ("-p", "tcp", "!", "--tcp-flags", "RST", "RST", "-j", "REJECT", "--reject-with", "tcp-reset")
        await self._rule("-I", "INPUT", "-i", self._interface, *refuse)
        await self._rule("-I", "OUTPUT", "-o", self._interface, *refuse)

    async def mend(self) -> None:
        await self._rule("-F")

    async def _rule(self, *rule: str) -> None:
        await run(*self.command(["iptables", "-w", *rule]))

    async def build(self) -> None:
        await run("ip", "netns", "add", self.name)
        await run("ip", "link", "add", f"{self.name}h", "type", "veth", "peer", "name", f"{self.name}a")
        await run("ip", "link", "set", f"{self.name}a", "netns", self.name)
        await run("ip", "address", "add", f"{self.gateway_host}/30", "dev", f"{self.name}h")
        await run("ip", "link", "set", f"{self.name}h", "up")
        await run(*self.command(["ip", "address", "add", f"{self.agents_host}/30", "dev", f"{self.name}a"]))
        await run(*self.command(["ip", "link", "set", f"{self.name}a", "up"]))
        await run(*self.command(["ip", "link", "set", "lo", "up"]))

    async def remove(self) -> None:
        """Take away what is there; safe however far `build` came."""
        for disk in self.disks:
            await _attempt("umount", "--lazy", str(disk))
        await _attempt("ip", "link", "delete", f"{self.name}h")
        await _attempt("ip", "netns", "delete", self.name)


def why_not_apart(geteuid: Callable[[], int] = os.geteuid) -> str:
    """What keeps us from a field of its own, as a sentence; empty where nothing does."""
    if geteuid() != 0:
        return "only root can cut a network and fill a disk: run it as root"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    return f"these programs are missing: {', '.join(missing)} (Debian: iproute2, iptables)" if missing else ""


@asynccontextmanager
async def open_field() -> AsyncIterator[ApartField | PlainField]:
    """A field of its own where that is possible, else a plain one."""
    if why_not_apart():
        yield PlainField()
        return
    await _sweep()
    field = _field_of(os.getpid())
    try:
        await field.build()
        yield field
    finally:
        await field.remove()


async def _sweep() -> None:
    """Take away namespaces of runs that were killed before they could; their interfaces go with them."""
    for path in Path("/run/netns").glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX)
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            await _attempt("ip", "netns", "delete", path.name)


def _field_of(pid: int) -> ApartField:
    # 198.18.0.0/15 is reserved for tests between networks (RFC 2544): nobody's laboratory is there.
    number = pid % (1 << 15)
    first = number * 4
    base = f"198.{18 + (first >> 16)}.{(first >> 8) & 255}"
    name = f"{PREFIX}{pid}"
    return ApartField(name, f"{base}.{(first & 255) + 1}", f"{base}.{(first & 255) + 2}", [])


async def run(*command: str) -> None:
    """Run a command of the system. Raises FieldError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"PATH": _path()},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(COMMAND_S):
        _, said = await process.communicate()
    if process.returncode:
        raise FieldError(f"{' '.join(command)}: {said.decode(errors='replace').strip()}")


async def _attempt(*command: str) -> None:
    with contextlib.suppress(FieldError):
        await run(*command)


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"
