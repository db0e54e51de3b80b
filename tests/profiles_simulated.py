"""Profiles of each kind of instrument that can be simulated, with what the shipped ones have not, for tests."""

import tomllib
from pathlib import Path

from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import Profile

_ABOUT = """
[profile]
label = "An instrument"
source = "a test"
"""

TEXT = (
    """
silent_after = "400ms"
terminator = "\\r\\n"
checksum = { type = "xor8" }
"""
    + _ABOUT
    + """
[channels.temperature]
unit = "°C"
[channels.humidity]
unit = "%"
[[poll]]
send = "T?"
every = "40ms"
timeout = "100ms"
reply = [{ pattern = '(?P<temperature>[0-9.]+)' }]
[[poll]]
send = "H?"
every = "40ms"
timeout = "100ms"
reply = [{ pattern = '(?P<humidity>[0-9.]+)' }]
[simulator.variables]
temperature = 21.37
humidity = 55.5
[[transcript]]
send = "T?"
reply = "{temperature:.2f}"
values = { temperature = 21.37 }
[[transcript]]
send = "H?"
reply = "{humidity:.1f}"
values = { humidity = 55.5 }
"""
)

PLAIN = TEXT.replace('checksum = { type = "xor8" }\n', "")

SCPI = (
    """
driver = "scpi"
silent_after = "400ms"
every = "40ms"
timeout = "100ms"
"""
    + _ABOUT
    + """
[channels.voltage]
query = "MEAS:VOLT:DC?"
unit = "V"
[channels.current]
query = "MEAS:CURR:DC?"
unit = "A"
[simulator]
terminator = "\\n"
[simulator.variables]
voltage = 21.37
current = 55.5
[[transcript]]
send = "*IDN?"
reply = "KM,TEST,0001,1.0"
identity = { serial = "0001" }
[[transcript]]
send = "MEAS:VOLT:DC?"
reply = "{voltage:+.6E}"
values = { voltage = 21.37 }
[[transcript]]
send = "MEAS:CURR:DC?"
reply = "{current:+.6E}"
values = { current = 55.5 }
"""
)

# A pump: asked and commanded, with a header, an escape, a checksum and an end around all that is said.
BINARY = (
    """
driver = "binary"
silent_after = "400ms"
[sent]
header = "02"
end = "03"
escape = { byte = "10", xor = "20" }
checksum = { type = "crc16-modbus", skip = 1 }
[[record]]
name = "flow"
header = "02 46"
length = 9
end = "03"
escape = { byte = "10", xor = "20" }
checksum = { type = "crc16-modbus", skip = 1 }
fields = [{ name = "flow", at = 2, format = "i" }]
[[record]]
name = "pressure"
header = "02 50"
length = 9
end = "03"
escape = { byte = "10", xor = "20" }
checksum = { type = "crc16-modbus", skip = 1 }
fields = [{ name = "pressure", at = 2, format = "f" }]
[[record]]
name = "yes"
header = "02 06"
length = 5
end = "03"
checksum = { type = "crc16-modbus", skip = 1 }
[[record]]
name = "no"
header = "02 15"
length = 5
end = "03"
checksum = { type = "crc16-modbus", skip = 1 }
"""
    + _ABOUT
    + """
[channels.flow]
unit = "ml/min"
scale = 0.01
[channels.pressure]
unit = "bar"
[[poll]]
send = "46"
every = "40ms"
timeout = "100ms"
reply = "flow"
[[poll]]
send = "50"
every = "40ms"
timeout = "100ms"
reply = "pressure"
[commands.set]
send = "53 {flow:i}"
scale = { flow = 0.01 }
reply = "yes"
refuse = [{ record = "no", reason = "the pump does not take this flow" }]
arguments = { flow = { type = "number", unit = "ml/min" } }
[simulator.variables]
flow = 21.37
hundredths = 0
pressure = 55.5
[[transcript]]
send = "46"
reply = "02 46 {flow * 100:i} 00 00 03"
values = { flow = 21.37 }
units = { flow = "ml/min" }
[[transcript]]
send = "46"
given = { flow = 5.28 }                       # 02 10: both must be escaped
reply = "02 46 {flow * 100:i} 00 00 03"
values = { flow = 5.28 }
[[transcript]]
send = "50"
reply = "02 50 {pressure:f} 00 00 03"
values = { pressure = 55.5 }
units = { pressure = "bar" }
[[transcript]]
command = "set"
arguments = { flow = 999.99 }
send = "53 00 01 86 9F"
match = "53 {hundredths:i}"
when = "hundredths > 10000"
reply = "02 15 8F 7E 03"                        # bytes as they are
result = "failed"
reason = "the pump does not take this flow"
[[transcript]]
command = "set"
arguments = { flow = 45.67 }
send = "53 00 00 11 D7"
match = "53 {hundredths:i}"
set = { flow = "hundredths / 100" }
reply = "02 06 42 3F 03"
"""
)

