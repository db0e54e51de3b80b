"""Where connections come in, counted from their first moment: also who never gets on with TLS takes a place.

An address in, sockets out that asyncio accepts from; what is beyond the limits it never gets to see.
"""

import asyncio
import contextlib
import functools
import socket
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from kleinmaelzung_gateway import guarded
from kleinmaelzung_gateway.guarded import Guard
from kleinmaelzung_gateway.limits import Places, counted_as


class Counted(socket.socket):
    """A connection that gives its place back when it is closed."""

    def __init__(self, fileno: int, leave: functools.partial[None]) -> None:
        super().__init__(fileno=fileno)
        self._left = weakref.finalize(self, leave)  # once, and also where nobody closes it

    def close(self) -> None:
        super().close()
        self._left()


class Listener(socket.socket):
    """Listens on one address."""

    def __init__(self, family: int, kind: int, protocol: int, guard: Guard, places: Places) -> None:
        super().__init__(family, kind, protocol)
        self._guard, self._places = guard, places

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection there is a place for. What is refused is told as aborted: asyncio then comes again."""
        connection, peer = super().accept()
        address = counted_as(peer[0])
        if self._places.enter(address):
            return Counted(connection.detach(), functools.partial(self._places.leave, address)), peer
        connection.close()
        self._guard.refused += 1
        raise ConnectionAbortedError


async def find(host: str, port: int) -> list[tuple[Any, ...]]:
    """The addresses of a name; empty stands for all of this machine."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(found))


@contextlib.contextmanager
def bound(addresses: list[tuple[Any, ...]], guard: Guard) -> Iterator[list[Listener]]:
    """A listener bound to each address. Raises OSError."""
    limits, told = guard.limits, guarded.MAX_TOLD
    places = Places(limits.sockets + told, limits.sockets_for_one + told)
    with ExitStack() as stack:
        listeners = []
        for family, kind, protocol, _, address in addresses:
            listener = stack.enter_context(Listener(family, kind, protocol, guard, places))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a listener of its own
            listener.bind(address)
            listeners.append(listener)
        yield listeners
