"""docs/drivers.md: what it shows can be copied, and what it says of keys is all there is."""

import inspect
import re
from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.binary import config as binary_config
from kleinmaelzung_agent.drivers.binary import record_tables
from kleinmaelzung_agent.drivers.i2c import config as i2c_config
from kleinmaelzung_agent.drivers.i2c import steps as i2c_steps
from kleinmaelzung_agent.drivers.modbus import config as modbus_config
from kleinmaelzung_agent.drivers.onewire import driver as onewire_driver
from kleinmaelzung_agent.drivers.scpi import config as scpi_config
from kleinmaelzung_agent.drivers.text import channel_tables, framing_tables, pattern_tables
from kleinmaelzung_agent.drivers.text import config as text_config

ROOT = Path(__file__).parents[4]
DOCUMENT = (ROOT / "docs/drivers.md").read_text()
EXAMPLE = (ROOT / "agent/agent.example.toml").read_text()
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
AGENT = '[agent]\nname = "pi-1"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
KEY = re.compile(
    r'(?:table|below)\.(?:text|texts|choice|number|integer|boolean|duration|table|tables|text_list)\(\s*"(\w+)"'
)


@pytest.mark.parametrize("block", BLOCKS, ids=[re.findall(r"[\w.]+", block)[0] for block in BLOCKS])
def test_each_example_is_right(tmp_path: Path, block: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(AGENT + block)
    path.chmod(0o600)
    assert config.load(path).instruments


@pytest.mark.parametrize(
    "module",
    [
        binary_config,
        channel_tables,
        checksums,
        framing_tables,
        i2c_config,
        i2c_steps,
        modbus_config,
        onewire_driver,
        pattern_tables,
        record_tables,
        scpi_config,
        text_config,
    ],
    ids=lambda it: it.__name__,
)
def test_each_key_is_told(module: object) -> None:
    keys = set(KEY.findall(inspect.getsource(module)))  # type: ignore[arg-type]
    assert keys
    missing = {key for key in keys if not re.search(rf"\b{key}\b", DOCUMENT + EXAMPLE)}
    assert not missing


def test_each_kind_of_checksum_is_told() -> None:
    assert all(f"`{name}`" in DOCUMENT for name in checksums.ALGORITHMS)
