"""What the register is asked: requests of kleinmaelzung_wire/register.py in, their answers or a refusal out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import verifying
from kleinmaelzung_services.calibration.certificates.asked import MAX_REASON, covers, reason_of
from kleinmaelzung_services.calibration.log.entries import Again, ClockBehind, Draft, Entry, Moved
from kleinmaelzung_services.calibration.register import content, told
from kleinmaelzung_services.calibration.register.register import Register
from kleinmaelzung_services.calibration.register.told import PUT, RETIRED, Registered
from kleinmaelzung_services.calibration.register.uploads import Piece, Uploads
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused, id_of
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import certificates, codec, register, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind
from kleinmaelzung_wire.requests import MAX_ANSWER
from kleinmaelzung_wire.rights import PUBLIC

CHANGING: Final = frozenset({"calibrator", "admin"})
_WHO: Final = "one who is calibrator or admin"
PAGE: Final = 100
PIECE: Final = MAX_ANSWER - 1000  # bytes of a file in one answer
PIECE_S: Final = 4.0  # of verifying for one answer
ATTEMPTS: Final = 5  # where others change the same entry meanwhile
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry that somebody wants to change. `seen` is the number of the one that they saw, None: whatever it is."""

    kind: Kind
    name: str
    user: str
    id: str
    seen: int | None

    @classmethod
    def parse(cls, asked: Asked) -> "Change":
        """Raises RequestRefused for who may not, WireError."""
        wire = asked.request.fields()
        kind = _kind(wire)
        if asked.role not in ({"admin"} if kind == LABORATORY else CHANGING):
            who = "an admin" if kind == LABORATORY else _WHO
            sentence = f"{asked.user} is {asked.role}: the register's {kind} is changed by {who}"
            raise RequestRefused(sockets.NOT_PERMITTED, sentence)
        name = _name(asked, kind)
        return cls(kind=kind, name=name, user=asked.user, id=id_of(wire), seen=wire.optional_integer("number"))


Entries = list[dict[str, Any]]
Mistakes = list[str]
# What is to be written of an entry as it is now; a sentence why it cannot be; None where nothing is different.
Decide = Callable[[Registered | None], Draft | str | None]


