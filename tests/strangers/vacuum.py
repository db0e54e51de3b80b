"""Gauges and flow controllers, as their manuals describe the protocol; they know nothing of drivers."""

from tests.strangers.wires import Wire


class PfeifferTpg:
    """TPG 261: `PR1` CR is acknowledged, ACK CR LF; only then ENQ transmits `status,pressure` CR LF.

    What it does not know is NAK CR LF, and ENQ then transmits the error word. ENQ before the ACK is out is lost.
    """

    def __init__(self, wire: Wire) -> None:
        self.status, self.pressure, self.unit = 0, 8.34e-3, 0
        self._wire, self._line, self._wanted = wire, b"", ""
        wire.pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        if b"\x05" in chunk and len(chunk) > 1:
            chunk = chunk.replace(b"\x05", b"")  # it came before the ACK
        for byte in chunk:
            if byte == 5:
                self._transmit()
            elif byte == 13:
                self._take(self._line.decode("ascii", "replace"))
                self._line = b""
            elif byte != 10:
                self._line += bytes([byte])

    def _take(self, line: str) -> None:
        match line.split(","):
            case ["PR1"] | ["UNI"]:
                self._wanted = line
            case ["UNI", ("0" | "1" | "2") as unit]:
                self.unit, self._wanted = int(unit), "UNI"
            case _:
                self._wanted = "ERR"
        self._wire.say(b"\x15\r\n" if self._wanted == "ERR" else b"\x06\r\n")

    def _transmit(self) -> None:
        pressure = f"{self.status},{self.pressure:+.4E}"
        said = {"PR1": pressure, "UNI": str(self.unit), "ERR": "0001"}.get(self._wanted)
        if said:
            self._wire.say(said.encode() + b"\r\n")


class MksGauge:
    """MKS 900: `@` address command `?` `;FF`, answered by `@` address ACK value `;FF`, or NAK and a number."""

    def __init__(self, wire: Wire) -> None:
        self.pressure, self.unit = 1.23e-3, "TORR"
        wire.answer(b";FF", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        if not text.startswith("@001"):
            return b""
        match text[4:]:
            case "PR4?":
                said = f"ACK{self.pressure:.2E}"
            case "U!TORR" | "U!MBAR" | "U!PASCAL":
                self.unit = text[6:]
                said = f"ACK{self.unit}"
            case "U?":
                said = f"ACK{self.unit}"
            case _:
                said = "NAK160"
        return f"@001{said};FF".encode()


class IonGauge:
    """INFICON BPG400: nine bytes every 20 ms: 7, 5, status, error, value (two), version, type, sum of 1 to 7.

    The pressure in mbar is 10 to the power of value / 4000 - 12.5.
    """

    def __init__(self, wire: Wire) -> None:
        self.value, self.error = 38000, 0
        wire.repeat(self._frame, every_s=0.08)

    def _frame(self) -> bytes:
        content = bytes([5, 0x10, self.error, *self.value.to_bytes(2, "big"), 20, 10])
        return b"\x07" + content + bytes([sum(content) & 0xFF])


class BronkhorstFlow:
    """FLOW-BUS over RS232: `:06030401210120` asks node 3 for parameter 1/0 as an integer, and names the answer 1/1.

    It answers `:06030201213E80`; 32000 is 100 %. Writing: `:0603010121` and four digits, confirmed by `:0403000005`.
    """

    def __init__(self, wire: Wire) -> None:
        self.measured = self.setpoint = 16000
        wire.answer(b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        if text == ":06030401210120":
            return f":0603020121{self.measured:04X}\r\n".encode()
        if text.startswith(":0603010121") and len(text) == 15:
            self.setpoint = int(text[11:], 16)
            return b":0403000005\r\n" if self.setpoint <= 32000 else b":0403000710\r\n"
        return b":0103\r\n"


class AlicatFlow:
    """`A` CR: `A` pressure temperature volume flow, mass flow, setpoint, gas, and words for what is wrong."""

    def __init__(self, wire: Wire) -> None:
        self.setpoint, self.words = 25.0, ""
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        if text[:1] != "A":
            return b""
        if text[1:2] == "S":
            self.setpoint = float(text[2:])
        elif text != "A":
            return b"?\r"
        flow = self.setpoint
        return f"A +014.70 +025.12 +{flow:06.2f} +{flow:06.2f} {flow:06.2f}     N2{self.words}\r".encode()
