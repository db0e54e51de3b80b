"""What runs are asked: requests of kleinmaelzung_wire/runs.py in, their answers or a refusal out.

What forbids something is told as `mistakes`; who may not, and what is not there, is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates.asked import covers
from kleinmaelzung_services.calibration.log.entries import Again, ClockBehind, Entry, Moved
from kleinmaelzung_services.calibration.running.beginning import Beginning, template_of
from kleinmaelzung_services.calibration.running.book import Book, Damaged, subject_of
from kleinmaelzung_services.calibration.running.conducting import Conducting
from kleinmaelzung_services.calibration.running.doing import Doing
from kleinmaelzung_services.calibration.runs import permitting, view
from kleinmaelzung_services.calibration.runs.permitting import Refused, Who
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates import shipped
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused, id_of
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import codec, runs, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import MAX_ID
from kleinmaelzung_wire.requests import MAX_ANSWER
from kleinmaelzung_wire.rights import PUBLIC

PAGE: Final = 20
EVENTS: Final = 100
MOST: Final = MAX_ANSWER // 2  # bytes of one event
ATTEMPTS: Final = 10  # where something else is written meanwhile, such as what was captured


class Leading:
    """Answers what runs are asked."""

    def __init__(self, book: Book, conducting: Conducting, beginning: Beginning, doing: Doing) -> None:
        self._book, self._conducting, self._beginning, self._doing = book, conducting, beginning, doing

    def handlers(self) -> dict[str, Handler]:
        asked: Mapping[str, Handler] = {
            runs.CREATE: self.create,
            runs.TEMPLATES: self.templates,
            runs.LIST: self.list,
            runs.SHOW: self.show,
            runs.ACT: self.act,
            runs.EVENTS: self.events,
        }
        return {name: _answering(handler) for name, handler in asked.items()}

    async def create(self, asked: Asked) -> dict[str, Any]:
        """The handler for CREATE."""
        wire, who, id_ = asked.request.fields(), Who(user=asked.user, role=asked.role), id_of(asked.request.fields())
        permitting.check_role(who)
        instrument = _instrument(asked)
        for _ in range(ATTEMPTS):
            if done := await self._book.log.done(who.user, id_):
                return await self._repeated(done, asked, id_)
            try:
                run = await self._beginning.create(instrument, wire, user=who.user, request=id_)
            except (Moved, Again):
                continue
            except Refused as error:
                return {"run": None, "mistakes": _mistakes(error)}
            self._conducting.nudge()
            return {"run": view.view(run), "mistakes": []}
        raise _busy("runs are")

    async def templates(self, asked: Asked) -> dict[str, Any]:
        """The handler for TEMPLATES: those that come along, or the one that is named or sent."""
        wire = asked.request.fields()
        if wire.get("template") is None:
            return {"templates": [view.offer(one.name, one.template) for one in shipped.templates()], "mistakes": []}
        try:
            name, template, _ = template_of(wire)
        except Refused as error:
            return {"templates": [], "mistakes": _mistakes(error)}
        return {"templates": [view.offer(name, template)], "mistakes": []}

    async def list(self, asked: Asked) -> dict[str, Any]:
        """The handler for LIST, the newest first; `after` is the number of the last one."""
        wire = asked.request.fields()
        is_open, pattern = wire.boolean("open", default=False), _pattern(asked)
        before = await self._created(wire.text("after", longest=MAX_ID)) if wire.get("after") is not None else None
        names = {one.removeprefix(subject_of("")) for one in await self._book.log.open_runs()} if is_open else None
        found = list[dict[str, Any]]()
        while len(found) <= PAGE:
            entries = await self._book.log.created(before, PAGE)
            for entry in entries:
                name, item = entry.subject.removeprefix(subject_of("")), entry.details["item"]["id"]
                if (names is None or name in names) and covers(pattern, item) and (run := await self._book.run(name)):
                    found.append(view.summary(run))
            if len(entries) < PAGE:
                break
            before = entries[-1].number
        return page({}, "runs", found, PAGE)

    async def show(self, asked: Asked) -> dict[str, Any]:
        """The handler for SHOW."""
        return {"run": view.view(await self._run(asked))}

    async def act(self, asked: Asked) -> dict[str, Any]:
        """The handler for ACT."""
        wire, who, id_ = asked.request.fields(), Who(user=asked.user, role=asked.role), id_of(asked.request.fields())
        act = wire.text("act", longest=MAX_ID)
        for _ in range(ATTEMPTS):
            run = await self._run(asked)
            if done := await self._book.log.done(who.user, id_):
                return await self._repeated(done, asked, id_, run.name)
            try:
                run = await self._doing.do(run, act, wire, who, asked, id_)
            except (Moved, Again):
                continue
            except Refused as error:
                if error.code != sockets.CONFLICT:
                    raise
                return {"run": view.view(run), "mistakes": _mistakes(error)}
            self._conducting.nudge()
            return {"run": view.view(run), "mistakes": []}
        raise _busy(f"run {wire.text('run', longest=MAX_ID)} is")

    async def events(self, asked: Asked) -> dict[str, Any]:
        """The handler for EVENTS, the oldest first; `after` is the number of the last one."""
        run, after = await self._run(asked), asked.request.fields().optional_integer("after")
        entries = await self._book.log.read(subject_of(run.name), after or 0)
        return page({}, "events", [_told(one) for one in entries[: EVENTS + 1]], EVENTS)

    async def _run(self, asked: Asked) -> Run:
        """The run that it is about, if it is one of the instruments asked for."""
        name, pattern = asked.request.fields().text("run", longest=MAX_ID), _pattern(asked)
        run = await self._book.run(name)
        if run is None or not covers(pattern, run.instrument):
            sentence = f"there is no run {name} of an instrument under {pattern}: is the number right?"
            raise RequestRefused(sockets.UNKNOWN, sentence)
        return run

    async def _created(self, name: str) -> int:
        run = await self._book.run(name)
        if run is None:
            raise RequestRefused(sockets.UNKNOWN, f"there is no run {name} to go on after")
        return run.created.number

    async def _repeated(self, done: Sequence[Entry], asked: Asked, id_: str, name: str = "") -> dict[str, Any]:
        """The answer to what was done before."""
        subject = done[0].subject
        run = await self._book.run(subject.removeprefix(subject_of("")))
        if not subject.startswith(subject_of(name)) or run is None or (not name and done[0].kind != "created"):
            raise RequestRefused(sockets.CONFLICT, f"{asked.user} used the id {id_!r} for another request")
        return {"run": view.view(run), "mistakes": []}


def _answering(handler: Handler) -> Handler:
    """What holds for each: who may look, and what is said where the database does not answer, or is damaged."""

    async def answer(asked: Asked) -> Any:
        if asked.role == PUBLIC:
            raise RequestRefused(sockets.NOT_PERMITTED, "runs are for those who have signed in")
        try:
            return await handler(asked)
        except (Unavailable, ClockBehind) as error:
            raise RequestRefused(sockets.UNAVAILABLE, str(error)) from error
        except Damaged as error:
            raise RequestRefused(
                sockets.CONFLICT, f"{error}; the log was damaged, or a newer version wrote it"
            ) from error

    return answer


def _pattern(asked: Asked) -> str:
    lookup.instruments(asked.request)  # which must be there
    return asked.request.instrument or ""


def _instrument(asked: Asked) -> str:
    """The one instrument that a request is about. Raises WireError."""
    pattern = _pattern(asked)
    if topics.ANY in pattern:
        raise WireError(f"a run is of one instrument, and {pattern} may be several: name it, as in pi-1/balance")
    return pattern


def _mistakes(error: Refused) -> list[str]:
    return list(error.mistakes) or [str(error)]


def _told(entry: Entry) -> dict[str, Any]:
    """As an answer tells it; of a long recording without its samples."""
    found = _whole(entry)
    if len(codec.pack(found)) <= MOST:
        return found
    signals = [{**one, "times_us": [], "values": []} for one in entry.details.get("signals", [])]
    return {**found, "details": {**entry.details, "signals": signals}, "is_cut": True}


def _whole(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "time": entry.time,
        "user": entry.user,
        "kind": entry.kind,
        "details": entry.details,
        "hash": entry.hash.hex(),
    }


def _busy(what: str) -> RequestRefused:
    return RequestRefused(sockets.BUSY, f"{what} changed by others right now: try again")
