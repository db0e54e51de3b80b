"""Meters, sensor modules and a receiver, as their manuals describe the protocol."""

import functools
import struct
from operator import xor

from tests.strangers.wires import Wire


class Picoammeter:
    """Keithley 6485: `READ?` is current with its unit, time, and a status of bits (1: overflow) as a float."""

    def __init__(self, wire: Wire) -> None:
        self.current, self.status, self.range = "+1.040564E-09A", 0, 2e-9
        self._errors: list[str] = []
        wire.answer(b"\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        match line.decode("ascii", "replace").strip().split():
            case ["*IDN?"]:
                return b"KEITHLEY INSTRUMENTS INC.,MODEL 6485,1234567,B01\n"
            case ["READ?"]:
                return f"{self.current},+2.236110E+01,{self.status:+.6E}\n".encode()
            case ["*CLS"]:
                self._errors = []
            case ["SYST:ERR?"]:
                return (self._errors.pop(0) if self._errors else '0,"No error"').encode() + b"\n"
            case ["RANG", value]:
                if float(value) > 0.021:
                    self._errors.append('-222,"Parameter data out of range"')
                else:
                    self.range = float(value)
            case _:
                self._errors.append('-113,"Undefined header"')
        return b""


class FlukeMeter:
    """Fluke 45 on its serial port: an answer, then a prompt on a line of its own: `=>` well, `?>` or `!>` not."""

    def __init__(self, wire: Wire) -> None:
        self.value, self.rate = "+1.2345E+0", "M"
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        match line.decode("ascii", "replace").split():
            case ["MEAS?"]:
                return self.value.encode() + b"\r\n=>\r\n"
            case ["RATE", ("S" | "M" | "F") as rate]:
                self.rate = rate
                return b"=>\r\n"
            case ["RATE", _]:
                return b"!>\r\n"
        return b"?>\r\n"


class UvSensor:
    """`R` CR: three words of four hexadecimal digits, UVA, UVB (two's complement) and a status."""

    def __init__(self, wire: Wire) -> None:
        self.words = (0x03FF, 0xFFFE, 0x0000)
        wire.answer(b"\r", lambda line: " ".join(f"{word:04X}" for word in self.words).encode() + b"\r\n"
                    if line == b"R" else b"E1\r\n")  # fmt: skip


class Sds011:
    """Nova SDS011: AA C0, PM2.5 and PM10 (low byte first, tenths of µg/m3), its number, sum of the six, AB.

    AA B4, fifteen bytes and their sum, AB is a command, answered by AA C5, six bytes, their sum, AB.
    """

    def __init__(self, wire: Wire) -> None:
        self.pm25, self.pm10, self.period = 123, 456, 0
        self._wire, self._pending = wire, b""
        wire.pty.listen(self._heard)
        wire.repeat(lambda: _dust(0xC0, struct.pack("<HHH", self.pm25, self.pm10, 0xA160)))

    def _heard(self, chunk: bytes) -> None:
        self._pending += chunk
        while len(self._pending) >= 19:
            frame, self._pending = self._pending[:19], self._pending[19:]
            is_right = frame[:2] == b"\xaa\xb4" and sum(frame[2:17]) & 0xFF == frame[17] and frame[18] == 0xAB
            if is_right and frame[2:4] == b"\x08\x01":
                self.period = frame[4]
                self._wire.say(_dust(0xC5, bytes([8, 1, self.period, 0, 0x60, 0xA1])))


def _dust(kind: int, content: bytes) -> bytes:
    return bytes([0xAA, kind]) + content + bytes([sum(content) & 0xFF, 0xAB])


class Plantower:
    """PMS5003: 42 4D, how many bytes follow, 13 words, the sum of all bytes before in two bytes."""

    def __init__(self, wire: Wire) -> None:
        self.pm1, self.pm25, self.pm10 = 5, 8, 11
        wire.repeat(self._frame)

    def _frame(self) -> bytes:
        words = [28, 0, 0, 0, self.pm1, self.pm25, self.pm10, *[100] * 6, 0x9700]
        content = b"\x42\x4d" + struct.pack(">14H", *words)
        return content + struct.pack(">H", sum(content))


class Co2Sensor:
    """MH-Z19: FF 01 86 00 00 00 00 00 79 is answered by FF 86 high low ... and 256 minus the sum of bytes 1 to 7."""

    def __init__(self, wire: Wire) -> None:
        self.ppm, self.range = 608, 5000
        self._wire, self._pending = wire, b""
        wire.pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        self._pending += chunk
        while len(self._pending) >= 9:
            frame, self._pending = self._pending[:9], self._pending[9:]
            if frame[:2] != b"\xff\x01" or -sum(frame[1:8]) & 0xFF != frame[8]:
                continue
            if frame[2] == 0x86:
                self._say(bytes([0x86, *self.ppm.to_bytes(2, "big"), 0x47, 0, 0, 0]))
            elif frame[2] == 0x99:
                self.range = int.from_bytes(frame[6:8], "big")
                self._say(bytes([0x99, 1, 0, 0, 0, 0, 0]))

    def _say(self, content: bytes) -> None:
        self._wire.say(b"\xff" + content + bytes([-sum(content) & 0xFF]))


class Rangefinder:
    """MaxBotix: `R0123` CR without end, millimetres; R5000 where there is nothing."""

    def __init__(self, wire: Wire) -> None:
        self.distance = 123
        wire.repeat(lambda: f"R{self.distance:04d}\r".encode())


class GpsReceiver:
    """NMEA 0183, GGA among others: degrees and minutes run together, N or S beside them, 0 for no fix."""

    def __init__(self, wire: Wire) -> None:
        self.gga = "123519,4807.038,N,01131.000,W,1,08,0.9,545.4,M,46.9,M,,"
        wire.repeat(lambda: _nmea(f"GPGGA,{self.gga}") + _nmea("GPGSV,1,1,01,05,40,083,46"))


def _nmea(content: str) -> bytes:
    return f"${content}*{functools.reduce(xor, content.encode()):02X}\r\n".encode()


class GuardedAnalyser:
    """It asks for a name and a password, each without a line end, before it says anything else."""

    def __init__(self, wire: Wire) -> None:
        self.stage, self.gain = "name", 1
        wire.answer(b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        match self.stage, text:
            case "name", "service":
                self.stage = "password"
                return b"Password: "
            case "password", "4711":
                self.stage = "in"
                return b"\r\nWelcome to OXY-3000\r\n"
            case "in", "O2?":
                return b"O2 20.946 %vol\r\n"
            case "in", "exit":
                self.stage = "name"
                return b"Bye\r\n"
        if self.stage == "in":
            return b"what?\r\n"
        self.stage = "name"
        return b"\r\nLogin incorrect\r\nUser: "
