"""A laboratory's own signing key: a name and a passphrase in; PKCS#12 and the certificate out.

Such a certificate is signed by its own key: it shows that nothing was changed, and not who signed. Whoever trusts it
has compared its fingerprint with the laboratory's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from kleinmaelzung_services.calibration.documents.certificate.issue import Signer
from kleinmaelzung_services.calibration.errors import CalibrationError

Kind = Literal["rsa", "ec"]
KINDS: Final[tuple[Kind, ...]] = ("rsa", "ec")
RSA_BITS: Final = 3072
VALID: Final = timedelta(days=5 * 365)
_LONGEST_NAME: Final = 64  # RFC 5280, appendix A: ub-common-name


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`p12` is encrypted; `pem` is the certificate, for those who verify."""

    p12: bytes = field(repr=False)
    pem: bytes
    signer: Signer
    valid_until: datetime


def make(name: str, passphrase: bytes, *, at: datetime, kind: Kind = "rsa") -> Made:
    """Raises CalibrationError for a name or a passphrase that cannot be used."""
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        rule = f"expected 1 to {_LONGEST_NAME} characters that can be printed"
        raise CalibrationError("the name", name, rule, "name the laboratory or the person who signs")
    if not passphrase:
        raise CalibrationError("the passphrase", "empty", "the key is kept encrypted", "choose one")
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, RSA_BITS)
    certificate = _certificate(name.strip(), key, at.replace(microsecond=0))
    encryption = BestAvailableEncryption(passphrase)
    return Made(
        p12=pkcs12.serialize_key_and_certificates(name.strip().encode(), key, certificate, None, encryption),
        pem=certificate.public_bytes(Encoding.PEM),
        signer=Signer(name=name.strip(), fingerprint=certificate.fingerprint(hashes.SHA256()).hex()),
        valid_until=certificate.not_valid_after_utc,
    )


def _certificate(name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, at: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,  # nonRepudiation, as X.509 called it
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
