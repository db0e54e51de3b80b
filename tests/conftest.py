"""Fixtures shared by all tests: a broker, a gateway and a database, all real."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung_gateway import gateway
from kleinmaelzung_gateway.config import Config
from tests import databases
from tests.brokers import TestBroker, running_broker
from tests.waiting import until

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process they start would too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TestBroker]:
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def gateway_url(broker: TestBroker) -> AsyncIterator[str]:
    """The ws:// address of a gateway that is connected to the broker."""
    mosquitto = broker.mosquitto
    config = Config(
        host="127.0.0.1",
        port=0,
        broker_host="127.0.0.1",
        broker_port=mosquitto.internal_port,
        password=mosquitto.passwords["gateway"],
    )
    async with gateway.listen(config) as listening:
        await until(lambda: listening.gateway.hub.is_connected, "the gateway is connected")
        yield "ws://{}:{}".format(*listening.address)


@pytest.fixture
async def dsn() -> AsyncIterator[str]:
    """An empty database of its own."""
    async with databases.fresh() as dsn:
        yield dsn
