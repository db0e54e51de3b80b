"""What is asked of the register: a request in, what it means or a refusal out. Pure."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.documents.certificate.issue import Change
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.requests import Asked, RequestRefused, id_of
from kleinmaelzung_wire import certificates, codec, sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.requests import Request
from kleinmaelzung_wire.rights import EVERYTHING

ISSUING: Final = frozenset({"calibrator", "admin"})
MAX_FILE: Final = 8 * 1024 * 1024  # of a record, unpacked: what does not go into one request, packed, is refused before
MAX_CHANGES: Final = 100
MAX_REASON: Final = 2000
MAX_TEXT: Final = 200  # of what is searched for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A certificate that somebody wants to have issued. An empty `number` is for the register to choose.

    `amends` is the number of a certificate of which this is a further revision.
    """

    user: str
    pattern: str | None
    id: str
    record: bytes
    template: bytes | None
    language: Language
    number: str
    amends: str
    reason: str
    changes: tuple[Change, ...]
    with_readings: bool

    @classmethod
    def parse(cls, asked: Asked) -> "Wish":
        """Raises RequestRefused for who may not, WireError."""
        _check_role(asked, "certificates are issued")
        wire = asked.request.fields()
        number, amends = wire.text("number", default=""), wire.text("amends", default="")
        if number and amends:
            raise WireError("number and amends exclude each other: a further revision has the number of the first")
        for name in filter(None, (number, amends)):
            certificates.check_number(name)
        return cls(
            user=asked.user,
            pattern=asked.request.instrument,
            id=id_of(wire),
            record=unpacked("record", wire.binary("record")),
            template=None if wire.get("template") is None else unpacked("template", wire.binary("template")),
            language=codec.one_of(wire.text("language", default="en"), Language, "language"),
            number=number,
            amends=amends,
            reason=wire.text("reason", default="", longest=MAX_REASON),
            changes=_changes(wire),
            with_readings=wire.boolean("readings", default=True),
        )

    def check_item(self, item: str) -> None:
        """Raise RequestRefused unless the asker may do so with this instrument."""
        pattern = self.pattern or ""
        try:
            topics.split_full_name(item)
        except WireError:  # an instrument that is not connected
            if pattern == EVERYTHING:
                return
            sentence = f"{item!r:.80} is no instrument of this system: whoever is granted {EVERYTHING} may calibrate it"
            raise RequestRefused(sockets.NOT_PERMITTED, sentence) from None
        if not pattern or not topics.matches(pattern, item):
            sentence = f"{item}: not under {pattern or 'no instrument'}, which this is about"
            raise RequestRefused(sockets.NOT_PERMITTED, sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A certificate that somebody wants to have withdrawn."""

    user: str
    pattern: str
    id: str
    number: str
    reason: str

    @classmethod
    def parse(cls, asked: Asked) -> "Withdrawal":
        """Raises RequestRefused for who may not, WireError."""
        _check_role(asked, "certificates are withdrawn")
        wire = asked.request.fields()
        lookup.instruments(asked.request)  # which must be there
        return cls(
            user=asked.user,
            pattern=asked.request.instrument or "",
            id=id_of(wire),
            number=certificates.check_number(wire.text("number")),
            reason=reason_of(wire),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which certificates are asked for; None stands for any."""

    agent: str | None
    instrument: str | None
    text: str | None
    state: str | None
    since: datetime | None
    until: datetime | None
    after: int | None

    @classmethod
    def parse(cls, request: Request) -> "Sought":
        """Raises WireError."""
        wire = request.fields()
        agent, name = lookup.instruments(request)
        state = wire.text("state", default="")
        return cls(
            agent=agent,
            instrument=name,
            text=wire.text("text", default="", longest=MAX_TEXT).replace("\x00", "").strip() or None,
            state=codec.one_of(state, certificates.State, "state") if state else None,
            since=lookup.moment(wire, "from"),
            until=lookup.moment(wire, "to"),
            after=wire.optional_integer("after"),
        )


def covers(pattern: str, item: str) -> bool:
    """Whether a request about these instruments may be about this one; any are also those not of this system."""
    return pattern == EVERYTHING or topics.matches(pattern, item)


def reason_of(wire: Fields) -> str:
    """Why something is withdrawn or changed. Raises WireError where there is none."""
    text = wire.text("reason", default="", longest=MAX_REASON).strip()
    if not text or not text.isprintable():
        raise WireError(f"reason {text!r:.80} is none: say why, in one line")
    return text


def packed(content: bytes) -> bytes:
    """A file as it travels."""
    return zlib.compress(content, 9)


def unpacked(key: str, content: bytes) -> bytes:
    """The file again; never more than is allowed, whatever it claims. Raises WireError."""
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(content, MAX_FILE + 1)
    except zlib.error as error:
        raise WireError(f"{key} is not compressed by zlib: {error}") from error
    if len(found) > MAX_FILE:
        raise WireError(f"{key} has more than {MAX_FILE // 2**20} MiB: what was read for so long is logged, not sent")
    if not reader.eof or reader.unused_data:
        raise WireError(f"{key} is not whole: its compressed bytes end too early, or something follows them")
    return found


def _check_role(asked: Asked, what: str) -> None:
    if asked.role not in ISSUING:
        sentence = f"{asked.user} is {asked.role}: {what} by one who is {' or '.join(sorted(ISSUING))}"
        raise RequestRefused(sockets.NOT_PERMITTED, sentence)


def _changes(wire: Fields) -> tuple[Change, ...]:
    found = wire.list("changes", default=[])
    if len(found) > MAX_CHANGES:
        raise WireError(f"{len(found)} changes, allowed are {MAX_CHANGES}")
    return tuple(_change(Fields(one, "change")) for one in found)


def _change(wire: Fields) -> Change:
    return Change(field=wire.text("field"), before=wire.text("before"), after=wire.text("after"))
