"""One run as it is now, for whoever leads it: kept up to date by what is told live, acted in until there is an answer.

live messages --> is more known than of the run at hand? --> it is asked for anew --> `told` hears before and after
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from kleinmaelzung import CalibrationRun, ConnectionLost, Lab, Live, NotReachable, Refused
from kleinmaelzung.asking import make_id
from kleinmaelzung_wire import sockets

T = TypeVar("T")

AGAIN_S: Final = 1.0
_AWAY: Final = frozenset({sockets.UNAVAILABLE, sockets.TIMEOUT, sockets.BUSY})

Told = Callable[[CalibrationRun, CalibrationRun], None]


class Follower:
    """`changed` is set with whatever is new; `trouble` says why there is no answer, while there is none."""

    def __init__(self, lab: Lab, run: CalibrationRun, told: Told, troubled: Callable[[str], None]) -> None:
        self.run = run
        self.live: Live | None = None
        self.live_at = 0.0
        self.changed = asyncio.Event()
        self._lab = lab
        self._told = told
        self._troubled = troubled

    async def watch(self) -> None:
        """For ever: a service that is started anew tells anew."""
        while True:
            async for live in self._lab.runs.watch(self.run):
                self.live, self.live_at = live, time.monotonic()
                self.changed.set()
            await asyncio.sleep(AGAIN_S)

    async def refresh(self) -> None:
        """Ask for the run where more has happened in it than is known here."""
        if self.live is not None and self.live.head > self.run.head:
            self._take(await self._patiently(lambda: self._lab.runs.show(self.run.run)))

    async def act(self, act: str, arguments: dict[str, Any]) -> None:
        """Done once, however often the connection is lost meanwhile. Raises NotAccepted, Refused."""
        asked, number = make_id(), self.run.run
        self._take(await self._patiently(lambda: self._lab.runs.act(number, act, id=asked, **arguments)))

    async def retained(self, topic: str) -> bytes | None:
        return (await self._lab.retained(topic)).get(topic)

    def _take(self, run: CalibrationRun) -> None:
        if run.head >= self.run.head:  # an answer that was on its way may be overtaken
            before, self.run = self.run, run
            self._told(before, run)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: what is asked twice by one id is done once."""
        while True:
            try:
                found = await ask()
            except (ConnectionLost, NotReachable) as error:
                self._troubled(str(error))
            except Refused as error:
                if error.code not in _AWAY:
                    raise
                self._troubled(str(error))
            else:
                self._troubled("")
                return found
            await asyncio.sleep(AGAIN_S)
