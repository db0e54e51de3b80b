"""An agent of the harness: its configuration, its own process in the field, its small disk and its clock."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kleinmaelzung_local.children import Child
from kleinmaelzung_local.mosquitto import write_private
from tests.faults.field import Field
from tests.faults.parts import Part
from tests.small_disk import BALLAST, fill

FAKETIME: Final = "libfaketime.so.1"

_HEAD: Final = """[agent]
name = "{name}"
url = "{url}"
secret = "{secret}"
data = "{disk}"
"""
_INSTRUMENT: Final = """
[instruments.{name}]
port = "socket://127.0.0.1:{port}"
terminator = "\\r\\n"

[instruments.{name}.channels.count]
type = "integer"
"""
_STREAM: Final = """
[[instruments.{name}.start]]
send = "GO"

[[instruments.{name}.stream]]
pattern = 'N (?P<count>[0-9]+)'
"""
# An answer that comes after its time is not a value, by the agent's own rule; so the time is longer than any freeze.
_POLLED: Final = """
[[instruments.{name}.poll]]
send = "R?"
every = "{every_ms}ms"
timeout = "15s"
reply = [{{ pattern = 'N (?P<count>[0-9]+)' }}]
"""

_COMMANDED: Final = """
[instruments.{name}.commands.set]
send = "SET {{number:d}}"
timeout = "3s"
reply = [{{ pattern = 'OK (?P<number>[0-9]+)' }}]

[instruments.{name}.commands.set.arguments.number]
type = "integer"
"""


class Agent(Part):
    """A real agent. Its clock is libfaketime's where that is installed."""

    def __init__(self, name: str, directory: Path, field: Field) -> None:
        self.disk = directory / "disk"
        self._directory = directory
        self._clock = directory / "clock"
        command = [sys.executable, "-m", "kleinmaelzung_agent", "--config", str(directory / "agent.toml")]
        child = Child(name=name, command=field.command(command), environment=self._environment(), is_ready=_at_once)
        super().__init__(child, directory / "agent.log")

    def configure(self, url: str, secret: str, ports: Mapping[str, int], polled_hz: float) -> None:
        """Write its configuration; an instrument's name says whether it is a stream, polled or commanded."""
        text = _HEAD.format(name=self.name, url=url, secret=secret, disk=self.disk)
        for name, port in ports.items():
            kind = _STREAM if name.startswith("stream") else _POLLED
            text += _INSTRUMENT.format(name=name, port=port)
            text += kind.format(name=name, every_ms=round(1000 / polled_hz))
            if name.startswith("commanded"):
                text += _COMMANDED.format(name=name)
        write_private(self._directory / "agent.toml", text)
        self.set_clock("+0")

    def set_clock(self, offset: str) -> None:
        """Set its wall clock off by so much: "+1h", "-1h", "+0". The monotonic clock goes on."""
        write_private(self._clock, offset + "\n")

    def fill_disk(self) -> None:
        """Leave no byte on its disk."""
        fill(self.disk)

    def empty_disk(self) -> None:
        (self.disk / BALLAST).unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        library = find_faketime()
        faked = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            # Without it libfaketime makes Python's threads wait up to a second for each other (0.9.10, measured).
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        return os.environ | (faked if library else {})


def find_faketime() -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob(f"*/faketime/{FAKETIME}"))), None)


async def _at_once() -> bool:
    return True
