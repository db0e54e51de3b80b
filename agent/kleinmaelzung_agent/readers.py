"""The tasks that read the instruments: begun and ended one by one, in a task group of somebody else's.

A driver with a fault is started again, so that it ends no other.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from kleinmaelzung_agent.instruments import Instrument

logger = logging.getLogger(__name__)

RESTART_S: Final = 5.0  # a driver with a fault is started again, but not so often that it fills the log
LET_GO_S: Final = 1.0  # a driver that does not let go must not hold up the rest


class Readers:
    """Of one run of the agent; `failed` gets an instrument and what was wrong with its driver."""

    def __init__(self, failed: Callable[[str, str], None]) -> None:
        self._failed = failed
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, instruments: Iterable[Instrument], tasks: asyncio.TaskGroup) -> None:
        for instrument in instruments:
            name = f"instrument {instrument.name}"
            self._running[instrument.name] = tasks.create_task(self._read(instrument), name=name)

    async def stop(self, names: Iterable[str]) -> None:
        """All of them at once: a port that one had may be for another."""
        stopped = [task for name in names if (task := self._running.pop(name, None))]
        for task in stopped:
            task.cancel()
        if stopped:
            await asyncio.wait(stopped, timeout=LET_GO_S)

    async def stop_all(self) -> None:
        await self.stop(list(self._running))

    async def _read(self, instrument: Instrument) -> None:
        # One that was stopped and did not let itself be cancelled is not begun again.
        while self._running.get(instrument.name) is asyncio.current_task():
            try:
                await instrument.run()
            except Exception as error:  # a fault in one driver must not end the other instruments
                logger.exception("%s: fault in the driver", instrument.name)
                self._failed(instrument.name, f"fault in the driver: {error!r:.200}")
            await asyncio.sleep(RESTART_S)
