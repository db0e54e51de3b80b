"""A file of history: the stream of an export, in the pieces that the history service gives.

    Query --export--> head and first piece --history-next--> all others; history-end, read to the end or not

Whoever wants more than one answer may have is told the command that gets it.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_gateway import history_query
from kleinmaelzung_gateway.history_query import Query
from kleinmaelzung_gateway.wanted import Desk, TooLarge
from kleinmaelzung_wire.codec import Fields, WireError

ROLE: Final = "history"
TRIES: Final = 2  # an answer can be lost; the same piece can be asked for again


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """What was measured by one instrument, as a file."""

    query: Query

    role = ROLE

    @property
    def about(self) -> str:
        return self.query.instrument

    @property
    def name(self) -> str:
        return self.query.file_name

    @property
    def media_type(self) -> str:
        return self.query.kind.media_type

    @property
    def instead(self) -> str:
        return _take(self.query.command(self.query.since, self.query.until))

    async def pieces(self, desk: Desk, limit: int) -> Sequence[bytes]:
        """Raises TooLarge, Refused, WireError, BusError."""
        stream = secrets.token_hex(8)  # chosen here, so that it can be ended before the first answer has come
        asked = {**self.query.arguments(), "stream": stream}
        try:
            head = await desk.request("export", asked, self.query.instrument, 1)
            stream = head.get("stream")  # none where this was all
            pieces, size, piece = [_piece(head)], len(_piece(head)), head
            while piece.boolean("more"):
                asked = {"stream": stream, "number": len(pieces)}
                piece = await desk.request("history-next", asked, None, TRIES)
                pieces.append(_piece(piece))
                size += len(pieces[-1])
                if size > limit:
                    command = self.query.command(head.optional_integer("from"), head.optional_integer("to"))
                    raise TooLarge(f"more than {limit // 2**20} MiB; {_take(command)}")
            return pieces
        finally:
            if stream is not None:  # also one read to its end: then its place is free at once
                await desk.tell("history-end", {"stream": stream})


def wanted(path: str, now_us: int) -> HistoryFile:
    """From a request's path with its query. Raises NoFile, Mistakes."""
    return HistoryFile(history_query.parse(path, now_us))


def _take(command: str) -> str:
    return f"ask for less, or take it by: {command}"


def _piece(answer: Fields) -> bytes:
    piece = answer.get("piece")
    if not isinstance(piece, bytes):
        raise WireError(f"a piece of a file is {type(piece).__name__}, expected bytes")
    return piece
