"""Load for `page`, a process of its own that goes on until it is ended.

    python -m benchmarks.page_load overview '{"port": ..., "secret": ...}'     300 instruments of two agents, 5 Hz each
    python -m benchmarks.page_load plot '{"url": ..., "secret": ..., "data": ...}'     one, 1000 samples a second

The first speaks for its agents on plain sockets, as cheaply as it can: the machine's cores are the browser's. The
second is an agent as it is, whose frames are logged.
"""

import asyncio
import contextlib
import gc
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Never

from kleinmaelzung_agent import agent
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.instruments import Instrument, Reading, Sink
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_wire import frames, messages
from kleinmaelzung_wire.descriptions import Channel, Description
from tests import sockets
from tests.fakes_agent import Counting
from tests.sockets import Socket

AGENTS: Final = ("pi-1", "pi-2")
INSTRUMENTS: Final = 300
RATE: Final = 5  # of each
LATEST_EVERY: Final = 5  # frames: once a second
TICK_S: Final = 0.01
SAMPLES_A_SECOND: Final = 1000


def values_at(seconds: float, number: int) -> dict[str, float]:
    """Two channels that never rest."""
    return {
        "temperature": round(20 + number % 40 + 5 * math.sin(seconds / 7 + number), 2),
        "humidity": round(50 + 20 * math.cos(seconds / 11 + number), 1),
    }


UNITS: Final = {"temperature": "°C", "humidity": "%"}


async def _overview(given: dict[str, Any]) -> None:
    url = f"ws://127.0.0.1:{given['port']}"
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(sockets.agent(url, name, given["secret"])) for name in AGENTS]
        reading = [asyncio.create_task(_read_always(one), name="reading") for one in opened]
        for one in opened:
            status = messages.AgentStatus(online=True, since=_now_us(), version="0", epoch=1)
            await one.send("publish", "status", status.encode())
        for number in range(INSTRUMENTS):
            await _introduce(opened[number % len(opened)], number)
        gc.freeze()
        print("ready", flush=True)
        await _speak_always(opened)
        await asyncio.gather(*reading)


async def _introduce(socket: Socket, number: int) -> None:
    channels = [Channel(name=name, unit=unit, label=name.capitalize()) for name, unit in UNITS.items()]
    described = Description(channels=channels, driver="text", label=f"Climate logger {number + 1}")
    state = messages.State(state="connected", since=_now_us())
    await socket.send("publish", f"i{number}/description", described.encode())
    await socket.send("publish", f"i{number}/state", state.encode())


async def _speak_always(opened: list[Socket]) -> Never:
    """One instrument after the other, evenly, so that each has its turn RATE times a second."""
    begin = time.monotonic()
    turns = _turns()
    said = 0
    while True:
        await asyncio.sleep(TICK_S)
        due = int((time.monotonic() - begin) * INSTRUMENTS * RATE)
        for count, number in itertools.islice(turns, due - said):
            await _say(opened[number % len(opened)], number, count)
        said = due


def _turns() -> Iterator[tuple[int, int]]:
    """How many frames each has said, and which it is."""
    for count in itertools.count(1):
        for number in range(INSTRUMENTS):
            yield count, number


async def _say(socket: Socket, number: int, count: int) -> None:
    frame = frames.Frame(
        epoch=1,
        number=count,
        times=(_now_us(),),
        channels={name: [value] for name, value in values_at(time.monotonic(), number).items()},
        units=UNITS,
        clock=frames.Clock(synchronised=True, error_us=900),
    )
    await socket.send("publish", f"i{number}/data", frames.encode(frame))
    if (count + number) % LATEST_EVERY == 0:
        await socket.send("publish", f"i{number}/latest", messages.encode_latest(messages.latest(frame)))


async def _read_always(socket: Socket) -> None:
    async for _ in socket.connection:
        pass


def _now_us() -> int:
    return time.time_ns() // 1000


class Waving(Counting):
    """Says what came in the last hundredth of a second, as a fast instrument does."""

    def description(self) -> Description:
        return Description(channels=[Channel(name="force", unit="N", label="Force")], driver="fake", label="Press")

    async def run(self) -> Never:
        self._sink.state(self.name, "connected", "")
        step_ns = 1_000_000_000 // SAMPLES_A_SECOND
        next_ns = time.monotonic_ns()
        while True:
            await asyncio.sleep(TICK_S)
            due = range(next_ns, time.monotonic_ns(), step_ns)
            if due:
                next_ns = due[-1] + step_ns
                self._sink.samples(self.name, [_reading(at) for at in due])


def _reading(at_ns: int) -> Reading:
    seconds = at_ns / 1e9
    force = 100 * math.sin(seconds) + 10 * math.sin(40 * seconds)
    return Reading(values={"force": round(force, 3)}, units={"force": "N"}, taken_ns=at_ns)


async def _plot(given: dict[str, Any]) -> None:
    config = AgentConfig(name="pi-1", url=given["url"], secret=given["secret"], data=Path(given["data"]))

    def make(sink: Sink) -> dict[str, Instrument]:
        return {"press": Waving("press", sink, TICK_S)}

    print("ready", flush=True)
    await agent.run(config, make, sampling={"press": Sampling()}, stop=asyncio.Event())


if __name__ == "__main__":
    asyncio.run({"overview": _overview, "plot": _plot}[sys.argv[1]](json.loads(sys.argv[2])))
