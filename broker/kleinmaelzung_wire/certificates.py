"""Calibration certificates: issued once by a service, kept as they are, and known again.

    {request: "certificate-issue", record, template, language, number, amends, reason, changes, readings, id}
        -> {certificate: {number, revision, issued, user, item, sha256, data_sha256, verdict, ..., entry}, mistakes: []}
           or {certificate: nil, mistakes: a sentence for each thing that forbids it}
    {request: "certificate-withdraw", number, reason, id}
        -> {certificate: {...}}            a withdrawn one stays, and can be neither withdrawn nor amended again
    {request: "certificate-known", sha256, number, revision}
        -> {known: what was issued with these bytes, or nil; issued: what was issued under this number, or nil}
    {request: "certificate-list", text, state, from, to, after}    of the instruments that the request is about
        -> {certificates: [...], more}
    {request: "certificate-file", number, revision, file, offset}
        -> {content, total, sha256}        the file's bytes from `offset` on, as many as go into one message

Asked of a service whose role is `calibration`. `record` and `template` are files, compressed by zlib; without a
template the one that comes along is taken. Each certificate is told with its `state` and `withdrawn`, which is nil or
{time, user, reason}; one that came of a run with `run`, and `log`: the head of the log as it was then. `text` looks
into number, instrument, serial and asset number, model and verdict; `from` and `to` are when it was issued. `file` is
"pdf", "xml", "json", or the name of an attachment. Times are in µs since 1970 UTC, hashes in hexadecimal digits. With
an `id` of the caller's own a request that is sent again is done once.
"""

import re
from typing import Final, Literal

from kleinmaelzung_wire.codec import WireError

ROLE: Final = "calibration"
ISSUE: Final = "certificate-issue"
KNOWN: Final = "certificate-known"
WITHDRAW: Final = "certificate-withdraw"
LIST: Final = "certificate-list"
FILE: Final = "certificate-file"

# What a certificate is now. One that was withdrawn is so in all its revisions.
State = Literal["valid", "superseded", "withdrawn"]

PDF: Final = "pdf"
SHORT: Final = {"xml": "dcc.xml", "json": "record.json"}  # what `file` may be, beside the names of attachments
MAX_NUMBER: Final = 40
NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SHA256: Final = re.compile(r"[0-9a-f]{64}")


def check_number(number: str) -> str:
    """Return a certificate's number, or raise WireError saying what one looks like: it is a part of file names."""
    if len(number) > MAX_NUMBER or not NUMBER.fullmatch(number):
        rule = f"1 to {MAX_NUMBER} letters, digits, dots, hyphens and underscores, the first a letter or digit"
        raise WireError(f"number {number!r:.80} is none of a certificate: {rule}")
    return number


def check_sha256(text: str) -> str:
    if not SHA256.fullmatch(text):
        raise WireError(f"sha256 {text!r:.80} is none: 64 small hexadecimal digits")
    return text
