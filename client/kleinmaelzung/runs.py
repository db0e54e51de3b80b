"""Calibration runs, led by a laboratory's calibration service: begun, acted in, watched, read.

A run is a log of what happened: all that is asked here with the same `id` twice is done once.
"""

import asyncio
import functools
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from kleinmaelzung.asking import Ask, make_id, unreadable
from kleinmaelzung.desk import Desk
from kleinmaelzung.errors import NotAccepted, Refused
from kleinmaelzung.link import Link
from kleinmaelzung.paging import Listing
from kleinmaelzung.run_views import OVER, CalibrationRun, RunEvent, RunSummary
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire import certificates, runs, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.rights import EVERYTHING
from kleinmaelzung_wire.runs import Live

T = TypeVar("T")
R = TypeVar("R", covariant=True)

ANSWER_S: Final = 15.0
LONG_S: Final = 60.0  # where numbers are calculated and pages drawn meanwhile, or an instrument answers
# What was captured last may be on its way to the database still: so the service says, and is asked again.
LATE: Final = "not in the log yet"
LATE_S: Final = 0.5
LATE_TRIES: Final = 20
_LONG: Final = frozenset({"command", "calculate", "issue"})
_OF: Final = "about runs"
_LISTING: Final = Listing(request=runs.LIST, key="runs", of=_OF, read=RunSummary.from_map, number=lambda run: run.run)


class RunActs(Generic[R]):
    """All that may be done in one run; `lab.runs.on("R-2026-0001")` is one. Each gives the run as it is then.

    What the run does not permit as it is raises NotAccepted, with a sentence for each reason, and Refused who may not.
    """

    def __init__(self, act: Callable[[str, dict[str, Any]], R]) -> None:
        self._act = act

    def tick(self, check: str, *, undone: bool = False) -> R:
        """A preparation is done, by its text; or is not, after all."""
        return self._act("tick", {"check": check, "undone": undone})

    def answer(self, name: str, value: float | str, unit: str) -> R:
        """Answer one of its questions."""
        return self._act("answer", {"name": name, "value": value, "unit": unit})

    def begin(self) -> R:
        """Take the instrument and begin to measure, as found; or, once it is adjusted, as left."""
        return self._act("begin", {})

    def place(self, step: int) -> R:
        """What the step asks for is in place: from now on the service waits until all is stable, and captures."""
        return self._act("place", {"step": step})

    def lift(self) -> R:
        """Wait no more."""
        return self._act("lift", {})

    def type(self, step: int, value: str, unit: str, reason: str) -> R:
        """A value as it was read by eye, where no stream tells."""
        return self._act("type", {"step": step, "value": value, "unit": unit, "reason": reason})

    def strike(self, step: int, reason: str) -> R:
        """What was captured does not count: it stays on record, and the step is open again."""
        return self._act("strike", {"step": step, "reason": reason})

    def skip(self, test: int, reason: str) -> R:
        """Leave the open steps of a test out, as a deviation from the method."""
        return self._act("skip", {"test": test, "reason": reason})

    def deviate(self, text: str) -> R:
        """Note another deviation from the method."""
        return self._act("deviate", {"text": text})

    def command(self, name: str, arguments: Mapping[str, Value] | None = None, *, confirmed: bool = False) -> R:
        """Send the instrument a command, such as tare: nobody else commands it meanwhile.

        One that its description calls dangerous is refused unless it is `confirmed` by who looks at the instrument.
        """
        return self._act("command", {"name": name, "arguments": dict(arguments or {}), "confirmed": confirmed})

    def measure_again(self, reason: str) -> R:
        """Measured, calculated or reviewed already: go back, to strike and repeat."""
        return self._act("measure_again", {"reason": reason})

    def adjust(self, text: str, before: str = "", after: str = "") -> R:
        """All is measured as found, and the instrument is adjusted now: begin() then measures it as left."""
        return self._act("adjust", {"text": text, "before": before, "after": after})

    def calculate(self) -> R:
        """All is measured: check every value against the log, and calculate."""
        return self._act("calculate", {})

    def review(self, *, approve: bool, text: str = "", data_sha256: str = "") -> R:
        """Approve what was calculated, or return it with a reason.

        With the `data_sha256` of the results that were looked at nothing else is approved.
        """
        return self._act("review", {"approve": approve, "text": text, "data_sha256": data_sha256})

    def issue(self, *, language: str = "en", readings: bool = True) -> R:
        """Have the certificate issued; its number is in the run's `certificate`."""
        return self._act("issue", {"language": language, "readings": readings})

    def pause(self, reason: str) -> R:
        """Nothing is captured until resume()."""
        return self._act("pause", {"reason": reason})

    def resume(self) -> R:
        return self._act("resume", {})

    def abort(self, reason: str) -> R:
        """End it without a certificate. It stays on record."""
        return self._act("abort", {"reason": reason})


