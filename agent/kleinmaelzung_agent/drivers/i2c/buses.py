"""I2C buses: transfers in a thread of each bus, one after the other, and what their errors mean in plain words.

All instruments of one bus share its thread, and so wait for each other; a bus that hangs holds up only its own.
A sentence begins with the bus where all of it is lost, else with the instrument: alarms of one cause are found by that.
"""

import errno
import functools
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.drivers.blocking import HungError, Worker
from kleinmaelzung_agent.drivers.transport_port import NotSentError, PortError, plain

OPEN_S: Final = 5.0

Parts = Sequence[bytes | int]  # of one transfer: bytes are written, of an int so many are read

# Who is not there does not acknowledge: Raspberry Pi says EREMOTEIO, others ENXIO.
_UNANSWERED: Final = (errno.ENXIO, errno.EREMOTEIO)
_ENABLE: Final = "on a Raspberry Pi enable it: sudo raspi-config, Interface Options, I2C (dtparam=i2c_arm=on)"


class UnansweredAddressError(PortError):
    """No instrument took its address, or what followed it."""


class Handle(Protocol):
    """A bus as one instrument has it open. All of it may block, and raise OSError."""

    def open(self) -> None: ...

    def transfer(self, address: int, parts: Parts) -> list[bytes]:
        """Write and read without a stop between the parts; what was read."""
        ...

    def close(self) -> None:
        """Also what was never opened. Never raises."""
        ...


Make = Callable[[str], Handle]  # of a path


class Bus:
    """One bus."""

    def __init__(self, path: str, make: Make) -> None:
        self.path = path
        self._make = make
        self._worker = Worker(f"i2c {path}")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Line"]:
        """Have the bus open. Raises PortError."""
        handle = self._make(self.path)
        with self._worker.used():
            try:
                await self._open(handle)
                yield Line(self.path, handle, self._worker)
            finally:
                self._worker.leave(handle.close)

    async def _open(self, handle: Handle) -> None:
        try:
            await self._worker.call(handle.open, OPEN_S)
        except HungError as error:
            raise PortError(hung(self.path, OPEN_S)) from error
        except OSError as error:
            raise PortError(why_not_opened(self.path, error)) from error


class Line:
    """An open bus."""

    def __init__(self, path: str, handle: Handle, worker: Worker) -> None:
        self._path, self._handle, self._worker = path, handle, worker

    async def transfer(self, address: int, parts: Parts, limit_s: float) -> list[bytes]:
        """What was read. Raises TimeoutError where others had the bus all the time, PortError, NotSentError."""
        try:
            return await self._worker.call(functools.partial(self._handle.transfer, address, parts), limit_s)
        except HungError as error:
            lost = PortError if error.is_begun else NotSentError
            raise lost(hung(self._path, limit_s)) from error
        except OSError as error:
            if isinstance(error, TimeoutError) and error.errno is None:
                raise
            raise why_failed(self._path, address, error) from error


class Buses:
    """The buses of one agent. With `make` all are made by it, whatever an instrument has them made by."""

    def __init__(self, make: Make | None = None) -> None:
        self._make = make
        self._buses: dict[str, Bus] = {}

    def get(self, path: str, make: Make) -> Bus:
        key = os.path.realpath(path)
        if key not in self._buses:
            self._buses[key] = Bus(path, self._make or make)
        return self._buses[key]


def why_not_opened(path: str, error: OSError) -> str:
    match error.errno:
        case None:
            return f"{path} could not be opened within {durations.show(OPEN_S)}: others had it all the time"
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"{path}: there is no such I2C bus; {_ENABLE}"
        case errno.EACCES | errno.EPERM:
            return f"{path} may not be opened: is the agent's user in the group i2c? (sudo usermod -aG i2c USER)"
        case errno.ENOTTY | errno.EINVAL:
            return f"{path} is no I2C bus"
        case errno.EOPNOTSUPP:
            return f"{path} can only SMBus commands, and no plain I2C transfers: use another adapter"
    return f"{path} cannot be opened: {plain(error)}"


def why_failed(path: str, address: int, error: OSError) -> PortError:
    where = f"address {address:#04x} of {path}"
    if error.errno in _UNANSWERED:
        number = re.search(r"[0-9]+$", path)
        advice = f"`i2cdetect -y {number[0] if number else path}` shows which addresses do"
        return UnansweredAddressError(f"nothing answers at {where}: look at power, wires and address; {advice}")
    match error.errno:
        case errno.ETIMEDOUT:
            return PortError(
                f"{where}: the transfer did not end: something holds a line of the bus, or a pull-up lacks"
            )
        case errno.EAGAIN | errno.EBUSY:
            return PortError(f"{where}: the bus is busy: another master, or a line that is held")
        case errno.ENODEV | errno.ENOENT | errno.ESHUTDOWN:
            return PortError(f"{path} is gone: was its adapter unplugged?")
    return PortError(f"{where}: the transfer failed: {plain(error)}; look at wires and pull-ups")


def hung(path: str, limit_s: float) -> str:
    within = durations.show(round(limit_s, 3))
    return f"{path} hangs: a transfer has not ended within {within}; something holds its lines: switch instruments off"
