"""An I2C bus by the kernel's /dev/i2c-N. The one importer of smbus2."""

import contextlib
import errno
import os
from collections.abc import Callable
from typing import Protocol

from smbus2 import I2cFunc, SMBus, i2c_msg

from kleinmaelzung_agent.drivers.i2c.buses import Parts


class Bus(Protocol):
    """What is used of smbus2.SMBus."""

    @property
    def funcs(self) -> int: ...

    def open(self, bus: str) -> None: ...

    def i2c_rdwr(self, *i2c_msgs: i2c_msg) -> None: ...

    def close(self) -> None: ...


class SmbusHandle:
    """A buses.Handle."""

    def __init__(self, path: str, make: Callable[[], Bus] = SMBus) -> None:
        self._path = path
        self._bus = make()

    def open(self) -> None:
        self._bus.open(self._path)
        if not self._bus.funcs & I2cFunc.I2C:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def transfer(self, address: int, parts: Parts) -> list[bytes]:
        messages = [
            i2c_msg.read(address, part) if isinstance(part, int) else i2c_msg.write(address, part) for part in parts
        ]
        self._bus.i2c_rdwr(*messages)
        return [bytes(message) for message, part in zip(messages, parts, strict=True) if isinstance(part, int)]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._bus.close()