class Runs:
    """The calibration runs of one laboratory; `lab.runs` is one.

    Each call raises Refused: "not-permitted", "unknown", or "unavailable" when no calibration service is there.
    """

    def __init__(self, desk: Desk, link: Link) -> None:
        self._desk = desk
        self._link = link

    async def create(
        self,
        template: str | bytes,
        instrument: str,
        standards: Mapping[str, str | Sequence[str]],
        *,
        sensors: Mapping[str, str] | None = None,
        channels: Mapping[str, str] | None = None,
        customer: Mapping[str, str] | None = None,
        place: Mapping[str, str] | None = None,
        condition: str = "",
        received: str = "",
        id: str = "",  # noqa: A002
    ) -> CalibrationRun:
        """Begin a run of an instrument, by the name of a template that comes along, or by a file's bytes.

        `standards` by role, or role@position where a template wants one at each, as the register calls them:
        {"weights": "WS-E2-01"}. `sensors` by condition: {"temperature": "pi-1/room/temperature"}. `customer` has name,
        address, contact, country; `place` kind and address; `received` is a date such as "2026-11-23".
        `channels` names the instrument's channel where the template calls it otherwise: {"mass": "weight"}.
        Raises NotAccepted with all that forbids it.
        """
        question = {
            "instrument": instrument,
            "template": zlib.compress(template, 9) if isinstance(template, bytes) else template,
            "standards": list(_chosen(standards)),
            "sensors": dict(sensors or {}),
            "channels": dict(channels or {}),
            "customer": None if customer is None else dict(customer),
            "place": None if place is None else dict(place),
            "condition": condition,
            "received": received or None,
            "id": id or make_id(),
        }
        return _accepted(await self._ask(lambda ask: ask(runs.CREATE, question), LONG_S))

    async def find(self, pattern: str = EVERYTHING, *, is_open: bool = False, limit: int = 100) -> list[RunSummary]:
        """The runs of the instruments under `<agent>/<instrument>`, the newest first; with `is_open` what is to do."""
        found: dict[str, RunSummary] = {}
        for granted in await self._desk.granted(pattern):
            question = {"instrument": granted, "open": is_open}
            listing = functools.partial(_LISTING.newest, question=question, limit=limit)
            shown: list[RunSummary] = await self._ask(listing, ANSWER_S)
            found |= {one.run: one for one in shown}
        return sorted(found.values(), key=lambda one: (-one.created, one.run))[:limit]

    async def show(self, run: str) -> CalibrationRun:
        """A run as it is, by its number. Raises Refused ("unknown") where this user sees none of that number."""
        return await self._by_grant(lambda about, ask: _show(ask, {**about, "run": run}), ANSWER_S)

    async def act(self, run: str, act: str, *, id: str = "", **arguments: Any) -> CalibrationRun:  # noqa: A002
        """Do something in a run, as RunActs names it; return the run as it is then. Raises NotAccepted.

        With an `id` of the caller's own it may be sent again, as after ConnectionLost, and is done once. Where the
        logger has not yet stored what was captured last, it is waited for, up to 10 s.
        """
        question = {**arguments, "run": run, "act": act, "id": id or make_id()}
        timeout_s = LONG_S if act in _LONG else ANSWER_S
        for left in reversed(range(LATE_TRIES)):
            try:
                return await self._by_grant(lambda about, ask: _act(ask, {**question, **about}), timeout_s)
            except NotAccepted as refused:
                if not (left and any(LATE in mistake for mistake in refused.mistakes)):
                    raise
            await asyncio.sleep(LATE_S)
        raise AssertionError("the last one is raised")

    def on(self, run: str) -> RunActs[Awaitable[CalibrationRun]]:
        """What may be done in a run, by names: `await lab.runs.on("R-2026-0001").place(3)`."""
        return RunActs(lambda act, arguments: self.act(run, act, **arguments))

    async def events(self, run: str) -> list[RunEvent]:
        """All that happened in a run, in its order: who, when, what, and the hash that covers it."""
        return await self._by_grant(lambda about, ask: _events(ask, {**about, "run": run}), ANSWER_S)

    def watch(self, run: CalibrationRun) -> Watch[Live]:
        """What a run's streams do now, at most 4 times a second: `async for live in lab.runs.watch(run)`.

        Where `live.head` is larger than that of the run at hand, show() tells more. The loop ends with the run.
        """
        reader = _LiveReader(run.run)
        watch = self._link.watch(f"{run.instrument}/run", reader)
        reader.over = watch.close
        return watch

    async def _by_grant(self, ask: Callable[[dict[str, Any], Ask], Awaitable[T]], timeout_s: float) -> T:
        """A request is about a pattern that is granted as a whole: by the first that shows the run."""
        unknown: Refused | None = None
        for granted in await self._desk.granted(EVERYTHING):
            try:
                return await self._ask(functools.partial(ask, {"instrument": granted}), timeout_s)
            except Refused as refused:
                if refused.code != sockets.UNKNOWN:
                    raise
                unknown = refused  # of an instrument of this grant, but there are others
        assert unknown is not None
        raise unknown

    async def _ask(self, ask: Callable[[Ask], Awaitable[T]], timeout_s: float) -> T:
        return await self._desk.by_one(certificates.ROLE, ask, timeout_s)


