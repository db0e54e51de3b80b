"""Modbus frames: requests to bytes, bytes to answers. pymodbus builds, checks and decodes; here they are found.

chunk --FrameSplitter(a framing)--> ModbusPDU          ModbusPDU --build()--> bytes to send
"""

import re
from typing import Final, Protocol

from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ModbusPDU

from kleinmaelzung_agent.drivers import frame_splitter

_DECODER: Final = DecodePDU(is_server=False)
_FUNCTIONS: Final = rb"[\x01-\x06\x0f\x10\x81-\x86\x8f\x90]"  # what is asked here, answered well or with an exception
_OF_REGISTERS: Final = (3, 4)
_MAX_RTU: Final = 256
_MAX_ASCII: Final = 513


class Framing(frame_splitter.Framing[ModbusPDU], Protocol):
    """One of the three ways to put a request into bytes, and to find an answer."""

    framer: FramerBase


class Rtu:
    """Unit, function, content, CRC."""

    framer: FramerBase = FramerRTU(_DECODER)
    starts = re.compile(rb"(?s:.)(?=\Z|" + _FUNCTIONS + rb")")

    def size(self, pending: bytearray, start: int) -> int | None:
        head = bytes(pending[start : start + 4])
        kind = _DECODER.lookupPduClass(head) if len(head) > 1 else None
        if len(head) < 3 or kind is None:
            return None if len(head) < 3 else 0
        is_odd = head[1] in _OF_REGISTERS and (head[2] % 2 or not head[2])
        size = kind.calculateRtuFrameSize(head)
        return size if size <= _MAX_RTU and not is_odd else 0

    def open(self, frame: bytes) -> ModbusPDU | None:
        return open_frame(self.framer, frame)


class Ascii:
    """A colon, the same as hexadecimal digits, LRC, CR LF."""

    framer: FramerBase = FramerAscii(_DECODER)
    starts = re.compile(rb":")
    _frame = re.compile(rb":[0-9A-Fa-f]{0,%d}(?:\r\n?)?" % (_MAX_ASCII - 3))

    def size(self, pending: bytearray, start: int) -> int | None:
        found = self._frame.match(pending, start)
        if not found or found[0].endswith(b"\n"):
            return len(found[0]) if found else 0
        return None if found.end() == len(pending) else 0

    def open(self, frame: bytes) -> ModbusPDU | None:
        return open_frame(self.framer, frame.upper())


class Tcp:
    """Transaction, protocol 0, length, unit, function, content."""

    framer: FramerBase = FramerSocket(_DECODER)
    # As far as it has come: the protocol is 0, the length 3 to 254.
    starts = re.compile(
        rb"(?s:.)(?=\Z|(?s:.)(?:\Z|\0(?:\Z|\0(?:\Z|\0(?:\Z|[\x03-\xfe](?:\Z|(?s:.)(?:\Z|" + _FUNCTIONS + rb")))))))"
    )

    def size(self, pending: bytearray, start: int) -> int | None:
        return 6 + pending[start + 5] if start + 6 <= len(pending) else None

    def open(self, frame: bytes) -> ModbusPDU | None:
        return open_frame(self.framer, frame)


FRAMINGS: Final[dict[str, Framing]] = {"rtu": Rtu(), "ascii": Ascii(), "tcp": Tcp()}


def build(framing: Framing, request: ModbusPDU) -> bytes:
    """A request as it is sent."""
    return bytes(framing.framer.buildFrame(request))


def open_frame(framer: FramerBase, frame: bytes) -> ModbusPDU | None:
    """What a whole frame says; None where its checksum is wrong, or its content has another length than it says."""
    _, unit, transaction, body = framer.decode(frame)
    answer = _DECODER.decode(body) if len(body) > 1 else None
    if answer is None:
        return None
    answer.dev_id, answer.transaction_id = unit, transaction
    # Built again it is the same: pymodbus leaves out what does not fit, and looks for a frame within one that is wrong.
    return answer if framer.buildFrame(answer) == frame else None
