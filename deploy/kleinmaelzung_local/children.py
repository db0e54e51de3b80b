"""Child processes: started in order, watched, started again when they die, stopped in reverse order.

Each child's output goes to a file of its own. Children end with us, even when we are killed (Linux).
"""

import asyncio
import ctypes
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 15.0
MAX_LOG_BYTES = 10 * 1024 * 1024
WAITS = Waits(first_s=0.5, longest_s=10.0)
STEADY_S = 30.0  # a child that ran for so long has recovered
_PR_SET_PDEATHSIG = 1


class ChildFailed(Exception):
    """A child did not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What to run, how to see that it is ready, and the signal that ends it orderly."""

    name: str
    command: list[str]
    is_ready: Callable[[], Awaitable[bool]]
    environment: dict[str, str] | None = field(default=None, repr=False)
    stop_signal: int = signal.SIGTERM
    ready_timeout_s: float = 60.0


class Running:
    """One child kept running; make it with start()."""

    def __init__(self, child: Child, log: Path) -> None:
        self.child = child
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises ChildFailed with the end of its log."""
        await self._spawn()
        try:
            async with asyncio.timeout(self.child.ready_timeout_s):
                while not await self.child.is_ready():
                    if self._process is not None and self._process.returncode is not None:
                        raise ChildFailed(f"{self.child.name} ended at once; {self.log_tail()}")
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise ChildFailed(
                f"{self.child.name} is not ready after {self.child.ready_timeout_s:.0f} s; {self.log_tail()}"
            ) from error

    async def ended(self) -> int:
        """Wait until the process ends; returns its exit code, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def keep(self) -> None:
        """Start it again whenever it dies, with growing, jittered waits; for ever."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            code = await self.ended()
            if loop.time() - started > STEADY_S:
                failures = 0
            logger.warning("%s ended (%s), starting it again; %s", self.child.name, _how(code), self.log_tail(1))
            failures += 1
            await asyncio.sleep(WAITS.after(failures))
            try:
                await self._spawn()
                self.restarts += 1
            except OSError as error:  # no memory, no file handles, a disk that is full: that may pass
                logger.warning("%s cannot be started: %s", self.child.name, error)

    async def stop(self) -> None:
        """Ask it to end, and end it after a while."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(self.child.stop_signal)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            logger.warning("%s did not end within %.0f s and is killed", self.child.name, STOP_TIMEOUT_S)
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        stop_signal = self.child.stop_signal
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.child.command,
                env=self.child.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
                preexec_fn=lambda: _die_with_parent(stop_signal),
            )

    def log_tail(self, lines: int = 5) -> str:
        try:
            last = self._log.read_text(errors="replace").strip().splitlines()[-lines:]
        except OSError:
            last = []
        return f"the end of {self._log}: " + (" | ".join(last) or "(empty)")


def _die_with_parent(stop_signal: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, stop_signal)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
