"""Which line settings are worth a try, and what they are called. Pure.

`"7E1"` <-> data bits, parity, stop bits; rates and framings, the usual ones first --> PortSettings, best guesses first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kleinmaelzung_agent.drivers.port_settings import PortSettings

RATES: Final = (9600, 19200, 2400, 4800, 115200, 38400, 57600, 1200)
FRAMINGS: Final = ("8N1", "7E1", "8E1", "7O1", "8O1")  # one that expects 8N2 understands 8N1 nearly always
_LETTERS: Final = {"N": "none", "E": "even", "O": "odd", "M": "mark", "S": "space"}
_FRAMING = re.compile(r"([5-8])([NEOMS])(1\.5|1|2)", re.IGNORECASE)


def framed(settings: PortSettings, framing: str) -> PortSettings:
    """The same with a framing such as `"7E1"`. Raises ValueError."""
    found = _FRAMING.fullmatch(framing)
    if not found:
        raise ValueError(f"{framing!r:.20} is no framing, expected such as 8N1 or 7E1")
    bits, letter, stop = found.groups()
    return replace(settings, bytesize=int(bits), parity=_LETTERS[letter.upper()], stopbits=float(stop))


def framing(settings: PortSettings) -> str:
    """`"8N1"`"""
    return f"{settings.bytesize}{settings.parity[0].upper()}{settings.stopbits:g}"


def shown(settings: PortSettings) -> str:
    """`"9600 8N1"`"""
    return f"{settings.baudrate} {framing(settings)}"


def in_words(settings: PortSettings) -> str:
    parity = "no parity" if settings.parity == "none" else f"{settings.parity} parity"
    stop = "1 stop bit" if settings.stopbits == 1 else f"{settings.stopbits:g} stop bits"
    return f"{settings.baudrate} baud, {settings.bytesize} data bits, {parity}, {stop}"


def read(text: str, settings: PortSettings) -> PortSettings:
    """What somebody typed: `2400 7E1`, or only one of both. Raises ValueError."""
    for word in text.split():
        if word.isdecimal() and len(word) > 2:
            settings = replace(settings, baudrate=checked_rate(int(word)))
        else:
            settings = framed(settings, word)
    return settings


def checked_rate(rate: int) -> int:
    """Raises ValueError."""
    if not 50 <= rate <= 12_000_000:
        raise ValueError(f"{rate} is no rate, expected 50 to 12000000 baud")
    return rate


def to_try(settings: PortSettings, rates: Sequence[int], framings: Sequence[str]) -> Iterator[PortSettings]:
    """All of them at this port; the usual rates with each framing before the next framing."""
    for one in framings:
        for rate in rates:
            yield framed(replace(settings, baudrate=rate), one)


def is_serial(port: str) -> bool:
    """Whether its line settings mean anything: behind tcp:// and socket:// the serial server has them."""
    return not port.startswith(("tcp://", "socket://"))
