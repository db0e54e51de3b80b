"""The calibration service at work on a database, and people who ask it through a gateway; without agents.

    async with laboratories.open_laboratory(broker, gateway_url, dsn) as laboratory:
        async with laboratory.lab("carla") as carla: ...

carla is a calibrator of everything, vera an observer of it, olga a calibrator of pi-2; anna, an operator, comes with
the broker.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kleinmaelzung import Lab, Refused
from kleinmaelzung_services.calibration.service import Service
from kleinmaelzung_services.config import Config
from kleinmaelzung_wire.messages import ServiceStatus
from tests.brokers import TestBroker
from tests.people import People


class Laboratory(People):
    """The calibration service at work, and people who ask it."""

    def __init__(self, broker: TestBroker, gateway_url: str, dsn: str) -> None:
        super().__init__(broker, gateway_url)
        self.dsn = dsn


@contextlib.asynccontextmanager
async def running(broker: TestBroker, dsn: str) -> AsyncIterator[Service]:
    config = Config(broker=broker.mosquitto.broker("calibration"), dsn=dsn, name="calibration")
    made, stop = Service(config), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(stop), name="calibration")
        try:
            yield made
        finally:
            stop.set()
            await task


@contextlib.asynccontextmanager
async def open_laboratory(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Laboratory]:
    made = Laboratory(broker, gateway_url, dsn)
    await made.add_user("carla", "calibrator", "+/+")
    await made.add_user("olga", "calibrator", "pi-2/+")
    await made.add_user("vera", "observer", "+/+")
    async with running(broker, dsn), made.lab("carla") as carla:
        await announced(carla)
        yield made


async def announced(lab: Lab) -> ServiceStatus:
    """Wait until the service says that it is well."""
    async with asyncio.timeout(20):
        while True:
            for payload in (await lab.retained("_service/calibration/status")).values():
                status = ServiceStatus.decode(payload)
                if status.online and status.healthy:
                    return status
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def refused(code: str, sentence: str) -> Any:
    with pytest.raises(Refused, match=sentence) as caught:
        yield
    assert caught.value.code == code
