"""Verification: what was done to a certificate is told apart in words, and what is no certificate is refused."""

import dataclasses
import io
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from kleinmaelzung_services.calibration.documents import drawing, signing
from kleinmaelzung_services.calibration.documents.blocks import Paragraph
from kleinmaelzung_services.calibration.documents.certificate import certificate, software
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue, Signer
from kleinmaelzung_services.calibration.documents.verification import numbers as verification_numbers
from kleinmaelzung_services.calibration.documents.verification import pages, reading, verifying
from kleinmaelzung_services.calibration.documents.verification import parts as verification_parts
from kleinmaelzung_services.calibration.documents.verification import signatures as verification_signatures
from kleinmaelzung_services.calibration.documents.verification.finding import Finding, is_well
from kleinmaelzung_services.calibration.documents.verification.parts import Parts
from kleinmaelzung_services.calibration.documents.verification.pdf import Unreadable
from tests.unit.services.calibration_documents import certificates, sheets, signing_keys
from tests.unit.services.calibration_documents.certificates import ISSUE, LAB, UNSIGNED
from tests.unit.services.calibration_documents.signing_keys import DAY, NOW
from tests.unit.services.calibration_documents.test_structure import PDF

SMALL = signing.sign(PDF, certificates.key(), at=NOW)
ASK = "ask the laboratory for the one that it issued"


def told(findings: Any, check: str) -> list[tuple[str, str]]:
    return [(one.state, one.sentence) for one in findings if one.check == check]


def signatures(pdf: bytes, *trusted: bytes, issue: Issue | None = None) -> list[Finding]:
    return verification_signatures.judge(reading.read(pdf, trusted), issue)


def judged(**files: bytes | None) -> verification_parts.Complete:
    """The attachments with some of them changed or left out."""
    changes = {name.replace("__", "."): content for name, content in files.items()}
    changed = {**certificates.attachments(), **changes}
    kept = {name: content for name, content in changed.items() if content is not None}
    return verification_parts.judge(certificates.attached(kept))


def whole() -> Parts:
    parts = judged().parts
    assert parts is not None
    return parts


def test_all_is_well_with_a_signed_certificate_of_a_trusted_key() -> None:
    found = verifying.verify(certificates.signed(), trusted=[LAB.pem], software=software.name())
    assert [(one.check, one.state) for one in found.findings] == [
        ("signature", "ok"), ("key", "ok"), ("signer", "ok"), ("complete", "ok"), ("data", "ok"), ("specimen", "open"),
        ("numbers", "ok"), ("pages", "ok"),
    ]  # fmt: skip
    assert is_well(found.findings)
    assert found.number == "K-2026-0007"
    assert told(found.findings, "signature")[0][1] == (
        "intact, covers the whole file, no changes are permitted; signed 2026-03-11T08:00:00Z by the signer's clock"
    )
    assert told(found.findings, "pages") == [("ok", "drawn again from its data: the same bytes")]


def test_an_unsigned_copy_is_right_and_proves_nothing() -> None:
    found = verifying.verify(certificates.drawn(UNSIGNED), software=software.name())
    sentence = "unsigned copy: nothing proves who issued it, or that it was not changed"
    assert [one for one in found.findings if one.state == "wrong"] == [
        Finding(check="signature", state="wrong", sentence=sentence)
    ]


def test_a_signature_that_was_taken_off_is_missed() -> None:
    found = signatures(certificates.drawn(), issue=ISSUE)
    assert "it says that Labor Grün (1) signed it, and the signature is missing" in told(found, "signature")[0][1]


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_one_flipped_byte_in_the_document_is_told(place: float) -> None:
    changed = bytearray(SMALL)
    changed[int(len(PDF) * place)] ^= 1
    try:
        ((state, sentence),) = told(signatures(bytes(changed), LAB.pem), "signature")
    except Unreadable as error:
        state, sentence = "wrong", str(error)
    assert state == "wrong"
    assert "the file was changed after it was signed" in sentence or "it was signed, and changed since" in sentence


def test_no_flipped_byte_of_the_signature_goes_unnoticed() -> None:
    """Some parts of a signature are not covered by it: its head, its padding, the case of its digits."""
    start, end = SMALL.rindex(b"/Contents <") + 11, SMALL.rindex(b">", 0, SMALL.rindex(b"/ByteRange"))
    for place in [*range(start, start + 96, 3), *range(start + 96, end, 83), end - 1]:
        changed = bytearray(SMALL)
        changed[place] ^= 1 if place % 2 else 0x20
        try:
            found = signatures(bytes(changed), LAB.pem)
        except Unreadable:
            continue
        assert not is_well(found), (place, SMALL[place - 10 : place + 10])


