"""Signing: the file that comes out, and every key that must not sign."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.signers import PdfSigner

from kleinmaelzung_services.calibration.documents import key_making, signing
from kleinmaelzung_services.calibration.documents.signing import Key, KeyRefused
from kleinmaelzung_services.calibration.documents.verification import pages as verification_pages
from kleinmaelzung_services.calibration.documents.verification import reading
from kleinmaelzung_services.calibration.errors import CalibrationError
from tests.unit.services.calibration_documents import pages, signing_keys
from tests.unit.services.calibration_documents.signing_keys import DAY, NOW, PASSPHRASE
from tests.unit.services.calibration_documents.test_structure import PDF

LAB = signing_keys.laboratory()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return signing_keys.opened(tmp_path_factory.mktemp("key"), LAB.p12)


@pytest.fixture(scope="module")
def signed(key: Key) -> bytes:
    texts = {
        "reason": r"Kalibrierung (fertig) \) ( < 张",
        "location": "Köln (Halle 2)",
        "name": "Jörg O'Neill (Leiter)",
    }
    return signing.sign(PDF, key, at=NOW, **texts)


def refused(folder: Path, content: bytes, passphrase: bytes = PASSPHRASE) -> str:
    with pytest.raises(KeyRefused) as raised:
        signing.open_key(signing_keys.written(folder, content), passphrase)
    return str(raised.value)


def test_the_unsigned_bytes_are_the_beginning_of_the_signed_file(signed: bytes) -> None:
    assert signed.startswith(PDF)
    assert len(signed) > len(PDF)


def test_it_is_an_invisible_pades_signature_that_permits_no_changes(signed: bytes) -> None:
    with pages.opened(signed) as found:
        (field,) = found.Root.AcroForm.Fields
        signature = field.V
        (reference,) = signature.Reference
        assert (str(signature.Filter), str(signature.SubFilter)) == ("/Adobe.PPKLite", "/ETSI.CAdES.detached")
        assert (str(reference.TransformMethod), int(reference.TransformParams.P)) == ("/DocMDP", 1)
        assert found.Root.Perms.DocMDP.objgen == signature.objgen
        assert [int(each) for each in field.Rect] == [0, 0, 0, 0]
        assert int(field.F) & 0b111 == 0b100  # printed, neither hidden nor invisible: PDF/A
        assert found.check_pdf_syntax() == []


def test_reason_place_and_name_keep_their_parentheses_and_umlauts(signed: bytes) -> None:
    with pages.opened(signed) as found:
        signature = found.Root.AcroForm.Fields[0].V
        assert str(signature.Reason) == r"Kalibrierung (fertig) \) ( < 张"
        assert str(signature.Location) == "Köln (Halle 2)"
        assert str(signature.Name) == "Jörg O'Neill (Leiter)"


def test_the_time_is_the_one_given(key: Key) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    signed = signing.sign(PDF, key, at=NOW.astimezone(there))
    with pages.opened(signed) as found:
        assert str(found.Root.AcroForm.Fields[0].V.M) == "D:20260311080000Z"
    assert reading.read(signed).signatures[0].at == NOW


def test_title_metadata_version_and_pages_stay_as_they_were(signed: bytes) -> None:
    with pages.opened(PDF) as before, pages.opened(signed) as after:
        assert after.Root.Metadata.read_bytes() == before.Root.Metadata.read_bytes()
        assert after.Root.Metadata.objgen == before.Root.Metadata.objgen
        assert after.pdf_version == before.pdf_version == "1.7"
        assert "/Version" not in after.Root
        assert str(after.trailer.ID[0]) == str(before.trailer.ID[0])
    assert verification_pages.digest(signed) == verification_pages.digest(PDF)


def test_what_pyhanko_may_rename_is_still_there() -> None:
    """signing.py keeps these from writing a time and a version of their own."""
    assert callable(IncrementalPdfFileWriter._update_meta)
    assert callable(BasePdfFileWriter.register_extension)
    assert callable(PdfSigner.register_extensions)


def test_the_holder_is_known_before_anything_is_signed(key: Key) -> None:
    assert key.signer == LAB.signer
    assert key.signer.name == "Labor Grün (1)"
    assert len(key.signer.fingerprint) == 64


async def test_signing_works_while_an_event_loop_is_running(key: Key) -> None:
    asyncio.get_running_loop()
    assert signing.sign(PDF, key, at=NOW).startswith(PDF)


def test_no_network_is_asked(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    signed = signing.sign(PDF, key, at=NOW)
    assert reading.read(signed, [LAB.pem]).signatures[0].is_trusted


def test_a_key_of_an_authority_brings_its_chain(tmp_path: Path) -> None:
    authority, leaf, own = signing_keys.issued()
    key = signing_keys.opened(tmp_path, signing_keys.packed(own, leaf, [authority]))
    (found,) = reading.read(signing.sign(PDF, key, at=NOW), [signing_keys.pem(authority)]).signatures
    assert (found.is_trusted, found.signer.name, found.issuer) == (
        True,
        "Lab of an authority",
        "Common Name: Authority",
    )


def test_a_key_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused) as raised:
        signing.open_key(tmp_path / "no.p12", PASSPHRASE)
    assert "there is no such file" in str(raised.value)
    assert "kleinmaelzung calibration key make" in str(raised.value)
    assert raised.value.field == "the signing key"


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "folder.p12"
    folder.mkdir(mode=0o700)
    with pytest.raises(KeyRefused, match="it cannot be read: Is a directory"):
        signing.open_key(folder, PASSPHRASE)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = signing_keys.written(tmp_path, LAB.p12)
    file.chmod(0o640)
    with pytest.raises(KeyRefused, match=r"others can read it \(mode 0640\): run: chmod 600"):
        signing.open_key(file, PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"hello", PDF, LAB.pem, LAB.p12[:100]])
def test_what_is_no_pkcs12_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "it is no PKCS#12 file (.p12, .pfx): make one with" in refused(tmp_path, content)


def test_a_huge_file_is_no_key_and_is_not_read_whole(tmp_path: Path) -> None:
    file = signing_keys.written(tmp_path, b"")
    os.truncate(file, 10**10)
    with pytest.raises(KeyRefused, match="it has more than 1048576 bytes"):
        signing.open_key(file, PASSPHRASE)


@pytest.mark.parametrize("passphrase", [b"", b"battery staple"])
def test_a_wrong_passphrase_is_refused_and_not_shown(tmp_path: Path, passphrase: bytes) -> None:
    sentence = refused(tmp_path, LAB.p12, passphrase)
    assert "the passphrase does not open it, or it is damaged: check the passphrase" in sentence
    assert "staple" not in sentence


def test_a_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, signing_keys.packed(signing_keys.ec_key(), None))
    assert "there is no certificate that belongs to the key in it: export the key with its certificate" in found


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    found = signing_keys.certificate(signing_keys.ec_key())
    assert "there is no private key in it" in refused(tmp_path, signing_keys.packed(None, found))


def test_a_key_that_is_not_for_signatures_is_refused(tmp_path: Path) -> None:
    key = signing_keys.ec_key()
    found = signing_keys.certificate(key, "Web server", usage=("key_agreement",))
    sentence = refused(tmp_path, signing_keys.packed(key, found))
    assert sentence == (
        "the signing certificate is Web server, but its key usage has neither digitalSignature nor nonRepudiation: "
        "use a key that is meant for signatures"
    )


@pytest.mark.parametrize("usage", ["digital_signature", "content_commitment"])
def test_either_usage_for_signatures_is_enough(tmp_path: Path, usage: str) -> None:
    key = signing_keys.ec_key()
    found = signing_keys.certificate(key, usage=(usage,))
    opened = signing_keys.opened(tmp_path, signing_keys.packed(key, found))
    signed = signing.sign(PDF, opened, at=NOW)
    assert reading.read(signed, [signing_keys.pem(found)]).signatures[0].is_trusted


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    key = signing_keys.short_rsa_key()
    sentence = refused(tmp_path, signing_keys.packed(key, signing_keys.certificate(key)))
    assert "it is RSA with 1024 bits, expected 2048 or more: make a longer one" in sentence


def test_a_kind_of_key_that_programs_for_pdf_do_not_know_is_refused(tmp_path: Path) -> None:
    key = signing_keys.strange_key()
    sentence = refused(tmp_path, signing_keys.packed(key, signing_keys.certificate(key)))
    assert "it is neither RSA nor on one of the curves P-256, P-384 and P-521" in sentence


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (NOW - 2 * DAY, "it is not valid before 2026-03-10T08:00:00+00:00: check the clock, or sign later"),
        (datetime(2031, 3, 10, tzinfo=UTC), "it expired at 2031-03-09T08:00:00+00:00: renew it, or make a new key"),
    ],
)
def test_a_certificate_that_is_not_valid_at_that_time_signs_nothing(key: Key, at: datetime, rule: str) -> None:
    with pytest.raises(KeyRefused) as raised:
        signing.sign(PDF, key, at=at)
    assert rule in str(raised.value)


def test_the_first_and_the_last_second_are_valid(key: Key) -> None:
    for at in (key.certificate.not_valid_before_utc, key.certificate.not_valid_after_utc):
        signing.check_time(key, at)


def test_a_time_without_a_zone_is_a_mistake(key: Key) -> None:
    with pytest.raises(ValueError, match="at has no time zone"):
        signing.sign(PDF, key, at=datetime(2026, 3, 11))  # noqa: DTZ001 - what is refused


def test_a_key_does_not_show_itself(key: Key) -> None:
    assert "material" not in repr(key)
    assert "p12" not in repr(LAB)


def test_a_made_key_is_for_signatures_alone_and_valid_for_five_years() -> None:
    certificate = x509.load_pem_x509_certificate(LAB.pem)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not any((usage.key_encipherment, usage.key_agreement, usage.key_cert_sign, usage.crl_sign))
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=5 * 365)
    assert certificate.issuer == certificate.subject


def test_a_made_rsa_key_has_3072_bits(tmp_path: Path) -> None:
    made = key_making.make("Lab", PASSPHRASE, at=NOW)
    key = signing_keys.opened(tmp_path, made.p12)
    public: Any = key.certificate.public_key()
    assert public.key_size == 3072
    assert reading.read(signing.sign(PDF, key, at=NOW), [made.pem]).signatures[0].is_trusted


@pytest.mark.parametrize("name", ["", "  ", "a" * 65, "a\nb", "a\x1b[31m"])
def test_a_name_that_cannot_be_printed_makes_no_key(name: str) -> None:
    with pytest.raises(CalibrationError, match="expected 1 to 64 characters that can be printed"):
        key_making.make(name, PASSPHRASE, at=NOW)


def test_a_key_is_never_made_without_a_passphrase() -> None:
    with pytest.raises(CalibrationError, match="the key is kept encrypted: choose one"):
        key_making.make("Lab", b"", at=NOW)
