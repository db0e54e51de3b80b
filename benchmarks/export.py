"""`python -m benchmarks.export [SAMPLES]`: a large export as CSV and as Parquet. Prints one JSON document.

Everything real: 10 million samples, logged in frames of 100, are asked for by `kleinmaelzung history ... -o FILE`. Said
are the memory of history service, gateway and command (resident, in MiB) at ten steps of each, what progress was
shown, and how long after Ctrl-C, or after a GET whose client went away, the query at the database had ended. It ends
with an error where a file has not as many rows as there are samples.
"""

import asyncio
import contextlib
import json
import math
import os
import pty
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from pyarrow import parquet

import kleinmaelzung
from benchmarks import backfill, processes
from benchmarks.replay import Acknowledged
from kleinmaelzung_bus import session as bus
from kleinmaelzung_local import system
from kleinmaelzung_local.children import Running
from kleinmaelzung_wire import access, frames, topics
from kleinmaelzung_wire.frames import Clock, Frame
from tests import sockets

SAMPLES: Final = 10_000_000
IN_FRAME: Final = 100
BUNDLE: Final = 100
WINDOW: Final = 5_000  # frames
STEP_US: Final = 10_000
STEPS: Final = 10
LOOK_EVERY_S: Final = 0.2
LIMIT_S: Final = 1200.0
_RUNNING: Final = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kleinmaelzung-history'"


def bundles(count: int, first_us: int) -> Iterator[bytes]:
    """So many frames of 100 samples: a balance that is read 100 times a second."""
    for start in range(1, count + 1, BUNDLE):
        yield frames.pack_several(_frame(number, first_us) for number in range(start, min(start + BUNDLE, count + 1)))


def _frame(number: int, first_us: int) -> bytes:
    first = (number - 1) * IN_FRAME
    places = range(first, first + IN_FRAME)
    return frames.encode(
        Frame(
            epoch=7,
            number=number,
            times=tuple(first_us + place * STEP_US for place in places),
            channels={"mass": [round(100 + 50 * math.sin(place / 1000) + place % 7 / 1000, 4) for place in places]},
            units={"mass": "g"},
            clock=Clock(synchronised=True, error_us=900),
        )
    )


