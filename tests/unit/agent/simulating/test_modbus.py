"""A simulated Modbus unit: which addresses it has, and what a write sets."""

import pytest
from pymodbus.constants import ExcCodes

from kleinmaelzung_agent.simulating import making, modbus
from kleinmaelzung_agent.simulating.modbus import Unit
from tests import profiles_simulated

COILS, DISCRETE, HOLDING, INPUTS, COIL, REGISTER, MANY_COILS, MANY_REGISTERS = 1, 2, 3, 4, 5, 6, 15, 16


@pytest.fixture
def unit() -> Unit:
    profile = profiles_simulated.parsed("modbus")
    variables, entries, table = making.parts(profile)
    variables.is_frozen = True
    return modbus.made(making.configuration(profile), variables, entries, table, "rtu")


async def test_it_has_the_addresses_that_are_named_and_no_others(unit: Unit) -> None:
    assert await unit.async_getValues(7, COILS, 17, 2) == [0, 1]
    assert await unit.async_getValues(7, DISCRETE, 5, 2) == [1, 0]
    assert await unit.async_getValues(7, INPUTS, 3) == [2137]
    for function, address, count in ((COILS, 16, 2), (COILS, 17, 3), (DISCRETE, 17, 1), (HOLDING, 39, 2)):
        assert await unit.async_getValues(7, function, address, count) is ExcCodes.ILLEGAL_ADDRESS


async def test_one_coil_and_several_are_written(unit: Unit) -> None:
    assert await unit.async_setValues(7, COIL, 17, [True]) is None
    assert await unit.async_getValues(7, COILS, 17, 2) == [1, 1]
    assert await unit.async_setValues(7, MANY_COILS, 17, [False, False]) is None
    assert await unit.async_getValues(7, COILS, 17, 2) == [0, 0]


async def test_registers_of_several_words_are_written_as_a_whole(unit: Unit) -> None:
    assert await unit.async_setValues(7, MANY_REGISTERS, 40, [0x41A0, 0]) is None
    assert unit.variables.at(0)["setpoint"] == 20.0
    assert await unit.async_setValues(7, REGISTER, 40, [0x41A0]) is ExcCodes.ILLEGAL_ADDRESS
    assert unit.variables.at(0)["setpoint"] == 20.0


async def test_where_one_of_several_cannot_be_written_none_is(unit: Unit) -> None:
    assert await unit.async_setValues(7, MANY_COILS, 17, [True, False, True]) is ExcCodes.ILLEGAL_ADDRESS
    assert await unit.async_getValues(7, COILS, 17, 2) == [0, 1]
