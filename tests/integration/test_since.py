"""The seam of log and live at 500 frames/s, with the gateway killed in the middle: each number once."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import kleinmaelzung
from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_local import ports
from kleinmaelzung_local.mosquitto import write_private
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.fakes_agent import QUICK
from tests.integration.test_watch_since import BALANCE, gathering
from tests.recording import Recorded
from tests.running_agent import Running, running
from tests.waiting import until

PER_TURN, TURN_S = 10, 0.02  # 500 a second
UNHURRIED = Tuning(waits=QUICK.waits)


class GatewayProcess:
    """A gateway as its own process, to be killed and started again at the same address."""

    def __init__(self, broker: TestBroker, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{ports.find_free()}"
        password = directory / "gateway-password"
        write_private(password, broker.mosquitto.passwords["gateway"])
        self._log = directory / "gateway.log"
        self._environment = os.environ | {
            "KLEINMAELZUNG_LISTEN": self.url.removeprefix("http://"),
            "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{broker.mosquitto.internal_port}",
            "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(password),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            command = (sys.executable, "-m", "kleinmaelzung_gateway")
            self._process = await asyncio.create_subprocess_exec(*command, env=self._environment, stderr=log)

    async def kill(self) -> None:
        """As by kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@pytest.fixture
async def gateway(broker: TestBroker, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(broker, tmp_path)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


@asynccontextmanager
async def speaking(made: Running) -> AsyncIterator[None]:
    """The balance says 500 values a second."""

    async def speak() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for _ in range(PER_TURN):
                made.balance.say()
            due += TURN_S
            await asyncio.sleep(due - loop.time())

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_each_number_once_although_the_gateway_is_killed(
    broker: TestBroker, dsn: str, gateway: GatewayProcess, tmp_path: Path
) -> None:
    async with (
        Recorded(broker, dsn, "pi-2") as recorded,
        running(gateway.url, tmp_path / "agent", period_s=60, secret=AGENT_SECRET, tuning=UNHURRIED) as made,
    ):
        await recorded.start("logger", "history")
        async with speaking(made):
            await recorded.logged(1000)
            async with kleinmaelzung.connect(gateway.url, user="otto", password=PASSWORD) as lab:
                watch = lab.watch(BALANCE, since="1h")
                epoch = made.agent.epoch
                async with gathering(watch) as given:
                    for _ in range(2):
                        before = made.balance.count
                        await until(lambda: len(given.names) > before + 500, "the seam is passed", 60)  # noqa: B023
                        await gateway.kill()
                        killed_at = made.balance.count
                        await until(lambda: made.balance.count > killed_at + 300, "it is away for a while")  # noqa: B023
                        await gateway.start()
                        await until(lambda: len(given.names) > killed_at + 800, "and is there again", 60)  # noqa: B023
                    last = made.balance.count
                    everything = set(range(1, last + 1))
                    await until(lambda: everything <= set(given.numbers(epoch=epoch)), "all up to now was given", 60)
    numbers = given.numbers(epoch=epoch)
    assert len(numbers) == len(set(numbers))
    assert watch.missed == 0
