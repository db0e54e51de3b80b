"""An I2C bus and its chips, for kernels that have none: what smbus2.SMBus does, with real messages of smbus2.

The chips answer as their datasheets say, byte by byte, NAKs and power-on values included. Below this are only the
system calls open() and ioctl(), which smbus2 makes.
"""

import errno
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from smbus2 import I2cFunc, i2c_msg
from smbus2.smbus2 import I2C_M_RD

from kleinmaelzung_agent.drivers.i2c.buses import Buses
from kleinmaelzung_agent.drivers.i2c.smbus import SmbusHandle


class NakError(Exception):
    """The chip does not acknowledge."""


class Chip(Protocol):
    """What one address does."""

    def write(self, content: bytes) -> None: ...

    def read(self, length: int) -> bytes: ...


def _failed(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@dataclass
class Wires:
    """One bus: chips by their addresses; its faults are fields to set."""

    chips: dict[int, Chip] = field(default_factory=dict)
    funcs: int = int(I2cFunc.I2C | I2cFunc.SMBUS_EMUL)
    nak: int = errno.EREMOTEIO  # what Raspberry Pi's driver says; others ENXIO
    opening: OSError | None = None
    failure: int = 0  # of each transfer
    is_hung: threading.Event | None = None  # a transfer waits for it
    under_way: int = 0
    most_under_way: int = 0
    transfers: list[tuple[int, list[bytes | int]]] = field(default_factory=list)
    is_open: int = 0

    def transfer(self, messages: tuple[i2c_msg, ...]) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.is_hung:
                self.is_hung.wait()
            if self.failure:
                raise _failed(self.failure)
            self._transfer(messages)
        finally:
            self.under_way -= 1

    def _transfer(self, messages: tuple[i2c_msg, ...]) -> None:
        shown: list[bytes | int] = []
        self.transfers.append((messages[0].addr, shown))
        for message in messages:
            chip = self.chips.get(message.addr)
            if chip is None:
                raise _failed(self.nak)
            try:
                if message.flags & I2C_M_RD:
                    shown.append(message.len)
                    for index, byte in enumerate(chip.read(message.len)):
                        message.buf[index] = bytes([byte])
                else:
                    shown.append(bytes(message))
                    chip.write(bytes(message))
            except NakError as error:
                raise _failed(self.nak) from error

    def written(self, address: int) -> list[bytes]:
        """What was written to an address so far."""
        return [part for at, parts in self.transfers if at == address for part in parts if isinstance(part, bytes)]


class FakeSMBus:
    """smbus2.SMBus, as far as the agent uses it."""

    def __init__(self, wired: Mapping[str, Wires]) -> None:
        self._wired = wired
        self._wires: Wires | None = None

    @property
    def funcs(self) -> int:
        assert self._wires
        return self._wires.funcs

    def open(self, bus: str) -> None:
        if bus not in self._wired:
            raise _failed(errno.ENOENT)
        if error := self._wired[bus].opening:
            raise error
        self._wires = self._wired[bus]
        self._wires.is_open += 1

    def i2c_rdwr(self, *i2c_msgs: i2c_msg) -> None:
        assert self._wires
        self._wires.transfer(i2c_msgs)

    def close(self) -> None:
        if self._wires:
            self._wires.is_open -= 1
            self._wires = None


def buses(wired: Mapping[str, Wires]) -> Buses:
    """The buses of an agent, by their paths."""
    return Buses(lambda path: SmbusHandle(path, lambda: FakeSMBus(wired)))


# --- chips ------------------------------------------------------------------------------------------------------------


def sensirion_crc(word: bytes) -> int:
    """As the manual's example in C has it (SHT3x-DIS, 4.12): 0xBEEF -> 0x92."""
    crc = 0xFF
    for byte in word:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0x31 if crc & 0x80 else crc << 1
            crc &= 0xFF
    return crc


_MEASURE: Final = (bytes.fromhex("2400"), bytes.fromhex("240b"), bytes.fromhex("2416"))
_TAKES_S: Final = 0.0125  # high repeatability, typical


@dataclass
class Sht31:
    """Sensirion SHT31-DIS: single shots without clock stretching, status, heater, reset.

    A read before the measurement is ready is not acknowledged, and so is one without a measurement.
    """

    temperature: int = 0x6666  # 25.0 °C
    humidity: int = 0x8000
    is_wrong: bool = False  # a bit of what comes is turned
    has_heater: bool = False
    resets: int = 0
    takes_s: float = _TAKES_S  # a measurement
    _answer: bytes = b""
    _ready_at: float = 0.0

    def write(self, content: bytes) -> None:
        if content in _MEASURE:
            self._answer = self._words(self.temperature, self.humidity)
            self._ready_at = time.monotonic() + self.takes_s
        elif content == bytes.fromhex("f32d"):
            self._answer, self._ready_at = self._words(0x8010 | self.has_heater << 13), 0.0
        elif content in (bytes.fromhex("306d"), bytes.fromhex("3066")):
            self.has_heater = content[1] == 0x6D
        elif content == bytes.fromhex("30a2"):
            self.resets += 1
            self.has_heater, self._answer = False, b""
        else:
            raise NakError

    def read(self, length: int) -> bytes:
        if not self._answer or time.monotonic() < self._ready_at:
            raise NakError
        answer, self._answer = self._answer, b""
        if self.is_wrong:
            answer = bytes([answer[0] ^ 0x01]) + answer[1:]
        return (answer + b"\xff" * length)[:length]  # beyond its words the line stays high

    @staticmethod
    def _words(*words: int) -> bytes:
        return b"".join(word.to_bytes(2, "big") + bytes([sensirion_crc(word.to_bytes(2, "big"))]) for word in words)


@dataclass
class Registers:
    """Registers of 16 bits, big endian, behind a pointer that the first byte written sets."""

    registers: dict[int, int]
    fixed: frozenset[int] = frozenset()
    pointer: int = 0

    def write(self, content: bytes) -> None:
        self.pointer = content[0]
        if len(content) >= 3 and self.pointer not in self.fixed:
            self.set(self.pointer, int.from_bytes(content[1:3], "big"))

    def set(self, register: int, word: int) -> None:
        self.registers[register] = word

    def read(self, length: int) -> bytes:
        return (self.registers.get(self.pointer, 0).to_bytes(2, "big") * length)[:length]


class Tmp117(Registers):
    """Texas Instruments TMP117: 7.8125 m°C per bit, -256 °C until the first conversion."""

    def __init__(self, celsius: float | None = 25.0) -> None:
        super().__init__(
            {0x00: 0x8000, 0x01: 0x0220, 0x02: 0x6000, 0x03: 0x8000, 0x0F: 0x0117}, fixed=frozenset([0x00, 0x0F])
        )
        if celsius is not None:
            self.convert(celsius)

    def convert(self, celsius: float) -> None:
        self.registers[0x00] = round(celsius / 0.0078125) & 0xFFFF


class Ads1115(Registers):
    """Texas Instruments ADS1115: a conversion begins when bit 15 of the configuration is written.

    It takes 1/128 s; until then the conversion register holds the one before.
    """

    RANGES: Final = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)

    def __init__(self, volts: tuple[float, float, float, float]) -> None:
        super().__init__({0x00: 0x0000, 0x01: 0x8583, 0x02: 0x8000, 0x03: 0x7FFF}, fixed=frozenset([0x00]))
        self.volts = volts
        self._coming = (0.0, 0)

    def set(self, register: int, word: int) -> None:
        super().set(register, word)
        if register == 0x01 and word & 0x8000:
            self.registers[0x01] = word & 0x7FFF  # reads 0 while it converts
            self._coming = time.monotonic() + 1 / 128, self._converted(word)

    def _converted(self, word: int) -> int:
        inputs, span = word >> 12 & 0b111, self.RANGES[word >> 9 & 0b111]
        if inputs >= 4:
            volts = self.volts[inputs - 4]
        else:
            first, second = ((0, 1), (0, 3), (1, 3), (2, 3))[inputs]
            volts = self.volts[first] - self.volts[second]
        return max(-32768, min(32767, round(volts / span * 32768))) & 0xFFFF

    def read(self, length: int) -> bytes:
        ready_at, word = self._coming
        if ready_at and time.monotonic() >= ready_at:
            self.registers[0x00], self._coming = word, (0.0, 0)
            self.registers[0x01] |= 0x8000
        return super().read(length)


@dataclass
class Mlx90614:
    """Melexis MLX90614: SMBus words, low byte first, with a PEC over addresses and command."""

    address: int = 0x5A
    kelvin: float = 310.0
    command: int = 0x07

    def write(self, content: bytes) -> None:
        self.command = content[0]

    def read(self, length: int) -> bytes:
        word = (round(self.kelvin / 0.02) if self.command == 0x07 else 0).to_bytes(2, "little")
        crc = 0
        for byte in bytes([self.address << 1, self.command, self.address << 1 | 1]) + word:
            crc ^= byte
            for _ in range(8):
                crc = ((crc << 1) ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
        return (word + bytes([crc]))[:length]
