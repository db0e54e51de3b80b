"""Instruments that speak in text, on pseudo-terminals: each as its protocol says, which knows nothing of drivers.

A simulator hears bytes and says bytes. `Lines` collects what is sent up to an end; a class below answers.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import xor

from tests.fakes_instruments import Pty


class Lines:
    """Hands over what comes up to each end, and says what the answer is."""

    def __init__(self, pty: Pty, ends: bytes, answer: Callable[[bytes], bytes]) -> None:
        self.asked: list[bytes] = []
        self._pty, self._ends, self._answer = pty, ends, answer
        self._incoming = b""
        pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        *lines, self._incoming = (self._incoming + chunk).split(self._ends)
        for line in lines:
            self.asked.append(line)
            if answer := self._answer(line):
                self._pty.say(answer)


@contextmanager
def streaming(pty: Pty, content: Callable[[int], bytes], every_s: float = 0.02) -> Iterator[None]:
    """Say content(0), content(1) and so on, until the end."""

    async def say() -> None:
        number = 0
        while True:
            with contextlib.suppress(BlockingIOError):
                pty.say(content(number))
            number += 1
            await asyncio.sleep(every_s)

    task = asyncio.get_running_loop().create_task(say())
    try:
        yield
    finally:
        task.cancel()


# --- checksums, each as its protocol describes it ---------------------------------------------------------------------


def bcc(content: bytes) -> bytes:
    """ISO 1745: exclusive or of what follows STX, with ETX."""
    return bytes([functools.reduce(xor, content)])


def hex_sum(content: bytes) -> bytes:
    """DCON: the sum of all characters, two hexadecimal digits."""
    return f"{sum(content) & 0xFF:02X}".encode()


def decimal_sum(content: bytes) -> bytes:
    """Pfeiffer Vacuum: the sum of all characters modulo 256, three decimal digits."""
    return f"{sum(content) % 256:03d}".encode()


def nmea(content: str) -> bytes:
    return f"${content}*{functools.reduce(xor, content.encode()):02X}\r\n".encode()


# --- instruments ------------------------------------------------------------------------------------------------------


class BisynchController:
    """A temperature controller: STX, mnemonic and value, ETX, BCC; asked and answered in the same frame."""

    def __init__(self, pty: Pty) -> None:
        self.setpoint = 25.0
        self.refused: list[bytes] = []
        self._pty, self._incoming = pty, b""
        pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        self._incoming += chunk
        while (end := self._incoming.find(b"\x03", self._incoming.find(b"\x02") + 1)) >= 0:
            if len(self._incoming) < end + 2:
                return
            frame, self._incoming = self._incoming[: end + 2], self._incoming[end + 2 :]
            frame = frame[frame.find(b"\x02") :]
            if bcc(frame[1:-1]) != frame[-1:]:
                self.refused.append(frame)
                self._pty.say(b"\x15")
            else:
                self._say(self._answer(frame[1:-2].decode()))

    def _say(self, text: str) -> None:
        content = text.encode() + b"\x03"
        self._pty.say(b"\x02" + content + bcc(content))

    def _answer(self, text: str) -> str:
        if text == "PV":
            return "PV23.4"
        if text.startswith("SL") and len(text) > 2:
            self.setpoint = float(text[2:])
            return f"SL{self.setpoint:.1f}"
        return "?"


class DconModules:
    """ICP DAS I-7000 modules on one RS-485 pair, with checksums: `#AA` reads, `$AA2` says how it is set."""

    def __init__(self, pty: Pty, modules: dict[int, float]) -> None:
        self.modules = modules
        self.damages = 0  # so many of the next answers get a wrong digit
        self.asked = Lines(pty, b"\r", self._answer).asked

    def _answer(self, line: bytes) -> bytes:
        content, checksum = line[:-2], line[-2:]
        address = int(content[1:3], 16) if len(content) >= 3 else -1
        if checksum != hex_sum(content) or address not in self.modules:
            return b""  # a module is silent where it is not meant
        match content[:1]:
            case b"#":
                answer = f">{self.modules[address]:+08.2f}".encode()
            case b"$" if content[3:] == b"2":
                answer = f"!{address:02X}080640".encode()
            case _:
                answer = f"?{address:02X}".encode()
        framed = answer + hex_sum(answer)
        if self.damages:
            self.damages -= 1
            framed = framed.replace(b"2", b"3", 1)
        return framed + b"\r"


def pfeiffer_gauge(pty: Pty) -> Lines:
    """Pfeiffer Vacuum: address, action, parameter, length, content, checksum in decimal; 740 is the pressure."""

    def answer(line: bytes) -> bytes:
        if decimal_sum(line[:-3]) != line[-3:] or line[:3] != b"001":
            return b""
        content = b"0011074006" + b"100023" if line[3:-3] == b"0074002=?" else b"0011074006NO_DEF"
        return content + decimal_sum(content) + b"\r"

    return Lines(pty, b"\r", answer)


class TwoLineBalance:
    """Gross and net, each on its line; beyond its range one line says so."""

    def __init__(self, pty: Pty) -> None:
        self.is_overloaded = False
        Lines(pty, b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        if line != b"P":
            return b"ES\r\n"
        return b"OL\r\n" if self.is_overloaded else b"G +  112.50 g\r\nN +  100.25 g\r\n"


def framed_answers(pty: Pty) -> Lines:
    """Asked in plain text, it answers between STX and ETX, with the sum of all but STX behind ETX."""

    def answer(line: bytes) -> bytes:
        content = b"T01+0234\x03" if line == b"T01" else b"E\x03"
        return b"\x02" + content + hex_sum(content) + b"\r\n"

    return Lines(pty, b"\r", answer)


def printed_protocol(number: int) -> bytes:
    """A balance's print-out, on its key."""
    return (
        b"--------------\r\n"
        b"Date 23.11.2026\r\n\r\n"
        b"ID      SAMPLE\r\n" + f"N  +  {number % 10}.50 g\r\n".encode() + b"T  +  1.25 g\r\n"
        b"==============\r\n"
    )


