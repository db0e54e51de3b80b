"""A run led by a program: a line of JSON in for each act, a line of JSON out for each thing that happens.

    {"act": "tick", "check": "levelled"}        --> {"event": "done", "act": "tick", "run": {...}}
    {"act": "place", "step": 1}                 --> {"event": "done", ...},
                                                    {"event": "live", "status": "stable", "step": 1, ...},
                                                    {"event": "captured", "step": 1, "run": {...}} or "gave_up"

What a run does not permit while a step waits is done when that is over, so that all lines may be there at once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, TextIO

from kleinmaelzung import CalibrationRun, Error, Lab, NotAccepted, Refused
from kleinmaelzung.commands import calibration_live, calibration_words
from kleinmaelzung.commands.calibration_following import Follower
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import Fields, WireError

AT_ONCE: Final = frozenset({"lift", "answer", "deviate", "pause", "abort"})  # also while a step waits


async def lead(lab: Lab, run: CalibrationRun, lines: TextIO, out: TextIO) -> int:
    """Until the input ends and nothing waits; 1 where anything was refused or given up, or a line was no act."""
    return await _Script(lab, run, out).go(lines)


class _Script:
    def __init__(self, lab: Lab, run: CalibrationRun, out: TextIO) -> None:
        self._following = Follower(lab, run, self._tell, lambda trouble: None)
        self._out = out
        self._lines: deque[str] = deque()
        self._has_ended = False
        self._status: tuple[int, str] | None = None
        self._is_well = True

    async def go(self, lines: TextIO) -> int:
        self._say("run", run=asdict(self._following.run))
        reading = threading.Thread(
            target=_read, args=(lines, asyncio.get_running_loop(), self._hear), name="calibration-input", daemon=True
        )
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._following.watch(), name="calibration-live")
                reading.start()
                await self._lead()
                watching.cancel()
        except* Error as errors:
            raise errors.exceptions[0] from None
        return 0 if self._is_well else 1

    def _hear(self, line: str | None) -> None:
        if line is None:
            self._has_ended = True
        elif line.strip():
            self._lines.append(line)
        self._following.changed.set()

    async def _lead(self) -> None:
        while not self._is_over():
            await self._following.changed.wait()
            self._following.changed.clear()
            self._tell_status()
            await self._following.refresh()
            while self._lines and self._may(self._lines[0]):
                await self._do(self._lines.popleft())

    def _is_over(self) -> bool:
        return self._has_ended and not self._lines and calibration_words.waiting(self._following.run) is None

    def _may(self, line: str) -> bool:
        """Whether it is its turn. What is no act is refused at once."""
        return calibration_words.waiting(self._following.run) is None or _act_of(line) in (None, *AT_ONCE)

    async def _do(self, line: str) -> None:
        act = _act_of(line)
        if act is None:
            self._refuse("", "bad-message", [f'{line.strip():.80} is no act, expected one such as {{"act": "begin"}}'])
            return
        arguments = {key: value for key, value in codec.from_json(line).items() if key != "act"}
        try:
            await self._following.act(act, arguments)
        except NotAccepted as refused:
            self._refuse(act, sockets.CONFLICT, list(refused.mistakes))
        except Refused as refused:
            self._refuse(act, refused.code, [str(refused)])
        except (TypeError, ValueError) as error:
            self._refuse(act, sockets.BAD_MESSAGE, [str(error)])
        else:
            self._say("done", act=act, run=asdict(self._following.run))

    def _refuse(self, act: str, code: str, mistakes: list[str]) -> None:
        self._is_well = False
        self._say("refused", act=act, code=code, mistakes=mistakes)

    def _tell(self, before: CalibrationRun, run: CalibrationRun) -> None:
        """What happened by itself."""
        for event, number, reason in happened(before, run):
            self._is_well = self._is_well and event != "gave_up"
            self._say(event, step=number, reason=reason, run=asdict(run))

    def _tell_status(self) -> None:
        """What the stream of the waiting step does, where that is something else than before."""
        live = self._following.live
        signal = calibration_live.own(live)
        if live is None or live.step is None or signal is None:
            self._status = None
        elif self._status != (live.step, signal.status):
            self._status = live.step, signal.status
            told = {"step": live.step, "value": signal.value, "unit": signal.unit, "reason": signal.reason}
            self._say("live", status=signal.status, **told, left_s=live.left_s)

    def _say(self, event: str, **more: Any) -> None:
        self._out.write(f"{codec.to_json({'event': event, **more})}\n")
        self._out.flush()


def happened(before: CalibrationRun, run: CalibrationRun) -> Iterator[tuple[str, int, str]]:
    """Which steps were captured or given up in between: event, number, reason."""
    if before.phase != run.phase:
        return
    for step in run.steps:
        old = before.step(step.step)
        if old is None or (old.state, old.at) == (step.state, step.at):
            continue
        if step.state == "captured":
            yield "captured", step.step, ""
        elif old.state == "waiting" and step.state == "open" and step.reason:
            yield "gave_up", step.step, step.reason


def _act_of(line: str) -> str | None:
    """The name of the act, or None for what is none."""
    try:
        return Fields(codec.from_json(line), "line").text("act")
    except WireError:
        return None


def _read(lines: TextIO, loop: asyncio.AbstractEventLoop, hear: Any) -> None:
    """In a thread: an input may be a file, a pipe or a terminal, and none must stop the rest."""
    try:
        for line in lines:
            loop.call_soon_threadsafe(hear, line)
        loop.call_soon_threadsafe(hear, None)
    except (RuntimeError, ValueError, OSError):
        pass  # all is over already
