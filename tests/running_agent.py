"""A whole agent within the test's process, with counting instruments or those the test makes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from kleinmaelzung_agent import agent
from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_agent.commands.guards import Guarding
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_agent.spool.spool import Limits
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from tests.fakes_agent import QUICK, Counting, config
from tests.waiting import until


class Running:
    """An agent that runs in this process."""

    def __init__(self, names: tuple[str, ...], period_s: float, others: "Others | None" = None) -> None:
        self._names, self._period_s, self._others = names, period_s, others
        self.instruments: dict[str, Counting] = {}
        self.stop = asyncio.Event()
        self.sink: Sink | None = None

    def make(self, sink: Sink) -> dict[str, Instrument]:
        self.sink = sink
        self.instruments = {name: Counting(name, sink, self._period_s) for name in self._names}
        return dict(self.instruments) | (self._others(sink) if self._others else {})

    @property
    def balance(self) -> Counting:
        return self.instruments["balance"]

    @property
    def agent(self) -> agent.Agent:
        assert isinstance(self.sink, agent.Agent)
        return self.sink


Others = Callable[[Sink], dict[str, Instrument]]


@asynccontextmanager
async def running(
    url: str,
    data: Path,
    *,
    names: tuple[str, ...] = ("balance",),
    period_s: float = 0.01,
    sampling: Mapping[str, Sampling] | None = None,
    guarding: Mapping[str, Guarding] | None = None,
    others: Others | None = None,
    limits: Limits | None = None,
    tuning: Tuning = QUICK,
    secret: str = "a secret",
    ca_file: Path | None = None,
) -> AsyncIterator[Running]:
    """Instruments of these names that count, sampled in these ways, and others beside them."""
    made = Running(names, period_s, others)
    sampling = dict.fromkeys(names, Sampling(frame_every_s=0.0)) | dict(sampling or {})
    settings = replace(config(url, data, secret), spool=limits or Limits(), ca_file=ca_file)
    run = agent.run(settings, made.make, sampling=sampling, guarding=guarding, stop=made.stop, tuning=tuning)
    task = asyncio.create_task(run)
    try:
        await until(lambda: made.sink or task.done(), "the agent has begun")
        yield made
    finally:
        made.stop.set()
        async with asyncio.timeout(10):
            await task


def rows(data: Path) -> list[tuple[int, int, bytes]]:
    """What the spool holds: epoch, number, payload."""
    if not (data / FILE_NAME).exists():
        return []
    connection = sqlite3.connect(data / FILE_NAME)
    try:
        return connection.execute("SELECT epoch, number, payload FROM frames ORDER BY id").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()
