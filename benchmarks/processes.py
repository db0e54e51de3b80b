"""Processes beside this one: run as long as they are needed, and what they use, as /proc tells it."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

TICKS_A_SECOND = 100  # of /proc/PID/stat
PAGE_BYTES = 4096


@asynccontextmanager
async def running(*command: str, **more: Any) -> AsyncIterator[Process]:
    """A process, as long as the context lasts; then what still runs is ended."""
    process = await asyncio.create_subprocess_exec(*command, **more)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_mib(pid: int | None) -> float:
    """What a process has in memory. Raises OSError when it has ended."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 2**20
