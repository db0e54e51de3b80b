"""A real gateway in the test's process, at the test's broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kleinmaelzung_gateway import gateway
from kleinmaelzung_gateway.config import Config
from kleinmaelzung_gateway.gateway import Listening
from tests.brokers import TestBroker
from tests.waiting import until


@asynccontextmanager
async def running_gateway(
    broker: TestBroker, reload: asyncio.Event | None = None, *, port: int = 0, **settings: Any
) -> AsyncIterator[Listening]:
    """A gateway on a free port as long as the context lasts, connected to the broker when it is entered."""
    mosquitto = broker.mosquitto
    config = Config(
        host="127.0.0.1",
        port=port,
        broker_host="127.0.0.1",
        broker_port=mosquitto.internal_port,
        password=mosquitto.passwords["gateway"],
        **settings,
    )
    async with gateway.listen(config, reload) as listening:
        await until(lambda: listening.gateway.hub.is_connected, "the gateway is connected")
        yield listening


def url(listening: Listening, scheme: str = "ws") -> str:
    host, port = listening.address
    return f"{scheme}://{host}:{port}"
