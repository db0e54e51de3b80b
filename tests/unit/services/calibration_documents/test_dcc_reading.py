"""A digital calibration certificate read back: what was written comes out, and nothing dangerous comes in."""

from pathlib import Path

import pytest

from kleinmaelzung_services.calibration.documents.dcc import reading
from kleinmaelzung_services.calibration.errors import CalibrationError
from tests.unit.services.calibration_documents import dcc_cases as cases

GOOD = cases.xml("balance")


def refused(content: bytes) -> CalibrationError:
    with pytest.raises(CalibrationError) as caught:
        reading.read(content)
    return caught.value


def with_doctype(declared: str, entity: str) -> bytes:
    text = GOOD.decode().replace("?>\n", f"?>\n<!DOCTYPE x [{declared}]>\n", 1)
    return text.replace("K-2026-0007/1", entity).encode()


@pytest.mark.parametrize("kind", cases.KINDS)
def test_what_was_written_is_read_back(kind: str) -> None:
    results = cases.results(kind)
    read = reading.read(cases.xml(kind))
    assert read.unique_identifier == "K-2026-0007/1"
    assert (read.schema_version, read.issued) == ("3.2.0", "2026-03-12")
    assert read.record == results.record.id
    assert read.template_sha256 == results.template.sha256
    assert read.is_specimen
    series = [results.as_found, *([results.as_left] if results.as_left else [])]
    points = [point for one in series for found in one.measurands for point in found.points]
    shown = [value for table in read.tables for value in table.columns["basic_measuredValue"]]
    assert shown == [point.indication for point in points]
    stated = [value for table in read.tables for value in table.uncertainties]
    assert stated == [point.uncertainty.expanded for point in points]


def test_an_external_entity_is_refused_and_its_file_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("never to be seen")
    error = refused(with_doctype(f'<!ENTITY e SYSTEM "{secret.as_uri()}">', "&e;"))
    assert "document type" in error.rule
    assert "never" not in str(error)


def test_entities_that_grow_are_refused() -> None:
    declared = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "grow without bound" in refused(with_doctype(declared, "&i;")).rule


def test_a_document_type_in_another_file_is_refused() -> None:
    content = GOOD.replace(b"?>\n", b'?>\n<!DOCTYPE x SYSTEM "https://example.org/x.dtd">\n', 1)
    assert refused(content).value == "<!DOCTYPE x"


def test_a_document_type_is_refused_in_another_encoding_too() -> None:
    text = with_doctype('<!ENTITY e "x">', "&e;").decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert "document type" in refused(text.encode("utf-16")).rule


def test_too_large_a_file_is_refused_before_it_is_parsed() -> None:
    error = refused(b" " * (reading.MAX_BYTES + 1))
    assert error.value == reading.MAX_BYTES + 1
    assert f"at most {reading.MAX_BYTES}" in error.rule


def test_elements_in_elements_in_elements_are_refused() -> None:
    deep = b"<x>" * 100_000 + b"</x>" * 100_000
    assert "more than 100 deep" in refused(deep).rule


@pytest.mark.parametrize("version", ["2.4.0", "4.0.0", "", "33.0.0"])
def test_another_major_version_of_the_schema_is_refused(version: str) -> None:
    error = refused(GOOD.replace(b'schemaVersion="3.2.0"', f'schemaVersion="{version}"'.encode()))
    assert (error.field, error.value, error.rule) == ("schemaVersion", version, "this program reads 3.x")


def test_another_minor_version_is_read() -> None:
    assert reading.read(GOOD.replace(b'schemaVersion="3.2.0"', b'schemaVersion="3.3.0"')).schema_version == "3.3.0"


@pytest.mark.parametrize(
    "content", [b"", b"not xml", b"<a>", b"\x00\x01", b'<?xml version="1.0" encoding="nonsense"?><a/>', b"%PDF-1.7"]
)
def test_what_is_no_xml_is_refused(content: bytes) -> None:
    assert "it is no XML" in refused(content).rule


def test_another_kind_of_xml_is_refused() -> None:
    error = refused(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert error.rule == "it is no digital calibration certificate"
    assert refused(GOOD.replace(b"https://ptb.de/dcc", b"https://example.org/dcc")).field == "the root of the XML"


def test_a_certificate_without_an_identifier_is_refused() -> None:
    error = refused(GOOD.replace(b"<dcc:uniqueIdentifier>K-2026-0007/1<", b"<dcc:uniqueIdentifier> <"))
    assert error.field == "uniqueIdentifier"


@pytest.mark.parametrize("word", ["seven", "1_0", "nan", "1e999", "9" * 1000])
def test_a_list_with_something_else_than_numbers_is_refused(word: str) -> None:
    start = GOOD.index(b"<si:valueXMLList>") + len(b"<si:valueXMLList>")
    error = refused(GOOD[:start] + word.encode() + b" " + GOOD[start:])
    assert (error.field, error.rule) == ("valueXMLList", "it is a list of numbers")
