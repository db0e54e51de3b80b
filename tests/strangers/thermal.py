"""Temperature, humidity and climate, as their manuals describe the protocol."""

import functools
from operator import xor

from tests.strangers.wires import Wire


class LakeShore:
    """Model 335: `KRDG? A`, several by semicolons; `RDGST? A` is a sum of bits: 1 invalid, 16 under, 32 over range."""

    def __init__(self, wire: Wire) -> None:
        self.kelvin, self.status, self.setpoint = 77.35, 0, 80.0
        wire.answer(b"\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        said = [self._one(part.strip()) for part in line.decode("ascii", "replace").strip("\r").split(";")]
        return ";".join(text for text in said if text).encode() + b"\r\n" if any(said) else b""

    def _one(self, text: str) -> str:
        match text:
            case "KRDG? A":
                return f"{self.kelvin:+08.3f}"
            case "RDGST? A":
                return f"{self.status:03d}"
            case "SETP? 1":
                return f"{self.setpoint:+08.3f}"
        if text.startswith("SETP 1,"):
            self.setpoint = float(text[7:])
        return ""


class EurothermBisynch:
    """EI-Bisynch: EOT, address with each digit twice, mnemonic, ENQ; answered by STX mnemonic value ETX BCC.

    Written by EOT address STX mnemonic value ETX BCC, answered by ACK or NAK alone. BCC: exclusive or from behind STX.
    """

    def __init__(self, wire: Wire) -> None:
        self.setpoint, self.temperature = 100.0, 98.6
        self._wire, self._pending = wire, b""
        wire.pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        self._pending += chunk
        start = self._pending.rfind(b"\x04")
        self._pending = self._pending[max(start, 0) :]
        enq, etx = self._pending.find(b"\x05"), self._pending.find(b"\x03")
        if etx >= 0 and len(self._pending) > etx + 1:
            message, self._pending = self._pending[: etx + 2], b""
            self._write(message)
        elif enq >= 0 and etx < 0 and b"\x02" not in self._pending:
            message, self._pending = self._pending[:enq], b""
            self._read(message)

    def _read(self, message: bytes) -> None:
        values = {b"PV": self.temperature, b"SL": self.setpoint}
        if message[1:5] != b"0011":
            return
        if message[5:] not in values:
            self._wire.say(b"\x04")
            return
        content = message[5:] + f"{values[message[5:]]:6.1f}".encode() + b"\x03"
        self._wire.say(b"\x02" + content + bytes([functools.reduce(xor, content)]))

    def _write(self, message: bytes) -> None:
        head, _, content = message.partition(b"\x02")
        if head != b"\x040011":
            return
        is_right = functools.reduce(xor, content[:-1]) == content[-1] and content[:2] == b"SL"
        value = float(content[2:-2]) if is_right else 1e9
        if value <= 500:
            self.setpoint = value
        self._wire.say(b"\x06" if value <= 500 else b"\x15")


class OmegaISeries:
    """`*X01` CR: `X01075.4` CR. `*W01` sets set point 1 by six hexadecimal digits: 2 (one decimal), and the number."""

    def __init__(self, wire: Wire) -> None:
        self.temperature, self.setpoint = 75.4, 0.0
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        if text == "*X01":
            return f"X01{self.temperature:05.1f}\r".encode()
        if text.startswith("*W012") and len(text) == 10:
            self.setpoint = int(text[5:], 16) / 10
            return b"W01\r"
        return b"?43\r"


class RotronicProbe:
    """HC2: `{F00RDD}` CR; fields by semicolons, last a character: the sum of all before, modulo 64, plus 32."""

    def __init__(self, wire: Wire) -> None:
        self.humidity, self.temperature, self.alarm = "34.56", "23.41", "000"
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        if line != b"{F00RDD}":
            return b""
        content = (
            f"{{F00rdd 001; {self.humidity};%rh;{self.alarm};=; {self.temperature};°C;{self.alarm};=;nc;---.- ;°C;000;"
            f" ;001;V1.7-1;0060568338;HC2-S       ;000;"
        ).encode("latin-1")
        return content + bytes([sum(content) % 64 + 32]) + b"\r"


class AlmemoLogger:
    """ALMEMO: a cycle is a line of columns of fixed width, blank where no sensor is plugged in, `----` beyond range."""

    def __init__(self, wire: Wire) -> None:
        self.columns = [" +0023.5", "        ", " +0045.2"]
        wire.repeat(lambda: f"12:34:00;{';'.join(self.columns)};\r\n".encode())


class FixedColumns:
    """A datalogger's table: columns of eight characters by blanks alone, one of them empty at times."""

    def __init__(self, wire: Wire) -> None:
        self.columns = ["23.5", "", "45.2"]
        wire.repeat(lambda: f"#{''.join(f'{one:>8}' for one in self.columns)}\r\n".encode())


class WeissCabinet:
    """ASCII-2: `$01I` CR: set and actual of temperature and humidity, two more, then 32 digits: bits of what is on.

    `$01E 0023.0 0050.0 0000.0 01...` sets all, and is answered by 0 CR.
    """

    def __init__(self, wire: Wire) -> None:
        self.set, self.actual, self.is_running = [23.0, 50.0], [22.9, 49.8], True
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        words = line.decode("ascii", "replace").split()
        if words == ["$01I"]:
            values = [self.set[0], self.actual[0], self.set[1], self.actual[1], 80.0, 80.0]
            bits = f"0{self.is_running:d}" + 30 * "0"
            return (" ".join(f"{value:06.1f}" for value in values) + f" {bits}\r").encode()
        if words[:1] == ["$01E"] and len(words) == 5 and len(words[4]) == 32:
            self.set, self.is_running = [float(words[1]), float(words[2])], words[4][1] == "1"
            return b"0\r"
        return b"4\r"
