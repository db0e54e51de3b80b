"""What the kernel's files say of a 1-wire thermometer: text in, degrees Celsius or a sentence out. Pure.

    w1_slave        50 05 4b 46 7f ff 0c 10 1c : crc=1c YES      the sensor's nine bytes, and whether their CRC is right
                    50 05 4b 46 7f ff 0c 10 1c t=85000
    temperature     85000                                        newer kernels; empty where it could not be read

The kernel says YES of nine zero bytes, which a shorted line gives, and of a sensor that has not measured yet.
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 4096
# DS18S20, DS1822, DS18B20, DS28EA00 measure from -55 to 125 °C; others, such as MAX31850, more.
_RANGE: Final = (-55_000, 125_000)
_USUAL_FAMILIES: Final = ("10", "22", "28", "42")
_POWER_ON: Final = 85_000
_POWER_ON_BYTES: Final = (0x50, 0x05)
_NO_POWER_BYTES: Final = (0xFF, 0x07)
# Byte 6 is 0Ch until the first measurement (DS18B20's manual, memory map): the same that the kernel looks at.
_NOT_MEASURED: Final = 0x0C

_SLAVE = re.compile(
    r"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\s+(?:[0-9a-f]{2} ){9}t=(-?[0-9]{1,7})\s*", re.ASCII
)
_NUMBER = re.compile(r"\s*(-?[0-9]{1,7})\s*", re.ASCII)


class NotReadError(ValueError):
    """The file holds no measurement; the text says why."""


class WrongCrcError(NotReadError):
    """What came from the sensor is not what it sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Without a temperature `quality` says why."""

    celsius: float | None
    quality: str = ""


def read_slave(text: str, family: str) -> Found:
    """Of `w1_slave`. Raises NotReadError."""
    found = _SLAVE.fullmatch(text)
    if not found:
        raise NotReadError(f"w1_slave holds {text!r:.60}, expected nine bytes, crc= and t=")
    content, is_right, millis = bytes.fromhex(found[1]), found[2] == "YES", int(found[3])
    if not is_right:
        raise WrongCrcError(f"the CRC of {content.hex(' ')} is wrong")
    if not any(content):
        raise NotReadError("all bytes are zero: the data line has a short circuit to ground")
    first = (content[0], content[1])
    if family == "28" and content[6] == _NOT_MEASURED and first in (_POWER_ON_BYTES, _NO_POWER_BYTES):
        return _power_on() if first == _POWER_ON_BYTES else Found(celsius=None, quality="no power")
    if family != "28" and millis == _POWER_ON:
        return _power_on()
    return _in_range(millis, family)


def read_temperature(text: str, family: str) -> Found:
    """Of `temperature`, which does not tell 85 °C from a sensor that has not measured. Raises NotReadError."""
    found = _NUMBER.fullmatch(text)
    if not found:
        raise NotReadError(f"temperature holds {text!r:.60}, expected a number: the sensor could not be read")
    millis = int(found[1])
    return _power_on() if millis == _POWER_ON else _in_range(millis, family)


def _power_on() -> Found:
    return Found(celsius=None, quality="power-on")


def _in_range(millis: int, family: str) -> Found:
    if family in _USUAL_FAMILIES and not _RANGE[0] <= millis <= _RANGE[1]:
        raise NotReadError(f"t={millis} is outside of what the sensor can measure")
    return Found(celsius=millis / 1000)
