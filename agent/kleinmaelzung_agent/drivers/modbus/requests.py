"""What is asked of a Modbus unit, whether an answer is the answer to it, and what an exception means. Pure."""

import itertools
from collections.abc import Sequence
from typing import Final, Literal

from pymodbus.pdu import ModbusPDU, bit_message, register_message

Space = Literal["holding", "input", "coil", "discrete"]

MAX_REGISTERS: Final = 125
MAX_BITS: Final = 2000

_READS: Final = {
    "coil": bit_message.ReadCoilsRequest,
    "discrete": bit_message.ReadDiscreteInputsRequest,
    "holding": register_message.ReadHoldingRegistersRequest,
    "input": register_message.ReadInputRegistersRequest,
}
_REASONS: Final = {
    1: "it does not know this function",
    2: "it has no such address",
    3: "it does not take this value or number of registers",
    4: "it has failed",
    5: "it needs more time",
    6: "it is busy",
    7: "it cannot do that",
    8: "its memory has a parity error",
    10: "its gateway has no way to it",
    11: "it does not answer its gateway",
}

# One sequence for all: two instruments on one connection never use the same number at the same time.
_TRANSACTIONS: Final = itertools.cycle(range(1, 0x10000))


def read(space: Space, unit: int, address: int, count: int) -> ModbusPDU:
    """The request for so many registers or bits."""
    return _READS[space](dev_id=unit, address=address, count=count)


def write_coil(unit: int, address: int, bit: bool) -> ModbusPDU:
    return bit_message.WriteSingleCoilRequest(dev_id=unit, address=address, bits=[bit])


def write_registers(unit: int, address: int, words: Sequence[int], *, is_single: bool) -> ModbusPDU:
    """By function 6, which takes one register, or 16."""
    if is_single:
        return register_message.WriteSingleRegisterRequest(dev_id=unit, address=address, registers=list(words))
    return register_message.WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=list(words))


def number(request: ModbusPDU) -> None:
    """Give it a transaction's number."""
    request.transaction_id = next(_TRANSACTIONS)


def fits(request: ModbusPDU, answer: ModbusPDU) -> bool:
    """Whether the answer is of this unit, to this transaction and function, and of this content."""
    named = (request.dev_id, request.transaction_id, request.function_code)
    if (answer.dev_id, answer.transaction_id, answer.function_code & 0x7F) != named:
        return False
    if answer.isError():
        return True
    match request.function_code:
        case 1 | 2:
            return len(answer.bits) == (request.count + 7) // 8 * 8
        case 3 | 4:
            return len(answer.registers) == request.count
        case 5:
            return answer.address == request.address and list(answer.bits) == list(request.bits)
        case 6:
            return answer.address == request.address and list(answer.registers) == list(request.registers)
        case 16:
            return (answer.address, answer.count) == (request.address, request.count)
    return False


def refusal(answer: ModbusPDU) -> str:
    """What an exception says: "it has no such address (exception 2)"."""
    code = answer.exception_code
    return f"{_REASONS.get(code, 'for a reason that Modbus does not know')} (exception {code})"


def place(space: Space, address: int, count: int) -> str:
    """`holding 40 to 43`, as on the wire."""
    return f"{space} {address}" if count == 1 else f"{space} {address} to {address + count - 1}"
