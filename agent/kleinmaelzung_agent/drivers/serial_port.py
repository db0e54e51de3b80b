"""The port of an instrument: bytes in and out, and nothing that can block or grow. The one importer of serial.

    device path          pyserial opens it exclusively, pyserial-asyncio reads and writes it
    socket://host:port   asyncio itself: pyserial's own version reads byte by byte; tcp:// is the same
    any other URL        pyserial in two threads: rfc2217:// has no file descriptor to wait for

What arrives goes to `received(chunk)` in small pieces; transport_port.py says how a port behaves.
"""

import asyncio
import contextlib
import errno
import functools
import logging
import os
import queue
import select
import termios
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Never, TypeVar

import serial
import serial_asyncio

from kleinmaelzung_agent.drivers import transport_port
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import (
    CHUNK,
    CLOSE_S,
    MAX_UNSENT,
    NotSentError,
    Port,
    PortError,
    Received,
    TransportPort,
    Wire,
    plain,
)

logger = logging.getLogger(__name__)

# rfc2217:// negotiates for up to 3 s per setting; a device path answers at once unless its driver hangs.
OPEN_S: Final = 30.0

_PARITIES: Final = {"none": "N", "even": "E", "odd": "O", "mark": "M", "space": "S"}

T = TypeVar("T")


@asynccontextmanager
async def open_port(settings: PortSettings, received: Received) -> AsyncIterator[Port]:
    """Open a port; leaving closes it, within two seconds. Raises PortError."""
    port = await _open(settings, received)
    try:
        yield port
    finally:
        await port.close()


async def _open(settings: PortSettings, received: Received) -> "TransportPort | _UrlPort":
    if settings.port.startswith(("socket://", "tcp://")):
        return await transport_port.open_socket(settings.port, received)
    if "://" in settings.port:
        return await _open_url(settings, received)
    return await _open_device(settings, received)


class _Device(serial.Serial):
    """pyserial's device without its loops and waits: read, write and flush return at once.

    pyserial's write() spins while a device takes nothing, and flush() (tcdrain), which pyserial-asyncio calls in the
    event loop, waits for that device for ever.
    """

    def read(self, size: int = 1, /) -> bytes:
        try:
            chunk = os.read(self.fileno(), size)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise serial.SerialException(error.errno, plain(error)) from error
        if not chunk and self._is_hung_up():
            raise serial.SerialException("it is gone")
        return chunk

    def write(self, outgoing: Any, /) -> int:
        try:
            return os.write(self.fileno(), outgoing)
        except BlockingIOError:
            raise  # the transport tries again
        except OSError:
            # The device is gone, and so are the bytes. The reading side notices the same and says so.
            return len(outgoing)

    def flush(self) -> None:
        with contextlib.suppress(OSError, termios.error):
            self.reset_output_buffer()

    def _is_hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), 0)
        return bool(poll.poll(0))


async def _open_device(settings: PortSettings, received: Received) -> TransportPort:
    try:
        os.stat(settings.port)  # cheap: what is away for long is looked for every second or two
    except FileNotFoundError as error:
        raise PortError(_why_not(settings.port, error)) from error
    except OSError:
        pass  # opening says it better
    opening = functools.partial(_Device, settings.port, exclusive=True, write_timeout=0, **_line(settings, timeout=0))
    device = await _open_in_thread(settings.port, opening)
    wire = Wire(settings.port, received)
    try:
        transport, _ = await serial_asyncio.connection_for_serial(asyncio.get_running_loop(), lambda: wire, device)
    except (OSError, termios.error) as error:
        device.close()
        raise PortError(f"{settings.port} cannot be opened: {plain(error)}") from error
    return TransportPort(transport, wire, device)


def _line(settings: PortSettings, timeout: float) -> dict[str, Any]:
    return {
        "baudrate": settings.baudrate,
        "bytesize": settings.bytesize,
        "parity": _PARITIES[settings.parity],
        "stopbits": settings.stopbits,
        "xonxoff": settings.flow == "xonxoff",
        "rtscts": settings.flow == "rtscts",
        "timeout": timeout,
    }


# --- other URLs: two threads ----------------------------------------------------------------------------------------


