"""Calibration certificates that a laboratory's calibration service has issued: asked for, got, and known again."""

import functools
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from kleinmaelzung.asking import Ask, make_id, unreadable
from kleinmaelzung.desk import Desk
from kleinmaelzung.errors import Error, Refused
from kleinmaelzung.paging import Listing
from kleinmaelzung_wire import certificates, codec, sockets, topics
from kleinmaelzung_wire.certificates import State
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.rights import EVERYTHING

T = TypeVar("T")

ANSWER_S: Final = 10.0
ISSUE_S: Final = 60.0  # numbers are calculated and pages drawn meanwhile
MAX_PACKED: Final = codec.MAX_BYTES - 1024  # of a record with its template, as they travel


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """By whom, when (µs since 1970 UTC) and why a certificate was withdrawn, in all its revisions."""

    user: str
    time: int
    reason: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "withdrawn")
        return cls(user=wire.text("user"), time=wire.integer("time"), reason=wire.text("reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One revision of a certificate, as the register has it: entry `entry`, added by `user`. Time in µs since 1970 UTC.

    `sha256` is that of the PDF, `data_sha256` that of the record within it. `state` is "valid", "superseded" by a
    further revision, or "withdrawn". `run` is the number of the run that it came of, empty for one of a record's file.
    """

    entry: int
    number: str
    revision: int
    issued: int
    user: str
    item: str
    sha256: str
    data_sha256: str
    verdict: str
    is_specimen: bool
    language: str
    pages: int
    replaces: str
    state: State = "valid"
    withdrawn: Withdrawal | None = None
    run: str = ""

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "certificate")
        return cls(
            entry=wire.integer("entry"),
            number=wire.text("number"),
            revision=wire.integer("revision"),
            issued=wire.integer("issued"),
            user=wire.text("user"),
            item=wire.text("item"),
            sha256=certificates.check_sha256(wire.text("sha256")),
            data_sha256=certificates.check_sha256(wire.text("data_sha256")),
            verdict=wire.text("verdict"),
            is_specimen=wire.boolean("specimen"),
            language=wire.text("language"),
            pages=wire.integer("pages"),
            replaces=wire.text("replaces"),
            state=codec.one_of(wire.text("state", default="valid"), State, "certificate.state"),
            withdrawn=None if wire.get("withdrawn") is None else Withdrawal.from_map(wire.get("withdrawn")),
            run=wire.text("run", default="") if wire.get("run") is not None else "",
        )


_LISTING: Final = Listing(
    request=certificates.LIST,
    key="certificates",
    of="about certificates",
    read=Certificate.from_map,
    number=lambda one: one.entry,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a server knows of a document: `same` has its very bytes, `newest` is what holds under its number."""

    same: Certificate | None
    newest: Certificate | None


class NotIssued(Error):
    """No certificate can be made of the record; `mistakes` has a sentence for each reason."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Certificates:
    """The certificates of one laboratory; `lab.certificates` is one. Each raises Refused where nobody can answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def issue(
        self,
        record: bytes,
        *,
        template: bytes | None = None,
        language: str = "en",
        number: str = "",
        amends: str = "",
        reason: str = "",
        changes: Sequence[tuple[str, str, str]] = (),
        readings: bool = True,
        id: str = "",  # noqa: A002
    ) -> Certificate:
        """Have a record's certificate issued. Without a template the one that comes along is taken.

        `number` is for the register to choose unless given; `amends` is that of a certificate of which this is a
        further revision, for a `reason` and with `changes`: field, before, after. Raises NotIssued with all that
        forbids it. With an `id` of the caller's own it may be sent again and is done once.
        """
        question = {
            "language": language,
            "number": number,
            "amends": amends,
            "reason": reason,
            "changes": [{"field": field, "before": before, "after": after} for field, before, after in changes],
            "readings": readings,
            "id": id or make_id(),
            "instrument": _about(record),
            "record": _packed(record),
            "template": None if template is None else _packed(template),
        }
        if (size := len(codec.pack(question))) > MAX_PACKED:
            raise Error(f"the record has {size // 1024} KiB, packed; {MAX_PACKED // 1024} KiB go to the server at once")
        answer = await self._ask(lambda ask: ask(certificates.ISSUE, question), ISSUE_S)
        issued = _read(answer, _issued)
        if isinstance(issued, NotIssued):
            raise issued
        return issued

    async def known(self, sha256: str, number: str | None = None) -> Known:
        """What the server knows of a document: of its bytes, and of its number."""
        question = {"sha256": sha256, "number": number}
        return _read(await self._ask(lambda ask: ask(certificates.KNOWN, question), ANSWER_S), _known)

    async def withdraw(self, number: str, reason: str, *, id: str = "") -> Certificate:  # noqa: A002
        """Say that a certificate holds no more, in all its revisions: it stays on record, as withdrawn.

        Raises Refused, "conflict" where it was withdrawn already.
        """
        question = {"number": number, "reason": reason, "id": id or make_id()}
        return await self._by_grant(number, lambda about, ask: _withdraw(ask, {**question, **about}))

    async def find(
        self,
        pattern: str = EVERYTHING,
        *,
        text: str = "",
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Certificate]:
        """What was issued of the instruments under `<agent>/<instrument>`, the newest first.

        With `text` where number, instrument, serial or asset number, model or verdict has it; `since` and `until` (µs
        since 1970 UTC) are when it was issued.
        """
        found: dict[int, Certificate] = {}
        wanted = {
            key: value for key, value in (("text", text), ("from", since), ("to", until)) if value not in ("", None)
        }
        for granted in await self._desk.granted(pattern):
            question = {"instrument": granted, **wanted}
            shown = await self._ask(functools.partial(_LISTING.newest, question=question, limit=limit), ANSWER_S)
            found |= {one.entry: one for one in shown}
        return [found[entry] for entry in sorted(found, reverse=True)[:limit]]

    async def pdf(self, number: str, revision: int | None = None) -> bytes:
        """The document, byte for byte as it was issued; its newest revision unless told.

        Raises Error where it came damaged.
        """
        return await self.file(number, certificates.PDF, revision)

    async def file(self, number: str, file: str, revision: int | None = None) -> bytes:
        """A file of a certificate: "pdf", "xml" (dcc.xml), "json" (record.json), or another attachment by its name."""
        question = {"number": number, "revision": revision, "file": file}
        return await self._by_grant(number, lambda about, ask: _file(ask, {**question, **about}))

    async def _by_grant(self, number: str, ask: Callable[[dict[str, Any], Ask], Awaitable[T]]) -> T:
        unknown = Refused(f"there is no certificate {number}", sockets.UNKNOWN)
        for granted in await self._desk.granted(EVERYTHING):
            try:
                return await self._ask(functools.partial(ask, {"instrument": granted}), ANSWER_S)
            except Refused as refused:
                if refused.code != sockets.UNKNOWN:
                    raise
                unknown = refused  # of an instrument of this grant, but there are others
        raise unknown

    async def _ask(self, ask: Callable[[Ask], Awaitable[T]], timeout_s: float) -> T:
        return await self._desk.by_one(certificates.ROLE, ask, timeout_s)


async def _file(ask: Ask, question: dict[str, Any]) -> bytes:
    found = bytearray()
    while True:
        answer = await ask(certificates.FILE, {**question, "offset": len(found)})
        piece, total, sha256 = _read(answer, _piece)
        found += piece
        if not piece or len(found) >= total:
            break
    if hashlib.sha256(found).hexdigest() != sha256:
        number = question["number"]
        raise Error(f"certificate {number} did not come as it was issued: ask again; if it stays so, tell your admin")
    return bytes(found)


async def _withdraw(ask: Ask, question: dict[str, Any]) -> Certificate:
    answer = await ask(certificates.WITHDRAW, question)
    return _read(answer, lambda value: Certificate.from_map(Fields(value, "answer").get("certificate")))


def _read(answer: Any, of: Callable[[Any], T]) -> T:
    try:
        return of(answer)
    except WireError as error:
        raise unreadable("about certificates", error) from error


def _issued(answer: Any) -> "Certificate | NotIssued":
    wire = Fields(answer, "answer")
    if (found := wire.get("certificate")) is not None:
        return Certificate.from_map(found)
    mistakes = [one for one in wire.list("mistakes") if isinstance(one, str)]
    return NotIssued(mistakes or ["the server did not say why"])


def _known(answer: Any) -> Known:
    wire = Fields(answer, "answer")
    same, newest = (
        None if one is None else Certificate.from_map(one) for one in (wire.get("known"), wire.get("issued"))
    )
    return Known(same=same, newest=newest)


def _piece(answer: Any) -> tuple[bytes, int, str]:
    wire = Fields(answer, "answer")
    return wire.binary("content"), wire.integer("total", minimum=1), wire.text("sha256")


def _packed(content: bytes) -> bytes:
    return zlib.compress(content, 9)


def _about(record: bytes) -> str:
    """The instrument that the record is of, where it is one of this system; or whatever the user is granted."""
    try:
        item = json.loads(record)["item"]["id"]
        topics.split_full_name(item)
    except (ValueError, KeyError, TypeError):
        return EVERYTHING  # the server says what is wrong with the record
    return str(item)
