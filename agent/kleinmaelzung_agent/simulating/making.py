"""An instrument as its profile says it: the profile in, what stands in for the instrument out.

Profile --simulated()--> Simulated (instrument.py): text.py, binary.py, modbus.py
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.profiles.profile_files import Profile, ProfileError
from kleinmaelzung_agent.simulating import script, text, variables
from kleinmaelzung_agent.simulating.instrument import Simulated
from kleinmaelzung_agent.simulating.script import Entry, Language
from kleinmaelzung_agent.simulating.variables import Variables

# What a profile leaves to the instrument's table, for reading its settings without one.
_PLACES: Final = {"port": "/dev/null"}
_BY_THE_KERNEL: Final = {
    "i2c": "an I2C bus is this machine's own hardware: no program can stand in for an instrument on it",
    "onewire": "the 1-wire bus is this machine's own hardware: no program can stand in for a sensor on it",
}


def parts(profile: Profile, language: Language = script.TEXT) -> tuple[Variables, tuple[Entry, ...], Table]:
    """What a profile says of its simulator. Raises ProfileError."""
    mistakes: list[str] = []
    whole = Table({"simulator": profile.simulator, "transcript": list(profile.transcript)}, "", mistakes)
    own = whole.table("simulator")
    courses = variables.read(own.table("variables"))
    entries = script.read(whole.tables("transcript"), list(courses), language)
    for key in ("terminator", "registers"):  # read by who needs them
        own.anything(key)
    own.finish()
    if mistakes:
        raise ProfileError(f"{profile.path}: {'; '.join(mistakes)}")
    return Variables(courses), entries, own


def configuration(profile: Profile, **own: str) -> Any:
    """The settings as the driver understands them, with the instrument's own keys. Raises ProfileError."""
    mistakes: list[str] = []
    values = {**(_PLACES if profile.driver not in _BY_THE_KERNEL else {}), **profile.settings, **own}
    config = registry.read(Table(values, "", mistakes))
    if mistakes or config is None:
        raise ProfileError(f"{profile.path}: {'; '.join(mistakes)}")
    return config


@asynccontextmanager
async def simulated(profile: Profile, *, is_frozen: bool = False, framing: str = "rtu") -> AsyncIterator[Simulated]:
    """The instrument, as long as the context lasts. `framing` is Modbus's. Raises ProfileError."""
    profile = profile.filled({name: value or "1" for name, value in profile.parameters.items()})
    if profile.driver in _BY_THE_KERNEL:
        raise ProfileError(f"{profile.name}: {_BY_THE_KERNEL[profile.driver]}")
    made = _made(profile, configuration(profile), framing)
    made.variables.is_frozen = is_frozen
    yield made


def _made(profile: Profile, config: Any, framing: str) -> Simulated:
    if isinstance(config, TextConfig):
        numbers, entries, table = parts(profile)
        return text.SimulatedText(config, numbers, entries, table.text("terminator", text.TERMINATOR).encode())
    if profile.driver == "modbus":
        from kleinmaelzung_agent.simulating import modbus  # it needs pymodbus

        numbers, entries, table = parts(profile)
        return modbus.made(config, numbers, entries, table, profile.settings.get("framing", framing))
    if profile.driver == "binary":
        from kleinmaelzung_agent.simulating import binary

        numbers, entries, _ = parts(profile, binary.Bytes(config.records))
        return binary.SimulatedBinary(config, numbers, entries)
    raise ProfileError(f'{profile.name}: instruments of driver "{profile.driver}" cannot be simulated')
