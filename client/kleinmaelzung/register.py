"""The register of a laboratory: itself, its reference standards, the instruments that it calibrates. Only added to."""

import asyncio
import functools
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from kleinmaelzung.asking import Ask, make_id, unreadable
from kleinmaelzung.desk import Desk
from kleinmaelzung.errors import ConnectionLost, Error, NotAccepted, NotReachable, Refused
from kleinmaelzung_wire import certificates, codec, register, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.register import Kind
from kleinmaelzung_wire.rights import EVERYTHING

T = TypeVar("T")

ANSWER_S: Final = 15.0
VERIFY_S: Final = 60.0  # for each of the pieces that it is read in
STALLS: Final = 5  # pieces one after the other that brought a file no further
_OF: Final = "about the register"

Progress = Callable[[int, int], None]  # how many bytes of how many are there


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """What is held of a standard, an item or the laboratory since entry `number` of the log, by `user` at `time`.

    Time in µs since 1970 UTC, `due` a date such as "2027-06-02", or empty. `content` is as docs/calibration-runs.md
    lists its keys; `sha256` is that of the certificate's file, or empty.
    """

    kind: Kind
    name: str
    content: dict[str, Any]
    number: int
    time: int
    user: str
    is_retired: bool
    due: str
    is_overdue: bool
    sha256: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "entry")
        return cls(
            kind=codec.one_of(wire.text("kind"), Kind, "entry.kind"),
            name=wire.text("name"),
            content=wire.map("content"),
            number=wire.integer("number"),
            time=wire.integer("time"),
            user=wire.text("user"),
            is_retired=wire.boolean("is_retired"),
            due=_text(wire, "due"),
            is_overdue=wire.boolean("is_overdue"),
            sha256=_text(wire, "sha256"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterChange:
    """Who changed an entry when and why: the keys that became others, `before` and `after`. `kind`: put or retired."""

    number: int
    time: int
    user: str
    kind: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    file: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "change")
        return cls(
            number=wire.integer("number"),
            time=wire.integer("time"),
            user=wire.text("user"),
            kind=wire.text("kind"),
            reason=_text(wire, "reason"),
            before=_map(wire, "before"),
            after=_map(wire, "after"),
            file=_text(wire, "file"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A calibration that a standard took part in: a run, and the certificate that was issued of it, if one was."""

    run: str
    certificate: str
    revision: int | None
    instrument: str
    time: int
    state: str
    verdict: str
    is_withdrawn: bool

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "use")
        return cls(
            run=_text(wire, "run"),
            certificate=_text(wire, "certificate"),
            revision=wire.optional_integer("revision"),
            instrument=wire.text("instrument"),
            time=wire.integer("time"),
            state=_text(wire, "state"),
            verdict=_text(wire, "verdict"),
            is_withdrawn=wire.boolean("is_withdrawn"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """Whether the log of all runs and of the register, and the register of certificates, are as they were written.

    `checked` entries were compared; `first_wrong` is the number of the first that is not what it was, and `wrong` says
    what was found of it. `head` is "812:9f86...": the number of the last entry and its hash.
    """

    is_whole: bool
    checked: int
    wrong: str
    first_wrong: int | None
    head: str


def _nobody(have: int, total: int) -> None:
    """Nobody wants to know how far a file has come."""


class Register:
    """The register of one laboratory; `lab.register` is one. Each call raises Refused where nobody can answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def standards(self) -> list[RegisterEntry]:
        """The reference standards by name, retired ones too."""
        return await self.find(register.STANDARD)

    async def items(self) -> list[RegisterEntry]:
        """The instruments that are calibrated here, by name."""
        return await self.find(register.ITEM)

    async def laboratory(self) -> RegisterEntry | None:
        """What stands on certificates as the laboratory; None where it was not said yet."""
        found = await self.find(register.LABORATORY)
        return found[0] if found else None

    async def find(self, kind: Kind) -> list[RegisterEntry]:
        """All entries of a kind that this user may see."""
        found: dict[str, RegisterEntry] = {}
        for granted in await self._desk.granted(EVERYTHING):
            question = {"kind": kind, "instrument": granted}
            shown = await self._ask(functools.partial(_list, question=question))
            found |= {entry.name: entry for entry in shown}
        return [found[name] for name in sorted(found)]

    async def show(self, kind: Kind, name: str) -> tuple[RegisterEntry, list[RegisterChange]]:
        """An entry, and who changed it when and why. Raises Refused ("unknown") where there is none."""
        return await self._by_grant(name, lambda about, ask: _show(ask, {**about, "kind": kind, "name": name}))

    async def put(
        self,
        kind: Kind,
        name: str,
        content: Mapping[str, Any],
        *,
        reason: str = "",
        file: bytes | str | os.PathLike[str] | None = None,
        progress: Progress = _nobody,
        id: str = "",  # noqa: A002
    ) -> RegisterEntry:
        """Add an entry, or change it: what was held before stays on record.

        `file` is a standard's certificate, bytes or a path, which is sent before. For calibrators and admins; the
        laboratory itself for admins. Raises NotAccepted with all that is wrong.
        """
        question: dict[str, Any] = {"kind": kind, "name": name, "content": dict(content), "reason": reason}
        question["id"] = id or make_id()
        if file is not None:
            question["file_sha256"] = await self.upload(file, progress=progress)
        return await self._by_grant(name, lambda about, ask: _put(ask, register.PUT, {**question, **about}))

    async def retire(self, kind: Kind, name: str, reason: str, *, id: str = "") -> RegisterEntry:  # noqa: A002
        """Use an entry no more: it stays, with all that was done with it."""
        question = {"kind": kind, "name": name, "reason": reason, "id": id or make_id()}
        return await self._by_grant(name, lambda about, ask: _put(ask, register.RETIRE, {**question, **about}))

    async def upload(self, file: bytes | str | os.PathLike[str], *, progress: Progress = _nobody) -> str:
        """Send a file that an entry is to name. Returns its SHA-256.

        What came before the connection was lost is not sent again, also by another call.
        """
        content = file if isinstance(file, bytes) else await asyncio.to_thread(_content, Path(file))
        if not content:
            raise Error("the file of the certificate is empty: choose another")
        if len(content) > register.MAX_FILE:
            most = f"{register.MAX_FILE // 2**20} MiB"
            raise Error(f"the file of the certificate has more than {most}: scan it in grey, 200 dpi will do")
        sha256 = hashlib.sha256(content).hexdigest()
        about = {"sha256": sha256, "total": len(content)}
        await self._by_grant("", lambda grant, ask: _upload(ask, {**grant, **about}, content, progress))
        return sha256

    async def file(self, sha256: str) -> bytes:
        """The file of a standard's certificate, by its SHA-256. Raises Error where it came damaged."""
        return await self._by_grant("", lambda about, ask: _file(ask, {**about, "sha256": sha256}))

    async def impact(self, name: str, *, since: int | None = None, until: int | None = None) -> list[Use]:
        """What was calibrated with a standard, the newest first: for when it is found out of its tolerance.

        `since` and `until` in µs since 1970 UTC.
        """
        found: dict[tuple[str, str], Use] = {}
        for granted in await self._desk.granted(EVERYTHING):
            question = {"name": name, "from": since, "to": until, "instrument": granted}
            shown = await self._ask(functools.partial(_impact, question=question))
            found |= {(one.run, one.certificate): one for one in shown}
        return sorted(found.values(), key=lambda one: (-one.time, one.run))

    async def verify(self) -> LogCheck:
        """Whether the server's log of calibrations and its register of certificates are whole: from the first on."""
        granted = (await self._desk.granted(EVERYTHING))[0]
        return await self._ask(lambda ask: _verify(ask, {"instrument": granted}), VERIFY_S)

    async def _by_grant(self, name: str, ask: Callable[[dict[str, Any], Ask], Awaitable[T]]) -> T:
        """By the first pattern under which it is known: of an item the one that it falls under."""
        unknown: Refused | None = None
        for granted in await self._desk.granted(EVERYTHING):
            try:
                return await self._ask(functools.partial(ask, {"instrument": granted}))
            except Refused as refused:
                if refused.code != sockets.UNKNOWN:
                    raise
                unknown = refused
        assert unknown is not None
        raise unknown

    async def _ask(self, ask: Callable[[Ask], Awaitable[T]], timeout_s: float = ANSWER_S) -> T:
        return await self._desk.by_one(certificates.ROLE, ask, timeout_s)


async def _list(ask: Ask, question: dict[str, Any]) -> list[RegisterEntry]:
    found: list[RegisterEntry] = []
    while True:
        page = _fields(await ask(register.LIST, {**question, "after": found[-1].name if found else None}))
        shown, more = _page(page, "entries", RegisterEntry.from_map)
        found += shown
        if not more:
            return found


async def _show(ask: Ask, question: dict[str, Any]) -> tuple[RegisterEntry, list[RegisterChange]]:
    changes: list[RegisterChange] = []
    while True:
        page = _fields(await ask(register.SHOW, {**question, "after": changes[-1].number if changes else None}))
        shown, more = _page(page, "changes", RegisterChange.from_map)
        changes += shown
        if not more:
            return _read(page.get("entry"), RegisterEntry.from_map), changes


async def _put(ask: Ask, request: str, question: dict[str, Any]) -> RegisterEntry:
    page = _fields(await ask(request, question))
    if mistakes := [one for one in page.get("mistakes") or [] if isinstance(one, str)]:
        raise NotAccepted(mistakes)
    return _read(page.get("entry"), RegisterEntry.from_map)


async def _upload(ask: Ask, question: dict[str, Any], content: bytes, progress: Progress) -> None:
    """Each answer says where to go on: from the beginning where nothing has come, or what came was given up."""
    have, stalls = 0, 0
    is_asking = True  # how far it came before
    while have < len(content):
        piece = b"" if is_asking else content[have : have + register.MAX_PIECE]
        try:
            answer = _fields(await ask(register.UPLOAD, {**question, "offset": have, "content": piece}))
        except (ConnectionLost, NotReachable):
            stalls, is_asking = stalls + 1, True
            if stalls > STALLS:
                raise
            continue
        now = _read(answer, lambda wire: wire.integer("have", minimum=0))
        stalls = 0 if now > have else stalls + (not is_asking)
        if stalls > STALLS:
            raise Error("the server takes no more of the file: are others being sent by the same user? Try again")
        have, is_asking = now, False
        progress(min(have, len(content)), len(content))


def _content(path: Path) -> bytes:
    """Its bytes, or one more than are kept."""
    try:
        with path.open("rb") as opened:
            return opened.read(register.MAX_FILE + 1)
    except OSError as error:
        raise Error(f"{path} cannot be read: {error.strerror or error}") from error


async def _file(ask: Ask, question: dict[str, Any]) -> bytes:
    found = bytearray()
    while True:
        page = _fields(await ask(register.FILE, {**question, "offset": len(found)}))
        piece, total = _read(page, lambda wire: (wire.binary("content"), wire.integer("total")))
        found += piece
        if not piece or len(found) >= total:
            break
    if hashlib.sha256(found).hexdigest() != question["sha256"]:
        raise Error("the file did not come as it was stored: ask again; if it stays so, tell your admin")
    return bytes(found)


async def _impact(ask: Ask, question: dict[str, Any]) -> list[Use]:
    found: list[Use] = []
    while True:
        page = _fields(await ask(register.IMPACT, {**question, "after": len(found)}))
        shown, more = _page(page, "results", Use.from_map)
        found += shown
        if not more:
            return found


async def _verify(ask: Ask, question: dict[str, Any]) -> LogCheck:
    checked, last = 0, (0, "")
    while True:
        after = {"number": last[0], "hash": last[1]} if last[0] else None
        piece = _read(await ask(register.LOG, {**question, "after": after}), _Piece.from_map)
        checked += piece.checked
        if not piece.more or piece.head == last:
            break
        last = piece.head
    return LogCheck(
        is_whole=not (piece.more or piece.wrong or piece.first_wrong),
        checked=checked,
        wrong=piece.wrong,
        first_wrong=piece.first_wrong,
        head=f"{piece.head[0]}:{piece.head[1]}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What was found of a part of the log; to be gone on with behind `head` where there is `more`."""

    checked: int
    wrong: str
    first_wrong: int | None
    head: tuple[int, str]
    more: bool

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "answer")
        head = Fields(wire.get("head"), "head")
        return cls(
            checked=wire.integer("checked"),
            wrong=_text(wire, "wrong"),
            first_wrong=wire.optional_integer("first_wrong"),
            head=(head.integer("number"), head.text("hash")),
            more=wire.boolean("more"),
        )


def _fields(answer: Any) -> Fields:
    return _read(answer, lambda value: Fields(value, "answer"))


def _page(page: Fields, key: str, read: Callable[[Any], T]) -> tuple[list[T], bool]:
    shown = _read(page, lambda wire: [read(one) for one in wire.list(key)])
    return shown, _read(page, lambda wire: wire.boolean("more")) and bool(shown)


def _read(found: Any, of: Callable[[Any], T]) -> T:
    try:
        return of(found)
    except WireError as error:
        raise unreadable(_OF, error) from error


def _text(wire: Fields, key: str) -> str:
    return "" if wire.get(key) is None else wire.text(key)


def _map(wire: Fields, key: str) -> dict[str, Any]:
    return {} if wire.get(key) is None else wire.map(key)
