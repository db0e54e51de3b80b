"""The file itself, of a small document: what structure.py checks, and what it says of title and time."""

from datetime import datetime

import pytest

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Attachment, Paragraph
from tests.unit.services.calibration_documents import pages, sheets, structure

RECORD = Attachment(
    name="record.json", content=b'{"a": 1}', mime_type="application/json", relationship="Source", meaning="Record"
)
DOCUMENT = sheets.sheet(
    Paragraph(text="10 µL ± 2 %", field="a"), title="Balance <1> & Ω", attachments=(RECORD,)
)  # fmt: skip
PDF = drawing.draw(DOCUMENT).pdf
AGAIN = """
import hashlib
from tests.unit.services.calibration_documents.test_structure import PDF
print(hashlib.sha256(PDF).hexdigest())
"""


def test_every_font_is_embedded_and_can_be_read_back() -> None:
    structure.check_fonts(PDF)
    with pages.opened(PDF) as found:
        assert len(dict(found.pages[0].resources.Font)) == 2


def test_it_says_that_it_is_pdf_a_3u_with_its_title_and_times() -> None:
    structure.check_metadata(PDF, title="Balance <1> & Ω", language="en", created="2026-11-23T08:30:00+00:00")


def test_it_has_colours_an_id_and_nothing_that_runs() -> None:
    structure.check_colours(PDF)
    structure.check_safe(PDF)


def test_attachments_come_out_as_they_went_in() -> None:
    structure.check_attachments(PDF, {"record.json": ("Source", "application/json", RECORD.content)})
    with pages.opened(PDF) as found:
        (attached,) = found.Root.AF
        assert str(attached.Desc) == "Record"


@pytest.mark.parametrize("zone", structure.ZONES)
def test_another_process_in_another_time_zone_makes_the_same_bytes(zone: str) -> None:
    structure.check_same_elsewhere(AGAIN, PDF, zone)


def test_another_title_makes_other_bytes() -> None:
    assert drawing.draw(sheets.sheet(*DOCUMENT.blocks, title="Other", attachments=(RECORD,))).pdf != PDF


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="written_at has no time zone"):
        type(DOCUMENT)(
            language="en",
            title="a",
            masthead=DOCUMENT.masthead,
            written_at=datetime(2026, 1, 1),  # noqa: DTZ001 - what is refused
            blocks=(),
        )
