"""A socket that reads ahead: paho asks for a packet's header byte by byte, one system call each.

Measured: 14 000 to 17 000 messages a second without it, 23 000 with it (design §9). aiomqtt asks `pending()` and
reads on while something is left, as it does for TLS sockets.
"""

import socket
from typing import Any

READ_AHEAD = 64 * 1024


class BufferedSocket:
    """Wraps a non-blocking socket; everything but reading goes straight through."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._buffer = b""
        self._position = 0

    def recv(self, size: int) -> bytes:
        """As socket.recv: raises BlockingIOError when nothing is there, returns b"" at the end."""
        if self._position == len(self._buffer):
            self._buffer = self._inner.recv(READ_AHEAD)
            self._position = 0
        start = self._position
        self._position = min(start + size, len(self._buffer))
        return self._buffer[start : self._position]

    def pending(self) -> int:
        return len(self._buffer) - self._position

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
