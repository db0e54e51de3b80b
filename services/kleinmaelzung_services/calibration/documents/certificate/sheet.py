"""What all pages of a certificate share: its results and its issue, and the ways to say numbers and words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kleinmaelzung_services.calibration.calculation.results import Results, SeriesResult
from kleinmaelzung_services.calibration.documents.certificate import words
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.form import Form
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.records.record import Person, Record


@dataclass(frozen=True, slots=True)
class Sheet(Form):
    """A form that is filled in. `data_sha256` is that of the attached record.json."""

    results: Results
    issue: Issue
    data_sha256: str

    @property
    def record(self) -> Record:
        return self.results.record

    @property
    def series(self) -> Sequence[tuple[Words, SeriesResult]]:
        """As found, and as left where something was adjusted; each with its name."""
        found = [(words.AS_FOUND, self.results.as_found)]
        return [*found, (words.AS_LEFT, self.results.as_left)] if self.results.as_left else found

    def people(self, role: str) -> Iterator[Person]:
        return (one for one in self.record.people if one.role == role)

    def verdict(self, verdict: str) -> str:
        return self.say(words.VERDICTS[verdict])

    def time(self, at: datetime | None) -> str:
        """`2026-03-10 09:00 UTC`: read in the same way everywhere."""
        return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    def span(self, start: datetime, end: datetime) -> str:
        """From one time to another; the day is said once where it is the same."""
        first, last = start.astimezone(UTC), end.astimezone(UTC)
        if first.date() == last.date():
            return f"{first:%Y-%m-%d %H:%M}\N{EN DASH}{last:%H:%M} UTC"
        return self.say(words.FROM_TO, start=self.time(start), end=self.time(end))
