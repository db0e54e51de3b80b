"""A service's status at a real broker: what was said last is what everybody finds, so it must be the goodbye."""

import asyncio

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Presence
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.messages import ServiceStatus
from tests.brokers import PASSWORD, TestBroker
from tests.waiting import until


async def nothing(session: bus.Session) -> None:
    pass


async def test_who_has_said_goodbye_does_not_say_any_more_that_it_is_there(broker: TestBroker) -> None:
    """What is told every ten seconds, and at each change, may be due just then."""
    said: list[bool] = []
    config = Config(broker=broker.mosquitto.broker("history"), dsn="", name="history")
    presence = Presence(config, role="history", serve=nothing, on_message=lambda message: None, figures=dict)
    anna = bus.connect(
        broker.stranger("anna", PASSWORD),
        client_id="anna",
        on_message=lambda message: said.append(ServiceStatus.decode(message.payload).online),
    )
    async with anna as watching:
        await watching.subscribe(topics.service_status("history"))
        keeping = asyncio.create_task(presence.keep(), name="keeping")
        await until(lambda: said == [True], "it is there")
        await presence.leave()
        presence.health.set("a change")
        for _ in range(10):
            await asyncio.sleep(0)  # its turn
        await presence.leave()  # by the same connection, so whatever it said before has come before
        await until(lambda: said.count(False) == 2, "both goodbyes")
        assert said == [True, False, False]
        keeping.cancel()
        await asyncio.wait([keeping])