async def measure(samples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        data = Path(directory)
        async with backfill.running_system(data) as (planned, parts):
            count = samples // IN_FRAME
            first_us = time.time_ns() // 1000 - samples * STEP_US
            stored_s = await _store(planned, data, count, first_us)
            command = _Command(planned, data, parts, count * IN_FRAME)
            found: dict[str, Any] = {"samples": count * IN_FRAME, "stored_s": round(stored_s, 1)}
            for kind in ("csv", "parquet"):
                found[kind] = await command.export(kind)
            found["ended_after_ctrl_c_s"] = [await command.cancel(kind) for kind in ("csv", "parquet")]
            found["ended_after_client_went_s"] = await command.leave()
            found["get"] = await command.refused()
    return found


async def _store(planned: system.Plan, data: Path, count: int, first_us: int) -> float:
    """Let the logger store them; how long that took."""
    secret, password = access.make_secret(), (data / "secrets" / "admin").read_text()
    async with kleinmaelzung.connect(planned.url, user="admin", password=password) as lab:
        await lab.access(access.add_agent("pi-1", secret))
    acknowledged, started = Acknowledged(), time.monotonic()
    account = bus.Broker(host="127.0.0.1", port=planned.mosquitto.port, user="agent:pi-1", password=secret)
    async with bus.connect(account, client_id="any", on_message=acknowledged.take) as session:
        await session.subscribe(topics.logged("pi-1"))
        for sent, bundle in enumerate(bundles(count, first_us)):
            await acknowledged.reach(sent * BUNDLE - WINDOW)
            session.publish_soon(topics.instrument("pi-1", "balance", "backfill"), bundle)
        await acknowledged.reach(count)
    return time.monotonic() - started


class _Command:
    """The command line at a terminal, and what it does to the others."""

    def __init__(self, planned: system.Plan, data: Path, parts: dict[str, Running], samples: int) -> None:
        self._planned = planned
        self._data = data
        self._parts = parts
        self._samples = samples
        self._password = (data / "secrets" / "admin").read_text().strip()

    async def export(self, kind: str) -> dict[str, Any]:
        file = self._data / f"all.{kind}"
        started = time.monotonic()
        async with self._running(kind, file) as (process, shown), self._looking(process) as memory:
            async with asyncio.timeout(LIMIT_S):
                code = await process.wait()
            took_s = time.monotonic() - started
        rows = _rows(file, kind)
        if code or rows != self._samples:
            raise RuntimeError(f"export: {kind} ended with {code} and has {rows} rows of {self._samples}")
        size = file.stat().st_size
        file.unlink()
        percents = sorted({int(one) for one in re.findall(rb"(\d+) %", bytes(shown))})
        return {
            "took_s": round(took_s, 1),
            "samples_per_s": round(rows / took_s),
            "mib": round(size / 2**20, 1),
            "rss_mib": {name: _steps(seen) for name, seen in memory.items()},
            "rss_mib_most": {name: max(seen) for name, seen in memory.items()},
            "progress_shown": f"{len(percents)} different figures, {percents[0]} to {percents[-1]} %",
        }

    async def cancel(self, kind: str) -> float:
        """Seconds from Ctrl-C until no query runs at the database."""
        file = self._data / f"cancelled.{kind}"
        async with self._running(kind, file) as (process, shown):
            async with asyncio.timeout(LIMIT_S):
                while not re.search(rb"\d %", bytes(shown)):
                    await asyncio.sleep(0.02)
            if not await self._queries():
                raise RuntimeError("export: nothing ran that could be cancelled")
            process.send_signal(signal.SIGINT)
            ended_s = await self._until_no_query()
            await process.wait()
        if left := list(self._data.glob("cancelled*")):
            raise RuntimeError(f"export: {left} is left")
        return ended_s

    async def leave(self) -> float:
        """Seconds from the end of a GET's connection until no query runs at the database."""
        connection = await self._get("pi-1/balance.parquet")
        while not await self._queries():
            await asyncio.sleep(0.02)
        connection[1].transport.abort()
        return await self._until_no_query()

    async def refused(self) -> dict[str, Any]:
        """A GET of everything: what it is told, after how long, and the gateway's memory."""
        started = time.monotonic()
        async with self._looking() as memory:
            reader, writer = await self._get("pi-1/balance.csv")
            async with asyncio.timeout(LIMIT_S):
                answer = (await reader.read()).decode()
            writer.transport.abort()
        status, said = answer.split()[1], answer.rpartition("\r\n")[2].strip()
        took_s, most = round(time.monotonic() - started, 1), max(memory["gateway"])
        return {"status": int(status), "took_s": took_s, "gateway_rss_mib_most": most, "says": said}

    @asynccontextmanager
    async def _running(self, kind: str, file: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, bytearray]]:
        words = ("history", "pi-1/balance", "--format", kind, "-o", str(file))
        environment = {
            "KLEINMAELZUNG_URL": self._planned.url,
            "KLEINMAELZUNG_USER": "admin",
            "KLEINMAELZUNG_PASSWORD_FILE": str(self._data / "secrets" / "admin"),
        }
        ours, its = pty.openpty()
        shown = bytearray()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kleinmaelzung", *words), stderr=its, stdout=its, env=os.environ | environment
        )
        os.close(its)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, _take(ours, shown, lambda: loop.remove_reader(ours)))
        try:
            yield process, shown
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            loop.remove_reader(ours)
            os.close(ours)

    @asynccontextmanager
    async def _looking(
        self, process: asyncio.subprocess.Process | None = None
    ) -> AsyncIterator[dict[str, list[float]]]:
        """Resident memory as long as the context lasts."""
        watched = {name: self._parts[name].pid for name in ("history", "gateway")}
        if process is not None:
            watched["command"] = process.pid
        memory: dict[str, list[float]] = {name: [] for name in watched}

        async def look() -> None:
            while True:
                for name, pid in watched.items():
                    with contextlib.suppress(OSError, IndexError):
                        memory[name].append(round(processes.resident_mib(pid), 1))
                await asyncio.sleep(LOOK_EVERY_S)

        looking = asyncio.create_task(look(), name="memory")
        try:
            yield memory
        finally:
            looking.cancel()
            await asyncio.wait((looking,))

    async def _get(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        where = urlsplit(self._planned.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        headers = {"Host": where.netloc, **sockets.basic("admin", self._password)}
        lines = [f"GET /history/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return reader, writer

    async def _queries(self) -> int:
        connection = await asyncpg.connect(self._planned.dsn, timeout=10, command_timeout=30)
        try:
            found: int = await connection.fetchval(_RUNNING)
            return found
        finally:
            await connection.close(timeout=5)

    async def _until_no_query(self) -> float:
        started = time.monotonic()
        async with asyncio.timeout(60):
            while await self._queries():
                await asyncio.sleep(0.02)
        return round(time.monotonic() - started, 2)


def _take(fd: int, shown: bytearray, leave: Callable[[], object]) -> Callable[[], None]:
    def take() -> None:
        try:
            shown.extend(os.read(fd, 65536))
        except OSError:  # the other side is closed
            leave()

    return take


def _steps(seen: list[float]) -> list[float]:
    """The figures at ten steps of the time."""
    return [seen[round(step * (len(seen) - 1) / (STEPS - 1))] for step in range(STEPS)]


def _rows(file: Path, kind: str) -> int:
    if kind == "parquet":
        rows: int = parquet.read_metadata(file).num_rows
        return rows
    with file.open("rb") as lines:
        return sum(piece.count(b"\n") for piece in iter(lambda: lines.read(2**20), b"")) - 1


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)), indent=1))