class Registrar:
    """Answers what the register is asked. `changed` is told an instrument whose entry was changed."""

    def __init__(self, register_: Register, *, changed: Callable[[str], None] = lambda item: None) -> None:
        self._register = register_
        self._changed = changed
        self._uploads = Uploads(register_.log.tables)

    def handlers(self) -> dict[str, Handler]:
        asked: Mapping[str, Handler] = {
            register.LIST: self.list,
            register.SHOW: self.show,
            register.PUT: self.put,
            register.RETIRE: self.retire,
            register.UPLOAD: self.upload,
            register.FILE: self.file,
            register.IMPACT: self.impact,
            register.LOG: self.log,
        }
        return {name: _answering(handler) for name, handler in asked.items()}

    async def list(self, asked: Asked) -> dict[str, Any]:
        """The handler for LIST: by name; `after` is that of the last one."""
        wire = asked.request.fields()
        kind = _kind(wire)
        after = None if wire.get("after") is None else register.check_name(wire.text("after"))
        about = lookup.instruments(asked.request) if kind == ITEM else (None, None)
        found = await self._register.page(kind, after, PAGE + 1, about)
        return page({}, "entries", await self._entries(found), PAGE)

    async def show(self, asked: Asked) -> dict[str, Any]:
        """The handler for SHOW: with what was changed, the newest first; `after` is the number of the last one."""
        wire = asked.request.fields()
        kind, after = _kind(wire), wire.optional_integer("after")
        name = _name(asked, kind)
        history = await self._register.history(kind, name)
        found = told.registered(kind, history)
        if found is None:
            raise _unknown(kind, name)
        [entry] = await self._entries([found])
        changes = [one for one in told.changes(history) if after is None or one["number"] < after]
        return page({"entry": entry}, "changes", changes, PAGE)

    async def put(self, asked: Asked) -> dict[str, Any]:
        """The handler for PUT. A standard's file was uploaded before, and stays as long as its certificate does."""
        change, wire = Change.parse(asked), asked.request.fields()
        reason = wire.text("reason", default="", longest=MAX_REASON).strip()
        file = wire.text("file_sha256", default="")
        checked, mistakes = content.check(change.kind, change.name, _tidied(wire.map("content")), _today())
        mistakes += await self._wrong_file(change.kind, checked, file) + _wrong_reason(reason)
        if checked is None or mistakes:
            return {"entry": None, "mistakes": mistakes}
        plain = content.plain(checked)

        def decide(now: Registered | None) -> Draft | str | None:
            kept = file or _kept(now, plain)
            if now is not None and not now.is_retired and (now.content, now.file) == (plain, kept):
                return None  # nothing is different
            if now is not None and not reason:
                return "reason: missing; an entry that is there is changed: say why"
            return Draft(kind=PUT, details={"content": plain, "reason": reason, "file": kept})

        return await self._change(change, {"content": plain, "reason": reason}, decide)

    async def retire(self, asked: Asked) -> dict[str, Any]:
        """The handler for RETIRE: it is used no more, and stays. Who puts it again takes it back."""
        change, wire = Change.parse(asked), asked.request.fields()
        reason = reason_of(wire)
        if change.kind == LABORATORY:
            raise WireError("a laboratory is not retired: put what is different")

        def decide(now: Registered | None) -> Draft | str | None:
            if now is None:
                raise _unknown(change.kind, change.name)
            if now.is_retired:
                sentence = f"{change.kind} {change.name} is retired already, by {now.user}"
                raise RequestRefused(sockets.CONFLICT, sentence)
            return Draft(kind=RETIRED, details={"reason": reason})

        return await self._change(change, {"reason": reason}, decide)

    async def upload(self, asked: Asked) -> dict[str, Any]:
        """The handler for UPLOAD."""
        if asked.role not in CHANGING:
            sentence = f"{asked.user} is {asked.role}: files of the register are sent by {_WHO}"
            raise RequestRefused(sockets.NOT_PERMITTED, sentence)
        piece = Piece.parse(asked.request.fields())
        return {"have": await self._uploads.take(asked.user, piece), "total": piece.total}

    async def file(self, asked: Asked) -> dict[str, Any]:
        """The handler for FILE: as many of its bytes as go into one answer."""
        wire = asked.request.fields()
        sha256 = certificates.check_sha256(wire.text("sha256"))
        offset = wire.integer("offset", minimum=0, maximum=2**31 - 1, default=0)
        found = await self._register.log.file_piece(sha256, offset, PIECE)
        if found is None:
            raise RequestRefused(sockets.UNKNOWN, f"there is no file {sha256} here: is the hash right?")
        return {"content": found[0], "total": found[1], "sha256": sha256}

    async def impact(self, asked: Asked) -> dict[str, Any]:
        """The handler for IMPACT, the newest first; `after` is how many were told before."""
        wire = asked.request.fields()
        name = register.check_name(wire.text("name"))
        span = lookup.moment(wire, "from"), lookup.moment(wire, "to")
        after = wire.integer("after", minimum=0, maximum=2**31 - 1, default=0)
        if not await self._register.history(STANDARD, name):
            raise _unknown(STANDARD, name)
        about = lookup.instruments(asked.request)
        return page({}, "results", await self._register.used(name, span, about, after, PAGE + 1), PAGE)

    async def log(self, asked: Asked) -> dict[str, Any]:
        """The handler for LOG: what can be verified in PIECE_S behind `after`, a number or the `head` of an answer.

        At its end the register of certificates is verified, too, which has a chain of its own.
        """
        log = self._register.log
        found = await log.verify(_after(asked.request.fields()), piece_s=PIECE_S)
        wrong = found.sentence
        if found.is_end and not wrong and (why := await verifying.damage(log.tables.dsn)):
            wrong = f"the register of certificates: {why}"
        return {
            "checked": found.checked,
            "wrong": wrong,
            "first_wrong": found.first_wrong,
            "head": {"number": found.head.number, "hash": found.head.hash.hex()},
            "more": not found.is_end,
        }

    async def _change(self, change: Change, wanted: dict[str, Any], decide: Decide) -> dict[str, Any]:
        """Decide by what the entry is now, and note it; decide anew where somebody else was first."""
        for _ in range(ATTEMPTS):
            now = await self._register.find(change.kind, change.name)
            if done := await self._register.log.done(change.user, change.id):
                _check_repeat(change, wanted, done[0])
                return await self._answer(change)
            _check_seen(change, now)
            decided = decide(now)
            if isinstance(decided, str):
                return {"entry": None, "mistakes": [decided]}
            if decided is not None:
                try:
                    await self._write(change, decided, now)
                except (Moved, Again):
                    continue
                if change.kind == ITEM:
                    self._changed(change.name)
            return await self._answer(change)
        raise RequestRefused(sockets.BUSY, f"{change.kind} {change.name} is changed by others right now: try again")

    async def _wrong_file(self, kind: Kind, checked: content.Content | None, sha256: str) -> Mistakes:
        if not sha256:
            return []
        certificates.check_sha256(sha256)
        if kind != STANDARD:
            return [f"file_sha256: of a standard its certificate is kept, of the {kind} nothing; leave it out"]
        if isinstance(checked, content.Standard) and checked.certificate is None:
            rule = "the standard has no certificate of which this could be the file"
            return [f"file_sha256: {rule}; enter it, or leave this out"]
        if await self._uploads.is_kept(sha256):
            return []
        return [f"file_sha256: the file {sha256[:12]}... is not here, or not all of it; send it first"]

    async def _write(self, change: Change, draft: Draft, now: Registered | None) -> None:
        await self._register.write(
            change.kind,
            change.name,
            draft,
            user=change.user,
            request=change.id,
            expected=now.number if now else 0,
            now_us=time.time_ns() // 1000,
        )

    async def _answer(self, change: Change) -> dict[str, Any]:
        found = await self._register.find(change.kind, change.name)
        assert found is not None
        [entry] = await self._entries([found])
        return {"entry": entry, "mistakes": []}

    async def _entries(self, found: Sequence[Registered]) -> Entries:
        dues, today = await self._register.dues(found), _today()
        return [told.entry(one, dues[one.name], today) for one in found]


