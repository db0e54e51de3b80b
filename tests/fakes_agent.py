"""An agent with a counting instrument in place of a real one. As a program: URL, data directory, secret."""

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Never

from kleinmaelzung_agent import agent
from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.instruments import Gate, Instrument, Reading, Sink, open_gate
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_wire.descriptions import Channel, Description
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Command, Reply
from kleinmaelzung_wire.waits import Waits
from tests.fakes_gateway import SECRET

QUICK = Tuning(resend_after_s=0.2, patience_s=0.3, waits=Waits(first_s=0.005, longest_s=0.02))


class Counting:
    """Counts up, a reading each period; executes commands by noting them."""

    def __init__(self, name: str, sink: Sink, period_s: float) -> None:
        self.name = name
        self.counters = Counters()
        self.executed: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self._sink, self._period_s = sink, period_s
        self.count = 0

    def description(self) -> Description:
        return Description(channels=[Channel(name="count")], driver="fake")

    async def run(self) -> Never:
        self._sink.state(self.name, "connected", "")
        while True:
            self.say()
            await asyncio.sleep(self._period_s)

    def say(self, value: Value = None) -> None:
        self.count += 1
        reading = Reading(values={"count": self.count if value is None else value}, taken_ns=time.monotonic_ns())
        self._sink.samples(self.name, [reading])

    def check(self, command: Command) -> str:
        return ""

    async def execute(self, command: Command, *, timeout_s: float, gate: Gate = open_gate) -> Reply:
        await self.hold.wait()
        if command.name == "crash":
            raise ValueError("a fault")
        self.executed.append(command.id)
        return Reply(id=command.id, name=command.name, user=command.user, result="done", bytes_in=b"T S\r\n")


def config(url: str, data: Path, secret: str = SECRET) -> AgentConfig:
    return AgentConfig(name="pi-1", url=url, secret=secret, data=data)


async def main(url: str, data: str, secret: str = SECRET) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def make(sink: Sink) -> dict[str, Instrument]:
        return {"balance": Counting("balance", sink, 0.01)}

    sampling = {"balance": Sampling(frame_every_s=0.0)}
    await agent.run(config(url, Path(data), secret), make, sampling=sampling, stop=stop, tuning=QUICK)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
