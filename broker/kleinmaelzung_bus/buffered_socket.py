"""A socket that reads ahead and knows where packets end.

paho asks for a packet's header byte by byte, one system call each. Here many packets come with one call; those that
we read ourselves never reach paho, and of the others it sees one at a time, whole.
Measured: 14 000 to 17 000 messages a second without reading ahead, 23 000 with it (design §9).
"""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

from kleinmaelzung_bus import packets

READ_AHEAD = 64 * 1024


class BufferedSocket:
    """Wraps a non-blocking socket; everything but reading goes straight through."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._buffer = b""  # begins with a packet
        self._shown = b""  # what paho may read
        self._ended = False

    def recv(self, size: int) -> bytes:
        """For paho: the rest of the packet shown to it; b"" once the connection has ended."""
        if not self._shown and not self._ended:
            raise BlockingIOError
        taken, self._shown = self._shown[:size], self._shown[size:]
        return taken

    def show(self, packet: bytes) -> None:
        """Let paho read this packet."""
        self._shown = packet

    def read_packets(self) -> Iterator[tuple[bytes, int, int, int]]:
        """What has come, packet by packet: a buffer, and where in it packet, body and end are.

        The last is empty if the connection has ended: paho finds out by reading.
        """
        try:
            more = self._inner.recv(READ_AHEAD)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:  # the next call would say so too, or tell the end
            more = b""
        buffer, self._ended = self._buffer + more, not more
        start = 0
        try:
            while (found := packets.find_end(buffer, start)) is not None and found[1] <= len(buffer):
                body, end = found
                yield buffer, start, body, end
                start = end
        except packets.Malformed:
            yield buffer, start, start, len(buffer)
            start = len(buffer)
        self._buffer = buffer[start:]
        if self._ended:
            yield b"", 0, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
