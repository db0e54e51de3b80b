"""Plain sentences for what is wrong with a certificate, and contexts that never look away."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleinmaelzung_wire import tls
from kleinmaelzung_wire.tls import CaFileError
from tests.certificates import Authority

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def failed(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "what OpenSSL says"
    return error


@pytest.mark.parametrize(
    ("code", "ca_file", "parts"),
    [
        (10, None, ["lab:443 has expired", "renew it", "2026-03-04 05:06 UTC"]),
        (9, None, ["is not valid yet", "2026-03-04 05:06 UTC", "synchronise"]),
        (62, None, ["for another name", "use a name that it holds"]),
        (64, None, ["for another name"]),
        (18, None, ["nobody this machine trusts", "ca_file"]),
        (20, None, ["nobody this machine trusts"]),
        (19, Path("/ca.pem"), ["not signed by the CA in /ca.pem", "put the CA there"]),
        (21, Path("/ca.pem"), ["not signed by the CA in /ca.pem"]),
        (23, None, ["is not accepted: what OpenSSL says"]),
    ],
)
def test_a_certificate_that_is_not_accepted_gets_a_sentence(code: int, ca_file: Path | None, parts: list[str]) -> None:
    sentence = tls.sentence(failed(code), "lab:443", ca_file, NOW)
    assert [part for part in parts if part not in sentence] == []


def test_a_server_without_tls_is_recognised_and_other_trouble_is_none_of_ours() -> None:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    assert "does not speak TLS" in tls.sentence(error, "lab:80", None)
    assert "does it speak TLS at this port?" in tls.sentence(ConnectionResetError(), "lab:80", None)
    assert tls.sentence(ConnectionRefusedError(), "lab:80", None) == ""


def test_names_and_signatures_are_always_checked(tmp_path: Path) -> None:
    for ca_file in (None, Authority(tmp_path / "ca").ca_file):
        context = tls.client_context(ca_file)
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_with_a_file_nothing_but_that_is_trusted(tmp_path: Path) -> None:
    assert len(tls.client_context(Authority(tmp_path / "ca").ca_file).get_ca_certs()) == 1


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(CaFileError, match="cannot be read: No such file") as missing:
        tls.client_context(path)
    assert tls.sentence(missing.value, "lab", path) == str(missing.value)
    for content in ("", "nonsense"):
        path.write_text(content)
        with pytest.raises(CaFileError, match="holds no certificate in PEM form"):
            tls.client_context(path)
