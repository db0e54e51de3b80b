"""Which instrument it is: what it says of itself against what is expected, and where it is looked for.

    what it said + expected --mistaken()--> a sentence, or it is the right one
    ports, patterns --existing()--> Spots --Search.due()--> where to ask now      Search.sentence() --> the state

Only ports that were given or match a pattern of `search` are asked, and of those only serial ports.
"""

import glob
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.configuration.tables import Table, hint
from kleinmaelzung_agent.drivers.port_settings import PortSettings, device_of

ASKED_AGAIN_S: Final = 30.0  # a port where it was not; one that is plugged in anew is asked at once
TRIES: Final = 2  # the first question after an opening may be lost
SHOWN: Final = 6
MAX_SPOTS: Final = 64
MAX_SAID: Final = 100  # characters of one thing it says of itself
_TERMINALS: Final = "/dev/pts/"  # they have no hardware behind them, and are asked where somebody names them


def read_expected(table: Table, said: Iterable[str]) -> dict[str, str]:
    """The keys of an identity's table that are named like what the instrument says of itself: `serial = "4711"`."""
    expected = {}
    for name in said:
        if name in table:
            expected[name] = table.text(name, longest=MAX_SAID)
            if not expected[name].strip():
                table.mistake(name, 'expected what the instrument says, found ""')
    return expected


def check_said(table: Table, said: Iterable[str], own: Iterable[str]) -> None:
    """What is expected must be said: a mistyped name would never be found out."""
    known = [*said, *own]
    for key in table.values:
        if key not in known:
            table.mistake(key, f"the instrument does not say it{hint(key, known)}")


def tidy(said: Mapping[str, str | None]) -> dict[str, str]:
    """What it says of itself, as it is kept and shown."""
    return {name: text.strip()[:MAX_SAID] for name, text in said.items() if text is not None}


def mistaken(expected: Mapping[str, str], said: Mapping[str, str]) -> str:
    """What is wrong; empty for the right instrument."""
    for name, value in expected.items():
        if (found := said.get(name)) is None:
            return f"it does not say its {name}, expected {value}"
        if found != value.strip():
            return f"{name} {found}, expected {value.strip()}"
    return ""


def shown(expected: Mapping[str, str]) -> str:
    """Which instrument is meant."""
    return ", ".join(f"{name} {value.strip()}" for name, value in expected.items()) or "the instrument"


# --- where it may be --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A port that is there. `mark` changes when it is plugged in anew."""

    port: str
    device: str
    mark: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    why: str
    mark: tuple[int, ...]
    at: float


class Search:
    """Where an instrument was looked for, and what was found there. Time comes in, as monotonic seconds."""

    def __init__(self, settings: PortSettings, expected: Mapping[str, str]) -> None:
        self._settings, self._wanted = settings, shown(expected)
        self._passed: dict[str, _Passed] = {}  # by port
        self._last = settings.port  # where it was found
        self._is_there = False  # the configured port

    @property
    def likely(self) -> tuple[str, ...]:
        """Where to look first: where it was found, and where it is said to be."""
        return tuple(dict.fromkeys(port for port in (self._last, self._settings.port) if port))

    def due(self, spots: Iterable[Spot], now: float) -> list[Spot]:
        """Where to ask now. What is not there any more is forgotten."""
        there = list(spots)
        self._is_there = any(spot.device == self._settings.same for spot in there)
        self._passed = {spot.port: self._passed[spot.port] for spot in there if spot.port in self._passed}
        return [spot for spot in there if self._is_due(spot, now)]

    def _is_due(self, spot: Spot, now: float) -> bool:
        passed = self._passed.get(spot.port)
        return (
            passed is None or spot.port in self.likely or passed.mark != spot.mark or now - passed.at >= ASKED_AGAIN_S
        )

    def passed(self, spot: Spot, why: str, now: float) -> None:
        """It is not there."""
        self._passed[spot.port] = _Passed(why=why, mark=spot.mark, at=now)

    def busy(self, spot: Spot, why: str) -> None:
        """It could not be asked there: this is tried again."""
        self._passed[spot.port] = _Passed(why=why, mark=(-1,), at=0.0)

    def found(self, spot: Spot) -> None:
        self._last = spot.port
        self._passed.pop(spot.port, None)

    def sentence(self, asking: str = "") -> str:
        """What the state says while it is looked for. The same as before while a port is asked again."""
        port = self._settings.port
        told = [f"{port} is not there"] if port and not self._is_there else []
        told += [f"{port}: {passed.why}" for port, passed in self._passed.items()]
        if asking and asking not in self._passed:
            told.append(f"asking at {asking}")
        if len(told) > SHOWN:
            told = [*told[:2], f"... {len(told) - SHOWN} more", *told[2 - SHOWN :]]
        if not self._passed and not asking:
            told.append(f"no port is there of {', '.join(self._settings.search)}")
        where = "; ".join(told)
        return f"looking for {self._wanted}: {where}"


def existing(given: Iterable[str], patterns: Iterable[str], spared: Iterable[str] = ()) -> list[Spot]:
    """The ports given that are there, then the serial ports that match, each device once; without those spared."""
    found: dict[str, Spot] = {}
    left_out = {device_of(port) for port in spared}
    matching = (port for pattern in patterns for port in sorted(glob.glob(pattern)))
    for port, is_given in [*((port, True) for port in given), *((port, False) for port in matching)]:
        device = device_of(port)
        is_wanted = is_given or (device not in left_out and _is_serial(device) and len(found) < MAX_SPOTS)
        if is_wanted and device not in found and (mark := _mark(device)):
            found[device] = Spot(port=port, device=device, mark=mark)
    return list(found.values())


def _is_serial(device: str) -> bool:
    # Other devices do not take it well to be opened: a watchdog starts, a console shows what is sent.
    return device.startswith(_TERMINALS) or os.path.exists(f"/sys/class/tty/{os.path.basename(device)}/device")


def _mark(device: str) -> tuple[int, ...]:
    """Empty for what is not there."""
    if "://" in device:
        return (1,)
    try:
        about = os.stat(device)
    except OSError:
        return ()
    return (about.st_rdev, about.st_ino, about.st_ctime_ns) if stat.S_ISCHR(about.st_mode) else ()
