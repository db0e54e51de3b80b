"""Sheets of certificates that are filled in, from the examples and from every template, and their pages drawn."""

import dataclasses
import functools
from collections.abc import Sequence
from datetime import UTC, datetime

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Block, Table
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Language
from tests.unit.services.calibration_documents import sheets
from tests.unit.services.calibration_records import examples, simulated

AT = datetime(2026, 3, 13, 8, tzinfo=UTC)


@functools.cache
def results(name: str) -> Results:
    """Of the example with this name, or made up for the template with it."""
    template = examples.TEMPLATES[name]
    record = examples.record(name) if name in examples.CONTENT else simulated.record(template)
    return calculating.calculate(template, record)


def sheet(found: Results, language: Language = "en") -> Sheet:
    issue = Issue(number="K-2026-0007", issued_at=AT, language=language, software="a test")
    return Sheet(found.template, language, found, issue, "0" * 64)


def pdf(blocks: Sequence[Block], language: Language = "en") -> bytes:
    return drawing.draw(dataclasses.replace(sheets.sheet(*blocks), language=language)).pdf


def tables(blocks: Sequence[Block]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def column(table: Table, title: str) -> list[str]:
    """The cells below a title, of which the beginning is enough."""
    (place,) = [number for number, one in enumerate(table.columns) if one.title.startswith(title)]
    return [row[place] for row in table.rows]