class _LiveReader:
    """Decodes what is said of one run, and hears of its end."""

    def __init__(self, run: str) -> None:
        self.over: Callable[[], None] = lambda: None
        self._run = run
        self._was_seen = False

    def __call__(self, message: Message) -> Live | None:
        live = Live.decode(message.payload) if message.payload else None
        if live is None or live.run != self._run:
            if self._was_seen:
                self.over()
            return None
        self._was_seen = True
        if live.state in OVER:
            self.over()
        return live


def _chosen(standards: Mapping[str, str | Sequence[str]]) -> Iterator[dict[str, str]]:
    for where, names in standards.items():
        role, _, position = where.partition("@")
        for name in [names] if isinstance(names, str) else names:
            yield {"role": role, "name": name, "position": position}


async def _show(ask: Ask, question: dict[str, Any]) -> CalibrationRun:
    answer = await ask(runs.SHOW, question)
    try:
        return CalibrationRun.from_map(Fields(answer, "answer").get("run"))
    except WireError as error:
        raise unreadable(_OF, error) from error


async def _act(ask: Ask, question: dict[str, Any]) -> CalibrationRun:
    return _accepted(await ask(runs.ACT, question))


def _accepted(answer: Any) -> CalibrationRun:
    """The run, or raises NotAccepted with what forbids it."""
    try:
        wire = Fields(answer, "answer")
        mistakes = [one for one in wire.list("mistakes") if isinstance(one, str)]
        if not mistakes:
            return CalibrationRun.from_map(wire.get("run"))
    except WireError as error:
        raise unreadable(_OF, error) from error
    raise NotAccepted(mistakes)


async def _events(ask: Ask, question: dict[str, Any]) -> list[RunEvent]:
    found: list[RunEvent] = []
    while True:
        answer = await ask(runs.EVENTS, {**question, "after": found[-1].number if found else None})
        try:
            page = Fields(answer, "answer")
            shown = [RunEvent.from_map(one) for one in page.list("events")]
            more = page.boolean("more")
        except WireError as error:
            raise unreadable(_OF, error) from error
        found += shown
        if not shown or not more:
            return found
