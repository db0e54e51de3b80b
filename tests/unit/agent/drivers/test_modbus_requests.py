"""Which answer is the answer to which request."""

import pytest
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, WriteSingleCoilResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from kleinmaelzung_agent.drivers.modbus import requests

READ = requests.read("holding", 1, 40, 2)
BITS = requests.read("coil", 1, 0, 9)
ONE = requests.write_registers(1, 40, [7], is_single=True)
MORE = requests.write_registers(1, 40, [7, 8], is_single=False)
COIL = requests.write_coil(1, 2, True)


@pytest.mark.parametrize(
    ("request_", "answer", "is_so"),
    [
        (READ, ReadHoldingRegistersResponse(dev_id=1, registers=[1, 2]), True),
        (READ, ReadHoldingRegistersResponse(dev_id=1, registers=[1, 2, 3]), False),
        (READ, ReadHoldingRegistersResponse(dev_id=1, registers=[1]), False),
        (READ, ReadHoldingRegistersResponse(dev_id=2, registers=[1, 2]), False),
        (READ, ReadHoldingRegistersResponse(dev_id=1, registers=[1, 2], transaction_id=9), False),
        (READ, ReadInputRegistersResponse(dev_id=1, registers=[1, 2]), False),
        (READ, ExceptionResponse(3, 2, device_id=1), True),
        (READ, ExceptionResponse(4, 2, device_id=1), False),
        (READ, ExceptionResponse(3, 2, device_id=2), False),
        (BITS, ReadCoilsResponse(dev_id=1, bits=[False] * 16), True),
        (BITS, ReadCoilsResponse(dev_id=1, bits=[False] * 8), False),
        (ONE, WriteSingleRegisterResponse(dev_id=1, address=40, registers=[7]), True),
        (ONE, WriteSingleRegisterResponse(dev_id=1, address=40, registers=[8]), False),
        (ONE, WriteSingleRegisterResponse(dev_id=1, address=41, registers=[7]), False),
        (MORE, WriteMultipleRegistersResponse(dev_id=1, address=40, count=2), True),
        (MORE, WriteMultipleRegistersResponse(dev_id=1, address=40, count=1), False),
        (COIL, WriteSingleCoilResponse(dev_id=1, address=2, bits=[True]), True),
        (COIL, WriteSingleCoilResponse(dev_id=1, address=2, bits=[False]), False),
    ],
)
def test_only_its_own_answer_fits_a_request(request_: ModbusPDU, answer: ModbusPDU, is_so: bool) -> None:
    assert requests.fits(request_, answer) is is_so


def test_an_exception_is_a_sentence() -> None:
    assert requests.refusal(ExceptionResponse(3, 2)) == "it has no such address (exception 2)"
    assert requests.refusal(ExceptionResponse(3, 99)) == "for a reason that Modbus does not know (exception 99)"


def test_transactions_are_numbered_from_one_for_all() -> None:
    for request in (READ, BITS):
        requests.number(request)
    assert BITS.transaction_id == READ.transaction_id % 0xFFFF + 1
    READ.transaction_id = BITS.transaction_id = 0
