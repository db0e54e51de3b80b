"""Two loggers that both log everything, beside two that share a subscription: what each costs, and what a fault does.

    python -m tests.cluster.sharing

Prints one JSON document. `late` are frames that are not in the database while later ones of their instrument are: the
most at any moment while one logger is frozen, and after it was killed.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests import databases
from tests.cluster.site import Site, Size, open_site
from tests.faults import experiment
from tests.faults.laboratory import Load

LOAD: Final = Load(agents=2, streams=2, polled=10, polled_hz=20.0)
STEADY_S: Final = 15.0
FROZEN_S: Final = 8.0
KILLED_S: Final = 3.0
WAYS: Final = {"both log all": "kleinmaelzung_services.logger", "shared": "tests.cluster.sharing_logger"}
# Mosquitto asks for the right to the filter as it stands, prefix and all.
SHARE: Final = tuple[dict[str, object], ...](
    {
        "command": "addRoleACL",
        "rolename": f"service:{name}",
        "acltype": "subscribePattern",
        "topic": "$share/#",
        "allow": True,
    }
    for name in ("logger", "logger-2")
)
LATE: Final = "SELECT coalesce(sum(missing), 0)::bigint FROM completeness"
FRAMES: Final = "SELECT count(*) FROM frames"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU in ms of one second, of all loggers together."""

    loggers: int
    frames_per_s: int
    loggers_ms: int
    late_while_frozen: int
    late_after_kill: int


async def measure(module: str, loggers: int) -> Cost:
    with tempfile.TemporaryDirectory(prefix="kmz-share-", ignore_cleanup_errors=True) as name:
        async with open_site(Path(name), _size(module, loggers)) as site:
            async with experiment.watching(site.dsn) as watcher, asyncio.timeout(60):
                await watcher.until_beyond(dict.fromkeys(LOAD.rates_hz(), 0))
            frames, cpu_s = await _count(site, FRAMES), _cpu_s(site)
            await asyncio.sleep(STEADY_S)
            frames, cpu_s = await _count(site, FRAMES) - frames, _cpu_s(site) - cpu_s
            frozen = killed = 0
            if loggers > 1:
                site.parts["logger-2"].freeze()
                frozen = await _most_late(site, FROZEN_S)
                site.parts["logger-2"].thaw()
                await _until_none_is_late(site)
                await site.parts["logger-2"].kill()
                killed = await _most_late(site, KILLED_S)
                await _until_none_is_late(site)
            return Cost(
                loggers=loggers,
                frames_per_s=round(frames / STEADY_S),
                loggers_ms=round(1000 * cpu_s / STEADY_S),
                late_while_frozen=frozen,
                late_after_kill=killed,
            )


def _size(module: str, loggers: int) -> Size:
    return Size(gateways=1, loggers=loggers, logger_module=module, load=LOAD, commands=SHARE[:loggers])


async def _most_late(site: Site, seconds: float) -> int:
    """The most that were late at any moment of the next seconds."""
    until, most = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        most = max(most, await _count(site, LATE))
        await asyncio.sleep(0.1)
    return most


async def _until_none_is_late(site: Site) -> None:
    async with asyncio.timeout(90):
        while await _count(site, LATE) > 5:  # those under way just now
            await asyncio.sleep(0.2)


async def _count(site: Site, sql: str) -> int:
    [(count,)] = await databases.query(site.dsn, sql)
    return int(count)


def _cpu_s(site: Site) -> float:
    """What all loggers have used until now."""
    total = 0
    for name, part in site.parts.items():
        if name.startswith("logger"):
            fields = Path(f"/proc/{part.pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


async def _main() -> None:
    began = time.monotonic()
    found = {"one": asdict(await measure(WAYS["both log all"], 1))}
    for way, module in WAYS.items():
        found[way] = asdict(await measure(module, 2))
        print(f"{time.monotonic() - began:.0f} s: {way}", file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    asyncio.run(_main())
