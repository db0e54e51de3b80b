"""What to do about what an agent says of an instrument's port and lines, wherever that is read. Pure.

In: the reason of an instrument's state, as serial_port.py and health.py of the agent say it. Out: what to do.
"""

from typing import Final

_LINE: Final = (
    "set baudrate, bytesize, parity and stopbits in agent.toml as the instrument has them (its menu or manual);"
    " then encoding and terminator"
)
OFF: Final = "look whether it is switched on and its cable is the right one (crossed or not), then at the baudrate"
_FAULT: Final = "look at the agent's log, and report what stands there"

# The first whose fragment is found in the reason.
_PORT: Final = (
    ("is not there", "plug it in; `ls -l /dev/serial/by-id` shows what is there; correct port in agent.toml"),
    ("permission denied", "on the agent: sudo usermod -aG dialout USER, the agent's user, and start the agent again"),
    ("used by another program", "end what has it open (sudo fuser -v PORT), often ModemManager or a terminal"),
    ("no device answers behind it", "look at the adapter: another USB socket, another cable; `dmesg` says more"),
    ("was disconnected", "plug it in again; if this comes back, look at cable, hub and power supply"),
    ("internal error", _FAULT),
    ("fault in the driver", _FAULT),
    ("nothing has come yet", OFF),
    ("opening", "wait a moment; if it stays, the port's driver hangs: plug it in again"),
    ("", "look whether the port or its network address is right in agent.toml, and whether it is there"),
)
_LINES: Final = (
    ("spool", 'see agent-spool; with when_full = "stop" no more is taken until there is room'),
    ("undecodable", _LINE),
    ("bytes without a line end", _LINE),
    ("too long", _LINE),
    ("fault in the driver", _FAULT),
    ("rejected", "it can be read: is this the instrument that agent.toml describes? Compare its patterns and units"),
    ("too late", "give the poll a longer timeout in agent.toml"),
    ("", "look at the agent's log"),
)


def for_port(reason: str) -> str:
    """About a port that is not open."""
    return next(remedy for fragment, remedy in _PORT if fragment in reason)


def for_lines(reason: str) -> str:
    """About what comes, and is not what is expected."""
    return next(remedy for fragment, remedy in _LINES if fragment in reason)
