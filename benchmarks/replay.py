"""`python -m benchmarks.replay [FRAMES]`: a day's frames logged, and all of them sent again. Prints one JSON document.

Published as an agent does, in bundles, with a window of what is not acknowledged. It ends with an error where the
second time changes anything in frames, samples or quarantine.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.logger.service import Service
from kleinmaelzung_wire import frames, messages, topics
from kleinmaelzung_wire.frames import Clock, Frame
from tests import brokers, databases

DAY: Final = 864_000  # an instrument that is asked ten times a second
BUNDLE: Final = 200
WINDOW: Final = 20_000  # frames
EPOCH: Final = 7
CLOCK: Final = Clock(synchronised=True, error_us=900)
CONTENTS: Final = """
SELECT (SELECT count(*) FROM frames), (SELECT count(*) FROM samples), (SELECT count(*) FROM quarantine),
    (SELECT md5(string_agg(payload, '' ORDER BY number)) FROM frames)
"""


class Acknowledged:
    """Which numbers the logger has told to be committed."""

    def __init__(self) -> None:
        self.count = 0
        self.more = asyncio.Event()

    def take(self, message: bus.Message) -> None:
        for entry in messages.decode_logged(message.payload):
            self.count += sum(last - first + 1 for first, last in entry.ranges)
        self.more.set()

    async def reach(self, count: int) -> None:
        while self.count < count:
            self.more.clear()
            async with asyncio.timeout(30):
                await self.more.wait()


def bundles(count: int) -> Iterator[bytes]:
    """So many frames of one sample each, a tenth of a second apart until now."""
    first_us = time.time_ns() // 1000 - count * 100_000
    for start in range(1, count + 1, BUNDLE):
        yield frames.pack_several(
            frames.encode(
                Frame(
                    epoch=EPOCH,
                    number=number,
                    times=(first_us + number * 100_000,),
                    channels={"mass": [number / 1000]},
                    units={"mass": "g"},
                    clock=CLOCK,
                )
            )
            for number in range(start, min(start + BUNDLE, count + 1))
        )


async def measure(count: int) -> dict[str, Any]:
    made = list(bundles(count))
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        async with brokers.running_broker(Path(directory)) as broker, databases.fresh() as dsn:
            config = Config(broker=broker.mosquitto.broker("logger"), dsn=dsn, name="logger")
            service, stop = Service(config), asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(service.run(stop))
                async with asyncio.timeout(30):
                    while not service.health.healthy:
                        await asyncio.sleep(0.05)
                once_s, once = await _send(broker, dsn, made, count)
                again_s, again = await _send(broker, dsn, made, count)
                stop.set()
    if once != again or once[0] != count:
        raise RuntimeError(f"replay: {once} became {again}")
    return {"frames": count, "first_per_s": round(count / once_s), "again_per_s": round(count / again_s), "new_rows": 0}


async def _send(broker: brokers.TestBroker, dsn: str, made: list[bytes], count: int) -> tuple[float, tuple[Any, ...]]:
    """How long it took until all was acknowledged, and what the database holds then."""
    acknowledged = Acknowledged()
    account = broker.stranger("agent:pi-1", brokers.AGENT_SECRET)
    async with bus.connect(account, client_id="any", on_message=acknowledged.take) as session:
        await session.subscribe(topics.logged("pi-1"))
        started = time.monotonic()
        for sent, bundle in enumerate(made):
            await acknowledged.reach(sent * BUNDLE - WINDOW)
            session.publish_soon(topics.instrument("pi-1", "balance", "backfill"), bundle)
        await acknowledged.reach(count)
        took_s = time.monotonic() - started
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=120)
    try:
        [contents] = await connection.fetch(CONTENTS)
        return took_s, tuple(contents)
    finally:
        await connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else DAY))))
