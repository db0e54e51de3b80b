"""`python -m benchmarks.stall [SECONDS]`: clients that do not read, while 20 others watch. Prints one JSON document.

For so long (150 s) one client after the other comes and stops reading its socket; each is left open, unread, to the
end. Then, beside a new gateway, clients that read 1 kB/s. They are looked at from outside: whether the gateway holds
its end of their connections, the gateway's memory, and what the others saw while one of them was connected, beside
what they saw in the pauses before and after it. Exit code 1 when it is more than `LIMITS` allows.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import lab, peers, processes
from benchmarks.lab import Lab

SECONDS: Final = 150.0
PAUSE_S: Final = 6.0
WATCHERS: Final = 20
RATE: Final = 1000
SLOW_BYTES_A_S: Final = 1000
LOOK_S: Final = 0.1
# Delays are a scheduler's matter too: two pauses of one run differ by as much as these two ratios allow.
LIMITS: Final = {"cut_after_s": 10.0, "memory_added_mib": 10.0, "missed": 0, "p50_ratio": 1.25, "p99_ratio": 1.5}


@dataclass(slots=True)
class Stalled:
    """One client that does not read: since when it was there, and until when."""

    connected: socket.socket
    since: float
    until: float | None = None


async def measure(seconds: float) -> dict[str, Any]:
    """Both kinds of client, each beside a gateway of its own."""
    return {"stopped": await _one(seconds, 0), "slow": await _one(seconds, SLOW_BYTES_A_S)}


def wrong(found: dict[str, Any]) -> list[str]:
    """The limits that were not kept."""
    return [
        f"{kind}: {name} is {of_kind[name]}, expected at most {limit}"
        for kind, of_kind in found.items()
        for name, limit in LIMITS.items()
        if of_kind[name] > limit
    ]


async def _one(seconds: float, bytes_a_s: int) -> dict[str, Any]:
    async with lab.running_lab() as running, _crowd(running) as crowd:
        await asyncio.sleep(PAUSE_S)
        memory = Memory(running.gateway)
        stalled: list[Stalled] = []
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(memory.look_always(), name="memory"),
                group.create_task(_read_slowly(stalled, bytes_a_s), name="slow reading"),
            ]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await _stall_again_and_again(running, stalled)
            end = time.monotonic()
            for task in tasks:
                task.cancel()
        told = await _end(crowd)
        for one in stalled:
            one.connected.close()
    return {
        **_summary(stalled, end),
        **memory.summary(),
        "frames": told["frames"],
        "missed": told["missed"],
    } | _compared(told["seconds"], [(one.since, one.until) for one in stalled if one.until is not None])


async def _stall_again_and_again(running: Lab, stalled: list[Stalled]) -> None:
    while True:
        connected = await asyncio.to_thread(
            peers.open_watcher, running.port, "otto", running.given()["password"], "pi-1/balance/data"
        )
        stalled.append(Stalled(connected, time.monotonic()))
        held = inode(running.port, connected.getsockname()[1])
        while is_open(running.gateway, held):
            await asyncio.sleep(LOOK_S)
        stalled[-1].until = time.monotonic()
        await asyncio.sleep(PAUSE_S)


class Memory:
    """The gateway's, looked at all the time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen = [processes.resident_mib(pid)]

    async def look_always(self) -> None:
        while True:
            self._seen.append(processes.resident_mib(self._pid))
            await asyncio.sleep(LOOK_S)

    def summary(self) -> dict[str, float]:
        before, *_, after = self._seen
        added, left = max(self._seen) - before, after - before
        return {
            "memory_before_mib": round(before, 1),
            "memory_added_mib": round(added, 1),
            "memory_left_mib": round(left, 1),
        }


def inode(port: int, remote: int) -> str:
    """Of the gateway's end of the connection from this port of the same machine. Reading the table takes some ms."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (_port(fields[1]), _port(fields[2])) == (port, remote):
            return fields[9]
    raise RuntimeError(f"no connection from port {remote} to {port}")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def is_open(process: int, of_socket: str) -> bool:
    """Whether a process still holds a socket."""
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            if str(descriptor.readlink()) == f"socket:[{of_socket}]":
                return True
    return False


async def _read_slowly(stalled: list[Stalled], bytes_a_s: int) -> None:
    """Read so much of each every second; nothing at all where it is 0."""
    while bytes_a_s:
        await asyncio.sleep(1)
        for one in stalled:
            with contextlib.suppress(OSError):
                one.connected.setblocking(False)
                one.connected.recv(bytes_a_s)


def _crowd(running: Lab) -> AbstractAsyncContextManager[Process]:
    given = json.dumps(running.given(watchers=WATCHERS, rate=RATE))
    return processes.running(sys.executable, "-m", "benchmarks.crowd", given, stdin=PIPE, stdout=PIPE)


async def _end(crowd: Process) -> dict[str, Any]:
    async with asyncio.timeout(lab.RUN_TIMEOUT_S):
        printed, _ = await crowd.communicate(b"")  # closes its input
    if crowd.returncode:
        raise RuntimeError(f"benchmarks.crowd ended with {crowd.returncode}")
    told: dict[str, Any] = json.loads(printed)
    return told


def _summary(stalled: list[Stalled], end: float) -> dict[str, Any]:
    """How long they were there; one that still is counts until the end."""
    took = [(one.until or end) - one.since for one in stalled]
    return {"clients": len(stalled), "cut_after_s": round(max(took), 1), "cut_after_median_s": round(median(took), 1)}


def _compared(seconds: list[dict[str, float]], stalls: list[tuple[float, float]]) -> dict[str, Any]:
    """The others' delays while a client did not read, beside those in the pauses around it."""
    rounds = []
    for since, until in stalls:
        meanwhile = [one for one in seconds if since <= one["at"] <= until - 1]
        around = [
            one
            for one in seconds
            if since - PAUSE_S <= one["at"] <= since - 1 or until <= one["at"] <= until + PAUSE_S - 1
        ]
        if meanwhile and around:
            rounds.append((_medians(meanwhile), _medians(around)))
    found: dict[str, Any] = {}
    for name in ("p50", "p99", "worst"):
        found[f"{name}_ms"] = [round(median(one[which][name] for one in rounds), 2) for which in (0, 1)]
        found[f"{name}_ratio"] = round(median(one[name] / other[name] for one, other in rounds), 2)
    return found


def _medians(seconds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(one[name] for one in seconds) for name in ("p50", "p99", "worst")}


if __name__ == "__main__":
    found = asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
    passed = wrong(found)
    print(json.dumps({**found, "limits": LIMITS, "wrong": passed}, indent=1))
    sys.exit(1 if passed else 0)
