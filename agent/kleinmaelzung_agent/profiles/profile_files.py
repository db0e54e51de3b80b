"""Profiles: what is known of a make of instruments, in files, and what an instrument's own table changes of it.

    mt-sics.toml --find()--> Profile        Profile + the instrument's table --applied()--> the whole table

A profile is a TOML file: `[profile]` says what it is of and where it comes from, `[[transcript]]` and `[simulator]`
what is sent and what comes (its test and its simulator), and all else is what an instrument's table has.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import Table, hint, shown

SHIPPED: Final = Path(__file__).parent
OWN: Final = Path("/etc/kleinmaelzung/profiles")
FROM_MANUAL: Final = "from the manual"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")  # goes into regular expressions as it is
_PARAMETER: Final = re.compile(r"\$\(([a-z][a-z0-9_]*)\)")
_NOT_OF_AN_INSTRUMENT: Final = ("profile", "transcript", "simulator")


class ProfileError(Exception):
    """A profile cannot be used; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One file. `tested` is "simulator NAME" or "from the manual", and never more than is true."""

    name: str
    path: Path
    label: str
    devices: str
    source: str
    tested: str
    note: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # with their defaults; "": it must be given
    settings: Mapping[str, Any]  # the keys of an instrument
    transcript: Sequence[Mapping[str, Any]] = ()
    simulator: Mapping[str, Any] = field(default_factory=dict)

    @property
    def driver(self) -> str:
        return str(self.settings.get("driver", "text"))

    def filled(self, given: Mapping[str, str]) -> "Profile":
        """With the parameters in their places."""
        values = {**self.parameters, **given}
        return Profile(
            name=self.name,
            path=self.path,
            label=self.label,
            devices=self.devices,
            source=self.source,
            tested=self.tested,
            note=self.note,
            parameters=self.parameters,
            settings=_filled(self.settings, values),
            transcript=_filled(self.transcript, values),
            simulator=_filled(self.simulator, values),
        )


def folders(own: Path | None = None) -> tuple[Path, ...]:
    """Where profiles are looked for: one's own first, so that one can be changed."""
    return tuple(dict.fromkeys([own or OWN, OWN, SHIPPED]))


def names(places: Sequence[Path]) -> list[str]:
    return sorted({path.stem for place in places for path in _files(place)})


def find_all(places: Sequence[Path]) -> Iterator[Profile | ProfileError]:
    """Each, or why it cannot be used."""
    for name in names(places):
        try:
            yield find(name, places)
        except ProfileError as error:
            yield error


def find(name: str, places: Sequence[Path]) -> Profile:
    """Raises ProfileError."""
    found = next((path for place in places for path in _files(place) if path.stem == name), None)
    if found is None:
        there = names(places)
        advice = hint(name, there) or "; `kleinmaelzung-agent profiles` shows them"
        raise ProfileError(f"there is no profile {shown(name)}{advice}")
    return read(found)


def _files(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.glob("*.toml") if _NAME.fullmatch(path.stem))
    except OSError:
        return []


def read(path: Path) -> Profile:
    """Raises ProfileError."""
    try:
        root = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML
        raise ProfileError(f"{path}: {error}") from error
    return parse(root, path)


def parse(root: Mapping[str, Any], path: Path) -> Profile:
    """Raises ProfileError, whose sentence names all mistakes."""
    mistakes: list[str] = []
    whole = Table(dict(root), "", mistakes)
    about = whole.table("profile")
    if "profile" not in whole:
        mistakes.append("profile: missing, expected a table [profile]")
    profile = Profile(
        name=path.stem,
        path=path,
        label=about.text("label"),
        devices=about.text("devices", ""),
        source=about.text("source"),
        tested=_tested(about),
        note=about.text("note", ""),
        parameters=_parameters(about),
        settings={key: value for key, value in root.items() if key not in _NOT_OF_AN_INSTRUMENT},
        transcript=[below.values for below in whole.tables("transcript")],
        simulator=whole.table("simulator").values,
    )
    about.finish()
    lacking = sorted(set(_used(root)) - set(profile.parameters))
    mistakes += [f"profile.parameters.{name}: missing, since $({name}) is used" for name in lacking]
    if mistakes:
        raise ProfileError(f"{path}: {'; '.join(mistakes)}")
    return profile


def _tested(about: Table) -> str:
    tested = about.text("tested", FROM_MANUAL)
    if tested != FROM_MANUAL and not tested.startswith(("simulator ", "device ")):
        about.mistake("tested", f'expected "simulator NAME", "device NAME" or "{FROM_MANUAL}", found {shown(tested)}')
    return tested


def _parameters(about: Table) -> dict[str, str]:
    below = about.table("parameters")
    found = {name: below.text(name, "", longest=32) for name in below.values}
    for name, value in found.items():
        if value and not _VALUE.fullmatch(value):
            below.mistake(name, f"expected letters, digits, - and _, found {shown(value)}")
    return found


# --- an instrument and its profile ------------------------------------------------------------------------------------


def applied(table: Table, places: Sequence[Path]) -> bool:
    """Lay the instrument's table over the profile that it names; mistakes are collected by the table.

    False where there is no such profile: without it everything would be missing.
    """
    name = table.values.get("profile")
    if not isinstance(name, str) or not name:
        return True
    try:
        profile = find(name, places)
    except ProfileError as error:
        table.mistake("profile", str(error))
        return False
    given = _given(table, profile)
    own = {key: value for key, value in table.values.items() if key != "parameters"}
    table.values = merged(profile.filled(given).settings, own)
    return True


def _given(table: Table, profile: Profile) -> dict[str, str]:
    below = table.table("parameters")
    given: dict[str, str] = {}
    for name, value in below.values.items():
        if name not in profile.parameters:
            below.mistake(name, f"the profile has no such parameter{hint(name, profile.parameters)}")
        elif type(value) not in (str, int) or not _VALUE.fullmatch(str(value)):
            below.mistake(name, f"expected letters, digits, - and _, found {shown(value)}")
        else:
            given[name] = str(value)
    for name, default in profile.parameters.items():
        if not default and name not in below.values:
            below.mistake(name, "missing, the profile needs it")
    return given


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables key by key; lists, such as [[poll]], as a whole."""
    whole = dict(below)
    for key, value in above.items():
        under = whole.get(key)
        whole[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return whole


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _PARAMETER.sub(lambda found: given.get(found[1], found[0]), value)
        case dict():
            return {key: _filled(below, given) for key, below in value.items()}
        case list() | tuple():
            return [_filled(below, given) for below in value]
    return value


def _used(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from _PARAMETER.findall(value)
        case dict():
            for below in value.values():
                yield from _used(below)
        case list():
            for below in value:
                yield from _used(below)
