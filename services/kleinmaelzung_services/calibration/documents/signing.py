"""A finished PDF and a key in; the PDF with a signature appended out (PAdES, ETSI EN 319 142-1, baseline B-B).

The signed file begins with the bytes of the unsigned one. It certifies the document and permits no change (ISO 32000-1,
12.8.2.2: DocMDP, P = 1). Nothing is asked of a network: without an authority for time, the time is the signer's word.
pyHanko is an extra; whoever imports this module says so where it is missing.
"""

import asyncio
import io
import stat
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner, constants
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from kleinmaelzung_services.calibration.documents.certificate.issue import Signer
from kleinmaelzung_services.calibration.errors import CalibrationError

FIELD: Final = "Signature"
MIN_RSA_BITS: Final = 2048  # BSI TR-02102-1 and NIST SP 800-57: the least that is still in use
CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")  # those that programs for PDF know
_MAX_BYTES: Final = 1024 * 1024  # a key with its certificates has a few kilobytes
_KEY, _CERTIFICATE = "the signing key", "the signing certificate"
_MAKE: Final = "make one with `kleinmaelzung calibration key make`, or name another file"
_ANOTHER: Final = "use a key that is meant for signatures"


class KeyRefused(CalibrationError):
    """Nothing can be signed with this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A private key with its certificate. `signer` is what a certificate prints about it."""

    signer: Signer
    certificate: x509.Certificate
    material: SimpleSigner = field(repr=False)


def open_key(path: Path, passphrase: bytes) -> Key:
    """Read a PKCS#12 file. Raises KeyRefused for what must not sign; `check_time` says whether it may now."""
    key, certificate, content = _loaded(path, _content(path), passphrase)
    _check_kind(path, key)
    if certificate.public_key() != key.public_key():
        raise KeyRefused(_CERTIFICATE, str(path), "it belongs to another key", "put the key's own certificate into it")
    _check_usage(certificate)
    material = SimpleSigner.load_pkcs12_data(content, [], passphrase)
    return Key(signer=signer(certificate), certificate=certificate, material=material)


def signer(certificate: x509.Certificate) -> Signer:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    name = str(names[0].value) if names else certificate.subject.rfc4514_string()
    return Signer(name=name, fingerprint=certificate.fingerprint(hashes.SHA256()).hex())


def check_time(key: Key, at: datetime) -> None:
    """Raises KeyRefused where the certificate is not valid at that time."""
    first, last = key.certificate.not_valid_before_utc, key.certificate.not_valid_after_utc
    if at < first:
        rule = f"it is not valid before {_shown(first)}"
        raise KeyRefused(_CERTIFICATE, f"used at {_shown(at)}", rule, "check the clock, or sign later")
    if at > last:
        rule = f"it expired at {_shown(last)}"
        raise KeyRefused(_CERTIFICATE, f"used at {_shown(at)}", rule, "renew it, or make a new key")


def sign(pdf: bytes, key: Key, *, at: datetime, reason: str = "", location: str = "", name: str = "") -> bytes:
    """Return the PDF with its signature. `at` is the time of signing. Raises KeyRefused."""
    if at.tzinfo is None:
        raise ValueError("at has no time zone, expected one")
    check_time(key, at)
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        md_algorithm="sha256",
        reason=reason or None,
        location=location or None,
        name=name or None,
    )
    # PDF/A-3 (ISO 19005-3, 6.3.2) wants the print flag, and neither "hidden" nor "invisible"
    seen = InvisSigSettings(set_print_flag=True, set_hidden_flag=False, box_out_of_bounds=False)
    spec = SigFieldSpec(FIELD, box=None, invis_sig_settings=seen)
    signer = _Signer(metadata, key.material, new_field_spec=spec)
    return _finished(_signed(signer, _Appended(io.BytesIO(pdf)), at.astimezone(UTC).replace(microsecond=0)))


class _Signer(PdfSigner):
    """Names the extension that PAdES brings, and leaves the version: PDF/A-3 is PDF 1.7."""

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        pdf_out.register_extension(constants.ESIC_EXTENSION_1)


class _Appended(IncrementalPdfFileWriter):
    """Leaves title, times and XMP as they are: the writer would put the clock's time into them."""

    def _update_meta(self) -> None:
        pass


async def _signed(signer: PdfSigner, writer: IncrementalPdfFileWriter, at: datetime) -> bytes:
    session = signer.init_signing_session(writer)
    session.system_time = at
    size = await session.estimate_signature_container_size(None)
    document = session.prepare_tbs_document(None, size)
    out = io.BytesIO()
    digest, _ = document.digest_tbs_document(output=out)
    await document.perform_signature(digest.document_digest, PdfCMSSignedAttributes(signing_time=at))
    return out.getvalue()


def _finished(work: Coroutine[Any, Any, bytes]) -> bytes:
    """pyHanko wants an event loop; the caller's may be running, so it gets a thread with its own."""
    with ThreadPoolExecutor(1, "signing") as thread:
        return thread.submit(asyncio.run, work).result()


def _content(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            rule = f"others can read it (mode {mode:04o})"
            raise KeyRefused(_KEY, str(path), rule, f"run: chmod 600 {path}")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise KeyRefused(_KEY, str(path), "there is no such file", _MAKE) from None
    except OSError as error:
        raise KeyRefused(_KEY, str(path), f"it cannot be read: {error.strerror or error}", _MAKE) from None
    if len(content) > _MAX_BYTES:
        raise KeyRefused(_KEY, str(path), f"it has more than {_MAX_BYTES} bytes, so it is no key", _MAKE)
    return content


def _loaded(path: Path, content: bytes, passphrase: bytes) -> tuple[Any, x509.Certificate, bytes]:
    try:
        found = pkcs12.load_pkcs12(content, passphrase)
    except ValueError as error:
        if "password" in str(error).lower():
            rule = "the passphrase does not open it, or it is damaged"
            raise KeyRefused(_KEY, str(path), rule, "check the passphrase") from None
        raise KeyRefused(_KEY, str(path), "it is no PKCS#12 file (.p12, .pfx)", _MAKE) from None
    if found.key is None:
        raise KeyRefused(_KEY, str(path), "there is no private key in it", "export the key with its certificate")
    if found.cert is None:
        rule = "there is no certificate that belongs to the key in it"
        raise KeyRefused(_KEY, str(path), rule, "export the key with its certificate")
    return found.key, found.cert.certificate, content


def _check_kind(path: Path, key: Any) -> None:
    match key:
        case rsa.RSAPrivateKey() if key.key_size < MIN_RSA_BITS:
            rule = f"it is RSA with {key.key_size} bits, expected {MIN_RSA_BITS} or more"
            raise KeyRefused(_KEY, str(path), rule, "make a longer one")
        case rsa.RSAPrivateKey():
            return
        case ec.EllipticCurvePrivateKey() if key.curve.name in CURVES:
            return
    rule = "it is neither RSA nor on one of the curves P-256, P-384 and P-521"
    raise KeyRefused(_KEY, str(path), rule, "use a key that programs for PDF can check")


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return  # RFC 5280, 4.2.1.3: without it every use is permitted
    except ValueError as error:
        raise KeyRefused(_CERTIFICATE, str(error), "its extensions cannot be read", _ANOTHER) from None
    if not (usage.digital_signature or usage.content_commitment):
        rule = "its key usage has neither digitalSignature nor nonRepudiation"
        raise KeyRefused(_CERTIFICATE, signer(certificate).name, rule, _ANOTHER)


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
