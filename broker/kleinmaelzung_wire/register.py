"""The register of a laboratory: itself, its reference standards, the instruments that it calibrates. Only added to.

    {request: "register-list", kind, after}            -> {entries: [Entry], more}
    {request: "register-show", kind, name}             -> {entry: Entry, changes: [Change], more}
    {request: "register-put", kind, name, content, reason, file_sha256, number, id}    -> {entry: Entry, mistakes: []}
    {request: "register-retire", kind, name, reason, id}                -> {entry: Entry, mistakes: []}
    {request: "register-upload", sha256, total, offset, content}    -> {have, total}: how many bytes of it are there
    {request: "register-file", sha256, offset}         -> {content, total, sha256}
    {request: "register-impact", name, from, to}       -> {results: [Used], more}: what was measured with a standard
    {request: "calibration-log", after}                -> {checked, wrong, first_wrong, head: {number, hash}, more}
    {request: "calibration-history", instrument, after}    -> {calibrations: [Past], more}: the newest first

    Entry   {kind, name, content, number, time, user, is_retired, due, is_overdue, sha256: of its file, or ""}
    Change  {number, time, user, kind: "put" | "retired", reason, before: {key: value}, after: {key: value}, file}
    Used    {run, certificate, revision, instrument, time, state, verdict, is_withdrawn}
    Past    {certificate, revision, run, issued, performed, verdict, state, as_found: [Point], as_left: [Point] or nil,
             drift: [{measurand, nominal, change, unit, E_n: or nil}]}    as found now, less as left the time before
    Point   {measurand, nominal, error: indication less reference, U, unit}

Asked of a service whose role is `calibration`. Who is calibrator or admin may change; a laboratory's own entry
(kind "laboratory", name "laboratory") only an admin. To look, any but public. What is about items or results names the
instruments that it is about. With the `number` of the entry that somebody changes, a change meanwhile is refused; an
entry that is there is changed with a reason only. Lists are by name, `after` that of the last one; changes and results
have the newest first, `after` the last one's number, or how many results were told. `after` of the log is the number of
an entry, or a head. An item is `due` by its own interval, else by that of its last certificate's template. `content` of

    laboratory  {name, address, contact, country, reviewer: "another" | "same", place}
    standard    {kind, description, maker, serial, accuracy_class, unit, certificate: {number, laboratory, calibrated,
                due}, certified: [{low, high, correction, U, k, mpe}], fields: [{name, value, unit}], instrument,
                location, interval_months, note}      `instrument` is what reads it live, "" for a weight;
                                                      with a channel, as pi-1/bridge/t1, where it must be named
    item        {instrument_type, maker, model, serial, asset, firmware, location, owner, interval_months, acceptance,
                note, is_simulated}       `name` is the instrument in this system, such as "pi-1/balance"

keys that may be left out are texts and lists that may be empty.

A standard's certificate is a file of up to MAX_FILE bytes, sent in pieces of up to MAX_PIECE before it is named by
`file_sha256`, and it stays as long as the entry's certificate is the same. A piece belongs at `offset` = `have`: where
it does not fit nothing is changed, so it may be sent again, and without `content` it is only asked how far the file
came. With the last piece its SHA-256 is checked, and the file is kept; have = total says so, also of one that was there
before. What is unfinished is a user's own, and goes a day after its last piece, or when others follow it.

Times are in µs since 1970 UTC, dates are `2027-06-02`, hashes hexadecimal digits.
"""

import re
from typing import Final, Literal

from kleinmaelzung_wire.codec import WireError

LIST: Final = "register-list"
SHOW: Final = "register-show"
PUT: Final = "register-put"
RETIRE: Final = "register-retire"
UPLOAD: Final = "register-upload"
FILE: Final = "register-file"
IMPACT: Final = "register-impact"
LOG: Final = "calibration-log"
HISTORY: Final = "calibration-history"

Kind = Literal["laboratory", "standard", "item"]
LABORATORY: Final = "laboratory"
STANDARD: Final = "standard"
ITEM: Final = "item"

MAX_NAME: Final = 64
MAX_FILE: Final = 16 * 1024 * 1024
MAX_PIECE: Final = 64 * 1024
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def check_name(name: str) -> str:
    """Return the name of an entry, or raise WireError saying what one looks like."""
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        rule = f"1 to {MAX_NAME} letters, digits and . _ / -, the first a letter or digit"
        raise WireError(f"name {name!r:.80} is none of the register: {rule}")
    return name
