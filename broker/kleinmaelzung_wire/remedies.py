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
    ("looking for", "plug it in and switch it on; search in agent.toml says at which ports it may be asked"),
    ("used by another instrument", "two instruments name one port: correct port in agent.toml, or set bus = true"),
    ("there is no such I2C bus", "enable I2C (sudo raspi-config); `ls /dev/i2c-*` shows buses; correct agent.toml"),
    ("in the group i2c", "on the agent: sudo usermod -aG i2c USER, the agent's user, and start the agent again"),
    ("a longer wait?", "give the step a longer wait in agent.toml, as the manual says"),
    ("nothing answers at address", "look at power, SDA, SCL and ground; `i2cdetect -y 1` shows which addresses answer"),
    ("there is no 1-wire bus", "enable 1-Wire (sudo raspi-config, Interface Options), and start the machine again"),
    ("sees no 1-wire sensor", "look at wires and the pull-up (4.7 kΩ); `ls /sys/bus/w1/devices` shows what is there"),
    (" hangs: ", "switch the instruments on its wires off and on; if it stays, start the machine again"),
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
    ("another instrument answers", "plug in the right one, or correct identity in agent.toml if this is the right one"),
    ("right CRC", "look at wires, their length and the pull-up of 4.7 kΩ, and at the sensor's power"),
    ("its checksum or its count", "look at wires and pull-ups; then at wait, read and crc in agent.toml"),
    ("spool", 'see agent-spool; with when_full = "stop" no more is taken until there is room'),
    ("undecodable", _LINE),
    ("bytes without a line end", _LINE),
    ("too long", _LINE),
    ("fault in the driver", _FAULT),
    ("wrong checksum", "compare the checksum in agent.toml with the manual; else look at cable and shielding"),
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