class _UrlPort:
    """A pyserial URL, read by one thread and written by another, since both may block."""

    READ_S: Final = 0.2  # how long a thread takes to notice that it shall end

    def __init__(self, port: str, device: Any, received: Received) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._device = device
        self._received = received
        self._closed: asyncio.Future[str] = self._loop.create_future()
        self._is_closing = threading.Event()
        self._slot = threading.Semaphore(1)  # one chunk under way to the loop; meanwhile the thread waits
        self._outgoing: queue.Queue[bytes] = queue.Queue()  # bounded by MAX_UNSENT in write()
        self._unsent = 0
        for work in (self._read, self._write):
            threading.Thread(target=self._guard, args=(work,), name=f"{port} {work.__name__}", daemon=True).start()

    def write(self, outgoing: bytes) -> None:
        if self._closed.done():
            raise NotSentError(self._closed.result())
        if self._unsent + len(outgoing) > MAX_UNSENT:
            raise NotSentError(f"{self._port} does not take what is sent")
        self._unsent += len(outgoing)
        self._outgoing.put(outgoing)

    def unsent(self) -> int:
        return self._unsent

    def discard_unsent(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._unsent -= len(self._outgoing.get_nowait())

    async def lost(self) -> Never:
        raise PortError(await asyncio.shield(self._closed))

    async def close(self) -> None:
        self._is_closing.set()
        done, _ = await asyncio.wait([self._closed], timeout=CLOSE_S)
        if not done:
            logger.warning("%s does not close", self._port)

    def _guard(self, work: Callable[[], None]) -> None:
        failure = f"{self._port} was closed"
        try:
            work()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            # pyserial's URL handlers trip over their own closed sockets in these ways
            failure = f"{self._port} was disconnected: {plain(error)}"
        self._is_closing.set()
        if work == self._read:
            self._post(self._end, failure)
            self._close_device()

    def _close_device(self) -> None:
        # rfc2217:// forgets its socket unclosed when the other end is gone already.
        connection = getattr(self._device, "_socket", None)
        with contextlib.suppress(OSError, AttributeError, RuntimeError):
            self._device.close()
        if connection:
            connection.close()

    def _read(self) -> None:
        while not self._is_closing.is_set():
            chunk = self._device.read(1)
            if chunk:
                chunk += self._device.read(min(self._device.in_waiting, CHUNK - 1))
                while not self._slot.acquire(timeout=self.READ_S) and not self._is_closing.is_set():
                    pass
                self._post(self._deliver, chunk)

    def _write(self) -> None:
        while not self._is_closing.is_set():
            with contextlib.suppress(queue.Empty):
                outgoing = self._outgoing.get(timeout=self.READ_S)
                self._device.write(outgoing)
                self._post(self._sent, len(outgoing))

    def _post(self, callback: Callable[[Any], None], argument: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before its thread
            self._loop.call_soon_threadsafe(callback, argument)

    def _deliver(self, chunk: bytes) -> None:
        begun = self._loop.time()
        if not self._is_closing.is_set():
            self._received(chunk)
        # A babbling device gets a fifth of the time.
        self._loop.call_later(4 * (self._loop.time() - begun), self._slot.release)

    def _sent(self, count: int) -> None:
        self._unsent -= count

    def _end(self, failure: str) -> None:
        if not self._closed.done():
            self._closed.set_result(failure)


async def _open_url(settings: PortSettings, received: Received) -> _UrlPort:
    # No write_timeout: rfc2217:// refuses one and has its own.
    opening = functools.partial(serial.serial_for_url, settings.port, **_line(settings, timeout=_UrlPort.READ_S))
    return _UrlPort(settings.port, await _open_in_thread(settings.port, opening), received)


# --- opening ----------------------------------------------------------------------------------------------------------


async def _open_in_thread(port: str, opening: Callable[[], T]) -> T:
    # Not in asyncio's executor: a driver that hangs would keep the program from ending.
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()
    threading.Thread(target=_open_into, args=(loop, result, opening), name=f"open {port}", daemon=True).start()
    try:
        async with asyncio.timeout(OPEN_S):
            return await result
    except TimeoutError as error:
        raise PortError(f"{port} does not open within {OPEN_S:g} s") from error
    except Exception as error:  # pyserial's URL handlers raise whatever their modules do
        raise PortError(_why_not(port, error)) from error


def _open_into(loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], opening: Callable[[], T]) -> None:
    try:
        opened = opening()
    except Exception as error:  # whatever it is, it belongs to who waits for the result
        _settle(loop, result, functools.partial(result.set_exception, error))
        return
    _settle(loop, result, lambda: result.set_result(opened), lambda: _close_late(opened))


def _settle(
    loop: asyncio.AbstractEventLoop,
    result: asyncio.Future[Any],
    settle: Callable[[], None],
    abandon: Callable[[], None] = lambda: None,
) -> None:
    try:
        loop.call_soon_threadsafe(lambda: abandon() if result.done() else settle())
    except RuntimeError:  # the loop has ended meanwhile
        abandon()


def _close_late(opened: Any) -> None:
    # Closing may wait as well (rfc2217:// does), so it gets its own thread again.
    threading.Thread(target=opened.close, name="close late", daemon=True).start()


def _why_not(port: str, error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.ENOENT:
            return f"{port} is not there"
        case errno.EACCES | errno.EPERM:
            return f"{port} may not be opened: permission denied, is the agent's user in the group dialout?"
        case errno.EAGAIN | errno.EBUSY:
            return f"{port} is used by another program"
        case errno.EIO | errno.ENXIO | errno.ENODEV:
            return f"{port} is there, but no device answers behind it"
    return f"{port} cannot be opened: {plain(error)}"
