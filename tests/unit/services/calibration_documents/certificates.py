"""A signed certificate and an unsigned copy, each drawn once, and documents like them that are not what they seem."""

import dataclasses
import functools
import hashlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from kleinmaelzung_services.calibration.documents import signing
from kleinmaelzung_services.calibration.documents.certificate import certificate, software
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.verification.reading import Attached
from kleinmaelzung_services.calibration.templates import shipped
from tests.unit.services.calibration_documents import signing_keys
from tests.unit.services.calibration_records import examples

NAME = "balance"
LAB = signing_keys.laboratory()
RECORD = examples.CONTENT[NAME]
RESULTS = examples.results(NAME)
TEMPLATE = next(one.content for one in shipped.templates() if one.name == NAME)
ISSUE = Issue(
    number="K-2026-0007",
    issued_at=signing_keys.NOW,
    language="en",
    software=software.name(),
    signer=LAB.signer,
    with_readings=False,
)
UNSIGNED = dataclasses.replace(ISSUE, signer=None)


@functools.cache
def key() -> signing.Key:
    with TemporaryDirectory() as folder:
        return signing_keys.opened(Path(folder), LAB.p12)


@functools.cache
def drawn(issue: Issue = ISSUE) -> bytes:
    return certificate.draw(RESULTS, issue, record=RECORD, template=TEMPLATE).pdf


@functools.cache
def signed() -> bytes:
    return signing.sign(drawn(), key(), at=signing_keys.NOW)


def appended(pdf: bytes) -> bytes:
    """With a further revision that says something else in its first page."""
    stream = io.BytesIO(pdf)
    writer: Any = IncrementalPdfFileWriter(stream)
    writer.root["/Lang"] = type(writer.root["/Lang"])("de")
    writer.mark_update(writer.root_ref)
    writer.write_in_place()
    return stream.getvalue()


def attachments(issue: Issue = ISSUE) -> dict[str, bytes]:
    document = certificate.document(RESULTS, issue, record=RECORD, template=TEMPLATE)
    return {one.name: one.content for one in document.attachments}


def attached(files: dict[str, bytes]) -> list[Attached]:
    """As they are read from a file in which nothing was changed."""
    return [
        Attached(name=name, content=content, checksum=hashlib.md5(content).digest()) for name, content in files.items()
    ]
