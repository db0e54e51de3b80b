"""What a stranger gets wrong in the keys that strange instruments need: each mistake with its key and what to do."""

from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.framed import FramedSplitter
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.lines import LineSplitter
from tests.strangers.test_strangers import configured

MISTAKES = [
    ("pfeiffer_tpg", "confirm = '\\x06'\n", "", "poll[0].confirm: missing: confirm is the line that comes first"),
    ("pfeiffer_tpg", 'then = "\\u0005"\n', "", "commands.set_unit.then: missing: confirm is the line that comes first"),
    ("pfeiffer_tpg", "confirm = '\\x06'", "confirm = '('", "poll[0].confirm: not a regular expression"),
    ("eurotherm_bisynch", '"\\u0006\\u0015"', '"AN"', 'alone: expected control characters such as "\\u0006\\u0015"'),
    ("eurotherm_bisynch", '"\\u0006\\u0015"', '"\\u0003"', "alone: expected control characters"),
    ("eurotherm_bisynch", 'from = "\\u0002"', 'from = "\\u0002", skip = 1', "checksum.skip: expected either from or"),
    ("rotronic_probe", '"sum16"', '"crc8"', "checksum.modulo: only a sum has it, not a CRC"),
    ("rotronic_probe", "modulo = 64, ", "", "checksum.plus: expected modulo beside it"),
    (
        "ion_gauge",
        "raw / 4000",
        "row / 4000",
        'channels.pressure.formula: the name "row" is not known here, did you mean "raw"?',
    ),
    (
        "ion_gauge",
        'unit = "mbar"',
        'unit = "mbar"\nfield = "raw"',
        "channels.pressure.field: expected either a formula",
    ),
    ("gps_receiver", "S = -1", 'S = "minus"', 'channels.latitude.values.S: expected a value of type "number"'),
]


@pytest.mark.parametrize(("name", "found", "instead", "sentence"), MISTAKES)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, name: str, found: str, instead: str, sentence: str) -> None:
    folder = Path(__file__).parent / "instruments"
    text = (folder / f"{name}.toml").read_text()
    assert found in text
    with pytest.raises(config.ConfigError) as raised:
        configured(tmp_path, name, "/dev/ttyUSB9", text=text.replace(found, instead))
    assert f"instruments.it.{sentence}" in str(raised.value)


ALONE = Framing(received_begin=b"\x02", received_terminator=b"\x03", alone=b"\x06\x15")


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_character_that_stands_alone_is_a_line_only_where_no_other_has_begun(size: int) -> None:
    content = b"\x06\x02a\x06b\x03\x15\x15noise\x06\x02c\x03\x06"
    for splitter, sent in (
        (FramedSplitter(counters=Counters(), framing=ALONE), content),
        (LineSplitter(counters=Counters(), framing=Framing(alone=b"\x06\x15")), b"\x06a\x06b\r\n\x15\x15c\r\n\x06"),
    ):
        splitter.begin()
        found = [line for at in range(0, len(sent), size) for line in splitter.feed(sent[at : at + size])]
        assert found == ["\x06", "a\x06b", "\x15", "\x15", "c", "\x06"]


def test_a_character_alone_is_nothing_before_a_beginning_was_seen() -> None:
    splitter = LineSplitter(counters=Counters(), framing=Framing(alone=b"\x06"))
    assert splitter.feed(b"\x06\x06") == []
    assert splitter.feed(b"\r\n\x06") == ["\x06"]
