"""What an agent loads: a Pi with one text instrument pays neither for other drivers nor for what servers need."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from tests.fakes_instruments import Pty, Thermometer
from tests.integration.test_agent_check import write
from tests.whole import THERMOMETER

LIBRARIES = {"msgpack", "websockets", "serial", "serial_asyncio"}
TRIED = {"org", "python_socks"}  # looked for by pickle and websockets, and not there
OURS = {"kleinmaelzung_agent", "kleinmaelzung_wire"}
DRIVERS = "kleinmaelzung_agent.drivers."
ALWAYS = "i2c.buses"  # instruments may share them; it needs no library
NOWHERE = "ws://127.0.0.1:9"
MODBUS = """
[instruments.chamber]
driver = "modbus"
port = "/dev/nowhere"
channels = { temperature = { holding = 1 } }
"""


def instrument(port: str) -> str:
    return THERMOMETER.format(name="thermometer", port=port, every="100ms")


def loaded(said: str) -> set[str]:
    """The modules that `python -X importtime` names."""
    return {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}


async def run(*typed: str, until: str = "") -> str:
    """All that a program says on stderr; it is ended once it has said something."""
    command = (sys.executable, "-X", "importtime", *typed)
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
    assert process.stderr
    said = ""
    try:
        async with asyncio.timeout(60):
            while line := (await process.stderr.readline()).decode():
                said += line
                if until and until in line:
                    process.send_signal(signal.SIGTERM)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert until in said, said
    return said


async def packages(said: str) -> set[str]:
    """The packages beyond the standard library, and beyond what this Python loads by itself."""
    ever = loaded(await run("-c", "pass"))
    return {name.partition(".")[0] for name in loaded(said) - ever} - TRIED - set(sys.stdlib_module_names)


def drivers(said: str) -> set[str]:
    """The folders whose modules were loaded; the module that importlib is asked for is not named."""
    below = {name.removeprefix(DRIVERS) for name in loaded(said) if name.startswith(DRIVERS)} - {ALWAYS}
    return {name.partition(".")[0] for name in below if "." in name}


async def test_an_agent_with_one_text_instrument_loads_what_that_needs(tmp_path: Path) -> None:
    with Pty(tmp_path / "thermometer") as pty:
        Thermometer(pty).start().pty.plug()
        config = write(tmp_path, NOWHERE, instrument(pty.port))
        said = await run("-m", "kleinmaelzung_agent", "--config", str(config), until="thermometer: connected")
    assert await packages(said) <= LIBRARIES | OURS
    assert drivers(said) == {"text"}


async def test_a_check_loads_no_more(tmp_path: Path) -> None:
    config = write(tmp_path, NOWHERE, instrument("/dev/nowhere"))
    said = await run("-m", "kleinmaelzung_agent", "--config", str(config), "--check")
    assert await packages(said) <= LIBRARIES | OURS
    assert drivers(said) == {"text"}


async def test_a_driver_that_is_configured_is_loaded(tmp_path: Path) -> None:
    config = write(tmp_path, NOWHERE, MODBUS)
    said = await run("-m", "kleinmaelzung_agent", "--config", str(config), "--check")
    assert drivers(said) == {"modbus"}
    assert await packages(said) - LIBRARIES - OURS == {"pymodbus"}