@pytest.mark.parametrize("key", [b"/ByteRange", b"/AcroForm", b"/Sig\n", b"/DocMDP", b"/SubFilter", b"/Fields", b"/FT"])
def test_a_signature_that_cannot_be_found_any_more_is_not_called_unsigned(key: bytes) -> None:
    changed = SMALL.replace(key, key[:2] + b"x" + key[3:])
    assert changed != SMALL
    try:
        ((state, sentence), *_) = told(signatures(changed, LAB.pem), "signature")
    except Unreadable as error:
        state, sentence = "wrong", str(error)
    assert state == "wrong"
    assert "the file was changed after it was signed" in sentence or "it was signed, and changed since" in sentence


def test_an_appended_revision_is_told_apart_from_a_change() -> None:
    longer = certificates.appended(SMALL)
    found = signatures(longer, LAB.pem)
    extent = f"it covers the first {len(SMALL)} of {len(longer)} bytes"
    assert told(found, "signature") == [("wrong", f"something was added after it was signed: {extent}; {ASK}")]


@pytest.mark.parametrize("more", [b" ", b"\n", b"%comment\n", b"\0" * 100])
def test_even_a_space_behind_the_end_was_added(more: bytes) -> None:
    assert "something was added after it was signed" in told(signatures(SMALL + more, LAB.pem), "signature")[0][1]


def test_a_file_that_was_cut_off_is_told() -> None:
    with pytest.raises(Unreadable, match="cannot be read as a PDF; it was signed, and changed since"):
        signatures(SMALL[:-300])


def test_an_unknown_key_is_named_with_its_issuer_and_fingerprint() -> None:
    other = signing_keys.laboratory("Another laboratory")
    sentence = (
        "key unknown: Labor Grün (1), issuer Common Name: Labor Grün (1), fingerprint "
        f"{LAB.signer.fingerprint}; compare it with the laboratory's, and name its certificate with --trust"
    )
    for trusted in ([], [other.pem]):
        assert told(signatures(SMALL, *trusted), "key") == [("wrong", sentence)]
        assert told(signatures(SMALL, *trusted), "signature")[0][0] == "ok"


def test_a_certificate_of_the_same_name_with_another_key_is_not_trusted() -> None:
    key = signing_keys.ec_key()
    twin = signing_keys.pem(signing_keys.certificate(key, "Labor Grün (1)"))
    assert told(signatures(SMALL, twin), "key")[0][0] == "wrong"


def test_a_certificate_that_the_authority_issued_is_trusted_by_the_authority_s(tmp_path: Path) -> None:
    authority, leaf, own = signing_keys.issued()
    key = signing_keys.opened(tmp_path, signing_keys.packed(own, leaf))
    signed = signing.sign(PDF, key, at=NOW)
    for trusted in (authority, leaf):
        assert told(signatures(signed, signing_keys.pem(trusted)), "key")[0][0] == "ok"


def expired(tmp_path: Path, at: Any) -> bytes:
    """Signed with a program that does not look at the time: its certificate is valid at NOW only."""
    key = signing_keys.ec_key()
    opened = signing_keys.opened(tmp_path, signing_keys.packed(key, signing_keys.certificate(key, "Late")))
    later = dataclasses.replace(opened, certificate=signing_keys.certificate(key, "Late", last=NOW + 900 * DAY))
    return signing.sign(PDF, dataclasses.replace(later), at=at)


def test_a_key_that_had_expired_when_it_was_used_is_told(tmp_path: Path) -> None:
    found = signatures(expired(tmp_path, NOW + 3 * DAY))
    span = "valid 2026-03-10T08:00:00Z to 2026-03-12T08:00:00Z, signed 2026-03-14T08:00:00Z"
    assert told(found, "key")[1] == ("wrong", f"the certificate of the key had expired when it was used: {span}")


def test_each_of_several_signatures_is_told() -> None:
    key = certificates.key()
    writer = IncrementalPdfFileWriter(io.BytesIO(PDF))
    meta = PdfSignatureMetadata(field_name="first", md_algorithm="sha256")
    once = PdfSigner(meta, key.material, new_field_spec=SigFieldSpec("first")).sign_pdf(writer).getvalue()
    again = PdfSignatureMetadata(field_name="second", md_algorithm="sha256")
    writer = IncrementalPdfFileWriter(io.BytesIO(once))
    twice = PdfSigner(again, key.material, new_field_spec=SigFieldSpec("second")).sign_pdf(writer).getvalue()
    found = signatures(twice, LAB.pem)
    assert "something was added after it was signed" in told(found, "signature 1 of 2")[0][1]
    assert told(found, "signature 2 of 2")[0][0] == "ok"
    assert "it does not forbid changes" in told(found, "signature 2 of 2")[0][1]


