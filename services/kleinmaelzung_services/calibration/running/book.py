"""The runs of one database, read from its log and kept at hand: names in, Runs out; events in, written, and followed.

A run at hand is brought up to date by reading only what came since. Everything raises Unavailable where the database
does not answer, and Damaged where the log holds what this program did not write.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from kleinmaelzung_services.calibration.log import entries
from kleinmaelzung_services.calibration.log.entries import Draft, Entry
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.runs import events, folding
from kleinmaelzung_services.calibration.runs.events import Event, EventError, What
from kleinmaelzung_services.calibration.runs.folding import RunError
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates import checking
from kleinmaelzung_services.calibration.templates.template import Template

logger = logging.getLogger(__name__)

MAX_TEMPLATES: Final = 50


class Damaged(Exception):
    """What stands in the log of a run does not fit; the text is a sentence."""


class Book:
    """`runs` are the open ones at hand, by name."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.runs: dict[str, Run] = {}
        self._damaged = set[str]()
        self._templates: dict[str, tuple[Template, bytes]] = {}

    async def refresh(self) -> None:
        """Bring the open runs up to date, also with what another service wrote."""
        names = [subject.removeprefix(entries.RUN) for subject in await self.log.open_runs()]
        for name in names:
            try:
                await self.run(name)
            except Damaged as error:  # the others go on, and who asks for this one is told
                if name not in self._damaged:
                    logger.error("%s", error)
                self._damaged.add(name)
        for name in self.runs.keys() - set(names):
            self.runs.pop(name, None)

    async def run(self, name: str) -> Run | None:
        """A run as it is now; None where there is none of this name."""
        at_hand = self.runs.get(name)
        new = await self.log.read(subject_of(name), after=at_hand.head if at_hand else 0)
        return await self._followed(name, new) if at_hand or new else None

    async def write(self, run: Run, made: Sequence[What], *, user: str, request: str = "") -> Run:
        """Write what happened to a run. Raises log.entries.Moved, Again, ClockBehind."""
        drafts = [Draft(kind=kind, details=details) for kind, details in map(events.encode, made)]
        written = await self.log.append(
            subject_of(run.name), drafts, user=user, request=request, expected=run.head, now_us=now_us()
        )
        return await self._followed(run.name, written, run)

    async def create(self, created: What, *, user: str, request: str, expected: int) -> Run:
        """Begin a new run. Raises log.entries.Moved, Again, ClockBehind."""
        kind, details = events.encode(created)
        draft = Draft(kind=kind, details=details)
        [written] = await self.log.create_run([draft], user=user, request=request, expected=expected, now_us=now_us())
        return await self._followed(written.subject.removeprefix(entries.RUN), [written])

    async def template(self, sha256: str) -> tuple[Template, bytes]:
        """A template that a run uses, and its file."""
        if sha256 not in self._templates:
            content = await self.log.file(sha256)
            if content is None:
                raise Damaged(f"the template with SHA-256 {sha256} is not among the files of the log any more")
            checked = checking.check(content)
            if checked.template is None:
                raise Damaged(f"the template with SHA-256 {sha256} cannot be read: {checked.mistakes[0]}")
            while len(self._templates) >= MAX_TEMPLATES:
                del self._templates[next(iter(self._templates))]
            self._templates[sha256] = checked.template, content
        return self._templates[sha256]

    async def _followed(self, name: str, new: Sequence[Entry], before: Run | None = None) -> Run:
        run = self.runs.get(name)
        if run is None or (before is not None and before.head > run.head):
            run = before
        try:
            found = [event_of(one) for one in new]
            if run is None:
                created = found[0].what
                assert isinstance(created, events.Created)
                run, found = folding.fold(name, (await self.template(created.template.sha256))[0], found[:1]), found[1:]
            for event in found:
                if event.number > run.head:
                    run = folding.follow(run, event)
        except (EventError, RunError, AssertionError) as error:
            raise Damaged(f"run {name}: {error}") from error
        if run.is_open:
            self.runs[name] = run
        else:
            self.runs.pop(name, None)
        return run


def subject_of(name: str) -> str:
    return f"{entries.RUN}{name}"


def event_of(entry: Entry) -> Event[What]:
    """Raises EventError."""
    what = events.decode(entry.kind, entry.details)
    return Event(number=entry.number, time_us=entry.time, user=entry.user, what=what)


def now_us() -> int:
    return time.time_ns() // 1000
