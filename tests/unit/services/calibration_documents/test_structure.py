"""The file itself: PDF/A-3U by its structure, and the same bytes everywhere. No validator such as veraPDF is asked."""

import hashlib
import os
import subprocess
import sys
from datetime import datetime
from xml.etree import ElementTree

import pytest

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Attachment, Paragraph
from tests.unit.services.calibration_documents import pages, sheets

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
DC = "{http://purl.org/dc/elements/1.1/}"
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
    with pages.opened(PDF) as found:
        fonts = [font for page in found.pages for font in dict(page.resources.Font).values()]
        assert len(fonts) == 2
        for font in fonts:
            assert "DejaVu" in str(font.BaseFont)
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
            assert "/ToUnicode" in font


def test_it_says_that_it_is_pdf_a_3u_with_its_title_and_times() -> None:
    with pages.opened(PDF) as found:
        root = ElementTree.fromstring(bytes(found.Root.Metadata.read_bytes()).decode())
        assert found.Root.Lang == "en"
    assert (root.findtext(f".//{PDFAID}part"), root.findtext(f".//{PDFAID}conformance")) == ("3", "U")
    assert root.findtext(f".//{XMP}CreateDate") == "2026-11-23T08:30:00+00:00"
    assert root.findtext(f".//{DC}title/{RDF}Alt/{RDF}li") == "Balance <1> & Ω"
    assert all(len({name[: name.index("}")] for name in [child.tag for child in one]}) == 1 for one in root[0])


def test_it_has_colours_an_id_and_nothing_that_runs() -> None:
    with pages.opened(PDF) as found:
        (intent,) = found.Root.OutputIntents
        assert (str(intent.S), str(intent.OutputConditionIdentifier)) == ("/GTS_PDFA1", "sRGB")
        assert "/DestOutputProfile" in intent
        assert len(found.trailer.ID) == 2
        assert not found.is_encrypted
        assert "/JavaScript" not in found.Root.get("/Names", {})
        assert found.check_pdf_syntax() == []


def test_attachments_come_out_as_they_went_in() -> None:
    with pages.opened(PDF) as found:
        (attached,) = found.Root.AF
        assert (str(attached.AFRelationship), str(attached.UF), str(attached.Desc)) == (
            "/Source", "record.json", "Record"
        )  # fmt: skip
        assert str(attached.EF.F.Subtype) == "/application/json"
        assert bytes(found.attachments["record.json"].get_file().read_bytes()) == RECORD.content


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
def test_another_process_in_another_time_zone_makes_the_same_bytes(zone: str) -> None:
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": str(len(zone))}
    done = subprocess.run(
        [sys.executable, "-c", AGAIN], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == hashlib.sha256(PDF).hexdigest()


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
