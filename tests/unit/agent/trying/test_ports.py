"""What is plugged in, from a /dev and a /sys of our own."""

import os
from pathlib import Path

from kleinmaelzung_agent.trying import ports
from kleinmaelzung_agent.trying.ports import Place, Places, SerialPort
from tests import driving

AGENT = """
[instruments.balance]
port = "LINK"
[instruments.balance.channels.weight]
[[instruments.balance.stream]]
pattern = '(?P<weight>[0-9.]+)'
[instruments.air]
driver = "i2c"
bus = 1
address = 0x44
[[instruments.air.read]]
every = "1s"
register = 0
read = 2
fields = { raw = { type = "int16" } }
[instruments.air.channels.temperature]
formula = "raw"
[instruments.cellar]
driver = "onewire"
id = "28-0316a279d6ff"
[instruments.cellar.channels.temperature]
"""


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def machine(root: Path) -> Path:
    """A USB adapter, a port of the board, one that is none, an I2C bus, a 1-wire sensor. Gives the adapter's link."""
    device = write(root / "dev/ttyUSB0")
    usb = root / "sys/devices/usb1/1-1"
    for key, value in {"product": "FT232R", "serial": "A50285BI", "idVendor": "0403", "idProduct": "6001"}.items():
        write(usb / key, f"{value}\n")
    (usb / "1-1:1.0/ttyUSB0").mkdir(parents=True)
    (root / "sys/class/tty/ttyUSB0").mkdir(parents=True)
    (root / "sys/class/tty/ttyUSB0/device").symlink_to(usb / "1-1:1.0/ttyUSB0")
    link = root / "dev/serial/by-id/usb-FTDI_A50285BI"
    link.parent.mkdir(parents=True)
    link.symlink_to(device)
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        write(root / "dev" / name)
        write(root / f"sys/class/tty/{name}/type", f"{kind}\n")
    write(root / "dev/i2c-1")
    write(root / "sys/class/i2c-dev/i2c-1/name", "bcm2835 I2C adapter\n")
    write(root / "w1/28-0316a279d6ff/w1_slave")
    return link


def test_all_that_is_there_is_shown_with_whose_it_is(tmp_path: Path) -> None:
    link = machine(tmp_path)
    config = tmp_path / "etc"
    config.mkdir()
    text = AGENT.replace("LINK", str(link))
    with (tmp_path / "dev/ttyUSB0").open():
        found = ports.look(driving.load(config, text), tmp_path, tmp_path / "w1")
    ours = found.serial[0].used_by
    assert len(ours) == 1
    assert f"(process {os.getpid()})" in ours[0]
    assert found == Places(
        serial=(
            SerialPort(
                port=str(link),
                device=str(tmp_path / "dev/ttyUSB0"),
                product="FT232R",
                serial="A50285BI",
                usb="0403:6001",
                used_by=ours,
                instruments=("balance",),
            ),
            SerialPort(port=str(tmp_path / "dev/ttyS0"), device=str(tmp_path / "dev/ttyS0")),
        ),
        i2c=(Place(name=str(tmp_path / "dev/i2c-1"), about="bcm2835 I2C adapter", instruments=("air",)),),
        onewire=(Place(name="28-0316a279d6ff", about="thermometer", instruments=("cellar",)),),
    )
    lines = "\n".join(ports.shown(found))
    for text in ("serial number A50285BI", "in agent.toml: balance", "open in ", "bcm2835 I2C adapter", "thermometer"):
        assert text in lines


def test_a_machine_without_ports_says_what_to_do(tmp_path: Path) -> None:
    found = ports.look({}, tmp_path, tmp_path)
    assert found == Places()
    assert "Plug an adapter in" in "\n".join(ports.shown(found))
