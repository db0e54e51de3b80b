"""Keys and certificates to sign with, good and bad; each is made once."""

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from kleinmaelzung_services.calibration.documents import key_making, signing

NOW = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PASSPHRASE = b"correct horse"
USAGE = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@functools.cache
def laboratory(name: str = "Labor Grün (1)") -> key_making.Made:
    return key_making.make(name, PASSPHRASE, at=NOW - DAY, kind="ec")


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def short_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


@functools.cache
def strange_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def certificate(
    key: Any,
    name: str = "Lab",
    *,
    issuer: x509.Certificate | None = None,
    issuer_key: Any = None,
    first: datetime = NOW - DAY,
    last: datetime = NOW + DAY,
    is_authority: bool = False,
    usage: tuple[str, ...] = ("digital_signature",),
) -> x509.Certificate:
    """Signed by its own key unless told."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signed_by = key if issuer_key is None else issuer_key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{name: name in usage for name in USAGE}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False)
        .sign(signed_by, None if isinstance(signed_by, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


@functools.cache
def issued() -> tuple[x509.Certificate, x509.Certificate, ec.EllipticCurvePrivateKey]:
    """An authority's certificate, one that it issued, and the key of that one."""
    own = ec.generate_private_key(ec.SECP256R1())
    authority = certificate(ec_key(), "Authority", is_authority=True, usage=("key_cert_sign",))
    return authority, certificate(own, "Lab of an authority", issuer=authority, issuer_key=ec_key()), own


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(Encoding.PEM)


def packed(key: Any, found: x509.Certificate | None, others: list[x509.Certificate] | None = None) -> bytes:
    """As PKCS#12."""
    return pkcs12.serialize_key_and_certificates(b"lab", key, found, others, BestAvailableEncryption(PASSPHRASE))


def written(folder: Path, content: bytes, name: str = "lab.p12") -> Path:
    """A file that nobody else can read."""
    file = folder / name
    file.touch(mode=0o600)
    file.write_bytes(content)
    return file


def opened(folder: Path, content: bytes) -> signing.Key:
    return signing.open_key(written(folder, content), PASSPHRASE)