@pytest.mark.parametrize(
    ("signer", "sentence"),
    [
        (Signer(name="Other", fingerprint="0" * 64), "which is not the key that signed it"),
        (None, "it is an unsigned copy, but it is signed: by somebody else"),
    ],
)
def test_pages_that_name_another_signer_are_told(signer: Signer | None, sentence: str) -> None:
    found = signatures(SMALL, LAB.pem, issue=dataclasses.replace(ISSUE, signer=signer))
    ((state, shown),) = told(found, "signer")
    assert state == "wrong"
    assert sentence in shown


def test_what_is_no_certificate_cannot_be_trusted() -> None:
    for content in (b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", PDF):
        with pytest.raises(Unreadable, match="this is no certificate, expected PEM or DER"):
            reading.check_trusted(content)
    reading.check_trusted(LAB.pem + LAB.pem)


@pytest.mark.parametrize("name", verification_parts.EXPECTED)
def test_a_missing_attachment_is_named(name: str) -> None:
    found = judged(**{name: None})
    assert found.parts is None
    assert told(found.findings, "complete") == [("wrong", f"{name} is missing")]


def test_an_attachment_that_is_there_twice_has_more_or_has_another_checksum_is_named() -> None:
    files = certificates.attached(certificates.attachments())
    twice = verification_parts.judge([*files, files[1]])
    assert told(twice.findings, "complete") == [("wrong", f"{files[1].name} is there 2 times")]
    others = certificates.attached({"../../etc/passwd": b"x", "\x1b[2J": b"x", "a" * 1000: b"x", "b": b""})
    more = told(verification_parts.judge([*files, *others]).findings, "complete")[1]
    assert more[1].startswith("there is more than a certificate has, and it was not looked at: '../../etc/passwd', ")
    assert more[1].endswith("and 1 more")
    assert len(more[1]) < 300
    assert "\x1b" not in more[1]
    damaged = [
        dataclasses.replace(files[0], checksum=b"0" * 16),
        dataclasses.replace(files[1], checksum=None),
        *files[2:],
    ]
    assert told(verification_parts.judge(damaged).findings, "complete") == [
        ("wrong", f"{files[0].name} is not what was attached: its checksum is another; {files[1].name} has no checksum")
    ]


def test_a_record_of_another_certificate_is_told() -> None:
    found = judged(record__json=certificates.RECORD + b" ")
    ((state, sentence),) = told(found.findings, "data")
    assert state == "wrong"
    assert "record.json has SHA-256" in sentence
    assert "certificate.json names" in sentence


def test_a_template_that_was_not_used_is_told() -> None:
    found = judged(template__toml=certificates.TEMPLATE + b"\n")
    assert "template.toml has SHA-256" in told(found.findings, "data")[0][1]


@pytest.mark.parametrize("issue", [dataclasses.replace(ISSUE, number="K-1"), dataclasses.replace(ISSUE, revision=2)])
def test_numbers_and_revisions_that_differ_are_told(issue: Issue) -> None:
    found = judged(dcc__xml=certificates.attachments(issue)["dcc.xml"])
    sentence = f"dcc.xml names the certificate {issue.name}, certificate.json K-2026-0007/1"
    assert told(found.findings, "data") == [("wrong", sentence)]


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"", "it is no XML"),
        (b"<a>", "it is no XML"),
        (b"<a/>", "it is no digital calibration certificate"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "it has a document type"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "it has a document type"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "nested more than 100 deep"),
    ],
)
def test_a_strange_dcc_is_told(xml: bytes, sentence: str) -> None:
    [(state, found)] = told(judged(dcc__xml=xml).findings, "data")
    assert (state, found[:22]) == ("wrong", "dcc.xml cannot be read")
    assert sentence in found


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"certificate__json": b"{}"}, "certificate.json cannot be read: schema"),
        ({"certificate__json": b"[" * 100_000}, "certificate.json cannot be read"),
        ({"record__json": b"{}"}, "record.json cannot be read: schema"),
        ({"record__json": b"\xff"}, "record.json cannot be read"),
    ],
)
def test_data_that_cannot_be_read_is_told(files: dict[str, bytes], sentence: str) -> None:
    found = judged(**files)
    assert found.parts is None
    assert sentence in told(found.findings, "data")[0][1]


