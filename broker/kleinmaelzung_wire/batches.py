"""Batches: what was made with some instruments from a beginning to an end, under a name people give it.

    {request: "batch-start", name, instruments: ["pi-1/balance", ...], at, note, id}
    {request: "batch-add", name, instruments, id}          instruments that belong to it as well, from its beginning on
    {request: "batch-mark", name, stage, at, id}           a stage begins, such as steeping, germination, kilning
    {request: "batch-note", name, text, at, id}
    {request: "batch-end", name, at, id}
    {request: "batch-reopen", name, id}                    it was ended by mistake
        -> {batch: its name, event: {number, kind, time, noted, user, stage, text, instruments}}
    {request: "batch-list", open, after}
        -> {batches: [{number, name, instruments, began, ended, stage, user}], more}
    {request: "batch-show", name, after}
        -> {batch: as above, events: [...], more}

Asked of a service whose role is `batches`. What was noted is never changed. `at` is in µs, now where it is left out;
with an `id` of the caller's own a request that is sent again is done once. A name is the same in capitals.
"""

import unicodedata
from typing import Any, Final, Literal

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError

ROLE: Final = "batches"
START: Final = "batch-start"
ADD: Final = "batch-add"
MARK: Final = "batch-mark"
NOTE: Final = "batch-note"
END: Final = "batch-end"
REOPEN: Final = "batch-reopen"
LIST: Final = "batch-list"
SHOW: Final = "batch-show"

Kind = Literal["started", "added", "stage", "note", "ended", "reopened"]

MAX_NAME: Final = 64
MAX_STAGE: Final = 64
MAX_NOTE: Final = 2000
MAX_INSTRUMENTS: Final = 64


def check_name(name: str, what: str = "name") -> str:
    """Return a batch's name, or a stage's, or raise WireError saying what one looks like."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise WireError(f"{what} {name!r:.80} is none: 1 to {MAX_NAME} printable characters, no space at either end")
    return unicodedata.normalize("NFC", name)


def check_note(text: str, what: str = "note", longest: int = MAX_NOTE) -> str:
    """Return a note, or raise WireError: printable characters and line breaks."""
    if not 1 <= len(text) <= longest or not text.strip() or not text.replace("\n", "").replace("\t", "").isprintable():
        raise WireError(f"a {what} of {len(text)} characters: expected 1 to {longest}, printable, with line breaks")
    return text


def check_instruments(names: list[Any]) -> tuple[str, ...]:
    """Return full names, each once, or raise WireError."""
    if not 1 <= len(names) <= MAX_INSTRUMENTS:
        raise WireError(f"{len(names)} instruments, expected 1 to {MAX_INSTRUMENTS}")
    for name in names:
        topics.split_full_name(name if isinstance(name, str) else "")
    return tuple(dict.fromkeys(names))


def same(name: str) -> str:
    """What two names have in common that are the same: `Pilsner 7` and `pilsner 7` are one batch."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
