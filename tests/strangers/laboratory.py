"""Balances, a pH meter, a titrator, a stirrer, syringe pumps, as their manuals describe the protocol."""

from tests.strangers.wires import Wire


class AndBalance:
    """A&D: `Q` CR LF: `ST,+00012.34  g`, US while unstable, `OL,+9999999E+19`. With error codes on, `R` gives ACK."""

    def __init__(self, wire: Wire) -> None:
        self.line, self.is_zeroed = "ST,+00012.34  g", False
        wire.answer(b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        if line == b"Q":
            return self.line.encode() + b"\r\n"
        if line == b"R" and self.line.startswith("ST"):
            self.is_zeroed = True
            return b"\x06\r\n"
        return b"EC,E11\r\n" if line == b"R" else b"EC,E01\r\n"


class KernBalance:
    """Sends all the time; the unit is left out while the value is not stable. Error: `     Error  `."""

    def __init__(self, wire: Wire) -> None:
        self.line = "    0.1234 g  "
        wire.repeat(lambda: self.line.encode() + b"\r\n")


class RadwagBalance:
    """`SUI` CR LF is at once `SUI? -    12.345 g  `, with ? while it is not stable, ^ and v beyond its range.

    `Z` is first `Z A` (understood), then `Z D` (done), or `Z E` when it took too long.
    """

    def __init__(self, wire: Wire) -> None:
        self.sign, self.is_steady = " ", True
        self._wire = wire
        wire.answer(b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        match line:
            case b"SUI":
                return f"SUI{self.sign}-    12.345 g  \r\n".encode()
            case b"Z":
                return b"Z A\r\n" + (b"Z D\r\n" if self.is_steady else b"Z E\r\n")
        return b"ES\r\n"


class PhMeter:
    """A Metrohm-like printer line in German: `pH  7,012   25,3 °C`; `U  -12,4 mV   25,3 °C` in its other mode."""

    def __init__(self, wire: Wire) -> None:
        self.line = "pH     7,012   25,3 °C"
        wire.repeat(lambda: self.line.encode("cp437") + b"\r\n")


REPORT = """'pa
METROHM 702 SET Titrino        5.702.0010
date 2026-11-23  time 11:{minute:02d}       {number}
smpl size      1.250 g
pH(init)        2.87
EP1        {volume:.4f} ml      8.21
Content    {content:.2f} %
stop V reached

------------
"""


class Titrator:
    """At the end of each determination it prints a report."""

    def __init__(self, wire: Wire) -> None:
        text = REPORT.format(minute=42, number=9, volume=12.345, content=99.5)
        wire.repeat(lambda: text.replace("\n", "\r\n").encode(), every_s=0.1)


class IkaStirrer:
    """NAMUR: `IN_PV_4` CR LF is `500.0 4` CR LF, the value and the number of the quantity. What sets is silent."""

    def __init__(self, wire: Wire) -> None:
        self.speed = 500.0
        wire.answer(b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        words = line.decode("ascii", "replace").split()
        match words:
            case ["IN_PV_4"] | ["IN_SP_4"]:
                return f"{self.speed:.1f} 4\r\n".encode()
            case ["IN_PV_2"]:
                return b"25.1 2\r\n"
            case ["OUT_SP_4", speed]:
                self.speed = float(speed)
        return b""


class SyringePumps:
    """Cavro's DT protocol on RS-485: `/1?` CR is `/0`, a status byte, the position, ETX, CR LF; 0 is the master.

    Status: 0x40 plus 0x20 where it is ready, and a number of an error.
    """

    def __init__(self, wire: Wire) -> None:
        self.positions = {"1": 3000, "2": 120}
        self.error = 0
        wire.answer(b"\r", self._answer)

    def _answer(self, line: bytes) -> bytes:
        text = line.decode("ascii", "replace")
        address, content = text[1:2], text[2:]
        if text[:1] != "/" or address not in self.positions:
            return b""
        said, error = "", self.error
        if content == "?":
            said = str(self.positions[address])
        elif content.startswith("A") and content.endswith("R") and int(content[1:-1]) <= 3000:
            self.positions[address] = int(content[1:-1])
        else:
            error = 3  # invalid operand
        return f"/0{chr(0x60 + error)}{said}".encode() + b"\x03\r\n"
