"""A real Mosquitto with our configuration, for tests."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kleinmaelzung_bus import session as bus
from kleinmaelzung_local import ports
from kleinmaelzung_local.children import Child, Running
from kleinmaelzung_local.mosquitto import Mosquitto
from kleinmaelzung_wire import access

AGENT_SECRET = "the-agents-secret"
PASSWORD = "a-persons-password"


class TestBroker:
    """A running broker with accounts for agents pi-1 and pi-2 and for anna (operator) and otto (observer)."""

    __test__ = False

    def __init__(self, mosquitto: Mosquitto, directory: Path) -> None:
        self.mosquitto = mosquitto
        self._running = Running(
            Child(name="mosquitto", command=mosquitto.command(), is_ready=self._is_ready), directory / "mosquitto.log"
        )

    async def start(self) -> None:
        await self._running.start()

    async def stop(self) -> None:
        await self._running.stop()

    @property
    def pid(self) -> int:
        assert self._running.pid is not None
        return self._running.pid

    async def manage(self, commands: list[dict[str, object]]) -> None:
        """Let the plugin execute commands, as admin."""
        answered = asyncio.Event()

        def take(message: bus.Message) -> None:
            errors = [answer for answer in json.loads(message.payload)["responses"] if "error" in answer]
            assert not errors, errors
            answered.set()

        async with bus.connect(self.mosquitto.broker("admin"), client_id="test-admin", on_message=take) as session:
            await session.subscribe(access.CONTROL_RESPONSE)
            await session.publish(access.CONTROL_TOPIC, json.dumps({"commands": commands}).encode())
            async with asyncio.timeout(5):
                await answered.wait()

    def stranger(self, user: str, password: str = PASSWORD) -> bus.Broker:
        """How an external MQTT tool connects."""
        return bus.Broker(host="127.0.0.1", port=self.mosquitto.port, user=user, password=password)

    async def _is_ready(self) -> bool:
        try:
            async with bus.connect(
                self.mosquitto.broker("admin"), client_id="readiness", on_message=lambda message: None
            ):
                return True
        except bus.BusError:
            return False


@asynccontextmanager
async def running_broker(
    directory: Path, *, tls_cert: Path | None = None, tls_key: Path | None = None, **settings: int
) -> AsyncIterator[TestBroker]:
    """A broker as long as the context lasts, with our configuration but for these settings."""
    mosquitto = Mosquitto(
        directory=directory / "mosquitto",
        host="127.0.0.1",
        port=ports.find_free(),
        internal_port=ports.find_free(),
        tls_cert=tls_cert,
        tls_key=tls_key,
        passwords={name: access.make_secret() for name in ("admin", *access.SERVICES)},
    )
    mosquitto.write()
    configuration = directory / "mosquitto" / "mosquitto.conf"
    for name, value in settings.items():
        changed, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", configuration.read_text())
        assert count == 1, name
        configuration.write_text(changed)
    broker = TestBroker(mosquitto, directory)
    await broker.start()
    try:
        await broker.manage(
            [
                *access.add_agent("pi-1", AGENT_SECRET),
                *access.add_agent("pi-2", AGENT_SECRET),
                *access.add_user("anna", PASSWORD, "operator"),
                *access.add_user("otto", PASSWORD, "observer"),
            ]
        )
        yield broker
    finally:
        await broker.stop()
