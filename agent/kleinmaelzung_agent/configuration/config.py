"""agent.toml: read once into frozen dataclasses, every mistake reported at once with its place.

Path in, Config out; raises ConfigError, whose text names the file and each key. drivers/ read what belongs to
one instrument.
"""

import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kleinmaelzung_agent.commands.interlocks import Comparison
from kleinmaelzung_agent.configuration.tables import Table, hint, shown
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.spool.spool import Limits
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.orders import ITSELF

# With less, a minute without the network could be too long for a fast instrument.
SMALLEST_SPOOL = 1_000_000
SHORTEST_AGE_S = 3600.0
# What is older than 400 days the logger takes for a wrong clock.
LONGEST_AGE_S = 365 * 86400.0
# What a logger is asked about must be little enough to be told.
LONGEST_KEEP_S = 90 * 86400.0
NAME_RULE = "1 to 32 of a-z 0-9 _ -, starting with a letter or digit"


class ConfigError(Exception):
    """The configuration cannot be used; the text is one message with all mistakes and their places."""

    @property
    def head(self) -> str:
        """Where and how many."""
        return str(self).partition("\n")[0]

    @property
    def mistakes(self) -> list[str]:
        """Each on its own; none where the head says all."""
        return [line.strip() for line in str(self).splitlines()[1:]]

    @property
    def in_one_line(self) -> str:
        return ": ".join([self.head, *(["; ".join(self.mistakes)] if self.mistakes else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    name: str
    url: str
    secret: str = field(repr=False)
    data: Path
    ca_file: Path | None = None
    server_key_file: Path | None = None  # whose orders are carried out
    profiles: Path | None = None  # one's own; None: profile_files.OWN
    spool: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    agent: AgentConfig
    instruments: dict[str, InstrumentConfig]


def load(path: Path) -> Config:
    """Read and check agent.toml. Raises ConfigError with all mistakes; relative paths start at its directory."""
    return read(_text(path), path)


def read(text: str, path: Path) -> Config:
    """Check what agent.toml says, or is to say, at this place. Raises ConfigError as `load` does."""
    mistakes: list[str] = []
    root = Table(_parse(text, path), "", mistakes)
    own = _agent(root, path)
    config = Config(agent=own, instruments=_instruments(root, profile_files.folders(own.profiles)))
    root.finish()
    if mistakes:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ConfigError("\n  ".join([f"{path}: {count}", *mistakes]))
    return config


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error


def _parse(text: str, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _agent(root: Table, path: Path) -> AgentConfig:
    table, base = root.table("agent"), path.parent
    config = AgentConfig(
        name=_name(table, "name"),
        url=_url(table),
        secret=_secret(table, path),
        data=base / table.text("data"),
        ca_file=_ca_file(table, base),
        server_key_file=_server_key_file(table, base),
        profiles=_profiles(table, base),
        spool=_limits(root.table("spool")),
    )
    table.finish()
    return config


def _limits(table: Table) -> Limits:
    usual = Limits()
    limits = Limits(
        bytes=table.size("bytes", usual.bytes, minimum=SMALLEST_SPOOL),
        age_s=table.duration("age", usual.age_s, minimum=SHORTEST_AGE_S, maximum=LONGEST_AGE_S),
        keep_s=table.duration("keep", usual.keep_s, minimum=SHORTEST_AGE_S, maximum=LONGEST_KEEP_S),
        keep_bytes=table.size("keep_bytes", usual.keep_bytes, minimum=SMALLEST_SPOOL),
    )
    table.finish()
    return limits


def _instruments(root: Table, places: Sequence[Path]) -> dict[str, InstrumentConfig]:
    instruments = {}
    tables = root.named_tables("instruments")
    for name, table in tables.items():
        if not topics.NAME.match(name):
            table.mistakes.append(f"{table.place}: an instrument's name is {NAME_RULE}")
        if name == ITSELF:
            table.mistakes.append(f"{table.place}: {ITSELF} is the agent itself, choose another name")
        if profile_files.applied(table, places) and (config := registry.read(table)):
            instruments[name] = config
    for name, table in tables.items():
        _check_interlocks(table, name, instruments)
    _check_ports(tables, instruments)
    return instruments


def _check_ports(tables: dict[str, Table], instruments: dict[str, InstrumentConfig]) -> None:
    """A port has one instrument, or those of one bus: others would find it in use for ever, or read wrong answers."""
    first: dict[str, str] = {}
    for name, config in instruments.items():
        other = first.setdefault(config.port_key, name) if config.port_key else name
        if other != name and (sentence := _why_not_shared(config, other, instruments[other])):
            tables[name].mistake("port", sentence)


def _why_not_shared(config: InstrumentConfig, other: str, first: InstrumentConfig) -> str:
    place = shown(config.place)
    if config.shared_as is None or first.shared_as is None:
        return f"{place} is the port of instrument {other} already"
    if (config.driver, config.shared_as) == (first.driver, first.shared_as):
        return ""
    return f"{place} is shared with instrument {other}: expected the same driver and line settings for both"


def _check_interlocks(table: Table, name: str, instruments: dict[str, InstrumentConfig]) -> None:
    """What an interlock looks at is there, and of a type that can be compared so: a wrong one would never open."""
    own = instruments.get(name)
    for command, config in own.commands.items() if own else ():
        for interlock in config.interlocks:
            for comparison in interlock.comparisons:
                if sentence := _comparison_mistake(comparison, name, instruments):
                    table.mistakes.append(f"{table.place}.commands.{command}.interlock: {sentence}")


def _comparison_mistake(comparison: Comparison, name: str, instruments: dict[str, InstrumentConfig]) -> str:
    other = instruments.get(comparison.instrument or name)
    if other is None:
        return f'there is no instrument "{comparison.instrument}"{hint(comparison.instrument, instruments)}'
    channel = other.channels.get(comparison.channel)
    if channel is None:
        return f'there is no channel "{comparison.place}"{hint(comparison.channel, other.channels)}'
    wanted = {float: ("number", "integer"), str: ("text",), bool: ("boolean",)}[type(comparison.value)]
    if channel.type not in wanted:
        return f'"{comparison.place}" is of type "{channel.type}", found {shown(comparison.value)}'
    return ""


def _name(table: Table, key: str) -> str:
    name = table.text(key)
    if name and not topics.NAME.match(name):
        table.mistake(key, f"expected {NAME_RULE}, found {shown(name)}")
    return name


def _url(table: Table) -> str:
    url = table.text("url")
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("ws", "wss", "http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_good = False
    if url and not is_good:
        table.mistake("url", f'expected an address such as "ws://lab-server:8080", found {shown(url)}')
    return url


def _ca_file(table: Table, base: Path) -> Path | None:
    """Only named here: it is read at each connection, because it may be replaced. Missing at the start is a mistake."""
    file = table.text("ca_file", "")
    if file and not (base / file).is_file():
        table.mistake("ca_file", f"{base / file} is no file")
    return base / file if file else None


def _server_key_file(table: Table, base: Path) -> Path | None:
    """Only named here: it is read for each order. Without it the agent measures all the same."""
    file = table.text("server_key_file", "")
    return base / file if file else None


def _profiles(table: Table, base: Path) -> Path | None:
    folder = table.text("profiles", "")
    if folder and not (base / folder).is_dir():
        table.mistake("profiles", f"{base / folder} is no folder")
    return base / folder if folder else None


def _secret(table: Table, path: Path) -> str:
    inline = table.text("secret", "", is_secret=True)
    file = table.text("secret_file", "")
    if ("secret" in table) == ("secret_file" in table):
        found = "both" if "secret" in table else "neither"
        table.mistake("secret_file", f"expected either secret_file or secret, found {found}")
        return inline
    if "secret" in table:
        if inline != inline.strip() or (not inline and isinstance(table.values["secret"], str)):
            table.mistake("secret", "expected a text without spaces around it")
        _check_private(table, "secret", path)
        return inline
    return _read_secret(table, path.parent / file) if file else _no_file(table)


def _no_file(table: Table) -> str:
    if table.values["secret_file"] == "":
        table.mistake("secret_file", 'expected the name of a file, found ""')
    return ""


def _read_secret(table: Table, path: Path) -> str:
    try:
        _check_private(table, "secret_file", path)
        secret = path.read_bytes().decode().strip()
    except OSError as error:
        table.mistake("secret_file", f"{path} cannot be read: {error.strerror}")
        return ""
    except UnicodeDecodeError:
        table.mistake("secret_file", f"{path} holds something else than text")
        return ""
    if not secret:
        table.mistake("secret_file", f"{path} is empty")
    return secret


def _check_private(table: Table, key: str, path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        table.mistake(key, f"others can read {path} (mode {mode:04o}), run: chmod 600 {path}")
