"""Records whose checks are too weak to be found in the middle of anything: they begin after a silence. Pure.

    chunk --GapSplitter--> Message

The first record begins after a silence, the next where it ends, until something is wrong: then all is discarded up to
the next silence. So noise costs records, and no byte of it becomes a value.
"""

from kleinmaelzung_agent.drivers.binary.records import Message, Records
from kleinmaelzung_agent.drivers.counters import Counters


class GapSplitter:
    """A conversation.Splitter. Where records have no header, one is all that follows a silence."""

    def __init__(self, records: Records, counters: Counters, *, has_headers: bool) -> None:
        self.counters = counters
        self._records, self._has_headers = records, has_headers
        self._pending = bytearray()
        self._is_begun = False

    @property
    def is_inside(self) -> bool:
        return bool(self._pending)

    def begin(self) -> None:
        self._is_begun = self._is_begun or not self._pending

    def distrust(self) -> None:
        if self._pending:
            self.counters.half_lines += 1
            self._lose()

    def feed(self, chunk: bytes) -> list[Message]:
        found = []
        self._pending += chunk
        while self._pending and self._is_begun:
            message = self._next()
            if message is None:
                break
            found.append(message)
        if not self._is_begun:
            self._pending.clear()
        return found

    def _next(self) -> Message | None:
        size = self._records.size(self._pending, 0)
        if size is None or size > len(self._pending):
            return None
        message = self._records.open(bytes(self._pending[:size]))
        if message is None:
            self.counters.undecodable += 1
            self._lose()
            return None
        del self._pending[:size]
        self.counters.lines += 1
        self._is_begun = self._has_headers
        return message

    def _lose(self) -> None:
        self._pending.clear()
        self._is_begun = False
