"""The demo's instruments: a balance that we did not write, and a thermometer, each behind a pseudo-terminal.

The balance is PyPI's mt-sics-emulator (MT-SICS, as Mettler Toledo, Ohaus and Sartorius balances speak it); the
thermometer answers `T?` with `+21.35 C`. Prints one line of JSON with the two device paths, then runs until SIGTERM.
"""

import asyncio
import contextlib
import json
import math
import os
import random
import signal
import time

from mtsics.core.simulator import WeightSimulator
from mtsics.core.state import ScaleState
from mtsics.profiles import load
from mtsics.protocol.engine import MTSICSEngine
from mtsics.transport.serial import SerialConfig, SerialTransport

from kleinmaelzung_local.pty_pair import cable

LOAD_EVERY_S = 6.0
LOADS_G = (12.5, 25.0, 50.0, 37.2, 0.0)  # a laboratory at work: samples of malt come and go


async def balance(port: str) -> None:
    """A Mettler Toledo XS204 on a port, with changing loads on its pan."""
    state = ScaleState(config=load("mt-xs204"))
    simulator = WeightSimulator(state)
    simulator.snap_to(LOADS_G[0])
    transport = SerialTransport(MTSICSEngine(state), simulator, SerialConfig(port=port))
    await transport.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(transport.serve_forever(), name="balance")
        while True:
            for grams in LOADS_G:
                simulator.set_target(grams)
                await asyncio.sleep(LOAD_EVERY_S)


async def thermometer(port: str) -> None:
    """A thermometer whose air temperature swings slowly around 21 °C."""
    device = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(device, readable.set)
    received = b""
    while True:
        await readable.wait()
        readable.clear()
        with contextlib.suppress(BlockingIOError):
            received += os.read(device, 4096)
        *questions, received = received.split(b"\r\n")
        for question in questions:
            os.write(device, _answer(question, time.monotonic()))


def _answer(question: bytes, now_s: float) -> bytes:
    if question == b"T?":
        celsius = 21.0 + 0.5 * math.sin(now_s / 20) + random.gauss(0, 0.01)
        return f"{celsius:+.2f} C\r\n".encode()
    return b"ID THERMO 1.0\r\n" if question == b"ID?" else b"ERR\r\n"


async def run() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with cable() as scale, cable() as probe:
        print(json.dumps({"balance": scale.near, "thermometer": probe.near}), flush=True)
        tasks = [asyncio.create_task(balance(scale.far)), asyncio.create_task(thermometer(probe.far))]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(run())
