"""A service's configuration: environment in, Config out, or all mistakes at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kleinmaelzung_bus.session import Broker, Kind
from kleinmaelzung_services import keeping
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError

PREFIX: Final = "KLEINMAELZUNG_"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


class ConfigError(Exception):
    """The environment is no configuration; `mistakes` has a sentence for each variable that is wrong."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    broker: Broker
    dsn: str = field(repr=False)  # it may hold a password
    name: str
    log_level: str = "info"
    health_file: Path | None = None  # touched while the service is well, for who supervises it
    database_path: Path | None = None  # a directory on the database's disk: how much room is left is asked there
    keeping: Keeping = field(default_factory=Keeping)


@dataclass
class _Reader:
    environment: Mapping[str, str]
    mistakes: list[str] = field(default_factory=list)

    def wrong(self, key: str, sentence: str) -> None:
        self.mistakes.append(f"{PREFIX}{key}: {sentence}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.environment.get(PREFIX + key) or default
        if value is None:
            self.wrong(key, "missing")
        return value or ""

    def file(self, key: str) -> str:
        """The content of the file a variable names."""
        path = self.text(key)
        try:
            content = Path(path).read_text("utf-8").strip() if path else ""
        except (OSError, UnicodeError) as error:
            self.wrong(key, f"{path} cannot be read: {error}")
            return ""
        if path and not content:
            self.wrong(key, f"{path} is empty")
        return content


def read_config(environment: Mapping[str, str], default_name: str) -> Config:
    """Read the variables; who is not told a name has the usual one. Raises ConfigError with every mistake."""
    reader = _Reader(environment)
    name, log_level = reader.text("NAME", default_name), reader.text("LOG_LEVEL", "info").lower()
    broker = _broker(reader, name)
    dsn = _dsn(reader)
    try:
        topics.check_name(name, "name")
    except WireError as error:
        reader.wrong("NAME", str(error))
    if log_level not in LOG_LEVELS:
        reader.wrong("LOG_LEVEL", f"{log_level!r} is none of {', '.join(LOG_LEVELS)}")
    kept, wrong = keeping.read(environment, PREFIX)
    for key, sentence in wrong.items():
        reader.wrong(key, sentence)
    if reader.mistakes or broker is None:
        raise ConfigError(reader.mistakes)
    health_file, database_path = environment.get(PREFIX + "HEALTH_FILE"), environment.get(PREFIX + "DATABASE_PATH")
    return Config(
        broker=broker,
        dsn=dsn,
        name=name,
        log_level=log_level,
        health_file=Path(health_file) if health_file else None,
        database_path=Path(database_path) if database_path else None,
        keeping=kept,
    )


def _broker(reader: _Reader, name: str) -> Broker | None:
    # The account's rules name the service: another one's name could not even say that it is there.
    url, user = reader.text("MQTT"), reader.text("MQTT_USER", f"service:{name}")
    password = reader.file("MQTT_PASSWORD_FILE")
    ca_file = Path(path) if (path := reader.environment.get(PREFIX + "MQTT_CA_FILE")) else None
    kind = _kind(reader)
    try:
        return Broker.from_url(url, user=user, password=password, ca_file=ca_file, kind=kind) if url else None
    except ValueError as error:
        reader.wrong("MQTT", str(error))
        return None


def _kind(reader: _Reader) -> Kind:
    match reader.text("MQTT_KIND", "mosquitto"):
        case "mosquitto" | "rabbitmq" as kind:
            return kind
        case other:
            reader.wrong("MQTT_KIND", f"expected mosquitto or rabbitmq, found {other!r:.40}")
    return "mosquitto"


def _dsn(reader: _Reader) -> str:
    given = [key for key in ("DSN", "DSN_FILE") if reader.environment.get(PREFIX + key)]
    if len(given) != 1:
        reader.wrong("DSN", "missing" if not given else f"given twice, also as {PREFIX}DSN_FILE")
        return ""
    dsn = reader.file("DSN_FILE") if given == ["DSN_FILE"] else reader.text("DSN")
    if dsn and not dsn.startswith(("postgresql://", "postgres://")):
        reader.wrong(given[0], "not a database's address, expected postgresql://user:password@host:port/database")
    return dsn
