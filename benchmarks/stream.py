"""`stream`: frames through agent socket, gateway, Mosquitto, hub and client socket, beside aiomqtt alone.

The limit is one process with two plain aiomqtt clients, a publisher and a receiver, through the same Mosquitto: the
fastest that aiomqtt's public interface gives. It publishes at QoS 0 many at a time, and its queue counts instead of
making a task per message.
"""

import asyncio
import json
import logging
import sys
import time
from typing import Any

import aiomqtt

from benchmarks import lab
from benchmarks.payload import PAYLOAD
from benchmarks.row import Row, compare

GOAL = 0.8
ROUNDS = 7
SECONDS = 1.5
TOPIC = "kleinmaelzung/pi-2/balance/data"
AT_ONCE = 50  # publications waited for together
WINDOW = 400  # under way, as on our side


async def measure() -> list[Row]:
    ours, limit = [], []
    async with lab.running_lab() as running:
        given = running.given(seconds=SECONDS)
        for _ in range(ROUNDS):
            found = await lab.load("stream", given)
            ours.append(found["arrived"] / found["s"])
            found = await lab.run("stream", json.dumps(given))
            limit.append(found["arrived"] / found["s"])
    return [compare("stream", "frames/s", ours, limit, GOAL)]


class Counting(asyncio.Queue[aiomqtt.Message]):
    """Takes each message as it arrives, and keeps none."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self.taken = getattr(self, "taken", 0) + len(item.payload) // len(PAYLOAD)


async def pump(given: dict[str, Any]) -> dict[str, float]:
    logging.disable(logging.WARNING)  # aiomqtt warns of more than ten publications under way
    sender = aiomqtt.Client("127.0.0.1", given["mqtt"], username="agent:pi-2", password=given["secret"])
    receiver = aiomqtt.Client(
        "127.0.0.1", given["mqtt"], username="anna", password=given["password"], queue_type=Counting
    )
    sender.pending_calls_threshold = 2 * AT_ONCE
    async with sender, receiver:
        await receiver.subscribe(TOPIC)
        queue = receiver._queue
        assert isinstance(queue, Counting)
        queue.taken = sent = 0
        started = time.perf_counter()
        while time.perf_counter() < started + SECONDS:
            while sent - queue.taken > WINDOW - AT_ONCE:
                await asyncio.sleep(0)
            await asyncio.gather(*[sender.publish(TOPIC, PAYLOAD) for _ in range(AT_ONCE)])
            sent += AT_ONCE
        async with asyncio.timeout(5):
            while queue.taken < sent:
                await asyncio.sleep(0)
        return {"arrived": queue.taken, "s": time.perf_counter() - started}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(pump(json.loads(sys.argv[1])))))
