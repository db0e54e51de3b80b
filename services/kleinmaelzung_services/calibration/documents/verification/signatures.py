"""What the signatures of a certificate say: what was read in; findings out. Pure.

`intact` alone is little: what was appended later is not covered, and a stranger's key makes intact signatures too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.verification.finding import Finding
from kleinmaelzung_services.calibration.documents.verification.reading import Opened, Signature

UNSIGNED: Final = "unsigned copy: nothing proves who issued it, or that it was not changed"
CHANGED: Final = "the file was changed after it was signed"
ADDED: Final = "something was added after it was signed"
_ASK: Final = "ask the laboratory for the one that it issued"


def judge(opened: Opened, issue: Issue | None) -> list[Finding]:
    """`issue` is what the certificate says about itself, None where that cannot be read."""
    found = opened.signatures
    if not found:
        return [_missing(opened, issue)]
    names = [f"{number} of {len(found)}" for number in range(1, len(found) + 1)] if len(found) > 1 else [""]
    findings = [one for name, signature in zip(names, found, strict=True) for one in _of(opened, signature, name)]
    if opened.damaged:
        findings.append(_wrong("signature", f"{opened.damaged} more cannot be read: {CHANGED}"))
    if issue is not None:
        findings.append(_named(found, issue))
    return findings


def _missing(opened: Opened, issue: Issue | None) -> Finding:
    if opened.damaged or opened.has_traces:
        return _wrong("signature", f"there is one, but it cannot be read: {CHANGED}; {_ASK}")
    if issue is not None and issue.signer is not None:
        told = f"it says that {issue.signer.name} signed it, and the signature is missing"
        return _wrong("signature", f"{UNSIGNED}; {told}; {_ASK}")
    if opened.revisions > 1:
        return _wrong("signature", f"{UNSIGNED}; something was added after it was made")
    return _wrong("signature", UNSIGNED)


def _of(opened: Opened, signature: Signature, name: str) -> Iterator[Finding]:
    yield _integrity(opened, signature, f"signature {name}".strip())
    yield _key(signature, f"key {name}".strip())
    if (finding := _validity(signature, f"key {name}".strip())) is not None:
        yield finding


def _integrity(opened: Opened, signature: Signature, check: str) -> Finding:
    if not signature.is_intact or signature.covers == "unclear":
        return _wrong(check, f"{CHANGED}; {_ASK}")
    if signature.covers == "beginning":
        extent = f"it covers the first {signature.covered} of {opened.size} bytes"
        return _wrong(check, f"{ADDED}: {extent}; {_ASK}")
    permits = "no changes are permitted" if signature.forbids_changes else "it does not forbid changes"
    when = "at a time that it does not say" if signature.at is None else f"{shown(signature.at)} by the signer's clock"
    return Finding(check=check, state="ok", sentence=f"intact, covers the whole file, {permits}; signed {when}")


def _key(signature: Signature, check: str) -> Finding:
    who = f"{signature.signer.name}, fingerprint {signature.signer.fingerprint}"
    if signature.is_trusted:
        return Finding(check=check, state="ok", sentence=f"trusted: {who}")
    remedy = "compare it with the laboratory's, and name its certificate with --trust"
    issuer = f"issuer {signature.issuer}, fingerprint {signature.signer.fingerprint}"
    return _wrong(check, f"key unknown: {signature.signer.name}, {issuer}; {remedy}")


def _validity(signature: Signature, check: str) -> Finding | None:
    first, last, at = signature.valid_from, signature.valid_until, signature.at
    if at is None:
        return _wrong(check, "the signature does not say when it was made, so its key may have expired")
    if first <= at <= last:
        return None
    word = "had expired" if at > last else "was not valid yet"
    span = f"valid {shown(first)} to {shown(last)}"
    return _wrong(check, f"the certificate of the key {word} when it was used: {span}, signed {shown(at)}")


def _named(found: tuple[Signature, ...], issue: Issue) -> Finding:
    """The pages name who signs: it must be them who did."""
    if issue.signer is None:
        return _wrong("signer", "the certificate says that it is an unsigned copy, but it is signed: by somebody else")
    used = [one.signer.fingerprint for one in found]
    if issue.signer.fingerprint in used:
        return Finding(check="signer", state="ok", sentence=f"the one that its pages name: {issue.signer.name}")
    told = f"its pages name {issue.signer.name}, fingerprint {issue.signer.fingerprint}"
    return _wrong("signer", f"{told}, which is not the key that signed it")


def shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _wrong(check: str, sentence: str) -> Finding:
    return Finding(check=check, state="wrong", sentence=sentence)
