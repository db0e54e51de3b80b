"""What every document must be as a file: PDF/A-3U by its structure. No validator such as veraPDF is asked.

Each function takes the bytes, and fails as an assertion where they are not so.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from xml.etree import ElementTree

import pikepdf

from tests.unit.services.calibration_documents import pages

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
DC = "{http://purl.org/dc/elements/1.1/}"
ZONES = ("UTC", "Asia/Tokyo", "America/St_Johns")


def check_fonts(pdf: bytes) -> None:
    """Each is embedded, and its glyphs can be read back as text."""
    with pages.opened(pdf) as found:
        fonts = [font for page in found.pages for font in dict(page.resources.Font).values()]
        assert fonts
        for font in fonts:
            assert "DejaVu" in str(font.BaseFont)
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
            assert "/ToUnicode" in font


def check_metadata(pdf: bytes, *, title: str, language: str, created: str) -> None:
    with pages.opened(pdf) as found:
        root = ElementTree.fromstring(bytes(found.Root.Metadata.read_bytes()).decode())
        assert found.Root.Lang == language
    assert (root.findtext(f".//{PDFAID}part"), root.findtext(f".//{PDFAID}conformance")) == ("3", "U")
    assert root.findtext(f".//{XMP}CreateDate") == created
    assert root.findtext(f".//{DC}title/{RDF}Alt/{RDF}li") == title
    assert all(len({name[: name.index("}")] for name in [child.tag for child in one]}) == 1 for one in root[0])


def check_colours(pdf: bytes) -> None:
    with pages.opened(pdf) as found:
        (intent,) = found.Root.OutputIntents
        assert (str(intent.S), str(intent.OutputConditionIdentifier)) == ("/GTS_PDFA1", "sRGB")
        assert "/DestOutputProfile" in intent


def check_safe(pdf: bytes) -> None:
    """An id, sound syntax, and nothing that runs, leads elsewhere or hides."""
    with pages.opened(pdf) as found:
        assert len(found.trailer.ID) == 2
        assert not found.is_encrypted
        assert "/JavaScript" not in found.Root.get("/Names", {})
        assert "/AA" not in found.Root
        assert isinstance(found.Root.get("/OpenAction", pikepdf.Array()), pikepdf.Array)  # a place, not an action
        assert all("/Annots" not in page for page in found.pages)
        assert found.check_pdf_syntax() == []
    assert b"/URI" not in pdf


def check_attachments(pdf: bytes, wanted: Mapping[str, tuple[str, str, bytes]]) -> None:
    """By their names: relationship, type and content; each listed as an associated file, and with a meaning."""
    with pages.opened(pdf) as found:
        listed = {str(one.UF): one for one in found.Root.AF}
        assert listed.keys() == found.attachments.keys() == wanted.keys()
        for name, (relationship, kind, content) in wanted.items():
            assert str(listed[name].AFRelationship) == f"/{relationship}"
            assert str(listed[name].EF.F.Subtype) == f"/{kind}"
            assert str(listed[name].Desc)
            assert bytes(found.attachments[name].get_file().read_bytes()) == content


def check_same_elsewhere(program: str, pdf: bytes, zone: str) -> None:
    """The program writes the same document's SHA-256, in another process with another time zone and hash seed."""
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": str(len(zone))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == [hashlib.sha256(pdf).hexdigest()]
