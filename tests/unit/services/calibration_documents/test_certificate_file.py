"""The certificates of balance and thermometer as files: what structure.py checks, attachments, and a watermark that
leaves every number legible.
"""

from typing import Any

import pikepdf
import pytest

from kleinmaelzung_services.calibration.documents.blocks import Code
from kleinmaelzung_services.calibration.documents.certificate import issue_json, statement
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from tests.unit.services.calibration_documents import issued, pages, structure
from tests.unit.services.calibration_records import examples

NAMES = ("balance", "thermometer")
BOTH = pytest.mark.parametrize("name", NAMES)
AGAIN = """
import hashlib
from tests.unit.services.calibration_documents import issued
print(hashlib.sha256(issued.plain("{name}", "de").pdf).hexdigest())
"""


@BOTH
def test_fonts_colours_and_syntax_are_those_of_an_archive(name: str) -> None:
    pdf = issued.plain(name, "de").pdf
    structure.check_fonts(pdf)
    structure.check_colours(pdf)
    structure.check_safe(pdf)


@BOTH
def test_it_says_what_it_is_and_when_it_was_issued(name: str) -> None:
    structure.check_metadata(
        issued.plain(name, "de").pdf,
        title=f"Kalibrierschein K-2026-0007/1: {examples.TEMPLATES[name].title}",
        language="de",
        created="2026-03-13T08:30:00+00:00",
    )


@BOTH
def test_dcc_certificate_record_and_template_are_attached(name: str) -> None:
    pdf, record = issued.plain(name, "de").pdf, examples.CONTENT[name]
    with pages.opened(pdf) as found:
        content = {key: bytes(found.attachments[key].get_file().read_bytes()) for key in found.attachments}
        meanings = [str(one.Desc) for one in found.Root.AF]
    sha256 = issued.sha256(record)
    certificate = issue_json.encode(examples.results(name), issued.issue("de"), sha256)
    structure.check_attachments(
        pdf,
        {
            "dcc.xml": ("Data", "application/xml", content["dcc.xml"]),
            "certificate.json": ("Data", "application/json", certificate),
            "record.json": ("Source", "application/json", record),
            "template.toml": ("Supplement", "application/toml", issued.TEMPLATES[name]),
        },
    )
    assert meanings[2:] == [
        "Aufzeichnung der Kalibrierung: alle Beobachtungen",
        "Vorlage der Kalibrierung: das Verfahren",
    ]


@BOTH
def test_the_printed_hash_is_that_of_the_attached_record(name: str) -> None:
    sha256 = issued.sha256(examples.CONTENT[name])
    results = examples.results(name)
    assert sha256 in pages.whole(issued.plain(name, "de").pdf)
    (code,) = [
        block
        for block in statement.closing(Sheet(results.template, "de", results, issued.issue("de"), sha256))
        if isinstance(block, Code)
    ]
    assert code.content == f"K-2026-0007/1\nsha256:{sha256}"


@pytest.mark.parametrize(("name", "zone"), list(zip(NAMES, structure.ZONES[1:], strict=True)))
def test_another_process_in_another_time_zone_makes_the_same_bytes(name: str, zone: str) -> None:
    structure.check_same_elsewhere(AGAIN.format(name=name), issued.plain(name, "de").pdf, zone)


def test_the_watermark_is_drawn_last_and_thin_over_every_page() -> None:
    with pages.opened(issued.plain("balance").pdf) as found:
        for page in found.pages:
            (state,) = dict(page.resources.ExtGState).values()
            assert 0.05 < float(state.ca) < 0.2
            operators = [(str(one.operator), list[Any](one.operands)) for one in pikepdf.parse_content_stream(page)]
            at = next(place for place, (operator, _) in enumerate(operators) if operator == "gs")
            assert not [operator for operator, _ in operators[at:] if operator in ("re", "l")]
            assert len([operator for operator, _ in operators[at:] if operator == "Tj"]) == 1
            (turned,) = [values for operator, values in operators[at:] if operator == "cm"][:1]
            assert float(turned[1]) > 0.5  # upwards to the right


def test_without_a_watermark_nothing_is_transparent() -> None:
    real = issued.real()
    structure.check_safe(real.pdf)
    with pages.opened(real.pdf) as found:
        assert all("/ExtGState" not in page.resources for page in found.pages)
