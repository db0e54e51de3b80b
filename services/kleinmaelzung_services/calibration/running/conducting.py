"""The open runs, looked after some times a second: their streams in; what was captured, given up and told out.

    log --> Book --> look() --> Bench's tracks judged --> captured | gave_up --> log          every LOOK_S
                         |--> runs.Live, retained, of each open run                           at most as often
    Holding takes and renews what is measured                                                 a task of its own

All that a run is stands in the log: a service that is killed goes on where the log ends. A window that was captured is
written under the condition that nothing else was, and tried again until it is written or known to be: so it is there
once. Of a step that waits the time begins anew with a start of the service, and after a pause.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.calibration.log.entries import LogError, Moved
from kleinmaelzung_services.calibration.running import room
from kleinmaelzung_services.calibration.running.bench import Bench
from kleinmaelzung_services.calibration.running.book import Book, Damaged, now_us
from kleinmaelzung_services.calibration.running.commanding import Commanding
from kleinmaelzung_services.calibration.running.holding import Holding
from kleinmaelzung_services.calibration.running.telling import Telling
from kleinmaelzung_services.calibration.running.watching import Watching, is_read
from kleinmaelzung_services.calibration.runs import acting, capturing, steps
from kleinmaelzung_services.calibration.runs.capturing import FrameMissing, Look
from kleinmaelzung_services.calibration.runs.events import Captured, GaveUp, What
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.runs.run import Run, StepRun, Waiting
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import failpoints
from kleinmaelzung_wire.messages import MAX_SENTENCE
from kleinmaelzung_wire.runs import Live, LiveSignal

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.25
HOLD_S: Final = 0.5
REFRESH_S: Final = 5.0  # another service may write, too

_HELD: Final = frozenset({"measuring", "measured", "adjusting"})
_NOTHING: Final = Look(seen=())


@dataclass(frozen=True, slots=True)
class _Pending:
    """What is still to be written of a run as it was."""

    run: Run
    made: Sequence[What]
    user: str


class Conducting:
    """A part of the service: `run()` must be running. `ended` is told a run that was issued or aborted."""

    def __init__(self, user: str, book: Book) -> None:
        self.book = book
        self.bench = Bench()
        self.commanding = Commanding(user)
        self.holding = Holding(self.bench, self.commanding)
        self.watching = Watching(self.bench, book)
        self._telling = Telling()
        self._nudged = asyncio.Event()
        self._pending: dict[str, _Pending] = {}
        self._waits: dict[str, tuple[Waiting, float]] = {}  # since when, by the monotonic clock
        self._captured = self._gave_up = 0
        self._refreshed_s = float("-inf")
        self._away = "the log has not been read yet"

    async def serve(self, session: bus.Session) -> None:
        """Use a new session. Raises BusError."""
        await self.commanding.serve(session)
        await self.bench.serve(session)
        await self._telling.serve(session)

    def take(self, message: bus.Message) -> bool:
        return self.commanding.take(message) or self._telling.take(message) or self.bench.take(message)

    async def run(self) -> Never:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._for_ever(self._look, LOOK_S, self._nudged), name="calibration-look")
            group.create_task(self._for_ever(self._hold, HOLD_S, asyncio.Event()), name="calibration-hold")
        raise AssertionError("these tasks do not end")

    def figures(self) -> dict[str, int]:
        """For the status: open runs, and what was captured and given up since the start."""
        return {"open": len(self.book.runs), "captured": self._captured, "gave_up": self._gave_up}

    def nudge(self) -> None:
        """Look at once: something was written."""
        self._nudged.set()

    async def _for_ever(self, work: Callable[[], Awaitable[None]], every_s: float, early: asyncio.Event) -> Never:
        while True:
            early.clear()
            try:
                await work()
            except Exception:  # whatever a run's entries make of us, the other runs and the next look go on
                logger.exception("looking after the runs failed by a mistake of ours")
            try:
                async with asyncio.timeout(every_s):
                    await early.wait()
            except TimeoutError:
                pass

    async def _hold(self) -> None:
        held = {run.instrument for run in self.book.runs.values() if run.state in _HELD and is_read(run)}
        await self.holding.keep(held)

    async def _look(self) -> None:
        await self._refresh()
        await self.watching.follow()
        for run in list(self.book.runs.values()):
            try:
                await self._attend(run)
            except Exception:  # one run's trouble must not end the others'
                logger.exception("run %s cannot be looked after, by a mistake of ours", run.name)
        if not self._away:
            self._telling.clear({run.instrument for run in self.book.runs.values()})

    async def _refresh(self) -> None:
        """Read what others wrote, seldom; where the database was away, at once when it is back."""
        if not self._away and time.monotonic() - self._refreshed_s < REFRESH_S:
            return
        try:
            await self.book.refresh()
        except (Unavailable, Damaged) as error:
            if not self._away:
                logger.warning("the log cannot be read: %s", error)
            self._away = str(error)
            return
        self._refreshed_s, self._away = time.monotonic(), ""

    async def _attend(self, run: Run) -> None:
        run = await self._written(run)
        reason = self._in_the_way(run)
        look = self._judged(run)
        if run.waiting and run.name not in self._pending:
            made = self._made(run, run.waiting, look, reason)
            if made:
                failpoints.reach("calibration.judged")
                self._pending[run.name] = _Pending(run, made, run.waiting.by)
                run = await self._written(run)
                reason, look = self._in_the_way(run), self._judged(run)
        if run.is_open:
            self._telling.tell(self._live(run, look, reason), run.instrument)

    async def _written(self, run: Run) -> Run:
        """The run after what is pending was written; as it is where the database is away."""
        pending = self._pending.get(run.name)
        if pending is None:
            return run
        try:
            after = await self._write(pending)
        except (Unavailable, LogError) as error:
            if not self._away:
                logger.warning("run %s: %s", run.name, error)
            self._away = str(error)
            return run
        del self._pending[run.name]
        self._away = ""
        return after

    async def _write(self, pending: _Pending) -> Run:
        try:
            after = await self.book.write(pending.run, pending.made, user=pending.user)
        except Moved:  # written before the answer was lost, or somebody lifted the step
            return await self.book.run(pending.run.name) or pending.run
        failpoints.reach("calibration.captured")
        self._captured += any(isinstance(one, Captured) for one in pending.made)
        self._gave_up += any(isinstance(one, GaveUp) for one in pending.made)
        return after

    def _judged(self, run: Run) -> Look:
        step = _step(run)
        if step is None or run.is_paused:
            return _NOTHING
        tracks = {
            (name, channel): track
            for name, stream in self.bench.streams.items()
            for channel, track in stream.tracks.items()
        }
        return capturing.look(run, step, tracks, now_us())

    def _made(self, run: Run, waiting: Waiting, look: Look, reason: str) -> list[What]:
        """What becomes of the step that waits; nothing yet."""
        passed_s = self._passed_s(run, waiting)
        timeout_s = steps.measurand_of(run.template, _waiting_step(run, waiting).step).stability.timeout_s
        record_s = _waiting_step(run, waiting).step.record_s or 0.0
        try:
            if look.is_stable and not reason:
                signals = [
                    capturing.signal(one, self.bench.streams[one.stream.instrument].payloads) for one in look.seen
                ]
                return acting.captured(run, waiting.step, waiting.attempt, signals)
            if passed_s > timeout_s + record_s:
                why = reason or look.reason or "it did not become stable"
                return acting.gave_up(run, waiting.step, waiting.attempt, f"given up after {timeout_s:g} s: {why}")
        except FrameMissing as error:
            logger.debug("a window whose frames are gone: %s", error)  # the next look has a newer one
        except Refused as error:
            logger.warning("run %s: %s", run.name, error)
        return []

    def _passed_s(self, run: Run, waiting: Waiting) -> float:
        known = self._waits.get(run.name)
        if known is None or known[0] != waiting:
            known = self._waits[run.name] = waiting, time.monotonic()
        return time.monotonic() - known[1]

    def _in_the_way(self, run: Run) -> str:
        """Why nothing can be captured now, whatever the streams do; empty where nothing is in the way."""
        if run.name in self._pending or (self._away and not self.book.runs):
            return f"what was captured is not written yet: {self._away}"
        if run.state not in _HELD:
            return ""
        found = [*self.watching.mistakes(run), *room.mistakes(run, self.bench, now_us())]
        if not found and is_read(run) and not self.holding.is_held(run.instrument):
            found.append(self.holding.why_not(run.instrument))
        if self._away:
            found.append(self._away)
        return "; ".join(found)

    def _live(self, run: Run, look: Look, reason: str) -> Live:
        waiting = run.waiting
        left_s = None
        if waiting:
            step = _waiting_step(run, waiting).step
            whole_s = steps.measurand_of(run.template, step).stability.timeout_s + (step.record_s or 0.0)
            left_s = round(max(0.0, whole_s - self._passed_s(run, waiting)), 1)
        signals: list[LiveSignal] = [one.live() for one in look.seen]
        return Live(
            run=run.name,
            state=run.state,
            phase=run.phase,
            head=run.head,
            is_paused=run.is_paused,
            is_held=self.holding.is_held(run.instrument),
            step=waiting.step if waiting else None,
            left_s=left_s,
            reason=reason[:MAX_SENTENCE],
            time=now_us(),
            signals=[*signals, *room.signals(run, self.bench, now_us())],
        )


def _step(run: Run) -> StepRun | None:
    """The step that waits, else the next one."""
    if run.waiting and run.series:
        return run.series.step(run.waiting.step)
    return run.next if run.state == "measuring" else None


def _waiting_step(run: Run, waiting: Waiting) -> StepRun:
    found = run.series.step(waiting.step) if run.series else None
    assert found is not None
    return found
