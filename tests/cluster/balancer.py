"""A load balancer for TCP, as small as it gets: the next place that takes the connection, and bytes both ways.

It stands for HAProxy or nginx in front of gateways, and for whatever leads to the nodes of a broker.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

CONNECT_S: Final = 2.0
CHUNK: Final = 64 * 1024


class Balancer:
    """In turn over `places` (ports here); or, not `in_turn`, always the first of them that is there."""

    def __init__(self, places: Sequence[int], *, in_turn: bool = True) -> None:
        self.places = list(places)
        self.port = 0
        self._turns = itertools.count() if in_turn else itertools.repeat(0)
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
            found = await self._open()
            if found is None:
                return
            there_reader, there_writer = found
            with contextlib.closing(there_writer):
                ways = [_pass(reader, there_writer), _pass(there_reader, writer)]
                both = [asyncio.create_task(way) for way in ways]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in both:
                        one.cancel()
                    await asyncio.gather(*both, return_exceptions=True)

    async def end(self) -> None:
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turns) % len(self.places)
        for port in [*self.places[first:], *self.places[:first]]:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def balancing(places: Sequence[int], *, in_turn: bool = True) -> AsyncIterator[Balancer]:
    """A balancer at a port of its own as long as the context lasts."""
    balancer = Balancer(places, in_turn=in_turn)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        await balancer.end()
        await server.wait_closed()
