"""What the issue of a certificate adds to its results: number, revision, time, language, and who signs. Frozen."""

from dataclasses import dataclass
from datetime import datetime

from kleinmaelzung_services.calibration.documents.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an amendment changed (ISO/IEC 17025:2017, 7.8.8); `before` is empty where something was added."""

    field: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose key signs the file. `fingerprint` is the SHA-256 of its certificate, 64 hexadecimal digits."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The same results and the same issue make the same bytes: all that a certificate says about time is in them.

    `replaces` names the certificate that this revision takes the place of, `replaces_sha256` the file of it, and
    `reason` says why. `software` names what calculated and drew it, with versions. Without a `signer` every page says
    that the copy is unsigned.
    """

    number: str
    revision: int = 1
    issued_at: datetime
    language: Language
    software: str
    replaces: str = ""
    replaces_sha256: str = ""
    reason: str = ""
    changes: tuple[Change, ...] = ()
    signer: Signer | None = None
    with_readings: bool = True

    @property
    def name(self) -> str:
        """As it stands on every page: `K-2026-0007, revision 2` without the word."""
        return f"{self.number}/{self.revision}"