def numbers(change: Callable[[dict[str, Any]], None]) -> tuple[str, str]:
    parts = whole()
    values = json.loads(parts.told)
    change(values)
    changed = dataclasses.replace(parts, told=json.dumps(values).encode())
    return next(
        (one.state, one.sentence) for one in verification_numbers.judge(PDF, changed, "") if one.check == "numbers"
    )


def test_a_result_that_was_changed_is_named_with_both_values() -> None:
    def change(values: dict[str, Any]) -> None:
        values["as_found"]["measurands"][0]["points"][1]["U"] *= 1.001

    state, sentence = numbers(change)
    assert state == "wrong"
    assert (
        "certificate.json does not say what record and template give: as_found.measurands[0].points[1].U is" in sentence
    )


def test_a_verdict_and_a_point_that_were_changed_are_named() -> None:
    def verdict(values: dict[str, Any]) -> None:
        values["verdict"] = "fail" if values["verdict"] == "pass" else "pass"

    def point(values: dict[str, Any]) -> None:
        del values["as_found"]["measurands"][0]["points"][0]

    assert "verdict is" in numbers(verdict)[1]
    assert "points has" in numbers(point)[1]


def test_another_last_digit_is_no_difference() -> None:
    def change(values: dict[str, Any]) -> None:
        values["as_found"]["measurands"][0]["points"][1]["U"] *= 1 + 1e-14

    assert numbers(change) == ("ok", "calculated again from record and template: the same results")


def test_pages_that_print_something_else_are_told() -> None:
    document = certificate.document(
        certificates.RESULTS, UNSIGNED, record=certificates.RECORD, template=certificates.TEMPLATE
    )
    changed = dataclasses.replace(document, blocks=(*document.blocks, Paragraph(text="and gold plated", field="x")))
    parts = dataclasses.replace(whole(), issue=UNSIGNED, told=certificates.attachments(UNSIGNED)["certificate.json"])
    findings = list(verification_numbers.judge(drawing.draw(changed).pdf, parts, software.name()))
    sentence = "drawn again from its data, they differ: what is printed is not what the data give"
    assert told(findings, "pages") == [("wrong", sentence)]
    other = dataclasses.replace(parts, issue=dataclasses.replace(UNSIGNED, software="kleinmaelzung 0.0.9"))
    made = f"made by another version, kleinmaelzung 0.0.9; this is {software.name()}"
    assert told(verification_numbers.judge(PDF, other, software.name()), "pages") == [
        ("open", f"could not be compared: {made}")
    ]


def test_the_same_pages_in_another_packing_are_the_same() -> None:
    packed = io.BytesIO()
    with pikepdf.open(io.BytesIO(PDF)) as found:
        found.save(packed, recompress_flate=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert packed.getvalue() != PDF
    assert pages.digest(packed.getvalue()) == pages.digest(PDF)


def test_pages_with_an_annotation_over_them_are_not_the_same() -> None:
    covered = io.BytesIO()
    with pikepdf.open(io.BytesIO(PDF)) as found:
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FreeText, Rect=[0, 0, 300, 300])
        found.pages[0].Annots = pikepdf.Array([found.make_indirect(note)])
        found.save(covered)
    assert pages.digest(covered.getvalue()) != pages.digest(PDF)


def test_a_template_that_cannot_be_used_and_a_record_that_gives_nothing_are_told() -> None:
    parts = whole()
    findings = list(verification_numbers.judge(PDF, dataclasses.replace(parts, template_file=b"a = 1"), ""))
    assert "template.toml cannot be used: line 1" in told(findings, "numbers")[0][1]
    findings = list(
        verification_numbers.judge(PDF, dataclasses.replace(parts, template_file=parts.template_file + b"\n"), "")
    )
    assert "nothing can be calculated from record and template: template.sha256" in told(findings, "numbers")[0][1]


