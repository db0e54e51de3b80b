"""Tables of a Modbus instrument to its configuration, and which registers are read together."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers.driver import RefusedError
from kleinmaelzung_agent.drivers.modbus import groups
from kleinmaelzung_agent.drivers.modbus.config import ModbusConfig
from kleinmaelzung_agent.drivers.modbus.dialect import ModbusDialect
from kleinmaelzung_wire.messages import Command

HEAD = """
[agent]
name = "a"
url = "ws://h"
secret = "x"
data = "d"
[instruments.it]
driver = "modbus"
port = "/dev/ttyUSB0"
"""


def read(directory: Path, text: str) -> ModbusConfig:
    path = directory / "agent.toml"
    path.write_text(HEAD + text if "[agent]" not in text else text)
    path.chmod(0o600)
    found = config.load(path).instruments["it"]
    assert isinstance(found, ModbusConfig)
    return found


def planned(found: ModbusConfig) -> list[tuple[str, int, int, list[str]]]:
    plan = groups.plan(found.channels.values(), max_gap=found.max_gap, max_registers=found.max_registers)
    return [(one.space, one.address, one.count, [channel.name for channel in one.channels]) for one in plan]


def channels(*lines: str, head: str = "") -> str:
    return "\n".join([head, "[instruments.it.channels]", *lines])


def test_neighbours_are_read_together_and_others_are_not(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        channels(
            "c = { holding = 12 }",
            'a = { holding = 10, type = "float32" }',
            "far = { holding = 14 }",
            'slow = { holding = 13, every = "1min" }',
            "other = { input = 13 }",
            "bit = { coil = 13 }",
            'same = { holding = 12, type = "bit", bit = 2 }',
        ),
    )
    assert planned(found) == [
        ("coil", 13, 1, ["bit"]),
        ("holding", 10, 3, ["a", "c", "same"]),
        ("holding", 14, 1, ["far"]),
        ("holding", 13, 1, ["slow"]),
        ("input", 13, 1, ["other"]),
    ]


def test_gaps_are_read_over_where_that_is_allowed(tmp_path: Path) -> None:
    found = read(
        tmp_path, channels("a = { holding = 10 }", "b = { holding = 14 }", "c = { holding = 20 }", head="max_gap = 3")
    )
    assert planned(found) == [("holding", 10, 5, ["a", "b"]), ("holding", 20, 1, ["c"])]


def test_no_request_is_longer_than_allowed(tmp_path: Path) -> None:
    lines = [f"c{number} = {{ holding = {number}, type = 'uint32' }}" for number in range(0, 60, 2)]
    assert [one[1:3] for one in planned(read(tmp_path, channels(*lines, head="max_registers = 25")))] == [
        (0, 24),
        (24, 24),
        (48, 12),
    ]


@pytest.mark.parametrize(
    ("key", "number", "address"),
    [
        ("holding", 40001, 0),
        ("holding", 400001, 0),
        ("holding", 1, 0),
        ("holding", 49999, 9998),
        ("input", 30010, 9),
        ("discrete", 10001, 0),
        ("coil", 1, 0),
    ],
)
def test_numbers_from_one_are_those_of_manuals(tmp_path: Path, key: str, number: int, address: int) -> None:
    found = read(tmp_path, channels(f"a = {{ {key} = {number} }}", head='numbering = "1-based"'))
    assert found.channels["a"].address == address


def test_tcp_has_its_port_and_framing(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD.replace("/dev/ttyUSB0", "tcp://192.168.1.7") + channels("a = { holding = 1 }"))
    assert (found.place, found.framing, found.gap_s) == ("tcp://192.168.1.7:502", "tcp", 0.0)


def test_a_line_keeps_the_silence_of_the_standard(tmp_path: Path) -> None:
    slow = read(tmp_path, channels("a = { holding = 1 }", head="baudrate = 9600"))
    assert slow.gap_s == pytest.approx(3.5 * 10 / 9600)
    assert read(tmp_path, channels("a = { holding = 1 }", head="baudrate = 115200")).gap_s == 0.00175


def test_units_of_one_line_share_it_and_others_do_not(tmp_path: Path) -> None:
    first = channels("a = { holding = 1 }")
    second = '[instruments.two]\ndriver = "modbus"\nport = "/dev/ttyUSB0"\nHERE\nchannels = { a = { holding = 1 } }\n'
    read(tmp_path, first + "\n" + second.replace("HERE", "unit = 2"))
    for other in ("baudrate = 19200", 'framing = "ascii"'):
        with pytest.raises(ConfigError, match="expected the same driver and line settings"):
            read(tmp_path, first + "\n" + second.replace("HERE", other))


COMMAND = channels("a = { holding = 1, type = 'int16', scale = 0.1 }", "i = { input = 1 }")
NUMBER = '\n[instruments.it.commands.set.arguments.x]\ntype = "number"\n'


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "it: expected [channels.NAME]"),
        (HEAD.replace("/dev/ttyUSB0", "tcp://h:x") + channels("a = { holding = 1 }"), "it.port: expected a URL"),
        (channels("a = { }"), "channels.a: expected one of holding, input, coil, discrete, found none"),
        (channels("a = { holding = 1, coil = 1 }"), "found holding and coil"),
        (channels("a = { holding = 65535, type = 'int32' }"), "channels.a.holding: expected an address up to 65534"),
        (channels("a = { holding = -1 }"), "channels.a.holding: expected an integer from 0"),
        (channels("a = { holding = 0 }", head='numbering = "1-based"'), "expected an integer from 1"),
        (channels("a = { holding = 1, type = 'int17' }"), 'type: expected one of "uint16", "int16"'),
        (channels("a = { holding = 1, bit = 3, type = 'int16' }"), 'bit: expected type = "bit" beside it'),
        (channels("a = { holding = 1, type = 'bit' }"), "a.bit: missing, expected an integer from 0 to 15"),
        (channels("a = { coil = 1, bit = 3 }"), "a.bit: a coil is one bit already"),
        (channels("a = { coil = 1, scale = 2 }"), "a.scale: "),
        (channels("a = { holding = 1, invalid = true }"), "a.invalid: expected a number, a list of numbers"),
        (channels("a = { holding = 1, invalid = { x = 'broken' } }"), "a.invalid: expected a number"),
        (channels("a = { holding = 1, scal = 2 }"), 'a.scal: unknown key, did you mean "scale"?'),
        (channels("a = { holding = 1 }", head="unit = 0"), "it.unit: expected an integer from 1 to 255, found 0"),
        (channels("a = { holding = 1 }", head='framing = "tcp"'), 'framing: "tcp" needs a port such as'),
        (
            channels("a = { holding = 1, type = 'int64' }", head="max_registers = 2"),
            "more registers than max_registers",
        ),
        (COMMAND + "\n[instruments.it.identity]\n", "identity.read: missing, expected registers such as"),
        (
            COMMAND + "\n[instruments.it.identity]\nread = { a = { coil = 1 } }\n",
            "identity.read.a: expected one of holding",
        ),
        (
            COMMAND + '\n[instruments.it.identity]\nread = { a = { input = 1 } }\nb = "1"\n',
            "identity.b: the instrument does",
        ),
        (
            COMMAND + "\n[instruments.it.identity]\nread = { a = { input = 1 }, b = { input = 200 } }\n",
            "at most 125 apart",
        ),
        (COMMAND + "\n[instruments.it.commands.set]\nregister = 1\n", "expected either a value or an argument"),
        (
            COMMAND + "\n[instruments.it.commands.set]\nvalue = 1\n",
            "expected one of channel, register, registers, coil",
        ),
        (COMMAND + "\n[instruments.it.commands.set]\nregister = 1\nvalue = 0.5\n", "value: 0.5 lies between"),
        (COMMAND + "\n[instruments.it.commands.set]\nregister = 1\nvalue = 1\n" + NUMBER, '"x" is not written'),
        (COMMAND + '\n[instruments.it.commands.set]\nchannel = "i"\n' + NUMBER, "a holding register or a coil"),
        (COMMAND + "\n[instruments.it.commands.set]\ncoil = 1\n" + NUMBER, "expected true or false"),
        (COMMAND + "\n[instruments.it.commands.set]\nregister = 1\nscale = 0\n" + NUMBER, "another number than 0"),
        (COMMAND + "\n[instruments.it.commands.set]\nwrite = []\n", "expected at least one table"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert mistake in str(error.value)


def test_nobody_can_be_told_all_at_once(tmp_path: Path) -> None:
    text = HEAD.replace("/dev/ttyUSB0", "tcp://h") + "unit = 0\n" + COMMAND
    assert read(tmp_path, text).unit == 0
    with pytest.raises(ConfigError, match="nobody confirms what all are told"):
        read(tmp_path, text + "\n[instruments.it.commands.off]\nregister = 1\nvalue = 1\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, 'argument "x" is missing'),
        ({"x": "hot"}, "expected a number"),
        ({"x": 1e9}, "does not fit the register, which holds -3276.8 to 3276.7"),
        ({"x": 1.0, "y": 2}, "unknown argument 'y'"),
    ],
)
def test_an_argument_that_cannot_be_written_is_refused(
    tmp_path: Path, arguments: dict[str, Any], sentence: str
) -> None:
    text = COMMAND + '\n[instruments.it.commands.set]\nchannel = "a"\n' + NUMBER
    dialect = ModbusDialect(read(tmp_path, text))
    given = Command(id="1", name="set", user="ada", arguments=arguments, timeout_us=1, sent=1)
    with pytest.raises(RefusedError) as error:
        dialect.command(given)
    assert sentence in str(error.value)


def test_without_pymodbus_the_remedy_is_said(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(HEAD + channels("a = { holding = 1 }"))
    path.chmod(0o600)
    program = (
        "import sys, pathlib; sys.modules['pymodbus'] = None\n"
        "from kleinmaelzung_agent.configuration import config\n"
        f"config.load(pathlib.Path({str(path)!r}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert """instruments.it.driver: "modbus" lacks what it needs: pymodbus""" in found.stderr
    assert "pip install 'kleinmaelzung[modbus]'" in found.stderr
