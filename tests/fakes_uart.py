"""A serial line as it is on the wire: what is sent with some settings, and heard with others, bit by bit.

A pseudo-terminal keeps the rate that a program sets, and neither data bits nor parity: `UartPty` knows the rate and
hears with 8N1. `uart_server` is a serial server by RFC 2217, which is told all of them.
"""

import asyncio
import queue
import select
import socket
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from serial import rfc2217
from serial.urlhandler import protocol_loop

from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.trying import settings_tried
from tests.fakes_instruments import Pty

RATES = {getattr(termios, f"B{rate}"): rate for rate in settings_tried.RATES}
PARITIES = {"N": "none", "E": "even", "O": "odd"}


def line(text: str) -> PortSettings:
    """`"2400 7E1"`"""
    return settings_tried.read(text, PortSettings(port=""))


def heard(content: bytes, sender: PortSettings, hearer: PortSettings, *, checks_parity: bool = False) -> bytes:
    """What the hearer takes it for. One that checks the parity leaves out what has a wrong one."""
    levels = [level for byte in content for level in _sent(byte, sender)] + [1] * 40
    ratio, at, found = sender.baudrate / hearer.baudrate, 0.0, bytearray()
    while True:
        while int(at) < len(levels) and levels[int(at)]:
            at = int(at) + 1
        end = at + (1.5 + hearer.bytesize + (hearer.parity != "none")) * ratio
        if end >= len(levels):
            return bytes(found)
        bits = [levels[int(at + (1.5 + bit) * ratio)] for bit in range(hearer.bytesize + (hearer.parity != "none"))]
        byte = sum(bit << place for place, bit in enumerate(bits[: hearer.bytesize]))
        if not checks_parity or hearer.parity == "none" or sum(bits) % 2 == (hearer.parity == "odd"):
            found.append(byte)
        at = end
        while int(at) < len(levels) and not levels[int(at)]:  # no stop bit: wait until the line is at rest
            at = int(at) + 1


def _sent(byte: int, sender: PortSettings) -> list[int]:
    bits = [byte >> place & 1 for place in range(sender.bytesize)]
    parity = {"none": [], "even": [sum(bits) % 2], "odd": [1 - sum(bits) % 2]}[sender.parity]
    return [0, *bits, *parity, 1]


class UartPty(Pty):
    """An instrument with a rate of its own; what is heard with another rate is rubbish, in both directions."""

    def __init__(self, link: Any, settings: str = "9600 8N1") -> None:
        super().__init__(link)
        self.settings = line(settings)
        self.all_heard = bytearray()  # as it was sent

    def _host(self) -> PortSettings:
        return line(str(RATES.get(termios.tcgetattr(self.master)[4], 300)))

    def say(self, outgoing: bytes) -> None:
        super().say(heard(outgoing, self.settings, self._host()))

    def listen(self, hear: Callable[[bytes], None]) -> None:
        def garble(chunk: bytes) -> None:
            self.all_heard.extend(chunk)
            hear(heard(chunk, self._host(), self.settings, checks_parity=True))

        super().listen(garble)


class _UartSerial(protocol_loop.Serial):
    """The device of a serial server: nothing of what is written comes back."""

    said: Callable[[bytes, PortSettings], None]

    def write(self, outgoing: Any) -> int:
        self.said(bytes(outgoing), self.host())
        return len(outgoing)

    def host(self) -> PortSettings:
        return PortSettings(port="", baudrate=self.baudrate, bytesize=self.bytesize, parity=PARITIES[self.parity])


@contextmanager
def uart_server(settings: str, said: "queue.Queue[bytes]", hear: Callable[[bytes], None]) -> Iterator[str]:
    """A serial server for one client after the other; `said` is what the instrument says. Gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    stop = threading.Event()
    thread = threading.Thread(target=_serve, args=(listening, line(settings), said, hear, stop))
    thread.start()
    try:
        yield f"rfc2217://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listening.close()


def _serve(
    listening: socket.socket,
    settings: PortSettings,
    said: "queue.Queue[bytes]",
    hear: Callable[[bytes], None],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            client, _ = listening.accept()
        except TimeoutError:
            continue
        with client, client.makefile("wb", buffering=0) as outgoing:
            try:
                _serve_one(client, outgoing, settings, said, hear, stop)
            except OSError:
                continue


def _serve_one(client: Any, outgoing: Any, settings: PortSettings, said: Any, hear: Any, stop: Any) -> None:
    port = _UartSerial("loop://")
    port.said = lambda content, host: hear(heard(content, host, settings, checks_parity=True))
    manager: Any = cast(Any, rfc2217.PortManager)(port, outgoing)
    while not stop.is_set():
        while not said.empty():
            outgoing.write(b"".join(manager.escape(heard(said.get(), settings, port.host()))))
        if select.select([client], [], [], 0.02)[0]:
            chunk = client.recv(1024)
            if not chunk:
                return
            if content := b"".join(manager.filter(chunk)):
                port.write(content)


def answering(pty: Pty, ends: bytes, answer: Callable[[bytes], bytes]) -> list[bytes]:
    """An instrument that answers lines; gives what it was asked. Bytes before a line that is not text are left out."""
    asked: list[bytes] = []
    incoming = bytearray()

    def hear(chunk: bytes) -> None:
        nonlocal incoming
        incoming += chunk
        *lines, incoming = incoming.split(ends)
        for line in lines:
            asked.append(bytes(line))
            if said := answer(bytes(line)):
                asyncio.get_running_loop().call_later(0.005, pty.say, said)

    pty.listen(hear)
    return asked
