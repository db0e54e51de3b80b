"""Checksums by name, and how a message carries one: as hexadecimal or decimal text, or as bytes. Pure.

    compute("crc16-modbus", b"123456789") == 0x4B37        Checksum.of(covered) -> the bytes that a message carries

The names and figures of CRCs are those of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io).
Which part of a message is covered is its driver's business.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import xor
from typing import Final, Literal

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table

Form = Literal["HEX", "hex", "decimal", "bytes"]
Order = Literal["big", "little"]

FORMS: Final[tuple[Form, ...]] = ("HEX", "hex", "decimal", "bytes")
ORDERS: Final[tuple[Order, ...]] = ("big", "little")
OWN_CRC: Final = "crc"  # with figures of one's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Crc:
    """A cyclic redundancy check; `is_reflected` of bytes and result alike."""

    bits: int
    polynomial: int
    initial: int = 0
    is_reflected: bool = False
    final: int = 0

    def __call__(self, content: bytes) -> int:
        table, mask = _table(self.bits, self.polynomial, self.is_reflected), (1 << self.bits) - 1
        register = _mirror(self.initial, self.bits) if self.is_reflected else self.initial
        for byte in content:
            if self.is_reflected:
                register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
            else:
                register = ((register << 8) & mask) ^ table[(register >> (self.bits - 8)) ^ byte]
        return register ^ self.final


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of bytes."""

    bits: int
    add: Callable[[Iterable[int]], int]

    def __call__(self, content: bytes) -> int:
        return self.add(content) & ((1 << self.bits) - 1)


Algorithm = Crc | Sum


def _xor(content: Iterable[int]) -> int:
    return functools.reduce(xor, content, 0)


ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "sum8": Sum(8, sum),
    "sum8-complement": Sum(8, lambda content: -sum(content)),  # with it all bytes add up to 0; the LRC of Modbus ASCII
    "sum8-inverted": Sum(8, lambda content: ~sum(content)),
    "sum16": Sum(16, sum),
    "xor8": Sum(8, _xor),  # BCC; also called LRC
    "nmea": Sum(8, _xor),
    "crc8": Crc(bits=8, polynomial=0x07),
    "crc8-maxim": Crc(bits=8, polynomial=0x31, is_reflected=True),  # 1-wire
    "crc8-sensirion": Crc(bits=8, polynomial=0x31, initial=0xFF),
    "crc16-arc": Crc(bits=16, polynomial=0x8005, is_reflected=True),
    "crc16-ccitt": Crc(bits=16, polynomial=0x1021, initial=0xFFFF),
    "crc16-kermit": Crc(bits=16, polynomial=0x1021, is_reflected=True),
    "crc16-modbus": Crc(bits=16, polynomial=0x8005, initial=0xFFFF, is_reflected=True),
    "crc16-xmodem": Crc(bits=16, polynomial=0x1021),
    "crc32": Crc(bits=32, polynomial=0x04C11DB7, initial=0xFFFFFFFF, is_reflected=True, final=0xFFFFFFFF),
}


def compute(name: str, content: bytes) -> int:
    """The checksum of that name; KeyError where there is none."""
    return ALGORITHMS[name](content)


@functools.cache
def _table(bits: int, polynomial: int, is_reflected: bool) -> tuple[int, ...]:
    return tuple(_entry(byte, bits, polynomial, is_reflected) for byte in range(256))


def _entry(byte: int, bits: int, polynomial: int, is_reflected: bool) -> int:
    """What one byte does to an empty register."""
    register = (_mirror(byte, 8) if is_reflected else byte) << (bits - 8)
    for _ in range(8):
        register = (register << 1) ^ (polynomial if register >> (bits - 1) else 0)
        register &= (1 << bits) - 1
    return _mirror(register, bits) if is_reflected else register


def _mirror(number: int, bits: int) -> int:
    return int(f"{number:0{bits}b}"[::-1], 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """A checksum as a message carries it. `digits` are those of a decimal one.

    With a `modulo` it is what remains of the whole sum, `plus` a number: a character that can be printed.
    """

    algorithm: Algorithm
    form: Form = "bytes"
    order: Order = "big"
    digits: int = 0
    modulo: int = 0
    plus: int = 0

    @property
    def length(self) -> int:
        """How many bytes of a message it takes."""
        return {"bytes": self._size, "decimal": self.digits}.get(self.form, 2 * self._size)

    @property
    def _size(self) -> int:
        return ((self.modulo - 1 + self.plus).bit_length() + 7) // 8 if self.modulo else self.algorithm.bits // 8

    def _number(self, covered: bytes) -> int:
        if self.modulo and isinstance(self.algorithm, Sum):
            return self.algorithm.add(covered) % self.modulo + self.plus
        return self.algorithm(covered)

    def of(self, covered: bytes) -> bytes:
        """The checksum of what it covers, as it is sent."""
        number = self._number(covered)
        if self.form == "decimal":
            return b"%0*d" % (self.digits, number % 10**self.digits)
        content = number.to_bytes(self._size, self.order)
        match self.form:
            case "HEX":
                return content.hex().upper().encode()
            case "hex":
                return content.hex().encode()
            case _:
                return content

    def is_right(self, covered: bytes, found: bytes) -> bool:
        """Whether `found` is the checksum of what it covers; hexadecimal digits may be of either case."""
        expected = self.of(covered)
        return found == expected or (self.form in ("HEX", "hex") and found.lower() == expected.lower())


def read(table: Table, *, form: Form, order: Order = "big") -> Checksum:
    """The keys `type`, `form`, `order`, `digits`, `modulo`, `plus` of a checksum's table.

    The defaults are its driver's. The driver reads its own keys beside them, and calls table.finish().
    """
    name = table.choice("type", (*ALGORITHMS, OWN_CRC), REQUIRED)
    algorithm = _own_crc(table) if name == OWN_CRC else ALGORITHMS[name]
    shape: Form = table.choice("form", FORMS, form)
    modulo, plus = _remainder(table, algorithm)
    usual = len(str(modulo - 1 + plus if modulo else (1 << algorithm.bits) - 1))
    if "digits" in table and shape != "decimal":
        table.mistake("digits", f'only a checksum with form = "decimal" has it, this one is "{shape}"')
    return Checksum(
        algorithm=algorithm,
        form=shape,
        order=table.choice("order", ORDERS, order),
        digits=table.integer("digits", usual, minimum=1, maximum=usual),
        modulo=modulo,
        plus=plus,
    )


def _remainder(table: Table, algorithm: Algorithm) -> tuple[int, int]:
    if "modulo" in table and not isinstance(algorithm, Sum):
        table.mistake("modulo", "only a sum has it, not a CRC")
    if "plus" in table and "modulo" not in table:
        table.mistake("plus", "expected modulo beside it")
    modulo = table.integer("modulo", 0, minimum=2, maximum=256) if "modulo" in table else 0
    return modulo, table.integer("plus", 0, minimum=0, maximum=255)


def _own_crc(table: Table) -> Crc:
    bits = table.choice("bits", (8, 16, 24, 32))
    most = (1 << bits) - 1
    return Crc(
        bits=bits,
        polynomial=table.integer("polynomial", REQUIRED, minimum=1, maximum=most),
        initial=table.integer("initial", 0, minimum=0, maximum=most),
        is_reflected=table.boolean("reflected", default=False),
        final=table.integer("final", 0, minimum=0, maximum=most),
    )
