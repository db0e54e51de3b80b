"""Instruments on pseudo-terminals: real ports that can be unplugged, and what may hang on them."""

import asyncio
import contextlib
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import serial
from serial import rfc2217

Heard = Callable[[bytes], None]


class Pty:
    """A pseudo-terminal whose device end has a name of our own, so that it comes back under the same one."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = -1
        self._slave = -1
        self._heard: Heard | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def port(self) -> str:
        return str(self.link)

    def plug(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.link.symlink_to(os.ttyname(self._slave))
        if self._heard:
            asyncio.get_running_loop().add_reader(self.master, self._read)

    def unplug(self) -> None:
        if self.master < 0:
            return
        self.link.unlink()
        if self._heard:
            with contextlib.suppress(RuntimeError):  # after the loop's end
                asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self._slave)
        self.master = self._slave = -1

    def listen(self, heard: Heard) -> None:
        """Hand on what is sent to the device, now and after plugging in again."""
        self._heard = heard
        if self.master >= 0:
            asyncio.get_running_loop().add_reader(self.master, self._read)

    def say(self, outgoing: bytes) -> None:
        if self.master >= 0:
            os.write(self.master, outgoing)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            chunk = os.read(self.master, 4096)
            if self._heard:
                self._heard(chunk)

    @contextmanager
    def flood(self, content: bytes) -> Iterator[list[int]]:
        """Send this again and again, as fast as it is taken; gives the count of bytes that were."""
        stop, sent = threading.Event(), [0]

        def send() -> None:
            while not stop.is_set():
                if select.select([], [self.master], [], 0.1)[1]:
                    with contextlib.suppress(BlockingIOError):
                        sent[0] += os.write(self.master, content)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield sent
        finally:
            stop.set()
            thread.join()


@dataclass
class Thermometer:
    """Answers `T?` with `+23.45 C`, `ID?`, and `SET x` with `OK x`; its faults are fields to set.

    Like a real instrument it works one command after the other. `delays` are used up first in, first out.
    """

    pty: Pty
    temperature: str = "+23.45"
    is_silent: bool = False
    delay_s: Callable[[], float] = lambda: 0.0
    delays: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _incoming: bytearray = field(default_factory=bytearray)
    _free_at: float = 0.0

    def start(self) -> Self:
        self.pty.listen(self._heard)
        return self

    def _heard(self, chunk: bytes) -> None:
        self._incoming += chunk
        *queries, rest = self._incoming.split(b"\r\n")
        self._incoming = bytearray(rest)
        for query in queries:
            self.asked.append(query.decode())
            if not self.is_silent:
                self._answer_later(self.answer(query.decode()))

    def answer(self, query: str) -> str:
        match query.split():
            case ["T?"]:
                return f"{self.temperature} C"
            case ["ID?"]:
                return "THERMO 1"
            case ["SET", value]:
                return f"OK {value}"
        return "ERR"

    def _answer_later(self, answer: str) -> None:
        loop = asyncio.get_running_loop()
        delay = self.delays.pop(0) if self.delays else self.delay_s()
        # a little apart, since the loop keeps no order among equal times
        self._free_at = max(self._free_at, loop.time()) + max(delay, 0.0001)
        loop.call_at(self._free_at, self.pty.say, answer.encode() + b"\r\n")


@contextmanager
def mt_sics_balance(directory: Path, profile: str = "ohaus-defender5000") -> Iterator[str]:
    """The PyPI package mt-sics-emulator, which we did not write, behind a pair of ptys; gives the port."""
    program = shutil.which("mtsics-serial", path=str(Path(sys.executable).parent))
    assert program, "mt-sics-emulator is not installed"
    with Pty(directory / "balance-inside") as inside, Pty(directory / "balance") as outside:
        inside.plug()
        outside.plug()
        stop = threading.Event()
        pump = threading.Thread(target=_pump, args=(inside.master, outside.master, stop))
        pump.start()
        balance = subprocess.Popen(
            [program, "--port", inside.port, "--profile", profile], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield outside.port
        finally:
            balance.terminate()
            balance.wait(10)
            stop.set()
            pump.join()


def _pump(one: int, other: int, stop: threading.Event) -> None:
    while not stop.is_set():
        for master in select.select([one, other], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                os.write(other if master == one else one, os.read(master, 4096))


class _WithoutModemLines(serial.Serial):
    """A pseudo-terminal has no lines beside the two for the bytes."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


@contextmanager
def rfc2217_server(device: str) -> Iterator[str]:
    """A serial server for one client, made of pyserial's own parts; gives its URL. Ends with its device."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    thread = threading.Thread(target=_serve_rfc2217, args=(listening, device, stop))
    thread.start()
    try:
        yield f"rfc2217://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listening.close()


def _serve_rfc2217(listening: socket.socket, device: str, stop: threading.Event) -> None:
    client, _ = listening.accept()
    with client, client.makefile("wb", buffering=0) as outgoing, _WithoutModemLines(device, timeout=0) as port:
        ends: list[Any] = [client, port]
        manager: Any = cast(Any, rfc2217.PortManager)(port, outgoing)  # the stubs are stricter than the thing
        while not stop.is_set():
            ready = select.select(ends, [], [], 0.1)[0]
            try:
                if port in ready:
                    outgoing.write(b"".join(manager.escape(port.read(1024))))
                if client in ready:
                    chunk = client.recv(1024)
                    if not chunk:
                        return
                    port.write(b"".join(manager.filter(chunk)))
            except OSError:
                return
