"""One process of the system as something that can break: killed, frozen, stopped in order, and started again.

Nothing here starts it again by itself, so that a fault lasts as long as the schedule says. A process that ends without
having been told is a finding: it is noted, and started again as a service manager would.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

from kleinmaelzung_local.children import STOP_TIMEOUT_S, Child, ChildFailed, Running

AGAIN_S: Final = 1.0
GONE_S: Final = 10.0

How = Literal["killed", "stopped"]


@dataclass(frozen=True, slots=True)
class Ending:
    """When a process was told to end, and how it ended."""

    part: str
    at_ns: int
    how: How


class Breakable(Protocol):
    """What faults befall: a process, or a container."""

    @property
    def findings(self) -> list[str]: ...

    @property
    def is_started(self) -> bool: ...

    async def start(self) -> None: ...

    async def start_again(self) -> None: ...

    async def kill(self) -> None: ...

    async def stop(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    async def end(self) -> None: ...


class Part:
    """A process with all its children. `findings` are sentences about what it did on its own."""

    def __init__(self, child: Child, log: Path) -> None:
        self.name = child.name
        self.endings: list[Ending] = []
        self.findings: list[str] = []
        self._child = child
        self._log = log
        self._running = Running(child, log)
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._running.pid is not None, f"{self.name} was started"
        return self._running.pid

    @property
    def is_started(self) -> bool:
        return self._running.pid is not None

    async def start(self) -> None:
        """Start it for the first time and wait until it is ready. Raises ChildFailed."""
        await self._run(self._child)

    async def start_again(self) -> None:
        """Start it and do not wait: what it needs may be broken as well."""
        await self._run(replace(self._child, is_ready=_at_once))

    async def kill(self) -> None:
        """End it and its children as by kill -9, and wait until they are gone."""
        await self._unwatch()
        family = list(_family(self.pid))
        self.endings.append(Ending(self.name, time.monotonic_ns(), "killed"))
        _signal(family, signal.SIGKILL)
        await self._running.ended()
        async with asyncio.timeout(GONE_S):
            while any(_is_alive(pid) for pid in family):
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Ask it to end; one that does not is killed, and that is a finding."""
        await self._unwatch()
        begun_ns = time.monotonic_ns()
        await self._running.stop()
        code = await self._running.ended()
        if code == 0 or -code == self._child.stop_signal:
            self.endings.append(Ending(self.name, begun_ns, "stopped"))
            return
        self.endings.append(Ending(self.name, begun_ns, "killed"))
        took_s = (time.monotonic_ns() - begun_ns) / 1e9
        why = f"did not end within {STOP_TIMEOUT_S:g} s" if code == -signal.SIGKILL else f"ended with code {code}"
        self.findings.append(f"{self.name}, told to stop, {why} ({took_s:.1f} s); {self._running.log_tail(2)}")

    def freeze(self) -> None:
        """Halt it and its children: the parent first, so that it makes no more of them."""
        _signal(_family(self.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        _signal(_family(self.pid), signal.SIGCONT)

    async def end(self) -> None:
        """Leave nothing of it, in whatever state it is."""
        await self._unwatch()
        if self.is_started and _is_alive(self.pid):
            self.thaw()
            await self._running.stop()

    async def _run(self, child: Child) -> None:
        self._running = Running(child, self._log)
        await self._running.start()
        self._watching = asyncio.create_task(self._watch(self._running), name=f"watch {self.name}")

    async def _watch(self, running: Running) -> None:
        code = await running.ended()
        self.findings.append(f"{self.name} ended by itself with code {code}; {running.log_tail(2)}")
        self.endings.append(Ending(self.name, time.monotonic_ns(), "killed"))
        await asyncio.sleep(AGAIN_S)
        with contextlib.suppress(ChildFailed):  # it is noted already
            await self.start_again()

    async def _unwatch(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None and watching is not asyncio.current_task():
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _at_once() -> bool:
    return True


def _family(pid: int) -> Iterator[int]:
    """A process, then all that it has below it by then: PostgreSQL's work is done by its children."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended meanwhile
        return
    for child in children:
        yield from _family(int(child))


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