def bomb(size: int) -> bytes:
    """A PDF with an attachment that unpacks to so many bytes."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(PDF)) as found:
        packing = zlib.compressobj(1)
        packed = b"".join(packing.compress(bytes(2**20)) for _ in range(size >> 20)) + packing.flush()
        stream = pikepdf.Stream(found, b"")
        stream.write(packed, filter=pikepdf.Name.FlateDecode)
        spec = found.Root.AF[0]
        spec.EF.F = stream
        found.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()


def test_an_attachment_that_unpacks_to_hundreds_of_megabytes_is_refused() -> None:
    hostile = bomb(2**28)
    assert len(hostile) < 2 * 2**20
    with pytest.raises(Unreadable, match="unpacks to more than 67108864 bytes in one piece"):
        reading.read(hostile)


def remade(change: Callable[[pikepdf.Pdf], None], **options: Any) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(PDF)) as found:
        change(found)
        found.save(out, **options)
    return out.getvalue()


def indirect(found: pikepdf.Pdf) -> None:
    """Refer to everything that can be referred to."""
    spec = found.Root.AF[0]
    spec.EF.F.Params = found.make_indirect(spec.EF.F.Params)
    spec.EF = found.make_indirect(spec.EF)
    names = found.Root.Names.EmbeddedFiles.Names
    found.Root.Names.EmbeddedFiles.Names = found.make_indirect(names)
    found.Root.Names.EmbeddedFiles = found.make_indirect(found.Root.Names.EmbeddedFiles)
    found.Root.Names = found.make_indirect(found.Root.Names)


def test_attachments_are_found_however_a_file_refers_to_them() -> None:
    before, after = (reading.read(pdf).attached for pdf in (PDF, remade(indirect)))
    assert before == after
    assert [one.name for one in after] == ["record.json"]


def circle(found: pikepdf.Pdf) -> None:
    node = found.make_indirect(pikepdf.Dictionary())
    node.Kids = pikepdf.Array([node])
    found.Root.Names.EmbeddedFiles = node


def deep(found: pikepdf.Pdf) -> None:
    node: Any = pikepdf.Array()
    for _ in range(400):
        node = pikepdf.Array([node])
    found.Root.Names.EmbeddedFiles = node


def many(found: pikepdf.Pdf) -> None:
    names = found.Root.Names.EmbeddedFiles.Names
    for number in range(100):
        names.append(pikepdf.String(f"{number}"))
        names.append(names[1])


def no_branches(found: pikepdf.Pdf) -> None:
    found.Root.Names.EmbeddedFiles = pikepdf.Dictionary(Kids=pikepdf.Array([pikepdf.Name.No]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"hello", "this is no PDF"),
        (b"PK\x03\x04" + bytes(1000), "this is no PDF"),
        (b"%PDF-1.7\n", "cannot be read as a PDF"),
        (b"%PDF-1.7\n" + b" " * 2**24 + b"%%EOF\n", "cannot be read as a PDF: it has no end"),
        (b"%PDF-1.7\n" + b"[" * 200_000, "cannot be read as a PDF"),
        (PDF[: len(PDF) // 2], "cannot be read as a PDF"),
        (PDF[:-40], "cannot be read as a PDF"),
        (remade(circle), "refers to itself in a circle"),
        (remade(deep), "a tree in it has no branches"),
        (remade(many), "more than 50 attachments"),
        (remade(no_branches), "a tree in it has no branches"),
        (remade(lambda _: None, encryption=pikepdf.Encryption(owner="a", user="b")), "the file is encrypted"),
        (PDF.replace(b"/Root", b"/Xoot"), "cannot be read as a PDF"),
    ],
)  # fmt: skip
def test_what_is_no_certificate_is_a_sentence(content: bytes, sentence: str) -> None:
    found = verifying.verify(content, software="")
    (finding,) = found.findings
    assert (finding.check, finding.state) == ("file", "wrong")
    assert sentence in finding.sentence
    assert len(finding.sentence) < 400


def test_a_pdf_of_somebody_else_is_told_to_be_none_of_ours() -> None:
    found = verifying.verify(sheets.pdf(Paragraph(text="An invoice", field="x")), software="")
    assert [one.check for one in found.findings] == ["signature", "complete"]
    missing = "dcc.xml is missing; record.json is missing; template.toml is missing; certificate.json is missing"
    assert told(found.findings, "complete") == [("wrong", missing)]


def test_a_large_file_is_refused_unread() -> None:
    with pytest.raises(Unreadable, match="a certificate has 67108864 at most"):
        reading.read(bytes(reading.MAX_BYTES + 1))


def test_every_cut_and_many_flips_end_in_a_sentence() -> None:
    for place in range(0, len(SMALL), len(SMALL) // 40):
        for hostile in (SMALL[:place], SMALL[:place] + b"\xff" + SMALL[place + 1 :], SMALL[place:] + SMALL[:place]):
            findings = verifying.verify(hostile, trusted=[LAB.pem], software="").findings
            assert not is_well(findings)


def test_a_signature_made_in_the_future_of_its_key_is_not_valid_yet(tmp_path: Path) -> None:
    found = signatures(expired(tmp_path, NOW - timedelta(hours=23)))
    assert len(told(found, "key")) == 1
