"""`fanout`: deliveries per CPU second of the gateway with 100 watching clients, beside `websockets.broadcast` alone.

The limit is a server that sends the same bytes to 100 clients and does nothing else. It waits while a client's buffer
holds something, so that both sides send to clients that keep up.
"""

import asyncio
import json
import sys
import time
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

from benchmarks import lab
from benchmarks.payload import PAYLOAD
from benchmarks.row import Row, compare
from kleinmaelzung_wire import sockets

GOAL = 0.7
ROUNDS = 5
SECONDS = 2.0
WATCHERS = 100


async def measure() -> list[Row]:
    ours, limit = [], []
    async with lab.running_lab() as running:
        given = running.given(seconds=SECONDS, watchers=WATCHERS)
        for _ in range(ROUNDS):
            found = await lab.load("fanout", given)
            ours.append(found["arrived"] / found["cpu_s"])
            found = await lab.run("fanout", json.dumps(given))
            limit.append(found["sent"] / found["cpu_s"])
    return [compare("fanout", "deliveries per CPU second, 100 clients", ours, limit, GOAL)]


async def send(given: dict[str, Any]) -> dict[str, float]:
    connections: list[ServerConnection] = []

    async def keep(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.wait_closed()

    message = sockets.encode(["message", "pi-1/balance/data", PAYLOAD], sockets.MSGPACK)
    subprotocols = [Subprotocol(sockets.MSGPACK)]
    async with serve(keep, "127.0.0.1", 0, compression=None, subprotocols=subprotocols, close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        clients = asyncio.create_task(lab.load("drain", {"port": port, "watchers": WATCHERS}))
        while len(connections) < WATCHERS:
            await asyncio.sleep(0.01)
        sent, used, ends = 0, time.process_time(), time.perf_counter() + SECONDS
        while time.perf_counter() < ends:
            broadcast(connections, message)
            sent += WATCHERS
            await asyncio.sleep(0)
            while any(connection.transport.get_write_buffer_size() for connection in connections[::10]):
                await asyncio.sleep(0.001)
        used = time.process_time() - used
    await clients
    return {"sent": sent, "cpu_s": used}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(send(json.loads(sys.argv[1])))))
