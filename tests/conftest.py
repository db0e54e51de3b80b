"""Fixtures shared by all tests: a broker, a gateway and a database, all real."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest

from tests import databases, gateways
from tests.brokers import TestBroker, running_broker

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process they start would too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TestBroker]:
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def gateway_url(broker: TestBroker) -> AsyncIterator[str]:
    """The ws:// address of a gateway that is connected to the broker."""
    async with gateways.running_gateway(broker) as listening:
        yield gateways.url(listening)


@pytest.fixture
async def dsn() -> AsyncIterator[str]:
    """An empty database of its own."""
    async with databases.fresh() as dsn:
        yield dsn
