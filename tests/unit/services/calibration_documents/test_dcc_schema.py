"""The digital calibration certificate against the PTB's schemas, where somebody has them.

KLEINMAELZUNG_DCC_SCHEMAS names a folder with dcc_3_2_0.xsd and dsi_2_1_0.xsd. They are not part of this project (LGPL),
and nothing is fetched: what the first one imports is taken from the folder. The schema of XML signatures is not in it;
a certificate has none here, so an element of the name is enough.
"""

import functools
import os
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree  # type: ignore[import-untyped]

from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.dcc import document
from tests.unit.services.calibration_documents import dcc_cases as cases

FOLDER = os.environ.get("KLEINMAELZUNG_DCC_SCHEMAS", "")
SIGNATURES = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/2000/09/xmldsig#"><xs:element name="Signature"/></xs:schema>"""
HOSTILE = 'Ω μ ± ß 张 <b>&amp;</b> ]]> https://example.org/?a=1&b="2"'

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="KLEINMAELZUNG_DCC_SCHEMAS names no folder with dcc_3_2_0.xsd and dsi_2_1_0.xsd"
)


class Folder(etree.Resolver):  # type: ignore[misc]
    """Answers every import, so that none is looked for elsewhere."""

    def resolve(self, url, _, context):  # type: ignore[no-untyped-def]
        if url.startswith("https://ptb.de/si/"):
            return self.resolve_filename(str(Path(FOLDER) / "dsi_2_1_0.xsd"), context)
        if "xmldsig" in url:
            return self.resolve_string(SIGNATURES, context)
        return None


@functools.cache
def schema() -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Folder())
    return etree.XMLSchema(etree.parse(str(Path(FOLDER) / "dcc_3_2_0.xsd"), parser))


def mistakes(content: bytes) -> list[str]:
    found = schema()
    found.validate(etree.fromstring(content))
    return [f"line {each.line}: {each.message}" for each in found.error_log]


@pytest.mark.parametrize("issue", [cases.ISSUE, replace(cases.ISSUE, language="de"), cases.AMENDED])
@pytest.mark.parametrize("kind", cases.KINDS)
def test_a_certificate_is_valid(kind: str, issue: Issue) -> None:
    assert mistakes(cases.xml(kind, issue)) == []


@pytest.mark.parametrize("hostile", [HOSTILE, "long " * 2000, "  between spaces  "])
def test_a_certificate_with_strange_names_is_valid(hostile: str) -> None:
    found = cases.with_item(
        cases.results("balance"), maker=hostile, serial=hostile, model=hostile, asset=hostile, firmware=hostile
    )
    issue = replace(cases.AMENDED, number=hostile, reason=hostile, replaces=hostile, software=hostile)
    assert mistakes(document.xml(found, issue)) == []


def test_the_schema_finds_what_is_wrong() -> None:
    broken = cases.xml("balance").replace(b"<dcc:mainSigner>true<", b"<dcc:mainSigner>perhaps<")
    assert len(mistakes(broken)) == 1
