"""The certificate: results, issue and the files they were made of in; the PDF/A-3U with its attachments out. Pure.

Page by page what ISO/IEC 17025:2017, 7.8.2 and 7.8.4 ask for; issuing.py refuses what must not be issued.
"""

import hashlib
from typing import Final

from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Attachment, Document, Relationship
from kleinmaelzung_services.calibration.documents.certificate import (
    annex,
    budgets,
    conditions,
    correction,
    cover,
    findings,
    issue_json,
    statement,
)
from kleinmaelzung_services.calibration.documents.certificate import words_cover as said
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.dcc import document as dcc
from kleinmaelzung_services.calibration.documents.drawing import Drawn
from kleinmaelzung_services.calibration.documents.texts import Words

RECORD: Final = statement.RECORD
TEMPLATE: Final = "template.toml"
DCC: Final = "dcc.xml"
CERTIFICATE: Final = issue_json.FILE
_PAGES: Final = (cover, conditions, findings, correction, budgets, statement, annex)


def draw(results: Results, issue: Issue, *, record: bytes, template: bytes) -> Drawn:
    """Return the PDF and its pages; `record` and `template` are the files that the results were made of.

    Raises GlyphMissing.
    """
    return drawing.draw(document(results, issue, record=record, template=template))


def document(results: Results, issue: Issue, *, record: bytes, template: bytes) -> Document:
    sheet = Sheet(results.template, issue.language, results, issue, hashlib.sha256(record).hexdigest())
    closing = statement.closing(sheet)
    return Document(
        language=issue.language,
        title=cover.title(sheet),
        masthead=cover.masthead(sheet),
        written_at=issue.issued_at,
        blocks=(*(block for page in _PAGES for block in page.blocks(sheet)), *closing),
        attachments=_attachments(sheet, record=record, template=template),
        watermark=cover.watermark(sheet),
        closing=len(closing),
    )


def _attachments(sheet: Sheet, *, record: bytes, template: bytes) -> tuple[Attachment, ...]:
    """What machines read, what it was made of, and the procedure."""
    dcc_xml = dcc.xml(sheet.results, sheet.issue)
    certificate = issue_json.encode(sheet.results, sheet.issue, sheet.data_sha256)

    def attached(name: str, content: bytes, kind: str, relationship: Relationship, words: Words) -> Attachment:
        meaning = sheet.say(words)
        return Attachment(name=name, content=content, mime_type=kind, relationship=relationship, meaning=meaning)

    return (
        attached(DCC, dcc_xml, "application/xml", "Data", said.ATTACHED_DCC),
        attached(CERTIFICATE, certificate, "application/json", "Data", said.ATTACHED_CERTIFICATE),
        attached(RECORD, record, "application/json", "Source", said.ATTACHED_RECORD),
        attached(TEMPLATE, template, "application/toml", "Supplement", said.ATTACHED_TEMPLATE),
    )