# With checks so weak that records are known only by the silence before them.
WEAK = BINARY
for _strong, _weak in (
    ('"crc16-modbus"', '"xor8"'),
    ('end = "03"\n', ""),
    ("length = 9", "length = 7"),
    ("length = 5", "length = 3"),
    ("00 00 03", "00"),
    ("02 06 42 3F 03", "02 06 06"),
    ("02 15 8F 7E 03", "02 15 15"),
):
    WEAK = WEAK.replace(_strong, _weak)

# A scale: it sends without being asked, and nothing is sent to it.
STREAM = (
    """
driver = "binary"
silent_after = "400ms"
[record]
header = "AA 55"
length = 10
order = "little"
checksum = { type = "crc16-modbus", order = "little" }
fields = [
    { name = "weight", at = 2, format = "i24" },
    { name = "status", at = 5, format = "B" },
    { name = "battery", at = 6, format = "H", order = "big" },
]
"""
    + _ABOUT
    + """
[channels.weight]
unit = "g"
scale = 0.01
quality_field = "status"
quality_bits = { 0 = "unstable" }
[channels.battery]
unit = "V"
scale = 0.1
[simulator.variables]
weight = 21.37
moving = 0
battery = 55.5
[[transcript]]
every = "30ms"
reply = "AA 55 {weight * 100:<i24} {moving:B} {battery * 10:H} 00 00"
values = { weight = 21.37, battery = 55.5 }
units = { weight = "g", battery = "V" }
[[transcript]]
every = "30ms"
when = "moving"
given = { weight = -0.05, moving = 1 }
reply = "AA 55 {weight * 100:<i24} {moving:B} {battery * 10:H} 00 00"
values = { weight = -0.05 }
quality = { weight = "unstable" }
"""
)

MODBUS = (
    """
driver = "modbus"
unit = 7
silent_after = "400ms"
every = "40ms"
timeout = "100ms"
"""
    + _ABOUT
    + """
[channels.temperature]
input = 3
type = "int16"
scale = 0.01
unit = "°C"
[channels.setpoint]
holding = 40
type = "float32"
unit = "°C"
[channels.heating]
coil = 17
[channels.fan]
coil = 18
[channels.door]
discrete = 5
[channels.hot]
discrete = 6
[commands.heat]
coil = 17
arguments = { on = { type = "boolean" } }
[commands.start]
write = [{ coil = 17, value = true }, { coil = 18, value = true }]
[commands.lamp]
coil = 30
value = true
[simulator.variables]
temperature = 21.37
setpoint = 55.5
heating = 0
fan = 1
door = 1
[simulator.registers.input]
3 = { value = "temperature", scale = 0.01 }
[simulator.registers.holding]
40 = { value = "setpoint", type = "float32" }
[simulator.registers.coil]
17 = { value = "heating" }
18 = { value = "fan" }
[simulator.registers.discrete]
0x05 = { value = "door" }
0x06 = { value = "temperature > 80" }
[[transcript]]
values = { temperature = 21.37, setpoint = 55.5, heating = false, fan = true, door = true, hot = false }
units = { temperature = "°C", setpoint = "°C" }
[[transcript]]
given = { temperature = 80.01, door = 0, fan = 0 }
values = { door = false, hot = true, fan = false }
[[transcript]]
registers = { coil = { 17 = 1 }, discrete = { 5 = 0 } }
values = { heating = true, fan = true, door = false }
[[transcript]]
command = "heat"
arguments = { on = true }
send = "07 05 00 11 FF 00"
values = { on = true }
[[transcript]]
command = "start"
send = "07 05 00 11 FF 00"
[[transcript]]
command = "lamp"
send = "07 05 00 1E FF 00"
result = "failed"
reason = "unit 7 refuses to write coil 30: it has no such address (exception 2)"
"""
)

ASCII = MODBUS.replace('driver = "modbus"\n', 'driver = "modbus"\nframing = "ascii"\n')

KINDS = {
    "text": TEXT,
    "plain-text": PLAIN,
    "scpi": SCPI,
    "binary": BINARY,
    "binary-weak": WEAK,
    "binary-stream": STREAM,
    "modbus": MODBUS,
    "modbus-ascii": ASCII,
}


def of(kind: str, directory: Path) -> Profile:
    """The profile, as a file in this folder."""
    (directory / f"{kind}.toml").write_text(KINDS[kind])
    return profile_files.find(kind, [directory])


def parsed(kind: str) -> Profile:
    """The profile, of no file."""
    return profile_files.parse(tomllib.loads(KINDS[kind]), Path(f"{kind}.toml"))
