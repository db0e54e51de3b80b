"""Notes: what people put on an instrument's time line, "cleaned the pan", at a moment or over a span.

    {request: "note-add", instrument: "pi-1/balance", at, until, text, id}
    {request: "note-withdraw", number, reason, id}
        -> {note: {number, instrument, at, until, text, user, noted, withdrawn: {user, time, reason} or nil}}
    {request: "note-list", instrument, from, to, after, limit}
        -> {notes: [as above, ...], more}

Asked of a service whose role is `batches`. Times are in µs. `at` is now where it is left out; without `until` a note is
of a moment. What was noted is never changed: a note that was wrong is withdrawn, and stays on record as that. With an
`id` of the caller's own a request that is sent again is done once.
"""

from typing import Final

from kleinmaelzung_wire import batches

ADD: Final = "note-add"
WITHDRAW: Final = "note-withdraw"
LIST: Final = "note-list"

MAX_TEXT: Final = 1000
PAGE: Final = 200  # notes in one answer, where they have room


def check_text(text: str, what: str = "note") -> str:
    """Return a note's text, or the reason for withdrawing one. Raises WireError."""
    return batches.check_note(text, what, MAX_TEXT)
