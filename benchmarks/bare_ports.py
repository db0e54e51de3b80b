"""The limit beside `instruments`: the same bytes through the same ports, by asyncio and nothing else.

    python -m benchmarks.bare_ports '{"directory": "..."}'

asks each instrument in its time and throws away what it answers, until it is ended. Units on one bus are asked one
after the other, each at its own moment of the period.
"""

import asyncio
import contextlib
import json
import os
import sys
import tty
from pathlib import Path
from typing import Any

from benchmarks import simulated
from benchmarks.simulated import PERIOD_S, Simulated


async def _main(directory: Path) -> None:
    loop = asyncio.get_running_loop()
    ports = {one.port: _opened(directory / one.port) for one in simulated.INSTRUMENTS}
    for port in ports.values():
        loop.add_reader(port, os.read, port, 4096)
    start = loop.time()
    for number, one in enumerate(one for one in simulated.INSTRUMENTS if one.question):
        is_on_a_bus = one.port.startswith("bus")
        at = start + (PERIOD_S * (number % simulated.BUS) / simulated.BUS if is_on_a_bus else 0.0)
        _ask_always(loop, at, ports[one.port], one)
    await asyncio.Event().wait()


def _opened(port: Path) -> int:
    opened = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(opened)
    return opened


def _ask_always(loop: asyncio.AbstractEventLoop, at: float, port: int, one: Simulated) -> None:
    with contextlib.suppress(OSError):  # the instruments have ended, and so will this
        os.write(port, one.question)
    loop.call_at(at + PERIOD_S, _ask_always, loop, at + PERIOD_S, port, one)


if __name__ == "__main__":
    given: dict[str, Any] = json.loads(sys.argv[1])
    asyncio.run(_main(Path(given["directory"])))
