"""The gateway's certificate: what cannot be used is said, what is renewed is taken."""

import contextlib
import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from kleinmaelzung_gateway.certificate import Certificate, CertificateError, CertificateFiles, make_context
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> CertificateFiles:
    found = CertificateFiles(tmp_path / "server.pem", tmp_path / "server.key")
    authority.sign(found.certificate, found.key)
    return found


def shown_by(server: ssl.SSLContext, ca_file: Path) -> bytes:
    """The certificate a client gets, in a handshake without a network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=ca_file).wrap_bio(to_client, to_server, server_hostname="localhost")
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, ours, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    found = client.getpeercert(binary_form=True)
    assert found is not None
    return found


def test_a_renewed_certificate_is_taken_for_new_connections(authority: Authority, files: CertificateFiles) -> None:
    certificate = Certificate(files)
    before = shown_by(certificate.context, authority.ca_file)
    assert not certificate.reload()
    authority.sign(files.certificate, files.key)
    assert certificate.reload()
    after = shown_by(certificate.context, authority.ca_file)
    assert after == ssl.PEM_cert_to_DER_cert(files.certificate.read_text())
    assert after != before


def test_half_a_renewal_leaves_the_certificate_before_in_use(
    authority: Authority, files: CertificateFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(files)
    before = shown_by(certificate.context, authority.ca_file)
    authority.sign(files.certificate, tmp_path / "its.key")
    with caplog.at_level(logging.WARNING):
        assert not certificate.reload()
    assert "the certificate before stays in use" in caplog.text
    assert shown_by(certificate.context, authority.ca_file) == before
    (tmp_path / "its.key").replace(files.key)
    assert certificate.reload()
    assert shown_by(certificate.context, authority.ca_file) != before


def test_when_asked_the_files_are_read_even_if_they_look_unchanged(files: CertificateFiles) -> None:
    certificate = Certificate(files)
    assert not certificate.reload()
    assert certificate.reload(even_unchanged=True)


def test_a_certificate_that_went_away_is_no_end(files: CertificateFiles) -> None:
    certificate = Certificate(files)
    files.certificate.unlink()
    assert not certificate.reload()


def test_old_tls_is_not_spoken(files: CertificateFiles) -> None:
    assert make_context(files).minimum_version == ssl.TLSVersion.TLSv1_2


def test_each_mistake_is_a_sentence_that_names_the_file(
    authority: Authority, files: CertificateFiles, tmp_path: Path
) -> None:
    def why(certificate: Path, key: Path) -> str:
        with pytest.raises(CertificateError) as refused:
            make_context(CertificateFiles(certificate, key))
        return str(refused.value)

    other = tmp_path / "other.key"
    authority.sign(tmp_path / "other.pem", other)
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", files.key, "-aes256", "-passout", "pass:x", "-out", locked],
        check=True,
        capture_output=True,
        timeout=30,
    )
    nothing = tmp_path / "nothing"
    assert why(nothing, files.key) == f"{nothing} cannot be read: No such file or directory"
    assert why(files.certificate, other) == f"{other} is not the key of the certificate in {files.certificate}"
    assert why(files.key, files.key).startswith(f"{files.key} and {files.key} are no certificate and key in PEM form")
    assert why(files.certificate, locked) == f"{locked} is protected by a password; expected a key without one"
