"""A guided run at a terminal: what to do is said, the stream is shown, what is typed is done, until all is calculated.

keys, live messages --> one task that draws, acts and tells --> the run, which is kept by the server alone
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final, TextIO

from kleinmaelzung import CalibrationRun, Error, Lab, NotAccepted, Refused, RunStep
from kleinmaelzung.commands import calibration_live, calibration_steps, calibration_words, texts, typed
from kleinmaelzung.commands.calibration_following import Follower
from kleinmaelzung.commands.calibration_screen import Keys, Line, Screen, heard
from kleinmaelzung.commands.calibration_steps import Columns
from kleinmaelzung.commands.calibration_words import Doing
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire.descriptions import Description

LOOK_S: Final = 1.0  # how often is looked whether anything is told still
STALE_S: Final = 5.0
ENDED: Final = ("calculated", "reviewed", "issued", "aborted")  # nothing is left to do here


class Guide:
    """One operator at one run."""

    def __init__(self, lab: Lab, run: CalibrationRun, screen: Screen, *, is_fine: bool) -> None:
        self._following = Follower(lab, run, self._tell, self._be_troubled)
        self._screen = screen
        self._is_fine = is_fine
        self._keys = Keys()
        self._lines: deque[str] = deque()
        self._places = 0  # decimals that the instrument shows
        self._trouble = ""
        self._title = ""  # of which test the heading was printed last
        self._is_left = False

    @property
    def _run(self) -> CalibrationRun:
        return self._following.run

    async def go(self, keys: TextIO) -> int:
        """Lead until the end, or until it is left."""
        self._screen.say(calibration_steps.heading(self._run), "")
        for step in self._run.steps:
            if step.is_done:
                self._show(step)
        try:
            with heard(keys, self._lines.append, self._following.changed.set) as self._keys:
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(self._following.watch(), name="calibration-live")
                    await self._lead()
                    watching.cancel()
        except* Error as errors:
            raise errors.exceptions[0] from None
        finally:
            self._screen.clear()
            self._screen.say(*self._ending())
        return 0

    async def _lead(self) -> None:
        while not self._is_left and self._run.state not in ENDED:
            self._draw()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._following.changed.wait()
            self._following.changed.clear()
            await self._following.refresh()
            while self._lines and not self._is_left:
                await self._hear(self._lines.popleft())

    async def _hear(self, line: str) -> None:
        try:
            await self._do(calibration_words.meaning(self._run, line))
        except NotAccepted as refused:
            self._screen.say(*(f"  not done: {texts.plain(mistake)}" for mistake in refused.mistakes))
        except (WrongUsage, Refused) as error:
            self._screen.say(f"  not done: {texts.plain(str(error))}")
        self._be_troubled("")

    async def _do(self, doing: Doing) -> None:
        match doing.act:
            case "nothing":
                return
            case "quit":
                self._is_left = True
            case "help":
                self._screen.say(*(f"  {line}" for line in calibration_words.HELP.splitlines()))
            case "command":
                name, is_confirmed = doing.arguments["name"], doing.arguments["confirmed"]
                found = await self._arguments(name, doing.arguments["typed"], is_confirmed)
                await self._following.act("command", {"name": name, "arguments": found, "confirmed": is_confirmed})
                self._screen.say(f"  {texts.plain(name)} is done")
            case act:
                if act == "calculate":
                    self._be_troubled("calculating, once the logger has stored what was captured last")
                await self._following.act(act, doing.arguments)

    async def _arguments(self, name: str, given: list[str], is_confirmed: bool) -> dict[str, Any]:
        payload = await self._following.retained(f"{self._run.instrument}/description")
        if payload is None:
            raise WrongUsage(f"{self._run.instrument} has not said yet which commands it has: is its agent connected?")
        known = typed.command(Description.decode(payload), name)
        if known.dangerous and not is_confirmed:
            raise WrongUsage(f"{name} is dangerous: look at the instrument, then type c! {' '.join([name, *given])}")
        return dict(typed.arguments(known, given))

    # What is said and stays

    def _tell(self, before: CalibrationRun, run: CalibrationRun) -> None:
        """What is different."""
        for check, was in zip(run.checks, before.checks, strict=False):
            if check.by != was.by:
                self._screen.say(calibration_steps.ticked(check))
        for question, asked in zip(run.questions, before.questions, strict=False):
            if question.value is not None and question.value != asked.value:
                self._screen.say(calibration_steps.answered(question))
        for one in run.deviations[len(before.deviations) :]:
            self._screen.say(f"  deviation: {texts.plain(one.text)}")
        for step in run.steps:
            old = before.step(step.step)
            if old is not None and old != step and run.phase == before.phase:
                self._tell_step(old, step)

    def _tell_step(self, old: RunStep, step: RunStep) -> None:
        for line in [*Columns(self._run).struck(step)][len(old.struck) :]:
            self._screen.say(line)
        is_read = step.is_done and (old.at, old.value) != (step.at, step.value)
        if is_read or (step.state == "left out" and old.state != "left out"):
            self._show(step)
        elif old.state == "waiting" and step.state == "open":
            why = f": {texts.plain(step.reason)}" if step.reason else ""
            self._screen.say(f"  step {step.step} was not captured{why}")

    def _show(self, step: RunStep) -> None:
        columns, title = Columns(self._run), calibration_steps.test_title(self._run, step)
        if title != self._title:
            self._screen.say("", title, columns.heading(step))
            self._title = title
        self._screen.say(columns.row(step))

    def _ending(self) -> list[str]:
        if self._run.state in ENDED:
            return [*calibration_steps.results(self._run), *calibration_steps.whats_next(self._run)]
        waits = calibration_words.waiting(self._run)
        still = f"; step {waits.step} goes on waiting until it is stable" if waits else ""
        return [f"{self._run.run} stays open{still}", *calibration_steps.whats_next(self._run)]

    # What is drawn again and again

    def _be_troubled(self, trouble: str) -> None:
        self._trouble = trouble
        self._draw()

    def _draw(self) -> None:
        live = self._following.live
        self._places = calibration_live.decimals(calibration_live.own(live), self._places)
        block: list[Line] = [[(texts.plain(instruction(self._run)), "")]]
        if self._trouble:
            block.append([(f"  {texts.plain(self._trouble)}", "warn")])
        elif self._run.state == "measuring":
            is_stale = time.monotonic() - self._following.live_at > STALE_S
            block.append(calibration_live.line(live, self._places, is_stale=is_stale, is_fine=self._is_fine))
            if others := calibration_live.others(live):
                block.append(others)
        self._screen.draw(block, self._keys.typed)


def instruction(run: CalibrationRun) -> str:
    """What to do now, and what Enter means. Pure."""
    if run.is_paused:
        return "paused: Enter goes on, q leaves"
    match run.state:
        case "created":
            return _preparation(run)
        case "measuring":
            return _step(run)
        case "measured":
            adjusted = "; ? for where it is adjusted now" if run.phase == "as_found" else ""
            return f"all is measured: Enter calculates{adjusted}"
        case "adjusting":
            return "adjust the instrument, then Enter: it is measured again, as left"
    return ""


def _preparation(run: CalibrationRun) -> str:
    check = calibration_words.unticked(run)
    if check is not None:
        count = sum(not one.by for one in run.checks)
        return f"preparation, {count} to tick: {check}? Enter ticks it, ? shows all words"
    question = calibration_words.unanswered(run)
    if question is not None:
        unit = texts.shown_unit(question.unit)
        return f"{question.meaning or question.name}{_range(question)}: type it in {unit}, then Enter"
    return f"Enter takes {run.instrument} for this run and begins"


def _range(question: Any) -> str:
    match question.low, question.high:
        case None, None:
            return ""
        case low, None:
            return f" (from {low:g})"
        case None, high:
            return f" (up to {high:g})"
        case low, high:
            return f" ({low:g} to {high:g})"
    return ""


def _step(run: CalibrationRun) -> str:
    waiting = calibration_words.waiting(run)
    if waiting is not None:
        what = calibration_steps.place(waiting)
        return f"step {waiting.step} of {len(run.steps)}, {what}: waiting until it is stable; l waits no more"
    step = run.step(run.next)
    if step is None:
        return "; ".join(run.missing) or "no step is open"
    return f"step {step.step} of {len(run.steps)}: {calibration_steps.to_do(run, step)}, then Enter"
