"""Where an instrument is plugged in and how its line is set: keys of its table in, PortSettings out.

With `search` it may also be plugged in elsewhere: identity.py finds it there.
"""

import os
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from kleinmaelzung_agent.configuration.tables import Table, shown

PARITIES: Final = ("none", "even", "odd", "mark", "space")
FLOWS: Final = ("none", "xonxoff", "rtscts")
MAX_SEARCHES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """A device, `tcp://`, or a pyserial URL; the line settings mean nothing to `tcp://` and `socket://`.

    `search` are patterns of devices where it may be asked for, after the port.
    """

    port: str  # empty: only searched
    search: tuple[str, ...] = ()
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "none"
    stopbits: float = 1
    flow: str = "none"

    @property
    def character_s(self) -> float:
        """How long one character is under way."""
        return (1 + self.bytesize + (self.parity != "none") + self.stopbits) / self.baudrate

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.port or " or ".join(self.search)

    @property
    def line(self) -> "PortSettings":
        """What those must have in common who share a port, whatever they call it."""
        return replace(self, port="", search=())

    def at(self, port: str) -> "PortSettings":
        """The same at another port."""
        return replace(self, port=port, search=())

    @property
    def same(self) -> str:
        """What two names of one port have in common: /dev/serial/by-id/... is a link to /dev/ttyUSB0."""
        return device_of(self.port)


def device_of(port: str) -> str:
    """What its name leads to; empty for no name."""
    if not port or "://" in port:
        return port.lower()
    return os.path.realpath(port)


def read(table: Table, *, baudrate: int = 9600, parity: str = "none") -> PortSettings:
    """The keys `port`, `baudrate` and so on of an instrument's table; the defaults are the driver's."""
    return PortSettings(
        port=_name(table),
        search=_search(table),
        baudrate=table.integer("baudrate", baudrate, minimum=50, maximum=12_000_000),
        bytesize=table.choice("bytesize", (8, 7, 6, 5), 8),
        parity=table.choice("parity", PARITIES, parity),
        stopbits=table.choice("stopbits", (1, 1.5, 2), 1),
        flow=table.choice("flow", FLOWS, "none"),
    )


def _search(table: Table) -> tuple[str, ...]:
    patterns = tuple(table.text_list("search"))
    if wrong := next((pattern for pattern in patterns if not os.path.isabs(pattern) or "**" in pattern), None):
        table.mistake("search", f'expected patterns of devices such as "/dev/ttyUSB*", found {shown(wrong)}')
    if len(patterns) > MAX_SEARCHES:
        table.mistake("search", f"expected at most {MAX_SEARCHES}, found {len(patterns)}")
    if patterns and "identity" not in table:
        table.mistake("search", "expected an identity beside it: only an instrument that says who it is can be found")
    return patterns


def _name(table: Table) -> str:
    if table.values.get("search") and "port" not in table:
        return ""
    port = table.text("port")
    if port == "" and table.values.get("port") == "":
        table.mistake("port", 'expected a device such as "/dev/ttyUSB0" or a URL, found ""')
    if "://" in port and not _is_url(port):
        table.mistake("port", f'expected a URL such as "socket://192.168.1.7:4001", found {shown(port)}')
    return port


def _is_url(port: str) -> bool:
    parts = urlsplit(port)
    try:
        return (
            bool(parts.hostname and (parts.port or parts.scheme == "tcp"))
            if parts.scheme in ("socket", "tcp", "rfc2217")
            else bool(parts.scheme)
        )
    except ValueError:
        return False
