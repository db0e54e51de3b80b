"""What a GET below /calibrations/ asks for: a certificate, or what was kept with it, in pieces from the service.

    /calibrations/K-2026-0001.pdf    .xml: the digital certificate    .json: the record    ?revision=1, else the newest

The service tells only what was issued of instruments that the question is about, so each grant of the user is asked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_gateway.asking import Refused
from kleinmaelzung_gateway.wanted import Desk, Mistakes, NoFile, TooLarge, parameters
from kleinmaelzung_wire import certificates, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import EVERYTHING

ROOT: Final = "/calibrations/"
PARAMETERS: Final = ("revision",)
MAX_REVISION: Final = 10_000
TRIES: Final = 2  # an answer can be lost; the same piece can be asked for again
MEDIA_TYPES: Final = {"pdf": "application/pdf", "xml": "application/xml", "json": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFile:
    """One file of a certificate; the newest revision where none is named."""

    number: str
    file: str
    revision: int | None = None

    role = certificates.ROLE

    @property
    def about(self) -> str:
        return self.number

    @property
    def name(self) -> str:
        """Of a checked number: it goes into a header."""
        revision = "" if self.revision is None else f"_{self.revision}"
        return f"{self.number}{revision}.{self.file}"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.file]

    @property
    def instead(self) -> str:
        return "ask again"

    async def pieces(self, desk: Desk, limit: int) -> Sequence[bytes]:
        """Raises TooLarge, Refused, WireError, BusError."""
        unknown = Refused(sockets.UNKNOWN, f"there is no certificate {self.number}")
        for granted in await desk.personal.granted(EVERYTHING):
            try:
                return await self._of(desk, granted, limit)
            except Refused as refused:
                if refused.code != sockets.UNKNOWN:
                    raise
                unknown = refused  # of an instrument of this grant, but there are others
        raise unknown

    async def _of(self, desk: Desk, instrument: str, limit: int) -> Sequence[bytes]:
        pieces, size, digest = list[bytes](), 0, hashlib.sha256()
        while True:
            asked = {"number": self.number, "revision": self.revision, "file": self.file, "offset": size}
            answer = await desk.request(certificates.FILE, asked, instrument, TRIES)
            piece, total = answer.binary("content"), answer.integer("total", minimum=0)
            if total > limit:
                raise TooLarge(f"{self.name} has more than {limit // 2**20} MiB")
            pieces.append(piece)
            size += len(piece)
            digest.update(piece)
            if not piece or size >= total:
                break
        if size != total or digest.hexdigest() != answer.text("sha256"):
            raise WireError(f"{self.name} did not come as it was issued")
        return pieces


def wanted(path: str, now_us: int) -> CertificateFile:
    """From a request's path with its query. Raises NoFile, Mistakes."""
    where, _, query = path.partition("?")
    number, _, file = where.removeprefix(ROOT).rpartition(".")
    if file not in MEDIA_TYPES:
        kinds = ", ".join(f".{kind}" for kind in MEDIA_TYPES)
        raise NoFile(f"expected {ROOT}<number> and one of {kinds}, such as {ROOT}K-2026-0001.pdf")
    try:
        certificates.check_number(number)
    except WireError as error:
        raise NoFile(f"expected {ROOT}<number>.{file}: {error}") from error
    given, mistakes = parameters(query, PARAMETERS)
    revision = given.get("revision")
    is_number = revision is None or (revision.isascii() and revision.isdecimal() and len(revision) <= 5)
    if not is_number or (revision is not None and not 1 <= int(revision) <= MAX_REVISION):
        mistakes.append(f"revision: {revision!r:.40} is none, expected one such as 1")
    if mistakes:
        raise Mistakes(mistakes)
    return CertificateFile(number=number, file=file, revision=None if revision is None else int(revision))
