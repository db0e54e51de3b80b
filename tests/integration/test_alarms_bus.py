"""Alarms of several instruments on one I2C bus: a bus that is lost is one cause, an instrument that is away its own."""

import errno
import itertools
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kleinmaelzung_agent import lifetime
from kleinmaelzung_agent.alarms.alarms_state import Watched
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_wire.alarms import Alarm
from kleinmaelzung_wire.messages import Condition
from tests import driving, fakes_i2c
from tests.driving import Notes
from tests.fakes_gateway import FakeGateway
from tests.fakes_i2c import Tmp117, Wires
from tests.integration.test_alarms import active, until_levels
from tests.lifetimes import living, write
from tests.waiting import until

PROBE = """
[instruments.NAME]
driver = "i2c"
bus = BUS
address = ADDRESS
silent_after = "300ms"
[instruments.NAME.alarm]
silence = "1s"
[[instruments.NAME.read]]
every = "20ms"
register = 0x00
read = 2
fields = { raw = { type = "int16" } }
[instruments.NAME.channels.temperature]
unit = "°C"
formula = "raw * 0.0078125"
"""
AWAY = {name: f"port /dev/i2c-1 address {address} lost" for name, address in (("a", "0x48"), ("b", "0x49"))}
GONE = dict.fromkeys("ab", "port /dev/i2c-1 lost")


def probe(name: str, bus: str, address: int) -> str:
    return PROBE.replace("NAME", name).replace("BUS", bus).replace("ADDRESS", hex(address))


class Judged(Notes):
    """The Sink: what the drivers say goes to alarms of silence, which are active from the beginning."""

    def __init__(self, watched: dict[str, Watched]) -> None:
        super().__init__()
        self._watched = watched

    def state(self, instrument: str, condition: Condition, reason: str) -> None:
        super().state(instrument, condition, reason)
        self._watched[instrument].said(condition, reason)

    def causes(self) -> dict[str, str]:
        found: dict[str, Alarm] = {name: one.active[0] for name, one in self._watched.items()}
        return {name: alarm.cause for name, alarm in found.items()}


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EMFILE])
async def test_a_bus_that_is_lost_is_one_cause_and_an_address_that_answers_no_more_another(
    tmp_path: Path, number: int
) -> None:
    wires = Wires(chips={0x48: Tmp117(), 0x49: Tmp117()})
    wanted = driving.load(tmp_path, probe("a", "1", 0x48) + probe("b", '"/dev/i2c-1"', 0x49))
    ids = itertools.count()
    watched = {
        name: Watched(alarming, 0, at_us=lambda ns: ns // 1000, make_id=lambda: str(next(ids)))
        for name, alarming in lifetime.alarming(wanted).items()
    }
    for one in watched.values():
        one.tick(10**10)
    notes = Judged(watched)
    places = Places(i2c=fakes_i2c.buses({"/dev/i2c-1": wires}))
    async with AsyncExitStack() as stack:
        for name in wanted:
            await stack.enter_async_context(driving.one(notes, name, wanted[name], places))
        await until(lambda: {notes.condition(name) for name in wanted} == {"connected"}, "both are read")
        wires.failure, wires.opening = errno.ENODEV, OSError(number, "x")
        await until(lambda: notes.causes() == GONE, "one cause")
        wires.failure, wires.opening, wires.chips = 0, None, {}
        await until(lambda: notes.causes() == AWAY, "each its own")
        wires.chips = {0x48: Tmp117()}
        await until(lambda: notes.condition("a") == "connected", "one is back")
        assert notes.causes()["b"] == AWAY["b"]


async def test_two_names_of_a_bus_that_is_not_there_are_one_cause(tmp_path: Path) -> None:
    text = probe("a", "93", 0x48) + probe("b", '"/dev/./i2c-93"', 0x49)
    async with FakeGateway() as gateway, living(write(tmp_path / "agent.toml", gateway.url, text)):
        for name in ("a", "b"):
            await until_levels(gateway, "alarm", instrument=name)
        told = [one for name in ("a", "b") for one in active(gateway, name)]
        assert {one.cause for one in told} == {"port /dev/i2c-93 lost"}
        assert all("there is no such I2C bus" in one.detail for one in told)
