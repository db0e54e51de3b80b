"""How much what comes looks like text of an instrument: bytes to points from 0 to 100, with reasons. Pure.

Also what its bits say: text that was sent with 7 data bits and a parity, and heard with 8, has that parity in bit 7.
"""

import re
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import checksums

GOOD: Final = 80  # from here on it is text
SURE: Final = 95  # ... and it is not worth while to look any further
ENOUGH: Final = 3  # bytes; fewer say nothing
FEW: Final = 12  # ... and so few may be readable by chance, unless they end a line

_CONTROL: Final = frozenset(b"\t\r\n\x02\x03\x04\x05\x06\x15\x1b")  # also STX, ETX, ENQ, ACK, NAK, ESC
_LETTERS: Final = frozenset(b"\xb0\xb5\xb2\xb3\xdf\xc2\xf8")  # degree, micro, squared, cubed in the usual encodings
_END = re.compile(rb"\r\n|\r|\n|\x03")
_DIGIT = re.compile(rb"[0-9]+")


@dataclass(frozen=True, slots=True)
class Score:
    points: int
    reasons: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.points >= GOOD


NOTHING: Final = Score(0, ("nothing came",))


def score(heard: bytes) -> Score:
    """How much it looks like text."""
    if not heard:
        return NOTHING
    share = sum(map(_is_readable, heard)) / len(heard)
    lines = [line for line in _END.split(heard) if line]
    is_ended, is_same = bool(_END.search(heard)), _are_alike(lines)
    empty = heard.count(0) / len(heard)
    points = 75 * share**2 + 15 * is_ended + 10 * (is_same or (share == 1 and len(lines) > 0)) - 50 * empty
    if len(heard) < ENOUGH or (len(heard) < FEW and not is_ended):
        points = min(points, GOOD - 10)
    reasons = [
        f"{share:.0%} of {len(heard)} bytes are readable",
        "lines end" if is_ended else "no line end",
        *(["the lines look alike"] if is_same else []),
        *([f"{heard.count(0)} bytes are empty, as after framing errors"] if empty else []),
    ]
    return Score(max(0, min(100, round(points))), tuple(reasons))


def _is_readable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F or byte in _CONTROL or byte in _LETTERS


def _are_alike(lines: list[bytes]) -> bool:
    """Whether one form of line comes again; the first and the last may be cut off."""
    shapes = [_DIGIT.sub(b"9", line) for line in lines]
    return any(shapes.count(shape) > 1 for shape in shapes)


def parity_seen(heard: bytes) -> str:
    """The framing that 8N1 hears in bit 7, such as `"7E1"`; empty where these bytes are no text of 7 bits."""
    seven = bytes(byte & 0x7F for byte in heard)
    if len(heard) < ENOUGH or seven == heard or not score(seven).is_text:
        return ""
    odd = {byte.bit_count() % 2 for byte in heard}
    if len(odd) == 1:
        return "7O1" if odd == {1} else "7E1"
    return "7M1" if all(byte & 0x80 for byte in heard) else ""


# --- Modbus -----------------------------------------------------------------------------------------------------------

_EXCEPTION: Final = 0x80


def modbus_question(unit: int = 1) -> bytes:
    """Read one holding register: it changes nothing in the instrument."""
    question = bytes([unit, 3, 0, 0, 0, 1])
    return question + crc(question)


def modbus_unit(heard: bytes) -> int | None:
    """The unit of a Modbus RTU frame with a right checksum that was heard, perhaps within others."""
    for begin in range(min(len(heard) - 4, 256)):
        unit, function, count = heard[begin : begin + 3]
        if not (1 <= unit <= 247 and 1 <= function & ~_EXCEPTION <= 24):
            continue
        for length in (5, 8, 5 + count):  # a refusal, what writes or asks, what was read
            frame = heard[begin : begin + length]
            if len(frame) == length and frame[-2:] == crc(frame[:-2]):
                return unit
    return None


def crc(content: bytes) -> bytes:
    """The checksum of a Modbus RTU frame."""
    return checksums.compute("crc16-modbus", content).to_bytes(2, "little")
