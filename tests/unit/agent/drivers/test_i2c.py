"""I2C without a bus: fields, checks, and what the configuration may say."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers import checksums, formula
from kleinmaelzung_agent.drivers.i2c import checks, fields, steps, values
from kleinmaelzung_agent.drivers.i2c.checks import Groups, WrongCheckError
from kleinmaelzung_agent.drivers.i2c.config import I2cConfig
from kleinmaelzung_agent.drivers.i2c.fields import Field, Form, Order
from kleinmaelzung_agent.drivers.i2c.steps import Step
from kleinmaelzung_agent.drivers.i2c.values import I2cChannel

SENSIRION = Groups(every=2, checksum=checksums.Checksum(algorithm=checksums.ALGORITHMS["crc8-sensirion"], form="bytes"))


def field(type_: str, order: Order = "big", *, at: int = 0, shift: int = 0, bits: int = 0) -> Field:
    return Field(name="raw", at=at, form=Form(type=type_, order=order), shift=shift, bits=bits)


@pytest.mark.parametrize(
    ("one", "content", "number"),
    [
        (field("uint8"), "ff", 255),
        (field("int8"), "ff", -1),
        (field("uint16"), "0102", 258),
        (field("uint16", "little"), "0102", 513),
        (field("int16"), "8000", -32768),
        (field("int16", "little"), "0080", -32768),
        (field("uint24"), "010203", 66051),
        (field("int24"), "ffffff", -1),
        (field("uint32", at=1), "00ffffffff", 4294967295),
        (field("int64"), "ff" * 8, -1),
        (field("uint64"), "ff" * 8, 2**64 - 1),
        (field("float32"), "41480000", 12.5),
        (field("float32", "little"), "00004841", 12.5),
        (field("float64"), "4029000000000000", 12.5),
        (field("int16", shift=4), "e700", -400),  # LM75-like: 12 bits at the top, here -25 °C of 1/16
        (field("int16", bits=13), "1e70", -400),  # MCP9808: 13 bits at the bottom
        (field("uint16", shift=13, bits=1), "2000", 1),
        (field("uint24", at=1, shift=4), "1c800005", 0x80000),  # AHT20: 20 bits of humidity
        (field("uint24", at=3, bits=20), "1c800005ffff", 0x5FFFF),  # and 20 of temperature
    ],
)
def test_a_field_is_taken_out_of_bytes(one: Field, content: str, number: float) -> None:
    assert fields.take(one, bytes.fromhex(content)) == number


@given(st.binary(max_size=12), st.sampled_from(fields.TYPES), st.sampled_from(fields.ORDERS), st.integers(0, 8))
def test_a_field_beyond_what_came_is_no_number(content: bytes, type_: str, order: Order, at: int) -> None:
    one = field(type_, order, at=at)
    if one.end <= len(content):
        fields.take(one, content)
    else:
        with pytest.raises(ValueError, match="ends at byte"):
            fields.take(one, content)


@given(st.sampled_from(fields.TYPES[:10]), st.sampled_from(fields.ORDERS), st.integers(-(2**63), 2**64 - 1))
def test_what_is_written_is_read_again_or_does_not_fit(type_: str, order: Order, number: int) -> None:
    form = Form(type=type_, order=order)
    least = -(2 ** (8 * form.length - 1)) if form.is_signed else 0
    if least <= number < least + 2 ** (8 * form.length):
        assert fields.take(field(type_, order), fields.write(number, form)) == number
    else:
        with pytest.raises(ValueError, match="does not fit"):
            fields.write(number, form)


def test_a_number_that_is_too_large_for_a_float32_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit into float32"):
        fields.write(1e39, Form(type="float32"))


def test_the_manuals_example_of_a_crc_is_right() -> None:
    assert checks.within(SENSIRION, bytes.fromhex("beef")) == bytes.fromhex("beef92")
    assert checks.without(SENSIRION, bytes.fromhex("beef92beef92")) == bytes.fromhex("beefbeef")


@given(st.binary(min_size=4, max_size=4), st.integers(0, 47))
def test_each_turned_bit_is_found(content: bytes, bit: int) -> None:
    sent = int.from_bytes(checks.within(SENSIRION, content), "big") ^ (1 << bit)
    with pytest.raises(WrongCheckError):
        checks.without(SENSIRION, sent.to_bytes(6, "big"))


def test_the_pec_of_the_manuals_example_is_right() -> None:
    # MLX90614's manual: SA 5A, RAM address 07, data 3AD2 -> 30
    assert checks.without_pec(bytes([0xB4, 0x07, 0xB5]), bytes.fromhex("d23a30")) == bytes.fromhex("d23a")
    with pytest.raises(WrongCheckError):
        checks.without_pec(bytes([0xB6, 0x07, 0xB7]), bytes.fromhex("d23a30"))


def test_a_block_that_says_its_own_length_must_have_come_whole() -> None:
    step = Step(write=b"\x20", length=4, is_counted=True, fields=(field("uint16"),))
    assert steps.read_out(step, 0x44, b"\x20", bytes.fromhex("02010203")) == {"raw": 258}
    for content in ("01010203", "04010203", "ffffffff"):
        with pytest.raises(ValueError, match=r"came|follow"):
            steps.read_out(step, 0x44, b"\x20", bytes.fromhex(content))


@given(st.binary(min_size=6, max_size=6))
def test_whatever_comes_is_a_number_or_refused(content: bytes) -> None:
    step = Step(length=6, groups=SENSIRION, fields=(field("uint16"),))
    try:
        found = steps.read_out(step, 0x44, b"", content)
    except ValueError:
        return
    assert found == {"raw": int.from_bytes(content[:2], "big")}


def channel(text: str, **more: object) -> I2cChannel:
    return I2cChannel(name="x", formula=formula.parse(text, ["raw", "status"]), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "value", "quality"),
    [
        (channel("raw / 2", scale=10.0, offset=1.0), 15.0, {}),
        (channel("raw"), 2.8, {}),
        (channel("raw", type="integer"), 3, {}),
        (channel("raw - 2.8", type="boolean"), False, {}),
        (channel("1 / status"), None, {"x": "no value"}),
        (channel("status + raw", quality=((formula.parse("raw < 3", ["raw"]), "low"),)), 2.8, {"x": "low"}),
        (channel("raw", no_value=((formula.parse("status == 0", ["status"]), "off"),)), None, {"x": "off"}),
        (channel("raw", quality=((formula.parse("1 / status", ["status"]), "odd"),)), 2.8, {"x": "odd"}),
        (channel("raw * 1e30", type="integer"), None, {"x": "no value"}),
    ],
)  # fmt: skip
def test_numbers_become_values(one: I2cChannel, value: object, quality: dict[str, str]) -> None:
    found = values.reading({"raw": 2.8, "status": 0}, [one], 7)
    assert (found.values["x"], type(found.values["x"]), found.quality) == (value, type(value), quality)


def test_a_large_integer_stays_as_it_is() -> None:
    found = values.reading({"raw": 2**59 + 1}, [channel("raw", type="integer")], 7)
    assert found.values == {"x": 2**59 + 1}


def test_what_is_computed_follows_from_what_is_before_it() -> None:
    compute = {"a": formula.parse("raw * 2", ["raw"]), "b": formula.parse("1 / (a - 6)", ["a"])}
    assert values.computed({"raw": 2}, compute) == {"raw": 2, "a": 4, "b": -0.5}
    assert values.computed({"raw": 3}, compute) == {"raw": 3, "a": 6}


# --- configuration --------------------------------------------------------------------------------------------------

GOOD = """
[instruments.it]
driver = "i2c"
bus = 1
address = 0x76
start = [{ register = 0x88, read = 2, fields = { dig = { order = "little" } } }]
compute = { fine = "raw * dig" }
[[instruments.it.read]]
every = "1s"
register = 0xfa
read = 3
fields = { raw = { type = "uint24", shift = 4 } }
[instruments.it.channels.temperature]
formula = "fine / 100"
"""


CHANNELS = "[instruments.it.channels"
BOTH = """
[[instruments.it.read]]
every = "1s"
read = 1
fields = { other = { type = "uint8" } }
[instruments.it.channels.both]
formula = "raw + other"
"""
UNUSED = """
[instruments.it.commands.c]
write = "01"
[instruments.it.commands.c.arguments.x]
type = "number"
"""


def load(directory: Path, text: str) -> I2cConfig:
    path = directory / "agent.toml"
    path.write_text('[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n' + text)
    path.chmod(0o600)
    found = config.load(path).instruments["it"]
    assert isinstance(found, I2cConfig)
    return found


def test_what_was_read_at_the_start_and_what_is_computed_serve_a_channel(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert (found.bus, found.address, found.place) == ("/dev/i2c-1", 0x76, "/dev/i2c-1 address 0x76")
    assert [one.name for one in found.polls[0].channels] == ["temperature"]
    assert found.polls[0].period.timeout_s == 1


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("bus = 1", "", "instruments.it.bus: expected its number, such as 1, or its path"),
        ("bus = 1", "bus = -1", "found -1"),
        ("bus = 1", 'bus = "i2c-1"', 'found "i2c-1"'),
        ("address = 0x76", "", "instruments.it.address: missing"),
        ("address = 0x76", "address = 0x78", "expected an integer from 3 to 119, found 120"),
        ("fine / 100", "fin / 100", 'the name "fin" is not known here, did you mean "fine"?'),
        ("fine / 100", "__import__('os')", "channels.temperature.formula: character 1"),
        ("fine / 100", "9**9**9", "channels.temperature.formula: what stands at '**' has no finite value"),
        ('formula = "fine / 100"', "", 'expected a field "temperature" in a [[read]], or a formula'),
        ('formula = "fine / 100"', 'formula = "fine"\ntype = "text"', 'expected one of "number", "integer", "boolean"'),
        ('formula = "fine / 100"', 'formula = "1 / fine"\nquality = { "fine >" = "x" }', 'quality."fine >": it ends'),
        ('"raw * dig"', '"raw * fine"', 'compute.fine: the name "fine" is not known here'),
        ("compute = { fine", "compute = { abs = '1', fine", "compute.abs: is the name of a field or a function"),
        ("register = 0xfa", "register = 256", "expected an integer from 0 to 255"),
        ("register = 0xfa", 'register = 0xfa\nwrite = "fa"', "expected either write or register, found both"),
        ("register = 0xfa", 'write = "fax"', 'expected bytes in hexadecimal digits such as "2c 06", found "fax"'),
        ("read = 3", "read = 0", "expected an integer from 1 to 256"),
        ("read = 3", "read = 2", "fields: raw ends at byte 3, read are 2"),
        ("read = 3", "", "read[0].fields: expected read beside it"),
        ("read = 3", 'read = 3\ncrc = { type = "crc8", every = 1 }', "read: expected a multiple of 2, as crc says"),
        ("read = 3", 'read = 3\ncrc = { type = "crc8", every = 0 }', "every: expected an integer from 1 to 256"),
        ("read = 3", 'read = 3\nwait = "2min"', "expected at most 60s"),
        ("read = 3", 'read = 3\nwait = "2s"\ntimeout = "1s"', "timeout: expected at least 2.001s"),
        ("read = 3", "read = 3\nverify = true", "verify: expected register and value beside it"),
        ("read = 3", 'read = 3\ntype = "int8"', "type: expected value beside it"),
        ("read = 3", 'read = 3\nvalue = "raw"', 'value: the name "raw" is not known here (known: none)'),
        ("shift = 4", "shift = 24", "expected an integer from 0 to 23"),
        ("shift = 4", "shift = 4, bits = 21", "expected an integer from 1 to 20"),
        ('type = "uint24", shift', 'type = "float32", shift', '"float32" has no shift and no bits'),
        ("fields = { raw", "fields = { sqrt = {}, raw", "and no function's"),
        ("fields = { dig", "fields = { raw = {}, dig", 'expected one field named "raw", found 2'),
        ("[[instruments.it.read]]", "[instruments.it.x]", "expected [[read]], or nobody knows that it is there"),
        (CHANNELS, f"[instruments.it.commands.c]\n{CHANNELS}", "expected write, register or read"),
        (CHANNELS, BOTH + CHANNELS, "channels.both: expected all its fields in one [[read]]"),
        (CHANNELS, UNUSED + CHANNELS, '"x" is in no value, and so would not be written'),
        (CHANNELS, GOOD.replace(".it", ".other") + CHANNELS, "is the port of instrument"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_key(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert mistake in str(raised.value)


def test_two_addresses_of_a_bus_are_no_trouble(tmp_path: Path) -> None:
    load(tmp_path, GOOD + GOOD.replace(".it", ".other").replace("0x76", "0x77"))


def test_without_its_library_the_driver_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n' + GOOD)
    path.chmod(0o600)
    program = """
import pathlib, sys
from kleinmaelzung_agent.configuration import config
assert "smbus2" not in sys.modules
sys.modules["smbus2"] = None
try:
    config.load(pathlib.Path(sys.argv[1]))
except config.ConfigError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True).stdout
    expected = "\"i2c\" lacks what it needs: smbus2 is not installed: pip install 'kleinmaelzung[i2c]'"
    assert f"instruments.it.driver: {expected}" in told