def echoing_ph_meter(pty: Pty) -> Lines:
    """Sends back what it is sent, then the answer."""

    def answer(line: bytes) -> bytes:
        match line.split():
            case [b"PH"]:
                said = b"7,02\r\n"
            case [b"SET", value]:
                said = b"OK " + value + b"\r\n"
            case [b"BEEP"]:
                said = b""
            case _:
                said = b"?\r\n"
        return line + b"\r" + said

    return Lines(pty, b"\r", answer)


def prompting_thermometer(pty: Pty) -> Lines:
    """Each answer is followed by a prompt without a line end."""
    return Lines(pty, b"\r", lambda line: b"23.40\r\n> " if line == b"TEMP" else b"ERROR\r\n> ")


class Julabo:
    """A circulator: `in_pv_00` asks, `out_sp_00 25.0` sets and is not answered."""

    def __init__(self, pty: Pty) -> None:
        self.setpoint = 20.0
        Lines(pty, b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        match line.decode().split():
            case ["in_pv_00"]:
                return b"24.87\r\n"
            case ["in_sp_00"]:
                return f"{self.setpoint:.2f}\r\n".encode()
            case ["status"]:
                return b"03 REMOTE START\r\n"
            case ["out_sp_00", value]:
                self.setpoint = float(value)
        return b""


class Multimeter:
    """SCPI with a queue of errors; a value beyond its range is 9.9E37."""

    def __init__(self, pty: Pty) -> None:
        self.errors: list[str] = []
        self.range = 10.0
        self.voltage = "+1.23456789E+00"
        self.asked = Lines(pty, b"\n", self._answer).asked

    def _answer(self, line: bytes) -> bytes:
        text = line.decode()
        match text.split():
            case ["*IDN?"]:
                return b"ACME,DMM 7,SN0042,1.0\n"
            case ["*CLS"]:
                self.errors.clear()
            case ["SYST:ERR?"]:
                return (self.errors.pop(0) if self.errors else '+0,"No error"').encode() + b"\n"
            case ["MEAS:VOLT:DC?"]:
                return self.voltage.encode() + b"\n"
            case ["FETC?"]:
                return b"+1.00000000E-03,+9.91000000E+37,ON\n"
            case ["VOLT:RANG?"]:
                return f"{self.range:+.8E}\n".encode()
            case ["VOLT:RANG", value]:
                if float(value) > 1000:
                    self.errors.append('-222,"Data out of range"')
                else:
                    self.range = float(value)
            case _:
                self.errors.append('-113,"Undefined header"')
        return b""
