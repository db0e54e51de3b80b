"""A PDF of whoever sent it in; its signatures and its attachments out. Nothing is believed here.

pyHanko reads it, with limits: what unpacks to more than a certificate can have is refused. Nothing is written anywhere,
and no network is asked. Whoever calls this bounds the time that it may take.
"""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.misc import PdfDecodeLimitError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from kleinmaelzung_services.calibration.documents.certificate.issue import Signer
from kleinmaelzung_services.calibration.documents.verification import pdf as verification_pdf
from kleinmaelzung_services.calibration.documents.verification.pdf import MAX_TOGETHER, MAX_UNPACKED, Unreadable, entry

MAX_BYTES: Final = 64 * 1024 * 1024
MOST_ATTACHMENTS: Final = 50
MOST_SIGNATURES: Final = 20
_END: Final = 2048  # bytes in which a PDF ends, and a little that was added
_LONGEST_SIGNATURE: Final = 256 * 1024
# What a signed file has and an unsigned one of ours has not; what is packed does not count.
_TRACES: Final = (b"/ByteRange", b"/AcroForm", b"/DocMDP", b"/SigFlags", b"/Adobe.PPKLite")
_USAGE: Final = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """`checksum` is the MD5 that the file declares, None where it declares none."""

    name: str
    content: bytes
    checksum: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`covers`: the file, a part that ends before it, or something else. `at` is what the signer's clock said."""

    signer: Signer
    issuer: str
    at: datetime | None
    valid_from: datetime
    valid_until: datetime
    is_intact: bool
    covers: Literal["file", "beginning", "unclear"]
    covered: int
    forbids_changes: bool
    is_trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`has_traces`: something in the file belongs to a signature. `damaged` counts signatures that cannot be read."""

    signatures: tuple[Signature, ...]
    damaged: int
    has_traces: bool
    attached: tuple[Attached, ...]
    revisions: int
    size: int


def read(pdf: bytes, trusted: Sequence[bytes] = ()) -> Opened:
    """`trusted` are certificates, PEM or DER, of signers or of who issued theirs. Raises Unreadable."""
    _check_size(pdf)
    try:
        return _opened(pdf, _certificates(trusted))
    except Unreadable:
        raise
    except PdfDecodeLimitError:
        rule = f"unpacks to more than {MAX_UNPACKED} bytes in one piece or {MAX_TOGETHER} together"
        raise Unreadable(f"the file {rule}: no certificate of ours does, so nothing in it was looked at") from None
    except RecursionError:
        raise Unreadable("the file is nested too deeply: it is damaged, or made to do harm") from None
    except MemoryError:
        raise Unreadable("the file needs more memory than a certificate may: nothing in it was looked at") from None
    except Exception as error:  # a strange file raises anything, from KeyError to AssertionError, deep in the reader
        raise Unreadable(_no_pdf(pdf, str(error).strip() or type(error).__name__)) from None


def _no_pdf(pdf: bytes, why: str) -> str:
    traces = "; it was signed, and changed since" if _has_traces(pdf) else ""
    return f"the file cannot be read as a PDF{traces}: {why:.200}"


def check_trusted(certificates: bytes) -> None:
    """Raises Unreadable where this is no certificate, PEM or DER."""
    _certificates([certificates])


def _check_size(pdf: bytes) -> None:
    if not pdf:
        raise Unreadable("the file is empty")
    if len(pdf) > MAX_BYTES:
        raise Unreadable(f"the file has {len(pdf)} bytes, a certificate has {MAX_BYTES} at most")
    if not pdf.startswith(b"%PDF-"):
        raise Unreadable("this is no PDF: it does not begin with %PDF-")
    if not all(mark in pdf[-_END:] for mark in (b"startxref", b"%%EOF")):  # pyHanko would look for them byte by byte
        raise Unreadable(_no_pdf(pdf, "it has no end"))


def _opened(pdf: bytes, trusted: list[Any]) -> Opened:
    reader = verification_pdf.opened(pdf)
    if reader.encrypted:
        raise Unreadable("the file is encrypted, which no certificate of ours is: ask for the one that was issued")
    found, damaged = list[Signature](), 0
    for name, _, field in _fields(reader):
        try:
            found.append(_signature(pdf, EmbeddedPdfSignature(reader, field, name), trusted))
        except PdfDecodeLimitError:
            raise
        except Exception:  # as in read()
            damaged += 1
    return Opened(
        signatures=tuple(found),
        damaged=damaged,
        has_traces=_has_traces(pdf),
        attached=tuple(_attached(reader)),
        revisions=reader.total_revisions,
        size=len(pdf),
    )


def _has_traces(pdf: bytes) -> bool:
    return any(trace in pdf for trace in _TRACES)


def _fields(reader: PdfFileReader) -> Iterator[tuple[str, Any, Any]]:
    for count, field in enumerate(enumerate_sig_fields(reader, filled_status=True), 1):
        if count > MOST_SIGNATURES:
            raise Unreadable(f"the file has more than {MOST_SIGNATURES} signatures: a certificate of ours has one")
        yield field


def _signature(pdf: bytes, embedded: EmbeddedPdfSignature, trusted: list[Any]) -> Signature:
    if len(embedded.pkcs7_content) > _LONGEST_SIGNATURE:
        raise ValueError("too long")
    certificate, at = embedded.signer_cert, embedded.self_reported_timestamp
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=at, revocation_mode="soft-fail")
    status = _validated(embedded, context)
    covers = _covers(pdf, embedded)
    return Signature(
        signer=Signer(name=_name(certificate), fingerprint=certificate.sha256.hex()),
        issuer=certificate.issuer.human_friendly,
        at=at,
        valid_from=certificate.not_valid_before,
        valid_until=certificate.not_valid_after,
        is_intact=status.intact and status.valid,
        covers=covers,
        covered=int(embedded.byte_range[2]) + int(embedded.byte_range[3]),
        forbids_changes=embedded.docmdp_level == MDPPerm.NO_CHANGES,
        is_trusted=status.bottom_line and status.docmdp_ok is not False,
    )


def _validated(embedded: EmbeddedPdfSignature, context: ValidationContext) -> Any:
    """pyHanko wants an event loop; the caller's may be running, so it gets a thread with its own.

    What was added after the signature is not compared: nothing may be.
    """
    work = async_validate_pdf_signature(embedded, context, key_usage_settings=_USAGE, skip_diff=True)
    with ThreadPoolExecutor(1, "verification") as thread:
        return thread.submit(asyncio.run, work).result()


def _covers(pdf: bytes, embedded: EmbeddedPdfSignature) -> Literal["file", "beginning", "unclear"]:
    """Stricter than pyHanko: the gap is the signature in hexadecimal and nothing else, its padding is zeros."""
    ranges = [int(each) for each in embedded.byte_range]
    if len(ranges) != 4 or ranges[0] != 0 or min(ranges) < 0:
        return "unclear"
    _, first, start, last = ranges
    content = embedded.pkcs7_content
    digits = content.hex().encode()
    if pdf[first:start] not in (b"<" + digits + b">", b"<" + digits.upper() + b">"):
        return "unclear"
    if not _is_plain(embedded) or start + last > len(pdf):
        return "unclear"
    return "file" if start + last == len(pdf) else "beginning"


def _is_plain(embedded: EmbeddedPdfSignature) -> bool:
    """Whether the parts of a signature that it does not cover itself are as they must be (RFC 5652, 5.1 and 5.3).

    Its head repeats what is signed, its lengths fit into each other, and behind it are zeros.
    """
    content, signed, info = embedded.pkcs7_content, embedded.signed_data, embedded.signer_info
    end = _der_end(content, 0)
    return (
        _fits(content, 0, end)
        and not content[end:].strip(b"\0")
        and signed["version"].native == info["version"].native == "v1"
        and [each.dump() for each in signed["digest_algorithms"]] == [info["digest_algorithm"].dump()]
    )


def _fits(content: bytes, start: int, end: int) -> bool:
    """Whether the values from start to end fill this part exactly, and so do those within them."""
    while start < end:
        body, after = _der_body(content, start), _der_end(content, start)
        is_constructed = content[start] & 0x20
        if after > end or (is_constructed and not _fits(content, body, after)):
            return False
        start = after
    return start == end


def _der_body(content: bytes, start: int) -> int:
    """Where the value behind tag and length begins (X.690, 8.1.3)."""
    first = content[start + 1]
    return start + 2 + (first & 0x7F if first & 0x80 else 0)


def _der_end(content: bytes, start: int) -> int:
    body, first = _der_body(content, start), content[start + 1]
    return body + (int.from_bytes(content[start + 2 : body]) if first & 0x80 else first)


def _name(certificate: Any) -> str:
    return str(certificate.subject.native.get("common_name", certificate.subject.human_friendly))


def _certificates(trusted: Sequence[bytes]) -> list[Any]:
    found = list[Any]()
    for content in trusted:
        try:
            found += list(load_certs_from_pemder_data(content))
            [each.sha256 for each in found]
        except Exception:  # asn1crypto raises anything
            raise Unreadable("this is no certificate, expected PEM or DER") from None
    return found


def _attached(reader: PdfFileReader) -> Iterator[Attached]:
    tree = entry(entry(reader.root, "/Names"), "/EmbeddedFiles")
    count = 0
    for node in [] if tree is None else verification_pdf.leaves(tree, "/Kids"):
        names = entry(node, "/Names") or ()
        for at in range(1, len(names), 2):
            if (count := count + 1) > MOST_ATTACHMENTS:
                raise Unreadable(f"the file has more than {MOST_ATTACHMENTS} attachments: a certificate of ours has 4")
            yield _one_attached(names[at])


def _one_attached(spec: Any) -> Attached:
    stream = spec["/EF"]["/F"]
    declared = entry(entry(stream, "/Params"), "/CheckSum")
    return Attached(
        name=str(entry(spec, "/UF") or entry(spec, "/F") or ""),
        content=bytes(stream.data),
        checksum=None if declared is None else bytes(getattr(declared, "original_bytes", declared)),
    )
