"""The keys of an instrument that say what stands around its lines, to a Framing; mistakes are collected."""

from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.text import framing
from kleinmaelzung_agent.drivers.text.framing import Framing, LineSum

# Single bytes or UTF-8: in others a line end could be part of a letter.
ENCODINGS: Final = ("ascii", "utf-8", "latin-1", "cp1252", "cp437", "cp850")
PLACES: Final = ("before", "after")
LONGEST: Final = 8


def read(table: Table, *, terminator: str = "\r\n") -> Framing:
    """The keys `begin`, `received_begin`, `terminator`, `received_terminator`, `encoding`, `max_line`, `checksum`,
    `alone`."""
    encoding = table.choice("encoding", ENCODINGS, "ascii")
    marks: dict[str, Any] = {
        key: _bytes(table, key, default, encoding)
        for key, default in (("begin", ""), ("terminator", terminator), ("received_terminator", ""))
    }
    usual = marks["begin"].decode(encoding)
    marks["received_begin"] = _bytes(table, "received_begin", usual, encoding)
    ends = marks["received_terminator"] or b"\r\n"
    if any(byte in marks["received_begin"] for byte in ends):
        table.mistake("received_begin" if "received_begin" in table else "begin", "expected what ends no line as well")
    return Framing(
        **marks,
        encoding=encoding,
        max_line=table.integer("max_line", framing.MAX_LINE, minimum=16, maximum=framing.MAX_LINE),
        line_sum=_line_sum(table.table("checksum"), marks, encoding) if "checksum" in table else None,
        alone=_alone(table, marks, encoding),
    )


def _alone(table: Table, marks: dict[str, bytes], encoding: str) -> bytes:
    found = _bytes(table, "alone", "", encoding)
    used = marks["received_begin"] + marks["received_terminator"] + b"\r\n"
    if any(byte in used or (byte >= 32 and byte != 127) for byte in found):
        table.mistake(
            "alone", 'expected control characters such as "\\u0006\\u0015", which no line begins or ends with'
        )
    return found


def _bytes(table: Table, key: str, default: str, encoding: str) -> bytes:
    text = table.text(key, default, longest=LONGEST)
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        table.mistake(key, f"{shown(text)} cannot be sent in {encoding}")
        return b""


def _line_sum(table: Table, marks: dict[str, bytes], encoding: str) -> LineSum:
    is_nmea = table.values.get("type") == "nmea"  # between $ and *
    checksum = checksums.read(table, form="HEX")
    found = LineSum(
        checksum=checksum,
        skip=table.integer("skip", 0, minimum=0, maximum=64) if "skip" in table else 1 if is_nmea else None,
        mark=_bytes(table, "mark", "*" if is_nmea else "", encoding),
        covers_mark=table.boolean("covers_mark", default=False),
        start=_bytes(table, "from", "", encoding),
        is_after=table.choice("place", PLACES, "before") == "after",
        is_sent=table.boolean("sent", default=True),
        is_received=table.boolean("received", default=True),
    )
    _check(table, found, marks)
    table.finish()
    return found


def _check(table: Table, found: LineSum, marks: dict[str, bytes]) -> None:
    if found.start and "skip" in table:
        table.mistake("skip", "expected either from or skip, found both")
    if found.covers_mark and not found.mark:
        table.mistake("covers_mark", "expected mark beside it, what stands before the checksum")
    if not found.is_sent and not found.is_received:
        table.mistake("sent", "expected that it is sent or received, found neither")
    if not found.is_after:
        return
    if found.mark:
        table.mistake("mark", 'a checksum with place = "after" stands behind received_terminator: expected no mark')
    if not marks["received_begin"] or not marks["received_terminator"]:
        missing = "begin" if not marks["received_begin"] else "received_terminator"
        table.mistake("place", f'"after" needs {missing} beside checksum, or nobody knows where a line begins and ends')
