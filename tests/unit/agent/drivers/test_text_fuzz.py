"""From bytes to readings, for instruments of all kinds: whole, byte by byte, with noise, without end."""

import tomllib
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.conversation import MORE
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.dialect import TextDialect
from kleinmaelzung_wire.frames import Value

CHANNEL = 'port = "/dev/ttyUSB0"\n[channels.a]\nno_value = { "OL" = "overload" }\n'
CHECKED = 'checksum = { type = "crc16-modbus", form = "bytes", place = "after" }\n'
STX = 'begin = "\\u0002"\nterminator = "\\u0003"\nreceived_terminator = "\\u0003"\n'
ASKED = '[[poll]]\nsend = "?"\nevery = "1s"\nlines = 2\nreply = [{ fields = ["", "a"] }]\n'
CONFIGS = {
    "columns": CHANNEL + '[[stream]]\nfields = ["", "a", "..."]\n',
    "pairs": CHANNEL + '[[stream]]\npairs = { T = "a" }\n',
    "white space": CHANNEL + '[[stream]]\nfields = ["", "a"]\nseparator = ""\n',
    "comma": 'decimal = ","\n' + CHANNEL + '[[stream]]\nfields = ["", "a"]\nseparator = ";"\n',
    "unit": CHANNEL + 'with_unit = true\n[[stream]]\nfields = ["", "a"]\n',
    "base": CHANNEL + 'base = 16\nsigned = true\n[[stream]]\nfields = ["", "a"]\n',
    "block": CHANNEL + '[[stream]]\nfirst = "-.*"\nuntil = "=.*"\npattern = "(?s).*T=(?P<a>[0-9.]+).*"\n',
    "prompt": 'received_terminator = "\\r\\n> "\n' + CHANNEL + '[[stream]]\nfields = ["", "a"]\n',
    "nmea": 'begin = "$"\nchecksum = { type = "nmea" }\n' + CHANNEL + '[[stream]]\nfields = ["", "a"]\n',
    "checked": STX + CHECKED + CHANNEL + '[[stream]]\nfields = ["", "a"]\n',
    "asked": "echo = true\n" + CHANNEL + ASKED,
}  # fmt: skip
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([b"\x02", b"\x03", b"$", b"\r\n", b"\r\n> ", b"T=", b"1,23.4", b"?", b"---", b"===", b"OL", b'"']),
)


def dialect(name: str) -> TextDialect:
    table = Table(tomllib.loads(CONFIGS[name]), "it", [])
    config = registry.read(table)
    assert table.mistakes == []
    assert isinstance(config, TextConfig)
    return TextDialect(config)


def values(it: TextDialect, chunks: Sequence[bytes]) -> list[Value]:
    """What comes of it, unasked or as answers to one question after the other."""
    splitter = it.splitter(Counters())
    splitter.begin()
    asked = it.poll(0).match if it.manner.periods else None
    readings = [
        (asked and asked(message, 0)) or it.unasked(message, 0) for chunk in chunks for message in splitter.feed(chunk)
    ]
    return [reading.values.get("a") for reading in readings if reading is not None and reading is not MORE]


@given(st.sampled_from(sorted(CONFIGS)), st.lists(PIECES, max_size=40))
def test_whole_or_byte_by_byte_the_values_are_the_same(name: str, pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    assert values(dialect(name), [content]) == values(dialect(name), [bytes([byte]) for byte in content])


@given(st.lists(st.tuples(st.integers(0, 199), st.binary(max_size=4)), max_size=6))
def test_noise_anywhere_in_checked_lines_makes_no_value_that_was_not_sent(noise: list[tuple[int, bytes]]) -> None:
    it = dialect("checked")
    content = b"".join(it._framing.wrap(f"x,{number}.5") for number in range(15))
    for place, piece in noise:
        content = content[:place] + piece + content[place:]
    found = values(it, [content])
    assert set(found) <= {number + 0.5 for number in range(15)}
    assert len(found) >= 15 - 2 * len(noise), "each piece of noise costs at most its line and the one behind it"


@given(st.lists(st.tuples(st.integers(0, 199), st.integers(0, 4)), max_size=6))
def test_bytes_that_are_lost_from_checked_lines_make_no_value_that_was_not_sent(lost: list[tuple[int, int]]) -> None:
    it = dialect("checked")
    content = b"".join(it._framing.wrap(f"x,{number}.5") for number in range(15))
    for place, size in lost:
        content = content[:place] + content[place + size :]
    assert set(values(it, [content])) <= {number + 0.5 for number in range(15)}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("piece", [b"x", b"1,23.4", b"\x02", b"$1,", b"---" + b"x" * 500 + b"\r", b"\xff\x00"])
def test_a_megabyte_without_an_end_holds_no_memory_and_is_no_value(name: str, piece: bytes) -> None:
    it, counters = dialect(name), Counters()
    splitter = it.splitter(counters)
    splitter.begin()
    chunk = piece * (4096 // len(piece))
    tracemalloc.start()
    for _ in range(1_000_000 // len(chunk)):
        for message in splitter.feed(chunk):
            assert not it.unasked(message, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
    assert counters.bad() + counters.half_lines + counters.lines > 0
