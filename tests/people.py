"""Users of a test's broker, each connected to its gateway as they would be."""

import contextlib
from collections.abc import AsyncIterator

import kleinmaelzung
from kleinmaelzung import Lab
from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights, Role
from tests.brokers import PASSWORD, TestBroker


class People:
    """anna and otto come with the broker; others are added."""

    def __init__(self, broker: TestBroker, gateway_url: str) -> None:
        self._broker = broker
        self.url = gateway_url.replace("ws://", "http://")

    @contextlib.asynccontextmanager
    async def lab(self, user: str) -> AsyncIterator[Lab]:
        password = self._broker.mosquitto.passwords["admin"] if user == "admin" else PASSWORD
        async with kleinmaelzung.connect(self.url, user=user, password=password) as lab:
            yield lab

    async def add_user(self, name: str, role: Role, *instruments: str) -> None:
        rights = Rights(role=role, instruments=instruments)
        await self._broker.manage(access.add_user(name, PASSWORD, role, instruments))
        async with self.lab("admin") as lab:
            await lab.tell_rights(name, rights)