def _answering(handler: Handler) -> Handler:
    """What holds for each: who may look, and what is said where the database does not answer."""

    async def answer(asked: Asked) -> Any:
        if asked.role == PUBLIC:
            raise RequestRefused(sockets.NOT_PERMITTED, "the register is for those who have signed in")
        try:
            return await handler(asked)
        except (Unavailable, ClockBehind) as error:
            raise RequestRefused(sockets.UNAVAILABLE, str(error)) from error
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error

    return answer


def _kind(wire: Fields) -> Kind:
    kind: Kind = codec.one_of(wire.text("kind"), Kind, "kind")
    return kind


def _name(asked: Asked, kind: Kind) -> str:
    """Of an instrument it falls under what the request is about, and is unknown where it does not."""
    name = register.check_name(asked.request.fields().text("name"))
    if kind == ITEM:
        lookup.instruments(asked.request)  # which must be there
        if not covers(asked.request.instrument or "", name):
            sentence = f"{name} is not under {asked.request.instrument}, which this is about"
            raise RequestRefused(sockets.UNKNOWN, sentence)
    return name


def _today() -> date:
    return datetime.now(UTC).date()


def _tidied(found: dict[str, Any]) -> dict[str, Any]:
    """What a form leaves empty is left out."""
    return {key: value for key, value in found.items() if value not in (None, "", {})}


def _wrong_reason(reason: str) -> list[str]:
    return (
        [] if not reason or reason.isprintable() else ["reason: it has a character that cannot be printed; take it out"]
    )


def _kept(now: Registered | None, plain: dict[str, Any]) -> str:
    """The file that is there stays that of the same certificate."""
    is_same = now is not None and now.content.get("certificate") == plain.get("certificate")
    return now.file if now is not None and is_same else ""


def _check_seen(change: Change, now: Registered | None) -> None:
    if change.seen is not None and change.seen != (now.number if now else 0):
        by = f", by {now.user}" if now else ""
        sentence = f"{change.kind} {change.name} was changed meanwhile{by}: look at it again, and then change it"
        raise RequestRefused(sockets.CONFLICT, sentence)


def _check_repeat(change: Change, wanted: dict[str, Any], done: Entry) -> None:
    """Raise RequestRefused where an id was used for something else."""
    found = {key: done.details.get(key) for key in wanted}
    if (done.subject, found) != (told.subject(change.kind, change.name), wanted):
        raise RequestRefused(sockets.CONFLICT, f"{change.user} used the id {change.id!r} for another request")


def _unknown(kind: Kind, name: str) -> RequestRefused:
    return RequestRefused(sockets.UNKNOWN, f"the register has no {kind} {name}: is the name right?")


def _after(wire: Fields) -> int | Link | None:
    match wire.get("after"):
        case None:
            return None
        case int(number) if 0 <= number <= _LARGEST and not isinstance(number, bool):
            return number
        case {"number": int(number), "hash": str(text)} if 0 <= number <= _LARGEST:
            return Link(number, bytes.fromhex(certificates.check_sha256(text)))
    raise WireError("after is neither the number of an entry nor the head of an answer: {number, hash}")
